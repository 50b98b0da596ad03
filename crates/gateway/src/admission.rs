//! Admission: what a consumer, a grant and the hub itself can take. Nothing waits here; a call
//! passes or is refused with the time after which to repeat it.
//!
//! The decisions are arithmetic over two numbers of a [`Gate`]: how many calls are in flight, and
//! when the next is due. The gates of consumers are found once per connection, those of grants
//! only where a grant has limits of its own.

mod rate;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ndxp_model::{GrantId, Instant, Reason, Refusal, SystemId};

use rate::Due;
pub use rate::Rate;

/// How long a caller is asked to wait when concurrency, not rate, is used up: about the time of
/// a call.
const RETRY_AFTER_CONCURRENCY: Duration = Duration::from_millis(100);

/// Refusals that one consumer is told at once. Those who repeat without waiting are told later
/// and later, so that a flood costs the hub, and with it everybody else, a bounded share: 200
/// refusals of about 30 µs are less than a hundredth of one core.
const REFUSALS: Rate = Rate {
    per_second: NonZeroU32::new(200).expect("it is not 0"),
    burst: NonZeroU32::new(200).expect("it is not 0"),
};
/// The longest that a refusal is held back.
const REFUSAL_WAIT_MAX: Duration = Duration::from_secs(2);

/// How much may be used in time and at once; `None` leaves it unlimited.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Allowance {
    pub rate: Option<Rate>,
    pub concurrency_max: Option<NonZeroU32>,
}

/// The hub-wide state, shared by all cores.
#[derive(Debug)]
pub struct Admission {
    hub: Arc<Gate>,
    hub_allowance: Allowance,
    /// Asked once per connection.
    consumers: Mutex<HashMap<SystemId, Arc<Gate>>>,
    /// Only grants with limits of their own have a gate. Asked once per call of such a grant;
    /// the lock is held for one look-up.
    grants: Mutex<HashMap<GrantId, Arc<Gate>>>,
}

/// Somebody's present use.
#[derive(Debug, Default)]
pub struct Gate {
    calls_in_flight: AtomicUsize,
    due_at_ns: AtomicI64,
    /// When the next refusal is due to be told.
    refusal_due_at_ns: AtomicI64,
}

/// Who asks for a place, and what it is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a, Id> {
    pub id: &'a Id,
    pub allowance: Allowance,
}

/// A place with the consumer, the grant and the hub, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _consumer: Place,
    _grant: Option<Place>,
    _hub: Place,
}

#[derive(Debug)]
struct Place(Arc<Gate>);

/// What a gate has no more of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Excess {
    Concurrency { max: NonZeroU32 },
    Rate { rate: Rate, wait: Duration },
}

impl Allowance {
    #[must_use]
    pub fn new(
        per_second: Option<NonZeroU32>,
        burst: Option<NonZeroU32>,
        concurrency_max: Option<NonZeroU32>,
    ) -> Self {
        Self {
            rate: per_second.map(|per_second| Rate::new(per_second, burst)),
            concurrency_max,
        }
    }

    /// Its own limits, and the other's where it has none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rate: self.rate.or(other.rate),
            concurrency_max: self.concurrency_max.or(other.concurrency_max),
        }
    }

    fn is_unlimited(self) -> bool {
        self == Self::default()
    }
}

