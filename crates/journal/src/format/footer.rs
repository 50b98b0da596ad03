//! The end of a sealed segment: its range, and a sparse index, so that opening and looking up
//! need not read the frames.

use ndxp_model::{Instant, Sequence};

use super::{FRAME_HEAD_BYTES, FRAMES_PER_MARK, Fields, HEAD_BYTES, SEGMENT_BYTES_MAX};

const LENGTH_OF_NO_FRAME: u32 = u32::MAX;
const MAGIC_LAST: [u8; 8] = *b"NDXPDONE";
const FIXED_BYTES: u64 = 72;
/// A head and one byte of body.
const FRAME_BYTES_MIN: u64 = FRAME_HEAD_BYTES as u64 + 1;

/// Where a frame stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    pub sequence: Sequence,
    pub at: Instant,
    pub offset: u64,
}

/// What the index of a sealed segment is made of: marks in a plain one, blocks in a packed one.
pub trait Record: Sized {
    const MAGIC: [u8; 8];
    const BYTES: u64;
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(fields: &mut Fields<'_>) -> Option<Self>;
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Footer<R = Mark> {
    pub first: Sequence,
    pub last: Sequence,
    pub first_at: Instant,
    pub last_at: Instant,
    pub marks: Vec<R>,
    /// Where the footer itself stands: the end of the frames.
    pub offset: u64,
}

/// Bytes of a footer with so many marks.
pub const fn footer_bytes(marks: u64) -> u64 {
    FIXED_BYTES + Mark::BYTES * marks
}

/// Whether one of a footer's magics is there although no whole footer is.
pub fn shows_seal(behind_frames: &[u8]) -> bool {
    let first = behind_frames
        .get(8..16)
        .is_some_and(|bytes| bytes == Mark::MAGIC);
    first || behind_frames.last_chunk() == Some(&MAGIC_LAST)
}

impl<R: Record> Footer<R> {
    pub fn encode(&self, seed: u32) -> Vec<u8> {
        let marks = u32::try_from(self.marks.len()).expect("a segment of 1 GiB has fewer marks");
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&LENGTH_OF_NO_FRAME.to_le_bytes());
        bytes.extend_from_slice(&marks.to_le_bytes());
        bytes.extend_from_slice(&R::MAGIC);
        bytes.extend_from_slice(&self.first.get().to_le_bytes());
        bytes.extend_from_slice(&self.last.get().to_le_bytes());
        bytes.extend_from_slice(&self.first_at.as_micros().to_le_bytes());
        bytes.extend_from_slice(&self.last_at.as_micros().to_le_bytes());
        self.marks.iter().for_each(|mark| mark.put(&mut bytes));
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        let checksum = crc32c::crc32c_append(seed, &bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&MAGIC_LAST);
        bytes
    }

    /// The footer that `bytes` are, from the first to the last.
    pub fn decode(seed: u32, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u32()? != LENGTH_OF_NO_FRAME {
            return None;
        }
        let marks = fields.u32()?;
        if fields.take()? != R::MAGIC
            || FIXED_BYTES + R::BYTES * u64::from(marks) != u64::try_from(bytes.len()).ok()?
        {
            return None;
        }
        let (checked, tail) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
        let mut tail = Fields(tail);
        if tail.u32()? != crc32c::crc32c_append(seed, checked)
            || tail.u32()? != 0
            || tail.take()? != MAGIC_LAST
        {
            return None;
        }
        Some(Self {
            first: Sequence::new(fields.u64()?),
            last: Sequence::new(fields.u64()?),
            first_at: Instant::from_micros(fields.i64()?),
            last_at: Instant::from_micros(fields.i64()?),
            marks: (0..marks)
                .map(|_| R::take(&mut fields))
                .collect::<Option<_>>()?,
            offset: fields.u64()?,
        })
    }
}

impl Footer {
    /// Where the footer begins, by the last bytes of a file, if they end one.
    pub fn offset_by_tail(tail: &[u8; Self::TAIL_BYTES]) -> Option<u64> {
        let offset = Fields(tail).u64()?;
        (tail.last_chunk() == Some(&MAGIC_LAST)).then_some(offset)
    }

    /// Bytes behind the marks.
    pub const TAIL_BYTES: usize = 24;

    /// The whole footer at the front of `bytes`, whatever follows it.
    pub fn decode_front(seed: u32, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes.get(4..)?);
        let length = footer_bytes(u64::from(fields.u32()?));
        Self::decode(seed, bytes.get(..usize::try_from(length).ok()?)?)
    }

    /// Whether a writer can have written this: a checksum says that bytes are as they were, and not
    /// that they make sense. Readers look up by the marks and rely on them.
    pub fn is_sound(&self) -> bool {
        let Some(behind_first) = self.last.get().checked_sub(self.first.get()) else {
            return false;
        };
        let frames_max = self.offset.saturating_sub(HEAD_BYTES as u64) / FRAME_BYTES_MIN;
        let fits = self.offset <= SEGMENT_BYTES_MAX && behind_first < frames_max;
        fits && self.marks_hold(behind_first)
    }

