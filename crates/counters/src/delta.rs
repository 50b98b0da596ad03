//! The fold: what a stretch of the journal adds to the counters. Pure; the store is not asked.
//!
//! In memory only hours are counted, per line and in total. Days, months and all time are summed
//! from them when somebody asks, or when the delta is written, so that an entry costs two look-ups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ndxp_baseline::{Imported, Malformed};
use ndxp_model::{
    Granularity, Instant, InvalidValue, Outcome, Period, Sequence, TransactionId, Zone,
};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    BaselineImported, Connection, Entry, TransactionClosed, TransactionOpened,
};

use crate::counter::{Counter, Overflow};
use crate::hours::{Hour, Hours};
use crate::ids::{Ids, Spelling};
use crate::key::LineId;
use crate::line::{Ending, Line, METHODS_MAX, UNIMPLEMENTED};
use crate::state::{State, Sums, Watermark};
use crate::value::FirstTransaction;

/// What the entries behind a state's watermark come to.
#[derive(Debug, Default)]
pub struct Delta {
    pub watermark: Watermark,
    /// Commit time of the journal's first entry.
    pub launched: Option<Instant>,
    /// Closings counted, those of the state included.
    pub counted: u64,
    /// New ones, in the order of their numbers.
    pub lines: Vec<Line>,
    /// Of each, the closing that was the first counted on it.
    pub since: Vec<Sequence>,
    pub ids: Ids,
    pub first_transactions: BTreeMap<String, FirstTransaction>,
    pub opened: BTreeMap<Sequence, TransactionId>,
    /// Openings that the state holds and that are closed now.
    pub settled: BTreeSet<Sequence>,
    hours: Hours,
    /// Of all that was ever counted: what fits here fits everywhere.
    pub sums: Sums,
    /// Start of the hour of the first closing counted ever.
    pub began: Option<Instant>,
    /// Imports of opening balances.
    pub baselines: Vec<Arc<Imported>>,
    entries: usize,
    /// The hour of the last closing: commit times run forwards, so the next mostly shares it.
    hour: Option<Period>,
    /// The line of the last closing.
    spelling: Spelling,
}

/// An entry that cannot be counted. The projection stands still before it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FoldError {
    #[error("the journal gave sequence {found} where {expected} was due")]
    Order { expected: Sequence, found: Sequence },
    #[error(
        "sequence {sequence} was committed at {found}, before the entry in front of it ({before})"
    )]
    Backwards {
        sequence: Sequence,
        before: Instant,
        found: Instant,
    },
    #[error(
        "sequence {sequence} is of a kind that this version of the hub does not know; run the version that wrote it"
    )]
    UnknownKind { sequence: Sequence },
    #[error(
        "sequence {sequence} has outcome {found}, which this version of the hub does not know; run the version that wrote it"
    )]
    UnknownOutcome { sequence: Sequence, found: i32 },
    #[error("sequence {sequence}: {source}; run the version of the hub that wrote it")]
    UnknownFault {
        sequence: Sequence,
        source: InvalidValue,
    },
    #[error("sequence {sequence}: {source}")]
    TransactionId {
        sequence: Sequence,
        source: InvalidValue,
    },
    #[error("sequence {sequence}: {source}")]
    Overflow {
        sequence: Sequence,
        source: Overflow,
    },
    #[error("sequence {sequence} would be the first of line {}, more than can be numbered", u64::from(u32::MAX) + 1)]
    TooManyLines { sequence: Sequence },
    #[error(
        "sequence {sequence} holds opening balances that this version of the hub does not take ({source}); run the version that wrote it"
    )]
    Baseline {
        sequence: Sequence,
        source: Malformed,
    },
}

impl Delta {
    /// Nothing yet, behind the given state.
    #[must_use]
    pub fn behind(state: &State) -> Self {
        Self {
            watermark: state.watermark,
            launched: state.launched,
            counted: state.counted,
            lines: Vec::new(),
            since: Vec::new(),
            ids: Ids::default(),
            first_transactions: BTreeMap::new(),
            opened: BTreeMap::new(),
            settled: BTreeSet::new(),
            hours: Hours::default(),
            sums: state.sums,
            began: state.began,
            baselines: Vec::new(),
            entries: 0,
            hour: None,
            spelling: Spelling::default(),
        }
    }

