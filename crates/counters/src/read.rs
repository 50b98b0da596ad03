//! Reading counters by line, size of bucket and period: which rows hold them.

use std::cell::OnceCell;
use std::collections::HashMap;

use ndxp_model::{Granularity, Instant, Period};
use sled::IVec;

use crate::codec::{self, Form, Want};
use crate::counter::Counter;
use crate::damage::StoreError;
use crate::key::{Key, LineId, RowKey, Size};
use crate::line::Ending;
use crate::merge::days_kept_from;
use crate::row::{Cut, Row};
use crate::store::{Store, decoded};

/// Reads counters of buckets of one size within one period, of any lines. What it reads does not
/// depend on what else is stored.
#[derive(Debug)]
pub struct Reading<'s> {
    store: &'s Store,
    granularity: Granularity,
    /// Buckets that start in it; all time starts in every one.
    period: Period,
    /// Whether durations are read where they are kept.
    durations: bool,
    /// Made when first needed, for the total and for lines.
    steps: [OnceCell<Vec<Step>>; 2],
}

/// Takes a counter: its line, the start of its bucket, its ending and its sums.
pub type Visit<'a> = &'a mut dyn FnMut(LineId, Instant, Ending, &Counter) -> Result<(), StoreError>;

/// Rows of one size, whole or their cells, of which those that start in the period are told.
#[derive(Debug)]
struct Step {
    size: Size,
    period: Period,
    want: Want,
    cuts: Vec<Cut>,
}

/// One line in so many: above it, rows are read from one end of a bucket to the other.
const SCAN_SHARE: usize = 6;
/// What of a row over all time, or of a whole month or day, is read.
const WHOLE: Want = Want {
    durations: true,
    cells: false,
};
const CELLS: Want = Want {
    durations: false,
    cells: true,
};

impl Store {
    /// From which instant on counters of the size are kept for the line.
    #[must_use]
    pub fn kept_from(&self, line: LineId, granularity: Granularity) -> Instant {
        match granularity {
            Granularity::Hour if line != LineId::TOTAL => {
                days_kept_from(&self.zone, self.state.watermark.at)
            }
            _ => Instant::from_micros(i64::MIN),
        }
    }

    /// Prepares to read. What lies before [`Store::kept_from`] will not be there; the durations of
    /// hours, those of a line's days before its hours are kept, and those that are not asked for,
    /// will be `None`.
    #[must_use]
    pub fn reading(
        &self,
        granularity: Granularity,
        period: Period,
        durations: bool,
    ) -> Reading<'_> {
        Reading {
            store: self,
            granularity,
            period,
            durations,
            steps: Default::default(),
        }
    }

    /// The months or days that overlap the period, between the first closing and the watermark.
    fn cuts(&self, size: Size, period: Period, with_cells: bool) -> Vec<Cut> {
        let Some(began) = self.state.began.filter(|_| !period.is_empty()) else {
            return Vec::new();
        };
        let bucket = |at| self.zone.bucket(size.granularity(), at);
        let end = period.to.min(bucket(self.state.watermark.at).to);
        let mut at = bucket(period.from.max(began)).from;
        let mut cuts = Vec::new();
        while at < end {
            let cut = if with_cells {
                Cut::of(&self.zone, size, at)
            } else {
                let Period { from, to } = bucket(at);
                let cells = Vec::new();
                Cut { from, to, cells }
            };
            at = cut.to.max(Instant::from_micros(at.as_micros() + 1));
            cuts.push(cut);
        }
        cuts
    }
}

