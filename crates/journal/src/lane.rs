//! A runtime's own way into the journal: appending encodes on the caller's thread into a bounded
//! buffer. The writer is told of what waits when the runtime has come to the lane's driver some times,
//! each time behind the tasks that were ready before it: at once where nothing else is to do, and once
//! for all that these append where much is. One wake-up per batch brings all of its answers back.
//!
//! The lane's mutex is held for the time of one encoding or one exchange of buffers, never
//! across I/O; its two users are the runtime's thread and the writer.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::thread::Thread;

use atomic_waker::AtomicWaker;
use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::entry::Body;

use crate::{AppendError, Kind};

/// Entries of one lane that wait for an answer. A runtime with so many calls in flight is far
/// past its admission limits; at 300 bytes they are 20 MB.
pub const LANE_ENTRIES_MAX: usize = 65_536;

/// Bytes of one lane that wait for the writer: several times what is written in one sync.
pub const LANE_BYTES_MAX: usize = 16 << 20;

/// Turns of a driver in which what waits may still grow before the writer is told. On a runtime that has
/// nothing else to do they follow on each other at once; what they gather on a busy one spares writes and
/// syncs, each of which costs as much as two calls.
const GATHERING_TURNS: u32 = 2;

/// Where an entry was committed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Committed {
    pub sequence: Sequence,
    pub at: Instant,
}

/// Appends to the journal. Make one per runtime and clone it there.
#[derive(Clone, Debug)]
pub struct Lane(Arc<Owner>);

/// Wakes the writer and the lane's appends. Spawn it on the runtime that appends: without it nobody
/// is woken. Ends when the journal is closed or the last clone of the lane is gone, all answers given; dropped
/// before, it tells the writer of what still waits.
#[must_use = "the writer and the lane's appends are woken by this future only"]
#[derive(Debug)]
pub struct LaneDriver {
    lane: Arc<LaneShared>,
    writer: Thread,
}

/// An entry on its way. It is written even if this is dropped.
#[must_use = "the entry is durable when this resolves"]
#[derive(Debug)]
pub struct Append(State);

#[derive(Debug)]
enum State {
    Waiting { lane: Arc<LaneShared>, slot: u32 },
    Answered(Result<Committed, AppendError>),
    Taken,
}

/// What became of an entry.
enum Pushed {
    /// It waits in its slot, and whether it is the first that does.
    Waits { slot: u32, first: bool },
    /// Nobody takes it, and its answer is known.
    Foregone(Committed),
}

/// Tells the driver when the last clone of a lane is gone.
#[derive(Debug)]
struct Owner(Arc<LaneShared>);

#[derive(Debug)]
pub(crate) struct LaneShared {
    inner: Mutex<Inner>,
    driver: AtomicWaker,
    body_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Inner {
    pending: Pending,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Slots answered since the driver last looked.
    answered: Vec<u32>,
    /// What every append is answered at once: the journal has ended or failed, or there is none.
    foregone: Option<Result<Committed, AppendError>>,
    notice: Notice,
    orphaned: bool,
}

/// What the writer knows of the entries that wait for it.
#[derive(Debug, Default)]
enum Notice {
    /// Nothing, as there are none.
    #[default]
    Unneeded,
    /// Nothing for so many turns of the driver to come.
    In(u32),
    Given,
}

/// What a driver has to do.
struct Chores {
    /// The writer is to be told of what waits.
    announce: bool,
    /// There is another turn to come before it is.
    again: bool,
    wakers: Vec<Waker>,
    /// Whether that was all for ever.
    ended: bool,
}

/// Encoded entries that wait for the writer.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The bodies, one behind the other.
    pub bodies: Vec<u8>,
    pub entries: Vec<PendingEntry>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingEntry {
    pub slot: u32,
    pub kind: Kind,
    pub bytes: usize,
}

#[derive(Debug)]
enum Slot {
    Free,
    Waiting(Option<Waker>),
    /// Its append was dropped; nobody wants the answer.
    Abandoned,
    Answered(Result<Committed, AppendError>, Option<Waker>),
}

impl Lane {
    pub(crate) fn new(lane: Arc<LaneShared>) -> Self {
        Self(Arc::new(Owner(lane)))
    }

