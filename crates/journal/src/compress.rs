//! Sealed segments are packed, beside everything else: read frame by frame, written in blocks under
//! another name, synced, read back, and only then given the name of what they stand for. At no
//! instant is there a name without a whole segment, and a reader that has the old file open reads on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_model::Sequence;

use crate::cursor::{Cursor, LastBlock};
use crate::directory::PACKING;
use crate::disk::{Disk, DiskFile};
use crate::error::DiskError;
use crate::format::{BLOCK_BYTES, Block, Footer, Form, HEAD_BYTES, Index, SegmentHead};
use crate::segments::{Segment, Segments};

/// Written and not yet synced, at most: a commit's sync may have to wait for it.
const UNSYNCED_BYTES_MAX: u64 = 4 << 20;

/// A segment that was packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packed {
    pub first: Sequence,
    /// Of the file before, and now.
    pub bytes_before: u64,
    pub bytes: u64,
}

/// Why a segment was not packed. It lies as it lay.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error(
        "{} at offset {offset}: entry {sequence} is damaged, so that the segment is not packed; see \
         `ndxp journal inspect`",
        file.display()
    )]
    Damaged {
        file: PathBuf,
        offset: u64,
        sequence: Sequence,
    },
    #[error("{} came back from the disk with other bytes; check the disk", file.display())]
    ReadBack { file: PathBuf },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Whether to go on, asked behind each block that was written, and as much that was read back.
pub(crate) type GoOn<'a> = &'a mut dyn FnMut() -> bool;

struct Packer<'a> {
    disk: &'a dyn Disk,
    seed: u32,
    segment: &'a Segment,
    archive: Option<&'a Path>,
    /// What is written.
    file: PathBuf,
    open: Arc<dyn DiskFile>,
    end: u64,
    unsynced: u64,
    blocks: Vec<Block>,
    /// Over all that is written.
    checksum: u32,
}

/// Packs one sealed segment. `None` when it would not get shorter, or was told to stop.
pub(crate) fn pack_segment(
    disk: &dyn Disk,
    seed: u32,
    segments: &Segments,
    segment: &Segment,
    archive: Option<&Path>,
    go_on: GoOn<'_>,
) -> Result<Option<Packed>, PackError> {
    let Some(directory) = segment.file.parent() else {
        return Ok(None);
    };
    let file = directory.join(PACKING);
    let made = make(disk, seed, segment, archive, &file, go_on);
    let Ok(Some((packed, index))) = made else {
        // What there is of it only takes room; the next attempt begins it anew.
        drop(disk.remove(&file));
        return made.map(|_| None);
    };
    disk.rename(&file, &segment.file)
        .map_err(DiskError::at("rename", &file))?;
    segments.packed(Segment::packed(segment.file.clone(), &index));
    disk.sync_directory(directory)
        .map_err(DiskError::at("sync", directory))?;
    Ok(Some(packed))
}

fn make(
    disk: &dyn Disk,
    seed: u32,
    segment: &Segment,
    archive: Option<&Path>,
    file: &Path,
    go_on: GoOn<'_>,
) -> Result<Option<(Packed, Index)>, PackError> {
    let failed = |operation| DiskError::at(operation, &segment.file);
    let origin = disk.open(&segment.file).map_err(failed("open"))?;
    let bytes_before = origin.bytes().map_err(failed("measure"))?;
    let mut head = vec![0; HEAD_BYTES];
    origin.read_at(&mut head, 0).map_err(failed("read"))?;
    let Ok(head) = SegmentHead::decode(&head) else {
        return Err(damaged(segment, 0, segment.first));
    };
    if head.form == Form::Packed {
        return Ok(None);
    }
    let packed = SegmentHead {
        form: Form::Packed,
        ..head
    };
    let open = disk.create(file).map_err(DiskError::at("create", file))?;
    let mut packer = Packer {
        disk,
        seed,
        segment,
        archive,
        file: file.to_owned(),
        open,
        end: 0,
        unsynced: 0,
        blocks: Vec::new(),
        checksum: seed,
    };
    packer.append(&packed.encode())?;
    if !packer.blocks(go_on)? {
        return Ok(None);
    }
    let index = packer.finish()?;
    let bytes = packer.end;
    if bytes >= bytes_before {
        return Ok(None);
    }
    if !packer.read_back(go_on)? {
        return Ok(None);
    }
    let packed = Packed {
        first: segment.first,
        bytes_before,
        bytes,
    };
    Ok(Some((packed, index)))
}

