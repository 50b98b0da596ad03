//! A row of counters: what one line counts in one bucket of time, by ending, whole and cut into
//! smaller buckets. A month is cut into its days, a day into its hours, all time not at all.
//!
//! The whole has durations; the parts, the cells, have none: a histogram is most of a counter.

use ndxp_model::{Granularity, Instant, Zone};

use crate::counter::{Counter, Overflow};
use crate::histogram::Histogram;
use crate::key::Size;
use crate::line::Ending;

/// Cells of a row: the days of a month, or the hours of a day, one of which may come twice.
pub const CELLS_MAX: usize = 32;

/// Sorted by ending; none of them empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Row {
    pub endings: Vec<(Ending, Part)>,
}

/// One ending of a row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Part {
    pub whole: Counter,
    /// By place within the row, ascending. Their sums are those of the whole.
    pub cells: Vec<(u8, Counter)>,
}

/// Where the cells of a row begin, in order, and the row's end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cut {
    pub from: Instant,
    pub to: Instant,
    pub cells: Vec<Instant>,
}

impl Row {
    /// Adds what was counted in one cell, or in no cell where the row has none.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub fn add(
        &mut self,
        ending: Ending,
        cell: Option<u8>,
        counter: &Counter,
    ) -> Result<(), Overflow> {
        let place = match self
            .endings
            .binary_search_by_key(&ending, |(ending, _)| *ending)
        {
            Ok(place) => place,
            Err(place) => {
                self.endings.insert(place, (ending, Part::default()));
                place
            }
        };
        let Some((_, part)) = self.endings.get_mut(place) else {
            return Ok(());
        };
        part.whole.merge(counter)?;
        let Some(cell) = cell else { return Ok(()) };
        match part.cells.binary_search_by_key(&cell, |(cell, _)| *cell) {
            Ok(place) => match part.cells.get_mut(place) {
                Some((_, held)) => held.merge(counter),
                None => Ok(()),
            },
            Err(place) => {
                let mut sum = Counter {
                    durations: (!ending.outcome.is_transaction()).then(Histogram::default),
                    ..Counter::without_durations()
                };
                sum.merge(counter)?;
                part.cells.insert(place, (cell, sum));
                Ok(())
            }
        }
    }
}

impl Size {
    #[must_use]
    pub const fn granularity(self) -> Granularity {
        match self {
            Self::Month => Granularity::Month,
            Self::Day => Granularity::Day,
        }
    }

    #[must_use]
    pub const fn cells(self) -> Granularity {
        match self {
            Self::Month => Granularity::Day,
            Self::Day => Granularity::Hour,
        }
    }
}

impl Cut {
    /// The month or day that holds the instant.
    #[must_use]
    pub fn of(zone: &Zone, size: Size, instant: Instant) -> Self {
        let row = zone.bucket(size.granularity(), instant);
        let mut cells = Vec::with_capacity(CELLS_MAX);
        let mut at = row.from;
        while at < row.to && cells.len() < CELLS_MAX {
            let cell = zone.bucket(size.cells(), at);
            cells.push(at);
            // Where clocks are set back over the cell's own start, time must still go on.
            at = cell.to.max(Instant::from_micros(at.as_micros() + 1));
        }
        Self {
            from: row.from,
            to: row.to,
            cells,
        }
    }

    #[must_use]
    pub fn holds(&self, instant: Instant) -> bool {
        self.from <= instant && instant < self.to
    }

    /// The place of the cell that holds the instant.
    #[must_use]
    pub fn place(&self, instant: Instant) -> u8 {
        let after = self.cells.partition_point(|from| *from <= instant);
        u8::try_from(after.saturating_sub(1)).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells begin where the zone's buckets do, in every zone, whatever its clocks do.
    #[test]
    fn a_row_is_cut_where_the_zone_cuts_time() {
        for name in [
            "Asia/Ho_Chi_Minh",
            "Asia/Kathmandu",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
        ] {
            let zone: Zone = name.parse().unwrap();
            let mut rng = fastrand::Rng::with_seed(7);
            for _ in 0..400 {
                let at = Instant::from_micros(rng.i64(1_500_000_000..1_560_000_000) * 1_000_000);
                for size in [Size::Month, Size::Day] {
                    let cut = Cut::of(&zone, size, at);
                    let cell = zone.bucket(size.cells(), at);
                    let place = usize::from(cut.place(at));
                    assert_eq!(cut.cells.get(place), Some(&cell.from), "{name} {at}");
                    assert!(cut.from <= at && at < cut.to, "{name} {at}");
                    assert!(cut.cells.is_sorted() && cut.cells.len() < CELLS_MAX);
                }
            }
        }
    }
}
