//! What of the store is kept in memory beside it: everything but the counters themselves.

use std::collections::{BTreeMap, HashMap};

use ndxp_baseline::Balances;
use ndxp_model::{Instant, Sequence, TransactionId};
use ndxp_proto::journal::v1::Connection;

use crate::delta::Delta;
use crate::key::LineId;
use crate::line::Line;
use crate::value::FirstTransaction;

/// A place in the journal: a sequence and its commit time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watermark {
    pub sequence: Sequence,
    pub at: Instant,
}

/// Numbers of lines, by connection and method.
pub type Ids = HashMap<Connection, BTreeMap<String, LineId>>;

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

impl State {
    /// Takes in what a batch has just made durable together with the counters.
    pub fn apply(&mut self, delta: Delta) {
        self.watermark = delta.watermark;
        self.launched = delta.launched;
        self.counted = delta.counted;
        self.began = delta.began;
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
        let ids = self.ids.entry(line.connection.clone()).or_default();
        ids.insert(line.method.clone(), LineId(number));
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

    /// The first closing counted on the line; `NONE` for the total.
    pub fn since(&self, id: LineId) -> Sequence {
        let since = place(id).and_then(|place| self.since.get(place));
        since.copied().unwrap_or(Sequence::NONE)
    }
}

fn place(id: LineId) -> Option<usize> {
    usize::try_from(id.0).ok()?.checked_sub(1)
}
