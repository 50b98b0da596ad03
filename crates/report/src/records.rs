//! The stable shape of counts and figures as data: what JSON and CSV print, every key in every
//! row, whether or not it is zero.

use std::collections::BTreeMap;

use ndxp_model::{Instant, Outcome};
use ndxp_proto::statistics::v1::{CountResponse, Counts, Dimension, Figure, Proof};
use serde::Serialize;

use crate::ReportError;

/// A `CountResponse`.
#[derive(Serialize)]
pub(crate) struct CountsRecord<'a> {
    pub by: Option<&'static str>,
    pub rows: Vec<RowRecord<'a>>,
    pub total: CountRecord<'a>,
    pub proof: ProofRecord<'a>,
}

#[derive(Serialize)]
pub(crate) struct RowRecord<'a> {
    pub key: &'a str,
    #[serde(flatten)]
    pub counts: CountRecord<'a>,
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
    /// `null` where there was no transaction to time.
    pub durations: Option<DurationsRecord>,
    pub measures: BTreeMap<&'a str, u64>,
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
}

/// A `GetFiguresResponse`.
#[derive(Serialize)]
pub(crate) struct FiguresRecord<'a> {
    pub figures: Vec<FigureRecord<'a>>,
}

/// A `Figure`.
#[derive(Serialize)]
pub(crate) struct FigureRecord<'a> {
    pub name: &'a str,
    pub value: u64,
    pub out_of: Option<u64>,
    pub missing: &'a [String],
    pub definition_vi: &'a str,
    pub definition_en: &'a str,
    pub proof: ProofRecord<'a>,
}

impl<'a> CountsRecord<'a> {
    pub(crate) fn of(response: &'a CountResponse, by: Dimension) -> Result<Self, ReportError> {
        let rows = response.rows.iter().map(|row| {
            let counts = CountRecord::of(row.counts.as_ref(), "a row's counts")?;
            Ok(RowRecord {
                key: &row.key,
                counts,
            })
        });
        Ok(Self {
            by: dimension_name(by),
            rows: rows.collect::<Result<_, ReportError>>()?,
            total: CountRecord::of(response.total.as_ref(), "the total")?,
            proof: ProofRecord::of(response.proof.as_ref())?,
        })
    }

    /// Names of the measures that occur, in order.
    pub(crate) fn measure_names(&self) -> Vec<&'a str> {
        let rows = self.rows.iter().map(|row| &row.counts);
        let names = rows
            .chain([&self.total])
            .flat_map(|counts| counts.measures.keys().copied());
        let names: std::collections::BTreeSet<_> = names.collect();
        names.into_iter().collect()
    }
}

impl<'a> CountRecord<'a> {
    fn of(counts: Option<&'a Counts>, what: &'static str) -> Result<Self, ReportError> {
        let counts = counts.ok_or(ReportError::Incomplete(what))?;
        let timed = counts.durations.filter(|_| counts.transactions > 0);
        let measures = counts.measures.iter();
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
            measures: measures
                .map(|measure| (measure.name.as_str(), measure.value))
                .collect(),
        })
    }
}

impl OutcomesRecord {
    fn of(counts: &Counts) -> Result<Self, ReportError> {
        let mut record = Self::default();
        for it in &counts.outcomes {
            let outcome = u8::try_from(it.outcome)
                .ok()
                .and_then(Outcome::from_number)
                .ok_or(ReportError::UnknownOutcome(it.outcome))?;
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
    fn of(proof: Option<&'a Proof>) -> Result<Self, ReportError> {
        let proof = proof.ok_or(ReportError::Incomplete("the proof"))?;
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
        })
    }
}

impl<'a> FigureRecord<'a> {
    pub(crate) fn of(figure: &'a Figure) -> Result<Self, ReportError> {
        Ok(Self {
            name: &figure.name,
            value: figure.value,
            out_of: (figure.out_of > 0).then_some(figure.out_of),
            missing: &figure.missing,
            definition_vi: &figure.definition_vi,
            definition_en: &figure.definition_en,
            proof: ProofRecord::of(figure.proof.as_ref())?,
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
