//! The writer: folds entries into what is pending, and makes a round of it now and then. Nobody
//! else writes.
//!
//! Answers include what is pending, so a round is in no hurry: it is made when what is pending is old
//! enough or full, and before a day's first entry is counted. A round costs a read and a write for
//! each counter touched, so the pace follows what the last one cost. It is put off while somebody
//! asks for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ndxp_model::{Granularity, Instant as Moment, Period, Sequence};
use ndxp_proto::journal::v1::Entry;

use crate::commit::{PIECE_ROWS, Pieces};
use crate::damage::{Damage, StoreError};
use crate::delta::Delta;
use crate::error::CountersError;
use crate::home::{Home, HomeError};
use crate::opening;
use crate::shared::{Health, Shared, Stop};
use crate::source::Source;
use crate::store::Store;

/// Shortest and longest time between two rounds. What a killed process has not written is folded
/// again at the next start: at 40,000 entries a second about two million, some seconds.
const ROUND_EVERY: Duration = Duration::from_secs(5);
const ROUND_EVERY_MAX: Duration = Duration::from_secs(60);
/// A round may cost one part in so many of the time.
const ROUND_SHARE: u32 = 50;
/// What is pending is full: some 40 MiB of counters, or of open transactions. Twice as much is taken
/// while somebody asks for long.
const PENDING_COUNTERS_MAX: usize = 65_536;
const PENDING_OPEN_MAX: usize = 131_072;
/// Of a backlog so many entries are counted before those who wait are told of it, some milliseconds'
/// work: waking one of them may cost as much as counting a hundred.
const TELL_EVERY: u64 = 4_096;
/// How long to wait for a machine that lacks space or rights before trying again.
const RETRY_EVERY: Duration = Duration::from_secs(10);
/// How often a projection that has failed looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A store that is damaged again and again is the machine's fault.
pub const REBUILDS_MAX: u32 = 3;

/// Told now and then while catching up: the sequence counted and the journal's end.
pub type Progress = Box<dyn Fn(Sequence, Sequence) + Send>;

/// Everything but the journal.
pub struct Writer {
    pub shared: Arc<Shared>,
    home: Home,
    progress: Progress,
    round_at: Instant,
    /// Follows what the last round cost.
    pub round_every: Duration,
    cost: Duration,
    /// From when on days were kept when the others were removed last.
    pruned: Option<Moment>,
    /// What sled has not been given yet of the last round.
    pieces: Option<Pieces>,
    /// The journal's end when catching up began; `None` once it was reached.
    catching_up: Option<Sequence>,
    rebuilds: u32,
    pub retry_every: Duration,
    /// How many counters may be pending.
    pub counters_max: usize,
    /// The day of what was counted last.
    day: Option<Period>,
}

/// Whether a round can be put off while somebody asks for long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    MayWait,
    Now,
}

impl Writer {
    /// Behind the store that was just opened into `shared`; `end` is where the journal ends.
    pub fn new(shared: Arc<Shared>, home: Home, end: Sequence, progress: Progress) -> Self {
        Self {
            shared,
            home,
            progress,
            round_at: Instant::now(),
            round_every: ROUND_EVERY,
            cost: Duration::ZERO,
            pruned: None,
            pieces: None,
            catching_up: Some(end),
            rebuilds: 0,
            retry_every: RETRY_EVERY,
            counters_max: PENDING_COUNTERS_MAX,
            day: None,
        }
    }

    /// Counts the next entries. Stops before a day that begins behind what is pending, which has to
    /// be written first. Tells how many were counted.
    pub fn fold(&mut self, entries: &[Entry], end: Sequence) -> Result<usize, CountersError> {
        let guard = self.shared.read();
        let store = guard.as_ref().ok_or(CountersError::Rebuilding)?;
        if let Some(at) = entries.first().map(time_of)
            && self.day.is_none_or(|day| !day.contains(at))
        {
            if self.shared.pending().entries() > 0 {
                return Ok(0);
            }
            store.lay_to_rest(at)?;
            self.day = Some(store.zone.bucket(Granularity::Day, at));
        }
        let mut pending = self.shared.count();
        let mut folded = 0;
        for entry in entries {
            if folded > 0 && self.day.is_none_or(|day| !day.contains(time_of(entry))) {
                break;
            }
            pending.fold(&store.state, &store.zone, entry)?;
            folded += 1;
        }
        let done = pending.watermark.sequence;
        drop(pending);
        drop(guard);
        if done >= end || done.get() >= self.told().get() + TELL_EVERY {
            self.tell(end);
        }
        Ok(folded)
    }

