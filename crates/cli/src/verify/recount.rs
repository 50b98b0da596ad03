//! The recount: every counter made anew from the journal's closings, by code of its own.
//!
//! A line is a method of a connection. A method has a line once the provider has answered a call
//! of it otherwise than UNIMPLEMENTED, and at most 256 methods of a connection do; other calls are
//! counted on the connection's line without a name.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::tz::TimeZone;
use ndxp_model::Outcome;
use ndxp_proto::journal::v1::{Connection, Measure, Outcome as Wire, TransactionClosed};
use serde::Serialize;

use super::findings::{Findings, Rule};
use super::histogram;
use super::time::Knife;

/// Numbers for lines, so that the keys of millions of counters stay small.
#[derive(Debug, Default)]
pub struct Lines {
    numbers: HashMap<Connection, HashMap<String, usize>>,
    names: Vec<(Connection, String)>,
}

/// What one counter is kept for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    pub size: Size,
    /// Start of the bucket, microseconds since the epoch; 0 for all time.
    pub bucket_us: i64,
    /// `None` for the total over all lines.
    pub line: Option<usize>,
    /// The contract's numbers.
    pub outcome: u8,
    pub fault: u8,
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
    pub measures: BTreeMap<String, u128>,
    pub durations: BTreeMap<u32, u64>,
    pub duration_us_max: u64,
    /// Of the total alone.
    pub first_sequence: u64,
    pub last_sequence: u64,
    /// First closing counted on the line; 0 for the total.
    pub line_since: u64,
}

#[derive(Debug)]
pub struct Recount {
    knife: Knife,
    pub lines: Lines,
    methods: Methods,
    /// First closing counted on each line.
    since: HashMap<usize, u64>,
    pub tallies: HashMap<Key, Tally>,
    /// Hours of lines, by the start of the day that holds them: they are not kept for ever.
    hours: BTreeMap<i64, HashMap<Key, Tally>>,
    /// Closings counted: what attempts must be.
    pub attempts: u64,
    /// Closings marked as tests, which are journaled and not counted.
    pub tests: u64,
}

/// Which methods are counted by name.
#[derive(Debug)]
enum Methods {
    /// By the journal from its beginning: the methods of each connection that were answered.
    Answered(HashMap<Connection, HashSet<String>>),
    /// As the stored lines say, from which closing on: the journal's beginning is not read.
    Stored(HashMap<Connection, HashMap<String, u64>>),
}

/// Methods of a connection counted by name.
const METHODS_MAX: usize = 256;
/// gRPC's status for a method that the provider does not know.
const UNIMPLEMENTED: u32 = 12;
/// How long hours of lines are kept behind the end of their day: 62 days of 24 hours.
const HOURS_KEPT_US: i64 = 62 * 24 * 3_600_000_000;

impl Lines {
    pub fn number(&mut self, connection: &Connection, method: &str) -> usize {
        let known = self.numbers.get(connection);
        if let Some(number) = known.and_then(|methods| methods.get(method)) {
            return *number;
        }
        let number = self.names.len();
        self.names.push((connection.clone(), method.to_owned()));
        let methods = self.numbers.entry(connection.clone()).or_default();
        methods.insert(method.to_owned(), number);
        number
    }

