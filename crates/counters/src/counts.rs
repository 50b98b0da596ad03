//! What a question is answered with: counters of any number of connections, outcomes and
//! buckets, added up.

use std::collections::BTreeMap;

use ndxp_model::Outcome;
use ndxp_proto::statistics::v1;

use crate::counter::{Counter, Overflow, add, add_measure};
use crate::histogram::Histogram;

/// Sums over everything that a row or a total covers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    outcomes: [u64; Outcome::ALL.len()],
    attempts: u64,
    /// Bytes and messages, of every outcome.
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub request_messages: u64,
    pub response_messages: u64,
    /// Total durations in microseconds, of transactions. Of some of them only, when
    /// `durations_absent` says why.
    pub durations: Histogram,
    pub durations_absent: Option<Absent>,
    /// Declared measures, of transactions: what a refused or broken call stated was not carried.
    /// None of them 0.
    pub measures: BTreeMap<String, u128>,
}

/// Why the durations of what was counted are not known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Absent {
    /// Durations are kept by whole days, and hours were asked for.
    Hours,
    /// Those of single connections are kept by the day only for some time, by the month for ever.
    OldDays,
    /// Nobody asked for them.
    NotAsked,
}

impl Absent {
    /// Stable name, for contracts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "HOURS",
            Self::OldDays => "OLD_DAYS",
            Self::NotAsked => "NOT_ASKED",
        }
    }
}

impl Counts {
    /// What reports call a transaction: the call reached a provider and was answered.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        // No more than the attempts, whose sum was checked.
        Outcome::ALL
            .into_iter()
            .filter(|outcome| outcome.is_transaction())
            .map(|outcome| self.outcome(outcome))
            .sum()
    }

    /// The sum of all outcomes.
    #[must_use]
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes()
            .find(|(other, _)| *other == outcome)
            .map_or(0, |(_, count)| count)
    }

    /// Every outcome with its count, 0 included, in the order of the contract.
    pub fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL.into_iter().zip(self.outcomes)
    }

    /// The sum of one declared measure; 0 when nobody declared it.
    #[must_use]
    pub fn measure(&self, name: &str) -> u128 {
        self.measures.get(name).copied().unwrap_or(0)
    }

    /// Adds a counter of an outcome. `absent` says why, where it lacks its durations.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub(crate) fn add(
        &mut self,
        outcome: Outcome,
        counter: &Counter,
        absent: Absent,
    ) -> Result<(), Overflow> {
        add(&mut self.attempts, counter.count, "attempts")?;
        for (other, count) in Outcome::ALL.into_iter().zip(&mut self.outcomes) {
            if other == outcome {
                *count += counter.count;
            }
        }
        add(
            &mut self.request_bytes,
            counter.request_bytes,
            "request_bytes",
        )?;
        add(
            &mut self.response_bytes,
            counter.response_bytes,
            "response_bytes",
        )?;
        add(
            &mut self.request_messages,
            counter.request_messages,
            "request_messages",
        )?;
        add(
            &mut self.response_messages,
            counter.response_messages,
            "response_messages",
        )?;
        if outcome.is_transaction() {
            match &counter.durations {
                Some(durations) => self.durations.merge(durations)?,
                None => self.durations_absent = self.durations_absent.max(Some(absent)),
            }
            for (name, value) in counter.measures.iter().filter(|(_, value)| **value > 0) {
                add_measure(&mut self.measures, name, *value)?;
            }
        }
        Ok(())
    }

    /// Takes away what was added as part of more. Durations cannot be: they must not be asked for.
    ///
    /// # Errors
    /// When more is to be taken away than was added.
    pub(crate) fn take(&mut self, outcome: Outcome, counter: &Counter) -> Result<(), Overflow> {
        let take = |sum: &mut u64, value, name: &str| {
            *sum = sum.checked_sub(value).ok_or_else(|| Overflow::of(name))?;
            Ok(())
        };
        take(&mut self.attempts, counter.count, "attempts")?;
        for (other, count) in Outcome::ALL.into_iter().zip(&mut self.outcomes) {
            if other == outcome {
                take(count, counter.count, outcome.as_str())?;
            }
        }
        for (sum, value, name) in [
            (
                &mut self.request_bytes,
                counter.request_bytes,
                "request_bytes",
            ),
            (
                &mut self.response_bytes,
                counter.response_bytes,
                "response_bytes",
            ),
            (
                &mut self.request_messages,
                counter.request_messages,
                "request_messages",
            ),
            (
                &mut self.response_messages,
                counter.response_messages,
                "response_messages",
            ),
        ] {
            take(sum, value, name)?;
        }
        if outcome.is_transaction() {
            for (name, value) in &counter.measures {
                let held = self.measures.get(name).copied().unwrap_or(0);
                let left = held.checked_sub(*value).ok_or_else(|| Overflow::of(name))?;
                match left {
                    0 => drop(self.measures.remove(name)),
                    left => drop(self.measures.insert(name.clone(), left)),
                }
            }
        }
        Ok(())
    }

    /// # Errors
    /// When a sum does not fit.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        add(&mut self.attempts, other.attempts, "attempts")?;
        for (count, more) in self.outcomes.iter_mut().zip(other.outcomes) {
            *count += more;
        }
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
        self.durations.merge(&other.durations)?;
        self.durations_absent = self.durations_absent.max(other.durations_absent);
        for (name, value) in &other.measures {
            add_measure(&mut self.measures, name, *value)?;
        }
        Ok(())
    }
}

