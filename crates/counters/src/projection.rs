//! The projection: follows the journal, folds its entries into a delta and applies the delta to
//! the store, one atomic batch at a time. It alone writes.
//!
//! A delta is applied when it is old enough, when it is full, or at once when somebody waits
//! for a sequence that it holds. Applying costs a read and a write for each counter touched, so
//! the pace follows what the last batch cost: at most a fifth of the thread's time goes to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndxp_model::Sequence;
use ndxp_proto::journal::v1::Entry;

use crate::delta::Delta;
use crate::error::CountersError;
use crate::home::Home;
use crate::opening;
use crate::shared::{Health, Shared, Stop};
use crate::source::Source;
use crate::state::State;
use crate::store::{Damage, Store, StoreError};

/// Shortest and longest time between two batches, while nobody waits.
const APPLY_EVERY: Duration = Duration::from_millis(75);
const APPLY_EVERY_MAX: Duration = Duration::from_secs(1);
/// A batch may cost one part in so many of the time.
const APPLY_SHARE: u32 = 5;
/// A full delta: some 30 MiB of counters and open transactions in memory.
const DELTA_HOURS_MAX: usize = 16_384;
const DELTA_ENTRIES_MAX: usize = 131_072;
/// How many entries are folded between two looks at the clock and the requests.
const LOOK_EVERY: usize = 256;
/// Longest wait for the journal, and so for a stop to be seen when nothing happens.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// How much counting a killed process loses, and a machine without power: the journal has it.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
const SYNC_EVERY: Duration = Duration::from_secs(30);
/// A store that is damaged again and again is the machine's fault.
const REBUILDS_MAX: u32 = 3;

/// Told after each batch while catching up: the sequence applied and the journal's end.
pub type Progress = Box<dyn Fn(Sequence, Sequence) + Send>;

pub struct Projection {
    pub source: Box<dyn Source>,
    pub writer: Writer,
}

/// Everything but the journal.
pub struct Writer {
    pub shared: Arc<Shared>,
    home: Home,
    progress: Progress,
    delta: Delta,
    applied_at: Instant,
    apply_every: Duration,
    /// Since when something is written that was not flushed, not synced.
    unflushed: Option<Instant>,
    unsynced: Option<Instant>,
    /// The journal's end when catching up began; `None` once it was reached.
    catching_up: Option<Sequence>,
    rebuilds: u32,
}

impl Projection {
    /// Behind a store that was just opened into `shared`.
    pub fn new(
        shared: Arc<Shared>,
        home: Home,
        source: Box<dyn Source>,
        end: Sequence,
        progress: Progress,
    ) -> Self {
        let delta = Delta::behind(
            shared
                .read()
                .as_ref()
                .map_or(&State::default(), |store| &store.state),
        );
        let writer = Writer {
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
        };
        Self { source, writer }
    }

    /// Follows until it is stopped. A failure is told once and leaves what was counted to ask.
    pub fn run(mut self) {
        let followed = catch_unwind(AssertUnwindSafe(|| self.follow()));
        let stop = match followed {
            Ok(Ok(stop)) => stop,
            Ok(Err(error)) => self.writer.fail(&error.to_string()),
            Err(_) => self
                .writer
                .fail("the projection's thread panicked; its message is in the log"),
        };
        self.finish(stop);
    }

    /// Applies everything that the journal holds now.
    pub fn catch_up(&mut self) -> Result<(), CountersError> {
        loop {
            let end = self.source.position()?.sequence;
            let caught_up = self.fold_through(end).and_then(|()| self.writer.apply(end));
            match caught_up {
                Ok(()) if self.writer.delta.watermark.sequence == end => {
                    self.writer.caught_up();
                    return Ok(());
                }
                Ok(()) => {}
                Err(error) => self.mend(error)?,
            }
        }
    }

    /// Leaves the store as the stop wants it.
    pub fn finish(self, stop: Stop) {
        self.writer.finish(stop);
    }

    fn follow(&mut self) -> Result<Stop, CountersError> {
        loop {
            match self.turn() {
                Ok(None) => {}
                Ok(Some(stop)) => return Ok(stop),
                Err(error) => self.mend(error)?,
            }
        }
    }

