//! The counters as they stand now: what is stored, and what is counted and not stored yet. Whoever
//! asks sees both, and whoever writes makes one of them, by the same sums.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use ndxp_baseline::Balances;
use ndxp_model::{Instant, Sequence, Zone};

use crate::codec::{self, Form, Want};
use crate::counter::Overflow;
use crate::damage::{Damage, StoreError};
use crate::delta::Delta;
use crate::hours::Hour;
use crate::key::{LineId, RowKey, Size};
use crate::line::Line;
use crate::past::Found;
use crate::row::{Cut, Row};
use crate::state::Watermark;
use crate::store::{Store, decoded};

/// A store, and what is counted behind it.
#[derive(Debug)]
pub struct View<'a> {
    pub store: &'a Store,
    pub pending: &'a Delta,
    /// The months and days of what is pending: mostly one of each.
    cuts: RefCell<Vec<(Size, Rc<Cut>)>>,
}

/// The row of a line's last month or day.
#[derive(Debug, Default)]
pub struct Last {
    /// Where it begins; `None` when the line has none yet.
    pub from: Option<Instant>,
    pub row: Row,
    /// The stored ones that it has taken the place of.
    pub turned: Vec<(Instant, Row)>,
}

impl<'a> View<'a> {
    #[must_use]
    pub fn new(store: &'a Store, pending: &'a Delta) -> Self {
        Self {
            store,
            pending,
            cuts: RefCell::default(),
        }
    }

    pub fn zone(&self) -> &'a Zone {
        &self.store.zone
    }

    pub const fn watermark(&self) -> Watermark {
        self.pending.watermark
    }

    /// All lines with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (LineId, &'a Line)> + use<'a> {
        let lines = self.store.state.lines.iter().chain(&self.pending.lines);
        (1..).map(LineId).zip(lines)
    }

    pub fn line(&self, line: LineId) -> Option<&'a Line> {
        let state = &self.store.state;
        state
            .line(line)
            .or_else(|| self.pending.lines.get(state.beyond(line)?))
    }

    /// The first closing counted on the line; `NONE` for the total.
    pub fn since(&self, line: LineId) -> Sequence {
        let state = &self.store.state;
        let pending = || self.pending.since.get(state.beyond(line)?).copied();
        state.since(line).or_else(pending).unwrap_or(Sequence::NONE)
    }

    /// What a previous platform counted.
    pub fn balances(&self) -> Balances {
        let mut balances = self.store.state.balances.clone();
        for imported in &self.pending.baselines {
            balances.add(Arc::clone(imported));
        }
        balances
    }

    /// What a line counts over all time.
    ///
    /// # Errors
    /// When a stored row is damaged or a sum does not fit.
    pub fn all(&self, line: LineId, want: Want) -> Result<Row, StoreError> {
        let row = self.store.row(RowKey::All(line), Form::All, want)?;
        let mut row = row.unwrap_or_default();
        for Hour {
            ending, counter, ..
        } in self.pending.of(line)
        {
            row.add(*ending, None, counter)?;
        }
        want.limit(&mut row);
        Ok(row)
    }

    /// A line's last month or day.
    ///
    /// # Errors
    /// As [`View::all`].
    pub fn last(&self, size: Size, line: LineId, want: Want) -> Result<Last, StoreError> {
        let key = RowKey::Last(size, line).encode();
        let mut last = match self.store.get(&key)? {
            None => Last::default(),
            Some(bytes) => Last {
                from: Some(decoded(&key, codec::start(&bytes))?),
                row: decoded(&key, codec::decode(Form::Last, &bytes, want))?,
                turned: Vec::new(),
            },
        };
        for hour in self.pending.of(line) {
            last.add(&self.cut(size, hour.start), hour, want)?;
        }
        want.limit(&mut last.row);
        Ok(last)
    }

    /// Whether the bucket is over, and so rests.
    pub fn is_over(&self, cut: &Cut) -> bool {
        cut.to <= self.watermark().at
    }

    /// A line's row in a bucket that is over.
    ///
    /// # Errors
    /// As [`View::all`].
    pub fn past(
        &self,
        size: Size,
        line: LineId,
        cut: &Cut,
        want: Want,
    ) -> Result<Option<Row>, StoreError> {
        match self.store.past.row(size, cut.from, line)? {
            Found::Row(bytes) => {
                let row = codec::decode(Form::Past, &bytes, want);
                let key = RowKey::Last(size, line).encode();
                Ok(Some(decoded(&key, row)?))
            }
            Found::NoRow => Ok(None),
            Found::NoFile => self.nobody(size, cut).map(|()| None),
        }
    }

    /// The total's row in any bucket, given its last one.
    ///
    /// # Errors
    /// As [`View::all`].
    pub fn total(
        &self,
        size: Size,
        cut: &Cut,
        last: &Last,
        want: Want,
    ) -> Result<Option<Row>, StoreError> {
        if let Some(row) = last.at(cut.from) {
            return Ok(Some(row.clone()));
        }
        let key = RowKey::Total(size, cut.from);
        self.store.row(key, Form::Past, want)
    }

    /// Makes sure that a bucket without file is one in which no line counted anything.
    ///
    /// # Errors
    /// When the total says otherwise.
    pub fn nobody(&self, size: Size, cut: &Cut) -> Result<(), StoreError> {
        let last = self.last(size, LineId::TOTAL, Want::WHOLE)?;
        match self.total(size, cut, &last, Want::WHOLE)? {
            None => Ok(()),
            Some(_) => {
                let file = self.store.past.name(size, cut.from);
                Err(Damage::PastGone { file }.into())
            }
        }
    }

    fn cut(&self, size: Size, at: Instant) -> Rc<Cut> {
        let mut cuts = self.cuts.borrow_mut();
        let known = cuts.iter().find(|(of, cut)| *of == size && cut.holds(at));
        if let Some((_, cut)) = known {
            return Rc::clone(cut);
        }
        let cut = Rc::new(Cut::of(self.zone(), size, at));
        cuts.push((size, Rc::clone(&cut)));
        cut
    }
}

impl Last {
    /// The row of the bucket that begins then, if it is one of these.
    #[must_use]
    pub fn at(&self, from: Instant) -> Option<&Row> {
        if self.from == Some(from) {
            return Some(&self.row);
        }
        let turned = self.turned.iter().find(|(bucket, _)| *bucket == from);
        turned.map(|(_, row)| row)
    }

    /// Counts an hour, in a new row where it lies behind the last.
    fn add(&mut self, cut: &Cut, hour: &Hour, want: Want) -> Result<(), Overflow> {
        if self.from != Some(cut.from) {
            let row = std::mem::take(&mut self.row);
            let before = self.from.replace(cut.from);
            self.turned.extend(before.map(|before| (before, row)));
        }
        let place = want.cells.then(|| cut.place(hour.start));
        self.row.add(hour.ending, place, &hour.counter)
    }
}

impl Want {
    /// Takes away what a row was given and nobody wants.
    fn limit(self, row: &mut Row) {
        if self.durations {
            return;
        }
        for (ending, part) in &mut row.endings {
            if ending.outcome.is_transaction() {
                part.whole.durations = None;
            }
        }
    }
}
