//! Admission: what a grant and the hub itself can take at once. Nothing waits here; a call
//! passes or is refused with the time after which to repeat it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ndxp_model::{GrantId, Instant, Reason, Refusal};
use ndxp_registry::GrantRecord;

/// How long a caller is asked to wait when concurrency, not rate, is used up: about the time of
/// a call.
const RETRY_AFTER_CONCURRENCY: Duration = Duration::from_millis(100);

/// The hub-wide state, shared by all cores.
#[derive(Debug)]
pub struct Admission {
    calls_in_flight_max: usize,
    calls_in_flight: AtomicUsize,
    /// Only grants with limits of their own have a gate. Asked once per call of such a grant;
    /// the lock is held for one look-up.
    gates: Mutex<HashMap<GrantId, Arc<Gate>>>,
}

/// One grant's present use.
#[derive(Debug, Default)]
struct Gate {
    calls_in_flight: AtomicUsize,
    /// Generic cell rate algorithm: microseconds since the epoch at which the next call would
    /// be due if calls came exactly at the granted rate.
    due_at_us: AtomicI64,
}

/// A place in flight, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    gate: Option<Arc<Gate>>,
}

impl Admission {
    #[must_use]
    pub fn new(calls_in_flight_max: usize) -> Arc<Self> {
        Arc::new(Self {
            calls_in_flight_max,
            calls_in_flight: AtomicUsize::new(0),
            gates: Mutex::default(),
        })
    }

    #[must_use]
    pub fn calls_in_flight(&self) -> usize {
        self.calls_in_flight.load(Ordering::Relaxed)
    }

    /// # Errors
    /// `HUB_OVERLOADED` or `RATE_LIMITED`, each with the time to wait.
    pub fn admit(self: &Arc<Self>, grant: &GrantRecord, now: Instant) -> Result<Permit, Refusal> {
        if !enter(&self.calls_in_flight, self.calls_in_flight_max) {
            let detail = format!("the hub carries {} calls already", self.calls_in_flight_max);
            return Err(refusal(
                Reason::HubOverloaded,
                detail,
                RETRY_AFTER_CONCURRENCY,
            ));
        }
        // From here on the permit's drop gives back what was taken.
        let mut permit = Permit {
            admission: Arc::clone(self),
            gate: None,
        };
        if grant.concurrency_max.is_none() && grant.rate_per_second_max.is_none() {
            return Ok(permit);
        }
        let gate = self.gate(&grant.id);
        let concurrency_max = grant.concurrency_max.map_or(usize::MAX, |max| {
            usize::try_from(max.get()).unwrap_or(usize::MAX)
        });
        if !enter(&gate.calls_in_flight, concurrency_max) {
            let detail = format!("grant {} allows {concurrency_max} calls at once", grant.id);
            return Err(refusal(
                Reason::RateLimited,
                detail,
                RETRY_AFTER_CONCURRENCY,
            ));
        }
        permit.gate = Some(Arc::clone(&gate));
        if let Some(rate) = grant.rate_per_second_max
            && let Err(wait) = gate.take_turn(rate.get(), now)
        {
            let detail = format!("grant {} allows {rate} calls a second", grant.id);
            return Err(refusal(Reason::RateLimited, detail, wait));
        }
        Ok(permit)
    }

    fn gate(&self, grant: &GrantId) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        match gates.get(grant) {
            Some(gate) => Arc::clone(gate),
            None => Arc::clone(gates.entry(grant.clone()).or_default()),
        }
    }
}

impl Gate {
    /// Takes the next turn at `rate` calls a second with a burst of one second's calls, or
    /// answers how long until there is one.
    fn take_turn(&self, rate: u32, now: Instant) -> Result<(), Duration> {
        const SECOND_US: i64 = 1_000_000;
        let interval_us = (SECOND_US / i64::from(rate)).max(1);
        let now_us = now.as_micros();
        let latest_us = now_us + SECOND_US - interval_us;
        let turn = self
            .due_at_us
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due_us| {
                (due_us <= latest_us).then(|| due_us.max(now_us) + interval_us)
            });
        let wait_us = |due_us: i64| u64::try_from(due_us - latest_us).unwrap_or(0);
        turn.map(drop)
            .map_err(|due_us| Duration::from_micros(wait_us(due_us)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission
            .calls_in_flight
            .fetch_sub(1, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.calls_in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn enter(count: &AtomicUsize, max: usize) -> bool {
    if count.fetch_add(1, Ordering::Relaxed) < max {
        return true;
    }
    count.fetch_sub(1, Ordering::Relaxed);
    false
}

fn refusal(reason: Reason, detail: String, retry_after: Duration) -> Refusal {
    Refusal {
        reason,
        detail,
        retry_after: Some(retry_after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_a_burst_of_one_second_through_and_then_the_rate() {
        let gate = Gate::default();
        let start = Instant::from_micros(1_000_000_000);
        let turns = (0..20)
            .filter(|_| gate.take_turn(10, start).is_ok())
            .count();
        assert_eq!(turns, 10);
        let wait = gate.take_turn(10, start).unwrap_err();
        assert!(
            wait <= Duration::from_millis(100) && !wait.is_zero(),
            "{wait:?}"
        );
        let later = start.saturating_add(Duration::from_millis(250));
        let turns = (0..20)
            .filter(|_| gate.take_turn(10, later).is_ok())
            .count();
        assert_eq!(turns, 2);
    }

    #[test]
    fn a_gate_counts_places_and_gives_them_back() {
        let count = AtomicUsize::new(0);
        assert!(enter(&count, 2) && enter(&count, 2) && !enter(&count, 2));
        count.fetch_sub(1, Ordering::Relaxed);
        assert!(enter(&count, 2));
    }
}