    /// Makes what is pending part of the store. Questions wait for the turn from one to the other
    /// alone, which is a moment. Somebody who asks for long is waited for where the round cannot be
    /// put off; else it is, and this says so.
    pub fn round(&mut self, end: Sequence, urgency: Urgency) -> Result<bool, CountersError> {
        if urgency == Urgency::MayWait && self.shared.try_write().is_none() {
            return Ok(false);
        }
        self.write_pieces()?;
        let started = Instant::now();
        let round = match &*self.shared.read() {
            None => return Err(CountersError::Rebuilding),
            Some(_) if self.shared.pending().entries() == 0 => return Ok(false),
            Some(store) => store.prepare(&self.shared.pending())?,
        };
        let written = round.write(&self.home.round());
        written.map_err(StoreError::Machine)?;
        self.cost = started.elapsed();
        let shared = Arc::clone(&self.shared);
        let mut guard = match urgency {
            Urgency::Now => shared.write(),
            // The round that is put off may lie in its file: it is as true as the next.
            Urgency::MayWait => match shared.try_write() {
                Some(guard) => guard,
                None => return Ok(false),
            },
        };
        let store = guard.as_mut().ok_or(CountersError::Rebuilding)?;
        let mut pending = shared.count();
        let delta = std::mem::take(&mut *pending);
        self.pieces = Some(store.stage(round, delta));
        *pending = Delta::behind(&store.state);
        self.prune(store);
        let done = store.state.watermark.sequence;
        drop(pending);
        drop(guard);
        self.round_at = Instant::now();
        if self.catching_up.is_some() {
            (self.progress)(done, end);
        }
        Ok(true)
    }

    /// Once a day. What cannot be removed is in nobody's way.
    fn prune(&mut self, store: &Store) {
        let kept_from = store.days_kept_from();
        if self.pruned == Some(kept_from) {
            return;
        }
        self.pruned = Some(kept_from);
        if let Err(error) = store.prune() {
            tracing::warn!(%error, "days of connections that are no longer kept stay on the disk");
        }
    }