    /// Takes the entry over at once; the answer comes when it is durable.
    pub fn append(&self, body: &Body) -> Append {
        let Owner(lane) = &*self.0;
        match lane.push(body) {
            Ok(Pushed::Waits { slot, first }) => {
                // Whoever came before has woken the driver, and the writer takes all there is.
                if first {
                    lane.driver.wake();
                }
                Append(State::Waiting {
                    lane: Arc::clone(lane),
                    slot,
                })
            }
            Ok(Pushed::Foregone(committed)) => Append(State::Answered(Ok(committed))),
            Err(error) => Append(State::Answered(Err(error))),
        }
    }
}

impl Future for LaneDriver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.lane.driver.register(context.waker());
        let chores = self.lane.take_chores();
        if chores.announce {
            self.writer.unpark();
        }
        if chores.again {
            context.waker().wake_by_ref();
        }
        chores.wakers.into_iter().for_each(Waker::wake);
        if chores.ended {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for LaneDriver {
    fn drop(&mut self) {
        self.writer.unpark();
    }
}

impl Future for Append {
    type Output = Result<Committed, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &self.0 {
            State::Waiting { lane, slot } => match lane.poll(*slot, context.waker()) {
                Poll::Ready(answer) => answer,
                Poll::Pending => return Poll::Pending,
            },
            State::Answered(answer) => *answer,
            State::Taken => panic!("an append was polled after it had answered"),
        };
        self.0 = State::Taken;
        Poll::Ready(answer)
    }
}

impl Drop for Append {
    fn drop(&mut self) {
        if let State::Waiting { lane, slot } = &self.0 {
            lane.abandon(*slot);
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().orphaned = true;
        self.0.driver.wake();
    }
}

impl LaneShared {
    pub fn new(body_bytes_max: usize, refusal: Option<AppendError>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                foregone: refusal.map(Err),
                ..Inner::default()
            }),
            driver: AtomicWaker::new(),
            body_bytes_max,
        }
    }

    pub fn driver(self: &Arc<Self>, writer: Thread) -> LaneDriver {
        let lane = Arc::clone(self);
        LaneDriver { lane, writer }
    }

    /// Exchanges the waiting entries, if there are any, for an empty buffer.
    pub fn take_pending(&self, empty: &mut Pending) -> bool {
        let mut inner = self.lock();
        let any = !inner.pending.entries.is_empty();
        if any {
            std::mem::swap(&mut inner.pending, empty);
            inner.notice = Notice::Unneeded;
        }
        any
    }

    /// Nothing more can come from this lane.
    pub fn is_spent(&self) -> bool {
        let inner = self.lock();
        inner.orphaned && inner.pending.entries.is_empty()
    }

    /// Answers entries, in the order given, and wakes the driver once.
    pub fn answer(&self, answers: impl Iterator<Item = (u32, Result<Committed, AppendError>)>) {
        let mut inner = self.lock();
        for (slot, answer) in answers {
            inner.answer(slot, answer);
        }
        drop(inner);
        self.driver.wake();
    }

    pub fn refuse(&self, error: AppendError) {
        self.forego(Err(error));
    }

    /// From now on every append is answered so at once.
    pub fn forego(&self, answer: Result<Committed, AppendError>) {
        self.lock().foregone = Some(answer);
        self.driver.wake();
    }

    /// Answers everything that waits.
    pub fn abort(&self, error: AppendError) {
        let mut inner = self.lock();
        inner.pending = Pending::default();
        inner.notice = Notice::Unneeded;
        for slot in 0..u32::try_from(inner.slots.len()).unwrap_or(u32::MAX) {
            if matches!(inner.slot(slot), Slot::Waiting(_) | Slot::Abandoned) {
                inner.answer(slot, Err(error));
            }
        }
        drop(inner);
        self.driver.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("nothing under the lane's lock panics")
    }

    fn push(&self, body: &Body) -> Result<Pushed, AppendError> {
        let (bytes, limit) = (body.encoded_len(), self.body_bytes_max);
        if bytes > limit {
            return Err(AppendError::TooLarge { bytes, limit });
        }
        let mut inner = self.lock();
        if let Some(answer) = inner.foregone {
            return answer.map(Pushed::Foregone);
        }
        if inner.pending.bodies.len() + bytes > LANE_BYTES_MAX {
            return Err(AppendError::Overloaded);
        }
        let slot = inner.claim().ok_or(AppendError::Overloaded)?;
        let first = matches!(inner.notice, Notice::Unneeded);
        if first {
            inner.notice = Notice::In(GATHERING_TURNS);
        }
        body.encode(&mut inner.pending.bodies);
        let kind = Kind::of(body);
        inner
            .pending
            .entries
            .push(PendingEntry { slot, kind, bytes });
        Ok(Pushed::Waits { slot, first })
    }

    fn poll(&self, slot: u32, waker: &Waker) -> Poll<Result<Committed, AppendError>> {
        let mut inner = self.lock();
        let place = inner.slot(slot);
        match place {
            Slot::Answered(answer, _) => {
                let answer = *answer;
                *place = Slot::Free;
                inner.free.push(slot);
                Poll::Ready(answer)
            }
            Slot::Waiting(known) => {
                if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    *known = Some(waker.clone());
                }
                Poll::Pending
            }
            Slot::Free | Slot::Abandoned => unreachable!("a waiting append owns its slot"),
        }
    }

    fn abandon(&self, slot: u32) {
        let mut inner = self.lock();
        let place = inner.slot(slot);
        if matches!(place, Slot::Answered(..)) {
            *place = Slot::Free;
            inner.free.push(slot);
        } else {
            *place = Slot::Abandoned;
        }
    }

    /// The wakers are of what was answered since last time.
    fn take_chores(&self) -> Chores {
        let mut inner = self.lock();
        let (announce, again) = inner.give_notice();
        let answered = std::mem::take(&mut inner.answered);
        // A slot may have been freed and claimed anew meanwhile: then there is nothing to wake.
        let wakers = answered
            .iter()
            .filter_map(|&slot| match inner.slot(slot) {
                Slot::Answered(_, waker) => waker.take(),
                Slot::Free | Slot::Waiting(_) | Slot::Abandoned => None,
            })
            .collect();
        let ended = (inner.orphaned || inner.foregone.is_some()) && inner.is_idle();
        Chores {
            announce,
            again,
            wakers,
            ended,
        }
    }
}

