//! All consumers at work at once: a fixed number of calls in flight, drawn from the plan in
//! its proportions, at a given rate or as fast as the hub answers.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ndxp_model::{Outcome, SystemId};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::consumer::{Consumer, HubAddress};
use crate::credentials::{Credentials, SetupError};
use crate::durations::Durations;
use crate::ending::{Ending, Seen};
use crate::plan::{Action, Call, Plan, Shares};
use crate::tally::{Progress, Tally};
use crate::{CallKind, Nation, Script};

/// How a load runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The same seed makes the same calls in the same order.
    pub seed: u64,
    /// Calls in flight over all consumers.
    pub concurrency: NonZeroUsize,
    /// Calls begun a second; `None` begins one whenever one has ended. When all calls in
    /// flight are waiting, the ones that are due are begun late rather than left out.
    pub rate_per_second: Option<NonZeroU32>,
    pub shares: Shares,
    /// Begins with a roll call: each system takes part in one ordinary call, even where that
    /// outlasts the run's duration.
    pub roll_call: bool,
}

/// Between two snapshots of the progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Behind a call that the line broke under: a hub that is away is not hammered.
const PAUSE_WHEN_BROKEN: Duration = Duration::from_millis(100);

/// The nation's consumers, ready to call.
pub struct Load {
    consumers: Arc<BTreeMap<SystemId, Consumer>>,
    plan: Arc<Plan>,
    options: Options,
    /// Number of the plan's next call; a second run goes on where the first ended.
    next: u64,
    stop: watch::Sender<bool>,
}

/// Ends a load early, from wherever it is held.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Lets no further call begin, in this run or a later one; those in flight end as they
    /// will.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Load {
    /// Must be called within a runtime. Opens no connection yet.
    ///
    /// # Errors
    /// When a consumer's certificate is missing or unusable.
    pub fn new(
        nation: &Nation,
        credentials: &dyn Credentials,
        hub: &HubAddress,
        options: Options,
    ) -> Result<Self, SetupError> {
        let consumer = |id: &SystemId| {
            let identity = credentials
                .identity(id)
                .map_err(|source| SetupError::Credentials {
                    system: id.clone(),
                    source,
                })?;
            Ok((id.clone(), Consumer::new(id.clone(), hub, &identity)?))
        };
        let consumers = nation
            .systems()
            .iter()
            .map(|system| consumer(&system.id))
            .collect::<Result<_, SetupError>>()?;
        let plan = Plan::new(nation, options.shares, options.seed);
        let plan = match options.roll_call {
            true => plan.with_roll_call(nation),
            false => plan,
        };
        Ok(Self {
            consumers: Arc::new(consumers),
            plan: Arc::new(plan),
            options,
            next: 0,
            stop: watch::Sender::new(false),
        })
    }

    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.stop.clone())
    }

    /// Calls until `duration` and the roll call have passed, `calls_max` calls have begun or the
    /// load is stopped, whichever comes first; then waits for every call in flight to end. What a consumer
    /// broke off may still be on the hub's hands a moment longer.
    pub async fn run(
        &mut self,
        duration: Option<Duration>,
        calls_max: Option<u64>,
        mut on_progress: impl FnMut(&Progress),
    ) -> Tally {
        tracing::info!(seed = self.options.seed, first = self.next, "load begins");
        let shift = Arc::new(Shift::new(self, duration, calls_max));
        let mut workers: JoinSet<_> = (0..self.options.concurrency.get())
            .map(|_| work(shift.clone(), self.stop.subscribe()))
            .collect();
        let mut tally = Tally::default();
        let mut snapshots = tokio::time::interval(PROGRESS_EVERY);
        let mut before = (shift.began, 0);
        loop {
            tokio::select! {
                worker = workers.join_next() => match worker {
                    Some(worker) => tally.merge(worker.expect("workers do not panic")),
                    None => break,
                },
                _ = snapshots.tick() => on_progress(&shift.progress(&mut before)),
            }
        }
        on_progress(&shift.progress(&mut before));
        // Numbers that were drawn and not begun are passed over: no call is made twice.
        self.next += shift.drawn.load(Ordering::Relaxed).min(shift.calls_max);
        tally
    }
}

/// One run of a load, shared by its workers.
struct Shift {
    consumers: Arc<BTreeMap<SystemId, Consumer>>,
    plan: Arc<Plan>,
    seed: u64,
    first: u64,
    rate_per_second: Option<NonZeroU32>,
    began: Instant,
    ends: Option<Instant>,
    /// Calls that may begin.
    calls_max: u64,
    /// Calls handed out to workers, and those of them that began.
    drawn: AtomicU64,
    begun: AtomicU64,
    /// By outcome number; 0 holds the unknown.
    ended: [AtomicU64; Outcome::ALL.len() + 1],
    latency: Durations,
    service_time: Durations,
    added: Durations,
}

