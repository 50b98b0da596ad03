//! The journal of this process: opening with recovery, handles, and closing.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use ndxp_model::{Clock, Instant, Sequence};

use crate::archive::{ArchiveError, move_older};
use crate::compress::{PackError, Packed, pack_segment};
use crate::directory::{self, Found, LOCK};
use crate::disk::{Disk, DiskLock};
use crate::error::{DiskError, OpenError};
use crate::follow::{Follow, Position};
use crate::format::{
    JournalId, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, body_bytes_max,
};
use crate::lane::{Lane, LaneDriver};
use crate::prepare::Preparer;
use crate::reader::Reader;
use crate::recover::recover;
use crate::segments::Segments;
use crate::tail::Tail;
use crate::writer::{ByHand, CommitObserver, Health, Shared, Writer};

/// Where a journal lives and how it is cut.
#[derive(Clone, Debug)]
pub struct Options {
    pub directory: PathBuf,
    /// Size of the segments that are made from now on; an entry must fit into one.
    pub segment_bytes: u64,
}

/// What opening found and did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovery {
    /// The last entry, durable.
    pub position: Position,
    /// Segments that were sealed already.
    pub sealed_segments: usize,
    /// Bytes of a last write that did not survive whole and were blanked, or of a footer whose
    /// seal was not finished. Nobody was told that they were committed.
    pub torn_bytes: u64,
}

/// The one writer of a directory. Closed when the last clone is gone, if not before.
#[derive(Clone)]
pub struct Journal(Arc<Handle>);

struct Handle {
    ground: Ground,
    /// Held while segments are moved or packed: one at a time does that.
    tending: Mutex<Tending>,
    writer: Thread,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// How far segments have been packed.
#[derive(Default)]
struct Tending {
    /// Those before this are packed, or cannot be.
    packed_to: Sequence,
}

/// A directory that was found sound and made ready, before anything writes.
struct Opened {
    ground: Ground,
    writer: Writer,
}

/// What a handle stands on, whoever turns the writer.
struct Ground {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    seed: u32,
    segments: Arc<Segments>,
    archive: Option<PathBuf>,
    reader: Reader,
    recovery: Recovery,
    body_bytes_max: usize,
}

impl Options {
    /// With segments of the usual size.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            segment_bytes: SEGMENT_BYTES_DEFAULT,
        }
    }
}

impl Journal {
    /// Opens the directory, or makes it, and recovers: what is torn is blanked, what is damaged
    /// is refused. Everything that is found is durable when this returns.
    ///
    /// # Errors
    /// When another process writes there, when something is damaged, missing or unknown, and
    /// when the disk fails.
    pub fn open(
        options: Options,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Self, OpenError> {
        let directory = options.directory.clone();
        let opened = Opened::find(options, disk, clock, observer, Preparer::start)?;
        let spawning = DiskError::at("start the writer of", &directory);
        let running = opened.writer.spawn().map_err(spawning)?;
        let writer = running.thread().clone();
        Ok(opened.ground.into_journal(writer, Some(running)))
    }

    /// As [`Journal::open`], without threads: nothing is written but in a turn of the writer, which
    /// the caller owns. For simulations, which must be able to replay what meets what.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_by_hand(
        options: Options,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<(Self, ByHand), OpenError> {
        let opened = Opened::find(options, disk, clock, observer, |disk, directory, bytes| {
            Ok(Preparer::by_hand(disk, directory, bytes))
        })?;
        let journal = opened.ground.into_journal(std::thread::current(), None);
        Ok((journal, opened.writer.by_hand()))
    }

    /// A way in for one runtime: spawn the driver there, clone the lane there.
    pub fn lane(&self) -> (Lane, LaneDriver) {
        let lane = self.0.ground.shared.add_lane(self.0.ground.body_bytes_max);
        let driver = lane.driver(self.0.writer.clone());
        (Lane::new(lane), driver)
    }

    /// What opening found.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.0.ground.recovery
    }

