//! What passes in one direction, measured without decoding: bytes, gRPC messages, digest. What is
//! read is judged by its framing; what is passed on is measured.
//!
//! The five-byte prefixes of gRPC messages are followed across frames of any size; the bytes
//! themselves are hashed while they are hot and never copied.

use ring::digest::{Context, SHA256};

/// Prefix of a gRPC message: one byte of flags, four bytes of length, big-endian.
const PREFIX_BYTES: usize = 5;

/// A direction's running measure.
pub struct Meter {
    bytes: u64,
    digest: Context,
    framing: Framing,
}

/// Follows the messages of a direction, and what is wrong with them.
#[derive(Clone, Debug)]
pub struct Framing {
    messages: u64,
    message_bytes_max: u64,
    /// Bytes of the present message that are still to come.
    missing: u64,
    prefix: [u8; PREFIX_BYTES],
    prefix_bytes: usize,
}

/// The finished measure.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub bytes: u64,
    pub messages: u64,
    /// SHA-256 over the salt and the framed bytes; empty when no byte passed.
    pub digest: Vec<u8>,
}

/// What a gRPC-framed stream can do wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FramingError {
    #[error("a message of {found} bytes; at most {expected} are carried")]
    MessageTooLarge { found: u64, expected: u64 },
    #[error("the stream ended {missing} bytes short of what its last message announced")]
    Truncated { missing: u64 },
    #[error("message flags {found:#04x}; the specification knows 0 and 1")]
    UnknownFlags { found: u8 },
}

impl Meter {
    #[must_use]
    pub fn new(salt: &[u8]) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(salt);
        Self {
            bytes: 0,
            digest,
            framing: Framing::new(u64::MAX),
        }
    }

    /// Takes note of the next bytes that pass.
    pub fn pass(&mut self, chunk: &[u8]) {
        self.digest.update(chunk);
        self.bytes += chunk.len() as u64;
        // What is wrong with them was judged before they passed.
        let _judged = self.framing.pass(chunk);
    }

    /// Bytes that have passed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    #[must_use]
    pub fn measured(self) -> Measured {
        let digest = match self.bytes {
            0 => Vec::new(),
            _ => self.digest.finish().as_ref().to_vec(),
        };
        Measured {
            bytes: self.bytes,
            messages: self.framing.messages,
            digest,
        }
    }
}

impl Framing {
    #[must_use]
    pub fn new(message_bytes_max: u64) -> Self {
        Self {
            messages: 0,
            message_bytes_max,
            missing: 0,
            prefix: [0; PREFIX_BYTES],
            prefix_bytes: 0,
        }
    }

    /// Follows the next bytes of the stream.
    ///
    /// # Errors
    /// When they announce a message that is too large, or flags that no message has.
    pub fn pass(&mut self, chunk: &[u8]) -> Result<(), FramingError> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let skipped = usize::try_from(self.missing)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            self.missing -= skipped as u64;
            rest = rest.get(skipped..).unwrap_or_default();
            while self.missing == 0
                && let Some((byte, behind)) = rest.split_first()
            {
                rest = behind;
                self.prefix_byte(*byte)?;
            }
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When it ends within a message.
    pub fn end(&self) -> Result<(), FramingError> {
        let missing = match self.prefix_bytes {
            0 => self.missing,
            begun => (PREFIX_BYTES - begun) as u64,
        };
        if missing == 0 {
            Ok(())
        } else {
            Err(FramingError::Truncated { missing })
        }
    }

    fn prefix_byte(&mut self, byte: u8) -> Result<(), FramingError> {
        if let Some(place) = self.prefix.get_mut(self.prefix_bytes) {
            *place = byte;
        }
        self.prefix_bytes += 1;
        if self.prefix_bytes < PREFIX_BYTES {
            return Ok(());
        }
        self.prefix_bytes = 0;
        self.messages += 1;
        let [flags, length @ ..] = self.prefix;
        if flags > 1 {
            return Err(FramingError::UnknownFlags { found: flags });
        }
        self.missing = u64::from(u32::from_be_bytes(length));
        if self.missing > self.message_bytes_max {
            let (found, expected) = (self.missing, self.message_bytes_max);
            return Err(FramingError::MessageTooLarge { found, expected });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &[u8] = &[0, 0, 0, 0, 2, 7, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9];

    #[test]
    fn messages_are_counted_however_the_stream_is_cut() {
        for size in 1..=THREE.len() {
            let (mut meter, mut framing) = (Meter::new(b"salt"), Framing::new(100));
            for chunk in THREE.chunks(size) {
                framing.pass(chunk).unwrap();
                meter.pass(chunk);
            }
            framing.end().unwrap();
            let measured = meter.measured();
            assert_eq!(
                (measured.bytes, measured.messages),
                (THREE.len() as u64, 3),
                "{size}"
            );
            let salted = [b"salt", THREE].concat();
            let expected = ring::digest::digest(&SHA256, &salted);
            assert_eq!(measured.digest, expected.as_ref(), "{size}");
        }
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: FramingError) {
        let mut framing = Framing::new(3);
        let found = framing.pass(bytes).and_then(|()| framing.end());
        assert_eq!(found, Err(expected), "{bytes:?}");
    }

    #[test]
    fn a_stream_that_lies_about_its_messages_is_found_out() {
        check(&[0], FramingError::Truncated { missing: 4 });
        check(
            &[0, 0, 0, 0, 3, 1, 1],
            FramingError::Truncated { missing: 1 },
        );
        check(
            &[0, 0, 0, 0, 4],
            FramingError::MessageTooLarge {
                found: 4,
                expected: 3,
            },
        );
        check(&[2, 0, 0, 0, 0], FramingError::UnknownFlags { found: 2 });
    }
}
