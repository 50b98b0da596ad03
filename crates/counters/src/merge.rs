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
const REMOVED_MAX: usize = 4_096;

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
