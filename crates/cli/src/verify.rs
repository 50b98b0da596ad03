//! The independent checker: re-derives every counter from the journal with code of its own and
//! compares it with what the hub keeps. Shares nothing with the counters' own bookkeeping.
//!
//! Its memory grows with the number of counters and of calls in flight, never with the journal.

#[cfg(test)]
mod agreement;
mod compare;
mod findings;
mod histogram;
mod imports;
mod order;
mod recount;
#[cfg(test)]
mod story;
mod time;

use jiff::tz::TimeZone;
use ndxp_model::Outcome;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Connection, Entry};
use ndxp_proto::statistics::v1::{Counter, ImportedBaseline};
use serde::Serialize;

pub use compare::Stored;
pub use findings::{Finding, Findings, Rule};
use imports::Imports;
use order::Order;
use recount::{Recount, Size};

/// A check under way: first the stored counters, then the entries that they count.
#[derive(Debug)]
pub struct Check {
    /// The half-open period that is checked, microseconds since the epoch; `None` for all time.
    period: Option<(i64, i64)>,
    order: Order,
    recount: Recount,
    stored: Stored,
    imports: Imports,
    findings: Findings,
}

/// What the check came to.
#[derive(Debug)]
pub struct Verdict {
    pub summary: Summary,
    pub findings: Findings,
    recount: Recount,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Summary {
    pub clean: bool,
    /// Entries read: the journal from and up to these sequences; 0 when none was.
    pub first_sequence: u64,
    pub last_sequence: u64,
    pub opened: u64,
    pub closed: u64,
    /// Refused at the door, without an opening.
    pub turned_away: u64,
    pub in_flight: u64,
    pub tests: u64,
    /// Closings that count: the sum of the outcomes.
    pub attempts: u64,
    pub connections: u64,
    /// Counters compared.
    pub counters: u64,
    /// Lines: methods of connections counted by name, and the rest of each connection.
    pub lines: u64,
    /// The whole time or period, every connection, in the order of the contract.
    pub outcomes: Vec<OutcomeLine>,
}

/// One outcome as the two sides count it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OutcomeLine {
    pub outcome: &'static str,
    pub recounted: u64,
    pub stored: u64,
}

impl Check {
    /// Of the whole journal.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            period: None,
            order: Order::default(),
            recount: Recount::new(zone),
            stored: Stored::default(),
            imports: Imports::default(),
            findings: Findings::default(),
        }
    }

    /// Of a half-open period, in microseconds since the epoch. Where the journal's beginning would
    /// have to be read, what is stored is believed: since when a method is counted by name.
    /// Openings before the period are not looked for.
    pub fn of_period(zone: TimeZone, from_us: i64, to_us: i64) -> Self {
        Self {
            period: Some((from_us, to_us)),
            ..Self::new(zone)
        }
    }

    pub fn stored(&mut self, counter: Counter) {
        self.stored
            .add(counter, &mut self.recount.lines, &mut self.findings);
    }

    /// An import of opening balances that the hub answers from.
    pub fn told(&mut self, imported: &ImportedBaseline) {
        let (sequence, at_us) = (imported.sequence, imported.committed_at_us);
        let import = imported.baseline.clone().unwrap_or_default();
        self.imports
            .told(sequence, at_us, &import, &mut self.findings);
    }

    /// Up to which sequence the stored counters count; `None` when none is stored.
    pub fn watermark(&self) -> Option<u64> {
        self.stored.watermark
    }

    /// Every counter is told: from here on entries follow, in a period from this sequence on.
    pub fn begin(&mut self, first_sequence: u64) {
        if self.period.is_some() {
            self.order.begin_at(first_sequence);
            self.recount.trust_lines(&self.stored.since);
        }
    }

    pub fn entry(&mut self, entry: &Entry) {
        self.order.apply(entry, &mut self.findings);
        let (sequence, at_us) = (entry.sequence, entry.committed_at_us);
        match &entry.body {
            Some(Body::Closed(closed)) => {
                self.recount
                    .closed(sequence, at_us, closed, &mut self.findings);
            }
            Some(Body::BaselineImported(import)) => {
                self.imports.journaled(sequence, at_us, import);
            }
            _ => {}
        }
    }

    /// `through` is where the entries should have ended, `now_us` when the entry was committed up
    /// to which the counters count: it tells what they still keep.
    pub fn finish(mut self, through: u64, now_us: i64) -> Verdict {
        let last_sequence = self.order.last_sequence();
        if last_sequence != through {
            self.findings.add(Rule::Gapless, || {
                format!("the journal ends at sequence {last_sequence} where {through} was due")
            });
        }
        let first_sequence = self.order.first_sequence();
        self.imports
            .compare(first_sequence, last_sequence, &mut self.findings);
        self.recount.settle(now_us);
        if let Some((from_us, to_us)) = self.period {
            self.recount.keep_within(from_us, to_us);
        }
        self.stored.compare(&self.recount, &mut self.findings);
        let size = match self.period {
            None => Size::All,
            Some(_) => Size::Hour,
        };
        let recounted = compare::by_outcome(&self.recount.tallies, size);
        let stored = self.stored.by_outcome(size);
        let attempts = self.recount.attempts;
        for (whose, counts) in [("the recount", &recounted), ("the stored totals", &stored)] {
            let sum: u64 = counts.values().sum();
            if sum != attempts {
                self.findings.add(Rule::AttemptsAreOutcomes, || {
                    format!("{attempts} attempts, but the outcomes of {whose} sum to {sum}")
                });
            }
        }
        let summary = Summary {
            clean: self.findings.is_empty(),
            first_sequence,
            last_sequence,
            opened: self.order.opened,
            closed: self.order.closed,
            turned_away: self.order.turned_away,
            in_flight: count(self.order.in_flight()),
            tests: self.recount.tests,
            attempts,
            connections: count(self.recount.lines.connections()),
            lines: count(self.recount.lines.len()),
            counters: count(self.stored.len()),
            outcomes: Outcome::ALL
                .into_iter()
                .map(|outcome| OutcomeLine {
                    outcome: outcome.as_str(),
                    recounted: recounted.get(&outcome.number()).copied().unwrap_or(0),
                    stored: stored.get(&outcome.number()).copied().unwrap_or(0),
                })
                .collect(),
        };
        Verdict {
            summary,
            findings: self.findings,
            recount: self.recount,
        }
    }
}

impl Verdict {
    /// The recount over all connections and all time.
    pub fn count_of(&self, outcome: Outcome) -> u64 {
        let lines = &self.summary.outcomes;
        let line = lines.iter().find(|line| line.outcome == outcome.as_str());
        line.map_or(0, |line| line.recounted)
    }

    /// The recount per connection and outcome, over all time, in no order.
    pub fn by_connection(&self) -> impl Iterator<Item = (&Connection, Outcome, u64)> {
        self.recount.tallies.iter().filter_map(|(key, tally)| {
            let (connection, _) = self.recount.lines.get(key.line?)?;
            let outcome = Outcome::from_number(key.outcome)?;
            (key.size == Size::All).then_some((connection, outcome, tally.count))
        })
    }
}

fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