impl Admission {
    #[must_use]
    pub fn new(hub: Allowance) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::default(),
            hub_allowance: hub,
            consumers: Mutex::default(),
            grants: Mutex::default(),
        })
    }

    /// The consumer's gate, one for all of its connections.
    #[must_use]
    pub fn consumer(&self, system: &SystemId) -> Arc<Gate> {
        gate(&self.consumers, system)
    }

    /// The consumer is asked first: whoever asks too much takes nothing from the others.
    ///
    /// # Errors
    /// `RATE_LIMITED` or `HUB_OVERLOADED`, each with the time to wait.
    pub fn admit(
        &self,
        gate_of_consumer: &Arc<Gate>,
        consumer: Asking<'_, SystemId>,
        grant: Option<Asking<'_, GrantId>>,
        now: Instant,
    ) -> Result<Permit, Refusal> {
        let limited = |whose: String, excess: Excess| {
            let detail = format!("{whose} {}", excess.allowed());
            refusal(Reason::RateLimited, detail, excess.wait())
        };
        let _consumer = enter(gate_of_consumer, consumer.allowance, now)
            .map_err(|excess| limited(format!("{} is allowed", consumer.id), excess))?;
        let _grant = match grant {
            Some(grant) if !grant.allowance.is_unlimited() => {
                let place = enter(&gate(&self.grants, grant.id), grant.allowance, now);
                let limited = |excess| limited(format!("grant {} allows", grant.id), excess);
                Some(place.map_err(limited)?)
            }
            _ => None,
        };
        let _hub = enter(&self.hub, self.hub_allowance, now).map_err(|excess| {
            let detail = format!("the hub carries {}", excess.allowed());
            refusal(Reason::HubOverloaded, detail, excess.wait())
        })?;
        Ok(Permit {
            _consumer,
            _grant,
            _hub,
        })
    }
}

impl Gate {
    /// How long a refusal is held back before it is told.
    pub fn refusal_wait(&self, now: Instant) -> Duration {
        let mut wait = Duration::ZERO;
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let _always = self.refusal_due_at_ns.fetch_update(set, fetch, |due_ns| {
            let (next, told_after) = REFUSALS.queue(Due(due_ns), now, REFUSAL_WAIT_MAX);
            wait = told_after;
            Some(next.0)
        });
        wait
    }

    fn take_turn(&self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let mut wait = Duration::ZERO;
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let turn = self.due_at_ns.fetch_update(set, fetch, |due_ns| {
            let turn = rate.turn(Due(due_ns), now);
            turn.map_err(|until| wait = until).ok().map(|next| next.0)
        });
        turn.map(drop).map_err(|_| wait)
    }
}

impl Excess {
    fn allowed(self) -> String {
        match self {
            Self::Concurrency { max } => format!("{max} calls at once"),
            Self::Rate { rate, .. } if rate.burst == rate.per_second => {
                format!("{} calls a second", rate.per_second)
            }
            Self::Rate { rate, .. } => {
                let Rate { per_second, burst } = rate;
                format!("{per_second} calls a second with {burst} at once")
            }
        }
    }

