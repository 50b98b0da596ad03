//! What the consumers saw, added up: the other side of the hub's counters.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ndxp_model::{Outcome, ServiceName, SystemId};

use crate::durations::Summary;
use crate::ending::{Ending, Seen};
use crate::plan::Call;

/// Whom a consumer called, as it asked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Target {
    pub consumer: SystemId,
    /// As named in `ndxp-provider`; `None` when the consumer named nobody.
    pub provider: Option<SystemId>,
    pub service: ServiceName,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider.as_ref().map_or("-", SystemId::as_str);
        write!(f, "{}>{provider}/{}", self.consumer, self.service)
    }
}

/// A call that ended otherwise than it should have.
#[derive(Clone, Debug)]
pub struct Surprise {
    pub call: Call,
    pub ending: Ending,
}

/// All calls of a load, over.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls by connection and outcome, those marked as tests apart.
    pub connections: BTreeMap<Target, BTreeMap<Outcome, u64>>,
    /// Values that were stated, summed by connection, outcome and measure; tests apart.
    pub measures: BTreeMap<(Target, Outcome, &'static str), u64>,
    /// Calls marked as tests.
    pub tests: BTreeMap<Target, BTreeMap<Outcome, u64>>,
    /// Calls whose ending only the journal knows: where the hub was interrupted, it may have
    /// written down up to so many more than the consumers saw.
    pub unknown: BTreeMap<Target, u64>,
    /// Calls that ended otherwise than planned, those of unknown ending with them.
    pub surprised: u64,
    /// The first few of them.
    pub surprises: Vec<Surprise>,
}

/// Enough to see what is wrong, and no more than a screen holds.
const SURPRISES_KEPT_MAX: usize = 20;

impl Tally {
    /// Calls that were made and are over, tests with them.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let sum = |counts: &BTreeMap<Target, BTreeMap<Outcome, u64>>| -> u64 {
            counts.values().flat_map(BTreeMap::values).sum()
        };
        sum(&self.connections) + sum(&self.tests) + self.unknown.values().sum::<u64>()
    }

    /// Calls by outcome over all connections, tests apart. Every outcome stands in it.
    #[must_use]
    pub fn by_outcome(&self) -> BTreeMap<Outcome, u64> {
        let mut sums = BTreeMap::from(Outcome::ALL.map(|outcome| (outcome, 0)));
        for (outcome, count) in self.connections.values().flatten() {
            *sums.entry(*outcome).or_default() += count;
        }
        sums
    }

    pub(crate) fn record(&mut self, call: Call, ending: Ending) {
        match ending.seen {
            Seen::Unknown => *self.unknown.entry(call.target.clone()).or_default() += 1,
            Seen::Ended(outcome) if call.test => add(&mut self.tests, &call.target, outcome, 1),
            Seen::Ended(outcome) => {
                add(&mut self.connections, &call.target, outcome, 1);
                let answered = call.answered_measures();
                let answered = answered.filter(|_| outcome == Outcome::Completed);
                for (name, value) in call.measure().into_iter().chain(answered) {
                    let key = (call.target.clone(), outcome, name);
                    *self.measures.entry(key).or_default() += value;
                }
            }
        }
        if ending.seen != Seen::Ended(call.expected) {
            self.surprised += 1;
            if self.surprises.len() < SURPRISES_KEPT_MAX {
                self.surprises.push(Surprise { call, ending });
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (sums, counts) in [
            (&mut self.connections, other.connections),
            (&mut self.tests, other.tests),
        ] {
            for (target, outcomes) in counts {
                for (outcome, count) in outcomes {
                    add(sums, &target, outcome, count);
                }
            }
        }
        for (key, value) in other.measures {
            *self.measures.entry(key).or_default() += value;
        }
        for (target, count) in other.unknown {
            *self.unknown.entry(target).or_default() += count;
        }
        self.surprised += other.surprised;
        let room = SURPRISES_KEPT_MAX.saturating_sub(self.surprises.len());
        self.surprises
            .extend(other.surprises.into_iter().take(room));
    }
}

fn add(
    counts: &mut BTreeMap<Target, BTreeMap<Outcome, u64>>,
    target: &Target,
    outcome: Outcome,
    count: u64,
) {
    // Cloned only when new.
    if !counts.contains_key(target) {
        counts.insert(target.clone(), BTreeMap::new());
    }
    if let Some(outcomes) = counts.get_mut(target) {
        *outcomes.entry(outcome).or_default() += count;
    }
}

/// How far a load has come.
#[derive(Clone, Debug)]
pub struct Progress {
    pub seed: u64,
    pub elapsed: Duration,
    /// Calls begun, ended, and between the two.
    pub begun: u64,
    pub ended: u64,
    pub in_flight: u64,
    /// Calls ended a second since the snapshot before.
    pub rate_per_second: f64,
    /// Ended calls by outcome, tests with them. Every outcome stands in it.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Calls whose ending only the journal knows.
    pub unknown: u64,
    /// Ordinary unary calls that were completed: time seen by the consumer, …
    pub latency: Summary,
    /// … time that the provider took of it, …
    pub service_time: Summary,
    /// … and what was added on the way.
    pub added: Summary,
}