impl Inner {
    fn claim(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            *self.slot(slot) = Slot::Waiting(None);
            return Some(slot);
        }
        if self.slots.len() >= LANE_ENTRIES_MAX {
            return None;
        }
        let slot = u32::try_from(self.slots.len()).ok()?;
        self.slots.push(Slot::Waiting(None));
        Some(slot)
    }

    /// In a turn of the driver: whether the writer is to be told now, and whether it is in another turn.
    fn give_notice(&mut self) -> (bool, bool) {
        match self.notice {
            Notice::Unneeded | Notice::Given => (false, false),
            Notice::In(0) => {
                self.notice = Notice::Given;
                (true, false)
            }
            Notice::In(turns) => {
                self.notice = Notice::In(turns - 1);
                (false, true)
            }
        }
    }

    fn answer(&mut self, slot: u32, answer: Result<Committed, AppendError>) {
        let place = self.slot(slot);
        match place {
            Slot::Waiting(waker) => {
                *place = Slot::Answered(answer, waker.take());
                self.answered.push(slot);
            }
            Slot::Abandoned => {
                *place = Slot::Free;
                self.free.push(slot);
            }
            Slot::Free | Slot::Answered(..) => unreachable!("an entry is answered once"),
        }
    }

    /// Whether no answer is outstanding.
    fn is_idle(&self) -> bool {
        let settled = |slot: &Slot| matches!(slot, Slot::Free | Slot::Answered(..));
        self.slots.iter().all(settled)
    }

    fn slot(&mut self, slot: u32) -> &mut Slot {
        usize::try_from(slot)
            .ok()
            .and_then(|index| self.slots.get_mut(index))
            .expect("slots are claimed before they are named and never go away")
    }
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1;

    use super::*;

    /// Whether the writer is told in the driver's next turn, and whether there is another turn to come.
    fn turn(lane: &LaneShared) -> (bool, bool) {
        let chores = lane.take_chores();
        (chores.announce, chores.again)
    }

    #[test]
    fn the_writer_is_told_once_and_behind_all_that_were_ready() {
        const NOTHING: (bool, bool) = (false, false);
        const LATER: (bool, bool) = (false, true);
        const NOW: (bool, bool) = (true, false);
        let lane = LaneShared::new(1_024, None);
        let append = || match lane.push(&Body::RegistryChanged(v1::RegistryChanged::default())) {
            Ok(Pushed::Waits { first, .. }) => first,
            _ => panic!("an open lane takes an entry"),
        };
        let mut taken = Pending::default();
        assert_eq!(turn(&lane), NOTHING);
        // The first entry wakes the driver; those behind it, in whatever turn, change nothing.
        assert!(append());
        for _ in 0..GATHERING_TURNS {
            assert!(!append());
            assert_eq!(turn(&lane), LATER);
        }
        assert!(!append());
        assert_eq!(turn(&lane), NOW);
        assert!(!append());
        assert_eq!(turn(&lane), NOTHING);
        assert!(lane.take_pending(&mut taken));
        assert_eq!(taken.entries.len(), 5);
        // A writer that comes by itself leaves nothing to be told, and the next entry is a first one.
        taken = Pending::default();
        assert!(append());
        assert_eq!(turn(&lane), LATER);
        assert!(lane.take_pending(&mut taken));
        assert_eq!(turn(&lane), NOTHING);
        assert!(append());
    }
}
