//! Entries out of the journal, in order, while it is being written or long afterwards.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1;
use prost::Message as _;

use crate::cursor::{Cursor, LastBlock};
use crate::directory;
use crate::disk::{Disk, FileDisk};
use crate::error::{OpenError, ReadError};
use crate::follow::Progress;
use crate::format::{FRAME_HEAD_BYTES, FrameHead};
use crate::segments::Segments;
use crate::{Kind, Position};

/// Reads what is durable. Cheap to clone; never writes.
#[derive(Clone)]
pub struct Reader(Arc<Source>);

struct Source {
    disk: Arc<dyn Disk>,
    seed: u32,
    segments: Arc<Segments>,
    /// Where segments are moved to.
    archive: Option<PathBuf>,
    last_block: Arc<LastBlock>,
    left_off: LeftOff,
    end: End,
}

/// Where outlines were read to last. Whoever counts comes again for the next ones, up to fifty times a
/// second, and would look for their place from the mark before it each time.
#[derive(Default)]
struct LeftOff(Mutex<Option<Place>>);

/// Between two frames of an open file.
struct Place {
    next: Sequence,
    not_before: Instant,
    cursor: Cursor,
}

enum End {
    /// Grows with the journal that is open in this process.
    Live(Arc<Progress>),
    /// As it was when the directory was read.
    Fixed(Position),
}

/// Entries in order. Ends behind the first error: what follows damage is not shown.
pub struct Entries {
    frames: Frames,
    kind: Option<Kind>,
    depth: Depth,
    failed: bool,
}

/// How much of an entry is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Depth {
    Whole,
    /// Of an opening its transaction's id, and nothing of the call.
    Outline,
}

/// An opening without its call. What else there is stays empty.
#[derive(Clone, PartialEq, prost::Message)]
struct Outline {
    #[prost(message, optional, tag = "3")]
    opened: Option<OutlinedOpening>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OutlinedOpening {
    #[prost(bytes = "vec", tag = "1")]
    transaction_id: Vec<u8>,
}

/// Frames in order, undecoded.
pub(crate) struct Frames {
    source: Arc<Source>,
    next: Sequence,
    through: Sequence,
    /// Commit time of the frame before: time never runs backwards.
    not_before: Instant,
    cursor: Option<Cursor>,
}

impl Reader {
    /// Reads a directory without being its writer. What is torn at the end is left out, and left
    /// alone; entries that are written later are not seen.
    ///
    /// # Errors
    /// As [`crate::Journal::open`]: damage is refused by name.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(FileDisk), directory)
    }

    /// As [`Reader::open`], on another disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>, directory: &Path) -> Result<Self, OpenError> {
        let found = directory::find(&*disk, directory)?;
        let mut segments = found.sealed;
        segments.extend(found.active.map(|active| active.scan.segment));
        let segments = Segments::new(segments);
        Ok(Self(Arc::new(Source {
            disk,
            seed: found.journal.map_or(0, |journal| journal.seed()),
            end: End::Fixed(segments.position()),
            segments: Arc::new(segments),
            archive: found.archive,
            last_block: Arc::default(),
            left_off: LeftOff::default(),
        })))
    }

    pub(crate) fn live(
        disk: Arc<dyn Disk>,
        seed: u32,
        segments: Arc<Segments>,
        archive: Option<PathBuf>,
        progress: Arc<Progress>,
    ) -> Self {
        Self(Arc::new(Source {
            disk,
            seed,
            segments,
            archive,
            last_block: Arc::default(),
            left_off: LeftOff::default(),
            end: End::Live(progress),
        }))
    }

    /// The last entry that this reader sees.
    ///
    /// # Errors
    /// Never with segment files, whose end is in memory; a journal elsewhere has to ask.
    pub fn position(&self) -> Result<Position, ReadError> {
        Ok(self.end())
    }

    /// Entries of a range of sequences, both ends included, as far as they are there now.
    #[must_use]
    pub fn entries(&self, from: Sequence, through: Sequence) -> Entries {
        Entries {
            frames: self.frames(from, through),
            kind: None,
            depth: Depth::Whole,
            failed: false,
        }
    }

    /// As [`Reader::entries`], openings without their calls: for whoever counts, a closing says all
    /// that is needed, and half of the reading is spared.
    #[must_use]
    pub fn outlines(&self, from: Sequence, through: Sequence) -> Entries {
        let mut entries = self.entries(from, through);
        entries.depth = Depth::Outline;
        entries.frames.take_up();
        entries
    }

    /// As [`Reader::entries`], one kind only; the others are not decoded.
    #[must_use]
    pub fn entries_of(&self, kind: Kind, from: Sequence, through: Sequence) -> Entries {
        let mut entries = self.entries(from, through);
        entries.kind = Some(kind);
        entries
    }

    /// The first entry that was committed at the instant or later.
    ///
    /// # Errors
    /// When frames on the way are damaged or the disk fails.
    pub fn first_at_or_after(&self, at: Instant) -> Result<Option<Sequence>, ReadError> {
        let through = self.end().sequence;
        let Some(from) = self.0.segments.before(at) else {
            return Ok(None);
        };
        let mut frames = self.frames(from, through);
        while let Some(head) = frames.advance()? {
            if head.at >= at {
                return Ok(Some(head.sequence));
            }
        }
        Ok(None)
    }

    pub(crate) fn end(&self) -> Position {
        match &self.0.end {
            End::Live(progress) => progress.position(),
            End::Fixed(position) => *position,
        }
    }

    pub(crate) fn frames(&self, from: Sequence, through: Sequence) -> Frames {
        Frames {
            source: Arc::clone(&self.0),
            next: from.max(Sequence::new(1)),
            through: through.min(self.end().sequence),
            not_before: Instant::from_micros(i64::MIN),
            cursor: None,
        }
    }
}

