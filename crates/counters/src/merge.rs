//! What a delta makes of the rows that are stored: three of each line that it touches.

use std::time::Duration;

use ndxp_model::{Granularity, Instant, Zone};

use crate::codec::{self, Form, Want};
use crate::damage::StoreError;
use crate::key::{Key, LineId, RowKey, Size};
use crate::view::View;

/// How long a line's days are kept, and with them its hours and the durations of days: two
/// months, whichever they are. The arithmetic is in `docs/decisions/0017-what-counters-keep.md`.
const DAYS_KEPT: Duration = Duration::from_secs(62 * 24 * 3_600);

/// From which instant on the days of lines are kept, as of the journal's time: since the start of
/// the day 62 days before it. Days before it are told to nobody, and removed.
#[must_use]
pub fn days_kept_from(zone: &Zone, now: Instant) -> Instant {
    zone.bucket(Granularity::Day, now.saturating_sub(DAYS_KEPT))
        .from
}

/// Gives every row that the pending counters change. The earlier months and days of the total stay
/// in the store; those of lines were laid to rest before anything behind them was counted.
///
/// # Errors
/// When a stored row is damaged or a sum does not fit.
pub fn merge(view: &View<'_>, put: &mut impl FnMut(Key, Vec<u8>)) -> Result<(), StoreError> {
    for line in view.pending.touched() {
        let all = view.all(line, Want::EVERYTHING)?;
        let bytes = codec::encode(Form::All, Instant::EPOCH, &all);
        put(Key::Row(RowKey::All(line)), bytes);
        for size in [Size::Month, Size::Day] {
            let last = view.last(size, line, Want::EVERYTHING)?;
            for (from, row) in last.turned.iter().filter(|_| line == LineId::TOTAL) {
                let bytes = codec::encode(Form::Past, *from, row);
                put(Key::Row(RowKey::Total(size, *from)), bytes);
            }
            if let Some(from) = last.from {
                let bytes = codec::encode(Form::Last, from, &last.row);
                put(Key::Row(RowKey::Last(size, line)), bytes);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1::entry::Body;
    use ndxp_proto::journal::v1::{Connection, Entry, Measure, TransactionClosed};

    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::check::check;
    use crate::commit::PIECE_ROWS;
    use crate::delta::Delta;
    use crate::past::Past;
    use crate::store::Store;

    /// Closings over two years, with pauses from moments to months, to the borders of days too.
    fn closings(seed: u64) -> Vec<Entry> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (hour, mut at_us) = (3_600_000_000, 1_640_969_880_000_000);
        (1..=600)
            .map(|sequence| {
                at_us += match rng.u8(0..30) {
                    0 => rng.i64(0..70 * 24 * hour),
                    1..=4 => rng.i64(0..40 * hour),
                    5..=7 => (at_us / hour + 1) * hour - at_us,
                    _ => rng.i64(0..hour),
                };
                let closed = TransactionClosed {
                    connection: Some(Connection {
                        service: format!("gov.Service{}", rng.u8(0..3)),
                        ..Connection::default()
                    }),
                    method: rng.choice(["", "Get", "Put"]).unwrap().to_owned(),
                    grpc_status: rng.choice([0, 12]).unwrap(),
                    outcome: rng.i32(1..8),
                    fault: rng.i32(0..4),
                    total_us: rng.u64(0..100_000),
                    measures: vec![Measure {
                        name: "records".to_owned(),
                        value: u64::MAX - rng.u64(0..3),
                    }],
                    ..TransactionClosed::default()
                };
                Entry {
                    sequence,
                    committed_at_us: at_us,
                    body: Some(Body::Closed(closed)),
                }
            })
            .collect()
    }

    /// How a store is written: entries of one round, and what happens behind it.
    #[derive(Clone, Copy)]
    struct Way {
        round: fn(&mut fastrand::Rng) -> usize,
        restart: bool,
        /// Pieces after which the process is killed, and the rest left to the next start.
        killed_after: Option<usize>,
    }

    const PLAIN: Way = Way {
        round: |_| 600,
        restart: false,
        killed_after: None,
    };

    /// All keys and values, and all files that rest, after the entries were counted so.
    fn contents(directory: &Path, entries: &[Entry], way: Way) -> Vec<(Vec<u8>, Vec<u8>)> {
        let zone = Zone::viet_nam();
        let mut store = Store::open(directory, &zone).unwrap();
        let mut rest = entries;
        let mut rng = fastrand::Rng::with_seed(3);
        while let Some(first) = rest.first() {
            let at = |entry: &Entry| Instant::from_micros(entry.committed_at_us);
            store.lay_to_rest(at(first)).unwrap();
            let day = zone.bucket(Granularity::Day, at(first));
            let of_day = rest.iter().take_while(|entry| day.contains(at(entry)));
            let (now, later) = rest.split_at((way.round)(&mut rng).clamp(1, of_day.count()));
            let mut delta = Delta::behind(&store.state);
            for entry in now {
                delta.fold(&store.state, &zone, entry).unwrap();
            }
            let round = store.prepare(&delta).unwrap();
            if way.killed_after.is_some() {
                round.write(&directory.join("round")).unwrap();
            }
            let mut pieces = store.stage(round, delta);
            let mut left = way.killed_after.unwrap_or(usize::MAX);
            let rows_max = way.killed_after.map_or(PIECE_ROWS, |_| 3);
            while left > 0 && store.write_piece(&mut pieces, rows_max).unwrap() {
                left -= 1;
            }
            if way.restart || way.killed_after.is_some() {
                store.close().unwrap();
                store = Store::open(directory, &zone).unwrap();
            }
            store.prune().unwrap();
            rest = later;
        }
        check(&store).unwrap();
        let mut pairs = Vec::new();
        store
            .scan(|key, value| {
                pairs.push((key.encode(), value.to_vec()));
                Ok(())
            })
            .unwrap();
        for (size, from) in store.past.buckets().unwrap() {
            let name = store.past.name(size, from);
            let bytes = fs::read(directory.join("past").join(&name)).unwrap();
            pairs.push((name.into_bytes(), bytes));
        }
        pairs
    }

    fn written(entries: &[Entry], way: Way) -> Vec<(Vec<u8>, Vec<u8>)> {
        contents(tempfile::tempdir().unwrap().path(), entries, way)
    }

    #[test]
    fn the_store_is_the_same_to_the_byte_whatever_the_batches_and_restarts() {
        for seed in 0..3 {
            let entries = closings(seed);
            let whole = written(&entries, PLAIN);
            let one_by_one = Way {
                round: |_| 1,
                ..PLAIN
            };
            assert_eq!(written(&entries, one_by_one), whole, "seed {seed}");
            let with_restarts = Way {
                round: |rng| rng.usize(1..90),
                restart: true,
                ..PLAIN
            };
            assert_eq!(written(&entries, with_restarts), whole, "seed {seed}");
        }
    }

    #[test]
    fn a_round_that_was_killed_half_way_is_whole_after_the_next_start() {
        let entries = closings(7);
        let way = |killed_after| Way {
            round: |_| 40,
            killed_after,
            ..PLAIN
        };
        let whole = written(&entries[..200], way(None));
        for pieces in [0, 1, 2, 5] {
            let killed = written(&entries[..200], way(Some(pieces)));
            assert_eq!(killed, whole, "after {pieces} pieces");
        }
    }

    #[test]
    fn days_of_lines_go_after_62_days_and_those_of_the_total_stay() {
        let directory = tempfile::tempdir().unwrap();
        let entries = closings(1);
        let pairs = contents(directory.path(), &entries, PLAIN);
        let now = Instant::from_micros(entries.last().unwrap().committed_at_us);
        let zone = Zone::viet_nam();
        let kept_from = days_kept_from(&zone, now);
        let past = Past::new(directory.path().join("past"), zone);
        let buckets = past.buckets().unwrap();
        let days = || buckets.iter().filter(|(size, _)| *size == Size::Day);
        assert!(days().count() > 3 && days().all(|(_, from)| *from >= kept_from));
        let of_total = pairs.iter().filter_map(|(key, _)| match Key::decode(key) {
            Some(Key::Row(RowKey::Total(Size::Day, from))) => Some(from),
            _ => None,
        });
        assert!(of_total.into_iter().any(|from| from < kept_from));
    }

    #[test]
    fn what_is_kept_is_counted_from_the_start_of_a_day() {
        let zone = Zone::viet_nam();
        let start = |text: &str| zone.moment(text).unwrap().from;
        for (now, kept_from) in [
            ("2022-03-04T00", "2022-01-01"),
            ("2022-03-03T23", "2021-12-31"),
            ("2022-07-22T09", "2022-05-21"),
        ] {
            assert_eq!(days_kept_from(&zone, start(now)), start(kept_from), "{now}");
        }
    }
}