impl From<&Histogram> for v1::Durations {
    fn from(durations: &Histogram) -> Self {
        Self {
            p50_us: durations.quantile(50),
            p90_us: durations.quantile(90),
            p99_us: durations.quantile(99),
            max_us: durations.max(),
        }
    }
}

impl From<&Counts> for v1::Counts {
    fn from(counts: &Counts) -> Self {
        let outcomes = counts.outcomes().filter(|(_, count)| *count > 0);
        Self {
            transactions: counts.transactions(),
            attempts: counts.attempts(),
            outcomes: outcomes
                .map(|(outcome, count)| v1::OutcomeCount {
                    outcome: outcome.number().into(),
                    count,
                })
                .collect(),
            request_bytes: counts.request_bytes,
            response_bytes: counts.response_bytes,
            request_messages: counts.request_messages,
            response_messages: counts.response_messages,
            durations: match counts.durations_absent {
                None => Some((&counts.durations).into()),
                Some(_) => None,
            },
            measures: declared(&counts.measures),
        }
    }
}

/// Measures in the contract's form, by name.
pub(crate) fn declared(measures: &BTreeMap<String, u128>) -> Vec<v1::MeasureSum> {
    let measures = measures.iter();
    measures
        .map(|(name, value)| v1::MeasureSum {
            name: name.clone(),
            value: u64::try_from(value & u128::from(u64::MAX)).expect("64 bits are left"),
            value_high: u64::try_from(value >> 64).expect("64 bits are left"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(count: u64) -> Counter {
        let mut durations = Histogram::default();
        durations.record(count).unwrap();
        Counter {
            count,
            durations: Some(durations),
            measures: BTreeMap::from([("records".to_owned(), count.into())]),
            ..Counter::default()
        }
    }

    fn add(counts: &mut Counts, outcome: Outcome, count: u64) -> Result<(), Overflow> {
        let counter = counter(count);
        counts.add(outcome, &counter, Absent::NotAsked)
    }

    #[test]
    fn a_measure_may_pass_64_bits() {
        let largest = Counter {
            measures: BTreeMap::from([("amount_vnd".to_owned(), u64::MAX.into())]),
            ..counter(1)
        };
        let mut counts = Counts::default();
        for _ in 0..3 {
            counts
                .add(Outcome::Completed, &largest, Absent::NotAsked)
                .unwrap();
        }
        counts.merge(&counts.clone()).unwrap();
        assert_eq!(counts.measure("amount_vnd"), 6 * u128::from(u64::MAX));
        let message = v1::Counts::from(&counts);
        let sum = message.measures.first().unwrap();
        assert_eq!((sum.value_high, sum.value), (5, u64::MAX - 5));
    }

    #[test]
    fn durations_are_absent_as_soon_as_those_of_one_transaction_are() {
        let mut counts = Counts::default();
        add(&mut counts, Outcome::Completed, 5).unwrap();
        let more = Counter {
            durations: None,
            ..counter(1)
        };
        counts.add(Outcome::Refused, &more, Absent::Hours).unwrap();
        assert_eq!(counts.durations_absent, None, "a refusal has none");
        counts
            .add(Outcome::Completed, &more, Absent::OldDays)
            .unwrap();
        counts
            .add(Outcome::Completed, &more, Absent::Hours)
            .unwrap();
        assert_eq!(counts.durations_absent, Some(Absent::OldDays));
        let mut merged = Counts::default();
        merged.merge(&counts).unwrap();
        assert_eq!(merged.durations_absent, Some(Absent::OldDays));
        assert_eq!(v1::Counts::from(&merged).durations, None);
    }

    #[test]
    fn transactions_are_the_answered_calls_and_attempts_are_all() {
        let mut counts = Counts::default();
        for (outcome, count) in Outcome::ALL.into_iter().zip([1, 2, 4, 8, 16, 32, 64]) {
            add(&mut counts, outcome, count).unwrap();
        }
        assert_eq!((counts.transactions(), counts.attempts()), (3, 127));
        assert_eq!(counts.outcome(Outcome::TimedOut), 16);
        assert_eq!(
            counts.measure("records"),
            3,
            "stated by calls that were carried"
        );
        assert_eq!((counts.durations.count(), counts.durations.max()), (2, 2));

        let message = v1::Counts::from(&counts);
        assert_eq!(message.outcomes.len(), 7);
        assert_eq!(
            message.attempts,
            message.outcomes.iter().map(|row| row.count).sum::<u64>()
        );
    }

    #[test]
    fn taking_away_what_was_added_leaves_the_rest() {
        let mut counts = Counts::default();
        let without = |count| Counter {
            durations: None,
            ..counter(count)
        };
        let add = |counts: &mut Counts, outcome, count| {
            counts.add(outcome, &without(count), Absent::NotAsked)
        };
        add(&mut counts, Outcome::Completed, 5).unwrap();
        add(&mut counts, Outcome::Refused, 2).unwrap();
        let rest = counts.clone();
        add(&mut counts, Outcome::Completed, 9).unwrap();
        assert_ne!(counts, rest);
        counts.take(Outcome::Completed, &without(9)).unwrap();
        assert_eq!(counts, rest);
        counts.take(Outcome::Completed, &without(5)).unwrap();
        assert!(counts.measures.is_empty(), "none of them 0");
        let more = counts.take(Outcome::Refused, &without(3));
        assert_eq!(more, Err(Overflow::of("attempts")));
    }

    #[test]
    fn merging_is_adding_both() {
        let (mut left, mut right, mut both) =
            (Counts::default(), Counts::default(), Counts::default());
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            let side = if place % 2 == 0 {
                &mut left
            } else {
                &mut right
            };
            add(side, outcome, 5).unwrap();
            add(&mut both, outcome, 5).unwrap();
        }
        left.merge(&right).unwrap();
        assert_eq!(left, both);
        let mut full = Counts::default();
        let refused = Counter {
            count: u64::MAX,
            ..Counter::default()
        };
        full.add(Outcome::Refused, &refused, Absent::NotAsked)
            .unwrap();
        assert_eq!(
            add(&mut full, Outcome::Completed, 1),
            Err(Overflow::of("attempts"))
        );
        assert_eq!(full.merge(&left), Err(Overflow::of("attempts")));
    }
}
