//! The stored counters against the recount, both ways: what is missing, what is surplus, what
//! differs and in which field.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;

use ndxp_model::{Instant, Outcome};
use ndxp_proto::statistics::v1::Counter;

use super::findings::{Findings, Rule};
use super::recount::{Key, Lines, Recount, Size, Tally};

/// The counters as the hub keeps them, read from a dump.
#[derive(Debug, Default)]
pub struct Stored {
    tallies: HashMap<Key, Tally>,
    /// First closing counted on each line.
    pub since: HashMap<usize, u64>,
    /// Last sequence that the dump includes; `None` while the dump has told none.
    pub watermark: Option<u64>,
}

impl Stored {
    pub fn add(&mut self, counter: Counter, lines: &mut Lines, findings: &mut Findings) {
        let watermark = *self.watermark.get_or_insert(counter.watermark);
        if watermark != counter.watermark {
            findings.add(Rule::Readable, || {
                format!(
                    "one dump tells watermark {watermark} and {}",
                    counter.watermark
                )
            });
        }
        let key = match key(&counter, lines) {
            Ok(key) => key,
            Err(detail) => return findings.add(Rule::Readable, || detail),
        };
        if let Some(line) = key.line {
            self.since.insert(line, counter.line_since);
        }
        if self.tallies.insert(key, tally(counter)).is_some() {
            findings.add(Rule::CounterSurplus, || {
                format!("{} is stored twice", name(&key, lines))
            });
        }
    }

    pub fn len(&self) -> usize {
        self.tallies.len()
    }

    /// Count per outcome over all lines and buckets of the size.
    pub fn by_outcome(&self, size: Size) -> BTreeMap<u8, u64> {
        by_outcome(&self.tallies, size)
    }

    /// Compares both ways, in the order of the keys.
    pub fn compare(&self, recount: &Recount, findings: &mut Findings) {
        let mut keys: Vec<&Key> = self.tallies.keys().chain(recount.tallies.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let name = || name(key, &recount.lines);
            match (self.tallies.get(key), recount.tallies.get(key)) {
                (None, Some(made)) => findings.add(Rule::CounterMissing, || {
                    format!("{}: the journal has {}", name(), made.count)
                }),
                (Some(stored), None) => findings.add(Rule::CounterSurplus, || {
                    format!("{}: stored {}, the journal has none", name(), stored.count)
                }),
                (Some(stored), Some(made)) if stored != made => {
                    findings.add(Rule::CounterDiffers, || {
                        format!("{}: {}", name(), differences(stored, made).join(", "))
                    });
                }
                _ => {}
            }
        }
    }
}

/// Count per outcome over all lines and buckets of the size.
pub fn by_outcome(tallies: &HashMap<Key, Tally>, size: Size) -> BTreeMap<u8, u64> {
    let totals = tallies
        .iter()
        .filter(|(key, _)| key.size == size && key.line.is_none());
    let mut counts = BTreeMap::new();
    for (key, tally) in totals {
        *counts.entry(key.outcome).or_default() += tally.count;
    }
    counts
}

fn key(counter: &Counter, lines: &mut Lines) -> Result<Key, String> {
    let size = Size::ALL
        .into_iter()
        .find(|size| size.as_str() == counter.granularity)
        .ok_or_else(|| format!("a counter of granularity {:?}", counter.granularity))?;
    let outcome = u8::try_from(counter.outcome)
        .ok()
        .filter(|number| Outcome::from_number(*number).is_some())
        .ok_or_else(|| format!("a counter of outcome {}", counter.outcome))?;
    let fault = u8::try_from(counter.fault)
        .ok()
        .filter(|number| *number <= 3)
        .ok_or_else(|| format!("a counter of fault {}", counter.fault))?;
    let line = match &counter.connection {
        _ if counter.total => None,
        Some(connection) => Some(lines.number(connection, &counter.method)),
        None => return Err("a counter of no connection that is no total".to_owned()),
    };
    let bucket_us = counter.bucket_us;
    Ok(Key {
        size,
        bucket_us,
        line,
        outcome,
        fault,
    })
}

fn tally(counter: Counter) -> Tally {
    Tally {
        count: counter.count,
        request_bytes: counter.request_bytes,
        response_bytes: counter.response_bytes,
        request_messages: counter.request_messages,
        response_messages: counter.response_messages,
        measures: counter
            .measures
            .into_iter()
            .map(|measure| {
                let high = u128::from(measure.value_high) << 64;
                (measure.name, high + u128::from(measure.value))
            })
            .collect(),
        durations: counter
            .durations
            .into_iter()
            .filter(|bucket| bucket.count > 0)
            .map(|bucket| (bucket.bucket, bucket.count))
            .collect(),
        duration_us_max: counter.duration_us_max,
        first_sequence: counter.first_sequence,
        last_sequence: counter.last_sequence,
        line_since: counter.line_since,
    }
}

