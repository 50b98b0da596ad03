//! What the other end of a connection may do that carries no call: control frames, and calls that
//! are broken off. HTTP/2 bounds neither, and each costs the hub work that others wait for.
//!
//! [`heads`] reads frames' heads off the bytes as they pass, [`budget`] says when it is too much;
//! both are pure. [`guard`] puts them between TLS and the HTTP/2 machinery.

mod budget;
mod guard;
mod heads;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use budget::Budget;
pub use guard::Guarded;

use crate::limits::http2;

/// Why a connection is ended before its peer ends it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Excess {
    ControlFrames,
    Resets,
}

impl Excess {
    pub const ALL: [Self; 2] = [Self::ControlFrames, Self::Resets];

    /// As metrics and the log name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ControlFrames => "control_frames",
            Self::Resets => "resets",
        }
    }
}

/// One connection's conduct, told by those who see it and asked by whoever can end it.
#[derive(Debug)]
pub struct Conduct {
    since: Instant,
    /// Frames that come with calls: they cost nothing of the budget.
    earned: AtomicU64,
    /// A connection stays on one core: the lock is never waited for.
    resets: Mutex<Budget>,
    excess: OnceLock<Excess>,
    exceeded: Notify,
}

impl Conduct {
    /// For a connection that may carry so many calls at once: whoever stops may break all of them
    /// off.
    #[must_use]
    pub fn new(calls_at_once_max: u32) -> Arc<Self> {
        let burst = http2::RESETS_BURST.max(u64::from(calls_at_once_max));
        Arc::new(Self {
            since: Instant::now(),
            earned: AtomicU64::new(0),
            resets: Mutex::new(Budget::new(http2::RESETS_PER_SECOND, burst)),
            excess: OnceLock::new(),
            exceeded: Notify::new(),
        })
    }

    /// So many frames are part of a call.
    pub fn earn(&self, frames: u64) {
        self.earned.fetch_add(frames, Ordering::Relaxed);
    }

    /// The peer has broken a call off, and not because its time was over.
    pub fn note_reset(&self) {
        let now = self.since.elapsed();
        let mut resets = self.resets.lock().unwrap_or_else(PoisonError::into_inner);
        if !resets.spend(1, now) {
            self.exceed(Excess::Resets);
        }
    }

    /// So many calls were broken off before they were looked at.
    pub fn note_withdrawn(&self, calls: u32) {
        self.earn(u64::from(calls));
        (0..calls).for_each(|_| self.note_reset());
    }

    /// Waits until the connection is to be ended.
    pub async fn exceeded(&self) -> Excess {
        loop {
            if let Some(excess) = self.excess.get() {
                return *excess;
            }
            self.exceeded.notified().await;
        }
    }

    fn exceed(&self, excess: Excess) {
        if self.excess.set(excess).is_ok() {
            self.exceeded.notify_one();
        }
    }

    fn is_exceeded(&self) -> bool {
        self.excess.get().is_some()
    }

    fn take_earned(&self) -> u64 {
        self.earned.swap(0, Ordering::Relaxed)
    }
}