/// Draws calls and makes them, one after the other, until the shift is over.
async fn work(shift: Arc<Shift>, mut stopped: watch::Receiver<bool>) -> Tally {
    let mut tally = Tally::default();
    while let Some(call) = shift.next(&mut stopped).await {
        let consumer = shift
            .consumers
            .get(&call.target.consumer)
            .expect("every consumer in the plan is a system of the nation");
        let ending = consumer.call(&call).await;
        let broken = ending.seen == Seen::Unknown;
        shift.observe(&call, &ending);
        tally.record(call, ending);
        if broken {
            tokio::time::sleep(PAUSE_WHEN_BROKEN).await;
        }
    }
    tally
}

impl Shift {
    fn new(load: &Load, duration: Option<Duration>, calls_max: Option<u64>) -> Self {
        let began = Instant::now();
        Self {
            consumers: load.consumers.clone(),
            plan: load.plan.clone(),
            seed: load.options.seed,
            first: load.next,
            rate_per_second: load.options.rate_per_second,
            began,
            ends: duration.map(|duration| began + duration),
            calls_max: calls_max.unwrap_or(u64::MAX),
            drawn: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            ended: Default::default(),
            latency: Durations::default(),
            service_time: Durations::default(),
            added: Durations::default(),
        }
    }

    /// The next call, once it is due; `None` when the shift is over.
    async fn next(&self, stopped: &mut watch::Receiver<bool>) -> Option<Call> {
        let n = self.drawn.fetch_add(1, Ordering::Relaxed);
        if n >= self.calls_max {
            return None;
        }
        let number = self.first + n;
        let due = self.due(n);
        let over = |ends| due.max(Instant::now()) >= ends && !self.plan.is_roll_call(number);
        if self.ends.is_some_and(over) || *stopped.borrow() {
            return None;
        }
        if due > Instant::now() {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return None,
            }
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        Some(self.plan.call(number))
    }

    fn due(&self, n: u64) -> Instant {
        match self.rate_per_second {
            None => self.began,
            Some(rate) => {
                let micros = u128::from(n) * 1_000_000 / u128::from(rate.get());
                self.began + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
            }
        }
    }

    fn observe(&self, call: &Call, ending: &Ending) {
        let number = match ending.seen {
            Seen::Unknown => 0,
            Seen::Ended(outcome) => outcome.number(),
        };
        if let Some(ended) = self.ended.get(usize::from(number)) {
            ended.fetch_add(1, Ordering::Relaxed);
        }
        let ordinary = Script::of(&call.key) == Script::Answer
            && ending.seen == Seen::Ended(Outcome::Completed)
            && matches!(call.action, Action::Typed(m) if m.kind() == CallKind::Unary);
        if let (true, Some(service_time)) = (ordinary, ending.service_time) {
            self.latency.record(ending.took);
            self.service_time.record(service_time);
            self.added.record(ending.took.saturating_sub(service_time));
        }
    }

    /// `before`: when the last snapshot was taken, and the calls ended by then.
    fn progress(&self, before: &mut (Instant, u64)) -> Progress {
        let now = Instant::now();
        let ended_as = |number: u8| {
            self.ended
                .get(usize::from(number))
                .map_or(0, |count| count.load(Ordering::Relaxed))
        };
        let outcomes: BTreeMap<_, _> = Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, ended_as(outcome.number())))
            .collect();
        let unknown = ended_as(0);
        let ended = outcomes.values().sum::<u64>() + unknown;
        // Read after the ended: a call begins before it ends.
        let begun = self.begun.load(Ordering::Relaxed);
        let (then, ended_then) = std::mem::replace(before, (now, ended));
        Progress {
            seed: self.seed,
            elapsed: now - self.began,
            begun,
            ended,
            in_flight: begun.saturating_sub(ended),
            rate_per_second: rate(ended.saturating_sub(ended_then), now - then),
            outcomes,
            unknown,
            latency: self.latency.summary(),
            service_time: self.service_time.summary(),
            added: self.added.summary(),
        }
    }
}

/// For display alone: exact up to 2⁵³ calls.
fn rate(calls: u64, within: Duration) -> f64 {
    if within.is_zero() {
        return 0.0;
    }
    calls as f64 / within.as_secs_f64()
}