    /// The last durable entry.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.ground.shared.progress.position()
    }

    /// As [`Follow::beyond`].
    pub async fn beyond(&self, after: Sequence) -> Option<Position> {
        self.0.ground.shared.progress.beyond(after).await
    }

    /// As [`Follow::beyond_blocking`].
    #[must_use]
    pub fn beyond_blocking(&self, after: Sequence, timeout: Duration) -> Option<Position> {
        self.0
            .ground
            .shared
            .progress
            .beyond_blocking(after, timeout)
    }

    /// For a projection: the position and the entries, without the right to append.
    #[must_use]
    pub fn follow(&self) -> Follow {
        Follow::new(Arc::clone(&self.0.ground.shared.progress), self.reader())
    }

    #[must_use]
    pub fn health(&self) -> Health {
        self.0.ground.shared.health()
    }

    /// Reads what is durable, also after the journal is closed.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.0.ground.reader.clone()
    }

    /// Moves segments of which every entry is older than the instant to the archive that
    /// [`crate::set_archive`] named before the journal was opened; says which, by their first
    /// sequences. Nothing happens where none was named. Blocks for as long as copying takes, and
    /// holds up neither the writer nor any reader.
    ///
    /// # Errors
    /// When a segment cannot be copied whole, or a disk fails. It then lies where it lay.
    pub fn archive(&self, before: Instant) -> Result<Vec<Sequence>, ArchiveError> {
        let ground = &self.0.ground;
        let Some(archive) = &ground.archive else {
            return Ok(Vec::new());
        };
        let Some(_one) = self.0.tend() else {
            return Ok(Vec::new());
        };
        let Ground {
            disk,
            directory,
            segments,
            ..
        } = ground;
        move_older(&**disk, ground.seed, segments, directory, archive, before)
    }

    /// Packs the oldest sealed segment that is plain, wherever it lies; says which, and `None` when
    /// there is none, or it broke off because `go_on`, which is asked behind each block, said no.
    /// Blocks for as long as that takes, and holds up neither the writer nor any reader.
    ///
    /// # Errors
    /// When the segment is damaged or a disk fails. The segment stays as it is, and is left alone
    /// until the next start where it is damaged.
    pub fn pack(&self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Packed>, PackError> {
        let ground = &self.0.ground;
        while let Some(mut tending) = self.0.tend() {
            let Some(segment) = ground.segments.plain(tending.packed_to) else {
                break;
            };
            let closing = &ground.shared.closing;
            let mut stopped = false;
            let mut go_on = || {
                stopped = closing.load(Ordering::Acquire) || !go_on();
                !stopped
            };
            let (disk, segments) = (&*ground.disk, &*ground.segments);
            let archive = ground.archive.as_deref();
            let packed = pack_segment(disk, ground.seed, segments, &segment, archive, &mut go_on);
            if stopped && matches!(packed, Ok(None)) {
                break;
            }
            if !matches!(packed, Err(PackError::Disk(_))) {
                tending.packed_to = segment.next();
            }
            match packed {
                // One that would not get shorter stays as it is.
                Ok(None) => {}
                packed => return packed,
            }
        }
        Ok(None)
    }

    /// Writes what was appended, seals, stops the writer and releases the directory. Blocks for
    /// a few syncs. Whatever is appended later answers `Closed`.
    pub fn close(&self) {
        self.0.close();
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("position", &self.position())
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl Opened {
    fn find(
        options: Options,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
        preparer: impl FnOnce(Arc<dyn Disk>, PathBuf, u64) -> std::io::Result<Preparer>,
    ) -> Result<Self, OpenError> {
        let body_bytes_max = check(&options)?;
        let lock = lock(&*disk, &options)?;
        let found = directory::find(&*disk, &options.directory)?;
        let active = recover(&*disk, &options.directory, &found)?;
        let journal = found.journal.unwrap_or_else(JournalId::random);
        let archive = found.archive.clone();
        let (segments, recovery) = account(found, &options);

        let directory = options.directory.clone();
        let preparer = preparer(Arc::clone(&disk), directory.clone(), options.segment_bytes)
            .map_err(DiskError::at("start the writer of", &directory))?;
        let shared = Arc::new(Shared::new(recovery.position));
        let seed = journal.seed();
        let reader = Reader::live(
            Arc::clone(&disk),
            seed,
            Arc::clone(&segments),
            archive.clone(),
            Arc::clone(&shared.progress),
        );
        let kept_disk = Arc::clone(&disk);
        let tail = Tail::new(
            options,
            disk,
            journal,
            Arc::clone(&segments),
            active,
            preparer,
        );
        Ok(Self {
            ground: Ground {
                shared: Arc::clone(&shared),
                disk: kept_disk,
                directory,
                seed,
                segments: Arc::clone(&segments),
                archive,
                reader,
                recovery,
                body_bytes_max,
            },
            writer: Writer {
                shared,
                segments,
                tail,
                seed,
                clock,
                observer,
                _lock: lock,
            },
        })
    }
}

impl Ground {
    fn into_journal(self, writer: Thread, running: Option<JoinHandle<()>>) -> Journal {
        Journal(Arc::new(Handle {
            ground: self,
            tending: Mutex::default(),
            writer,
            running: Mutex::new(running),
        }))
    }
}

impl Handle {
    /// One at a time; nobody once the journal is being closed.
    fn tend(&self) -> Option<MutexGuard<'_, Tending>> {
        let tending = self.tending.lock();
        let tending = tending.unwrap_or_else(PoisonError::into_inner);
        let closing = self.ground.shared.closing.load(Ordering::Acquire);
        (!closing).then_some(tending)
    }

    fn close(&self) {
        self.ground.shared.closing.store(true, Ordering::Release);
        // Whoever opens the directory next finds nobody at work in it.
        drop(self.tending.lock());
        self.writer.unpark();
        // Held while joining, so that every caller returns when the writer is gone.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.take() {
            // A writer that broke has said so in its health and in the log.
            drop(running.join());
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// The largest body, if the size is possible.
fn check(options: &Options) -> Result<usize, OpenError> {
    let (min, max) = (SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
    let given = options.segment_bytes;
    if (min..=max).contains(&given) {
        Ok(body_bytes_max(given))
    } else {
        Err(OpenError::SegmentBytes { given, min, max })
    }
}

fn lock(disk: &dyn Disk, options: &Options) -> Result<Box<dyn DiskLock>, OpenError> {
    let directory = &options.directory;
    disk.create_directory(directory)
        .map_err(DiskError::at("create", directory))?;
    let file = directory.join(LOCK);
    disk.lock(&file).map_err(|error| {
        if error.kind() == std::io::ErrorKind::WouldBlock {
            OpenError::Locked {
                directory: directory.clone(),
            }
        } else {
            DiskError::at("lock", &file)(error).into()
        }
    })
}

/// What was found, for the readers and for the operator.
fn account(found: Found, options: &Options) -> (Arc<Segments>, Recovery) {
    let sealed_segments = found.sealed.len();
    let active = found.active.map(|active| active.scan);
    let torn_bytes = active.as_ref().map_or(0, |scan| scan.torn_bytes);
    let mut segments = found.sealed;
    segments.extend(active.map(|scan| scan.segment));
    let segments = Segments::new(segments);
    let position = segments.position();
    tracing::info!(
        directory = %options.directory.display(),
        sequence = %position.sequence,
        sealed_segments,
        torn_bytes,
        "journal opened"
    );
    let recovery = Recovery {
        position,
        sealed_segments,
        torn_bytes,
    };
    (Arc::new(segments), recovery)
}
