//! Questions over periods: which rows of the store answer them, and the answer.
//!
//! A question about all connections together reads the totals alone, however many connections
//! there are. One about names looks through the lines in memory first, and reads those that it is
//! about, and no other's.

use ndxp_model::{Granularity, Instant, Party, Period, Sequence, Zone};

use crate::counter::{Overflow, earlier};
use crate::counts::{Absent, Counts};
use crate::damage::StoreError;
use crate::dimension::Dimension;
use crate::error::CountersError;
use crate::filter::Filter;
use crate::key::{CounterKey, LineId};
use crate::known;
use crate::lens::{Lens, Seen};
use crate::names::Names;
use crate::plan::{Life, Run, plan};
use crate::rows::{Cell, Parties, Rows};
use crate::state::Watermark;
use crate::store::Store;

/// A question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CountQuery {
    /// On whole local hours. An end at or before the epoch, or behind the year 9998, is open:
    /// since launch, until now.
    pub period: Period,
    pub by: Option<Dimension>,
    /// Only connections in which this party is consumer or provider, as it was.
    pub party: Option<Party>,
    pub filter: Filter,
    /// Names are those of successors, before they are held against the filter and key a row.
    pub by_successor: bool,
    /// Also counts who took part.
    pub distinct: bool,
    /// Also adds up durations, which is most of the work.
    pub durations: bool,
}

/// The rows sum to the total, sorted by key, no key twice, none of them empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    pub rows: Vec<(String, Counts)>,
    pub total: Counts,
    /// Where the question asked for it.
    pub distinct: Option<Distinct>,
    /// What the answer includes, exactly.
    pub watermark: Watermark,
    /// First and last counted closing of the period, over all connections and endings: the period
    /// is that stretch of the journal. `NONE` when there is none.
    pub first_sequence: Sequence,
    pub last_sequence: Sequence,
}

/// How many took part in at least one transaction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Distinct {
    pub consumers: u64,
    pub providers: u64,
    /// As consumer or provider.
    pub systems: u64,
    pub members: u64,
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
            filter: Filter {
                consumer: None,
                provider: None,
                service: None,
                method: None,
                kind: None,
                class: None,
                outcome: None,
                fault: None,
            },
            by_successor: false,
            distinct: false,
            durations: true,
        }
    }

    /// Whether the totals over all lines cannot answer it.
    fn is_by_name(&self) -> bool {
        self.party.is_some()
            || self.filter.is_by_name()
            || self.by.is_some_and(Dimension::is_by_name)
    }
}

/// Answers the question from a store that does not change meanwhile.
///
/// # Errors
/// When the period does not lie on whole hours, the rows are too many, a name of the filter is not
/// known, the hours of the period are kept no more, or the store is damaged.
pub fn count(
    store: &Store,
    zone: &Zone,
    query: &CountQuery,
    names: &dyn Names,
) -> Result<Answer, CountersError> {
    let mut answer = Answer {
        watermark: store.state.watermark,
        ..Answer::default()
    };
    let life = Life::of(store)?;
    let runs = plan(zone, query.period, life, query.by)?;
    // Who took part, and where the period lies in the journal, is asked of it as a whole.
    let span = plan(zone, query.period, life, None)?;
    let lens = Lens::new(query, names);
    let by_name = query.is_by_name();
    let lines = match by_name || query.distinct {
        true => lines(store, query, names, &lens)?,
        false => Vec::new(),
    };
    let mut rows = Rows::new(query, zone);
    let totals = if by_name { &span } else { &runs };
    let totals_query = Reading {
        store,
        zone,
        durations: query.durations && !by_name,
    };
    totals_query.total(totals, |cell| {
        let counter = cell.counter;
        answer.first_sequence = earlier(answer.first_sequence, counter.first_sequence);
        answer.last_sequence = answer.last_sequence.max(counter.last_sequence);
        match by_name {
            true => Ok(()),
            false => rows.add(None, cell),
        }
    })?;
    if !lines.is_empty() {
        let reading = Reading {
            store,
            zone,
            durations: query.durations && by_name,
        };
        let places: Vec<Option<usize>> = lines
            .iter()
            .map(|(_, seen)| lens.row(seen).map(|row| rows.place(row)))
            .collect();
        let mut took_part = vec![false; lines.len()];
        let ids: Vec<LineId> = lines.iter().map(|(id, _)| *id).collect();
        let runs = if by_name { &runs } else { &span };
        reading.lines(runs, &ids, |line, cell| {
            if let Some(took_part) = took_part.get_mut(line) {
                *took_part |= cell.has_transactions() && query.filter.accepts_ending(cell.ending);
            }
            match by_name {
                true => rows.add(places.get(line).copied().flatten(), cell),
                false => Ok(()),
            }
        })?;
        let mut parties = Parties::default();
        for (_, (_, seen)) in took_part
            .iter()
            .zip(&lines)
            .filter(|(took_part, _)| **took_part)
        {
            parties.add(seen);
        }
        answer.distinct = Some(parties.count());
    }
    answer.distinct = query.distinct.then(|| answer.distinct.unwrap_or_default());
    (answer.rows, answer.total) = rows.finish()?;
    Ok(answer)
}

