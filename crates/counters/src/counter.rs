//! One counter: what is summed up of the calls of one line that ended in one way within one
//! bucket of time.

use std::collections::BTreeMap;

use ndxp_model::{Outcome, Sequence};
use ndxp_proto::journal::v1::TransactionClosed;

use crate::histogram::Histogram;

/// Sums over calls. What the hub itself has counted is checked: a sum that does not fit is an
/// error, never a wrong number. What members declare is summed in 128 bits, so that nobody can
/// stop the counting with absurd values: that many calls cannot be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counter {
    pub count: u64,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub request_messages: u64,
    pub response_messages: u64,
    /// Total durations in microseconds; only of outcomes that reports count as transactions.
    /// `None` where they are not kept, or were not asked for.
    pub durations: Option<Histogram>,
    /// Declared measures, whatever the outcome.
    pub measures: BTreeMap<String, u128>,
    /// First and last closing that is counted here; `NONE` in what is kept of a line, since only
    /// the total keeps them.
    pub first_sequence: Sequence,
    pub last_sequence: Sequence,
}

/// A sum grew past 2^64 - 1, or that of a measure past 2^128 - 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the sum of {sum} does not fit; the counters stand still rather than tell a wrong number")]
pub struct Overflow {
    /// `count`, `request_bytes`, …
    pub sum: String,
}

impl Overflow {
    pub(crate) fn of(sum: &str) -> Self {
        Self {
            sum: sum.to_owned(),
        }
    }
}

impl Default for Counter {
    /// Nothing yet, durations to come.
    fn default() -> Self {
        Self {
            durations: Some(Histogram::default()),
            ..Self::without_durations()
        }
    }
}

impl Counter {
    /// Nothing yet, and no durations ever.
    #[must_use]
    pub const fn without_durations() -> Self {
        Self {
            count: 0,
            request_bytes: 0,
            response_bytes: 0,
            request_messages: 0,
            response_messages: 0,
            durations: None,
            measures: BTreeMap::new(),
            first_sequence: Sequence::NONE,
            last_sequence: Sequence::NONE,
        }
    }

    /// Counts one closing, which must have ended in the given outcome.
    pub(crate) fn add(
        &mut self,
        sequence: Sequence,
        outcome: Outcome,
        closed: &TransactionClosed,
    ) -> Result<(), Overflow> {
        add(&mut self.count, 1, "count")?;
        add(
            &mut self.request_bytes,
            closed.request_bytes,
            "request_bytes",
        )?;
        add(
            &mut self.response_bytes,
            closed.response_bytes,
            "response_bytes",
        )?;
        add(
            &mut self.request_messages,
            closed.request_messages,
            "request_messages",
        )?;
        add(
            &mut self.response_messages,
            closed.response_messages,
            "response_messages",
        )?;
        for measure in &closed.measures {
            add_measure(&mut self.measures, &measure.name, measure.value.into())?;
        }
        if outcome.is_transaction() {
            self.durations
                .get_or_insert_default()
                .record(closed.total_us)?;
        }
        self.span(sequence, sequence);
        Ok(())
    }

    /// # Errors
    /// When a sum does not fit.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        add(&mut self.count, other.count, "count")?;
        add(
            &mut self.request_bytes,
            other.request_bytes,
            "request_bytes",
        )?;
        add(
            &mut self.response_bytes,
            other.response_bytes,
            "response_bytes",
        )?;
        add(
            &mut self.request_messages,
            other.request_messages,
            "request_messages",
        )?;
        add(
            &mut self.response_messages,
            other.response_messages,
            "response_messages",
        )?;
        for (name, value) in &other.measures {
            add_measure(&mut self.measures, name, *value)?;
        }
        match (&mut self.durations, &other.durations) {
            (Some(held), Some(more)) => held.merge(more)?,
            (held, _) => *held = None,
        }
        self.span(other.first_sequence, other.last_sequence);
        Ok(())
    }

    fn span(&mut self, first: Sequence, last: Sequence) {
        self.first_sequence = earlier(self.first_sequence, first);
        self.last_sequence = self.last_sequence.max(last);
    }
}

