//! The journal's files and its entries: what a disk, or whoever wrote on it, gives back.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ndxp_journal::{Disk, DiskFile, DiskLock, Reader};
use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::Entry;
use ndxp_registry::Registry;
use prost::Message as _;

use crate::check_error;

const DIRECTORY: &str = "/journal";
const HEAD_BYTES: usize = 64;
const FRAME_HEAD_BYTES: usize = 40;
/// What stands where a frame has its length, at the front of a footer.
const FOOTER: u32 = u32::MAX;
const FOOTER_BYTES: usize = 72;
const MARK_BYTES: usize = 24;
/// Of a packed segment; a record of its index is as long.
const BLOCK_HEAD_BYTES: usize = 44;
/// From a footer's end to its checksum.
const FOOTER_TAIL_BYTES: usize = 16;

/// A segment as it is, and again with every checksum made good, so that what stands behind a
/// checksum is reached. The file opens or is refused; entries come in order, whole, up to the end
/// that the reader names or up to an error.
pub fn segment(data: &[u8]) {
    check(data);
    let mut mended = data.to_vec();
    if mend(&mut mended).is_some() {
        check(&mended);
    }
}

fn check(bytes: &[u8]) {
    let disk = OneFile(bytes.into());
    let reader = match Reader::open_on(Arc::new(disk), Path::new(DIRECTORY)) {
        Ok(reader) => reader,
        Err(error) => return check_error(&error),
    };
    let end = reader.position().expect("files know their end").sequence;
    let (mut last, mut last_at) = (Sequence::NONE, i64::MIN);
    let mut registry = Registry::empty();
    for entry in reader.entries(Sequence::new(1), Sequence::new(u64::MAX)) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return check_error(&error),
        };
        assert_eq!(entry.sequence, last.get() + 1);
        assert!(entry.committed_at_us >= last_at);
        (last, last_at) = (Sequence::new(entry.sequence), entry.committed_at_us);
        if let Err(error) = registry.apply(&entry) {
            check_error(&error);
        }
    }
    assert_eq!(last, end);
    let after = reader.first_at_or_after(Instant::from_micros(last_at));
    assert!(after.expect("all frames were read") <= Some(end));
}

/// Any bytes as one entry: what is read is what would be written, and what the registry cannot
/// fold it refuses, and stays as it was.
pub fn entry(data: &[u8]) {
    let Ok(mut entry) = Entry::decode(data) else {
        return;
    };
    let again = Entry::decode(entry.encode_to_vec().as_slice());
    assert_eq!(again.as_ref(), Ok(&entry));
    entry.sequence = 1;
    let mut registry = Registry::empty();
    match registry.apply(&entry) {
        Ok(()) => assert_eq!(registry.watermark().get(), 1),
        Err(error) => {
            check_error(&error);
            assert_eq!(registry.watermark(), Sequence::NONE);
        }
    }
}

/// Writes the magic, the version, the first sequence and every checksum as the format wants them.
fn mend(bytes: &mut [u8]) -> Option<()> {
    let head: &mut [u8; HEAD_BYTES] = bytes.first_chunk_mut()?;
    let packed = head.get(8) == Some(&2);
    put(head, 0, b"NDXPJRNL\x01\0\0\0")?;
    put(head, 8, &[1 + u8::from(packed)])?;
    put(head, 32, &1_u64.to_le_bytes())?;
    let (before, after) = (head.get(..12)?, head.get(16..)?);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(before), after);
    put(head, 12, &checksum.to_le_bytes())?;
    let seed = crc32c::crc32c(head.get(16..32)?);
    if packed {
        return mend_packed(bytes, seed);
    }
    let mut offset = HEAD_BYTES;
    while let Some(rest) = bytes.get_mut(offset..) {
        let Some(length) = u32_at(rest, 0) else { break };
        offset += match length {
            FOOTER => mend_footer(rest, seed)?,
            length => mend_frame(rest, seed, usize::try_from(length).ok()?)?,
        };
    }
    Some(())
}

