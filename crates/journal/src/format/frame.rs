//! One entry on disk: 40 bytes that say what it is and where it stands, and the body.

use ndxp_model::{Instant, Sequence};

use super::{BODY_BYTES_MAX, FRAME_HEAD_BYTES, Fields};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameHead {
    pub sequence: Sequence,
    pub at: Instant,
    /// The last sequence known durable when the frame was written.
    pub durable: Sequence,
    /// Frames that follow in the same batch.
    pub following: u32,
    pub kind: u8,
}

impl FrameHead {
    /// Appends the whole frame. The body holds at most [`BODY_BYTES_MAX`], checked on entry.
    pub fn encode(&self, seed: u32, body: &[u8], frames: &mut Vec<u8>) {
        let length = u32::try_from(body.len())
            .expect("a body is checked against BODY_BYTES_MAX when it is appended")
            .to_le_bytes();
        frames.reserve(FRAME_HEAD_BYTES + body.len());
        frames.extend_from_slice(&length);
        let checksum_at = frames.len();
        frames.extend_from_slice(&[0; 4]);
        let rest_at = frames.len();
        frames.extend_from_slice(&self.sequence.get().to_le_bytes());
        frames.extend_from_slice(&self.at.as_micros().to_le_bytes());
        frames.extend_from_slice(&self.durable.get().to_le_bytes());
        frames.extend_from_slice(&self.following.to_le_bytes());
        frames.push(self.kind);
        frames.resize(rest_at - 8 + FRAME_HEAD_BYTES, 0);
        frames.extend_from_slice(body);
        let checksum = checksum(seed, length, frames.get(rest_at..).unwrap_or_default());
        if let Some(place) = frames.get_mut(checksum_at..rest_at) {
            place.copy_from_slice(&checksum.to_le_bytes());
        }
    }
}

/// The frame at the front of `bytes`, if it is there whole and its checksum holds.
pub fn parse_frame(seed: u32, bytes: &[u8]) -> Option<(FrameHead, &[u8])> {
    let mut fields = Fields(bytes);
    let length_bytes = fields.take()?;
    let length = frame_body_bytes(length_bytes)?;
    let expected = fields.u32()?;
    let rest = fields.0.get(..FRAME_HEAD_BYTES - 8 + length)?;
    if checksum(seed, length_bytes, rest) != expected {
        return None;
    }
    let body = rest.get(FRAME_HEAD_BYTES - 8..)?;
    let head = FrameHead {
        sequence: Sequence::new(fields.u64()?),
        at: Instant::from_micros(fields.i64()?),
        durable: Sequence::new(fields.u64()?),
        following: fields.u32()?,
        kind: fields.take::<1>()?.first().copied()?,
    };
    Some((head, body))
}

/// The body's length by the first four bytes of a frame, if a frame can have it.
pub fn frame_body_bytes(field: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(field))
        .ok()
        .filter(|length| (1..=BODY_BYTES_MAX).contains(length))
}

/// Over all of a frame but the checksum itself; `rest` is what stands behind it.
fn checksum(seed: u32, length: [u8; 4], rest: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &length), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: FrameHead = FrameHead {
        sequence: Sequence::new(7),
        at: Instant::from_micros(-2),
        durable: Sequence::new(5),
        following: 3,
        kind: 4,
    };
    const SEED: u32 = 99;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        HEAD.encode(SEED, body, &mut bytes);
        bytes
    }

    #[test]
    fn a_frame_has_the_bytes_of_the_specification() {
        let bytes = frame(b"body");
        assert_eq!(bytes.len(), FRAME_HEAD_BYTES + 4);
        assert_eq!(&bytes[..4], b"\x04\0\0\0");
        assert_eq!(&bytes[8..16], b"\x07\0\0\0\0\0\0\0");
        assert_eq!(&bytes[16..24], b"\xfe\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(&bytes[24..32], b"\x05\0\0\0\0\0\0\0");
        assert_eq!(&bytes[32..40], b"\x03\0\0\0\x04\0\0\0");
        assert_eq!(&bytes[40..], b"body");
        let rest = [&bytes[..4], &bytes[8..]].concat();
        assert_eq!(
            bytes[4..8],
            crc32c::crc32c_append(SEED, &rest).to_le_bytes()
        );
    }

    #[test]
    fn a_frame_comes_back_and_no_flipped_bit_passes() {
        let whole = frame(b"body");
        assert_eq!(parse_frame(SEED, &whole), Some((HEAD, &b"body"[..])));
        assert_eq!(parse_frame(SEED + 1, &whole), None, "another journal's");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse_frame(SEED, &bytes), None, "bit {bit}");
        }
        for length in 0..whole.len() {
            assert_eq!(parse_frame(SEED, &whole[..length]), None, "{length} bytes");
        }
    }
}
