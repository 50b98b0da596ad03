//! What a delta makes of the rows that are stored: three of each line that it touches. A month
//! or day that the line's next closing lies behind is put away among the earlier ones.

use std::collections::HashMap;
use std::time::Duration;

use ndxp_model::{Granularity, Instant, Zone};

use crate::codec::{self, Form, Want};
use crate::counter::Counter;
use crate::damage::StoreError;
use crate::delta::{Delta, HourKey};
use crate::key::{LineId, RowKey, Size};
use crate::row::{Cut, Row};
use crate::store::{Store, decoded};

/// How long a line's days are kept, and with them its hours and the durations of days: two
/// months, whichever they are. The arithmetic is in `docs/decisions/0017-what-counters-keep.md`.
const DAYS_KEPT: Duration = Duration::from_secs(62 * 24 * 3_600);
/// How many rows that are no longer kept one batch removes: a batch stays small after a standstill
/// of weeks, and a busy hub, of some ten batches a second, catches up in moments.
const REMOVED_MAX: usize = 512;

/// From which instant on the days of lines are kept, as of the journal's time: since the start of
/// the day 62 days before it. Days before it are told to nobody, and removed bit by bit.
#[must_use]
pub fn days_kept_from(zone: &Zone, now: Instant) -> Instant {
    zone.bucket(Granularity::Day, now.saturating_sub(DAYS_KEPT))
        .from
}

/// Puts into the batch every row that the delta changes.
///
/// # Errors
/// When a stored row is damaged or a sum does not fit.
pub fn merge(store: &Store, delta: &Delta, batch: &mut sled::Batch) -> Result<(), StoreError> {
    let kept_from = days_kept_from(&store.zone, delta.watermark.at);
    let hours: Vec<(HourKey, Counter)> = delta.hours()?.into_iter().collect();
    let mut cuts = Cuts {
        zone: &store.zone,
        known: HashMap::new(),
    };
    for of_line in hours.chunk_by(|(one, _), (other, _)| one.line == other.line) {
        let Some((HourKey { line, .. }, _)) = of_line.first() else {
            continue;
        };
        let key = RowKey::All(*line);
        let mut all = store.row(key, Form::All)?.unwrap_or_default();
        let mut month = Last::of(store, Size::Month, *line)?;
        let mut day = Last::of(store, Size::Day, *line)?;
        for (key, counter) in of_line {
            all.add(key.ending, None, counter)?;
            let [month_cut, day_cut] = cuts.at(key.hour);
            for (last, cut) in [(&mut month, month_cut), (&mut day, day_cut)] {
                last.turn_to(cut.from, kept_from, batch);
                last.row
                    .add(key.ending, Some(cut.place(key.hour)), counter)?;
            }
        }
        batch.insert(key.encode(), codec::encode(Form::All, Instant::EPOCH, &all));
        month.put(batch);
        day.put(batch);
    }
    Ok(())
}

/// Puts into the batch the removal of days of lines that are no longer kept.
///
/// # Errors
/// When sled cannot read.
pub fn prune(store: &Store, now: Instant, batch: &mut sled::Batch) -> Result<(), StoreError> {
    let kept_from = days_kept_from(&store.zone, now);
    let gone = RowKey::days().to_vec()..RowKey::past(Size::Day, kept_from);
    for key in store.keys(gone, REMOVED_MAX)? {
        batch.remove(key);
    }
    Ok(())
}

/// The row of a line's last month or day.
struct Last {
    size: Size,
    line: LineId,
    /// Where it begins; `None` when the line has none yet.
    from: Option<Instant>,
    row: Row,
}

impl Last {
    fn of(store: &Store, size: Size, line: LineId) -> Result<Self, StoreError> {
        let key = RowKey::Last(size, line).encode();
        let (from, row) = match store.get(&key)? {
            None => (None, Row::default()),
            Some(bytes) => (
                Some(decoded(&key, codec::start(&bytes))?),
                decoded(&key, codec::decode(Form::Last, &bytes, Want::EVERYTHING))?,
            ),
        };
        Ok(Self {
            size,
            line,
            from,
            row,
        })
    }

