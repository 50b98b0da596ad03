//! The stable shape of counts as data: what JSON and CSV print, every key in every row, whether or
//! not it is zero.

use std::collections::{BTreeMap, BTreeSet};

use ndxp_model::{Instant, Outcome};
use ndxp_proto::statistics::v1::{
    CountResponse, CountRow, Counts, Definition, Dimension, Distinct, MeasureSum, Opening, Proof,
};
use serde::Serialize;

use crate::RenderError;
use crate::numbers::wide;

/// A `CountResponse`.
#[derive(Serialize)]
pub(crate) struct CountsRecord<'a> {
    pub by: Option<&'static str>,
    pub rows: Vec<RowRecord<'a>>,
    /// The sum of the rows that were left out; `null` where none was.
    pub others: Option<RowRecord<'a>>,
    pub others_rows: u64,
    pub total: CountRecord<'a>,
    pub opening: Option<OpeningRecord<'a>>,
    pub distinct: Option<DistinctRecord>,
    pub by_successor: bool,
    pub definition: Option<DefinitionRecord<'a>>,
    pub proof: ProofRecord<'a>,
}

#[derive(Serialize)]
pub(crate) struct RowRecord<'a> {
    pub key: &'a str,
    #[serde(flatten)]
    pub counts: CountRecord<'a>,
    /// `null` where the registry knows no name.
    pub title: Option<&'a str>,
    /// `null` unless opening balances were asked for.
    pub opening: Option<OpeningRecord<'a>>,
}

/// What a previous platform counted, apart from what this one did.
#[derive(Serialize)]
pub(crate) struct OpeningRecord<'a> {
    pub transactions: u64,
    pub measures: BTreeMap<&'a str, u128>,
    pub sources: &'a [String],
    pub left_out: u64,
}

#[derive(Serialize)]
pub(crate) struct DistinctRecord {
    pub consumers: u64,
    pub providers: u64,
    pub systems: u64,
    pub members: u64,
}

#[derive(Serialize)]
pub(crate) struct DefinitionRecord<'a> {
    pub name: &'a str,
    pub definition_vi: &'a str,
    pub definition_en: &'a str,
}

#[derive(Serialize)]
pub(crate) struct CountRecord<'a> {
    pub transactions: u64,
    pub attempts: u64,
    pub outcomes: OutcomesRecord,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub request_messages: u64,
    pub response_messages: u64,
    /// `null` where there was no transaction to time, or its time is no longer kept.
    pub durations: Option<DurationsRecord>,
    /// Full digits: a sum may pass 2^64.
    pub measures: BTreeMap<&'a str, u128>,
}

/// One field for each outcome of the closed set.
#[derive(Default, Serialize)]
pub(crate) struct OutcomesRecord {
    pub completed: u64,
    pub provider_error: u64,
    pub refused: u64,
    pub unreachable: u64,
    pub timed_out: u64,
    pub cancelled: u64,
    pub interrupted: u64,
}

#[derive(Serialize)]
pub(crate) struct DurationsRecord {
    pub p50_us: u64,
    pub p90_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

/// Instants are RFC 3339 in UTC; an open beginning is `null`.
#[derive(Serialize)]
pub(crate) struct ProofRecord<'a> {
    pub from: Option<String>,
    pub to: Option<String>,
    pub time_zone: &'a str,
    pub watermark: u64,
    pub watermark_at: Option<String>,
    pub first_sequence: u64,
    pub last_sequence: u64,
    pub closed: bool,
    /// Of the report that the number stands in; `null` when it stands for itself.
    pub cut_off: Option<String>,
}

impl<'a> CountsRecord<'a> {
    pub(crate) fn of(response: &'a CountResponse, by: Dimension) -> Result<Self, RenderError> {
        let rows = response.rows.iter().map(RowRecord::of);
        Ok(Self {
            by: dimension_name(by),
            rows: rows.collect::<Result<_, RenderError>>()?,
            others: response.others.as_ref().map(RowRecord::of).transpose()?,
            others_rows: response.others_rows,
            total: CountRecord::of(response.total.as_ref(), "the total")?,
            opening: response.opening.as_ref().map(OpeningRecord::of),
            distinct: response.distinct.as_ref().map(DistinctRecord::of),
            by_successor: response.by_successor,
            definition: response.definition.as_ref().map(DefinitionRecord::of),
            proof: ProofRecord::of(response.proof.as_ref())?,
        })
    }

    /// The rows and what is left of them: their sum is the total.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = &RowRecord<'a>> {
        self.rows.iter().chain(&self.others)
    }

    /// Names of the measures that were counted, in order.
    pub(crate) fn measure_names(&self) -> Vec<&'a str> {
        let rows = self.all_rows().map(|row| &row.counts);
        let names = rows
            .chain([&self.total])
            .flat_map(|counts| counts.measures.keys().copied());
        let names: BTreeSet<_> = names.collect();
        names.into_iter().collect()
    }

    /// Names of the measures in opening balances, in order.
    pub(crate) fn opening_measure_names(&self) -> Vec<&'a str> {
        let rows = self.all_rows().filter_map(|row| row.opening.as_ref());
        let names = rows
            .chain(&self.opening)
            .flat_map(|opening| opening.measures.keys().copied());
        let names: BTreeSet<_> = names.collect();
        names.into_iter().collect()
    }
}

