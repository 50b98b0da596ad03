//! How fast one address may have TLS handshakes made: each costs the hub about as much as twenty calls,
//! and whoever makes nothing else could fill a core with them. Those above the pace are not refused but
//! wait their turn. An address from which an abusive connection came waits as if it had made many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::anteroom::crowd;

/// Handshakes at once, as seconds of the pace: an agency that begins anew opens all its connections.
const AT_ONCE: Duration = Duration::from_secs(4);
/// What a connection that was ended for abuse counts, in seconds of the pace.
const ABUSE_COUNTS: Duration = Duration::from_secs(1);
/// No address is made to wait longer, whatever came from it: others may be behind the same one.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Addresses that are remembered. Above it those that come new have their burst each time.
const ADDRESSES_MAX: usize = 10_000;

/// The pace of the whole hub's handshakes, asked once for each.
#[derive(Debug)]
pub struct Pace {
    since: Instant,
    /// Between two handshakes of one address; zero lets all pass.
    every: Duration,
    /// Until when each address has had its handshakes, as time since the beginning. Held for a look-up.
    taken: Mutex<HashMap<IpAddr, Duration>>,
}

impl Pace {
    /// So many handshakes a second for each address; 0 for as many as come.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self {
            since: Instant::now(),
            every: Duration::from_secs(1)
                .checked_div(per_second)
                .unwrap_or_default(),
            taken: Mutex::default(),
        }
    }

    /// Charges an address with a handshake; how long that has to wait, if at all.
    pub fn wait(&self, from: IpAddr) -> Option<Duration> {
        let wait = self.charge(from, self.every, self.since.elapsed());
        (!wait.is_zero()).then_some(wait)
    }

    /// A connection from there was ended for what it did.
    pub fn note_abuse(&self, from: IpAddr) {
        if !self.every.is_zero() {
            self.charge(from, ABUSE_COUNTS, self.since.elapsed());
        }
    }

    /// Charges an address with so much time; how long it has to wait from `now` on.
    fn charge(&self, from: IpAddr, time: Duration, now: Duration) -> Duration {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let from = crowd(from);
        if taken.len() >= ADDRESSES_MAX && !taken.contains_key(&from) {
            taken.retain(|_, until| *until > now);
            if taken.len() >= ADDRESSES_MAX {
                return Duration::ZERO;
            }
        }
        let until = taken.entry(from).or_default();
        *until = ((*until).max(now) + time).min(now + AT_ONCE + WAIT_MAX);
        (*until - now).saturating_sub(AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "10.0.0.1";
    const B: &str = "10.0.0.2";

    /// A row charges an address, at a second, with so many handshakes of ten a second; and how many
    /// milliseconds the last of them has to wait.
    #[track_caller]
    fn check(rows: &[(&str, u64, u32, u64)]) {
        let pace = Pace::new(10);
        for row @ (from, at, handshakes, wait_ms) in rows {
            let now = Duration::from_secs(*at);
            let mut wait = Duration::ZERO;
            for _ in 0..*handshakes {
                wait = pace.charge(from.parse().unwrap(), pace.every, now);
            }
            assert_eq!(wait, Duration::from_millis(*wait_ms), "{row:?}");
        }
    }

    #[test]
    fn four_seconds_worth_is_there_at_once_and_the_rest_takes_turns() {
        check(&[(A, 0, 40, 0), (A, 0, 1, 100), (A, 0, 9, 1_000)]);
        check(&[(A, 0, 40, 0), (B, 0, 40, 0), (B, 0, 2, 200)]);
        check(&[(A, 0, 40, 0), (A, 3, 30, 0), (A, 3, 1, 100)]);
        check(&[(A, 0, 1, 0), (A, 900, 40, 0), (A, 900, 1, 100)]);
    }

    #[test]
    fn nobody_waits_longer_than_ten_seconds() {
        check(&[(A, 0, 1_000, 10_000), (A, 1, 10, 10_000), (A, 20, 40, 0)]);
    }

    #[test]
    fn abuse_counts_as_a_second_and_never_where_there_is_no_pace() {
        let from = A.parse().unwrap();
        let pace = Pace::new(10);
        for _ in 0..6 {
            pace.note_abuse(from);
        }
        let wait = pace.charge(from, pace.every, pace.since.elapsed());
        assert!(wait > Duration::from_secs(1) && wait < Duration::from_millis(2_101));
        let pace = Pace::new(0);
        (0..100).for_each(|_| pace.note_abuse(from));
        assert_eq!(
            pace.charge(from, pace.every, Duration::ZERO),
            Duration::ZERO
        );
    }

    #[test]
    fn addresses_that_have_paid_are_forgotten_and_no_more_than_the_most_are_kept() {
        let pace = Pace::new(10);
        let address = |it: usize| IpAddr::V4(u32::try_from(it).unwrap().into());
        for it in 0..2 * ADDRESSES_MAX {
            let wait = pace.charge(address(it), pace.every, Duration::ZERO);
            assert_eq!(wait, Duration::ZERO);
        }
        let kept = || pace.taken.lock().unwrap().len();
        assert_eq!(kept(), ADDRESSES_MAX);
        pace.charge(
            address(usize::MAX >> 33),
            pace.every,
            Duration::from_secs(1),
        );
        assert_eq!(kept(), 1);
    }
}
