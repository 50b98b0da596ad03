//! On-disk format, to the byte: version 1, and version 2 of segments that were packed.
//!
//! All numbers are **little endian**; `u` is unsigned, `i` is two's complement. Instants are
//! microseconds since 1970-01-01T00:00:00Z. Checksums are CRC32C (Castagnoli).
//!
//! # Directory
//!
//! | name | what |
//! |---|---|
//! | `lock` | empty; held locked (flock) by the one writer |
//! | `00000000000000000001.segment` | a segment; the name is its first sequence, 20 digits |
//! | `next.prepared` | zero-filled and synced: becomes the next segment |
//! | `next.preparing` | being zero-filled; worth nothing |
//! | `next.packing` | a segment that is being packed, in its own directory; worth nothing |
//! | `archive` | UTF-8: absolute path of a directory that holds older sealed segments |
//!
//! Segments lie in either directory; one that lies in both holds the same in both. They are
//! contiguous: the first begins with sequence 1, every other one with the sequence behind its
//! predecessor's last. All but the last are sealed. The last one is sealed after a
//! clean close and *active* otherwise.
//!
//! # Segment
//!
//! `head (64) | frame | frame | … | rest`. In an active segment the file is `capacity` bytes
//! long and the rest is zero. In a sealed one the rest is the footer and nothing follows it;
//! room for the footer is kept, so that a sealed file is always shorter than `capacity`. Before
//! the last segment a file of full length is taken for sealed as well, if a whole footer follows
//! its frames: a power cut may undo the cut. In the last one an uncut footer is blanked.
//!
//! # Head, 64 bytes
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 8 | `NDXPJRNL` |
//! | 8 | 4 | u32 format version: 1, or 2 when packed. Stands here in every version |
//! | 12 | 4 | u32 CRC32C over bytes 0..12 and 16..64 |
//! | 16 | 16 | journal id: random, the same in all segments of a journal |
//! | 32 | 8 | u64 first sequence |
//! | 40 | 8 | i64 creation time |
//! | 48 | 8 | u64 capacity: bytes of the file while it is active |
//! | 56 | 8 | zero |
//!
//! # Frame, 40 bytes and a body
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 4 | u32 bytes of the body, 1 to 1,048,576 |
//! | 4 | 4 | u32 CRC32C over the journal id, then bytes 0..4, then bytes 8.. to the body's end |
//! | 8 | 8 | u64 sequence: one more than the frame before |
//! | 16 | 8 | i64 commit time: never less than the frame before |
//! | 24 | 8 | u64 durable: the last sequence known durable when this frame was written |
//! | 32 | 4 | u32 frames that follow in the same batch; 0 in a batch's last frame |
//! | 36 | 1 | u8 kind: the tag of the set member of `Entry.body` |
//! | 37 | 3 | zero |
//! | 40 | … | body: `ndxp.journal.v1.Entry`, protobuf, its fields 1 and 2 left out |
//!
//! A batch is one write and one fdatasync, and it is valid whole or not at all: a batch whose
//! last frame is missing or invalid was never acknowledged. The journal id in the checksum
//! keeps bytes that a caller chose from passing for a frame.
//!
//! # Footer, 72 bytes and 24 per mark
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 4 | u32 0xFFFF_FFFF: a length that no frame has |
//! | 4 | 4 | u32 number of marks, m |
//! | 8 | 8 | `NDXPSEAL` |
//! | 16 | 8 | u64 first sequence |
//! | 24 | 8 | u64 last sequence |
//! | 32 | 8 | i64 commit time of the first |
//! | 40 | 8 | i64 commit time of the last |
//! | 48 | 24 m | marks: u64 sequence, i64 commit time, u64 offset of the frame in the file; one for every 512th frame, the first frame included |
//! | 48 + 24 m | 8 | u64 offset of the footer in the file |
//! | 56 + 24 m | 4 | u32 CRC32C over the journal id, then the footer up to here |
//! | 60 + 24 m | 4 | zero |
//! | 64 + 24 m | 8 | `NDXPDONE`, the file's last bytes |
//!
//! # Packed segment: version 2
//!
//! `head (64) | block | block | … | index`. It was made of a sealed segment, has its name, its head but
//! for the version and the checksum, and all its frames; it is never active, and shorter than it was.
//!
//! A block is 44 bytes and the packed frames, which `pack.rs` says to the byte:
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 8 | `NDXPBLCK` |
//! | 8 | 8 | u64 first sequence |
//! | 16 | 8 | i64 commit time of the first frame |
//! | 24 | 4 | u32 frames |
//! | 28 | 4 | u32 bytes of the plain frames: at most 524,288 + 40 + 1,048,576 |
//! | 32 | 4 | u32 bytes of the packed frames: at most 32 more than that |
//! | 36 | 4 | u32 CRC32C over the journal id, then the plain frames |
//! | 40 | 4 | u32 CRC32C over the journal id, then bytes 0..40, then the packed frames |
//!
//! The index is a footer with `NDXPPACK` in place of `NDXPSEAL`, and 44 bytes for each block in place
//! of the marks: u64 offset of the block in the file, then bytes 8..44 of the block. Blocks follow on
//! each other without a gap, in the file and in their sequences. Opening reads the index; what is
//! damaged within a block shows when that is read. A damaged index is refused, and costs no entry: the
//! blocks say what they are themselves.
//!
//! # Torn or damaged
//!
//! Only an active segment is scanned at opening. Its frames are valid up to some offset; if
//! anything but zeros follows, one of these is true:
//!
//! - *torn*: the write of the last batch did not survive whole. Nobody was told that it was
//!   committed. It is blanked, and the journal goes on.
//! - *damaged*: a frame that was acknowledged is no longer valid. The proof is a valid frame
//!   anywhere behind it whose `durable` is at or past the invalid frame's sequence. The journal
//!   refuses to open and names file, offset and sequence.
//!
//! What no proof can reach: damage to the very last batch of a journal that was not closed is
//! taken for a torn write, as no later frame says that it was durable.