impl Reading<'_> {
    /// Visits the counters of a line, or of the total, in the order of time.
    ///
    /// # Errors
    /// When a row is damaged, or the visitor refuses.
    pub fn line(&self, line: LineId, visit: Visit<'_>) -> Result<(), StoreError> {
        if self.granularity == Granularity::All {
            return match self.store.get(&RowKey::All(line).encode())? {
                Some(bytes) => self.all_time(line, &bytes, visit),
                None => Ok(()),
            };
        }
        for step in self.steps(line) {
            let key = RowKey::Last(step.size, line);
            let Some(bytes) = self.store.get(&key.encode())? else {
                continue;
            };
            let last = decoded(&key.encode(), codec::start(&bytes))?;
            for cut in step.cuts.iter().take_while(|cut| cut.from <= last) {
                if cut.from == last {
                    self.row(step, key, Form::Last, cut, &bytes, visit)?;
                    continue;
                }
                let past = RowKey::Past(step.size, cut.from, line);
                if let Some(bytes) = self.store.get(&past.encode())? {
                    self.row(step, past, Form::Past, cut, &bytes, visit)?;
                }
            }
        }
        Ok(())
    }

    /// Visits the counters of lines, ascending and without the total: line by line, or where they
    /// are many, bucket by bucket.
    ///
    /// # Errors
    /// When a row is damaged, or the visitor refuses.
    pub fn lines(&self, lines: &[LineId], visit: Visit<'_>) -> Result<(), StoreError> {
        let Some(first) = lines.first() else {
            return Ok(());
        };
        if lines.len() * SCAN_SHARE <= self.store.state.lines.len() {
            return lines.iter().try_for_each(|line| self.line(*line, visit));
        }
        let of = |key: &Key| match key {
            Key::Row(key) => Some(*key).filter(|key| lines.binary_search(&key.line()).is_ok()),
            _ => None,
        };
        if self.granularity == Granularity::All {
            return self
                .store
                .scan_prefix(&RowKey::all(), |key, bytes| match of(&key) {
                    Some(key) => self.all_time(key.line(), bytes, visit),
                    None => Ok(()),
                });
        }
        for step in self.steps(*first) {
            let mut last: HashMap<Instant, Vec<(RowKey, IVec)>> = HashMap::new();
            self.store
                .scan_pairs(&RowKey::last(step.size), |key, bytes| {
                    if let Some(key) = of(&key) {
                        let from = decoded(&key.encode(), codec::start(&bytes))?;
                        last.entry(from).or_default().push((key, bytes));
                    }
                    Ok(())
                })?;
            for cut in &step.cuts {
                let past = RowKey::past(step.size, cut.from);
                self.store.scan_prefix(&past, |key, bytes| match of(&key) {
                    Some(key) => self.row(step, key, Form::Past, cut, bytes, visit),
                    None => Ok(()),
                })?;
                for (key, bytes) in last.get(&cut.from).into_iter().flatten() {
                    self.row(step, *key, Form::Last, cut, bytes, visit)?;
                }
            }
        }
        Ok(())
    }

    fn all_time(&self, line: LineId, bytes: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        let key = RowKey::All(line).encode();
        let row = decoded(&key, codec::decode(Form::All, bytes, self.whole()))?;
        row.endings
            .iter()
            .try_for_each(|(ending, part)| visit(line, Instant::EPOCH, *ending, &part.whole))
    }

    fn row(
        &self,
        step: &Step,
        key: RowKey,
        form: Form,
        cut: &Cut,
        bytes: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let row: Row = decoded(&key.encode(), codec::decode(form, bytes, step.want))?;
        for (ending, part) in &row.endings {
            if !step.want.cells && step.period.contains(cut.from) {
                visit(key.line(), cut.from, *ending, &part.whole)?;
            }
            for (place, cell) in &part.cells {
                // A place that the calendar does not have: the check finds it.
                let from = cut.cells.get(usize::from(*place));
                if let Some(from) = from.filter(|from| step.period.contains(**from)) {
                    visit(key.line(), *from, *ending, cell)?;
                }
            }
        }
        Ok(())
    }

    fn whole(&self) -> Want {
        Want {
            durations: self.durations,
            ..WHOLE
        }
    }

    fn steps(&self, line: LineId) -> &[Step] {
        let [total, lines] = &self.steps;
        let cell = if line == LineId::TOTAL { total } else { lines };
        cell.get_or_init(|| self.make_steps(self.store.kept_from(line, Granularity::Hour)))
    }

    /// `kept_from` is from when on there are rows of days.
    fn make_steps(&self, kept_from: Instant) -> Vec<Step> {
        let kept = Period {
            from: self.period.from.max(kept_from),
            ..self.period
        };
        let plan = match self.granularity {
            Granularity::All => vec![],
            Granularity::Month => vec![(Size::Month, self.period, self.whole())],
            Granularity::Day if self.durations => vec![
                (Size::Month, self.period.until(kept_from), CELLS),
                (Size::Day, kept, WHOLE),
            ],
            Granularity::Day => vec![(Size::Month, self.period, CELLS)],
            Granularity::Hour => vec![(Size::Day, kept, CELLS)],
        };
        let steps = plan.into_iter().map(|(size, period, want)| Step {
            size,
            period,
            want,
            cuts: self.store.cuts(size, period, want.cells),
        });
        steps.filter(|step| !step.cuts.is_empty()).collect()
    }
}
