//! The recount: every counter made anew from the journal's closings, by code of its own.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use ndxp_model::Outcome;
use ndxp_proto::journal::v1::{Connection, Measure, TransactionClosed};
use serde::Serialize;

use super::findings::{Findings, Rule};
use super::histogram;
use super::time::Knife;

/// Numbers for connections, so that the keys of millions of counters stay small.
#[derive(Debug, Default)]
pub struct Connections {
    numbers: HashMap<Connection, usize>,
    names: Vec<Connection>,
}

/// What one counter is kept for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    pub size: Size,
    /// Start of the bucket, microseconds since the epoch; 0 for all time.
    pub bucket_us: i64,
    /// `None` for the total over all connections.
    pub connection: Option<usize>,
    /// The contract's number.
    pub outcome: u8,
}

/// Size of a bucket of time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    All,
    Month,
    Day,
    Hour,
}

/// What one counter holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub count: u64,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub request_messages: u64,
    pub response_messages: u64,
    pub measures: BTreeMap<String, u64>,
    pub durations: BTreeMap<u32, u64>,
    pub duration_us_max: u64,
    pub first_sequence: u64,
    pub last_sequence: u64,
}

#[derive(Debug)]
pub struct Recount {
    knife: Knife,
    pub connections: Connections,
    pub tallies: HashMap<Key, Tally>,
    /// Closings counted: what attempts must be.
    pub attempts: u64,
    /// Closings marked as tests, which are journaled and not counted.
    pub tests: u64,
}

impl Connections {
    pub fn number(&mut self, connection: &Connection) -> usize {
        if let Some(number) = self.numbers.get(connection) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(connection.clone());
        self.numbers.insert(connection.clone(), number);
        number
    }

    pub fn get(&self, number: usize) -> Option<&Connection> {
        self.names.get(number)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }
}

impl Size {
    pub const ALL: [Self; 4] = [Self::All, Self::Month, Self::Day, Self::Hour];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

impl Recount {
    pub fn new(zone: TimeZone) -> Self {
        Self {
            knife: Knife::new(zone),
            connections: Connections::default(),
            tallies: HashMap::new(),
            attempts: 0,
            tests: 0,
        }
    }

    pub fn closed(
        &mut self,
        sequence: u64,
        at_us: i64,
        closed: &TransactionClosed,
        findings: &mut Findings,
    ) {
        if closed.test {
            self.tests += 1;
            return;
        }
        self.attempts += 1;
        let number = u8::try_from(closed.outcome).ok();
        let Some(outcome) = number.and_then(Outcome::from_number) else {
            findings.add(Rule::Readable, || {
                format!("sequence {sequence}: outcome {}", closed.outcome)
            });
            return;
        };
        let Some(starts) = self.knife.cut(at_us) else {
            findings.add(Rule::Readable, || {
                format!("sequence {sequence}: commit time {at_us} is beyond the calendar")
            });
            return;
        };
        let connection = closed.connection.clone().unwrap_or_default();
        let connection = self.connections.number(&connection);
        for (size, bucket_us) in [
            (Size::All, 0),
            (Size::Month, starts.month),
            (Size::Day, starts.day),
            (Size::Hour, starts.hour),
        ] {
            for connection in [None, Some(connection)] {
                let outcome = outcome.number();
                let key = Key {
                    size,
                    bucket_us,
                    connection,
                    outcome,
                };
                self.tallies
                    .entry(key)
                    .or_default()
                    .add(sequence, outcome, closed);
            }
        }
    }
}

impl Tally {
    fn add(&mut self, sequence: u64, outcome: u8, closed: &TransactionClosed) {
        self.count += 1;
        add(&mut self.request_bytes, closed.request_bytes);
        add(&mut self.response_bytes, closed.response_bytes);
        add(&mut self.request_messages, closed.request_messages);
        add(&mut self.response_messages, closed.response_messages);
        for Measure { name, value } in &closed.measures {
            add(self.measures.entry(name.clone()).or_default(), *value);
        }
        if Outcome::from_number(outcome).is_some_and(Outcome::is_transaction) {
            *self
                .durations
                .entry(histogram::bucket(closed.total_us))
                .or_default() += 1;
            self.duration_us_max = self.duration_us_max.max(closed.total_us);
        }
        if self.first_sequence == 0 {
            self.first_sequence = sequence;
        }
        self.last_sequence = sequence;
    }
}

/// Sums stay at the highest number rather than begin again at 0.
fn add(sum: &mut u64, value: u64) {
    *sum = sum.saturating_add(value);
}