fn name(key: &Key, lines: &Lines) -> String {
    let whose = match key.line.map(|number| lines.get(number)) {
        Some(Some((of, method))) => {
            let method = if method.is_empty() { "-" } else { method };
            format!("{}>{}/{}/{method}", of.consumer, of.provider, of.service)
        }
        Some(None) | None => "total".to_owned(),
    };
    let outcome = Outcome::from_number(key.outcome).map_or("-", Outcome::as_str);
    let outcome = match key.fault {
        0 => outcome.to_owned(),
        fault => format!("{outcome} (fault {fault})"),
    };
    match key.size {
        Size::All => format!("{whose} {outcome} all"),
        size => {
            let bucket = Instant::from_micros(key.bucket_us);
            format!("{whose} {outcome} {} {bucket}", size.as_str())
        }
    }
}

fn differences(stored: &Tally, made: &Tally) -> Vec<String> {
    let mut found = Vec::new();
    let mut field = |name: &str, stored: &dyn Display, made: &dyn Display| {
        let (stored, made) = (stored.to_string(), made.to_string());
        if stored != made {
            found.push(format!("{name} stored {stored}, the journal has {made}"));
        }
    };
    field("count", &stored.count, &made.count);
    field("request_bytes", &stored.request_bytes, &made.request_bytes);
    field(
        "response_bytes",
        &stored.response_bytes,
        &made.response_bytes,
    );
    field(
        "request_messages",
        &stored.request_messages,
        &made.request_messages,
    );
    field(
        "response_messages",
        &stored.response_messages,
        &made.response_messages,
    );
    field(
        "duration_us_max",
        &stored.duration_us_max,
        &made.duration_us_max,
    );
    field(
        "first_sequence",
        &stored.first_sequence,
        &made.first_sequence,
    );
    field("last_sequence", &stored.last_sequence, &made.last_sequence);
    field("line_since", &stored.line_since, &made.line_since);
    for measure in union(&stored.measures, &made.measures) {
        let of = |tally: &Tally| tally.measures.get(measure).copied().unwrap_or(0);
        field(&format!("measure {measure}"), &of(stored), &of(made));
    }
    for bucket in union(&stored.durations, &made.durations) {
        let of = |tally: &Tally| tally.durations.get(bucket).copied().unwrap_or(0);
        field(
            &format!("durations in bucket {bucket}"),
            &of(stored),
            &of(made),
        );
    }
    found.truncate(DIFFERENCES_SHOWN_MAX);
    found
}

fn union<'a, K: Ord, V>(one: &'a BTreeMap<K, V>, other: &'a BTreeMap<K, V>) -> BTreeSet<&'a K> {
    one.keys().chain(other.keys()).collect()
}