impl<'a> RowRecord<'a> {
    fn of(row: &'a CountRow) -> Result<Self, RenderError> {
        Ok(Self {
            key: &row.key,
            counts: CountRecord::of(row.counts.as_ref(), "a row's counts")?,
            title: Some(row.title.as_str()).filter(|title| !title.is_empty()),
            opening: row.opening.as_ref().map(OpeningRecord::of),
        })
    }
}

impl<'a> OpeningRecord<'a> {
    fn of(opening: &'a Opening) -> Self {
        Self {
            transactions: opening.transactions,
            measures: measures(&opening.measures),
            sources: &opening.sources,
            left_out: opening.left_out,
        }
    }
}

impl DistinctRecord {
    fn of(distinct: &Distinct) -> Self {
        Self {
            consumers: distinct.consumers,
            providers: distinct.providers,
            systems: distinct.systems,
            members: distinct.members,
        }
    }
}

impl<'a> DefinitionRecord<'a> {
    fn of(definition: &'a Definition) -> Self {
        Self {
            name: &definition.name,
            definition_vi: &definition.definition_vi,
            definition_en: &definition.definition_en,
        }
    }
}

/// Sums by name.
fn measures(sums: &[MeasureSum]) -> BTreeMap<&str, u128> {
    let sum = |it: &MeasureSum| wide(it.value_high, it.value);
    sums.iter().map(|it| (it.name.as_str(), sum(it))).collect()
}

impl<'a> CountRecord<'a> {
    fn of(counts: Option<&'a Counts>, what: &'static str) -> Result<Self, RenderError> {
        let counts = counts.ok_or(RenderError::Incomplete(what))?;
        let timed = counts.durations.filter(|_| counts.transactions > 0);
        Ok(Self {
            transactions: counts.transactions,
            attempts: counts.attempts,
            outcomes: OutcomesRecord::of(counts)?,
            request_bytes: counts.request_bytes,
            response_bytes: counts.response_bytes,
            request_messages: counts.request_messages,
            response_messages: counts.response_messages,
            durations: timed.map(|durations| DurationsRecord {
                p50_us: durations.p50_us,
                p90_us: durations.p90_us,
                p99_us: durations.p99_us,
                max_us: durations.max_us,
            }),
            measures: measures(&counts.measures),
        })
    }
}

impl OutcomesRecord {
    fn of(counts: &Counts) -> Result<Self, RenderError> {
        let mut record = Self::default();
        for it in &counts.outcomes {
            let outcome = u8::try_from(it.outcome)
                .ok()
                .and_then(Outcome::from_number)
                .ok_or(RenderError::UnknownOutcome(it.outcome))?;
            *match outcome {
                Outcome::Completed => &mut record.completed,
                Outcome::ProviderError => &mut record.provider_error,
                Outcome::Refused => &mut record.refused,
                Outcome::Unreachable => &mut record.unreachable,
                Outcome::TimedOut => &mut record.timed_out,
                Outcome::Cancelled => &mut record.cancelled,
                Outcome::Interrupted => &mut record.interrupted,
            } = it.count;
        }
        Ok(record)
    }

    /// Name and count of each, in the order of the closed set.
    pub(crate) fn each(&self) -> [(&'static str, u64); 7] {
        [
            (Outcome::Completed.as_str(), self.completed),
            (Outcome::ProviderError.as_str(), self.provider_error),
            (Outcome::Refused.as_str(), self.refused),
            (Outcome::Unreachable.as_str(), self.unreachable),
            (Outcome::TimedOut.as_str(), self.timed_out),
            (Outcome::Cancelled.as_str(), self.cancelled),
            (Outcome::Interrupted.as_str(), self.interrupted),
        ]
    }
}

impl<'a> ProofRecord<'a> {
    pub(crate) fn of(proof: Option<&'a Proof>) -> Result<Self, RenderError> {
        let proof = proof.ok_or(RenderError::Incomplete("the proof"))?;
        let instant = |micros| (micros != 0).then(|| Instant::from_micros(micros).to_string());
        Ok(Self {
            from: instant(proof.from_us),
            to: instant(proof.to_us),
            time_zone: &proof.time_zone,
            watermark: proof.watermark,
            watermark_at: instant(proof.watermark_at_us),
            first_sequence: proof.first_sequence,
            last_sequence: proof.last_sequence,
            closed: proof.closed,
            cut_off: instant(proof.cut_off_us),
        })
    }
}

/// The name of a dimension in commands and outputs; `None` for the total alone.
#[must_use]
pub fn dimension_name(by: Dimension) -> Option<&'static str> {
    match by {
        Dimension::Unspecified => None,
        Dimension::Connection => Some("connection"),
        Dimension::Consumer => Some("consumer"),
        Dimension::Provider => Some("provider"),
        Dimension::Service => Some("service"),
        Dimension::Kind => Some("kind"),
        Dimension::Outcome => Some("outcome"),
        Dimension::Hour => Some("hour"),
        Dimension::Day => Some("day"),
        Dimension::Month => Some("month"),
        Dimension::Method => Some("method"),
        Dimension::Fault => Some("fault"),
        Dimension::Class => Some("class"),
        Dimension::Week => Some("week"),
        Dimension::ConsumerMember => Some("consumer-member"),
        Dimension::ProviderMember => Some("provider-member"),
    }
}