    /// What of it concerns the lines, or the total alone where none are asked for: a question
    /// goes on while more is folded.
    #[must_use]
    pub fn excerpt(&self, lines: Option<&[LineId]>) -> Self {
        let mut excerpt = Self {
            watermark: self.watermark,
            launched: self.launched,
            began: self.began,
            counted: self.counted,
            ..Self::default()
        };
        excerpt.hours.copy(LineId::TOTAL, &self.hours);
        if let Some(lines) = lines {
            for line in lines {
                excerpt.hours.copy(*line, &self.hours);
            }
            excerpt.lines.clone_from(&self.lines);
            excerpt.since.clone_from(&self.since);
            excerpt.baselines.clone_from(&self.baselines);
        }
        excerpt
    }

    /// How many entries were folded.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.entries
    }

    /// How many counters are held.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.hours.len()
    }

    /// What was counted on a line, or in total, as time goes.
    #[must_use]
    pub fn of(&self, line: LineId) -> Vec<&Hour> {
        self.hours.of(line)
    }

    /// The lines on which anything was counted, and the total, ascending.
    #[must_use]
    pub fn touched(&self) -> Vec<LineId> {
        self.hours.touched()
    }

    /// Takes in the next entry. `state` is the one that this delta was made behind.
    ///
    /// # Errors
    /// When the entry is not the next one, cannot be understood, or makes a sum overflow. The
    /// delta must not be applied then.
    pub fn fold(&mut self, state: &State, zone: &Zone, entry: &Entry) -> Result<(), FoldError> {
        let sequence = Sequence::new(entry.sequence);
        let at = Instant::from_micros(entry.committed_at_us);
        let (expected, before) = (self.watermark.sequence.next(), self.watermark.at);
        if sequence != expected {
            return Err(FoldError::Order {
                expected,
                found: sequence,
            });
        }
        if at < before {
            return Err(FoldError::Backwards {
                sequence,
                before,
                found: at,
            });
        }
        let here = Watermark { sequence, at };
        match &entry.body {
            Some(Body::Opened(opened)) => self.open(here, opened)?,
            Some(Body::Closed(closed)) => self.close(state, zone, here, closed)?,
            Some(Body::BaselineImported(baseline)) => self.import(here, baseline)?,
            Some(
                Body::RegistryChanged(_)
                | Body::SystemConnected(_)
                | Body::HubStarted(_)
                | Body::RegistryRefused(_)
                | Body::HubStopped(_),
            ) => {}
            None => return Err(FoldError::UnknownKind { sequence }),
        }
        self.launched.get_or_insert(here.at);
        self.watermark = here;
        self.entries += 1;
        Ok(())
    }

    /// Takes in what a line counted in a whole hour, not before its last one, for
    /// [`crate::Builder`]. The sequences that the total is to be told of come back.
    ///
    /// # Errors
    /// When a sum does not fit, or there are too many lines.
    pub fn add_hour(
        &mut self,
        state: &State,
        line: &Line,
        hour: Instant,
        ending: Ending,
        counter: &Counter,
    ) -> Result<(Sequence, Sequence), FoldError> {
        let sequence = Sequence::new(self.counted + 1);
        self.counted += counter.count;
        self.began.get_or_insert(hour);
        let line = self.number(state, sequence, line)?;
        self.add(line, hour, ending, counter)
            .map_err(|source| FoldError::Overflow { sequence, source })?;
        Ok((sequence, Sequence::new(self.counted)))
    }

    /// Takes in what was counted on a line, or in total, in an hour not before its last one.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub fn add(
        &mut self,
        line: LineId,
        hour: Instant,
        ending: Ending,
        counter: &Counter,
    ) -> Result<(), Overflow> {
        self.hours.counter(line, hour, ending).merge(counter)
    }

    fn open(&mut self, here: Watermark, opened: &TransactionOpened) -> Result<(), FoldError> {
        let sequence = here.sequence;
        let id = TransactionId::from_slice(&opened.transaction_id)
            .map_err(|source| FoldError::TransactionId { sequence, source })?;
        self.opened.insert(sequence, id);
        Ok(())
    }

    fn import(&mut self, here: Watermark, baseline: &BaselineImported) -> Result<(), FoldError> {
        let Watermark { sequence, at } = here;
        let sound = ndxp_baseline::check(baseline);
        if let Some(source) = sound.err().and_then(|found| found.into_iter().next()) {
            return Err(FoldError::Baseline { sequence, source });
        }
        let imported = Imported::new(sequence, at, self.began, baseline.clone());
        self.baselines.push(Arc::new(imported));
        Ok(())
    }

    fn close(
        &mut self,
        state: &State,
        zone: &Zone,
        here: Watermark,
        closed: &TransactionClosed,
    ) -> Result<(), FoldError> {
        let sequence = here.sequence;
        let overflow = |source| FoldError::Overflow { sequence, source };
        let opened = Sequence::new(closed.opened_sequence);
        if closed.test {
            self.settle(state, opened);
            return Ok(());
        }
        let outcome = u8::try_from(closed.outcome)
            .ok()
            .and_then(Outcome::from_number)
            .ok_or(FoldError::UnknownOutcome {
                sequence,
                found: closed.outcome,
            })?;
        let fault = ndxp_journal::to_fault(closed.fault)
            .map_err(|source| FoldError::UnknownFault { sequence, source })?;
        let mut sums = self.sums;
        sums.add(closed).map_err(overflow)?;
        // Nothing refuses it from here on, but for a line too many.
        self.sums = sums;
        self.settle(state, opened);
        let nobody = Connection::default();
        let connection = closed.connection.as_ref().unwrap_or(&nobody);
        let hour = match self.hour {
            Some(hour) if hour.contains(here.at) => hour.from,
            _ => {
                let hour = zone.bucket(Granularity::Hour, here.at);
                self.hour.insert(hour).from
            }
        };
        self.began.get_or_insert(hour);
        let line = self.line(state, sequence, connection, closed, outcome)?;
        let ending = Ending { outcome, fault };
        let counters = self.size();
        // Only the total keeps sequences.
        for (line, sequence) in [(LineId::TOTAL, sequence), (line, Sequence::NONE)] {
            let counter = self.hours.counter(line, hour, ending);
            counter.add(sequence, outcome, closed).map_err(overflow)?;
        }
        // Who was counted on a line before, in the same way, took part before.
        if self.size() > counters && outcome.is_transaction() {
            self.took_part(state, here, connection);
        }
        self.counted += 1;
        Ok(())
    }

    fn settle(&mut self, state: &State, opened: Sequence) {
        if self.opened.remove(&opened).is_none() && state.open.contains_key(&opened) {
            self.settled.insert(opened);
        }
    }

    /// The number of the line that the closing is counted on, a new one when it is the first.
    /// Depends on the journal up to here alone, so that a rebuild ends in the same lines.
    fn line(
        &mut self,
        state: &State,
        sequence: Sequence,
        connection: &Connection,
        closed: &TransactionClosed,
        outcome: Outcome,
    ) -> Result<LineId, FoldError> {
        let called = called(closed);
        if let Some(id) = self.known(state, connection, called) {
            return Ok(id);
        }
        let methods = state.ids.methods(connection) + self.ids.methods(connection);
        let answered = outcome.is_transaction() && closed.grpc_status != UNIMPLEMENTED;
        let method = match answered && methods < METHODS_MAX {
            true => called,
            false => "",
        };
        let line = Line {
            connection: connection.clone(),
            method: method.to_owned(),
        };
        self.number(state, sequence, &line)
    }

    /// The line's number, the next one when it is not known.
    fn number(
        &mut self,
        state: &State,
        sequence: Sequence,
        line: &Line,
    ) -> Result<LineId, FoldError> {
        if let Some(id) = self.known(state, &line.connection, &line.method) {
            return Ok(id);
        }
        let id = u32::try_from(state.lines.len() + self.lines.len() + 1)
            .map(LineId)
            .map_err(|_| FoldError::TooManyLines { sequence })?;
        self.ids.add(line, id);
        self.lines.push(line.clone());
        self.since.push(sequence);
        Ok(id)
    }

    fn known(&mut self, state: &State, connection: &Connection, method: &str) -> Option<LineId> {
        let line = self.spelling.spell(connection, method);
        state.ids.get(line).or_else(|| self.ids.get(line))
    }

    fn took_part(&mut self, state: &State, here: Watermark, connection: &Connection) {
        for system in [&connection.consumer, &connection.provider] {
            let known = system.is_empty()
                || state.first_transactions.contains_key(system)
                || self.first_transactions.contains_key(system);
            if !known {
                let (sequence, at_us) = (here.sequence.get(), here.at.as_micros());
                self.first_transactions
                    .insert(system.clone(), FirstTransaction { sequence, at_us });
            }
        }
    }
}

/// The method that was called, as the closing names it. Closings of the time before they named
/// it themselves name it only where they hold the refused call.
fn called(closed: &TransactionClosed) -> &str {
    match &closed.refused_call {
        Some(call) if closed.method.is_empty() => &call.method,
        _ => &closed.method,
    }
}

#[cfg(test)]
mod tests;
