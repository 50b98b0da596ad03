//! What a round writes, in a file of its own before any of it is in sled: a round can then go into
//! sled bit by bit, beside questions and counting, and is still written as a whole or not at all.
//!
//! sled 0.34 was seen not to use the room of rows that are gone again where one of its batches writes
//! more than some 2,000 of them, so that its file grew with all that was ever written. So a round goes
//! in pieces; what a killed process has left out is taken from here at the next start. The pieces are
//! whole values, so that it does no harm to write one twice.
//!
//! `counters/round`, to the byte; numbers are big-endian:
//!
//! ```text
//! magic        "ndxprnd1"
//! base:u64     the sequence that the store has reached before the round
//! through:u64  and after it
//! pairs, each:
//!   key        length:u32, bytes
//!   value      length:u32, bytes; the length 2^32 - 1 and no bytes where the key goes
//! crc:u32      CRC32C of all that stands before
//! ```
//!
//! The file of a round is written over by that of the next, once sled's own files are durable. One
//! that is cut short was never begun in sled.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use ndxp_model::Sequence;
use sled::IVec;

const MAGIC: &[u8; 8] = b"ndxprnd1";
const GONE: u32 = u32::MAX;

/// A key and its new value; `None` where it goes.
pub type Pair = (Vec<u8>, Option<IVec>);

/// A delta as the store will hold it.
#[derive(Debug, Eq, PartialEq)]
pub struct Round {
    pub base: Sequence,
    pub through: Sequence,
    /// The head last.
    pub pairs: Vec<Pair>,
}

impl Round {
    /// Writes the file, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let unfinished = path.with_extension("tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(&self.encode())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        match path.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// The round in the file; `None` where there is none, or not a whole one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.base.get().to_be_bytes());
        bytes.extend(self.through.get().to_be_bytes());
        for (key, value) in &self.pairs {
            put(&mut bytes, key);
            match value {
                Some(value) => put(&mut bytes, value),
                None => bytes.extend(GONE.to_be_bytes()),
            }
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend(crc.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (told, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(told) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut rest = told.strip_prefix(MAGIC)?;
        let base = Sequence::new(u64::from_be_bytes(*chunk(&mut rest)?));
        let through = Sequence::new(u64::from_be_bytes(*chunk(&mut rest)?));
        let mut pairs = Vec::new();
        while !rest.is_empty() {
            let key = take(&mut rest)??.to_vec();
            let value = take(&mut rest)?.map(IVec::from);
            pairs.push((key, value));
        }
        Some(Self {
            base,
            through,
            pairs,
        })
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("a row is some kilobytes");
    bytes.extend(length.to_be_bytes());
    bytes.extend(part);
}

fn chunk<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (chunk, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(chunk)
}

/// The next part; within it `None` where its length says that it is gone.
fn take<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = u32::from_be_bytes(*chunk(rest)?);
    if length == GONE {
        return Some(None);
    }
    let (part, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = behind;
    Some(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> Round {
        Round {
            base: Sequence::new(7),
            through: Sequence::new(9),
            pairs: vec![
                (b"one".to_vec(), Some(IVec::from(&b"value"[..]))),
                (b"gone".to_vec(), None),
                (b"empty".to_vec(), Some(IVec::from(&b""[..]))),
            ],
        }
    }

    #[test]
    fn a_round_is_stored_as_the_format_says() {
        let bytes = Round {
            pairs: vec![(b"k".to_vec(), None)],
            ..round()
        }
        .encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let told = "6e64787072 6e6431 0000000000000007 0000000000000009 00000001 6b ffffffff";
        assert_eq!(hex[..hex.len() - 8], told.replace(' ', ""));
        assert_eq!(Round::decode(&round().encode()), Some(round()));
    }

    #[test]
    fn a_round_that_is_cut_short_or_harmed_is_none() {
        let bytes = round().encode();
        for end in 0..bytes.len() {
            assert_eq!(Round::decode(&bytes[..end]), None, "{end}");
        }
        for place in 0..bytes.len() {
            let mut harmed = bytes.clone();
            harmed[place] ^= 0x10;
            assert_eq!(Round::decode(&harmed), None, "{place}");
        }
    }

    #[test]
    fn the_next_round_takes_the_place_of_the_last() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("round");
        assert_eq!(Round::read(&path).unwrap(), None);
        for through in [9, 11] {
            let round = Round {
                through: Sequence::new(through),
                ..round()
            };
            round.write(&path).unwrap();
            assert_eq!(Round::read(&path).unwrap(), Some(round));
        }
    }
}