    fn marks_hold(&self, behind_first: u64) -> bool {
        let (Some(first), Some(last)) = (self.marks.first(), self.marks.last()) else {
            return false;
        };
        let sequences = self.marks.iter().map(|mark| mark.sequence.get());
        let wanted = (0..=behind_first).filter(|behind| behind.is_multiple_of(FRAMES_PER_MARK));
        sequences.eq(wanted.map(|behind| self.first.get() + behind))
            && (first.offset, first.at) == (HEAD_BYTES as u64, self.first_at)
            && (last.offset < self.offset && last.at <= self.last_at)
            && self
                .marks
                .is_sorted_by(|mark, next| mark.offset < next.offset && mark.at <= next.at)
    }
}

impl Record for Mark {
    const MAGIC: [u8; 8] = *b"NDXPSEAL";
    const BYTES: u64 = 24;

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.sequence.get().to_le_bytes());
        bytes.extend_from_slice(&self.at.as_micros().to_le_bytes());
        bytes.extend_from_slice(&self.offset.to_le_bytes());
    }

    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            sequence: Sequence::new(fields.u64()?),
            at: Instant::from_micros(fields.i64()?),
            offset: fields.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer() -> Footer {
        let mark = |sequence, offset| Mark {
            sequence: Sequence::new(sequence),
            at: Instant::from_micros(-1),
            offset,
        };
        Footer {
            first: Sequence::new(3),
            last: Sequence::new(600),
            first_at: Instant::from_micros(-1),
            last_at: Instant::from_micros(9),
            marks: vec![mark(3, 64), mark(515, 5000)],
            offset: 7000,
        }
    }

    #[test]
    fn a_footer_has_the_bytes_of_the_specification() {
        let bytes = footer().encode(5);
        assert_eq!(bytes.len(), 72 + 2 * 24);
        assert_eq!(&bytes[..16], b"\xff\xff\xff\xff\x02\0\0\0NDXPSEAL");
        assert_eq!(&bytes[16..24], 3_u64.to_le_bytes());
        assert_eq!(&bytes[24..32], 600_u64.to_le_bytes());
        assert_eq!(&bytes[32..40], (-1_i64).to_le_bytes());
        assert_eq!(&bytes[40..48], 9_i64.to_le_bytes());
        assert_eq!(&bytes[72..80], 515_u64.to_le_bytes());
        assert_eq!(&bytes[88..96], 5000_u64.to_le_bytes());
        assert_eq!(&bytes[96..104], 7000_u64.to_le_bytes());
        assert_eq!(
            &bytes[104..108],
            crc32c::crc32c_append(5, &bytes[..104]).to_le_bytes()
        );
        assert_eq!(&bytes[108..], b"\0\0\0\0NDXPDONE");
        assert_eq!(
            Footer::offset_by_tail(bytes.last_chunk().unwrap()),
            Some(7000)
        );
    }

    #[test]
    fn a_footer_that_no_writer_writes_is_not_sound() {
        // Room for what it says it holds.
        let whole = Footer {
            offset: 40_000,
            ..footer()
        };
        assert!(whole.is_sound());
        let changes: [fn(&mut Footer); 10] = [
            |footer| footer.marks.clear(),
            |footer| footer.marks.truncate(1),
            |footer| footer.marks[0].sequence = Sequence::new(4),
            |footer| footer.marks[0].offset = 65,
            |footer| footer.marks[1].offset = 64,
            |footer| footer.marks[1].offset = footer.offset,
            |footer| footer.marks[1].at = Instant::from_micros(-2),
            |footer| footer.last = Sequence::new(2),
            |footer| footer.last = Sequence::new(u64::MAX),
            |footer| footer.offset = u64::MAX,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut footer = whole.clone();
            change(&mut footer);
            assert!(!footer.is_sound(), "change {number}: {footer:?}");
        }
    }

    #[test]
    fn a_footer_comes_back_and_no_flipped_bit_passes_or_hides_the_seal() {
        let whole = footer().encode(5);
        assert_eq!(Footer::decode(5, &whole), Some(footer()));
        assert_eq!(Footer::<Mark>::decode(6, &whole), None, "another journal's");
        let followed = [&whole[..], b"more"].concat();
        assert_eq!(Footer::<Mark>::decode(5, &followed), None);
        assert_eq!(Footer::decode_front(5, &followed), Some(footer()));
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Footer::<Mark>::decode(5, &bytes), None, "bit {bit}");
            assert!(shows_seal(&bytes), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert_eq!(
                Footer::<Mark>::decode(5, &whole[..length]),
                None,
                "{length} bytes"
            );
        }
    }
}
