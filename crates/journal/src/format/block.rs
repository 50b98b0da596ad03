//! Blocks of a packed segment: some of its frames, packed, and what its index knows of each.

use ndxp_model::{Instant, Sequence};

use crate::pack::{BlockOf, pack, unpack};

use super::footer::{Footer, Record};
use super::{BODY_BYTES_MAX, FRAME_HEAD_BYTES, Fields, HEAD_BYTES, SEGMENT_BYTES_MAX, parse_frame};

/// A block ends with the frame that brings it here. Smaller ones find less that repeats (122 bytes
/// a transaction at half of it), larger ones lose more to one flipped bit and to each look-up.
pub const BLOCK_BYTES: usize = 768 << 10;

/// More frames than this no block has: the last may be as long as one can be.
pub const BLOCK_BYTES_MAX: usize = BLOCK_BYTES + FRAME_HEAD_BYTES + BODY_BYTES_MAX;

/// What cannot be made shorter is kept as it is behind a few bytes that say so.
const PACKED_BYTES_MAX: usize = BLOCK_BYTES_MAX + 32;

pub const BLOCK_HEAD_BYTES: usize = 44;
pub const BLOCK_MAGIC: [u8; 8] = *b"NDXPBLCK";
const FRAME_BYTES_MIN: usize = FRAME_HEAD_BYTES + 1;

/// One block, as the index has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Block {
    pub offset: u64,
    pub sequence: Sequence,
    pub at: Instant,
    pub frames: u32,
    /// Of its frames.
    pub plain_bytes: u32,
    pub packed_bytes: u32,
    pub plain_checksum: u32,
    /// Over the block's head, too.
    pub checksum: u32,
}

/// The footer of a packed segment.
pub type Index = Footer<Block>;

impl Record for Block {
    const MAGIC: [u8; 8] = *b"NDXPPACK";
    const BYTES: u64 = 44;

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        self.put_fields(bytes);
        bytes.extend_from_slice(&self.checksum.to_le_bytes());
    }

    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let offset = fields.u64()?;
        Self::take_fields(offset, fields)
    }
}

impl Block {
    /// Appends frames as a block that will stand at the offset.
    pub fn encode(
        seed: u32,
        frames: &[u8],
        count: u32,
        offset: u64,
        to: &mut Vec<u8>,
    ) -> Option<Self> {
        let (first, _) = parse_frame(seed, frames)?;
        let mut block = Self {
            offset,
            sequence: first.sequence,
            at: first.at,
            frames: count,
            plain_bytes: u32::try_from(frames.len()).ok()?,
            packed_bytes: 0,
            plain_checksum: crc32c::crc32c_append(seed, frames),
            checksum: 0,
        };
        let packed = pack(frames, &block.of(seed)?);
        block.packed_bytes = u32::try_from(packed.len()).ok()?;
        let mut head = BLOCK_MAGIC.to_vec();
        block.put_fields(&mut head);
        block.checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, &head), &packed);
        to.append(&mut head);
        to.extend_from_slice(&block.checksum.to_le_bytes());
        to.extend_from_slice(&packed);
        block.is_possible().then_some(block)
    }

    /// The block at the front of `bytes`, which stand at the offset; its frames are not looked at.
    pub fn decode_front(seed: u32, bytes: &[u8], offset: u64) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(BLOCK_HEAD_BYTES)?;
        let mut fields = Fields(head);
        if fields.take()? != BLOCK_MAGIC {
            return None;
        }
        let block = Self::take_fields(offset, &mut fields)?;
        let packed = rest.get(..usize::try_from(block.packed_bytes).ok()?)?;
        let head = head.get(..BLOCK_HEAD_BYTES - 4)?;
        let checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, head), packed);
        (checksum == block.checksum && block.is_possible()).then_some((block, packed))
    }

    /// Its frames, whole and as they were.
    pub fn unpack(&self, seed: u32, packed: &[u8]) -> Option<Vec<u8>> {
        let frames = unpack(packed, &self.of(seed)?)?;
        (crc32c::crc32c_append(seed, &frames) == self.plain_checksum).then_some(frames)
    }

    /// Bytes that it takes in its file.
    pub fn stored_bytes(&self) -> u64 {
        BLOCK_HEAD_BYTES as u64 + u64::from(self.packed_bytes)
    }

    /// The sequence behind its last frame.
    pub fn next(&self) -> Sequence {
        Sequence::new(self.sequence.get().saturating_add(u64::from(self.frames)))
    }

    /// To be asked before anything is made room for.
    fn is_possible(&self) -> bool {
        let Some(of) = self.of(0) else { return false };
        let packed = usize::try_from(self.packed_bytes).unwrap_or(usize::MAX);
        (1..=of.bytes / FRAME_BYTES_MIN).contains(&of.frames)
            && of.bytes <= BLOCK_BYTES_MAX
            && packed <= PACKED_BYTES_MAX
    }

    fn of(&self, seed: u32) -> Option<BlockOf> {
        Some(BlockOf {
            seed,
            first: self.sequence,
            first_at: self.at,
            frames: usize::try_from(self.frames).ok()?,
            bytes: usize::try_from(self.plain_bytes).ok()?,
        })
    }

    fn put_fields(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.sequence.get().to_le_bytes());
        bytes.extend_from_slice(&self.at.as_micros().to_le_bytes());
        bytes.extend_from_slice(&self.frames.to_le_bytes());
        bytes.extend_from_slice(&self.plain_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.packed_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.plain_checksum.to_le_bytes());
    }

    fn take_fields(offset: u64, fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            offset,
            sequence: Sequence::new(fields.u64()?),
            at: Instant::from_micros(fields.i64()?),
            frames: fields.u32()?,
            plain_bytes: fields.u32()?,
            packed_bytes: fields.u32()?,
            plain_checksum: fields.u32()?,
            checksum: fields.u32()?,
        })
    }
}

impl Index {
    /// Whether this program can have written it; see [`Footer::is_sound`] of plain ones.
    pub fn is_possible(&self) -> bool {
        let (mut offset, mut sequence) = (HEAD_BYTES as u64, self.first);
        let mut at = self.first_at;
        for block in &self.marks {
            let follows = block.offset == offset && block.sequence == sequence && block.at >= at;
            if !follows || !block.is_possible() {
                return false;
            }
            (sequence, at) = (block.next(), block.at);
            offset = offset.saturating_add(block.stored_bytes());
        }
        let first_at = self.marks.first().map(|block| block.at);
        first_at == Some(self.first_at)
            && at <= self.last_at
            && sequence == self.last.next()
            && offset == self.offset
            && self.offset <= SEGMENT_BYTES_MAX
    }
}
