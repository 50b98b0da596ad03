//! Varints and streams: what every column is made of.

use zstd::bulk::{Compressor, Decompressor};

/// Level 3 is zstd's own default. What is compressed here are columns of few thousand bytes: higher levels
/// gain less than one byte of a hundred and take several times as long.
const LEVEL: i32 = 3;

/// Below this no zstd frame is shorter than what it holds.
const WORTH_BYTES: usize = 16;

const VARINT_BYTES_MAX: usize = 10;

/// Writes streams.
pub struct Sink {
    pub bytes: Vec<u8>,
    zstd: Option<Compressor<'static>>,
}

/// Reads streams. What they hold together is bounded, whatever they say.
pub struct Source<'a> {
    rest: &'a [u8],
    budget: usize,
    zstd: Option<Decompressor<'static>>,
}

pub fn put_varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or_default());
}

/// A varint at the front, if it is there in its shortest form.
pub fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..VARINT_BYTES_MAX {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        value |= bits.checked_shl(7 * u32::try_from(place).ok()?)?;
        if byte & 0x80 == 0 {
            let whole = place < VARINT_BYTES_MAX - 1 || bits <= 1;
            return (whole && (bits > 0 || place == 0)).then_some(value);
        }
    }
    None
}

impl Sink {
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            // Without memory for a context all streams stay as they are.
            zstd: Compressor::new(LEVEL).ok(),
        }
    }

    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub fn stream(&mut self, plain: &[u8]) {
        put_varint(plain.len() as u64, &mut self.bytes);
        if plain.is_empty() {
            return;
        }
        let packed = self.compress(plain);
        let stored = packed.as_deref().unwrap_or(plain);
        put_varint(stored.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(stored);
    }

    /// What is written, if it is shorter than what another way writes.
    pub fn shortest(&mut self, ways: &[&dyn Fn(&mut Self)]) {
        let start = self.bytes.len();
        let mut best: Option<Vec<u8>> = None;
        for way in ways {
            way(self);
            let written = self.bytes.split_off(start);
            if best.as_ref().is_none_or(|best| written.len() < best.len()) {
                best = Some(written);
            }
        }
        self.bytes.append(&mut best.unwrap_or_default());
    }

    /// Whether it would not stay as it is.
    pub fn is_shortened(&mut self, plain: &[u8]) -> bool {
        self.compress(plain).is_some()
    }

    fn compress(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        if plain.len() < WORTH_BYTES {
            return None;
        }
        let packed = self.zstd.as_mut()?.compress(plain).ok()?;
        (packed.len() < plain.len()).then_some(packed)
    }
}

impl<'a> Source<'a> {
    pub fn new(packed: &'a [u8], budget: usize) -> Self {
        Self {
            rest: packed,
            budget,
            zstd: None,
        }
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn stream(&mut self) -> Option<Vec<u8>> {
        let plain = usize::try_from(take_varint(&mut self.rest)?).ok()?;
        if plain == 0 {
            return Some(Vec::new());
        }
        self.budget = self.budget.checked_sub(plain)?;
        let stored = usize::try_from(take_varint(&mut self.rest)?).ok()?;
        let (stored, rest) = self.rest.split_at_checked(stored)?;
        self.rest = rest;
        if stored.len() == plain {
            return Some(stored.to_vec());
        }
        if self.zstd.is_none() {
            self.zstd = Some(Decompressor::new().ok()?);
        }
        let zstd = self.zstd.as_mut()?;
        // No more is made room for than was allowed above, whatever the frame says of itself.
        let mut bytes = Vec::with_capacity(plain);
        zstd.decompress_to_buffer(stored, &mut bytes).ok()?;
        (bytes.len() == plain).then_some(bytes)
    }
}
