//! The history of a month, written as fast as the journal takes it: the journal that a hub would
//! have left behind which carried the nation's calls from the first of the month on.
//!
//! `volume` says how many calls of each ending there are, `strand` who makes them, `rhythm` and
//! `schedule` when, `shape` what they look like, and `scribe` what the gateway would have written
//! of them. `recorder` brings that into the journal through its own front door, under a clock that
//! is set by hand. `founding` and `balances` are what stood before.
//!
//! Every number is cut exactly: days, connections and endings sum to the month at any scale. The
//! same request gives the same entries, to the byte.

mod balances;
mod founding;
mod recorder;
mod rhythm;
mod schedule;
mod scribe;
mod shape;
mod share;
mod strand;
mod volume;

use std::path::Path;

use ndxp_journal::{AppendError, OpenError};
use ndxp_model::{Granularity, Instant, Outcome, Period, Sequence, Zone};
use ndxp_proto::journal::v1::BaselineImported;

use crate::nation::Nation;

pub use volume::Volume;

use recorder::Recorder;
use schedule::Schedule;
use strand::Strand;

/// Fewest answered calls of a month in which every system still takes part.
pub const ANSWERED_MIN: u64 = 10_000;
/// As many as a busy year of a large country has.
pub const ANSWERED_MAX: u64 = 10_000_000_000;

/// Answered calls of a day where a month names no number: July 2022's, on average.
pub const ANSWERED_PER_DAY: u64 = 472_064;

/// Bytes of the journal for one entry, with its frame: for an estimate beforehand.
const ENTRY_BYTES: u64 = 275;

/// A month that is not yet written.
#[derive(Debug)]
pub struct History {
    zone: Zone,
    period: Period,
    seed: u64,
    nation: Nation,
    volume: Volume,
    strands: Vec<Strand>,
    balances: Option<BaselineImported>,
}

/// How far the writing is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    pub entries: u64,
    /// Calls closed, tests left out.
    pub outcomes: Vec<(Outcome, u64)>,
    pub tests: u64,
    pub last_sequence: Sequence,
}

/// Told after each day: its date, and the entries so far.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64);

/// Why a month could not be written. What is in the journal stays, and is sound.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{answered} transactions cannot be simulated: choose {ANSWERED_MIN} to {ANSWERED_MAX}")]
    Answered { answered: u64 },
    #[error("the journal already holds {last} entries: choose an empty directory")]
    NotEmpty { last: Sequence },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("the journal gave sequence {found} where {expected} was due")]
    Order { expected: u64, found: Sequence },
    #[error("the writer's runtime cannot start: {0}")]
    Runtime(std::io::Error),
}

impl History {
    /// July 2022 up to the 22nd, with the balances before it, at a scale of 1 to `scale`: its
    /// transactions are those of the report, divided and rounded down.
    ///
    /// # Errors
    /// When so few calls are left that not every system takes part.
    pub fn july_2022(
        zone: Zone,
        period: Period,
        scale: u64,
        seed: u64,
    ) -> Result<Self, HistoryError> {
        let answered = volume::JULY_2022.answered / scale.max(1);
        let mut history = Self::of(zone, period, answered, seed)?;
        let balances = balances::balances(scale.max(1), &history.volume);
        history.balances = Some(balances);
        Ok(history)
    }

    /// Any whole days, with so many answered calls, in the proportions of July 2022.
    ///
    /// # Errors
    /// When the calls are too few or too many.
    pub fn of(zone: Zone, period: Period, answered: u64, seed: u64) -> Result<Self, HistoryError> {
        if !(ANSWERED_MIN..=ANSWERED_MAX).contains(&answered) {
            return Err(HistoryError::Answered { answered });
        }
        let nation = Nation::new();
        let volume = Volume::of(answered);
        Ok(Self {
            zone,
            period,
            seed,
            strands: strand::strands(&nation, &volume),
            nation,
            volume,
            balances: None,
        })
    }

    #[must_use]
    pub const fn volume(&self) -> Volume {
        self.volume
    }

    /// Entries of the transactions: an opening and a closing each, and a closing alone for what is
    /// refused.
    #[must_use]
    pub fn entries(&self) -> u64 {
        2 * self.volume.calls() - self.volume.refused
    }

    /// About how much room the journal takes.
    #[must_use]
    pub fn journal_bytes(&self) -> u64 {
        self.entries() * ENTRY_BYTES
    }

    /// Writes the month into an empty journal directory and closes the journal. Blocks.
    ///
    /// # Errors
    /// When the directory holds a journal, or the journal does not take an entry.
    pub fn write(&self, directory: &Path, progress: Progress<'_>) -> Result<Written, HistoryError> {
        let days = self.days();
        let schedule = Schedule::new(&days, &self.strands, self.seed);
        let mut recorder = Recorder::open(self, directory)?;
        recorder.found(founding::entries(&self.nation), self.balances.clone())?;
        for number in 0..schedule.days() {
            let Some(period) = schedule.period(number) else {
                break;
            };
            recorder.record(period, &schedule, number)?;
            let day = self.zone.label(Granularity::Day, period.from);
            progress(&day, recorder.entries());
        }
        recorder.close()
    }

    /// The days of the period, and the weekday of each, Monday being 0.
    fn days(&self) -> Vec<(Period, usize)> {
        let mut days = Vec::new();
        let mut from = self.period.from;
        while from < self.period.to {
            let day = self.zone.bucket(Granularity::Day, from);
            let weekday = self.zone.local(from).weekday().to_monday_zero_offset();
            days.push((day, usize::try_from(weekday).unwrap_or(0)));
            from = day.to;
        }
        days
    }

    /// Time that a batch of entries covers: a minute, and more where little happens, so that the
    /// journal is not synced for a handful of entries.
    fn quantum_us(&self) -> i64 {
        const ENTRIES: u64 = 1_000;
        let length = self.period.to.as_micros() - self.period.from.as_micros();
        let minutes = u64::try_from(length / 60_000_000).unwrap_or(1);
        let wanted = ENTRIES * minutes / self.entries().max(1);
        let minutes = [15, 10, 5, 2].into_iter().find(|it| *it <= wanted);
        i64::try_from(minutes.unwrap_or(1)).unwrap_or(1) * 60_000_000
    }

    /// Registry and balances are in place a while before the first day begins.
    fn founded_at(&self) -> Instant {
        Instant::from_micros(self.period.from.as_micros() - 600_000_000)
    }
}

#[cfg(test)]
mod tests;