    pub fn get(&self, number: usize) -> Option<&(Connection, String)> {
        self.names.get(number)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// How many connections they belong to.
    pub fn connections(&self) -> usize {
        self.numbers.len()
    }
}

impl Methods {
    /// Under which method's name the closing is counted; empty for none.
    fn name<'a>(
        &mut self,
        sequence: u64,
        connection: &Connection,
        closed: &'a TransactionClosed,
    ) -> &'a str {
        let called = match &closed.refused_call {
            Some(call) if closed.method.is_empty() => &call.method,
            _ => &closed.method,
        };
        let known = match self {
            Self::Stored(since) => since
                .get(connection)
                .and_then(|methods| methods.get(called))
                .is_some_and(|since| *since <= sequence),
            Self::Answered(methods) => {
                let answered = matches!(closed.outcome(), Wire::Completed | Wire::ProviderError)
                    && closed.grpc_status != UNIMPLEMENTED;
                let methods = methods.entry(connection.clone()).or_default();
                if answered && !called.is_empty() && methods.len() < METHODS_MAX {
                    methods.insert(called.clone());
                }
                methods.contains(called)
            }
        };
        if known { called } else { "" }
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
            lines: Lines::default(),
            methods: Methods::Answered(HashMap::new()),
            since: HashMap::new(),
            tallies: HashMap::new(),
            hours: BTreeMap::new(),
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
        let fault = u8::try_from(closed.fault).ok().filter(|fault| *fault <= 3);
        let Some(fault) = fault else {
            findings.add(Rule::Readable, || {
                format!("sequence {sequence}: fault {}", closed.fault)
            });
            return;
        };
        let connection = closed.connection.clone().unwrap_or_default();
        let method = self.methods.name(sequence, &connection, closed);
        let line = self.lines.number(&connection, method);
        let since = *self.since.entry(line).or_insert(sequence);
        for (size, bucket_us) in [
            (Size::All, 0),
            (Size::Month, starts.month),
            (Size::Day, starts.day),
            (Size::Hour, starts.hour),
        ] {
            for line in [None, Some(line)] {
                let key = Key {
                    size,
                    bucket_us,
                    line,
                    outcome: outcome.number(),
                    fault,
                };
                let tallies = match (size, line) {
                    (Size::Hour, Some(_)) => self.hours.entry(starts.day).or_default(),
                    _ => &mut self.tallies,
                };
                let tally = tallies.entry(key).or_default();
                tally.add(&key, sequence, closed);
                tally.line_since = line.map_or(0, |_| since);
            }
        }
        self.forget(at_us);
    }

    /// From now on the names of lines, and since when they are counted, are as stored.
    pub fn trust_lines(&mut self, stored: &HashMap<usize, u64>) {
        let mut since: HashMap<Connection, HashMap<String, u64>> = HashMap::new();
        for (line, first) in stored {
            if let Some((connection, method)) = self.lines.get(*line) {
                let methods = since.entry(connection.clone()).or_default();
                methods.insert(method.clone(), *first);
            }
        }
        self.methods = Methods::Stored(since);
        self.since.clone_from(stored);
    }

    /// Leaves what is kept at the journal's time: of lines, no hours of days long past, and no
    /// durations of those days.
    pub fn settle(&mut self, now_us: i64) {
        self.forget(now_us);
        for hours in std::mem::take(&mut self.hours).into_values() {
            self.tallies.extend(hours);
        }
        let mut days: HashMap<i64, bool> = HashMap::new();
        for (key, tally) in &mut self.tallies {
            if key.size != Size::Day || key.line.is_none() {
                continue;
            }
            let gone = days
                .entry(key.bucket_us)
                .or_insert_with(|| is_gone(&mut self.knife, key.bucket_us, now_us));
            if *gone {
                tally.durations.clear();
                tally.duration_us_max = 0;
            }
        }
    }

    /// Leaves the counters whose buckets lie within the period.
    pub fn keep_within(&mut self, from_us: i64, to_us: i64) {
        let knife = &mut self.knife;
        self.tallies.retain(|key, _| {
            let end_us = knife.end(key.size, key.bucket_us);
            key.size != Size::All
                && key.bucket_us >= from_us
                && end_us.is_some_and(|end_us| end_us <= to_us)
        });
    }

    fn forget(&mut self, now_us: i64) {
        while let Some(oldest) = self.hours.first_entry()
            && is_gone(&mut self.knife, *oldest.key(), now_us)
        {
            oldest.remove();
        }
    }
}

/// Whether the hours of the day that begins then are kept no more.
fn is_gone(knife: &mut Knife, day_us: i64, now_us: i64) -> bool {
    let end_us = knife.day_after(day_us).unwrap_or(i64::MAX);
    end_us.saturating_add(HOURS_KEPT_US) <= now_us
}

impl Tally {
    fn add(&mut self, key: &Key, sequence: u64, closed: &TransactionClosed) {
        self.count += 1;
        add(&mut self.request_bytes, closed.request_bytes);
        add(&mut self.response_bytes, closed.response_bytes);
        add(&mut self.request_messages, closed.request_messages);
        add(&mut self.response_messages, closed.response_messages);
        for Measure { name, value } in &closed.measures {
            let sum = self.measures.entry(name.clone()).or_default();
            *sum = sum.saturating_add((*value).into());
        }
        let answered = Outcome::from_number(key.outcome).is_some_and(Outcome::is_transaction);
        if answered && key.size != Size::Hour {
            *self
                .durations
                .entry(histogram::bucket(closed.total_us))
                .or_default() += 1;
            self.duration_us_max = self.duration_us_max.max(closed.total_us);
        }
        if key.line.is_none() {
            if self.first_sequence == 0 {
                self.first_sequence = sequence;
            }
            self.last_sequence = sequence;
        }
    }
}

/// Sums stay at the highest number rather than begin again at 0.
fn add(sum: &mut u64, value: u64) {
    *sum = sum.saturating_add(value);
}