mod block;
mod footer;
mod frame;
mod head;

pub(crate) use block::{BLOCK_BYTES, BLOCK_MAGIC, Block, Index};
pub(crate) use footer::{Footer, Mark, Record, footer_bytes, shows_seal};
pub(crate) use frame::{FrameHead, frame_body_bytes, parse_frame};
pub use head::JournalId;
pub(crate) use head::{Form, HeadFault, SegmentHead};

/// The newest format that this program reads, and that of the segments that it packs.
pub const VERSION: u32 = 2;

/// That of the segments to which it appends.
pub(crate) const VERSION_PLAIN: u32 = 1;

/// Largest body of a frame. The largest entries are refusals and openings: a few hundred bytes,
/// bounded by the metadata limit; registry changes with a whole catalogue come near.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Smallest segment: a head, a footer and a few entries.
pub const SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// Largest segment. Recovery reads the active segment into memory whole.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// 64 MiB hold about 200,000 entries of 300 bytes: some minutes of a busy hub.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;

pub(crate) const HEAD_BYTES: usize = 64;
pub(crate) const FRAME_HEAD_BYTES: usize = 40;

/// One mark for so many frames: a look-up scans at most 512 × 300 bytes, and 64 MiB of entries
/// need 400 marks, 10 kB, which are kept in memory.
pub(crate) const FRAMES_PER_MARK: u64 = 512;

/// Largest body that fits into a segment of the given size, alone.
pub(crate) fn body_bytes_max(segment_bytes: u64) -> usize {
    let taken = HEAD_BYTES as u64 + FRAME_HEAD_BYTES as u64 + footer_bytes(1) + 1;
    usize::try_from(segment_bytes.saturating_sub(taken))
        .unwrap_or(BODY_BYTES_MAX)
        .min(BODY_BYTES_MAX)
}

/// Takes fields off the front of bytes that came from a disk.
pub(crate) struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }
}
