//! Questions over periods: which rows of the store answer them, and the answer.
//!
//! A question about all connections together reads the totals alone, however many connections
//! there are. One about names looks through the lines in memory first, and reads those that it is
//! about, and no other's.

use ndxp_model::{Granularity, Instant, Party, Period, Sequence};

use crate::counter::{Overflow, earlier};
use crate::counts::{Absent, Counts};
use crate::damage::StoreError;
use crate::dimension::Dimension;
use crate::error::CountersError;
use crate::filter::Filter;
use crate::key::LineId;
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
    query: &CountQuery,
    names: &dyn Names,
) -> Result<Answer, CountersError> {
    let life = Life::of(store);
    let runs = plan(&store.zone, query.period, life, query.by)?;
    // Who took part, and where the period lies in the journal, is asked of it as a whole.
    let span = plan(&store.zone, query.period, life, None)?;
    let lens = Lens::new(query, names);
    let mut answer = Answer {
        watermark: store.state.watermark,
        ..Answer::default()
    };
    let mut rows = Rows::new(query, &store.zone);
    if query.is_by_name() {
        let lines = lines(store, query, names, &lens)?;
        let parties = by_lines(store, &runs, &lines, Some((&lens, &mut rows)), query)?;
        answer.distinct = query.distinct.then_some(parties);
        totals(store, &span, false, &mut answer, |_| Ok(()))?;
    } else {
        if query.distinct {
            let lines = lines(store, query, names, &lens)?;
            answer.distinct = Some(by_lines(store, &span, &lines, None, query)?);
        }
        totals(store, &runs, query.durations, &mut answer, |cell| {
            rows.add(None, cell)
        })?;
    }
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

/// Reads what is kept of all lines together, and where that lies in the journal.
fn totals(
    store: &Store,
    runs: &[Run],
    durations: bool,
    answer: &mut Answer,
    mut visit: impl FnMut(&Cell<'_>) -> Result<(), Overflow>,
) -> Result<(), StoreError> {
    for run in runs {
        let reading = store.reading(run.granularity, run.period(), durations);
        reading.line(LineId::TOTAL, &mut |_, start, ending, counter| {
            answer.first_sequence = earlier(answer.first_sequence, counter.first_sequence);
            answer.last_sequence = answer.last_sequence.max(counter.last_sequence);
            Ok(visit(&Cell {
                start,
                ending,
                counter,
                absent: run.absent(durations),
            })?)
        })?;
    }
    Ok(())
}

/// Reads the lines into the rows, where there are rows of them, and tells who took part.
///
/// # Errors
/// When the hours of lines are asked for that are no longer kept, or the store is damaged.
fn by_lines(
    store: &Store,
    runs: &[Run],
    lines: &[(LineId, Seen<'_>)],
    rows: Option<(&Lens<'_>, &mut Rows<'_>)>,
    query: &CountQuery,
) -> Result<Distinct, CountersError> {
    let ids: Vec<LineId> = lines.iter().map(|(id, _)| *id).collect();
    let durations = rows.is_some() && query.durations;
    let mut rows = rows.map(|(lens, rows)| {
        let row = |(_, seen): &(LineId, Seen<'_>)| lens.row(seen).map(|row| rows.place(row));
        let places: Vec<Option<usize>> = lines.iter().map(row).collect();
        (places, rows)
    });
    let mut took_part = vec![false; lines.len()];
    for run in runs {
        check_kept(store, run, &ids)?;
        let reading = store.reading(run.granularity, run.period(), durations);
        reading.lines(&ids, &mut |line, start, ending, counter| {
            let cell = Cell {
                start,
                ending,
                counter,
                absent: run.absent(durations),
            };
            let Ok(place) = ids.binary_search(&line) else {
                return Ok(());
            };
            if let Some(took_part) = took_part.get_mut(place) {
                *took_part |= cell.has_transactions() && query.filter.accepts_ending(ending);
            }
            match &mut rows {
                Some((places, rows)) => Ok(rows.add(places.get(place).copied().flatten(), &cell)?),
                None => Ok(()),
            }
        })?;
    }
    let mut parties = Parties::default();
    for ((_, seen), _) in lines
        .iter()
        .zip(took_part)
        .filter(|(_, took_part)| *took_part)
    {
        parties.add(seen);
    }
    Ok(parties.count())
}

/// Refuses a run of hours that lines no longer have.
fn check_kept(store: &Store, run: &Run, lines: &[LineId]) -> Result<(), CountersError> {
    let Some(line) = lines.first() else {
        return Ok(());
    };
    let since = store.kept_from(*line, run.granularity);
    if since <= run.from {
        return Ok(());
    }
    let zone = &store.zone;
    let shown = |at| format!("{} {}", zone.label(Granularity::Hour, at), zone.name());
    Err(CountersError::HoursNotKept {
        from: shown(run.from),
        since: shown(since),
    })
}

impl Run {
    const fn period(&self) -> Period {
        Period {
            from: self.from,
            to: self.to,
        }
    }

    /// Why counters of the run may lack durations.
    fn absent(&self, durations: bool) -> Absent {
        match self.granularity {
            _ if !durations => Absent::NotAsked,
            Granularity::Hour => Absent::Hours,
            Granularity::Day | Granularity::Month | Granularity::All => Absent::OldDays,
        }
    }
}

impl Life {
    fn of(store: &Store) -> Option<Self> {
        let began = store.state.began?;
        let now = store.state.watermark.at;
        Some(Self { began, now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::Damage;
    use crate::names::NoNames;
    use crate::sample::{self, Place};

    #[test]
    fn a_national_question_reads_no_connection() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(300));
        projection.catch_up().unwrap();
        let guard = projection.writer.shared.read();
        let store = guard.as_ref().unwrap();
        store.overwrite_lines();
        let ask = |by| {
            let query = CountQuery {
                by,
                ..CountQuery::since_launch()
            };
            count(store, &query, &NoNames)
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
