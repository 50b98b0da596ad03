//! How the endpoints of providers fare, known to all cores: what one of them has learnt, the
//! others need not find out. The decisions are [`breaker`](super::breaker)'s; here they are
//! remembered, counted and shown.
//!
//! A call to an endpoint that answers takes no lock: it reads one flag when it asks and another
//! when it is answered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use ndxp_model::{Clock, Instant, SystemId};
use prometheus::{IntGauge, IntGaugeVec};

use super::breaker::{Decision, Event, Failure, State, Tally};

/// How far back tallies reach, about: what is older counts half as much with each further period.
const TALLY: Duration = Duration::from_secs(10);

/// All endpoints that calls have gone to since the hub's start.
pub struct Healths {
    clock: Arc<dyn Clock>,
    circuits: IntGaugeVec,
    /// Asked when a core first calls a provider, and when an operator lists systems.
    known: Mutex<HashMap<(SystemId, String), Weak<Health>>>,
}

/// One endpoint's health.
pub struct Health {
    clock: Arc<dyn Clock>,
    provider: SystemId,
    address: String,
    /// Closed, and no failure to remember.
    quiet: AtomicBool,
    state: Mutex<State>,
    answered: AtomicU32,
    failed: AtomicU32,
    tallied: Mutex<Instant>,
    circuit: Mutex<Option<IntGauge>>,
    circuits: IntGaugeVec,
}

/// A call's leave to go to an endpoint. Whoever only tried and says nothing has given up.
pub struct Leave {
    health: Arc<Health>,
    trying: bool,
    told: AtomicBool,
}

/// An endpoint as operators see it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub provider: SystemId,
    pub endpoint: String,
    pub state: State,
}

impl Healths {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, circuits: IntGaugeVec) -> Arc<Self> {
        Arc::new(Self {
            clock,
            circuits,
            known: Mutex::default(),
        })
    }

    /// The endpoint's health, one for all cores.
    pub(super) fn of(&self, provider: &SystemId, address: &str) -> Arc<Health> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (provider.clone(), address.to_owned());
        if let Some(health) = known.get(&key).and_then(Weak::upgrade) {
            return health;
        }
        // Endpoints that have gone from the registry are forgotten as others come.
        known.retain(|_, health| health.strong_count() > 0);
        let health = Arc::new(Health {
            clock: Arc::clone(&self.clock),
            provider: provider.clone(),
            address: address.to_owned(),
            quiet: AtomicBool::new(true),
            state: Mutex::default(),
            answered: AtomicU32::new(0),
            failed: AtomicU32::new(0),
            tallied: Mutex::new(self.clock.now()),
            circuit: Mutex::default(),
            circuits: self.circuits.clone(),
        });
        known.insert(key, Arc::downgrade(&health));
        health
    }

    /// All that are known, in no order.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = known.values().filter_map(Weak::upgrade).map(|it| Shown {
            provider: it.provider.clone(),
            endpoint: it.address.clone(),
            state: it.state(),
        });
        shown.collect()
    }
}

impl Health {
    /// Asks to send a call there.
    ///
    /// # Errors
    /// For how long none may come, and why.
    pub(super) fn ask(self: &Arc<Self>) -> Result<Leave, (Duration, Failure)> {
        let trying = !self.quiet.load(Ordering::Relaxed) && self.ask_state()?;
        Ok(Leave {
            health: Arc::clone(self),
            trying,
            told: AtomicBool::new(false),
        })
    }

    /// What would be decided; takes nothing.
    pub(super) fn foresee(&self) -> Decision {
        match self.quiet.load(Ordering::Relaxed) {
            true => Decision::Pass,
            false => self.state().foresee(self.clock.now()),
        }
    }

    /// It could not be dialled.
    pub(super) fn note_unreachable(&self) {
        // In whichever state: a call that tries begins by dialling.
        self.fail(Failure::Unreachable, true);
    }

    /// It fails more than the others.
    pub(super) fn leave_out_beside(&self, others: &[Arc<Health>]) {
        let others: Vec<_> = others.iter().map(|it| (it.tally(), it.serves())).collect();
        if self.tally().is_outlier(&others) {
            self.fail(Failure::Outlier, false);
        }
    }

