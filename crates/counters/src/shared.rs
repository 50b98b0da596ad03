//! What the projection's thread shares with those who ask: the store and what is counted behind it,
//! each behind a lock, how far that has come, and what they want of it.

use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    TryLockError,
};
use std::time::Duration;

use ndxp_model::{Sequence, Zone};
use tokio::sync::watch;

use crate::damage::{Damage, StoreError};
use crate::delta::Delta;
use crate::error::CountersError;
use crate::key::LineId;
use crate::state::Watermark;
use crate::store::Store;
use crate::view::View;

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
    /// Written to only by the projection's thread: for the moment in which a round takes the place of
    /// what was pending, and empty while there is no store to ask. Taken before `pending`.
    store: RwLock<Option<Store>>,
    /// What is counted behind the store. Written to only by the projection's thread.
    pending: RwLock<Delta>,
    notice: watch::Sender<Notice>,
    requests: Mutex<Requests>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct Requests {
    /// How many wait for something to be counted.
    waiting: usize,
    stop: Option<Stop>,
    damage: Option<Damage>,
}

/// Somebody waits for what is to be counted, until this is dropped.
#[derive(Debug)]
pub struct Waiting<'a>(&'a Shared);

impl Shared {
    #[must_use]
    pub fn new(zone: Zone, store: Store, health: Health) -> Self {
        let watermark = store.state.watermark;
        let pending = RwLock::new(Delta::behind(&store.state));
        Self {
            zone,
            store: RwLock::new(Some(store)),
            pending,
            notice: watch::Sender::new(Notice { watermark, health }),
            requests: Mutex::default(),
            woken: Condvar::new(),
        }
    }

    /// Asks the store while no round changes it. Damage that comes to light sends the store to be
    /// rebuilt.
    ///
    /// # Errors
    /// As the question's, and when there is no store to ask.
    pub fn ask<T>(
        &self,
        question: impl FnOnce(&Store) -> Result<T, CountersError>,
    ) -> Result<T, CountersError> {
        let store = self.read();
        let answer = match &*store {
            Some(store) => question(store),
            None => Err(match self.notice().health {
                Health::Stopped => CountersError::Stopped,
                Health::Failed { reason } => CountersError::Failed { reason },
                Health::Serving | Health::CatchingUp { .. } => CountersError::Rebuilding,
            }),
        };
        // Told while the store is still the one that was asked.
        if let Err(CountersError::Store(StoreError::Damage(damage))) = &answer {
            self.requests().damage = Some(damage.clone());
            self.woken.notify_all();
        }
        drop(store);
        answer
    }

    /// Asks for what is small: as of what is counted now.
    ///
    /// # Errors
    /// When there is no store to ask.
    pub fn view<T>(&self, question: impl FnOnce(&View<'_>) -> T) -> Result<T, CountersError> {
        self.ask(|store| {
            let pending = self.pending();
            Ok(question(&View::new(store, &pending)))
        })
    }

    pub fn pending(&self) -> RwLockReadGuard<'_, Delta> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is counted behind the store and concerns these lines, or one that the store does not
    /// have; of the total alone where there are none.
    pub fn excerpt(&self, store: &Store, lines: Option<Vec<LineId>>) -> Delta {
        let pending = self.pending();
        let lines = lines.map(|mut lines| {
            let known = u32::try_from(store.state.lines.len()).expect("the fold refused one more");
            lines.extend((known + 1..).map(LineId).take(pending.lines.len()));
            lines
        });
        pending.excerpt(lines.as_deref())
    }

    pub fn count(&self) -> RwLockWriteGuard<'_, Delta> {
        self.pending.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read(&self) -> RwLockReadGuard<'_, Option<Store>> {
        // Whoever holds it for writing catches every panic of the store inside.
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store for writing, unless somebody asks it now.
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, Option<Store>>> {
        match self.store.try_write() {
            Ok(store) => Some(store),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
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

    /// Makes the projection count at once what comes, for as long as somebody waits.
    #[must_use]
    pub fn wait(&self) -> Waiting<'_> {
        self.requests().waiting += 1;
        self.woken.notify_all();
        Waiting(self)
    }

    /// Sleeps until the time is over, somebody waits, or as [`Shared::sleep`].
    pub fn gather(&self, timeout: Duration) {
        self.sleep_while(timeout, |requests| requests.waiting == 0);
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

    /// Sleeps until the time is over, or until somebody reports damage or wants the thread to end.
    pub fn sleep(&self, timeout: Duration) {
        self.sleep_while(timeout, |_| true);
    }

    fn sleep_while(&self, timeout: Duration, idle: impl Fn(&Requests) -> bool) {
        let slept = self
            .woken
            .wait_timeout_while(self.requests(), timeout, |requests| {
                requests.stop.is_none() && requests.damage.is_none() && idle(requests)
            });
        drop(slept.unwrap_or_else(PoisonError::into_inner));
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.requests().waiting -= 1;
    }
}
