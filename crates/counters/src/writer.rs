//! The writer: folds entries into a delta, and applies the delta to the store, one atomic batch
//! at a time. Nobody else writes.
//!
//! A delta is applied when it is old enough, when it is full, or at once when somebody waits
//! for a sequence that it holds. Applying costs a read and a write for each counter touched, so
//! the pace follows what the last batch cost: at most a fifth of the thread's time goes to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ndxp_model::Sequence;
use ndxp_proto::journal::v1::Entry;

use crate::damage::{Damage, StoreError};
use crate::delta::Delta;
use crate::error::CountersError;
use crate::home::Home;
use crate::opening;
use crate::shared::{Health, Shared, Stop};
use crate::source::Source;
use crate::state::{State, Watermark};
use crate::store::{Prepared, Store};

/// Shortest and longest time between two batches, while nobody waits.
const APPLY_EVERY: Duration = Duration::from_millis(75);
const APPLY_EVERY_MAX: Duration = Duration::from_secs(1);
/// A batch may cost one part in so many of the time.
const APPLY_SHARE: u32 = 5;
/// A full delta: some 30 MiB of counters and open transactions in memory.
pub const DELTA_HOURS_MAX: usize = 16_384;
const DELTA_ENTRIES_MAX: usize = 131_072;
/// Lines of one batch, each of which is three rows. sled 0.34 was seen not to use the room of rows
/// that are gone again where a batch writes more than some 2,000 of them, so that its file grows
/// with all that is ever written until it is opened anew. A backlog is counted in larger batches:
/// it has an end.
pub const DELTA_LINES_MAX: usize = 500;
/// How much counting a killed process loses, and a machine without power: the journal has it.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
const SYNC_EVERY: Duration = Duration::from_secs(30);
/// How long to wait for a machine that lacks space or rights before trying again.
const RETRY_EVERY: Duration = Duration::from_secs(10);
/// A store that is damaged again and again is the machine's fault.
pub const REBUILDS_MAX: u32 = 3;

/// Told after each batch while catching up: the sequence applied and the journal's end.
pub type Progress = Box<dyn Fn(Sequence, Sequence) + Send>;

/// Everything but the journal.
pub struct Writer {
    pub shared: Arc<Shared>,
    home: Home,
    progress: Progress,
    pub delta: Delta,
    applied_at: Instant,
    /// Follows what the last batch cost.
    pub apply_every: Duration,
    /// Since when something is written that was not flushed, not synced.
    unflushed: Option<Instant>,
    unsynced: Option<Instant>,
    /// The journal's end when catching up began; `None` once it was reached.
    catching_up: Option<Sequence>,
    rebuilds: u32,
    pub retry_every: Duration,
}

impl Writer {
    /// Behind the store that was just opened into `shared`; `end` is where the journal ends.
    pub fn new(shared: Arc<Shared>, home: Home, end: Sequence, progress: Progress) -> Self {
        let delta = match &*shared.read() {
            Some(store) => Delta::behind(&store.state),
            None => Delta::behind(&State::default()),
        };
        Self {
            shared,
            home,
            progress,
            delta,
            applied_at: Instant::now(),
            apply_every: Duration::ZERO,
            unflushed: None,
            unsynced: None,
            catching_up: Some(end),
            rebuilds: 0,
            retry_every: RETRY_EVERY,
        }
    }

    /// Takes the next entry into the delta.
    pub fn fold(&mut self, entry: &Entry) -> Result<(), CountersError> {
        match &*self.shared.read() {
            Some(store) => Ok(self.delta.fold(&store.state, &self.shared.zone, entry)?),
            None => Err(CountersError::Rebuilding),
        }
    }

    /// Makes the delta part of the store. Readers wait for the write alone, not for the merge.
    pub fn apply(&mut self, end: Sequence) -> Result<(), CountersError> {
        if self.delta.entries() == 0 {
            return Ok(());
        }
        let started = Instant::now();
        let delta = std::mem::replace(&mut self.delta, Delta::behind(&State::default()));
        let prepared = match &*self.shared.read() {
            Some(store) => store.prepare(delta)?,
            None => return Err(CountersError::Rebuilding),
        };
        let watermark = self.commit(prepared)?;
        self.applied_at = Instant::now();
        let cost = self.applied_at.duration_since(started);
        self.apply_every = (cost * APPLY_SHARE).clamp(APPLY_EVERY, APPLY_EVERY_MAX);
        self.unflushed.get_or_insert(self.applied_at);
        self.unsynced.get_or_insert(self.applied_at);
        self.tell(watermark, end);
        self.keep_durable()
    }

    /// Writes the batch while nobody reads.
    fn commit(&mut self, prepared: Prepared) -> Result<Watermark, CountersError> {
        let mut guard = self.shared.write();
        let store = guard.as_mut().ok_or(CountersError::Rebuilding)?;
        match store.commit(prepared) {
            Ok(()) => {
                self.delta = Delta::behind(&store.state);
                Ok(store.state.watermark)
            }
            Err(error) => {
                // Half a batch may show: nobody may ask this store again.
                let store = guard.take();
                drop(guard);
                close_quietly(store);
                Err(error.into())
            }
        }
    }

