//! The recount: a plain loop over the entries for each question. Slow, and easy to believe.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ndxp_counters::{Answer, CountQuery, Counters, Counts, Dimension, Names as _};
use ndxp_model::{Instant, Outcome, Sequence, SystemKind, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Connection, Entry, TransactionClosed};
use ndxp_proto::statistics::v1::{Counter, HistogramBucket, MeasureSum};

use crate::directory::Directory;
use crate::facts::member;

/// What one row sums up, kept as it came.
#[derive(Default)]
struct Row {
    outcomes: BTreeMap<u8, u64>,
    sums: [u64; 4],
    durations: Vec<u64>,
    measures: BTreeMap<String, u128>,
    sequences: Vec<u64>,
}

pub fn kind_of(system: &str) -> Option<SystemKind> {
    match system {
        "G01/population" => Some(SystemKind::Database),
        "H26/lgsp" => Some(SystemKind::Lgsp),
        _ => None,
    }
}

/// Asks the counters and the entries the same, and holds the answers against each other.
#[track_caller]
pub fn check_count(counters: &Counters, entries: &[Entry], query: &CountQuery) -> Answer {
    let answer = counters.count(query, &Directory).unwrap();
    let watermark = answer.watermark.sequence.get();
    let mut total = Row::default();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let methods = lines(entries, watermark);
    for ((entry, closed), method) in counted(entries, watermark).zip(&methods) {
        let connection = closed.connection.clone().unwrap_or_default();
        let party = query.party.as_ref();
        let wanted = query
            .period
            .contains(Instant::from_micros(entry.committed_at_us))
            && party.is_none_or(|party| {
                party.covers(&connection.consumer) || party.covers(&connection.provider)
            });
        if !wanted {
            continue;
        }
        total.add(entry, closed);
        if let Some(by) = query.by {
            rows.entry(key(by, entry, closed, &connection, method))
                .or_default()
                .add(entry, closed);
        }
    }
    total.check(&answer.total, "the total");
    let names: Vec<_> = answer.rows.iter().map(|(key, _)| key).collect();
    assert_eq!(names, rows.keys().collect::<Vec<_>>(), "{query:?}");
    let mut sum = Counts::default();
    for ((key, told), row) in answer.rows.iter().zip(rows.values()) {
        row.check(told, key);
        sum.merge(told).unwrap();
    }
    if query.by.is_some() {
        assert_eq!(sum, answer.total, "the rows of {query:?} sum to the total");
    }
    answer
}

/// Holds everything that the counters keep, counter by counter, against the entries.
#[track_caller]
pub fn check_dump(counters: &Counters, entries: &[Entry]) -> Vec<Counter> {
    let mut dump = Vec::new();
    let watermark = counters
        .dump(&mut |counter| dump.push(counter))
        .unwrap()
        .sequence
        .get();
    let lines = lines(entries, watermark);
    let now_us = entries
        .iter()
        .find(|entry| entry.sequence == watermark)
        .map_or(0, |entry| entry.committed_at_us);
    let mut since: BTreeMap<(usize, String), u64> = BTreeMap::new();
    let mut connections = Vec::new();
    let mut expected: BTreeMap<Key, Counter> = BTreeMap::new();
    for ((entry, closed), line) in counted(entries, watermark).zip(&lines) {
        let connection = closed.connection.clone().unwrap_or_default();
        if !connections.contains(&connection) {
            connections.push(connection.clone());
        }
        let place = connections.iter().position(|other| *other == connection);
        let since = since.entry((place.unwrap(), line.clone()));
        let since = *since.or_insert(entry.sequence);
        for (granularity, bucket_us) in buckets(entry.committed_at_us) {
            for method in [None, Some(line.clone())] {
                let total = method.is_none();
                let gone = !total && gone(bucket_us, now_us);
                if granularity == "hour" && gone {
                    continue;
                }
                let counter = Counter {
                    granularity: granularity.to_owned(),
                    bucket_us,
                    total,
                    connection: (!total).then(|| connection.clone()),
                    method: method.unwrap_or_default(),
                    outcome: closed.outcome,
                    fault: closed.fault,
                    watermark,
                    line_since: if total { 0 } else { since },
                    ..Counter::default()
                };
                let durations = granularity != "hour" && !(granularity == "day" && gone);
                let counter = expected.entry(key_of(&counter)).or_insert(counter);
                add(counter, entry, closed, durations);
            }
        }
    }
    let expected: Vec<Counter> = expected.into_values().collect();
    dump.sort_by_key(key_of);
    assert_eq!(dump.len(), expected.len());
    for (told, expected) in dump.iter().zip(&expected) {
        assert_eq!(told, expected);
    }
    dump
}

/// What a counter is kept for.
type Key = (String, i64, bool, [String; 4], i32, i32);