/// Fields shown of one counter that differs.
const DIFFERENCES_SHOWN_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use ndxp_proto::journal::v1::Outcome as Wire;
    use ndxp_proto::journal::v1::entry::Body;
    use ndxp_proto::statistics::v1::{HistogramBucket, MeasureSum};

    use super::super::story::{closed, connection};
    use super::*;

    /// Damages one stored counter.
    type Change = fn(&mut Counter);

    const HOUR_US: i64 = 1_658_448_000_000_000;
    const DAY_US: i64 = HOUR_US - 7 * 3_600_000_000;
    const MONTH_US: i64 = DAY_US - 21 * 24 * 3_600_000_000;

    /// One completed transaction as it is stored for its hour, which is worked out by hand:
    /// 2022-07-22T00:00:00Z lies at 07:00 in Viet Nam.
    fn hour(total: bool) -> Counter {
        Counter {
            granularity: "hour".to_owned(),
            bucket_us: HOUR_US,
            connection: (!total).then(connection),
            total,
            outcome: Wire::Completed.into(),
            count: 1,
            request_bytes: 3,
            response_bytes: 5,
            request_messages: 1,
            response_messages: 2,
            measures: vec![MeasureSum {
                name: "records".to_owned(),
                value: 250,
                value_high: 0,
            }],
            watermark: 2,
            first_sequence: if total { 2 } else { 0 },
            last_sequence: if total { 2 } else { 0 },
            line_since: if total { 0 } else { 2 },
            ..Counter::default()
        }
    }

    fn dump() -> Vec<Counter> {
        [false, true]
            .into_iter()
            .flat_map(|total| {
                [
                    ("all", 0),
                    ("month", MONTH_US),
                    ("day", DAY_US),
                    ("hour", HOUR_US),
                ]
                .map(|(granularity, bucket_us)| Counter {
                    granularity: granularity.to_owned(),
                    bucket_us,
                    // 1,000 µs: 1000 / 32 = 31, five halvings, 5 · 16 + 31. Hours keep none.
                    durations: match granularity {
                        "hour" => vec![],
                        _ => vec![HistogramBucket {
                            bucket: 111,
                            count: 1,
                        }],
                    },
                    duration_us_max: if granularity == "hour" { 0 } else { 1_000 },
                    ..hour(total)
                })
            })
            .collect()
    }

    #[track_caller]
    fn check(dump: Vec<Counter>, wanted: &[(Rule, &str)]) {
        let Body::Closed(closed) = closed(1, 1, Wire::Completed) else {
            unreachable!()
        };
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let mut findings = Findings::default();
        let mut recount = Recount::new(zone);
        recount.closed(2, HOUR_US + 1_000, &closed, &mut findings);
        recount.settle(HOUR_US + 1_000);
        let mut stored = Stored::default();
        for counter in dump {
            stored.add(counter, &mut recount.lines, &mut findings);
        }
        stored.compare(&recount, &mut findings);
        let found: Vec<_> = findings
            .kept()
            .iter()
            .map(|finding| (finding.rule, finding.detail.as_str()))
            .collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_the_journal_says_is_what_is_stored() {
        check(dump(), &[]);
    }

    #[test]
    fn a_counter_that_is_missing_surplus_or_stored_twice_is_found() {
        let mut less = dump();
        less.pop();
        let missing = "total completed hour 2022-07-22T00:00:00Z: the journal has 1";
        check(less, &[(Rule::CounterMissing, missing)]);

        let mut more = dump();
        more.push(Counter {
            outcome: Wire::Cancelled.into(),
            ..hour(true)
        });
        let surplus = "total cancelled hour 2022-07-22T00:00:00Z: stored 1, the journal has none";
        check(more, &[(Rule::CounterSurplus, surplus)]);

        let mut twice = dump();
        twice.push(hour(true));
        let stored = "total completed hour 2022-07-22T00:00:00Z is stored twice";
        check(twice, &[(Rule::CounterSurplus, stored)]);
    }

    #[test]
    fn a_field_that_differs_is_named() {
        let changes: [(&str, Change); 6] = [
            ("count stored 2, the journal has 1", |counter| {
                counter.count = 2
            }),
            ("request_bytes stored 4, the journal has 3", |counter| {
                counter.request_bytes = 4
            }),
            ("measure records stored 0, the journal has 250", |counter| {
                counter.measures.clear();
            }),
            (
                "durations in bucket 111 stored 2, the journal has 1",
                |counter| {
                    counter.durations = vec![HistogramBucket {
                        bucket: 111,
                        count: 2,
                    }];
                },
            ),
            (
                "duration_us_max stored 9, the journal has 1000",
                |counter| {
                    counter.duration_us_max = 9;
                },
            ),
            ("last_sequence stored 3, the journal has 2", |counter| {
                counter.last_sequence = 3
            }),
        ];
        for (difference, change) in changes {
            let mut dump = dump();
            let day = dump.len() - 2;
            change(&mut dump[day]);
            let detail = format!("total completed day 2022-07-21T17:00:00Z: {difference}");
            check(dump, &[(Rule::CounterDiffers, &detail)]);
        }
    }

    #[test]
    fn a_counter_that_cannot_be_read_is_found() {
        let changes: [(&str, Change); 4] = [
            ("a counter of granularity \"week\"", |counter| {
                counter.granularity = "week".into()
            }),
            ("a counter of outcome 9", |counter| counter.outcome = 9),
            ("a counter of no connection that is no total", |counter| {
                counter.total = false
            }),
            ("one dump tells watermark 2 and 3", |counter| {
                counter.watermark = 3
            }),
        ];
        for (detail, change) in changes {
            let mut dump = dump();
            let mut counter = hour(true);
            counter.granularity = "all".to_owned();
            counter.outcome = Wire::Cancelled.into();
            change(&mut counter);
            dump.push(counter);
            let Body::Closed(closed) = closed(1, 1, Wire::Completed) else {
                unreachable!()
            };
            let mut findings = Findings::default();
            let mut recount = Recount::new(TimeZone::UTC);
            recount.closed(2, HOUR_US + 1_000, &closed, &mut findings);
            let mut stored = Stored::default();
            for counter in dump {
                stored.add(counter, &mut recount.lines, &mut findings);
            }
            assert_eq!(findings.kept().first().unwrap().detail, detail);
            assert_eq!(findings.kept().first().unwrap().rule, Rule::Readable);
        }
    }
}