/// The earlier of two sequences, of which `NONE` is not one.
pub(crate) fn earlier(one: Sequence, other: Sequence) -> Sequence {
    match (one, other) {
        (Sequence::NONE, some) | (some, Sequence::NONE) => some,
        (one, other) => one.min(other),
    }
}

pub(crate) fn add(sum: &mut u64, value: u64, name: &str) -> Result<(), Overflow> {
    *sum = sum.checked_add(value).ok_or_else(|| Overflow::of(name))?;
    Ok(())
}

pub(crate) fn add_measure(
    measures: &mut BTreeMap<String, u128>,
    name: &str,
    value: u128,
) -> Result<(), Overflow> {
    match measures.get_mut(name) {
        Some(sum) => *sum = sum.checked_add(value).ok_or_else(|| Overflow::of(name))?,
        None => {
            measures.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1::Measure;

    use super::*;

    /// Sets one field of a closing.
    type Set = fn(&mut TransactionClosed, u64);

    #[test]
    fn every_sum_refuses_to_wrap_and_names_itself() {
        let rows: [(&str, Set); 4] = [
            ("request_bytes", |closed, value| {
                closed.request_bytes = value
            }),
            ("response_bytes", |closed, value| {
                closed.response_bytes = value
            }),
            ("request_messages", |closed, value| {
                closed.request_messages = value
            }),
            ("response_messages", |closed, value| {
                closed.response_messages = value
            }),
        ];
        for (name, set) in rows {
            let mut closed = TransactionClosed::default();
            set(&mut closed, u64::MAX);
            let mut counter = Counter::default();
            let one = Sequence::new(1);
            counter
                .add(one, Outcome::Completed, &closed)
                .expect("the highest sum fits");
            let full = counter.clone();
            set(&mut closed, 1);
            assert_eq!(
                counter.add(one, Outcome::Completed, &closed),
                Err(Overflow::of(name))
            );
            assert_eq!(full.clone().merge(&full), Err(Overflow::of(name)));
        }
    }

    #[test]
    fn a_declared_sum_passes_the_highest_value() {
        let closed = |value| TransactionClosed {
            measures: vec![Measure {
                name: "records".to_owned(),
                value,
            }],
            ..TransactionClosed::default()
        };
        let mut counter = Counter::default();
        for value in [u64::MAX, 1, u64::MAX] {
            counter
                .add(Sequence::new(1), Outcome::Completed, &closed(value))
                .unwrap();
        }
        assert_eq!(counter.measures["records"], u128::from(u64::MAX) * 2 + 1);
        counter.measures.insert("records".to_owned(), u128::MAX);
        assert_eq!(
            counter.clone().merge(&counter),
            Err(Overflow::of("records"))
        );
    }

    #[test]
    fn durations_are_those_of_answered_calls_alone() {
        for outcome in Outcome::ALL {
            let closed = TransactionClosed {
                total_us: 7,
                ..TransactionClosed::default()
            };
            let mut counter = Counter::default();
            counter.add(Sequence::new(3), outcome, &closed).unwrap();
            assert_eq!(
                counter.durations.unwrap().count(),
                u64::from(outcome.is_transaction()),
                "{outcome}"
            );
        }
    }

    #[test]
    fn durations_that_one_side_lacks_are_lacking_in_the_sum() {
        let closed = TransactionClosed::default();
        let mut counter = Counter::default();
        counter
            .add(Sequence::new(3), Outcome::Completed, &closed)
            .unwrap();
        let mut sum = Counter::default();
        sum.merge(&counter).unwrap();
        assert_eq!(sum.durations.as_ref().unwrap().count(), 1);
        counter.durations = None;
        sum.merge(&counter).unwrap();
        assert_eq!((sum.count, sum.durations), (2, None));
    }

    #[test]
    fn the_span_is_from_the_first_to_the_last_closing() {
        let at = |first, last| Counter {
            first_sequence: Sequence::new(first),
            last_sequence: Sequence::new(last),
            ..Counter::default()
        };
        for (one, other, both) in [
            (at(0, 0), at(4, 9), at(4, 9)),
            (at(4, 9), at(0, 0), at(4, 9)),
            (at(4, 9), at(2, 5), at(2, 9)),
        ] {
            let mut merged = one;
            merged.merge(&other).unwrap();
            assert_eq!(merged, both);
        }
    }
}
