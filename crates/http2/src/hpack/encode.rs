//! Writing header blocks. What repeats from call to call enters the table; what is marked as belonging
//! to one call never does, and nothing is written in Huffman code.

use super::names::STATIC;
use super::{ENTRIES_MAX, ENTRY_BYTES, STATIC_ENTRIES, TABLE_BYTES_MAX};

/// What enters the table takes a quarter of it at most: a large value seldom repeats, and would push
/// out much that does.
const KEPT_BYTES_MAX: usize = TABLE_BYTES_MAX / 4;

/// Of the names of the static table.
#[expect(clippy::indexing_slicing, reason = "computed when this is compiled")]
static STATIC_NAMES: [u32; STATIC_ENTRIES] = {
    let mut hashes = [0; STATIC_ENTRIES];
    let mut place = 0;
    while place < STATIC_ENTRIES {
        hashes[place] = hash(0, STATIC[place].0.as_bytes());
        place += 1;
    }
    hashes
};

/// What the other side has been told of headers.
#[derive(Debug)]
pub struct Encoder {
    /// The newest last.
    entries: Vec<Entry>,
    /// Of each entry's name and value, and of its name alone: looked through before the entries.
    wholes: Vec<u32>,
    names: Vec<u32>,
    bytes: usize,
    bytes_max: usize,
    /// Sizes to be told before the next block: the least since the last one, and the one that holds.
    resized: Option<(usize, usize)>,
}

#[derive(Debug)]
struct Entry {
    /// Name and value, one behind the other.
    text: Box<[u8]>,
    name_bytes: usize,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            wholes: Vec::new(),
            names: Vec::new(),
            bytes: 0,
            bytes_max: TABLE_BYTES_MAX,
            resized: None,
        }
    }
}

impl Encoder {
    /// The other side keeps a table of at most so many bytes.
    pub fn resize(&mut self, bytes_max: usize) {
        let bytes_max = bytes_max.min(TABLE_BYTES_MAX);
        if bytes_max == self.bytes_max {
            return;
        }
        let least = self
            .resized
            .map_or(bytes_max, |(least, _)| least.min(bytes_max));
        self.resized = Some((least, bytes_max));
        self.bytes_max = bytes_max;
        self.evict(bytes_max);
    }

    /// Begins a block.
    pub fn begin(&mut self, block: &mut Vec<u8>) {
        if let Some((least, last)) = self.resized.take() {
            if least < last {
                integer(block, 0x20, 5, least);
            }
            integer(block, 0x20, 5, last);
        }
    }

    /// A field of the static table.
    pub fn known(block: &mut Vec<u8>, index: u8) {
        block.push(0x80 | index);
    }

    /// A field that every later block may refer to, unless it is `sensitive`.
    pub fn field(&mut self, block: &mut Vec<u8>, name: &[u8], value: &[u8], sensitive: bool) {
        let name_hash = hash(0, name);
        if sensitive {
            self.literal(block, (0x10, 4), (name, name_hash), value);
            return;
        }
        let whole_hash = hash(name_hash, value);
        let equal = |entry: &Entry| entry.name() == name && entry.value() == value;
        if let Some(index) = self.index(&self.wholes, whole_hash, equal) {
            integer(block, 0x80, 7, index);
            return;
        }
        let bytes = ENTRY_BYTES + name.len() + value.len();
        if bytes > KEPT_BYTES_MAX.min(self.bytes_max) {
            self.literal(block, (0x00, 4), (name, name_hash), value);
            return;
        }
        self.literal(block, (0x40, 6), (name, name_hash), value);
        self.evict(self.bytes_max - bytes);
        self.bytes += bytes;
        self.wholes.push(whole_hash);
        self.names.push(name_hash);
        self.entries.push(Entry {
            text: [name, value].concat().into(),
            name_bytes: name.len(),
        });
        debug_assert!(
            self.entries.len() <= ENTRIES_MAX,
            "each has 32 bytes at least"
        );
    }

    fn literal(
        &self,
        block: &mut Vec<u8>,
        (pattern, prefix_bits): (u8, u32),
        (name, name_hash): (&[u8], u32),
        value: &[u8],
    ) {
        match self.name_index(name, name_hash) {
            Some(index) => integer(block, pattern, prefix_bits, index),
            None => {
                block.push(pattern);
                string(block, name);
            }
        }
        string(block, value);
    }

    fn name_index(&self, name: &[u8], name_hash: u32) -> Option<usize> {
        let place = STATIC_NAMES.iter().position(|hash| *hash == name_hash);
        let known = place.filter(|place| {
            let named = STATIC.get(*place).map(|(name, _)| name.as_bytes());
            named == Some(name)
        });
        known
            .map(|place| place + 1)
            .or_else(|| self.index(&self.names, name_hash, |entry| entry.name() == name))
    }

