//! A journal of a few calls, counted by the real counters, and a registry folded from the same
//! entries.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use ndxp_counters::{Counters, Source, SourceError, Watermark};
use ndxp_model::{Instant, Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Connection, Entry, Outcome, RegistryChanged, TransactionClosed};
use ndxp_proto::registry::v1::change::Item;
use ndxp_proto::registry::v1::{Change, Member, MemberClass, State, System, SystemKind};
use ndxp_proto::statistics::v1::{Figure, GetFiguresRequest};
use ndxp_registry::Registry;
use ndxp_report::{RegistryNames, ReportError, Sources, figures};

/// A journal that holds what it was given and nothing more.
struct Written {
    entries: Vec<Entry>,
    quiet: (Mutex<()>, Condvar),
}

impl Source for Written {
    fn position(&self) -> Result<Watermark, SourceError> {
        Ok(self
            .entries
            .last()
            .map_or_else(Watermark::default, |last| Watermark {
                sequence: Sequence::new(last.sequence),
                at: Instant::from_micros(last.committed_at_us),
            }))
    }

    fn wait_beyond(&self, _after: Sequence, timeout: Duration) -> bool {
        let (lock, woken) = &self.quiet;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(woken.wait_timeout(guard, timeout));
        true
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let within = move |entry: &&Entry| (from.get()..=through.get()).contains(&entry.sequence);
        Box::new(self.entries.iter().filter(within).cloned().map(Ok))
    }
}

/// Entries in order, with the local hours in which they were committed.
#[derive(Default)]
pub struct Story(pub Vec<Entry>);

impl Story {
    pub fn at(mut self, hour: &str, body: Body) -> Self {
        let sequence = self.0.len() as u64 + 1;
        let committed_at_us = at(hour).as_micros();
        self.0.push(Entry {
            sequence,
            committed_at_us,
            body: Some(body),
        });
        self
    }

    /// The registry as of the instant, and counters that have applied everything.
    pub async fn fold(&self, as_of: Instant, directory: &std::path::Path) -> (Registry, Counters) {
        let mut registry = Registry::empty();
        for entry in &self.0 {
            if entry.committed_at_us < as_of.as_micros() {
                registry.apply(entry).expect("the story can be folded");
            }
        }
        let written = Written {
            entries: self.0.clone(),
            quiet: <_>::default(),
        };
        let counters = Counters::start(directory, Zone::viet_nam(), written, |_, _| {})
            .expect("the counters start");
        let last = Sequence::new(self.0.len() as u64);
        counters.reached(last).await.expect("the counters catch up");
        (registry, counters)
    }
}

pub fn at(hour: &str) -> Instant {
    Zone::viet_nam().moment(hour).expect("a time").from
}

pub fn registered() -> Body {
    let member = |code: &str, class: MemberClass| {
        Item::Member(Member {
            code: code.to_owned(),
            name_vi: code.to_owned(),
            class: class.into(),
            state: State::Active.into(),
            ..Member::default()
        })
    };
    let system = |id: &str, kind: SystemKind| {
        Item::System(System {
            id: id.to_owned(),
            kind: kind.into(),
            state: State::Active.into(),
            ..System::default()
        })
    };
    let items = [
        member("G01", MemberClass::Ministry),
        member("H26", MemberClass::Province),
        member("H63", MemberClass::Province),
        system("G01/population", SystemKind::Database),
        system("H26/lgsp", SystemKind::Lgsp),
        system("H63/lgsp", SystemKind::Lgsp),
    ];
    Body::RegistryChanged(RegistryChanged {
        changes: items.map(|item| Change { item: Some(item) }).to_vec(),
        ..RegistryChanged::default()
    })
}

pub fn call(consumer: &str, outcome: Outcome, test: bool) -> Body {
    Body::Closed(TransactionClosed {
        transaction_id: vec![7; 16],
        connection: Some(Connection {
            consumer: consumer.to_owned(),
            provider: "G01/population".to_owned(),
            service: "ndxp.example.population.v1.PopulationService".to_owned(),
        }),
        outcome: outcome.into(),
        test,
        ..TransactionClosed::default()
    })
}

pub fn ask(
    counters: &Counters,
    registry: &Registry,
    month: &str,
    as_of: Instant,
    now: Instant,
) -> Result<Vec<Figure>, ReportError> {
    let sources = Sources {
        counters,
        names: &RegistryNames(registry),
        registry,
        zone: &Zone::viet_nam(),
        now,
    };
    let request = GetFiguresRequest {
        month: month.to_owned(),
        as_of_us: as_of.as_micros(),
        ..GetFiguresRequest::default()
    };
    figures(&sources, &request)
}

#[track_caller]
pub fn figure<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
    let figure = figures.iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("no figure {name}"))
}

#[track_caller]
pub fn value(figures: &[Figure], name: &str) -> u64 {
    figure(figures, name).value
}
