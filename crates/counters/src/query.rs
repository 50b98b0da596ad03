//! Questions over periods: which keys answer them, and the answer.
//!
//! The period is tiled with the largest buckets that fit, neighbouring tiles of one size are
//! read as one range. A question without breakdown by party and without filter reads the totals
//! alone, however many connections there are.

use std::collections::BTreeMap;

use ndxp_model::{Granularity, Instant, Party, Period, Sequence, SystemKind, Zone};
use ndxp_proto::journal::v1::Connection;

use crate::counter::Counter;
use crate::counts::Counts;
use crate::damage::StoreError;
use crate::dimension::Dimension;
use crate::error::CountersError;
use crate::key::{ConnectionId, CounterKey};
use crate::names::Names;
use crate::state::Watermark;
use crate::store::Store;

/// Rows of a breakdown by hour: ten years. A row is some kilobytes of histogram at most, so an
/// answer stays within a few hundred megabytes.
pub const HOURS_MAX: u64 = 10 * 366 * 24;
/// Where the calendar of periods ends: what reaches it is open.
const FAR: Instant = Instant::from_micros(253_370_764_800_000_000);
const MIN: Instant = Instant::from_micros(i64::MIN);
const MAX: Instant = Instant::from_micros(i64::MAX);
const HOUR_MICROS: i64 = 3_600_000_000;

/// A question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CountQuery {
    /// On whole local hours. An end at or before the epoch, or behind the year 9998, is open:
    /// since launch, until now.
    pub period: Period,
    pub by: Option<Dimension>,
    /// Only connections in which this party is consumer or provider.
    pub party: Option<Party>,
    /// Names are those of successors, before they key a row. Who is a party does not change by it.
    pub by_successor: bool,
}

/// The rows sum to the total, sorted by key, no key twice, none of them empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    pub rows: Vec<(String, Counts)>,
    pub total: Counts,
    /// What the answer includes, exactly.
    pub watermark: Watermark,
    /// First and last counted closing of the period; `NONE` when there is none.
    pub first_sequence: Sequence,
    pub last_sequence: Sequence,
}

/// Neighbouring buckets of one size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Run {
    granularity: Granularity,
    from: Instant,
    to: Instant,
}

impl Default for CountQuery {
    fn default() -> Self {
        Self::since_launch()
    }
}

impl CountQuery {
    /// The whole time, in total.
    #[must_use]
    pub const fn since_launch() -> Self {
        let period = Period {
            from: Instant::EPOCH,
            to: Instant::from_micros(i64::MAX),
        };
        Self {
            period,
            by: None,
            party: None,
            by_successor: false,
        }
    }

    fn needs_connections(&self) -> bool {
        self.party.is_some()
            || self
                .by
                .is_some_and(|by| by.size().is_none() && by != Dimension::Outcome)
    }

    fn covers(&self, connection: &Connection) -> bool {
        self.party.as_ref().is_none_or(|party| {
            party.covers(&connection.consumer) || party.covers(&connection.provider)
        })
    }
}

/// Answers the question from a store that does not change meanwhile.
///
/// # Errors
/// When the period does not lie on whole hours, the rows are too many, or the store is damaged.
pub fn count(
    store: &Store,
    zone: &Zone,
    query: &CountQuery,
    names: &dyn Names,
) -> Result<Answer, CountersError> {
    let runs = plan(store, zone, query)?;
    let mut rows: BTreeMap<String, Counts> = BTreeMap::new();
    let nowhere = Connection::default();
    let totals = (!query.needs_connections()).then_some((ConnectionId::TOTAL, &nowhere));
    let connections = store.state.connections();
    let covered = connections.filter(|(_, names)| query.needs_connections() && query.covers(names));
    for (id, connection) in totals.into_iter().chain(covered) {
        let connection = mapped(connection, query.by_successor, names);
        let name = |key: &CounterKey| row_key(query.by, zone, key, &connection, names);
        for run in &runs {
            read(store, id, run, |key, counter| {
                let row = rows.entry(name(&key)).or_default();
                Ok(row.add(key.outcome, &counter)?)
            })?;
        }
    }
    let mut total = Counts::default();
    for counts in rows.values() {
        total.merge(counts)?;
    }
    let (first_sequence, last_sequence) = (total.first_sequence, total.last_sequence);
    let rows = if query.by.is_some() {
        rows.into_iter().collect()
    } else {
        Vec::new()
    };
    Ok(Answer {
        rows,
        total,
        watermark: store.state.watermark,
        first_sequence,
        last_sequence,
    })
}

fn read(
    store: &Store,
    id: ConnectionId,
    run: &Run,
    visit: impl FnMut(CounterKey, Counter) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    store.counters(
        CounterKey::range(run.granularity, id, run.from, run.to),
        visit,
    )
}