    /// Gives sled one more piece of the last round. Tells whether any is left.
    pub fn write_piece(&mut self) -> Result<bool, CountersError> {
        let Some(pieces) = &mut self.pieces else {
            return Ok(false);
        };
        let started = Instant::now();
        let mut written = match &*self.shared.read() {
            Some(store) => store.write_piece(pieces, PIECE_ROWS),
            None => return Err(CountersError::Rebuilding),
        };
        if matches!(written, Ok(false)) {
            // The next round is written over this one's file.
            written = self.home.sync_store().map(|()| false).map_err(of_machine);
        }
        self.cost += started.elapsed();
        match written {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.pieces = None;
                let every = self.cost * ROUND_SHARE;
                self.round_every = every.clamp(ROUND_EVERY, ROUND_EVERY_MAX);
                Ok(false)
            }
            Err(error) => {
                // What is left of the round is not known to be in sled: the next start sees to it.
                self.give_up();
                Err(error.into())
            }
        }
    }

    /// Makes a round of what is pending, and gives sled all of it.
    pub fn write_out(&mut self, end: Sequence) -> Result<(), CountersError> {
        self.round(end, Urgency::Now)?;
        self.write_pieces()
    }

    fn write_pieces(&mut self) -> Result<(), CountersError> {
        while self.write_piece()? {}
        Ok(())
    }

    /// Closes the store, and forgets what was counted behind it.
    fn give_up(&mut self) {
        let store = self.shared.write().take();
        self.pieces = None;
        self.day = None;
        *self.shared.count() = Delta::default();
        close_quietly(store);
    }

    /// How far those who wait believe it to be.
    fn told(&self) -> Sequence {
        self.shared.notice().watermark.sequence
    }

    /// Tells those who wait what is counted, unless they know it: before whatever takes long or ends.
    pub fn tell(&mut self, end: Sequence) {
        let watermark = self.shared.pending().watermark;
        let done = watermark.sequence;
        if done <= self.told() {
            return;
        }
        if self.catching_up.is_some_and(|goal| done < goal) {
            self.shared
                .publish(watermark, Health::CatchingUp { done, end });
        } else {
            self.shared.publish(watermark, Health::Serving);
            self.caught_up();
        }
    }

    /// Tells once that the end was reached that stood when catching up began.
    pub fn caught_up(&mut self) {
        if self.catching_up.take().is_some() {
            self.shared.publish_health(Health::Serving);
            let done = self.told();
            (self.progress)(done, done);
        }
    }

    /// Whether what is pending is to be written, and whether that can be put off.
    pub fn due(&self) -> Option<Urgency> {
        let pending = self.shared.pending();
        let open = pending.opened.len() + pending.settled.len();
        let is_full = |times: usize| {
            pending.size() >= self.counters_max.saturating_mul(times)
                || open >= PENDING_OPEN_MAX.saturating_mul(times)
        };
        let is_old = pending.entries() > 0 && self.round_at.elapsed() >= self.round_every;
        match is_full(2) {
            true => Some(Urgency::Now),
            false => (is_full(1) || is_old).then_some(Urgency::MayWait),
        }
    }

    pub fn has_store(&self) -> bool {
        self.shared.read().is_some()
    }

    pub fn is_interrupted(&self) -> bool {
        self.shared.wants_attention()
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
        self.give_up();
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
        self.give_up();
        loop {
            self.shared.sleep(self.retry_every);
            if self.shared.stop_requested().is_some() {
                return Ok(());
            }
            drop(self.shared.take_damage());
            match opening::open(&self.home, &self.shared.zone, source) {
                Ok(store) => {
                    self.go_on_with(store, source.position()?.sequence);
                    return Ok(());
                }
                Err(CountersError::Store(StoreError::Machine(_)) | CountersError::Home(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a store that was just opened in the place of one that was given up.
    fn go_on_with(&mut self, store: Store, end: Sequence) {
        let watermark = store.state.watermark;
        let mut guard = self.shared.write();
        *self.shared.count() = Delta::behind(&store.state);
        *guard = Some(store);
        drop(guard);
        self.catching_up = Some(end);
        let done = watermark.sequence;
        self.shared
            .publish(watermark, Health::CatchingUp { done, end });
        // What was found in the old one is mended with it.
        drop(self.shared.take_damage());
    }

    /// Tells the failure, and waits to be stopped. Whatever stop is asked for, the store is left as it
    /// is: a round may lie in its file alone, which the next start takes in and checks.
    pub fn fail(&mut self, reason: &str) -> Stop {
        tracing::error!(reason, "the counters stand still");
        self.shared.publish_health(Health::Failed {
            reason: reason.to_owned(),
        });
        loop {
            if self.shared.stop_requested().is_some() {
                return Stop::Abandon;
            }
            drop(self.shared.take_damage());
            self.shared.sleep(LOOK_EVERY);
        }
    }

    pub fn finish(self, stop: Stop) {
        self.shared.publish_health(Health::Stopped);
        let store = self.shared.write().take();
        if stop == Stop::Abandon {
            return close_quietly(store);
        }
        let Some(store) = store else { return };
        let watermark = store.state.watermark.sequence;
        let closed = store.close().map_err(CountersError::from);
        if let Err(error) = closed.and_then(|()| Ok(self.home.seal(watermark)?)) {
            tracing::warn!(%error, "the counters were not left in order; the next start checks them");
        }
    }
}

/// A file that cannot be synced is no damage: what is lost with it, the next start finds out.
fn of_machine(error: HomeError) -> StoreError {
    match error {
        HomeError::Io { source, .. } => StoreError::Machine(source),
        other => StoreError::Machine(std::io::Error::other(other)),
    }
}

fn time_of(entry: &Entry) -> Moment {
    Moment::from_micros(entry.committed_at_us)
}

/// Gives up a store whose failure is already known: what it says on the way adds nothing.
fn close_quietly(store: Option<Store>) {
    let _ = store.map(Store::close);
}