    fn wait(self) -> Duration {
        match self {
            Self::Concurrency { .. } => RETRY_AFTER_CONCURRENCY,
            Self::Rate { wait, .. } => wait,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.calls_in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Concurrency before rate: a call that finds no room takes no turn.
fn enter(gate: &Arc<Gate>, allowance: Allowance, now: Instant) -> Result<Place, Excess> {
    let before = gate.calls_in_flight.fetch_add(1, Ordering::Relaxed);
    // From here on the place's drop gives back what was taken.
    let place = Place(Arc::clone(gate));
    if let Some(max) = allowance.concurrency_max
        && u64::try_from(before).unwrap_or(u64::MAX) >= u64::from(max.get())
    {
        return Err(Excess::Concurrency { max });
    }
    match allowance.rate {
        None => Ok(place),
        Some(rate) => match gate.take_turn(rate, now) {
            Ok(()) => Ok(place),
            Err(wait) => Err(Excess::Rate { rate, wait }),
        },
    }
}

fn gate<Id: Clone + Eq + std::hash::Hash>(
    gates: &Mutex<HashMap<Id, Arc<Gate>>>,
    id: &Id,
) -> Arc<Gate> {
    let mut gates = gates.lock().unwrap_or_else(PoisonError::into_inner);
    match gates.get(id) {
        Some(gate) => Arc::clone(gate),
        None => Arc::clone(gates.entry(id.clone()).or_default()),
    }
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

    const NOW: Instant = Instant::from_micros(1_000_000_000);

    fn allowance(rate: u32, burst: u32, concurrency: u32) -> Allowance {
        let [rate, burst, concurrency] = [rate, burst, concurrency].map(NonZeroU32::new);
        Allowance::new(rate, burst, concurrency)
    }

    /// How many of eight calls that do not end are admitted, and why the next is not.
    #[track_caller]
    fn check(
        hub: Allowance,
        its: Allowance,
        granted: Allowance,
        (admitted, reason, says): (usize, Reason, &str),
    ) {
        let admission = Admission::new(hub);
        let system: SystemId = "H26/lgsp".parse().unwrap();
        let connection = ndxp_model::Connection {
            consumer: system.clone(),
            provider: "G01/a".parse().unwrap(),
            service: "a.B".parse().unwrap(),
        };
        let id = GrantId::of(&connection);
        let gate = admission.consumer(&system);
        let calls = (0..8).map(|_| {
            let consumer = Asking {
                id: &system,
                allowance: its,
            };
            let grant = Some(Asking {
                id: &id,
                allowance: granted,
            });
            admission.admit(&gate, consumer, grant, NOW)
        });
        let calls: Vec<_> = calls.collect();
        let found = calls.iter().filter(|call| call.is_ok()).count();
        assert_eq!(found, admitted, "{says}");
        let refusal = calls.iter().find_map(|call| call.as_ref().err()).unwrap();
        assert_eq!(refusal.reason, reason, "{says}");
        assert!(refusal.detail.ends_with(says), "{}", refusal.detail);
        assert!(refusal.retry_after.is_some(), "{says}");
        drop(calls);
        for it in [&gate, &admission.hub] {
            assert_eq!(it.calls_in_flight.load(Ordering::Relaxed), 0, "{says}");
        }
    }

    #[test]
    fn whoever_has_least_room_decides() {
        use Reason::{HubOverloaded, RateLimited};
        let none = Allowance::default();
        let few = |count| allowance(0, 0, count);
        let slow = |rate, burst| allowance(rate, burst, 0);
        let rows = [
            (
                none,
                few(3),
                none,
                3,
                RateLimited,
                "H26/lgsp is allowed 3 calls at once",
            ),
            (
                none,
                slow(4, 0),
                none,
                4,
                RateLimited,
                "is allowed 4 calls a second",
            ),
            (
                none,
                none,
                few(2),
                2,
                RateLimited,
                "G01/a/a.B allows 2 calls at once",
            ),
            (
                none,
                none,
                slow(5, 2),
                2,
                RateLimited,
                "allows 5 calls a second with 2 at once",
            ),
            (
                few(1),
                none,
                none,
                1,
                HubOverloaded,
                "the hub carries 1 calls at once",
            ),
            (
                slow(6, 0),
                none,
                none,
                6,
                HubOverloaded,
                "the hub carries 6 calls a second",
            ),
            (
                few(3),
                few(2),
                few(1),
                1,
                RateLimited,
                "allows 1 calls at once",
            ),
            (
                few(1),
                few(2),
                few(3),
                1,
                HubOverloaded,
                "carries 1 calls at once",
            ),
            (
                slow(7, 0),
                slow(3, 0),
                few(5),
                3,
                RateLimited,
                "is allowed 3 calls a second",
            ),
        ];
        for (hub, its, granted, admitted, reason, says) in rows {
            check(hub, its, granted, (admitted, reason, says));
        }
    }

    #[test]
    fn an_allowance_of_ones_own_stands_before_the_hubs() {
        let hub = allowance(5, 0, 50);
        assert_eq!(Allowance::default().or(hub), hub);
        assert_eq!(allowance(7, 9, 0).or(hub), allowance(7, 9, 50));
        assert_eq!(allowance(0, 0, 3).or(hub), allowance(5, 0, 3));
    }

    #[test]
    fn refusals_are_told_at_once_until_they_are_many() {
        let gate = Gate::default();
        let burst = (0..200).map(|_| gate.refusal_wait(NOW)).max();
        assert_eq!(burst, Some(Duration::ZERO));
        assert_eq!(gate.refusal_wait(NOW), Duration::from_millis(5));
        let last = (0..100_000).map(|_| gate.refusal_wait(NOW)).last();
        assert_eq!(last, Some(REFUSAL_WAIT_MAX));
        let later = NOW.saturating_add(REFUSAL_WAIT_MAX + Duration::from_secs(1));
        assert_eq!(gate.refusal_wait(later), Duration::ZERO);
    }
}
