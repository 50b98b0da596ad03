//! Packed segments as they are read: the index first, then the blocks that are asked for. Nothing is
//! read or unpacked of a block that nobody asked for.

use std::io;

use crate::disk::DiskFile;
use crate::format::{
    BLOCK_BYTES, Block, Footer, Form, HEAD_BYTES, Index, SEGMENT_BYTES_MAX, SegmentHead,
};

/// The largest index: what is always in it, and a row of 44 bytes for each block of a segment as large
/// as one may be. Two blocks in a row are more than one is meant to be.
const INDEX_BYTES_MAX: u64 = 128 + 44 * 2 * (SEGMENT_BYTES_MAX / BLOCK_BYTES as u64 + 1);

/// The index of a packed segment: `None` when the file is none, `Some(None)` when it is one and its
/// index is damaged.
pub(crate) fn index_of(open: &dyn DiskFile, seed: u32) -> io::Result<Option<Option<Index>>> {
    let head = SegmentHead::decode(&read(open, 0, HEAD_BYTES as u64)?);
    match head {
        Ok(head) if head.form == Form::Packed => read_index(open, seed, &head).map(Some),
        _ => Ok(None),
    }
}

/// By the file's last bytes.
pub(crate) fn read_index(
    open: &dyn DiskFile,
    seed: u32,
    head: &SegmentHead,
) -> io::Result<Option<Index>> {
    let bytes = open.bytes()?;
    let tail_bytes = Footer::TAIL_BYTES as u64;
    let tail = read(open, bytes.saturating_sub(tail_bytes), tail_bytes)?;
    let offset = tail.first_chunk().and_then(Footer::offset_by_tail);
    let Some((offset, length)) = offset.and_then(|at| Some((at, bytes.checked_sub(at)?))) else {
        return Ok(None);
    };
    if length > INDEX_BYTES_MAX {
        return Ok(None);
    }
    let index = Index::decode(seed, &read(open, offset, length)?);
    Ok(index
        .filter(|index| index.offset == offset && index.first == head.first && index.is_possible()))
}

/// The frames of a block, or `None` where it is not as the index has it.
pub(crate) fn read_block(
    open: &dyn DiskFile,
    seed: u32,
    block: &Block,
) -> io::Result<Option<Vec<u8>>> {
    let stored = read(open, block.offset, block.stored_bytes())?;
    let found = Block::decode_front(seed, &stored, block.offset);
    let packed = found.and_then(|(found, packed)| (found == *block).then_some(packed));
    Ok(packed.and_then(|packed| block.unpack(seed, packed)))
}

/// As much of the range as the file holds.
fn read(open: &dyn DiskFile, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let held = open.bytes()?.saturating_sub(offset);
    let bytes = bytes.min(held).min(SEGMENT_BYTES_MAX);
    let mut buffer = vec![0; usize::try_from(bytes).unwrap_or_default()];
    let filled = open.read_at(&mut buffer, offset)?;
    buffer.truncate(filled);
    Ok(buffer)
}