fn key_of(counter: &Counter) -> Key {
    let connection = counter.connection.clone().unwrap_or_default();
    (
        counter.granularity.clone(),
        counter.bucket_us,
        counter.total,
        [
            connection.consumer,
            connection.provider,
            connection.service,
            counter.method.clone(),
        ],
        counter.outcome,
        counter.fault,
    )
}

/// Whether lines keep no hours of the day that begins at the instant, or holds it: it ended 62
/// days before the watermark.
fn gone(at_us: i64, now_us: i64) -> bool {
    let [_, _, (_, day_us), _] = buckets(at_us);
    day_us + (1 + 62) * 24 * 3_600_000_000 <= now_us
}

/// Under which method each counted closing is counted.
fn lines(entries: &[Entry], watermark: u64) -> Vec<String> {
    let mut answered: BTreeMap<[String; 3], BTreeSet<String>> = BTreeMap::new();
    counted(entries, watermark)
        .map(|(_, closed)| {
            let names = closed.connection.clone().unwrap_or_default();
            let methods = answered
                .entry([names.consumer, names.provider, names.service])
                .or_default();
            let called = match &closed.refused_call {
                Some(call) if closed.method.is_empty() => call.method.clone(),
                _ => closed.method.clone(),
            };
            let answer = matches!(closed.outcome, 1 | 2) && closed.grpc_status != 12;
            if answer && !called.is_empty() && methods.len() < 256 {
                methods.insert(called.clone());
            }
            if methods.contains(&called) {
                called
            } else {
                String::new()
            }
        })
        .collect()
}

/// First transactions and open transactions.
#[track_caller]
pub fn check_parties(counters: &Counters, entries: &[Entry]) {
    let (watermark, open) = counters.open_transactions().unwrap();
    let mut expected = BTreeMap::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.sequence <= watermark.get())
    {
        match entry.body.as_ref().unwrap() {
            Body::Opened(opened) => {
                let id = TransactionId::from_slice(&opened.transaction_id).unwrap();
                expected.insert(Sequence::new(entry.sequence), id);
            }
            Body::Closed(closed) => {
                expected.remove(&Sequence::new(closed.opened_sequence));
            }
            _ => {}
        }
    }
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(sequence, id)| (id, sequence))
        .collect();
    assert_eq!(open, expected);

    let mut systems = BTreeMap::new();
    for (entry, closed) in counted(entries, watermark.get()) {
        let connection = closed.connection.clone().unwrap_or_default();
        if matches!(closed.outcome, 1 | 2) {
            for system in [connection.consumer, connection.provider] {
                systems
                    .entry(system)
                    .or_insert(Instant::from_micros(entry.committed_at_us));
            }
        }
    }
    assert_eq!(
        counters.first_transaction_of().unwrap(),
        systems.into_iter().collect::<Vec<_>>()
    );
}

/// Closings that are no tests, up to the watermark.
fn counted(
    entries: &[Entry],
    watermark: u64,
) -> impl Iterator<Item = (&Entry, &TransactionClosed)> {
    entries
        .iter()
        .filter(move |entry| entry.sequence <= watermark)
        .filter_map(|entry| match entry.body.as_ref().unwrap() {
            Body::Closed(closed) if !closed.test => Some((entry, closed)),
            _ => None,
        })
}

fn local(at_us: i64) -> DateTime {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    zone.to_datetime(Timestamp::from_microsecond(at_us).unwrap())
}

fn key(
    by: Dimension,
    entry: &Entry,
    closed: &TransactionClosed,
    names: &Connection,
    method: &str,
) -> String {
    let or_dash = |name: &str| {
        if name.is_empty() {
            "-".to_owned()
        } else {
            name.to_owned()
        }
    };
    let [consumer, provider, service] =
        [&names.consumer, &names.provider, &names.service].map(|name| or_dash(name));
    let at = local(entry.committed_at_us);
    match by {
        Dimension::Connection => format!("{consumer}>{provider}/{service}"),
        Dimension::Consumer => consumer,
        Dimension::Provider => provider,
        Dimension::Service => service,
        Dimension::Kind => kind_of(&names.provider).map_or("-".to_owned(), |kind| kind.to_string()),
        Dimension::Outcome => outcome(closed).to_string(),
        Dimension::Hour => at.strftime("%Y-%m-%dT%H").to_string(),
        Dimension::Day => at.strftime("%Y-%m-%d").to_string(),
        Dimension::Month => at.strftime("%Y-%m").to_string(),
        Dimension::Week => {
            let week = at.date().iso_week_date();
            format!("{}-W{:02}", week.year(), week.week())
        }
        Dimension::Method => format!("{service}/{}", or_dash(method)),
        Dimension::Fault => match closed.fault {
            0 => "none",
            1 => "consumer",
            2 => "hub",
            _ => "provider",
        }
        .to_owned(),
        Dimension::Class => Directory
            .class(member(&consumer))
            .map_or("-".to_owned(), |class| class.to_string()),
        Dimension::ConsumerMember => member(&consumer).to_owned(),
        Dimension::ProviderMember => member(&provider).to_owned(),
    }
}