    fn tell(&mut self, watermark: Watermark, end: Sequence) {
        let done = watermark.sequence;
        if self.catching_up.is_some_and(|goal| done < goal) {
            self.shared
                .publish(watermark, Health::CatchingUp { done, end });
            (self.progress)(done, end);
        } else {
            self.shared.publish(watermark, Health::Serving);
            self.caught_up();
        }
    }

    /// Tells once that the end was reached that stood when catching up began.
    pub fn caught_up(&mut self) {
        if self.catching_up.take().is_some() {
            self.shared.publish_health(Health::Serving);
            let done = self.shared.notice().watermark.sequence;
            (self.progress)(done, done);
        }
    }

    pub fn is_full(&self) -> bool {
        let lines_max = match self.catching_up {
            Some(_) => usize::MAX,
            None => DELTA_LINES_MAX,
        };
        self.delta.size() >= DELTA_HOURS_MAX
            || self.delta.entries() >= DELTA_ENTRIES_MAX
            || self.delta.lines_touched() >= lines_max
    }

    pub fn is_due(&self) -> bool {
        self.delta.entries() > 0
            && (self.due_in().is_zero() || self.shared.is_awaited(self.delta.watermark.sequence))
    }

    pub fn due_in(&self) -> Duration {
        self.apply_every.saturating_sub(self.applied_at.elapsed())
    }

    pub fn is_interrupted(&self) -> bool {
        self.shared.wants_attention()
    }

    pub fn keep_durable(&mut self) -> Result<(), CountersError> {
        let over = |since: Option<Instant>, limit| since.is_some_and(|at| at.elapsed() >= limit);
        if over(self.unflushed, FLUSH_EVERY) {
            self.flush()?;
        }
        if over(self.unsynced, SYNC_EVERY) {
            self.home.sync_store()?;
            self.unsynced = None;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CountersError> {
        if let Some(store) = &*self.shared.read() {
            store.flush()?;
        }
        self.unflushed = None;
        Ok(())
    }

    /// Sets the damaged store aside and puts an empty one in its place.
    pub fn begin_anew(
        &mut self,
        damage: Damage,
        source: &dyn Source,
        end: Sequence,
    ) -> Result<(), CountersError> {
        self.rebuilds += 1;
        if self.rebuilds > REBUILDS_MAX {
            return Err(CountersError::DamagedAgain {
                rebuilds: REBUILDS_MAX,
                damage,
            });
        }
        self.shared.publish_health(Health::CatchingUp {
            done: Sequence::NONE,
            end,
        });
        close_quietly(self.shared.write().take());
        opening::set_aside(&self.home, &damage)?;
        let store = opening::open(&self.home, &self.shared.zone, source)?;
        self.go_on_with(store, end);
        Ok(())
    }

    /// Tells that the machine cannot keep the store, and tries again until it can, or until the
    /// thread is to stop.
    pub fn wait_for_machine(
        &mut self,
        reason: &str,
        source: &dyn Source,
    ) -> Result<(), CountersError> {
        tracing::error!(
            reason,
            "the counters stand still until the machine can keep them"
        );
        self.shared.publish_health(Health::Failed {
            reason: reason.to_owned(),
        });
        close_quietly(self.shared.write().take());
        self.delta = Delta::behind(&State::default());
        loop {
            self.shared.sleep(self.retry_every, None);
            if self.shared.stop_requested().is_some() {
                return Ok(());
            }
            drop(self.shared.take_damage());
            match opening::open(&self.home, &self.shared.zone, source) {
                Ok(store) => {
                    self.go_on_with(store, source.position()?.sequence);
                    return Ok(());
                }
                Err(CountersError::Store(StoreError::Machine(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a store that was just opened in the place of one that was given up.
    fn go_on_with(&mut self, store: Store, end: Sequence) {
        let watermark = store.state.watermark;
        self.delta = Delta::behind(&store.state);
        *self.shared.write() = Some(store);
        self.catching_up = Some(end);
        let done = watermark.sequence;
        self.shared
            .publish(watermark, Health::CatchingUp { done, end });
        // What was found in the old one is mended with it.
        drop(self.shared.take_damage());
    }

    /// Tells the failure, and waits to be stopped.
    pub fn fail(&mut self, reason: &str) -> Stop {
        tracing::error!(reason, "the counters stand still");
        self.shared.publish_health(Health::Failed {
            reason: reason.to_owned(),
        });
        loop {
            if let Some(stop) = self.shared.stop_requested() {
                return stop;
            }
            drop(self.shared.take_damage());
            self.shared.sleep(APPLY_EVERY_MAX, None);
        }
    }

    pub fn finish(mut self, stop: Stop) {
        let flushed = match stop {
            Stop::Clean => self.flush(),
            Stop::Abandon => Ok(()),
        };
        self.shared.publish_health(Health::Stopped);
        let store = self.shared.write().take();
        if stop == Stop::Abandon {
            return close_quietly(store);
        }
        let Some(store) = store else { return };
        let watermark = store.state.watermark.sequence;
        let closed = flushed.and_then(|()| Ok(store.close()?));
        if let Err(error) = closed.and_then(|()| Ok(self.home.seal(watermark)?)) {
            tracing::warn!(%error, "the counters were not left in order; the next start checks them");
        }
    }
}

/// Gives up a store whose failure is already known: what it says on the way adds nothing.
fn close_quietly(store: Option<Store>) {
    let _ = store.map(Store::close);
}
