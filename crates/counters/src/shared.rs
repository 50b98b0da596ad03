//! What the projection's thread shares with those who ask: the store behind a lock, how far it
//! has come, and what they want of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use ndxp_model::{Sequence, Zone};
use tokio::sync::watch;

use crate::damage::{Damage, StoreError};
use crate::error::CountersError;
use crate::state::Watermark;
use crate::store::Store;

/// How the projection stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// Behind the journal as it stood at the start, or after a rebuild began.
    CatchingUp {
        done: Sequence,
        end: Sequence,
    },
    Serving,
    /// Follows no more, until what the reason tells of is mended. What was counted is still
    /// answered, as far as the store can be read.
    Failed {
        reason: String,
    },
    Stopped,
}

/// How the projection's thread is to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    /// Everything applied, on disk, and sealed.
    Clean,
    /// As it is: the next start checks the store.
    Abandon,
}

/// What everybody may watch without asking the store.
#[derive(Clone, Debug)]
pub struct Notice {
    pub watermark: Watermark,
    pub health: Health,
}

#[derive(Debug)]
pub struct Shared {
    pub zone: Zone,
    /// Written to only by the projection's thread: for the length of one batch, and empty while
    /// there is no store to ask.
    store: RwLock<Option<Store>>,
    notice: watch::Sender<Notice>,
    requests: Mutex<Requests>,
    woken: Condvar,
    /// The lowest sequence that anybody waits for, so that the fold can look without a lock.
    soonest: AtomicU64,
}

#[derive(Debug, Default)]
struct Requests {
    /// How many wait for which sequence.
    waiting: BTreeMap<Sequence, usize>,
    stop: Option<Stop>,
    damage: Option<Damage>,
}

/// Somebody waits for a sequence, until this is dropped.
#[derive(Debug)]
pub struct Waiting<'a> {
    shared: &'a Shared,
    sequence: Sequence,
}

impl Shared {
    #[must_use]
    pub fn new(zone: Zone, store: Store, health: Health) -> Self {
        let watermark = store.state.watermark;
        Self {
            zone,
            store: RwLock::new(Some(store)),
            notice: watch::Sender::new(Notice { watermark, health }),
            requests: Mutex::default(),
            woken: Condvar::new(),
            soonest: AtomicU64::new(u64::MAX),
        }
    }

    /// Asks the store in a state between two batches. Damage that comes to light sends the
    /// store to be rebuilt.
    ///
    /// # Errors
    /// As the question's, and when there is no store to ask.
    pub fn ask<T>(
        &self,
        question: impl FnOnce(&Store) -> Result<T, CountersError>,
    ) -> Result<T, CountersError> {
        let answer = match &*self.read() {
            Some(store) => question(store),
            None => Err(match self.notice().health {
                Health::Stopped => CountersError::Stopped,
                Health::Failed { reason } => CountersError::Failed { reason },
                Health::Serving | Health::CatchingUp { .. } => CountersError::Rebuilding,
            }),
        };
        if let Err(CountersError::Store(StoreError::Damage(damage))) = &answer {
            self.requests().damage = Some(damage.clone());
            self.woken.notify_all();
        }
        answer
    }

    pub fn read(&self) -> RwLockReadGuard<'_, Option<Store>> {
        // Whoever holds it for writing catches every panic of the store inside.
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, Option<Store>> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn notice(&self) -> Notice {
        self.notice.borrow().clone()
    }

    #[must_use]
    pub fn notices(&self) -> watch::Receiver<Notice> {
        self.notice.subscribe()
    }

    pub fn publish(&self, watermark: Watermark, health: Health) {
        self.notice.send_replace(Notice { watermark, health });
    }

    pub fn publish_health(&self, health: Health) {
        self.notice.send_modify(|notice| notice.health = health);
    }

    /// Registers a wish for the sequence, so that it is applied as soon as it is folded.
    #[must_use]
    pub fn wait_for(&self, sequence: Sequence) -> Waiting<'_> {
        let mut requests = self.requests();
        *requests.waiting.entry(sequence).or_default() += 1;
        self.note_soonest(&requests);
        drop(requests);
        self.woken.notify_all();
        Waiting {
            shared: self,
            sequence,
        }
    }

    /// Whether somebody waits for a sequence up to the given one.
    #[must_use]
    pub fn is_awaited(&self, folded: Sequence) -> bool {
        self.soonest.load(Ordering::Acquire) <= folded.get()
    }

    /// The first word counts: a clean stop is not undone by the handle's end.
    pub fn request_stop(&self, stop: Stop) {
        self.requests().stop.get_or_insert(stop);
        self.woken.notify_all();
    }

    #[must_use]
    pub fn stop_requested(&self) -> Option<Stop> {
        self.requests().stop
    }

    /// Whether a stop or damage waits to be seen.
    #[must_use]
    pub fn wants_attention(&self) -> bool {
        let requests = self.requests();
        requests.stop.is_some() || requests.damage.is_some()
    }

    #[must_use]
    pub fn take_damage(&self) -> Option<Damage> {
        self.requests().damage.take()
    }

    /// Sleeps until the time is over, or until somebody waits for a sequence up to `folded`,
    /// reports damage or wants the thread to end.
    pub fn sleep(&self, timeout: Duration, folded: Option<Sequence>) {
        let idle = |requests: &mut Requests| {
            let soonest = requests.waiting.keys().next();
            let awaited = folded.is_some_and(|folded| soonest.is_some_and(|next| *next <= folded));
            requests.stop.is_none() && requests.damage.is_none() && !awaited
        };
        let slept = self
            .woken
            .wait_timeout_while(self.requests(), timeout, idle);
        drop(slept.unwrap_or_else(PoisonError::into_inner));
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_soonest(&self, requests: &Requests) {
        let soonest = requests.waiting.keys().next();
        self.soonest.store(
            soonest.map_or(u64::MAX, |next| next.get()),
            Ordering::Release,
        );
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut requests = self.shared.requests();
        if let Some(count) = requests.waiting.get_mut(&self.sequence) {
            *count -= 1;
            if *count == 0 {
                requests.waiting.remove(&self.sequence);
            }
        }
        self.shared.note_soonest(&requests);
    }
}