fn plan(store: &Store, zone: &Zone, query: &CountQuery) -> Result<Vec<Run>, CountersError> {
    let always = CounterKey::range(Granularity::Hour, ConnectionId::TOTAL, MIN, MAX);
    let period = opened(zone, query.period)?;
    let Some(first) = store.first_counter(always)? else {
        return Ok(Vec::new());
    };
    let now = store.state.watermark.at;
    let size = query.by.and_then(Dimension::size);
    let largest = size.unwrap_or(Granularity::All);
    let runs = runs(zone, period, first.bucket, now, largest)
        .ok_or_else(|| not_whole(zone, query.period))?;
    if let (Some(by @ Dimension::Hour), [run]) = (query.by, &*runs) {
        let hours = (run.to.as_micros() - run.from.as_micros()) / HOUR_MICROS;
        let (rows, from, rows_max) = (u64::try_from(hours).unwrap_or(0), run.from, HOURS_MAX);
        if rows > rows_max {
            return Err(CountersError::TooManyRows {
                by,
                from,
                rows,
                rows_max,
            });
        }
    }
    Ok(runs)
}

/// The period with its open ends as far out as they go; the others must be on whole hours.
fn opened(zone: &Zone, period: Period) -> Result<Period, CountersError> {
    let outside = |end: Instant| end <= Instant::EPOCH || end >= FAR;
    let whole = |end: Instant| zone.bucket(Granularity::Hour, end).from == end;
    if ![period.from, period.to]
        .into_iter()
        .all(|end| outside(end) || whole(end))
    {
        return Err(not_whole(zone, period));
    }
    let from_open = period.from <= Instant::EPOCH;
    let to_open = period.to >= FAR;
    Ok(Period {
        from: if from_open { MIN } else { period.from },
        to: if to_open { MAX } else { period.to },
    })
}

fn not_whole(zone: &Zone, period: Period) -> CountersError {
    let zone = zone.name().to_owned();
    CountersError::NotWholeHours { period, zone }
}

/// Pure: the runs of buckets no larger than `largest` that cover what of the period holds
/// anything, between the hour that starts at `first` and the instant `now`. `None` when the
/// period does not lie on whole hours.
fn runs(
    zone: &Zone,
    period: Period,
    first: Instant,
    now: Instant,
    largest: Granularity,
) -> Option<Vec<Run>> {
    // Whole months, so that an open end is tiled with the largest buckets too.
    let covered = Period {
        from: period.from.max(zone.bucket(Granularity::Month, first).from),
        to: period.to.min(zone.bucket(Granularity::Month, now).to),
    };
    if covered.is_empty() {
        return Some(Vec::new());
    }
    if largest == Granularity::All && period.from <= first && now < period.to {
        let granularity = Granularity::All;
        let from = zone.bucket(granularity, first).from;
        let to = Instant::from_micros(from.as_micros() + 1);
        return Some(vec![Run {
            granularity,
            from,
            to,
        }]);
    }
    if largest == Granularity::Hour {
        return Some(vec![Run {
            granularity: largest,
            from: covered.from,
            to: covered.to,
        }]);
    }
    let tiles = zone.tile_within(covered, largest)?;
    let mut runs: Vec<Run> = Vec::new();
    for (granularity, tile) in tiles {
        match runs.last_mut() {
            Some(run) if run.granularity == granularity => run.to = tile.to,
            _ => runs.push(Run {
                granularity,
                from: tile.from,
                to: tile.to,
            }),
        }
    }
    Some(runs)
}

fn row_key(
    by: Option<Dimension>,
    zone: &Zone,
    key: &CounterKey,
    connection: &Connection,
    names: &dyn Names,
) -> String {
    let Some(by) = by else { return String::new() };
    if let Some(size) = by.size() {
        return zone.label(size, key.bucket);
    }
    let Connection {
        consumer,
        provider,
        service,
    } = connection;
    match by {
        Dimension::Consumer => known(consumer).to_owned(),
        Dimension::Provider => known(provider).to_owned(),
        Dimension::Service => known(service).to_owned(),
        Dimension::Kind => names
            .kind(provider)
            .map_or("-", SystemKind::as_str)
            .to_owned(),
        Dimension::Outcome => key.outcome.to_string(),
        _ => {
            format!("{}>{}/{}", known(consumer), known(provider), known(service))
        }
    }
}

fn mapped(connection: &Connection, by_successor: bool, names: &dyn Names) -> Connection {
    let mut connection = connection.clone();
    if by_successor {
        for system in [&mut connection.consumer, &mut connection.provider] {
            *system = names.system_successor(system);
        }
    }
    connection
}