    /// The index of an entry, by one of its hashes.
    fn index(&self, hashes: &[u32], wanted: u32, equal: impl Fn(&Entry) -> bool) -> Option<usize> {
        let place = hashes.iter().rposition(|hash| *hash == wanted)?;
        let entry = self.entries.get(place).filter(|entry| equal(entry));
        entry.map(|_| STATIC_ENTRIES + self.entries.len() - place)
    }

    /// Forgets the oldest until so much is left.
    fn evict(&mut self, bytes_max: usize) {
        let mut forgotten = 0;
        for entry in &self.entries {
            if self.bytes <= bytes_max {
                break;
            }
            self.bytes -= ENTRY_BYTES + entry.text.len();
            forgotten += 1;
        }
        self.entries.drain(..forgotten);
        self.wholes.drain(..forgotten);
        self.names.drain(..forgotten);
    }
}

impl Entry {
    fn name(&self) -> &[u8] {
        self.text.get(..self.name_bytes).unwrap_or_default()
    }

    fn value(&self) -> &[u8] {
        self.text.get(self.name_bytes..).unwrap_or_default()
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "within the length that it is compared with"
)]
/// A filter before texts are compared. Of two texts that collide, the older is written as if it were not
/// in the table.
const fn hash(seed: u32, text: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = seed as u64 ^ text.len() as u64;
    let (words, mut rest) = text.as_chunks::<8>();
    let mut place = 0;
    while place < words.len() {
        let word = u64::from_le_bytes(words[place]);
        state = (state.rotate_left(5) ^ word).wrapping_mul(FACTOR);
        place += 1;
    }
    let mut last = 0;
    while let Some((byte, behind)) = rest.split_last() {
        last = last << 8 | *byte as u64;
        rest = behind;
    }
    state = (state.rotate_left(5) ^ last).wrapping_mul(FACTOR);
    (state >> 32) as u32
}

fn integer(block: &mut Vec<u8>, pattern: u8, prefix_bits: u32, value: usize) {
    let prefix_max = (1_usize << prefix_bits) - 1;
    if value < prefix_max {
        block.push(pattern | value as u8);
        return;
    }
    block.push(pattern | prefix_max as u8);
    let mut rest = value - prefix_max;
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

fn string(block: &mut Vec<u8>, text: &[u8]) {
    integer(block, 0, 7, text.len());
    block.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::{Decoder, Field};
    use super::*;

    fn read(decoder: &mut Decoder, block: &[u8]) -> Vec<(String, String, bool)> {
        let mut found = Vec::new();
        let decoded = decoder.decode(block, |field| {
            if let Field::Regular(name, value) = field {
                let text = String::from_utf8(value.as_bytes().to_vec()).unwrap();
                found.push((name.to_string(), text, value.is_sensitive()));
            }
            ControlFlow::Continue(())
        });
        decoded.unwrap();
        found
    }

    #[test]
    fn what_is_written_is_read_and_the_second_time_in_a_byte() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let long = "x".repeat(5_000);
        let fields: [(&str, &str, bool); 5] = [
            ("content-type", "application/grpc", false),
            ("grpc-timeout", "10S", true),
            ("empty", "", false),
            ("long", &long, false),
            ("user-agent", "grpc", false),
        ];
        let mut sizes = Vec::new();
        for _ in 0..3 {
            let mut block = Vec::new();
            encoder.begin(&mut block);
            for (name, value, sensitive) in fields {
                encoder.field(&mut block, name.as_bytes(), value.as_bytes(), sensitive);
            }
            let expected = fields
                .map(|(name, value, sensitive)| (name.to_owned(), value.to_owned(), sensitive));
            assert_eq!(read(&mut decoder, &block), expected);
            sizes.push(block.len());
        }
        let literals = 1 + 13 + 4 + 1 + 5 + 3 + long.len();
        assert_eq!(sizes[1..], [literals + 3, literals + 3]);
    }

    #[test]
    fn a_table_that_is_full_or_resized_is_the_same_on_both_sides() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for round in 0..2_000_usize {
            match round % 500 {
                100 => encoder.resize(0),
                101 => encoder.resize(300),
                200 => {
                    encoder.resize(100);
                    encoder.resize(1 << 20);
                }
                _ => {}
            }
            let value = format!("{}", round % 71);
            let name = format!("name-{}", round % 13);
            let mut block = Vec::new();
            encoder.begin(&mut block);
            encoder.field(&mut block, name.as_bytes(), value.as_bytes(), false);
            assert_eq!(
                read(&mut decoder, &block),
                [(name, value, false)],
                "{round}"
            );
            assert!(encoder.bytes <= encoder.bytes_max);
        }
    }
}