/// The lines that the question is about, as it sees them.
///
/// # Errors
/// When there are none because a name of the filter is not known.
fn lines<'s>(
    store: &'s Store,
    query: &CountQuery,
    names: &dyn Names,
    lens: &Lens<'_>,
) -> Result<Vec<(LineId, Seen<'s>)>, CountersError> {
    let seen = store.state.lines().filter_map(|(id, line)| {
        let seen = lens.see(&line.connection, &line.method)?;
        Some((id, seen))
    });
    let lines: Vec<_> = seen.collect();
    // Names that a line has are known.
    if lines.is_empty() {
        known::check(&store.state, query, lens, names)?;
    }
    Ok(lines)
}

/// How the store is read for a question.
struct Reading<'s> {
    store: &'s Store,
    zone: &'s Zone,
    durations: bool,
}

impl Reading<'_> {
    /// Visits what is kept of all lines together.
    fn total(
        &self,
        runs: &[Run],
        mut visit: impl FnMut(&Cell<'_>) -> Result<(), Overflow>,
    ) -> Result<(), StoreError> {
        for run in runs {
            self.run(run, LineId::TOTAL, &mut visit)?;
        }
        Ok(())
    }

    /// Visits what is kept of the lines, each told by its place among those given.
    ///
    /// # Errors
    /// When their hours are no longer kept, or the store is damaged.
    fn lines(
        &self,
        runs: &[Run],
        lines: &[LineId],
        mut visit: impl FnMut(usize, &Cell<'_>) -> Result<(), Overflow>,
    ) -> Result<(), CountersError> {
        for run in runs {
            for (place, line) in lines.iter().enumerate() {
                self.run(run, *line, &mut |cell| visit(place, cell))?;
            }
        }
        Ok(())
    }

    fn run(
        &self,
        run: &Run,
        line: LineId,
        visit: &mut dyn FnMut(&Cell<'_>) -> Result<(), Overflow>,
    ) -> Result<(), StoreError> {
        let _ = self.zone;
        let range = CounterKey::range(run.granularity, line, run.from, run.to);
        self.store.counters(range, |key, counter| {
            let cell = Cell {
                start: key.bucket,
                ending: key.ending,
                counter: &counter,
                durations: match self.durations {
                    true => Ok(&counter.durations),
                    false => Err(Absent::NotAsked),
                },
            };
            Ok(visit(&cell)?)
        })
    }
}

impl Life {
    fn of(store: &Store) -> Result<Option<Self>, StoreError> {
        let always = CounterKey::range(
            Granularity::Hour,
            LineId::TOTAL,
            Instant::from_micros(i64::MIN),
            Instant::from_micros(i64::MAX),
        );
        let first = store.first_counter(always)?;
        Ok(first.map(|first| Self {
            began: first.bucket,
            now: store.state.watermark.at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::Damage;
    use crate::key::Key;
    use crate::names::NoNames;
    use crate::sample::{self, Place};

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
        for key in keys.iter().filter(|key| key.line != LineId::TOTAL) {
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
            let total = by.is_none_or(|by| !by.is_by_name());
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