fn buckets(at_us: i64) -> [(&'static str, i64); 4] {
    let at = local(at_us);
    let start = |civil: DateTime| {
        civil
            .in_tz("Asia/Ho_Chi_Minh")
            .unwrap()
            .timestamp()
            .as_microsecond()
    };
    let day = at.date().at(0, 0, 0, 0);
    [
        ("all", 0),
        ("month", start(at.date().first_of_month().at(0, 0, 0, 0))),
        ("day", start(day)),
        ("hour", start(at.date().at(at.hour(), 0, 0, 0))),
    ]
}

fn outcome(closed: &TransactionClosed) -> Outcome {
    Outcome::from_number(u8::try_from(closed.outcome).unwrap()).unwrap()
}

fn add(counter: &mut Counter, entry: &Entry, closed: &TransactionClosed, durations: bool) {
    counter.count += 1;
    counter.request_bytes += closed.request_bytes;
    counter.response_bytes += closed.response_bytes;
    counter.request_messages += closed.request_messages;
    counter.response_messages += closed.response_messages;
    // Only the total keeps sequences.
    if counter.total {
        if counter.first_sequence == 0 {
            counter.first_sequence = entry.sequence;
        }
        counter.last_sequence = entry.sequence;
    }
    for measure in &closed.measures {
        match counter
            .measures
            .iter_mut()
            .find(|held| held.name == measure.name)
        {
            Some(held) => held.value += measure.value,
            None => counter.measures.push(MeasureSum {
                name: measure.name.clone(),
                value: measure.value,
                value_high: 0,
            }),
        }
    }
    counter
        .measures
        .sort_by(|one, other| one.name.cmp(&other.name));
    if durations && matches!(closed.outcome, 1 | 2) {
        counter.duration_us_max = counter.duration_us_max.max(closed.total_us);
        let bucket = bucket(closed.total_us);
        match counter
            .durations
            .iter_mut()
            .find(|held| held.bucket == bucket)
        {
            Some(held) => held.count += 1,
            None => counter.durations.push(HistogramBucket { bucket, count: 1 }),
        }
        counter.durations.sort_by_key(|held| held.bucket);
    }
}

/// By the definition, one doubling at a time.
fn bucket(value: u64) -> u32 {
    let (mut value, mut bucket) = (value, 0);
    while value >= 32 {
        value /= 2;
        bucket += 16;
    }
    bucket + u32::try_from(value).unwrap()
}

impl Row {
    fn add(&mut self, entry: &Entry, closed: &TransactionClosed) {
        *self.outcomes.entry(outcome(closed).number()).or_default() += 1;
        let values = [
            closed.request_bytes,
            closed.response_bytes,
            closed.request_messages,
            closed.response_messages,
        ];
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += value;
        }
        if matches!(closed.outcome, 1 | 2) {
            self.durations.push(closed.total_us);
            for measure in &closed.measures {
                *self.measures.entry(measure.name.clone()).or_default() +=
                    u128::from(measure.value);
            }
        }
        self.sequences.push(entry.sequence);
    }

    #[track_caller]
    fn check(&self, told: &Counts, name: &str) {
        for outcome in Outcome::ALL {
            let expected = self.outcomes.get(&outcome.number()).copied().unwrap_or(0);
            assert_eq!(told.outcome(outcome), expected, "{outcome} of {name}");
        }
        assert_eq!(
            told.attempts(),
            self.outcomes.values().sum::<u64>(),
            "{name}"
        );
        assert_eq!(told.transactions(), self.durations.len() as u64, "{name}");
        let sums = [
            told.request_bytes,
            told.response_bytes,
            told.request_messages,
            told.response_messages,
        ];
        assert_eq!(sums, self.sums, "{name}");
        assert_eq!(told.measures, self.measures, "{name}");
        if told.durations_absent.is_some() {
            return;
        }
        let sorted: BTreeSet<(u64, usize)> = self
            .durations
            .iter()
            .copied()
            .enumerate()
            .map(|(place, us)| (us, place))
            .collect();
        let sorted: Vec<u64> = sorted.into_iter().map(|(us, _)| us).collect();
        assert_eq!(
            told.durations.max(),
            sorted.last().copied().unwrap_or(0),
            "{name}"
        );
        for per_cent in [50, 90, 99] {
            let told = told.durations.quantile(per_cent);
            let rank = (sorted.len() * usize::from(per_cent)).div_ceil(100).max(1);
            let exact = sorted.get(rank - 1).copied().unwrap_or(0);
            assert!(
                exact <= told && told <= exact + exact / 16,
                "p{per_cent} of {name}"
            );
        }
    }
}
