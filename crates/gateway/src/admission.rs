//! Admission: what a consumer, a grant and the hub itself can take. Nothing waits here; a call
//! passes or is refused with the time after which to repeat it.
//!
//! The decisions are arithmetic over two numbers of a [`Gate`]: how many calls are in flight, and
//! when the next is due. The gates of consumers are found once per connection, those of grants
//! only where a grant has limits of its own.

mod overload;
mod rate;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ndxp_model::{GrantId, Instant, Reason, Refusal, SystemId};

use overload::{Load, Pressure, Shed};
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
    /// Calls that the hub takes at once.
    calls_max: usize,
    /// Calls that were asked for since the start, and those that were taken.
    asked: AtomicU64,
    taken: AtomicU64,
    /// What each consumer may ask for in a second just now; 0 while nobody has to share.
    share: AtomicU32,
    /// With fewer calls in the hub nobody has to.
    shares_from: usize,
    /// Told by each core some fifty times a second.
    pressure: Mutex<Pressure>,
    /// Consumers with a call in flight.
    active: Arc<AtomicUsize>,
    /// Asked once per connection.
    consumers: Mutex<HashMap<SystemId, Arc<Gate>>>,
    /// Only grants with limits of their own have a gate. Asked once per call of such a grant;
    /// the lock is held for one look-up.
    grants: Mutex<HashMap<GrantId, Arc<Gate>>>,
    provider_allowance: Allowance,
    /// Asked once per core and provider.
    providers: Mutex<HashMap<SystemId, Arc<Gate>>>,
}

/// Somebody's present use.
#[derive(Debug, Default)]
pub struct Gate {
    calls_in_flight: AtomicUsize,
    due_at_ns: AtomicI64,
    /// When the next is due while consumers have to share.
    share_due_at_ns: AtomicI64,
    /// When the next refusal is due to be told.
    refusal_due_at_ns: AtomicI64,
    /// Of a consumer's gate: where it counts while it has a call in flight.
    active: Option<Arc<AtomicUsize>>,
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
    _provider: Option<Place>,
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
    pub fn new(hub: Allowance, provider: Allowance) -> Arc<Self> {
        Self::sharing_from(overload::SHARES_FROM_CALLS, hub, provider)
    }

    /// As [`Self::new`], for simulations: consumers share as soon as so few calls are in the hub.
    #[must_use]
    pub fn sharing_from(shares_from: usize, hub: Allowance, provider: Allowance) -> Arc<Self> {
        let most = hub.concurrency_max.map_or(usize::MAX, |max| {
            usize::try_from(max.get()).unwrap_or(usize::MAX)
        });
        Arc::new(Self {
            hub: Arc::default(),
            calls_max: most,
            asked: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            share: AtomicU32::new(0),
            shares_from,
            pressure: Mutex::new(Pressure::new(shares_from)),
            active: Arc::default(),
            hub_allowance: hub,
            provider_allowance: provider,
            providers: Mutex::default(),
            consumers: Mutex::default(),
            grants: Mutex::default(),
        })
    }

    /// The consumer's gate, one for all of its connections.
    #[must_use]
    pub fn consumer(&self, system: &SystemId) -> Arc<Gate> {
        gate_or(&self.consumers, system, || Gate {
            active: Some(Arc::clone(&self.active)),
            ..Gate::default()
        })
    }

    /// A core's own tasks were so late; answers how many calls a second each consumer is given from
    /// now on, 0 where that is not limited.
    pub fn note_late(&self, core: usize, late: Duration, now: Instant) -> u32 {
        // First: what one core reads is not older than what another has counted.
        let mut pressure = self.pressure.lock().unwrap_or_else(PoisonError::into_inner);
        let load = Load {
            asked: self.asked.load(Ordering::Relaxed),
            taken: self.taken.load(Ordering::Relaxed),
            in_flight: self.hub.calls_in_flight.load(Ordering::Relaxed),
            active: self.active.load(Ordering::Relaxed),
        };
        let share = pressure.sample(core, late, load, now);
        let share = share.map_or(0, NonZeroU32::get);
        self.share.store(share, Ordering::Relaxed);
        share
    }

    /// The provider's gate, one for all who call it.
    #[must_use]
    pub fn provider(&self, system: &SystemId) -> Arc<Gate> {
        gate(&self.providers, system)
    }