fn damaged(segment: &Segment, offset: u64, sequence: Sequence) -> PackError {
    PackError::Damaged {
        file: segment.file.to_path_buf(),
        offset,
        sequence,
    }
}

impl Packer<'_> {
    /// All frames, each checked; says whether it came to the end.
    fn blocks(&mut self, go_on: GoOn<'_>) -> Result<bool, PackError> {
        let mut cursor = self.origin()?;
        let mut frames = Vec::with_capacity(BLOCK_BYTES);
        let mut count = 0;
        let mut expected = self.segment.first;
        while expected < self.segment.next() {
            let offset = cursor.offset();
            let head = cursor.advance()?;
            let Some(head) = head.filter(|head| head.sequence == expected) else {
                return Err(damaged(self.segment, offset, expected));
            };
            head.encode(self.seed, cursor.body(), &mut frames);
            count += 1;
            expected = expected.next();
            if frames.len() >= BLOCK_BYTES || expected == self.segment.next() {
                self.block(&frames, count)?;
                (count, frames) = (0, Vec::with_capacity(BLOCK_BYTES));
                if !go_on() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn block(&mut self, frames: &[u8], count: u32) -> Result<(), PackError> {
        let mut bytes = Vec::new();
        let block = Block::encode(self.seed, frames, count, self.end, &mut bytes);
        let block = block.expect("whole frames of at most a block's length make a block");
        self.append(&bytes)?;
        self.blocks.push(block);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.open
            .write_at(bytes, self.end)
            .map_err(DiskError::at("write", &self.file))?;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        self.end += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= UNSYNCED_BYTES_MAX {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        self.unsynced = 0;
        self.open
            .sync_data()
            .map_err(DiskError::at("sync", &self.file))
    }

    fn finish(&mut self) -> Result<Index, DiskError> {
        let Footer {
            first,
            last,
            first_at,
            last_at,
            ..
        } = self.segment.footer();
        let index = Index {
            first,
            last,
            first_at,
            last_at,
            marks: std::mem::take(&mut self.blocks),
            offset: self.end,
        };
        self.append(&index.encode(self.seed))?;
        self.sync()?;
        Ok(index)
    }

    /// What stands on the disk is what was written, of which each block has been unpacked; says whether it
    /// came to the end.
    fn read_back(&self, go_on: GoOn<'_>) -> Result<bool, PackError> {
        let failed = |operation| DiskError::at(operation, &self.file);
        let found = self.disk.open(&self.file).map_err(failed("open"))?;
        let mut piece = vec![0; BLOCK_BYTES];
        let (mut end, mut checksum) = (0, self.seed);
        let mut filled = piece.len();
        while filled == piece.len() {
            filled = found.read_at(&mut piece, end).map_err(failed("read"))?;
            let read = piece.get(..filled).unwrap_or_default();
            checksum = crc32c::crc32c_append(checksum, read);
            end += filled as u64;
            if !go_on() {
                return Ok(false);
            }
        }
        match (end, checksum) == (self.end, self.checksum) {
            true => Ok(true),
            false => Err(PackError::ReadBack {
                file: self.file.clone(),
            }),
        }
    }

    fn origin(&self) -> Result<Cursor, DiskError> {
        let stretch = self.segment.whole(self.segment.file.clone());
        // Nobody looks these blocks up again.
        let last = Arc::<LastBlock>::default();
        Cursor::open(self.disk, self.seed, stretch, self.archive, &last)
    }
}
