//! What of the store is kept in memory beside it: everything but the counters themselves.

use std::collections::{BTreeMap, HashMap};

use ndxp_model::{Instant, Sequence, TransactionId};
use ndxp_proto::journal::v1::Connection;

use crate::delta::Delta;
use crate::key::ConnectionId;
use crate::value::FirstTransaction;

/// A place in the journal: a sequence and its commit time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watermark {
    pub sequence: Sequence,
    pub at: Instant,
}

/// The store's contents as of its watermark, without the counters.
#[derive(Debug, Default)]
pub struct State {
    pub watermark: Watermark,
    /// Closings counted.
    pub counted: u64,
    /// By their number, which is 1 for the first.
    pub connections: Vec<Connection>,
    pub ids: HashMap<Connection, ConnectionId>,
    pub first_transactions: BTreeMap<String, FirstTransaction>,
    /// Transactions opened and not closed, by the sequence of their opening.
    pub open: BTreeMap<Sequence, TransactionId>,
}

impl State {
    /// Takes in what a batch has just made durable together with the counters.
    pub fn apply(&mut self, delta: Delta) {
        self.watermark = delta.watermark;
        self.counted = delta.counted;
        self.ids.extend(delta.ids);
        self.connections.extend(delta.connections);
        self.first_transactions.extend(delta.first_transactions);
        for sequence in &delta.settled {
            self.open.remove(sequence);
        }
        self.open.extend(delta.opened);
    }

    /// All connections with their numbers.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        (1..).map(ConnectionId).zip(&self.connections)
    }

    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        let place = usize::try_from(id.0).ok()?.checked_sub(1)?;
        self.connections.get(place)
    }
}