/// A name, or the dash for one that a refusal left unknown.
fn known(name: &str) -> &str {
    if name.is_empty() { "-" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::Damage;
    use crate::key::Key;
    use crate::names::NoNames;
    use crate::sample::{self, Place};

    /// `size from..to` of each run, in local time.
    #[track_caller]
    fn check_runs(period: (&str, &str), largest: Granularity, expected: &[&str]) {
        let zone = Zone::viet_nam();
        let start = |text: &str| zone.moment(text).unwrap().from;
        let period = Period {
            from: if period.0.is_empty() {
                MIN
            } else {
                start(period.0)
            },
            to: if period.1.is_empty() {
                MAX
            } else {
                start(period.1)
            },
        };
        let (first, now) = (start("2022-06-10T09"), start("2022-08-20T10"));
        let now = Instant::from_micros(now.as_micros() + 5);
        let shown: Vec<String> = runs(&zone, period, first, now, largest)
            .unwrap()
            .iter()
            .map(|run| {
                let label = |instant| zone.label(run.granularity, instant);
                let last = Instant::from_micros(run.to.as_micros() - 1);
                format!("{} {}..={}", run.granularity, label(run.from), label(last))
            })
            .collect();
        assert_eq!(shown, expected, "{period:?}");
    }

    #[test]
    fn a_period_is_read_in_the_largest_buckets_that_fit() {
        let all = Granularity::All;
        check_runs(("", ""), all, &["all all..=all"]);
        check_runs(("2022-06-10T09", "2022-08-20T11"), all, &["all all..=all"]);
        check_runs(
            ("2022-06-10T10", ""),
            all,
            &[
                "hour 2022-06-10T10..=2022-06-10T23",
                "day 2022-06-11..=2022-06-30",
                "month 2022-07..=2022-08",
            ],
        );
        check_runs(
            ("", "2022-08-20T10"),
            all,
            &[
                "month 2022-06..=2022-07",
                "day 2022-08-01..=2022-08-19",
                "hour 2022-08-20T00..=2022-08-20T09",
            ],
        );
        check_runs(("2022-07", "2022-08"), all, &["month 2022-07..=2022-07"]);
        check_runs(("2022-08", "2022-09"), all, &["month 2022-08..=2022-08"]);
        check_runs(("2019-01", "2022-06"), all, &[]);
        check_runs(("2022-09", "2023-01"), all, &[]);
        check_runs(
            ("2022-07-31T22", "2022-08-01T02"),
            Granularity::Day,
            &["hour 2022-07-31T22..=2022-08-01T01"],
        );
        check_runs(
            ("2022-07", ""),
            Granularity::Day,
            &["day 2022-07-01..=2022-08-31"],
        );
        check_runs(
            ("2022-07", "2022-08"),
            Granularity::Hour,
            &["hour 2022-07-01T00..=2022-07-31T23"],
        );
    }

    /// Clocks that are set forward and back, by half an hour and at midnight too.
    #[test]
    fn runs_cover_the_period_once_in_every_zone() {
        let mut rng = fastrand::Rng::with_seed(1);
        for name in [
            "Asia/Ho_Chi_Minh",
            "Asia/Kathmandu",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
        ] {
            let zone: Zone = name.parse().unwrap();
            let hour = |instant| zone.bucket(Granularity::Hour, instant);
            for _ in 0..300 {
                let start = rng.i64(1_500_000_000..1_560_000_000) * 1_000_000;
                let period = Period {
                    from: hour(Instant::from_micros(start)).from,
                    to: hour(Instant::from_micros(
                        start + rng.i64(0..100 * 24) * HOUR_MICROS,
                    ))
                    .to,
                };
                let first = zone.bucket(Granularity::Month, period.from).from;
                let runs = runs(&zone, period, first, period.to, Granularity::Month).unwrap();
                let mut at = period.from;
                for run in &runs {
                    assert_eq!(run.from, at, "{name} {period:?}");
                    while at < run.to {
                        let bucket = zone.bucket(run.granularity, at);
                        assert_eq!(bucket.from, at, "{name} {period:?}");
                        at = bucket.to;
                    }
                    assert_eq!(at, run.to, "{name} {period:?}");
                }
                assert_eq!(at, period.to, "{name}");
            }
        }
    }

    #[test]
    fn a_national_question_reads_no_connection() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(300));
        projection.catch_up().unwrap();
        let guard = projection.writer.shared.read();
        let store = guard.as_ref().unwrap();
        let mut keys = Vec::new();
        let every = store.counters(CounterKey::all(), |key, _| {
            keys.push(key);
            Ok(())
        });
        every.unwrap();
        for key in keys
            .iter()
            .filter(|key| key.connection != ConnectionId::TOTAL)
        {
            store.overwrite(&Key::Counter(*key), Some(vec![]));
        }
        let ask = |by| {
            let query = CountQuery {
                by,
                ..CountQuery::since_launch()
            };
            count(store, &Zone::viet_nam(), &query, &NoNames)
        };
        for by in Dimension::ALL.into_iter().map(Some).chain([None]) {
            let total = by.is_none_or(|by| by.size().is_some() || by == Dimension::Outcome);
            match ask(by) {
                Ok(answer) => assert!(total && answer.total.attempts() == 300, "{by:?}"),
                Err(CountersError::Store(StoreError::Damage(Damage::Value { .. }))) => {
                    assert!(!total, "{by:?}");
                }
                Err(other) => panic!("{by:?}: {other}"),
            }
        }
    }
}
