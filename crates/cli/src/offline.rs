//! A hub's data directory, read without a hub: what the reading commands ask of `--data DIR`.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ndxp_counters::{Counters, CountersError, HomeError, StoreError, Watermark};
use ndxp_hub::backup::refuse_incomplete;
use ndxp_journal::{Entries, Kind, ReadError, Reader};
use ndxp_model::{Clock as _, Instant, Period, Sequence, SystemClock, TransactionId, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Call, Connection, Entry, Outcome, Transaction};
use ndxp_proto::registry::v1::{AuditEntry, GetCoverageResponse, ListAuditRequest};
use ndxp_proto::statistics::v1::{
    CountRequest, CountResponse, Counter, GetReportRequest, GetReportResponse, ImportedBaseline,
};
use ndxp_registry::{Registry, registry_at};
use ndxp_report::{RegistryNames, ReportError, Sources};

use crate::failure::{Exit, Failure};

#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    zone: Zone,
    reader: Reader,
}

impl DataDirectory {
    pub fn open(path: &Path, zone: Zone) -> Result<Self, Failure> {
        refuse_incomplete(path).map_err(Failure::internal)?;
        let journal = path.join("journal");
        if !journal.is_dir() {
            let what = format!(
                "{} is no data directory: it holds no journal",
                path.display()
            );
            return Err(Failure::usage(what)
                .remedy("name the folder that hub.data_dir in ndxp.toml names, with --data"));
        }
        let reader = Reader::open(&journal).map_err(Failure::internal)?;
        let path = path.to_owned();
        Ok(Self { path, zone, reader })
    }

    pub fn entries_of(
        &self,
        range: &RangeInclusive<Sequence>,
    ) -> impl Iterator<Item = Result<Entry, Failure>> {
        let entries = self.reader.entries(*range.start(), *range.end());
        entries.map(|entry| entry.map_err(Failure::from))
    }

    pub fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>, Failure> {
        Ok(self.reader.transaction(id)?)
    }

    /// Settled transactions in journal order, as `JournalService.ListTransactions` lists them:
    /// those that were closed within the half-open bounds, of which 0 leaves an end open.
    pub fn transactions(
        &self,
        (from_us, to_us): (i64, i64),
        wanted: impl Fn(&Connection, Outcome) -> bool,
    ) -> Result<impl Iterator<Item = Result<Transaction, Failure>>, Failure> {
        let first = self
            .reader
            .first_at_or_after(Instant::from_micros(from_us))?;
        let through = self.reader.position()?.sequence;
        let entries: Option<Entries> =
            first.map(|first| self.reader.entries_of(Kind::Closed, first, through));
        let within = move |entry: &Result<Entry, ReadError>| {
            entry
                .as_ref()
                .map_or(true, |entry| to_us == 0 || entry.committed_at_us < to_us)
        };
        let chosen = move |entry: &Result<Entry, ReadError>| match entry {
            Ok(Entry {
                body: Some(Body::Closed(closed)),
                ..
            }) => {
                let connection = closed.connection.clone().unwrap_or_default();
                wanted(&connection, closed.outcome())
            }
            Ok(_) => false,
            Err(_) => true,
        };
        let joined = entries
            .into_iter()
            .flatten()
            .take_while(within)
            .filter(chosen);
        Ok(joined.map(|entry| self.join(entry?)))
    }

    /// A closing with the opening that it names.
    fn join(&self, entry: Entry) -> Result<Transaction, Failure> {
        let Some(Body::Closed(closed)) = entry.body else {
            return Err(Failure::internal(format_args!(
                "sequence {} is no closing",
                entry.sequence
            )));
        };
        let id = TransactionId::from_slice(&closed.transaction_id).map_err(Failure::internal)?;
        let (call, opened_at_us) = match closed.opened_sequence {
            0 => (closed.refused_call.as_deref().cloned(), 0),
            opened => self.opening(Sequence::new(opened))?,
        };
        Ok(Transaction {
            transaction_id: id.to_string(),
            call,
            opened_sequence: closed.opened_sequence,
            opened_at_us,
            closed_sequence: entry.sequence,
            closed_at_us: entry.committed_at_us,
            closed: Some(closed),
        })
    }

    fn opening(&self, sequence: Sequence) -> Result<(Option<Call>, i64), Failure> {
        let entry = self.reader.entries(sequence, sequence).next().transpose()?;
        match entry {
            Some(Entry {
                body: Some(Body::Opened(opened)),
                committed_at_us,
                ..
            }) => Ok((opened.call, committed_at_us)),
            _ => Err(Failure::internal(format_args!(
                "sequence {sequence} is no opening"
            ))),
        }
    }

    /// The registry as of an instant, 0 for the journal's end.
    pub fn registry(&self, as_of_us: i64) -> Result<Registry, Failure> {
        let at = (as_of_us != 0).then(|| Instant::from_micros(as_of_us));
        registry_at(&self.reader, at).map_err(Failure::internal)
    }

