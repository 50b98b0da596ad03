//! The one writer: takes what the lanes hold, writes it, syncs once, answers. It never waits for
//! a batch to fill: while one is synced the next collects in the lanes. A thread of its own turns it
//! in service; a simulation turns it by hand ([`ByHand`]), so that one seed decides what meets what.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ndxp_model::{Clock, Instant, Sequence};

use crate::disk::DiskLock;
use crate::error::AppendError;
use crate::follow::{Position, Progress};
use crate::format::{FRAME_HEAD_BYTES, FrameHead};
use crate::lane::{Committed, LaneShared, Pending, PendingEntry};
use crate::segments::Segments;
use crate::tail::{Failure, Tail};

/// Told of every batch that became durable, on the writer's thread: must be quick.
pub trait CommitObserver: Send + Sync {
    /// Entries and bytes of the batch, and how long its write and sync took.
    fn committed(&self, entries: usize, bytes: usize, took: Duration);
}

/// Observes nothing.
impl CommitObserver for () {
    fn committed(&self, _entries: usize, _bytes: usize, _took: Duration) {}
}

/// What the journal can do at present.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    Serving,
    /// Appends fail until there is room; every append tries again.
    OutOfSpace {
        since: Instant,
        error: String,
    },
    /// Appends fail until the next start.
    Poisoned {
        since: Instant,
        error: String,
    },
    Closed,
}

/// What handles and the writer share.
pub(crate) struct Shared {
    pub progress: Arc<Progress>,
    pub closing: AtomicBool,
    lanes: Mutex<Lanes>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Lanes {
    list: Vec<Arc<LaneShared>>,
    /// What lanes that are made from now on refuse with.
    refusal: Option<AppendError>,
}

pub(crate) struct Writer {
    pub shared: Arc<Shared>,
    pub segments: Arc<Segments>,
    pub tail: Tail,
    pub seed: u32,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn CommitObserver>,
    /// Released when the writer is gone, behind its files: whoever waits for it finds the directory
    /// at rest.
    pub _lock: Box<dyn DiskLock>,
}

/// Entries taken from the lanes together. Its buffers go back and forth between the two.
#[derive(Default)]
struct Batch {
    taken: Vec<(Arc<LaneShared>, Pending)>,
    spare: Vec<Pending>,
}

/// An entry on its way through the writer.
struct Queued<'a> {
    lane: &'a Arc<LaneShared>,
    entry: PendingEntry,
    body: &'a [u8],
}

/// Ends all waiting should the writer's thread break.
struct Watch(Arc<Shared>);

/// The writer of a journal that was opened by hand. Nothing is written but in a turn. Dropped, it is
/// a process that was killed: what the lanes hold is lost, nothing is sealed.
pub struct ByHand {
    batch: Batch,
    writer: Writer,
    _watch: Watch,
}

impl Shared {
    pub fn new(position: Position) -> Self {
        Self {
            progress: Arc::new(Progress::new(position)),
            closing: AtomicBool::new(false),
            lanes: Mutex::default(),
            health: Mutex::new(Health::Serving),
        }
    }

    pub fn add_lane(&self, body_bytes_max: usize) -> Arc<LaneShared> {
        let mut lanes = self.lanes();
        lanes.list.retain(|lane| !lane.is_spent());
        let lane = Arc::new(LaneShared::new(body_bytes_max, lanes.refusal));
        lanes.list.push(Arc::clone(&lane));
        lane
    }

