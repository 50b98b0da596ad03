//! Reading counters by line, size of bucket and period: which rows hold them.

use std::cell::OnceCell;

use ndxp_model::{Granularity, Instant, Period};

use crate::codec::{self, Form, Want};
use crate::counter::Counter;
use crate::damage::{Damage, StoreError};
use crate::key::{LineId, Size};
use crate::line::Ending;
use crate::merge::days_kept_from;
use crate::row::{Cut, Row};
use crate::view::{Last, View};

/// Reads counters of buckets of one size within one period, of any lines. What it reads does not
/// depend on what else is stored.
#[derive(Debug)]
pub struct Reading<'v> {
    view: &'v View<'v>,
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

/// One line in so many: above it, a file is read from one end to the other.
const SCAN_SHARE: usize = 6;

impl<'v> View<'v> {
    /// From which instant on counters of the size are kept for the line.
    #[must_use]
    pub fn kept_from(&self, line: LineId, granularity: Granularity) -> Instant {
        match granularity {
            Granularity::Hour if line != LineId::TOTAL => {
                days_kept_from(self.zone(), self.watermark().at)
            }
            _ => Instant::from_micros(i64::MIN),
        }
    }

    /// Prepares to read. What lies before [`View::kept_from`] will not be there; the durations of
    /// hours, those of a line's days before its hours are kept, and those that are not asked for,
    /// will be `None`.
    #[must_use]
    pub fn reading(
        &'v self,
        granularity: Granularity,
        period: Period,
        durations: bool,
    ) -> Reading<'v> {
        Reading {
            view: self,
            granularity,
            period,
            durations,
            steps: Default::default(),
        }
    }

    /// The months or days that overlap the period, between the first closing and the watermark.
    fn cuts(&self, size: Size, period: Period, with_cells: bool) -> Vec<Cut> {
        let Some(began) = self.pending.began.filter(|_| !period.is_empty()) else {
            return Vec::new();
        };
        let bucket = |at| self.zone().bucket(size.granularity(), at);
        let end = period.to.min(bucket(self.watermark().at).to);
        let mut at = bucket(period.from.max(began)).from;
        let mut cuts = Vec::new();
        while at < end {
            let cut = if with_cells {
                Cut::of(self.zone(), size, at)
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
            return self.all_time(line, visit);
        }
        for step in self.steps(line) {
            let last = self.view.last(step.size, line, step.want)?;
            for cut in &step.cuts {
                self.bucket(step, line, cut, &last, visit)?;
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
        if lines.len() == 1 || self.granularity == Granularity::All {
            return lines.iter().try_for_each(|line| self.line(*line, visit));
        }
        for step in self.steps(*first) {
            for cut in &step.cuts {
                if self.view.is_over(cut) {
                    self.file(step, lines, cut, visit)?;
                    continue;
                }
                for line in lines {
                    let last = self.view.last(step.size, *line, step.want)?;
                    self.bucket(step, *line, cut, &last, visit)?;
                }
            }
        }
        Ok(())
    }

    fn all_time(&self, line: LineId, visit: Visit<'_>) -> Result<(), StoreError> {
        let row = self.view.all(line, self.whole())?;
        row.endings
            .iter()
            .try_for_each(|(ending, part)| visit(line, Instant::EPOCH, *ending, &part.whole))
    }

    /// Visits one bucket of a line, given its last row.
    fn bucket(
        &self,
        step: &Step,
        line: LineId,
        cut: &Cut,
        last: &Last,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let (view, want) = (self.view, step.want);
        let row = match line {
            LineId::TOTAL => view.total(step.size, cut, last, want)?,
            _ if view.is_over(cut) => view.past(step.size, line, cut, want)?,
            _ => last.at(cut.from).cloned(),
        };
        match row {
            Some(row) => told(step, line, cut, &row, visit),
            None => Ok(()),
        }
    }

    /// Visits one bucket that is over, of many lines.
    fn file(
        &self,
        step: &Step,
        lines: &[LineId],
        cut: &Cut,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let past = &self.view.store.past;
        let mut visit = |line, bytes: &[u8]| {
            let row = codec::decode(Form::Past, bytes, step.want).map_err(|source| {
                let key = past.name(step.size, cut.from);
                Damage::Value { key, source }
            })?;
            told(step, line, cut, &row, visit)
        };
        let few = lines.len() * SCAN_SHARE <= self.view.store.state.lines.len();
        let found = match few {
            true => past.some(step.size, cut.from, lines, visit)?,
            false => past.rows(step.size, cut.from, |line, bytes| {
                match lines.binary_search(&line) {
                    Ok(_) => visit(line, bytes),
                    Err(_) => Ok(()),
                }
            })?,
        };
        match found {
            true => Ok(()),
            false => self.view.nobody(step.size, cut),
        }
    }

    fn whole(&self) -> Want {
        Want {
            durations: self.durations,
            ..Want::WHOLE
        }
    }

    fn steps(&self, line: LineId) -> &[Step] {
        let [total, lines] = &self.steps;
        let cell = if line == LineId::TOTAL { total } else { lines };
        cell.get_or_init(|| self.make_steps(self.view.kept_from(line, Granularity::Hour)))
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
                (Size::Month, self.period.until(kept_from), Want::CELLS),
                (Size::Day, kept, Want::WHOLE),
            ],
            Granularity::Day => vec![(Size::Month, self.period, Want::CELLS)],
            Granularity::Hour => vec![(Size::Day, kept, Want::CELLS)],
        };
        let steps = plan.into_iter().map(|(size, period, want)| Step {
            size,
            period,
            want,
            cuts: self.view.cuts(size, period, want.cells),
        });
        steps.filter(|step| !step.cuts.is_empty()).collect()
    }
}

/// Visits what of a row starts in the step's period.
fn told(
    step: &Step,
    line: LineId,
    cut: &Cut,
    row: &Row,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    for (ending, part) in &row.endings {
        if !step.want.cells && step.period.contains(cut.from) {
            visit(line, cut.from, *ending, &part.whole)?;
        }
        for (place, cell) in &part.cells {
            // A place that the calendar does not have: the check finds it.
            let from = cut.cells.get(usize::from(*place));
            if let Some(from) = from.filter(|from| step.period.contains(**from)) {
                visit(line, *from, *ending, cell)?;
            }
        }
    }
    Ok(())
}