    /// Who is connected by the registry as of an instant, 0 for the journal's end.
    pub fn coverage(
        &self,
        registry: &Registry,
        as_of_us: i64,
    ) -> Result<GetCoverageResponse, Failure> {
        let firsts = self.with_counters(|counters| Ok(counters.first_transaction_of()?))?;
        let by_then = |at: &Instant| as_of_us == 0 || at.as_micros() < as_of_us;
        let transacted: HashSet<String> = firsts
            .into_iter()
            .filter(|(_, at)| by_then(at))
            .map(|(system, _)| system)
            .collect();
        Ok(registry.coverage(&|system| transacted.contains(system.as_str())))
    }

    /// Administrative acts, and attempts at them that were refused.
    pub fn audit(&self, request: &ListAuditRequest) -> Result<Vec<AuditEntry>, Failure> {
        let answer = ndxp_registry::audit(&self.reader, request).map_err(Failure::internal)?;
        Ok(answer.entries)
    }

    /// What was imported from a previous platform, as the journal holds it.
    pub fn baselines(&self) -> Result<Vec<ImportedBaseline>, Failure> {
        let through = self.reader.position()?.sequence;
        let first = Sequence::new(1);
        let entries = self
            .reader
            .entries_of(Kind::BaselineImported, first, through);
        let imported = |entry: Result<Entry, ReadError>| {
            let entry = entry?;
            let baseline = match entry.body {
                Some(Body::BaselineImported(baseline)) => Some(baseline),
                _ => None,
            };
            Ok(ImportedBaseline {
                sequence: entry.sequence,
                committed_at_us: entry.committed_at_us,
                baseline,
            })
        };
        entries.map(imported).collect()
    }

    /// Every stored counter whose bucket lies within the period, or every one, once they have
    /// caught up with the journal.
    pub fn dump_within(
        &self,
        period: Option<Period>,
        visit: &mut dyn FnMut(Counter),
    ) -> Result<Watermark, Failure> {
        self.with_counters(|counters| Ok(counters.dump_within(period, visit)?))
    }

    /// The imports that answers are made from, for comparing them with the journal's.
    pub fn balances(&self) -> Result<Vec<ImportedBaseline>, Failure> {
        let balances = self.with_counters(|counters| Ok(counters.balances()?))?;
        let told = balances.imports().iter().map(|it| ImportedBaseline {
            sequence: it.sequence.get(),
            committed_at_us: it.at.as_micros(),
            baseline: Some(it.baseline.clone()),
        });
        Ok(told.collect())
    }

    /// The sequences of the period, or all, up to the given one; the end lies before the start
    /// where there is none.
    pub fn sequences(
        &self,
        period: Option<Period>,
        through: Sequence,
    ) -> Result<RangeInclusive<Sequence>, Failure> {
        let Some(period) = period else {
            return Ok(Sequence::new(1)..=through);
        };
        let first = |instant| -> Result<Sequence, Failure> {
            let first = self.reader.first_at_or_after(instant)?;
            let first = first.filter(|first| *first <= through);
            Ok(first.unwrap_or_else(|| through.next()))
        };
        let behind = first(period.to)?.get();
        Ok(first(period.from)?..=Sequence::new(behind.saturating_sub(1)))
    }

    pub fn count(&self, request: &CountRequest) -> Result<CountResponse, Failure> {
        let registry = self.registry(0)?;
        let names = RegistryNames(&registry);
        let (zone, now) = (&self.zone, SystemClock.now());
        self.with_counters(|counters| {
            Ok(ndxp_report::count(
                counters, request, None, &names, zone, now,
            )?)
        })
    }

    /// The whole report of a month.
    pub fn report(&self, request: &GetReportRequest) -> Result<GetReportResponse, Failure> {
        let current = self.registry(0)?;
        let at = (request.as_of_us != 0).then(|| Instant::from_micros(request.as_of_us));
        // One reading of the journal does for both, unless the registry changed in between.
        let registry = current.as_of(&self.reader, at);
        let registry = registry.map_err(Failure::internal)?;
        self.with_counters(|counters| {
            let sources = Sources {
                counters,
                names: &RegistryNames(&current),
                registry: &registry,
                zone: &self.zone,
                now: SystemClock.now(),
            };
            Ok(ndxp_report::report(&sources, request)?)
        })
    }

    /// Opens the counters, lets them catch up with the journal, asks, and seals them again.
    fn with_counters<T>(
        &self,
        ask: impl FnOnce(&Counters) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let directory = self.path.join("counters");
        let zone = self.zone.clone();
        let counters = Counters::open_offline(directory, zone, self.reader.clone(), |_, _| {})?;
        let answer = ask(&counters);
        counters.stop();
        answer
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::internal(error)
    }
}

impl From<CountersError> for Failure {
    fn from(error: CountersError) -> Self {
        match error {
            CountersError::Home(HomeError::InUse { .. }) => Self::new(Exit::Unavailable, error)
                .remedy("ask the hub that has them: give --config instead of --data"),
            CountersError::Store(StoreError::Damage(_)) => Self::internal(error).remedy(
                "remove the folder counters: they are counted again from the journal, which has all",
            ),
            error if error.is_about_the_question() => Self::usage(error),
            _ => Self::internal(error),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Counters(error) => error.into(),
            _ => Self::usage(error),
        }
    }
}