    /// Folds what is there, applies it when it is due, else waits.
    fn turn(&mut self) -> Result<Option<Stop>, CountersError> {
        if let Some(damage) = self.writer.shared.take_damage() {
            return Err(StoreError::from(damage).into());
        }
        let end = self.source.position()?.sequence;
        if let Some(stop) = self.writer.shared.stop_requested() {
            if stop == Stop::Clean {
                self.writer.apply(end)?;
            }
            return Ok(Some(stop));
        }
        self.fold_through(end)?;
        if self.writer.is_due() {
            self.writer.apply(end)?;
        }
        self.writer.keep_durable()?;
        let folded = self.writer.delta.watermark.sequence;
        if self.writer.delta.entries() > 0 {
            self.writer.shared.sleep(self.writer.due_in(), Some(folded));
        } else {
            self.writer.caught_up();
            if !self.source.wait_beyond(folded, IDLE_WAIT) {
                self.writer.shared.sleep(FLUSH_EVERY, None);
            }
        }
        Ok(None)
    }

    fn fold_through(&mut self, end: Sequence) -> Result<(), CountersError> {
        let Self { source, writer } = self;
        let from = writer.delta.watermark.sequence.next();
        if from > end {
            return Ok(());
        }
        for (place, entry) in source.entries(from, end).enumerate() {
            writer.fold(&entry?)?;
            if writer.is_full() {
                writer.apply(end)?;
            } else if place % LOOK_EVERY == 0 {
                if writer.is_due() {
                    writer.apply(end)?;
                }
                if writer.is_interrupted() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Rebuilds where that mends the error.
    fn mend(&mut self, error: CountersError) -> Result<(), CountersError> {
        let CountersError::Store(StoreError::Damage(damage)) = error else {
            return Err(error);
        };
        let end = self.source.position()?.sequence;
        self.writer.begin_anew(damage, &*self.source, end)
    }
}

impl Writer {
    fn fold(&mut self, entry: &Entry) -> Result<(), CountersError> {
        match &*self.shared.read() {
            Some(store) => Ok(self.delta.fold(&store.state, &self.shared.zone, entry)?),
            None => Err(CountersError::Rebuilding),
        }
    }

    /// Makes the delta part of the store. Readers wait for the write alone, not for the merge.
    fn apply(&mut self, end: Sequence) -> Result<(), CountersError> {
        if self.delta.entries() == 0 {
            return Ok(());
        }
        let started = Instant::now();
        let delta = std::mem::replace(&mut self.delta, Delta::behind(&State::default()));
        let zone = &self.shared.zone;
        let prepared = match &*self.shared.read() {
            Some(store) => store.prepare(delta, zone)?,
            None => return Err(CountersError::Rebuilding),
        };
        let watermark = {
            let mut guard = self.shared.write();
            let store = guard.as_mut().ok_or(CountersError::Rebuilding)?;
            if let Err(error) = store.commit(prepared, zone) {
                // Half a batch may show: nobody may ask this store again.
                let store = guard.take();
                drop(guard);
                close_quietly(store);
                return Err(error.into());
            }
            self.delta = Delta::behind(&store.state);
            store.state.watermark
        };
        self.applied_at = Instant::now();
        let cost = self.applied_at.duration_since(started);
        self.apply_every = (cost * APPLY_SHARE).clamp(APPLY_EVERY, APPLY_EVERY_MAX);
        self.unflushed.get_or_insert(self.applied_at);
        self.unsynced.get_or_insert(self.applied_at);
        let done = watermark.sequence;
        match self.catching_up {
            Some(goal) if done < goal => {
                self.shared
                    .publish(watermark, Health::CatchingUp { done, end });
                (self.progress)(done, end);
            }
            _ => {
                self.shared.publish(watermark, Health::Serving);
                self.caught_up();
            }
        }
        Ok(())
    }

    /// Tells once that the end was reached that stood when catching up began.
    fn caught_up(&mut self) {
        if self.catching_up.take().is_some() {
            self.shared.publish_health(Health::Serving);
            let done = self.shared.notice().watermark.sequence;
            (self.progress)(done, done);
        }
    }

    fn is_full(&self) -> bool {
        self.delta.hours() >= DELTA_HOURS_MAX || self.delta.entries() >= DELTA_ENTRIES_MAX
    }

    fn is_due(&self) -> bool {
        self.delta.entries() > 0
            && (self.due_in().is_zero() || self.shared.is_awaited(self.delta.watermark.sequence))
    }

    fn due_in(&self) -> Duration {
        self.apply_every.saturating_sub(self.applied_at.elapsed())
    }

    fn is_interrupted(&self) -> bool {
        self.shared.wants_attention()
    }

    fn keep_durable(&mut self) -> Result<(), CountersError> {
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
    fn begin_anew(
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
        let watermark = store.state.watermark;
        self.delta = Delta::behind(&store.state);
        *self.shared.write() = Some(store);
        self.catching_up = Some(end);
        let done = watermark.sequence;
        self.shared
            .publish(watermark, Health::CatchingUp { done, end });
        // What was found before the store was replaced is mended with it.
        drop(self.shared.take_damage());
        Ok(())
    }

    /// Tells the failure, and waits to be stopped.
    fn fail(&mut self, reason: &str) -> Stop {
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

    fn finish(mut self, stop: Stop) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Seal;
    use crate::key::{ConnectionId, CounterKey, Key};
    use crate::sample::{self, Place};
    use crate::{CountQuery, Counters};

    /// A counter of the total, in all time, with bytes that nobody wrote.
    fn harm(store: &Store) {
        let key = CounterKey {
            granularity: ndxp_model::Granularity::All,
            connection: ConnectionId::TOTAL,
            bucket: ndxp_model::Instant::EPOCH,
            outcome: ndxp_model::Outcome::Completed,
        };
        store.overwrite(&Key::Counter(key), Some(vec![9]));
    }

    fn counted(counters: &Counters) -> u64 {
        let answer = counters.count(&CountQuery::since_launch(), &|_| None);
        answer.map_or(0, |answer| answer.total.attempts())
    }

    #[test]
    fn damage_that_a_question_finds_is_mended_behind_it() {
        let place = Place::new();
        let entries = sample::entries(500);
        let counters = place.start(entries.clone()).unwrap();
        while counted(&counters) < 500 {
            std::thread::yield_now();
        }
        harm(counters.inner.shared.read().as_ref().unwrap());
        let error = counters
            .count(&CountQuery::since_launch(), &|_| None)
            .unwrap_err();
        assert!(
            matches!(error, CountersError::Store(StoreError::Damage(_))),
            "{error}"
        );
        while counted(&counters) < 500 {
            assert!(
                !matches!(counters.health(), Health::Failed { .. }),
                "{counters:?}"
            );
            std::thread::yield_now();
        }
        assert_eq!(place.set_aside(), 1);
    }

    #[test]
    fn damage_that_the_projection_finds_is_mended_on_the_way() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(600));
        projection.fold_through(Sequence::new(300)).unwrap();
        projection.writer.apply(Sequence::new(600)).unwrap();
        harm(projection.writer.shared.read().as_ref().unwrap());
        projection.catch_up().unwrap();
        let shared = Arc::clone(&projection.writer.shared);
        assert_eq!(shared.notice().watermark.sequence, Sequence::new(600));
        assert_eq!(shared.read().as_ref().unwrap().state.counted, 600);
        crate::check::check(shared.read().as_ref().unwrap()).unwrap();
        assert_eq!(place.set_aside(), 1);
    }

    #[test]
    fn a_clean_stop_leaves_a_seal_that_holds_and_an_abandoned_one_none() {
        for (stop, expected) in [
            (
                Stop::Clean,
                Seal::Holds {
                    watermark: Sequence::new(50),
                },
            ),
            (Stop::Abandon, Seal::Absent),
        ] {
            let place = Place::new();
            let mut projection = place.projection(sample::entries(50));
            projection.catch_up().unwrap();
            projection.finish(stop);
            assert_eq!(place.home().break_seal().unwrap(), expected);
        }
    }

    #[test]
    fn a_store_that_is_damaged_again_and_again_is_given_up() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(10));
        for _ in 0..REBUILDS_MAX {
            projection
                .mend(StoreError::from(Damage::Headless).into())
                .unwrap();
        }
        let error = projection
            .mend(StoreError::from(Damage::Headless).into())
            .unwrap_err();
        assert!(
            matches!(error, CountersError::DamagedAgain { rebuilds: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_full_delta_is_applied_without_being_waited_for() {
        let place = Place::new();
        let (entries, end) = (sample::entries(40_000), Sequence::new(40_000));
        let mut projection = place.projection(entries);
        // Never old enough, so that only its size can make the delta due.
        projection.writer.apply_every = Duration::MAX;
        projection.fold_through(end).unwrap();
        let watermark = projection.writer.shared.notice().watermark.sequence;
        assert!(
            watermark.get() >= u64::try_from(DELTA_HOURS_MAX).unwrap(),
            "{watermark}"
        );
        projection.catch_up().unwrap();
        assert_eq!(projection.writer.shared.notice().watermark.sequence, end);
    }
}