    pub fn health(&self) -> Health {
        self.health
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Everything that comes from now on is answered so. Whoever refused first is right.
    fn refuse(&self, error: AppendError) {
        let mut lanes = self.lanes();
        let error = *lanes.refusal.get_or_insert(error);
        for lane in &lanes.list {
            lane.refuse(error);
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub fn spawn(self) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(|| self.run())
    }

    pub fn by_hand(self) -> ByHand {
        ByHand {
            _watch: Watch(Arc::clone(&self.shared)),
            batch: Batch::default(),
            writer: self,
        }
    }

    /// Runs until the journal is closed and everything taken over is answered.
    fn run(self) {
        let mut turning = self.by_hand();
        loop {
            // Looked at first: what was appended before the close is taken below.
            let closing = turning.writer.shared.closing.load(Ordering::Acquire);
            if turning.turn() {
                continue;
            }
            if closing {
                break;
            }
            std::thread::park();
        }
        turning.close();
    }

    fn commit(&mut self, batch: &Batch) {
        let entries = batch.entries();
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            match self.commit_group(rest) {
                Ok((group, first)) => {
                    let (committed, behind) = rest.split_at_checked(group).unwrap_or((rest, &[]));
                    answer(committed, Ok(first));
                    rest = behind;
                }
                Err(error) => {
                    answer(rest, Err(error));
                    return;
                }
            }
        }
    }

    /// Makes as many entries durable as fit into one segment; says how many, and which first.
    fn commit_group(&mut self, entries: &[Queued<'_>]) -> Result<(usize, Committed), AppendError> {
        if let Health::Poisoned { .. } = self.shared.health() {
            return Err(AppendError::Poisoned);
        }
        let last = self.shared.progress.position();
        let first = Committed {
            sequence: last.sequence.next(),
            at: self.clock.now().max(last.at),
        };
        let fitting = self
            .write_group(entries, first)
            .map_err(|failure| self.fail(failure))?;
        if self.shared.health() != Health::Serving {
            tracing::info!("the journal's disk has room again");
            self.shared.set_health(Health::Serving);
        }
        Ok((fitting, first))
    }

    fn write_group(&mut self, entries: &[Queued<'_>], first: Committed) -> Result<usize, Failure> {
        if self.fitting(entries).is_empty() {
            self.tail.roll(first.sequence, first.at)?;
        }
        let group = self.fitting(entries).len();
        let entries = entries.get(..group).unwrap_or_default();
        let frames = encode(entries, first, self.seed);
        let started = std::time::Instant::now();
        self.tail.write(&frames, group as u64)?;
        let took = started.elapsed();
        self.segments
            .extend(first.at, entries.iter().map(Queued::frame_bytes));
        self.shared.progress.advance(Position {
            sequence: Sequence::new(first.sequence.get() + group as u64 - 1),
            at: first.at,
        });
        self.observer.committed(group, frames.len(), took);
        Ok(group)
    }

    /// The entries that the active segment still takes.
    fn fitting<'a, 'b>(&self, entries: &'a [Queued<'b>]) -> &'a [Queued<'b>] {
        let mut bytes = 0;
        let over = entries.iter().zip(1..).position(|(entry, frames)| {
            bytes += entry.frame_bytes();
            bytes > self.tail.room(frames)
        });
        over.and_then(|over| entries.get(..over)).unwrap_or(entries)
    }

    fn fail(&self, failure: Failure) -> AppendError {
        let since = self.clock.now();
        match failure {
            Failure::OutOfSpace(error) => {
                if self.shared.health() == Health::Serving {
                    tracing::error!(%error, "the journal's disk is full");
                    let error = error.to_string();
                    self.shared.set_health(Health::OutOfSpace { since, error });
                }
                AppendError::OutOfSpace
            }
            Failure::Fatal(error) => {
                tracing::error!(%error, "the journal is poisoned: no append until restart");
                let error = error.to_string();
                self.shared.set_health(Health::Poisoned { since, error });
                self.shared.refuse(AppendError::Poisoned);
                AppendError::Poisoned
            }
        }
    }

    fn end(&mut self) {
        if !matches!(self.shared.health(), Health::Poisoned { .. }) {
            if let Err(Failure::OutOfSpace(error) | Failure::Fatal(error)) = self.tail.seal() {
                tracing::warn!(%error, "the last segment stays unsealed; the next start scans it");
            }
            self.shared.set_health(Health::Closed);
        }
    }
}

impl ByHand {
    /// Writes, syncs and answers what the lanes hold now; whether it was anything.
    pub fn turn(&mut self) -> bool {
        let any = self.batch.take(&self.writer.shared);
        if any {
            self.writer.commit(&self.batch);
        }
        any
    }

    /// Writes what was appended, seals, and releases the directory.
    pub fn close(mut self) {
        // Behind this no lane takes an entry over; what slipped in before is the last.
        self.writer.shared.refuse(AppendError::Closed);
        self.turn();
        self.writer.end();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_health(Health::Poisoned {
                since: self.0.progress.position().at,
                error: "the journal's writer broke; its message is in the log".to_owned(),
            });
            self.0.refuse(AppendError::Poisoned);
            for lane in &self.0.lanes().list {
                lane.abort(AppendError::Poisoned);
            }
        }
        self.0.progress.close();
    }
}

impl Batch {
    /// Takes what the lanes hold, in place of what was taken before; says whether it is anything.
    fn take(&mut self, shared: &Shared) -> bool {
        for (_, mut pending) in self.taken.drain(..) {
            pending.bodies.clear();
            pending.entries.clear();
            self.spare.push(pending);
        }
        for lane in &shared.lanes().list {
            let mut pending = self.spare.pop().unwrap_or_default();
            if lane.take_pending(&mut pending) {
                self.taken.push((Arc::clone(lane), pending));
            } else {
                self.spare.push(pending);
            }
        }
        !self.taken.is_empty()
    }

    fn entries(&self) -> Vec<Queued<'_>> {
        let mut entries = Vec::new();
        for (lane, pending) in &self.taken {
            let mut bodies = pending.bodies.as_slice();
            for &entry in &pending.entries {
                let (body, rest) = bodies
                    .split_at_checked(entry.bytes)
                    .expect("a lane counts the bytes that it encodes");
                entries.push(Queued { lane, entry, body });
                bodies = rest;
            }
        }
        entries
    }
}

impl Queued<'_> {
    fn frame_bytes(&self) -> u64 {
        (FRAME_HEAD_BYTES + self.body.len()) as u64
    }
}

/// One batch as it stands on disk.
fn encode(entries: &[Queued<'_>], first: Committed, seed: u32) -> Vec<u8> {
    let bytes = entries
        .iter()
        .map(|queued| FRAME_HEAD_BYTES + queued.body.len())
        .sum();
    let mut frames = Vec::with_capacity(bytes);
    let mut sequence = first.sequence;
    for (queued, following) in entries.iter().zip((0..entries.len()).rev()) {
        let head = FrameHead {
            sequence,
            at: first.at,
            durable: Sequence::new(first.sequence.get() - 1),
            following: u32::try_from(following).expect("a segment has fewer frames"),
            kind: queued.entry.kind.number(),
        };
        head.encode(seed, queued.body, &mut frames);
        sequence = sequence.next();
    }
    frames
}

/// Answers entries with where they stand from `first` on, or with the error; one wake-up for
/// each lane.
fn answer(entries: &[Queued<'_>], first: Result<Committed, AppendError>) {
    let mut answer = first;
    for run in entries.chunk_by(|one, next| Arc::ptr_eq(one.lane, next.lane)) {
        let Some(lane) = run.first().map(|queued| queued.lane) else {
            continue;
        };
        lane.answer(run.iter().map(|queued| {
            let own = answer;
            if let Ok(committed) = &mut answer {
                committed.sequence = committed.sequence.next();
            }
            (queued.entry.slot, own)
        }));
    }
}
