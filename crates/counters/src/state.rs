//! What of the store is kept in memory beside it: everything but the counters themselves.

use std::collections::BTreeMap;

use ndxp_baseline::Balances;
use ndxp_model::{Instant, Sequence, TransactionId};
use ndxp_proto::journal::v1::TransactionClosed;

use crate::counter::{Counter, Overflow, add};
use crate::delta::Delta;
use crate::ids::Ids;
use crate::key::LineId;
use crate::line::Line;
use crate::value::FirstTransaction;

/// A place in the journal: a sequence and its commit time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watermark {
    pub sequence: Sequence,
    pub at: Instant,
}

/// The sums over everything that was ever counted. Every sum of the store is a part of one of them,
/// so that none can overflow that these hold, and what does not fit is refused before it is counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sums {
    request_bytes: u64,
    response_bytes: u64,
    request_messages: u64,
    response_messages: u64,
}

/// A fast one, and none that withstands whoever would choose the keys: peers cannot make up counters.
pub type Hasher = foldhash::fast::RandomState;

/// The store's contents as of its watermark, without the counters.
#[derive(Debug, Default)]
pub struct State {
    pub watermark: Watermark,
    /// Commit time of the journal's first entry.
    pub launched: Option<Instant>,
    /// Closings counted.
    pub counted: u64,
    /// Start of the hour of the first of them.
    pub began: Option<Instant>,
    pub sums: Sums,
    /// By their number, which is 1 for the first.
    pub lines: Vec<Line>,
    /// Of each line, the closing that was the first counted on it.
    pub since: Vec<Sequence>,
    pub ids: Ids,
    pub first_transactions: BTreeMap<String, FirstTransaction>,
    /// Transactions opened and not closed, by the sequence of their opening.
    pub open: BTreeMap<Sequence, TransactionId>,
    /// What a previous platform counted.
    pub balances: Balances,
}

impl Sums {
    /// # Errors
    /// When a sum does not fit.
    pub fn add(&mut self, closed: &TransactionClosed) -> Result<(), Overflow> {
        self.merge(&Counter {
            request_bytes: closed.request_bytes,
            response_bytes: closed.response_bytes,
            request_messages: closed.request_messages,
            response_messages: closed.response_messages,
            ..Counter::without_durations()
        })
    }

    /// # Errors
    /// When a sum does not fit.
    pub fn merge(&mut self, more: &Counter) -> Result<(), Overflow> {
        add(&mut self.request_bytes, more.request_bytes, "request_bytes")?;
        add(
            &mut self.response_bytes,
            more.response_bytes,
            "response_bytes",
        )?;
        add(
            &mut self.request_messages,
            more.request_messages,
            "request_messages",
        )?;
        add(
            &mut self.response_messages,
            more.response_messages,
            "response_messages",
        )
    }
}

impl State {
    /// Takes in what a round has just made durable together with the counters.
    pub fn apply(&mut self, delta: Delta) {
        self.watermark = delta.watermark;
        self.launched = delta.launched;
        self.counted = delta.counted;
        self.began = delta.began;
        self.sums = delta.sums;
        for (line, since) in delta.lines.into_iter().zip(delta.since) {
            self.add(line, since);
        }
        self.first_transactions.extend(delta.first_transactions);
        for sequence in &delta.settled {
            self.open.remove(sequence);
        }
        self.open.extend(delta.opened);
        for imported in delta.baselines {
            self.balances.add(imported);
        }
    }

    /// Adds the line with the next number.
    pub fn add(&mut self, line: Line, since: Sequence) {
        let number = u32::try_from(self.lines.len() + 1).expect("the fold refused one more");
        self.ids.add(&line, LineId(number));
        self.lines.push(line);
        self.since.push(since);
    }

    /// All lines with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (LineId, &Line)> {
        (1..).map(LineId).zip(&self.lines)
    }

    pub fn line(&self, id: LineId) -> Option<&Line> {
        self.lines.get(place(id)?)
    }

    /// The first closing counted on the line.
    pub fn since(&self, id: LineId) -> Option<Sequence> {
        self.since.get(place(id)?).copied()
    }

    /// The place of a line among those that come behind these.
    pub fn beyond(&self, id: LineId) -> Option<usize> {
        place(id)?.checked_sub(self.lines.len())
    }
}

fn place(id: LineId) -> Option<usize> {
    usize::try_from(id.0).ok()?.checked_sub(1)
}