/// Makes the index say what the blocks say, as far as both go.
fn mend_packed(bytes: &mut [u8], seed: u32) -> Option<()> {
    let mut offset = HEAD_BYTES;
    let mut records = Vec::new();
    while let Some(rest) = bytes.get_mut(offset..)
        && u32_at(rest, 0)? != FOOTER
        && rest.len() >= BLOCK_HEAD_BYTES
    {
        let length = BLOCK_HEAD_BYTES.checked_add(usize::try_from(u32_at(rest, 32)?).ok()?)?;
        put(rest, 0, b"NDXPBLCK")?;
        let (head, packed) = (rest.get(..40)?, rest.get(BLOCK_HEAD_BYTES..length)?);
        let checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, head), packed);
        put(rest, 40, &checksum.to_le_bytes())?;
        records.push((offset, rest.get(8..BLOCK_HEAD_BYTES)?.to_vec()));
        offset = offset.checked_add(length)?;
    }
    let rest = bytes.get_mut(offset..)?;
    let blocks = usize::try_from(u32_at(rest, 4)?).ok()?;
    let length = blocks
        .checked_mul(BLOCK_HEAD_BYTES)?
        .checked_add(FOOTER_BYTES)?;
    for ((place, record), at) in records.iter().zip((48..).step_by(BLOCK_HEAD_BYTES)) {
        if at + BLOCK_HEAD_BYTES <= length {
            put(rest, at, &u64::try_from(*place).ok()?.to_le_bytes())?;
            put(rest, at + 8, record)?;
        }
    }
    let checksum = crc32c::crc32c_append(seed, rest.get(..length - FOOTER_TAIL_BYTES)?);
    put(rest, length - FOOTER_TAIL_BYTES, &checksum.to_le_bytes())
}

/// Answers the frame's length.
fn mend_frame(rest: &mut [u8], seed: u32, body: usize) -> Option<usize> {
    let length = FRAME_HEAD_BYTES.checked_add(body)?;
    let (Some(first), Some(others)) = (rest.get(..4), rest.get(8..length)) else {
        // Torn, or zeros to the end.
        return Some(length);
    };
    let checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, first), others);
    put(rest, 4, &checksum.to_le_bytes())?;
    Some(length)
}

/// Answers the footer's length.
fn mend_footer(rest: &mut [u8], seed: u32) -> Option<usize> {
    let marks = usize::try_from(u32_at(rest, 4)?).ok()?;
    let length = marks.checked_mul(MARK_BYTES)?.checked_add(FOOTER_BYTES)?;
    if rest.len() >= length {
        let checksum = crc32c::crc32c_append(seed, rest.get(..length - FOOTER_TAIL_BYTES)?);
        put(rest, length - FOOTER_TAIL_BYTES, &checksum.to_le_bytes())?;
    }
    Some(length)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Option<()> {
    let place = bytes.get_mut(at..at.checked_add(value.len())?)?;
    place.copy_from_slice(value);
    Some(())
}

/// A directory with the journal's first segment in it, to read.
#[derive(Debug)]
struct OneFile(Arc<[u8]>);

impl OneFile {
    fn refused<T>() -> io::Result<T> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl Disk for OneFile {
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Self::refused()
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn DiskLock>> {
        Self::refused()
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(vec![format!("{:020}.segment", 1)])
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Self::refused()
    }

    fn open(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(Self(Arc::clone(&self.0))))
    }

    fn open_to_write(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Self::refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Self::refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Self::refused()
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Self::refused()
    }
}

impl DiskFile for OneFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.0.get(offset..).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(rest) {
            *place = *byte;
        }
        Ok(taken)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Self::refused()
    }

    fn set_bytes(&self, _: u64) -> io::Result<()> {
        Self::refused()
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::refused()
    }
}