    /// The consumer is asked first: whoever asks too much takes nothing from the others. So with
    /// the provider: one that does not answer fills its own places and not the hub's.
    ///
    /// # Errors
    /// `RATE_LIMITED`, `PROVIDER_OVERLOADED` or `HUB_OVERLOADED`, each with the time to wait.
    pub fn admit(
        &self,
        gate_of_consumer: &Arc<Gate>,
        consumer: Asking<'_, SystemId>,
        grant: Option<Asking<'_, GrantId>>,
        provider: Option<(&SystemId, &Arc<Gate>)>,
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
        let _provider = match provider {
            Some((id, gate)) => {
                let place = enter(gate, self.provider_allowance, now);
                Some(place.map_err(|excess| {
                    let detail = format!("{id} is given {}", excess.allowed());
                    refusal(Reason::ProviderOverloaded, detail, excess.wait())
                })?)
            }
            None => None,
        };
        self.make_room(gate_of_consumer, now)?;
        let _hub = enter(&self.hub, self.hub_allowance, now).map_err(|excess| {
            let detail = format!("the hub carries {}", excess.allowed());
            refusal(Reason::HubOverloaded, detail, excess.wait())
        })?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(Permit {
            _consumer,
            _grant,
            _provider,
            _hub,
        })
    }
}

impl Admission {
    /// Whether the hub has room for a call of this consumer, which its gate counts already.
    fn make_room(&self, gate_of_consumer: &Gate, now: Instant) -> Result<(), Refusal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let in_flight = self.hub.calls_in_flight.load(Ordering::Relaxed);
        if let Some(share) = NonZeroU32::new(self.share.load(Ordering::Relaxed)) {
            let turn = take_turn(
                &gate_of_consumer.share_due_at_ns,
                overload::rate(share),
                now,
            );
            let shares = in_flight >= self.shares_from;
            if let (Err(wait), true) = (turn, shares) {
                let detail = format!(
                    "the hub cannot keep up, and gives each consumer {share} calls a second"
                );
                let wait = wait.max(RETRY_AFTER_CONCURRENCY);
                return Err(refusal(Reason::HubOverloaded, detail, wait));
            }
        }
        let own = gate_of_consumer.calls_in_flight.load(Ordering::Relaxed);
        let active = self.active.load(Ordering::Relaxed);
        let most = self.calls_max;
        let room = overload::admit(own.saturating_sub(1), in_flight, active, most);
        room.map_err(|shed| {
            let detail = match shed {
                Shed::Full => format!("the hub carries {most} calls at once"),
                Shed::Share(share) => format!(
                    "the hub is nearly full, and the share of each consumer is {share} calls at once"
                ),
            };
            refusal(Reason::HubOverloaded, detail, RETRY_AFTER_CONCURRENCY)
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
        let before = self.0.calls_in_flight.fetch_sub(1, Ordering::Relaxed);
        if before == 1
            && let Some(active) = &self.0.active
        {
            active.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Concurrency before rate: a call that finds no room takes no turn.
fn enter(gate: &Arc<Gate>, allowance: Allowance, now: Instant) -> Result<Place, Excess> {
    let before = gate.calls_in_flight.fetch_add(1, Ordering::Relaxed);
    if before == 0
        && let Some(active) = &gate.active
    {
        active.fetch_add(1, Ordering::Relaxed);
    }
    // From here on the place's drop gives back what was taken.
    let place = Place(Arc::clone(gate));
    if let Some(max) = allowance.concurrency_max
        && u64::try_from(before).unwrap_or(u64::MAX) >= u64::from(max.get())
    {
        return Err(Excess::Concurrency { max });
    }
    match allowance.rate {
        None => Ok(place),
        Some(rate) => match take_turn(&gate.due_at_ns, rate, now) {
            Ok(()) => Ok(place),
            Err(wait) => Err(Excess::Rate { rate, wait }),
        },
    }
}

fn take_turn(due_at_ns: &AtomicI64, rate: Rate, now: Instant) -> Result<(), Duration> {
    let mut wait = Duration::ZERO;
    let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
    let turn = due_at_ns.fetch_update(set, fetch, |due_ns| {
        let turn = rate.turn(Due(due_ns), now);
        turn.map_err(|until| wait = until).ok().map(|next| next.0)
    });
    turn.map(drop).map_err(|_| wait)
}

fn gate<Id: Clone + Eq + std::hash::Hash>(
    gates: &Mutex<HashMap<Id, Arc<Gate>>>,
    id: &Id,
) -> Arc<Gate> {
    gate_or(gates, id, Gate::default)
}

fn gate_or<Id: Clone + Eq + std::hash::Hash>(
    gates: &Mutex<HashMap<Id, Arc<Gate>>>,
    id: &Id,
    new: impl FnOnce() -> Gate,
) -> Arc<Gate> {
    let mut gates = gates.lock().unwrap_or_else(PoisonError::into_inner);
    match gates.get(id) {
        Some(gate) => Arc::clone(gate),
        None => Arc::clone(gates.entry(id.clone()).or_insert_with(|| Arc::new(new()))),
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
mod tests;
