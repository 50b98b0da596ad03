//! How fast one address may have TLS handshakes made: each costs the hub far more than a small call,
//! and whoever makes nothing else could fill a core with them. Those above the pace wait a little, and are
//! turned away where that would not do. A connection that was ended for abuse counts as many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::anteroom::crowd;

/// Handshakes at once, as seconds of the pace: an agency that begins anew opens all its connections.
const AT_ONCE: Duration = Duration::from_secs(4);
/// How long one waits for its turn before it is turned away.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// What a connection that was ended for abuse counts, in seconds of the pace.
const ABUSE_COUNTS: Duration = Duration::from_secs(1);
/// Beyond that nothing is counted: others may be behind the same address.
const TAKEN_MAX: Duration = Duration::from_secs(16);
/// Addresses that are remembered, at some 50 bytes: half a megabyte. Above it, those that come new are
/// counted together.
const ADDRESSES_MAX: usize = 10_000;
const THE_OTHERS: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// The pace of the whole hub's handshakes.
#[derive(Debug)]
pub struct Pace {
    since: Instant,
    /// Between two handshakes of one address; `None` lets all pass.
    every: Option<Duration>,
    /// Held for one look-up; while all places are taken, now and then for a look at each.
    ledger: Mutex<Ledger>,
}

/// Until when addresses have had their handshakes, as time since the beginning. Pure.
#[derive(Debug, Default)]
struct Ledger {
    until: HashMap<IpAddr, Duration>,
    cleared: Duration,
}

impl Pace {
    /// So many handshakes a second for each address; 0 for as many as come.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self {
            since: Instant::now(),
            every: Duration::from_secs(1).checked_div(per_second),
            ledger: Mutex::default(),
        }
    }

    /// How long an address has to wait from now on, if at all. It is asked again behind that: others may
    /// have had the turn.
    pub fn wait(&self, from: IpAddr) -> Option<Duration> {
        self.every?;
        self.with(|ledger, now| ledger.wait(from, now))
    }

    /// A handshake begins: there is a hello, and the hub's work follows.
    pub fn note_handshake(&self, from: IpAddr) {
        if let Some(every) = self.every {
            self.with(|ledger, now| ledger.take(from, every, now));
        }
    }

    /// A connection from there is ended for what its peer did.
    pub fn note_abuse(&self, from: IpAddr) {
        if self.every.is_some() {
            self.with(|ledger, now| ledger.take(from, ABUSE_COUNTS, now));
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Ledger, Duration) -> T) -> T {
        let now = self.since.elapsed();
        work(
            &mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }
}

impl Ledger {
    fn wait(&self, from: IpAddr, now: Duration) -> Option<Duration> {
        let until = self.until.get(&crowd(from));
        let until = until.or_else(|| self.until.get(&THE_OTHERS))?;
        let wait = until.saturating_sub(now + AT_ONCE);
        (!wait.is_zero()).then_some(wait)
    }

    fn take(&mut self, from: IpAddr, time: Duration, now: Duration) {
        let mut from = crowd(from);
        if self.until.len() >= ADDRESSES_MAX && !self.until.contains_key(&from) {
            if now >= self.cleared + AT_ONCE {
                self.cleared = now;
                self.until.retain(|_, until| *until > now);
            }
            if self.until.len() >= ADDRESSES_MAX {
                from = THE_OTHERS;
            }
        }
        let until = self.until.entry(from).or_default();
        *until = ((*until).max(now) + time).min(now + TAKEN_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "10.0.0.1";
    const B: &str = "10.0.0.2";
    const TENTH: Duration = Duration::from_millis(100);

    /// A row takes, at a second, so many handshakes of ten a second for an address; and how many
    /// milliseconds the next one then has to wait.
    #[track_caller]
    fn check(rows: &[(&str, u64, u32, u64)]) {
        let mut ledger = Ledger::default();
        for row @ (from, at, handshakes, wait_ms) in rows {
            let (from, now) = (from.parse().unwrap(), Duration::from_secs(*at));
            for _ in 0..*handshakes {
                ledger.take(from, TENTH, now);
            }
            let wait = ledger.wait(from, now).unwrap_or_default();
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
    fn whatever_came_from_an_address_is_over_in_sixteen_seconds() {
        check(&[(A, 0, 10_000, 12_000), (A, 12, 0, 0), (A, 16, 40, 0)]);
    }

    #[test]
    fn abuse_counts_as_a_second() {
        let mut ledger = Ledger::default();
        let from = A.parse().unwrap();
        (0..6).for_each(|_| ledger.take(from, ABUSE_COUNTS, Duration::ZERO));
        let wait = ledger.wait(from, Duration::ZERO);
        assert_eq!(wait, Some(Duration::from_secs(2)));
    }

    #[test]
    fn without_a_pace_nothing_is_kept_and_nobody_waits() {
        let pace = Pace::new(0);
        for _ in 0..1_000 {
            pace.note_handshake(A.parse().unwrap());
            pace.note_abuse(A.parse().unwrap());
        }
        assert_eq!(pace.wait(A.parse().unwrap()), None);
        assert!(pace.ledger.lock().unwrap().until.is_empty());
    }

    #[test]
    fn those_above_the_most_that_are_kept_are_counted_together_until_others_are_over() {
        let mut ledger = Ledger::default();
        let address = |it: usize| IpAddr::V4(u32::try_from(it + 1).unwrap().into());
        let ten = Duration::from_secs(10);
        for it in 0..ADDRESSES_MAX + 50 {
            ledger.take(address(it), ten / 10, AT_ONCE);
        }
        assert_eq!(ledger.until.len(), ADDRESSES_MAX + 1);
        assert_eq!(ledger.wait(address(1), AT_ONCE), None);
        let strange = address(3 * ADDRESSES_MAX);
        assert!(ledger.wait(strange, AT_ONCE).is_some());
        let later = ten * 2;
        ledger.take(strange, TENTH, later);
        assert_eq!(ledger.until.len(), 1);
        assert_eq!(ledger.wait(strange, later), None);
    }
}
