//! Room for what peers have sent and nobody has taken yet, shared by all connections of one kind:
//! those of consumers, and those to providers, which no consumer can use up.
//!
//! A connection's window is a promise: its peer may send so much, whatever becomes of it. Promises
//! that are large enough for a busy connection cannot be kept to ten thousand at once. So each
//! connection begins with little, which counts as its own, and the hub lends it more as it carries
//! more calls; what is lent comes back with the connection's end, because HTTP/2 knows no way to
//! take back what a peer was promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::http2::STREAM_WINDOW_BYTES;

/// What every connection has: HTTP/2's own initial window, which no peer can be denied.
pub const OWN_BYTES: u32 = 65_535;
/// Of what is left, one connection is lent this part at a time, so that a few cannot take it all.
const SHARE: u64 = 16;

/// What may be lent, and is.
#[derive(Debug)]
pub struct Windows {
    bytes_max: u64,
    lent: AtomicU64,
}

/// One connection's window.
#[derive(Debug)]
pub struct Window {
    windows: Arc<Windows>,
    lent: u32,
    bytes_max: u32,
}

impl Windows {
    #[must_use]
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            lent: AtomicU64::new(0),
        })
    }

    /// A window for a connection that begins; it never grows beyond `bytes_max`.
    #[must_use]
    pub fn open(self: &Arc<Self>, bytes_max: u32) -> Window {
        Window {
            windows: Arc::clone(self),
            lent: 0,
            bytes_max,
        }
    }

    /// Lends as much of this as can be had.
    fn lend(&self, wanted: u32) -> u32 {
        let mut granted = 0;
        let _none_left = self
            .lent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |lent| {
                let share = self.bytes_max.saturating_sub(lent) / SHARE;
                granted = u32::try_from(share).unwrap_or(u32::MAX).min(wanted);
                (granted > 0).then(|| lent + u64::from(granted))
            });
        granted
    }
}

impl Window {
    #[must_use]
    pub fn bytes(&self) -> u32 {
        OWN_BYTES + self.lent
    }

    /// Widens it to hold what so many stalled calls may have sent, doubling at least, so that it
    /// is seldom asked; the new size, if it is another.
    pub fn widen(&mut self, calls: usize) -> Option<u32> {
        let stalled = u32::try_from(calls)
            .unwrap_or(u32::MAX)
            .saturating_mul(STREAM_WINDOW_BYTES);
        if stalled <= self.bytes() || self.bytes() >= self.bytes_max {
            return None;
        }
        let wanted = stalled
            .max(self.bytes().saturating_mul(2))
            .min(self.bytes_max);
        let granted = self.windows.lend(wanted - self.bytes());
        self.lent += granted;
        (granted > 0).then(|| self.bytes())
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.windows
            .lent
            .fetch_sub(u64::from(self.lent), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u32 = 1 << 10;
    const MIB: u32 = 1 << 20;

    #[test]
    fn a_window_grows_with_the_calls_up_to_its_limit() {
        let windows = Windows::new(1 << 40);
        let mut window = windows.open(4 * MIB);
        // So many calls, and the window that they have.
        let rows = [
            (0, OWN_BYTES),
            (1, 256 * KIB),
            (1, 256 * KIB),
            (2, 512 * KIB),
            (3, MIB),
            (4, MIB),
            (1, MIB),
            (9, 9 * 256 * KIB),
            (1_000_000, 4 * MIB),
            (1_000_001, 4 * MIB),
        ];
        for (calls, expected) in rows {
            let before = window.bytes();
            let told = window.widen(calls);
            assert_eq!(window.bytes(), expected, "{calls} calls");
            assert_eq!(told, (before != expected).then_some(expected));
        }
        drop(window);
        assert_eq!(windows.lent.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn no_more_is_lent_than_there_is_and_there_is_always_some_for_newcomers() {
        let whole = u64::from(64 * MIB);
        let windows = Windows::new(whole);
        let mut open: Vec<Window> = Vec::new();
        for _ in 0..1_000 {
            let mut window = windows.open(16 * MIB);
            while window.widen(64).is_some() && window.lent < MIB {}
            open.push(window);
        }
        let lent: u64 = open.iter().map(|it| u64::from(it.lent)).sum();
        assert_eq!(lent, windows.lent.load(Ordering::Relaxed));
        assert!(lent <= whole, "{lent}");
        // Whoever leaves makes room for those to come.
        open.clear();
        assert!(windows.open(16 * MIB).widen(64).is_some());
    }
}
