//! How far the journal has come, and waiting for it to come further.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use ndxp_model::{Instant, Sequence};
use tokio::sync::watch;

use crate::Reader;

/// The last durable entry; all zero when there is none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Position {
    pub sequence: Sequence,
    pub at: Instant,
}

/// What a projection needs of a journal that is being written: where it ends, when it grows,
/// and its entries. It cannot append and does not keep the journal open.
#[derive(Clone)]
pub struct Follow {
    progress: Arc<Progress>,
    reader: Reader,
}

/// The position as the writer publishes it.
pub(crate) struct Progress {
    state: watch::Sender<State>,
    blocked: Mutex<()>,
    changed: Condvar,
}

#[derive(Clone, Copy)]
struct State {
    position: Position,
    closed: bool,
}

impl Follow {
    pub(crate) fn new(progress: Arc<Progress>, reader: Reader) -> Self {
        Self { progress, reader }
    }

    /// The last durable entry.
    #[must_use]
    pub fn position(&self) -> Position {
        self.progress.position()
    }

    /// Waits until the position is behind `after`. `None` once the journal is closed and holds
    /// nothing behind `after`.
    pub async fn beyond(&self, after: Sequence) -> Option<Position> {
        self.progress.beyond(after).await
    }

    /// As [`Follow::beyond`], for a thread of one's own; answers the position as it stands when
    /// the time is over.
    #[must_use]
    pub fn beyond_blocking(&self, after: Sequence, timeout: Duration) -> Option<Position> {
        self.progress.beyond_blocking(after, timeout)
    }

    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

impl Progress {
    pub fn new(position: Position) -> Self {
        Self {
            state: watch::Sender::new(State {
                position,
                closed: false,
            }),
            blocked: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    pub fn position(&self) -> Position {
        self.state.borrow().position
    }

    pub fn advance(&self, position: Position) {
        self.publish(|state| state.position = position);
    }

    pub fn close(&self) {
        self.publish(|state| state.closed = true);
    }

    pub async fn beyond(&self, after: Sequence) -> Option<Position> {
        let mut receiver = self.state.subscribe();
        let state = receiver
            .wait_for(|state| state.closed || state.position.sequence > after)
            .await
            .ok()?;
        state.beyond(after)
    }

    pub fn beyond_blocking(&self, after: Sequence, timeout: Duration) -> Option<Position> {
        let waits = |_: &mut ()| {
            let state = self.state.borrow();
            !state.closed && state.position.sequence <= after
        };
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let (_blocked, over) = self
            .changed
            .wait_timeout_while(blocked, timeout, waits)
            .unwrap_or_else(PoisonError::into_inner);
        let state = *self.state.borrow();
        if over.timed_out() && !state.closed {
            return Some(state.position);
        }
        state.beyond(after)
    }

    fn publish(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
        // Taken after the change: whoever holds it has yet to look, or waits already.
        drop(self.blocked.lock());
        self.changed.notify_all();
    }
}

impl State {
    fn beyond(self, after: Sequence) -> Option<Position> {
        (self.position.sequence > after).then_some(self.position)
    }
}