    fn serves(&self) -> bool {
        matches!(self.state(), State::Closed { .. })
    }

    fn ask_state(&self) -> Result<bool, (Duration, Failure)> {
        let mut refused = None;
        let mut trying = false;
        self.change(|state, now| {
            let (next, decision) = state.ask(now);
            trying = decision == Decision::Try;
            if let (Decision::Refuse(left), Some(why)) = (decision, why(state)) {
                refused = Some((left, why));
            }
            next
        });
        refused.map_or(Ok(trying), Err)
    }

    fn answer(&self, trying: bool) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if !self.quiet.load(Ordering::Relaxed) {
            self.change(|state, now| state.tell(Event::Answered { trying }, now));
        }
    }

    fn fail(&self, why: Failure, trying: bool) {
        self.age();
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.change(|state, now| state.tell(Event::Failed { why, trying }, now));
    }

    fn change(&self, step: impl FnOnce(State, Instant) -> State) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        *state = step(before, now);
        self.quiet.store(state.is_quiet(), Ordering::Relaxed);
        self.show(before, *state);
    }

    /// In metrics and in the log, when calls begin or cease to pass.
    fn show(&self, before: State, after: State) {
        let level = |state| match state {
            State::Closed { .. } => 0,
            State::HalfOpen { .. } => 1,
            State::Open(_) => 2,
        };
        if level(before) == level(after) {
            return;
        }
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = [self.provider.as_str(), self.address.as_str()];
        let gauge = circuit.get_or_insert_with(|| self.circuits.with_label_values(&labels));
        gauge.set(level(after));
        let (provider, endpoint) = (&self.provider, &self.address);
        match (before, after) {
            (State::Closed { .. }, State::Open(pause)) => {
                tracing::info!(%provider, endpoint, why = pause.why.as_str(), "circuit opened");
            }
            (_, State::Closed { .. }) => tracing::info!(%provider, endpoint, "circuit closed"),
            _ => {}
        }
    }

    /// Halves the tally for each period that has passed.
    fn age(&self) {
        let now = self.clock.now();
        let mut tallied = self.tallied.lock().unwrap_or_else(PoisonError::into_inner);
        // From here on, where the clock was set back.
        *tallied = now.min(*tallied);
        let passed_us = now.as_micros().saturating_sub(tallied.as_micros()).max(0);
        let period_us = i64::try_from(TALLY.as_micros()).unwrap_or(i64::MAX);
        let periods = u32::try_from(passed_us / period_us).unwrap_or(u32::MAX);
        if periods > 0 {
            *tallied = now;
            for count in [&self.answered, &self.failed] {
                let aged = |it: u32| Some(it.checked_shr(periods).unwrap_or(0));
                let _always = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, aged);
            }
        }
    }

    fn tally(&self) -> Tally {
        Tally {
            answered: self.answered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        let circuit = self
            .circuit
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if circuit.take().is_some() {
            let labels = [self.provider.as_str(), self.address.as_str()];
            // Of an endpoint that came back meanwhile, the next change shows the state again.
            let _shown_no_more = self.circuits.remove_label_values(&labels);
        }
    }
}

impl Leave {
    /// Whether this call decides if others may follow.
    pub(super) fn is_trying(&self) -> bool {
        self.trying
    }

    pub(super) fn note_answer(&self) {
        self.told.store(true, Ordering::Relaxed);
        self.health.answer(self.trying);
    }

    pub(super) fn note_failure(&self, why: Failure) {
        self.told.store(true, Ordering::Relaxed);
        self.health.fail(why, self.trying);
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if self.trying && !self.told.load(Ordering::Relaxed) {
            self.health
                .change(|state, now| state.tell(Event::Abandoned, now));
        }
    }
}

fn why(state: State) -> Option<Failure> {
    match state {
        State::Closed { .. } => None,
        State::Open(pause) | State::HalfOpen { pause, .. } => Some(pause.why),
    }
}
