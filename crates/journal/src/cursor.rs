//! Reads the frames of one file one behind the other, in large pieces, every checksum checked. What
//! a file is, plain or packed, its own head says each time: it may have been packed since it was
//! looked for.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ndxp_model::Sequence;

use crate::archive::open_wherever;
use crate::disk::{Disk, DiskFile};
use crate::error::DiskError;
use crate::format::{Block, FRAME_HEAD_BYTES, FrameHead, frame_body_bytes, parse_frame};
use crate::packed::{index_of, read_block};
use crate::segments::Stretch;

/// Large enough that a sequential reader is not bound by calls, small enough for a look-up.
const READ_BYTES: usize = 64 << 10;

/// The block that was unpacked last, by its first sequence: who looks up one entry looks up its
/// neighbours next.
#[derive(Debug, Default)]
pub(crate) struct LastBlock(Mutex<Option<(Block, Arc<Vec<u8>>)>>);

#[derive(Debug)]
pub(crate) struct Cursor {
    open: Arc<dyn DiskFile>,
    file: Arc<Path>,
    seed: u32,
    /// Offset in the file of what comes next; in a packed one, of the block that it is in.
    offset: u64,
    /// What has been read; the part from `next` on comes next.
    buffer: Arc<Vec<u8>>,
    next: usize,
    body: Range<usize>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Plain {
        /// Where the frames end in the file.
        end: u64,
    },
    Packed {
        /// Those to come, the next one last.
        blocks: Vec<Block>,
        last: Arc<LastBlock>,
        /// Frames before this are passed over.
        from: Sequence,
    },
}

impl LastBlock {
    fn get(&self, block: &Block) -> Option<Arc<Vec<u8>>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, frames) = held.as_ref()?;
        (of == block).then(|| Arc::clone(frames))
    }

    fn set(&self, block: &Block, frames: &Arc<Vec<u8>>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some((*block, Arc::clone(frames)));
    }
}

impl Cursor {
    pub fn open(
        disk: &dyn Disk,
        seed: u32,
        stretch: Stretch,
        archive: Option<&Path>,
        last: &Arc<LastBlock>,
    ) -> Result<Self, DiskError> {
        let file = stretch.file;
        let open = open_wherever(disk, &file, archive).map_err(DiskError::at("open", &file))?;
        let index = index_of(&*open, seed).map_err(DiskError::at("read", &file))?;
        let from = stretch.from.sequence;
        let (form, offset) = match index {
            None => (Form::Plain { end: stretch.end }, stretch.from.offset),
            Some(index) => {
                // Without a sound index there is no block, and so no frame.
                let blocks = index.map(|index| index.marks).unwrap_or_default();
                let to_come = blocks.into_iter().filter(|block| block.next() > from);
                let blocks: Vec<Block> = to_come.rev().collect();
                let offset = blocks.last().map_or(0, |block| block.offset);
                let last = Arc::clone(last);
                (Form::Packed { blocks, last, from }, offset)
            }
        };
        Ok(Self {
            open,
            file,
            seed,
            offset,
            buffer: Arc::default(),
            next: 0,
            body: 0..0,
            form,
        })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where the next frame stands, and where the one that is refused does; in a packed file, the
    /// block that holds it.
    pub fn offset(&self) -> u64 {
        match &self.form {
            Form::Packed { blocks, .. } if self.unread().is_empty() => {
                blocks.last().map_or(self.offset, |block| block.offset)
            }
            _ => self.offset,
        }
    }

    pub fn is_at_end(&self) -> bool {
        match &self.form {
            Form::Plain { end } => self.offset >= *end,
            Form::Packed { blocks, .. } => self.unread().is_empty() && blocks.is_empty(),
        }
    }

    /// Whether the stretch is of this file, as it was opened; its frames are read to their end then.
    pub fn goes_on(&mut self, stretch: &Stretch) -> bool {
        match &mut self.form {
            Form::Plain { end } if !stretch.is_packed && stretch.file == self.file => {
                *end = stretch.end;
                true
            }
            _ => false,
        }
    }

    /// Goes to the next frame. `None` when there is no valid one at [`Cursor::offset`].
    pub fn advance(&mut self) -> Result<Option<FrameHead>, DiskError> {
        loop {
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
            match &self.form {
                Form::Plain { .. } => self.offset += frame_bytes as u64,
                Form::Packed { from, .. } if head.sequence < *from => continue,
                Form::Packed { .. } => {}
            }
            return Ok(Some(head));
        }
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
        let unread = self.unread().len();
        match &mut self.form {
            _ if unread >= wanted => Ok(()),
            Form::Plain { end } => {
                let end = *end;
                self.read(wanted, end)
            }
            // A block ends with a whole frame.
            Form::Packed { .. } if unread > 0 => Ok(()),
            Form::Packed { .. } => self.next_block(),
        }
    }

    fn read(&mut self, wanted: usize, end: u64) -> Result<(), DiskError> {
        let buffer = Arc::make_mut(&mut self.buffer);
        buffer.drain(..self.next);
        self.next = 0;
        let held = buffer.len();
        let from = self.offset + held as u64;
        let left = usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX);
        let more = READ_BYTES.max(wanted).min(left);
        buffer.resize(held + more, 0);
        let place = buffer.get_mut(held..).unwrap_or_default();
        let filled = self
            .open
            .read_at(place, from)
            .map_err(DiskError::at("read", &self.file))?;
        buffer.truncate(held + filled);
        Ok(())
    }

    /// One that is damaged holds no frames, and stays the next.
    fn next_block(&mut self) -> Result<(), DiskError> {
        let Form::Packed { blocks, last, .. } = &mut self.form else {
            return Ok(());
        };
        let Some(block) = blocks.last() else {
            return Ok(());
        };
        let frames = match last.get(block) {
            Some(frames) => frames,
            None => {
                let read = read_block(&*self.open, self.seed, block);
                let read = read.map_err(DiskError::at("read", &self.file))?;
                let Some(frames) = read.map(Arc::new) else {
                    return Ok(());
                };
                last.set(block, &frames);
                frames
            }
        };
        self.offset = block.offset;
        self.buffer = frames;
        self.next = 0;
        blocks.pop();
        Ok(())
    }
}
