//! The first 64 bytes of a segment: which journal, which version, from which sequence on.

use std::fmt;

use ndxp_model::{Instant, Sequence};

use super::{Fields, HEAD_BYTES, VERSION, VERSION_PLAIN};

const MAGIC: [u8; 8] = *b"NDXPJRNL";

/// Tells one journal from another, and seeds the checksums of its frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JournalId(pub [u8; 16]);

impl JournalId {
    pub fn random() -> Self {
        Self(fastrand::u128(..).to_le_bytes())
    }

    /// What a frame's checksum starts from.
    pub fn seed(self) -> u32 {
        crc32c::crc32c(&self.0)
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a segment's frames stand in it; the format version in its head says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// One behind the other, as they were written.
    Plain,
    /// In packed blocks, which are made of a sealed segment.
    Packed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SegmentHead {
    pub form: Form,
    pub journal: JournalId,
    pub first: Sequence,
    pub created_at: Instant,
    pub capacity: u64,
}

/// Why 64 bytes are not the head of a segment that this program can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeadFault {
    /// Too short, no magic, or the checksum does not hold.
    Damaged,
    /// Written by a program that knows more than this one.
    UnknownVersion(u32),
}

impl Form {
    fn version(self) -> u32 {
        match self {
            Self::Plain => VERSION_PLAIN,
            Self::Packed => VERSION,
        }
    }

    fn of(version: u32) -> Option<Self> {
        [Self::Plain, Self::Packed]
            .into_iter()
            .find(|form| form.version() == version)
    }
}

impl SegmentHead {
    pub fn encode(&self) -> Vec<u8> {
        let mut before = Vec::with_capacity(HEAD_BYTES);
        before.extend_from_slice(&MAGIC);
        before.extend_from_slice(&self.form.version().to_le_bytes());
        let mut after = Vec::with_capacity(HEAD_BYTES);
        after.extend_from_slice(&self.journal.0);
        after.extend_from_slice(&self.first.get().to_le_bytes());
        after.extend_from_slice(&self.created_at.as_micros().to_le_bytes());
        after.extend_from_slice(&self.capacity.to_le_bytes());
        after.extend_from_slice(&[0; 8]);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&before), &after);
        before.extend_from_slice(&checksum.to_le_bytes());
        before.append(&mut after);
        before
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, HeadFault> {
        let bytes: &[u8; HEAD_BYTES] = bytes.first_chunk().ok_or(HeadFault::Damaged)?;
        Self::fields(bytes).ok_or(HeadFault::Damaged)?
    }

    /// The version is judged before the checksum: another version may keep it elsewhere.
    fn fields(bytes: &[u8; HEAD_BYTES]) -> Option<Result<Self, HeadFault>> {
        let mut fields = Fields(bytes);
        if fields.take()? != MAGIC {
            return None;
        }
        let version = fields.u32()?;
        let Some(form) = Form::of(version) else {
            return Some(Err(HeadFault::UnknownVersion(version)));
        };
        let checksum = fields.u32()?;
        let before = bytes.first_chunk::<12>()?;
        if checksum != crc32c::crc32c_append(crc32c::crc32c(before), fields.0) {
            return None;
        }
        Some(Ok(Self {
            form,
            journal: JournalId(fields.take()?),
            first: Sequence::new(fields.u64()?),
            created_at: Instant::from_micros(fields.i64()?),
            capacity: fields.u64()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: SegmentHead = SegmentHead {
        form: Form::Plain,
        journal: JournalId(*b"0123456789abcdef"),
        first: Sequence::new(7),
        created_at: Instant::from_micros(1_658_448_000_123_456),
        capacity: 4096,
    };

    #[test]
    fn a_head_has_the_bytes_of_the_specification() {
        let bytes = HEAD.encode();
        assert_eq!(bytes.len(), HEAD_BYTES);
        assert_eq!(&bytes[..12], b"NDXPJRNL\x01\0\0\0");
        assert_eq!(&bytes[16..32], b"0123456789abcdef");
        assert_eq!(&bytes[32..40], b"\x07\0\0\0\0\0\0\0");
        assert_eq!(&bytes[40..48], 1_658_448_000_123_456_i64.to_le_bytes());
        assert_eq!(&bytes[48..56], b"\0\x10\0\0\0\0\0\0");
        assert_eq!(&bytes[56..], [0; 8]);
        assert_eq!(SegmentHead::decode(&bytes), Ok(HEAD));
    }

    #[test]
    fn no_flipped_bit_of_a_head_passes() {
        for bit in 0..HEAD_BYTES * 8 {
            let mut bytes = HEAD.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHead::decode(&bytes).is_err(), "bit {bit}");
        }
        assert_eq!(SegmentHead::decode(&[]), Err(HeadFault::Damaged));
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let packed = SegmentHead {
            form: Form::Packed,
            ..HEAD
        };
        let mut bytes = packed.encode();
        assert_eq!(bytes[8..12], 2_u32.to_le_bytes());
        assert_eq!(SegmentHead::decode(&bytes), Ok(packed));
        bytes[8] = 3;
        assert_eq!(
            SegmentHead::decode(&bytes),
            Err(HeadFault::UnknownVersion(3))
        );
    }
}
