//! Brings the month into the journal: entries in the order of time, committed under a clock that
//! stands at the end of the stretch of time that they fall into.
//!
//! This is the journal's only writer, on one lane, so that it knows each entry's sequence before
//! the journal gives it; the last entry of every batch is held against that.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use ndxp_journal::{Append, FileDisk, Journal, Lane, Options};
use ndxp_model::{Granularity, Instant, ManualClock, Outcome, Period, Sequence, TransactionId};
use ndxp_proto::journal::v1::BaselineImported;
use ndxp_proto::journal::v1::entry::Body;
use tokio::runtime::Runtime;

use super::schedule::{Happening, Schedule};
use super::scribe::{Flight, Scribe};
use super::{History, HistoryError, Written, founding};

/// Entries that are on their way at once, at most: far below what a lane holds.
const BATCH_ENTRIES_MAX: u64 = 16_384;

pub(super) struct Recorder<'a> {
    history: &'a History,
    way: Way,
    clock: Arc<ManualClock>,
    dice: Rng,
    scribe: Scribe,
    /// For each strand how many of its calls have entered.
    entered: Vec<u64>,
    pending: BinaryHeap<Reverse<Pending>>,
    /// Cut off by the hub's breakdown.
    stranded: Vec<Flight>,
    outcomes: BTreeMap<Outcome, u64>,
    tests: u64,
}

/// The way into the journal.
struct Way {
    journal: Journal,
    lane: Lane,
    runtime: Runtime,
    /// The last entry appended, and its place.
    last: Option<Append>,
    sequence: u64,
    /// The last entry that is known to be durable.
    confirmed: u64,
}

/// A call whose ending is to come. Ordered by when, then by when it was opened.
#[derive(Debug)]
struct Pending {
    at_us: i64,
    flight: Flight,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Pending {
    fn key(&self) -> (i64, u64) {
        (self.at_us, self.flight.opened_sequence)
    }
}

impl<'a> Recorder<'a> {
    pub fn open(history: &'a History, directory: &Path) -> Result<Self, HistoryError> {
        let clock = Arc::new(ManualClock::at(history.founded_at()));
        Ok(Self {
            history,
            way: Way::open(directory, &clock)?,
            clock,
            dice: Rng::with_seed(history.seed),
            scribe: Scribe::new(history.seed),
            entered: vec![0; history.strands.len()],
            pending: BinaryHeap::new(),
            stranded: Vec::new(),
            outcomes: BTreeMap::new(),
            tests: 0,
        })
    }

    pub fn entries(&self) -> u64 {
        self.way.sequence
    }

    /// What stands before the first day.
    pub fn found(
        &mut self,
        entries: Vec<Body>,
        balances: Option<BaselineImported>,
    ) -> Result<(), HistoryError> {
        let balances = balances.map(Body::BaselineImported);
        for body in entries.iter().chain(&balances) {
            self.way.append(body)?;
        }
        self.way.confirm()
    }

    /// One day, whole: what is in flight at its end is settled just before.
    pub fn record(
        &mut self,
        day: Period,
        schedule: &Schedule,
        number: usize,
    ) -> Result<(), HistoryError> {
        let strands = &self.history.strands;
        let happenings = schedule.day(number, strands, &mut self.dice);
        let date = self.history.zone.label(Granularity::Day, day.from);
        let short: String = date.chars().skip(2).filter(char::is_ascii_digit).collect();
        self.scribe.turn_to(short);

        let quantum_us = self.history.quantum_us();
        let mut until_us = day.from.as_micros();
        let mut happenings = happenings.into_iter().peekable();
        loop {
            let next = happenings.peek().map(|(at, _)| *at);
            let due = self.pending.peek().map(|Reverse(pending)| pending.at_us);
            let Some(at_us) = next.into_iter().chain(due).min() else {
                break;
            };
            if at_us >= until_us {
                self.way.confirm()?;
                let over = (at_us - day.from.as_micros()).rem_euclid(quantum_us);
                until_us = (at_us - over + quantum_us).min(day.to.as_micros());
                self.clock.set(Instant::from_micros(until_us - 1));
            }
            if due == Some(at_us) {
                self.settle_next()?;
            } else if let Some((at_us, happening)) = happenings.next() {
                self.befall(at_us, happening, day)?;
            }
        }
        self.way.confirm()
    }

