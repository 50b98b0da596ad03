//! Copies a journal while it is being written, without asking its writer: sealed segments never
//! change again, and of the active one the whole batches are taken that stand there now. They are
//! synced before they are copied, so that a copy never holds what a power cut could still take
//! from its origin. The copy is sealed to its end: any later damage to it shows.

use std::path::{Path, PathBuf};

use ndxp_model::Sequence;

use crate::Position;
use crate::archive::open_wherever;
use crate::cursor::{Cursor, LastBlock};
use crate::directory::{self, segment_name};
use crate::disk::{Disk, DiskFile};
use crate::error::{DiskError, OpenError};
use crate::format::JournalId;
use crate::packed::index_of;
use crate::segments::{Segment, Segments};

/// One read and one write; as large as keeps a disk busy.
const PIECE_BYTES: u64 = 1 << 20;

/// What was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Absent when there was no segment yet.
    pub journal: Option<JournalId>,
    /// The last entry of the copy.
    pub position: Position,
    pub segments: Vec<CopiedSegment>,
}

/// One file of a copy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopiedSegment {
    pub name: String,
    pub bytes: u64,
    pub first: Sequence,
    pub last: Sequence,
}

/// Why a journal was not copied. What there is of the copy is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "{} at offset {offset}: entry {sequence} is damaged, so that no copy of it is made; see \
         `ndxp journal inspect`",
        file.display()
    )]
    Damaged {
        file: PathBuf,
        offset: u64,
        sequence: Sequence,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Copies all that is there now into an empty directory. Every frame is checked as it stands in
/// the copy; `written` sees the bytes of each file, in order. All of it is durable afterwards.
///
/// # Errors
/// When the journal cannot be read whole, or the copy cannot be written.
pub fn copy(
    disk: &dyn Disk,
    from: &Path,
    to: &Path,
    written: &mut dyn FnMut(&str, &[u8]),
) -> Result<Copied, CopyError> {
    let found = directory::find(disk, from)?;
    let seed = found.journal.map_or(0, JournalId::seed);
    let mut segments = found.sealed;
    if let Some(active) = found.active.map(|active| active.scan.segment) {
        let file = &active.file;
        let open = disk.open(file).map_err(DiskError::at("open", file))?;
        open.sync_data().map_err(DiskError::at("sync", file))?;
        // One without entries holds nothing that the next start would not make again.
        segments.extend((active.frames > 0).then_some(active));
    }
    let archive = found.archive.as_deref();
    let mut copied = Vec::with_capacity(segments.len());
    for segment in &segments {
        let name = segment_name(segment.first);
        let mut written = |bytes: &[u8]| written(&name, bytes);
        let bytes = copy_segment(disk, seed, segment, archive, &to.join(&name), &mut written)?;
        copied.push(CopiedSegment {
            name,
            bytes,
            first: segment.first,
            last: Sequence::new(segment.next().get() - 1),
        });
    }
    disk.sync_directory(to).map_err(DiskError::at("sync", to))?;
    Ok(Copied {
        journal: found.journal,
        position: Segments::new(segments).position(),
        segments: copied,
    })
}

/// Copies one segment, sealed, to a file; says how long that is. It is durable, and its name is not
/// before its directory has been synced.
pub(crate) fn copy_segment(
    disk: &dyn Disk,
    seed: u32,
    segment: &Segment,
    archive: Option<&Path>,
    file: &Path,
    written: &mut dyn FnMut(&[u8]),
) -> Result<u64, CopyError> {
    let open = open_wherever(disk, &segment.file, archive)
        .map_err(DiskError::at("open", &segment.file))?;
    let made = disk.create(file).map_err(DiskError::at("create", file))?;
    let index = index_of(&*open, seed).map_err(DiskError::at("read", &segment.file))?;
    // A packed one is copied as it is, index and all; it may have been packed just now.
    let end = match index {
        Some(_) => open
            .bytes()
            .map_err(DiskError::at("measure", &segment.file))?,
        None => segment.end,
    };
    let mut offset = 0;
    while offset < end {
        let piece = read(&*open, segment, offset..end)?;
        made.write_at(&piece, offset)
            .map_err(DiskError::at("write", file))?;
        written(&piece);
        offset += piece.len() as u64;
    }
    let footer = match index {
        Some(_) => Vec::new(),
        None => segment.footer().encode(seed),
    };
    made.write_at(&footer, end)
        .map_err(DiskError::at("seal", file))?;
    written(&footer);
    made.sync_data().map_err(DiskError::at("sync", file))?;
    check(disk, seed, segment, file)?;
    Ok(end + footer.len() as u64)
}

/// The next piece of a segment's frames; a file that ends before them is damaged.
fn read(
    open: &dyn DiskFile,
    segment: &Segment,
    left: std::ops::Range<u64>,
) -> Result<Vec<u8>, CopyError> {
    let offset = left.start;
    let wanted = PIECE_BYTES.min(left.end - offset);
    let mut piece = vec![0; usize::try_from(wanted).unwrap_or_default()];
    let filled = open
        .read_at(&mut piece, offset)
        .map_err(DiskError::at("read", &segment.file))?;
    piece.truncate(filled);
    if piece.is_empty() {
        return Err(CopyError::Damaged {
            file: segment.file.to_path_buf(),
            offset,
            sequence: segment.first,
        });
    }
    Ok(piece)
}

/// Reads the copy back: every frame valid, in order, and as many as its origin has.
fn check(disk: &dyn Disk, seed: u32, segment: &Segment, file: &Path) -> Result<(), CopyError> {
    let stretch = segment.whole(file.into());
    let last = std::sync::Arc::<LastBlock>::default();
    let mut cursor = Cursor::open(disk, seed, stretch, None, &last)?;
    let mut expected = segment.first;
    while expected < segment.next() {
        let offset = cursor.offset();
        let head = cursor.advance()?;
        if head.is_none_or(|head| head.sequence != expected) {
            return Err(CopyError::Damaged {
                file: segment.file.to_path_buf(),
                offset,
                sequence: expected,
            });
        }
        expected = expected.next();
    }
    Ok(())
}
