//! Reading header blocks.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::names::{Field, Pseudo, static_field};
use super::{ENTRIES_MAX, STATIC_ENTRIES, TABLE_BYTES_MAX, huffman};
use crate::error::Reason;

/// The longest integer that a block may hold; nothing that is bounded here comes near it.
const INTEGER_MAX: usize = 1 << 28;

/// Room for text that a connection keeps between two blocks.
const TEXT_BYTES_KEPT: usize = 1_024;

/// What one side of a connection has said of headers so far.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The newest first.
    entries: VecDeque<Field>,
    bytes: usize,
    bytes_max: Option<usize>,
    /// Text of a string that is being read.
    text: Vec<u8>,
}

/// Why a block cannot be read. All of them end the connection, as its table is unknown from there on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    #[error("a header block ends within a field")]
    Truncated,
    #[error("an integer in a header block is longer than any can be")]
    IntegerTooLong,
    #[error("a header block names an entry that no table has")]
    UnknownIndex,
    #[error("a string in a header block is not Huffman code")]
    NoText,
    #[error("a header's name is none")]
    InvalidName,
    #[error("a header's value has bytes that none may have")]
    InvalidValue,
    #[error("the size of the header table is changed within a block, or beyond what was offered")]
    InvalidSize,
}

/// How a literal is to be kept.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Keep {
    InTheTable,
    Nowhere,
    /// Nor by whoever passes it on.
    Never,
}

impl DecodeError {
    /// What the other side is told: that the tables are out of step, or that it said what nobody may.
    pub fn reason(self) -> Reason {
        match self {
            Self::InvalidName | Self::InvalidValue => Reason::PROTOCOL_ERROR,
            _ => Reason::COMPRESSION_ERROR,
        }
    }
}

impl Decoder {
    /// Reads a whole block, field by field, until `each` has enough. The table is then unknown, and the
    /// connection has to end.
    pub fn decode(
        &mut self,
        mut block: &[u8],
        mut each: impl FnMut(Field) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        let mut begun = false;
        while let Some(first) = block.first() {
            let field = match first {
                0x80.. => {
                    let index = integer(&mut block, 7)?;
                    self.field(index)?.clone()
                }
                0x40.. => self.literal(&mut block, 6, Keep::InTheTable)?,
                0x20.. => {
                    let size = integer(&mut block, 5)?;
                    if begun || size > TABLE_BYTES_MAX {
                        return Err(DecodeError::InvalidSize);
                    }
                    self.bytes_max = Some(size);
                    self.evict(size);
                    continue;
                }
                0x10.. => self.literal(&mut block, 4, Keep::Never)?,
                _ => self.literal(&mut block, 4, Keep::Nowhere)?,
            };
            begun = true;
            if each(field).is_break() {
                break;
            }
        }
        // What a large string took is not kept for ever.
        self.text.clear();
        self.text.shrink_to(TEXT_BYTES_KEPT);
        Ok(())
    }

    fn field(&self, index: usize) -> Result<&Field, DecodeError> {
        let field = match index.checked_sub(STATIC_ENTRIES + 1) {
            None => static_field(index),
            Some(place) => self.entries.get(place),
        };
        field.ok_or(DecodeError::UnknownIndex)
    }

    fn literal(
        &mut self,
        block: &mut &[u8],
        prefix_bits: u32,
        keep: Keep,
    ) -> Result<Field, DecodeError> {
        let mut field = match integer(block, prefix_bits)? {
            0 => {
                let name = string(block, &mut self.text)?;
                match Pseudo::named(name) {
                    Some(pseudo) => Field::Pseudo(pseudo, Bytes::new()),
                    None => {
                        let name = HeaderName::from_lowercase(name);
                        let name = name.map_err(|_| DecodeError::InvalidName)?;
                        Field::Regular(name, HeaderValue::from_static(""))
                    }
                }
            }
            index => self.field(index)?.clone(),
        };
        let text = Bytes::copy_from_slice(string(block, &mut self.text)?);
        match &mut field {
            Field::Pseudo(pseudo, value) => {
                if !pseudo.can_be(&text) {
                    return Err(DecodeError::InvalidValue);
                }
                *value = text;
            }
            Field::Regular(_, value) => {
                let read = HeaderValue::from_maybe_shared(text);
                *value = read.map_err(|_| DecodeError::InvalidValue)?;
                value.set_sensitive(keep == Keep::Never);
            }
        }
        if keep == Keep::InTheTable {
            self.insert(field.clone());
        }
        Ok(field)
    }

    fn insert(&mut self, field: Field) {
        let bytes = field.bytes();
        let bytes_max = self.bytes_max.unwrap_or(TABLE_BYTES_MAX);
        // One that is larger than the table empties it: section 4.4.
        self.evict(bytes_max.saturating_sub(bytes));
        if bytes <= bytes_max {
            debug_assert!(
                self.entries.len() < ENTRIES_MAX,
                "each has 32 bytes at least"
            );
            self.bytes += bytes;
            self.entries.push_front(field);
        }
    }

    /// Drops the oldest until so much is left.
    fn evict(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.bytes();
        }
    }
}