    /// Stops the hub a minute after the last day, and closes the journal.
    pub fn close(mut self) -> Result<Written, HistoryError> {
        let end = self.history.period.to.as_micros();
        self.clock.set(Instant::from_micros(end + 60_000_000));
        let stopped = founding::stopped();
        self.way.append(&stopped)?;
        self.way.confirm()?;
        self.way.journal.close();
        Ok(Written {
            entries: self.way.sequence,
            outcomes: self.outcomes.into_iter().collect(),
            tests: self.tests,
            last_sequence: Sequence::new(self.way.sequence),
        })
    }

    fn befall(
        &mut self,
        at_us: i64,
        happening: Happening,
        day: Period,
    ) -> Result<(), HistoryError> {
        match happening {
            Happening::Call(strand) => self.enter(at_us, strand, day),
            Happening::Stopped => {
                self.settle_all()?;
                let stopped = founding::stopped();
                self.way.append(&stopped)
            }
            Happening::BrokenOff => self.settle_all(),
            Happening::Started => {
                let started = founding::started();
                self.way.append(&started)?;
                for flight in std::mem::take(&mut self.stranded) {
                    self.settle(&flight)?;
                }
                Ok(())
            }
        }
    }

    fn enter(&mut self, at_us: i64, number: usize, day: Period) -> Result<(), HistoryError> {
        let strands = &self.history.strands;
        let (Some(strand), Some(entered)) = (strands.get(number), self.entered.get_mut(number))
        else {
            return Ok(());
        };
        let call = *entered;
        *entered += 1;
        let at = Instant::from_micros(at_us);
        let id = TransactionId::new(at, self.dice.u128(..));
        let mut flight = self.scribe.draw((number, strand), call, id, &mut self.dice);
        if !strand.ending.is_opened() {
            return self.settle(&flight);
        }
        let opening = self.scribe.opening(strand, &flight, &mut self.dice);
        self.way.append(opening)?;
        flight.opened_sequence = self.way.sequence;
        if strand.ending.outcome() == Outcome::Interrupted {
            self.stranded.push(flight);
            return Ok(());
        }
        let lasts = i64::try_from(flight.total_us).unwrap_or(i64::MAX);
        let at_us = at_us.saturating_add(lasts).min(day.to.as_micros() - 1);
        self.pending.push(Reverse(Pending { at_us, flight }));
        Ok(())
    }

    fn settle_all(&mut self) -> Result<(), HistoryError> {
        while !self.pending.is_empty() {
            self.settle_next()?;
        }
        Ok(())
    }

    fn settle_next(&mut self) -> Result<(), HistoryError> {
        match self.pending.pop() {
            Some(Reverse(pending)) => self.settle(&pending.flight),
            None => Ok(()),
        }
    }

    fn settle(&mut self, flight: &Flight) -> Result<(), HistoryError> {
        let Some(strand) = self.history.strands.get(flight.strand) else {
            return Ok(());
        };
        if strand.test {
            self.tests += 1;
        } else {
            let outcome = strand.ending.outcome();
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        let closing = self.scribe.closing(strand, flight, &mut self.dice);
        self.way.append(closing)
    }
}

impl Way {
    fn open(directory: &Path, clock: &Arc<ManualClock>) -> Result<Self, HistoryError> {
        let (disk, observer) = (Arc::new(FileDisk), Arc::new(()));
        let clock = Arc::<ManualClock>::clone(clock);
        let journal = Journal::open(Options::new(directory), disk, clock, observer)?;
        let last = journal.position().sequence;
        if last != Sequence::NONE {
            return Err(HistoryError::NotEmpty { last });
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(HistoryError::Runtime)?;
        let (lane, driver) = journal.lane();
        runtime.spawn(driver);
        Ok(Self {
            journal,
            lane,
            runtime,
            last: None,
            sequence: 0,
            confirmed: 0,
        })
    }

    /// Takes one entry over. It is written even though nobody waits for it.
    fn append(&mut self, body: &Body) -> Result<(), HistoryError> {
        if self.sequence - self.confirmed >= BATCH_ENTRIES_MAX {
            self.confirm()?;
        }
        self.last = Some(self.lane.append(body));
        self.sequence += 1;
        Ok(())
    }

    /// Waits until everything that was appended is durable. One that the journal did not take
    /// shows in the place of the last.
    fn confirm(&mut self) -> Result<(), HistoryError> {
        if let Some(last) = self.last.take() {
            let found = self.runtime.block_on(last)?.sequence;
            if found.get() != self.sequence {
                let expected = self.sequence;
                return Err(HistoryError::Order { expected, found });
            }
        }
        self.confirmed = self.sequence;
        Ok(())
    }
}
