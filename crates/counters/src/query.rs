//! Questions over periods: which rows of the store answer them, and the answer.
//!
//! A question about all connections together reads the totals alone, however many connections
//! there are. One about names looks through the lines in memory first, and reads those that it is
//! about, and no other's.

use ndxp_model::{Granularity, Instant, Party, Period, Sequence};

use crate::counter::earlier;
use crate::counts::{Absent, Counts};
use crate::damage::StoreError;
use crate::dimension::Dimension;
use crate::error::CountersError;
use crate::filter::Filter;
use crate::key::LineId;
use crate::known;
use crate::lens::{Lens, Seen};
use crate::line::Line;
use crate::names::Names;
use crate::plan::{Life, Plan, Run, plan, shortest};
use crate::rows::{Cell, Parties, Rows};
use crate::shared::Shared;
use crate::state::Watermark;
use crate::store::Store;
use crate::view::View;

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

/// Answers the question from a store that does not change meanwhile, and from what is counted
/// behind it up to one moment.
///
/// # Errors
/// When the period does not lie on whole hours, the rows are too many, a name of the filter is not
/// known, the hours of the period are kept no more, or the store is damaged.
pub fn count(
    store: &Store,
    shared: &Shared,
    query: &CountQuery,
    names: &dyn Names,
) -> Result<Answer, CountersError> {
    let lens = Lens::new(query, names);
    let asked = (query.is_by_name() || query.distinct).then(|| seen(store.state.lines(), &lens));
    let ids = asked.as_ref().map(|lines| ids(lines));
    let pending = shared.excerpt(store, ids);
    let view = View::new(store, &pending);
    let (zone, life) = (&store.zone, Life::of(&view));
    let runs = plan(zone, query.period, life, query.by)?;
    // Where the period lies in the journal, and who took part, is asked of it as a whole.
    let span = match query.by.is_some_and(Dimension::is_by_time) {
        true => plan(zone, query.period, life, None)?,
        false => runs.clone(),
    };
    let shortest = shortest(zone, query.period, life)?;
    let (plan, durations) = match query.by.is_some_and(Dimension::is_by_time) || query.durations {
        true => (Plan { runs, less: vec![] }, query.durations),
        false => (shortest.clone(), false),
    };
    let (first_sequence, last_sequence) = ends(&view, &span)?;
    let mut answer = Answer {
        watermark: view.watermark(),
        first_sequence,
        last_sequence,
        ..Answer::default()
    };
    let mut lines = asked.unwrap_or_default();
    let known = store.state.lines.len();
    lines.extend(seen(view.lines().skip(known), &lens));
    let mut rows = Rows::new(query, zone);
    if query.is_by_name() {
        // Names that a line has are known.
        if lines.is_empty() {
            known::check(&view, query, &lens, names)?;
        }
        let told = Some((&lens, &mut rows));
        let parties = by_lines(&view, &plan, &lines, told, query, durations)?;
        answer.distinct = query.distinct.then_some(parties);
    } else {
        if query.distinct {
            answer.distinct = Some(by_lines(&view, &shortest, &lines, None, query, false)?);
        }
        totals(&view, &plan, durations, &mut rows)?;
    }
    (answer.rows, answer.total) = rows.finish()?;
    Ok(answer)
}

/// The lines that the question is about, as it sees them.
fn seen<'s>(
    lines: impl Iterator<Item = (LineId, &'s Line)>,
    lens: &Lens<'_>,
) -> Vec<(LineId, Seen<'s>)> {
    let seen = lines.filter_map(|(id, line)| {
        let seen = lens.see(&line.connection, &line.method)?;
        Some((id, seen))
    });
    seen.collect()
}

