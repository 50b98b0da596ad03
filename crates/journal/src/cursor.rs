//! Reads the frames of one file one behind the other, in large pieces, every checksum checked.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::archive::open_wherever;
use crate::disk::{Disk, DiskFile};
use crate::error::DiskError;
use crate::format::{FRAME_HEAD_BYTES, FrameHead, frame_body_bytes, parse_frame};
use crate::segments::Stretch;

/// Large enough that a sequential reader is not bound by calls, small enough for a look-up.
const READ_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Cursor {
    open: Arc<dyn DiskFile>,
    file: Arc<Path>,
    seed: u32,
    /// Offset in the file of what comes next.
    offset: u64,
    /// Where the frames end in the file.
    end: u64,
    /// What has been read; the part from `next` on stands at `offset`.
    buffer: Vec<u8>,
    next: usize,
    body: Range<usize>,
}

impl Cursor {
    pub fn open(
        disk: &dyn Disk,
        seed: u32,
        stretch: Stretch,
        archive: Option<&Path>,
    ) -> Result<Self, DiskError> {
        let open = open_wherever(disk, &stretch.file, archive)
            .map_err(DiskError::at("open", &stretch.file))?;
        Ok(Self {
            open,
            file: stretch.file,
            seed,
            offset: stretch.from.offset,
            end: stretch.end,
            buffer: Vec::new(),
            next: 0,
            body: 0..0,
        })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where the next frame stands, and where the one that is refused does.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn is_at_end(&self) -> bool {
        self.offset >= self.end
    }

    /// Goes to the next frame. `None` when there is no valid one at [`Cursor::offset`].
    pub fn advance(&mut self) -> Result<Option<FrameHead>, DiskError> {
        self.fill(FRAME_HEAD_BYTES)?;
        let length = self.unread().first_chunk().copied();
        let Some(length) = length.and_then(frame_body_bytes) else {
            return Ok(None);
        };
        let frame_bytes = FRAME_HEAD_BYTES + length;
        self.fill(frame_bytes)?;
        let Some((head, _)) = parse_frame(self.seed, self.unread()) else {
            return Ok(None);
        };
        self.body = self.next + FRAME_HEAD_BYTES..self.next + frame_bytes;
        self.next += frame_bytes;
        self.offset += frame_bytes as u64;
        Ok(Some(head))
    }

    /// The body of the frame that was gone to last.
    pub fn body(&self) -> &[u8] {
        self.buffer.get(self.body.clone()).unwrap_or_default()
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.next..).unwrap_or_default()
    }

    /// Reads on until `wanted` bytes are there, or the frames end.
    fn fill(&mut self, wanted: usize) -> Result<(), DiskError> {
        if self.unread().len() >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.next);
        self.next = 0;
        let held = self.buffer.len();
        let from = self.offset + held as u64;
        let left = usize::try_from(self.end.saturating_sub(from)).unwrap_or(usize::MAX);
        let more = READ_BYTES.max(wanted).min(left);
        self.buffer.resize(held + more, 0);
        let place = self.buffer.get_mut(held..).unwrap_or_default();
        let filled = self
            .open
            .read_at(place, from)
            .map_err(DiskError::at("read", &self.file))?;
        self.buffer.truncate(held + filled);
        Ok(())
    }
}