/// Reads an integer whose first bits stand in the low end of a byte: section 5.1.
fn integer(block: &mut &[u8], prefix_bits: u32) -> Result<usize, DecodeError> {
    let (first, mut rest) = block.split_first().ok_or(DecodeError::Truncated)?;
    let prefix_max = (1_usize << prefix_bits) - 1;
    let mut value = usize::from(*first) & prefix_max;
    if value == prefix_max {
        let mut shift = 0;
        loop {
            let (byte, behind) = rest.split_first().ok_or(DecodeError::Truncated)?;
            rest = behind;
            value += (usize::from(*byte) & 0x7f) << shift;
            shift += 7;
            if value > INTEGER_MAX || shift > 28 {
                return Err(DecodeError::IntegerTooLong);
            }
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *block = rest;
    Ok(value)
}

/// Reads a string: as it stands in the block, or into `text` if it is in Huffman code.
fn string<'a, 'b: 'a>(
    block: &mut &'b [u8],
    text: &'a mut Vec<u8>,
) -> Result<&'a [u8], DecodeError> {
    let coded = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(block, 7)?;
    let (string, rest) = block
        .split_at_checked(length)
        .ok_or(DecodeError::Truncated)?;
    *block = rest;
    if !coded {
        return Ok(string);
    }
    text.clear();
    huffman::decode(string, text).map_err(|_| DecodeError::NoText)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(field: &Field) -> String {
        match field {
            Field::Pseudo(pseudo, value) => format!("{pseudo:?}={}", value.escape_ascii()),
            Field::Regular(name, value) => format!("{name}={value:?}"),
        }
    }

    /// A block, and what it says or why it cannot be read.
    type Row<'a> = (&'a [u8], Result<&'a [&'a str], DecodeError>);

    /// Reads blocks one behind the other.
    #[track_caller]
    fn check(blocks: &[Row<'_>]) {
        let mut decoder = Decoder::default();
        for (block, expected) in blocks {
            let mut found = Vec::new();
            let read = decoder.decode(block, |field| {
                found.push(text(&field));
                ControlFlow::Continue(())
            });
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(read.map(|()| &*found), *expected, "{block:02x?}");
        }
    }

    #[test]
    fn requests_of_the_rfcs_examples_are_read() {
        // Appendix C.3: three requests, of which each refers to those before.
        check(&[
            (
                b"\x82\x86\x84\x41\x0fwww.example.com",
                Ok(&[
                    "Method=GET",
                    "Scheme=http",
                    "Path=/",
                    "Authority=www.example.com",
                ]),
            ),
            (
                b"\x82\x86\x84\xbe\x58\x08no-cache",
                Ok(&[
                    "Method=GET",
                    "Scheme=http",
                    "Path=/",
                    "Authority=www.example.com",
                    "cache-control=\"no-cache\"",
                ]),
            ),
            (
                b"\x82\x87\x85\xbf\x40\x0acustom-key\x0ccustom-value",
                Ok(&[
                    "Method=GET",
                    "Scheme=https",
                    "Path=/index.html",
                    "Authority=www.example.com",
                    "custom-key=\"custom-value\"",
                ]),
            ),
        ]);
    }

    #[test]
    fn a_value_that_nobody_may_keep_is_marked() {
        check(&[
            (b"\x10\x01a\x01b", Ok(&["a=Sensitive"])),
            (b"\x00\x01a\x01b", Ok(&["a=\"b\""])),
            // Neither is in the table.
            (b"\xbe", Err(DecodeError::UnknownIndex)),
        ]);
    }

    #[test]
    fn the_table_forgets_the_oldest() {
        let entry = |name: &[u8], length: usize| {
            let mut block = vec![0x40, 1];
            block.extend_from_slice(name);
            // 127 and what is above it.
            block.extend([0x7f, ((length - 127) % 128) as u8 | 0x80]);
            block.push(((length - 127) / 128) as u8);
            block.extend(vec![b'v'; length]);
            block
        };
        let (a, b) = (entry(b"a", 2_000), entry(b"b", 2_100));
        let mut decoder = Decoder::default();
        for block in [&a, &b] {
            decoder
                .decode(block, |_| ControlFlow::Continue(()))
                .unwrap();
        }
        assert_eq!(decoder.entries.len(), 1);
        assert_eq!(decoder.bytes, 2_133);
        let huge = entry(b"c", 4_096);
        decoder
            .decode(&huge, |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!((decoder.entries.len(), decoder.bytes), (0, 0));
        decoder.decode(&a, |_| ControlFlow::Continue(())).unwrap();
        decoder
            .decode(&[0x20], |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!((decoder.entries.len(), decoder.bytes), (0, 0));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        use DecodeError::*;
        let rows: [(&[u8], DecodeError); 12] = [
            (b"\x80", UnknownIndex),
            (b"\xbe", UnknownIndex),
            (b"\x40", Truncated),
            (b"\x40\x01", Truncated),
            (b"\x40\x01a\x05b", Truncated),
            (b"\x40\x01A\x01b", InvalidName),
            (b"\x40\x00\x01b", InvalidName),
            (b"\x40\x07:secret\x01b", InvalidName),
            (b"\x40\x01a\x01\n", InvalidValue),
            (b"\x40\x81\x00\x01b", NoText),
            (b"\xff\xff\xff\xff\xff\xff", IntegerTooLong),
            (b"\x82\x20", InvalidSize),
        ];
        for (block, expected) in rows {
            let skip = usize::from(expected == InvalidSize);
            let mut fields = 0;
            let read = Decoder::default().decode(block, |_| {
                fields += 1;
                ControlFlow::Continue(())
            });
            assert_eq!((read, fields), (Err(expected), skip), "{block:02x?}");
        }
        check(&[
            (b"\x3f\xe2\x1f", Err(InvalidSize)),
            (b"\x3f\xe1\x1f", Ok(&[])),
        ]);
    }
}