impl LeftOff {
    /// The place before the given sequence, if that is where they were left.
    fn take(&self, next: Sequence) -> Option<Place> {
        self.lock().take_if(|place| place.next == next)
    }

    fn set(&self, place: Place) {
        *self.lock() = Some(place);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outline {
    fn into_body(self) -> Option<v1::entry::Body> {
        self.opened.map(|OutlinedOpening { transaction_id }| {
            v1::entry::Body::Opened(v1::TransactionOpened {
                transaction_id,
                call: None,
            })
        })
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.end())
            .finish_non_exhaustive()
    }
}

impl Iterator for Entries {
    type Item = Result<v1::Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let entry = self.read().transpose();
        self.failed = matches!(entry, Some(Err(_)));
        entry
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        // Behind an error nobody goes on.
        if self.depth == Depth::Outline && !self.failed {
            self.frames.leave_off();
        }
    }
}

impl Entries {
    fn read(&mut self) -> Result<Option<v1::Entry>, ReadError> {
        while let Some(head) = self.frames.advance()? {
            if self.kind.is_none_or(|kind| kind.number() == head.kind) {
                return self.frames.decode(&head, self.depth).map(Some);
            }
        }
        Ok(None)
    }
}

impl Frames {
    /// Goes to the next frame of the range.
    pub fn advance(&mut self) -> Result<Option<FrameHead>, ReadError> {
        if self.next > self.through {
            return Ok(None);
        }
        if self.cursor.as_ref().is_none_or(Cursor::is_at_end) {
            self.open()?;
        }
        let head = self.expect(self.next)?;
        self.next = self.next.next();
        Ok(Some(head))
    }

    /// Goes on where others left off, if that is before these frames.
    fn take_up(&mut self) {
        if let Some(place) = self.source.left_off.take(self.next) {
            self.not_before = place.not_before;
            self.cursor = Some(place.cursor);
        }
    }

    /// Others may go on from here.
    fn leave_off(&mut self) {
        if let Some(cursor) = self.cursor.take() {
            self.source.left_off.set(Place {
                next: self.next,
                not_before: self.not_before,
                cursor,
            });
        }
    }

    /// The body of the frame that was gone to last.
    pub fn body(&self) -> &[u8] {
        self.cursor.as_ref().map_or(&[], Cursor::body)
    }

    pub fn decode(&self, head: &FrameHead, depth: Depth) -> Result<v1::Entry, ReadError> {
        let FrameHead { sequence, kind, .. } = *head;
        let outlined = depth == Depth::Outline && kind == Kind::Opened.number();
        let body = match outlined {
            true => Outline::decode(self.body()).map(Outline::into_body),
            false => v1::Entry::decode(self.body()).map(|entry| entry.body),
        };
        let body = body.map_err(|source| {
            let (file, offset) = self.place();
            ReadError::Undecodable {
                file,
                offset,
                sequence,
                source,
            }
        })?;
        if body.as_ref().map(|body| Kind::of(body).number()) != Some(kind) {
            let (file, offset) = self.place();
            return Err(ReadError::UnknownKind {
                file,
                offset,
                sequence,
                kind,
            });
        }
        Ok(v1::Entry {
            sequence: sequence.get(),
            committed_at_us: head.at.as_micros(),
            body,
        })
    }

    /// Where the frame that was gone to last begins.
    fn place(&self) -> (PathBuf, u64) {
        let (file, end) = match &self.cursor {
            Some(cursor) => (cursor.file().to_path_buf(), cursor.offset()),
            None => Default::default(),
        };
        let frame_bytes = FRAME_HEAD_BYTES + self.body().len();
        (file, end.saturating_sub(frame_bytes as u64))
    }

    /// Opens the segment that holds the next frame, and reads past those between its mark and it.
    fn open(&mut self) -> Result<(), ReadError> {
        let Source {
            disk,
            seed,
            segments,
            archive,
            last_block,
            ..
        } = &*self.source;
        let stretch = segments
            .holding(self.next)
            .expect("segments hold every sequence up to the position");
        if let Some(cursor) = &mut self.cursor
            && cursor.goes_on(&stretch)
        {
            return Ok(());
        }
        let mut sequence = stretch.from.sequence;
        if sequence < self.next {
            // Those before it are read once more, and are older than the last.
            self.not_before = Instant::from_micros(i64::MIN);
        }
        let cursor = Cursor::open(&**disk, *seed, stretch, archive.as_deref(), last_block);
        self.cursor = Some(cursor?);
        while sequence < self.next {
            self.expect(sequence)?;
            sequence = sequence.next();
        }
        Ok(())
    }

    fn expect(&mut self, sequence: Sequence) -> Result<FrameHead, ReadError> {
        let cursor = self
            .cursor
            .as_mut()
            .expect("a segment is open while its frames are read");
        let (offset, found) = (cursor.offset(), cursor.advance()?);
        let follows = |head: &FrameHead| head.sequence == sequence && head.at >= self.not_before;
        let Some(head) = found.filter(follows) else {
            return Err(ReadError::Damaged {
                file: cursor.file().to_path_buf(),
                offset,
                sequence,
            });
        };
        self.not_before = head.at;
        Ok(head)
    }
}