    /// Puts the row away and begins the next, unless it is the one that begins at `from`.
    fn turn_to(&mut self, from: Instant, kept_from: Instant, batch: &mut sled::Batch) {
        let Some(before) = self.from.filter(|before| *before != from) else {
            self.from = Some(from);
            return;
        };
        let row = std::mem::take(&mut self.row);
        self.from = Some(from);
        if self.size == Size::Month || self.line == LineId::TOTAL || before >= kept_from {
            let key = RowKey::Past(self.size, before, self.line);
            batch.insert(key.encode(), codec::encode(Form::Past, before, &row));
        }
    }

    fn put(&self, batch: &mut sled::Batch) {
        let Some(from) = self.from else { return };
        let key = RowKey::Last(self.size, self.line);
        batch.insert(key.encode(), codec::encode(Form::Last, from, &self.row));
    }
}

/// The months and days of the hours asked for, each cut once.
struct Cuts<'a> {
    zone: &'a Zone,
    known: HashMap<Instant, [Cut; 2]>,
}

impl Cuts<'_> {
    fn at(&mut self, hour: Instant) -> &[Cut; 2] {
        let zone = self.zone;
        self.known
            .entry(hour)
            .or_insert_with(|| [Size::Month, Size::Day].map(|size| Cut::of(zone, size, hour)))
    }
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1::entry::Body;
    use ndxp_proto::journal::v1::{Connection, Entry, Measure, TransactionClosed};

    use super::*;
    use crate::check::check;

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

    /// The store's keys and values after the entries were applied in batches of so many, with a
    /// restart behind each when told.
    fn contents(
        entries: &[Entry],
        mut batch: impl FnMut() -> usize,
        restart: bool,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let directory = tempfile::tempdir().unwrap();
        let (path, zone) = (directory.path().join("store"), Zone::viet_nam());
        let mut store = Store::open(&path, &zone).unwrap();
        let mut rest = entries;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch().clamp(1, rest.len()));
            let mut delta = Delta::behind(&store.state);
            for entry in now {
                delta.fold(&store.state, &zone, entry).unwrap();
            }
            let prepared = store.prepare(delta).unwrap();
            store.commit(prepared).unwrap();
            if restart {
                store.close().unwrap();
                store = Store::open(&path, &zone).unwrap();
            }
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
        pairs
    }

    #[test]
    fn the_store_is_the_same_to_the_byte_whatever_the_batches_and_restarts() {
        for seed in 0..6 {
            let entries = closings(seed);
            let whole = contents(&entries, || 600, false);
            let mut rng = fastrand::Rng::with_seed(seed);
            assert_eq!(contents(&entries, || 1, false), whole, "seed {seed}");
            assert_eq!(contents(&entries, || rng.usize(1..90), true), whole);
        }
    }

    #[test]
    fn days_of_lines_go_after_62_days_and_those_of_the_total_stay() {
        let entries = closings(1);
        let pairs = contents(&entries, || 50, false);
        let now = Instant::from_micros(entries.last().unwrap().committed_at_us);
        let kept_from = days_kept_from(&Zone::viet_nam(), now);
        let days = |total: bool| {
            pairs
                .iter()
                .filter_map(move |(key, _)| match crate::key::Key::decode(key) {
                    Some(crate::key::Key::Row(RowKey::Past(Size::Day, from, line))) => {
                        ((line == LineId::TOTAL) == total).then_some(from)
                    }
                    _ => None,
                })
        };
        assert!(days(false).count() > 3 && days(false).all(|from| from >= kept_from));
        assert!(days(true).any(|from| from < kept_from));
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

    #[test]
    fn a_batch_removes_a_bounded_number_of_rows() {
        let directory = tempfile::tempdir().unwrap();
        let zone = Zone::viet_nam();
        let store = Store::open(&directory.path().join("store"), &zone).unwrap();
        let day = zone.moment("2022-01-01").unwrap().from;
        let surplus = 5;
        for line in 1..=u32::try_from(REMOVED_MAX + surplus).unwrap() {
            let key = crate::key::Key::Row(RowKey::Past(Size::Day, day, LineId(line)));
            store.overwrite(&key, Some(vec![]));
        }
        let kept = RowKey::days().to_vec()..RowKey::past(Size::Day, Instant::from_micros(i64::MAX));
        let later = zone.moment("2022-05-01").unwrap().from;
        for left in [surplus, 0] {
            let mut batch = sled::Batch::default();
            prune(&store, later, &mut batch).unwrap();
            store.write(batch);
            let keys = store.keys(kept.clone(), usize::MAX).unwrap();
            assert_eq!(keys.len(), left);
        }
    }
}