fn ids(lines: &[(LineId, Seen<'_>)]) -> Vec<LineId> {
    lines.iter().map(|(id, _)| *id).collect()
}

/// Reads what is kept of all lines together.
fn totals(
    view: &View<'_>,
    plan: &Plan,
    durations: bool,
    rows: &mut Rows<'_>,
) -> Result<(), StoreError> {
    for (sign, run) in plan.signed() {
        let reading = view.reading(run.granularity, run.period(), durations);
        reading.line(LineId::TOTAL, &mut |_, start, ending, counter| {
            let cell = Cell {
                start,
                ending,
                counter,
                absent: run.absent(durations),
            };
            Ok(rows.count(sign, None, &cell)?)
        })?;
    }
    Ok(())
}

/// First and last counted closing of the runs: those of the first and of the last bucket that holds
/// any.
fn ends(view: &View<'_>, runs: &[Run]) -> Result<(Sequence, Sequence), StoreError> {
    let look = |bucket: Run| {
        let mut found = (Sequence::NONE, Sequence::NONE);
        let reading = view.reading(bucket.granularity, bucket.period(), false);
        reading.line(LineId::TOTAL, &mut |_, _, _, counter| {
            found.0 = earlier(found.0, counter.first_sequence);
            found.1 = found.1.max(counter.last_sequence);
            Ok(())
        })?;
        Ok::<_, StoreError>(Some(found).filter(|(first, _)| *first > Sequence::NONE))
    };
    let buckets: Vec<Run> = runs
        .iter()
        .flat_map(|run| run.buckets(view.zone()))
        .collect();
    let first = buckets.iter().find_map(|bucket| look(*bucket).transpose());
    let last = buckets
        .iter()
        .rev()
        .find_map(|bucket| look(*bucket).transpose());
    match (first.transpose()?, last.transpose()?) {
        (Some((first, _)), Some((_, last))) => Ok((first, last)),
        _ => Ok((Sequence::NONE, Sequence::NONE)),
    }
}

/// Reads the lines into the rows, where there are rows of them, and tells who took part.
///
/// # Errors
/// When the hours of lines are asked for that are no longer kept, or the store is damaged.
fn by_lines(
    view: &View<'_>,
    plan: &Plan,
    lines: &[(LineId, Seen<'_>)],
    rows: Option<(&Lens<'_>, &mut Rows<'_>)>,
    query: &CountQuery,
    durations: bool,
) -> Result<Distinct, CountersError> {
    let ids = ids(lines);
    let mut rows = rows.map(|(lens, rows)| {
        let row = |(_, seen): &(LineId, Seen<'_>)| lens.row(seen).map(|row| rows.place(row));
        let places: Vec<Option<usize>> = lines.iter().map(row).collect();
        (places, rows)
    });
    let mut transactions = vec![0_u64; lines.len()];
    for (sign, run) in plan.signed() {
        check_kept(view, run, &ids)?;
        let reading = view.reading(run.granularity, run.period(), durations);
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
            if let Some(sum) = transactions.get_mut(place)
                && query.filter.accepts_ending(ending)
            {
                sign.apply(sum, cell.transactions(), "transactions")?;
            }
            match &mut rows {
                Some((places, rows)) => {
                    Ok(rows.count(sign, places.get(place).copied().flatten(), &cell)?)
                }
                None => Ok(()),
            }
        })?;
    }
    let mut parties = Parties::default();
    for ((_, seen), _) in lines.iter().zip(transactions).filter(|(_, sum)| *sum > 0) {
        parties.add(seen);
    }
    Ok(parties.count())
}

/// Refuses a run of hours that lines no longer have.
fn check_kept(view: &View<'_>, run: &Run, lines: &[LineId]) -> Result<(), CountersError> {
    let Some(line) = lines.first() else {
        return Ok(());
    };
    let since = view.kept_from(*line, run.granularity);
    if since <= run.from {
        return Ok(());
    }
    let zone = view.zone();
    let shown = |at| format!("{} {}", zone.label(Granularity::Hour, at), zone.name());
    Err(CountersError::HoursNotKept {
        from: shown(run.from),
        since: shown(since),
    })
}

impl Run {
    /// Why counters of the run may lack durations.
    const fn absent(&self, durations: bool) -> Absent {
        match self.granularity {
            _ if !durations => Absent::NotAsked,
            Granularity::Hour => Absent::Hours,
            Granularity::Day | Granularity::Month | Granularity::All => Absent::OldDays,
        }
    }
}

impl Life {
    fn of(view: &View<'_>) -> Option<Self> {
        let began = view.pending.began?;
        let now = view.watermark().at;
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
        let shared = &projection.writer.shared;
        let mut guard = shared.write();
        let store = guard.as_mut().unwrap();
        store.overwrite_lines();
        let ask = |by| {
            let query = CountQuery {
                by,
                ..CountQuery::since_launch()
            };
            count(store, shared, &query, &NoNames)
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
