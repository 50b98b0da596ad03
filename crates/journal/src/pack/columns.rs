//! Columns of bytes, in whichever of four forms is shortest.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Hasher;

use super::numbers::{self, Numbers};
use super::stream::{Sink, Source};

const TEXTS: u8 = 0;
const WORDS: u8 = 1;
const ROWS: u8 = 2;
const IDS: u8 = 3;

const ID_BYTES: usize = 16;
/// Of an id: big endian, milliseconds.
const ID_TIME_BYTES: usize = 6;
/// Longer values of equal length are no rows: nothing in an entry is that long and a table.
const ROW_BYTES_MAX: usize = 64;

/// One value: where it stands, and what its frame's commit time is.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    pub bytes: &'a [u8],
    pub at: i64,
}

pub fn write(values: &[Value<'_>], sink: &mut Sink) {
    let bytes: Vec<&[u8]> = values.iter().map(|value| value.bytes).collect();
    let length = bytes.first().map_or(0, |first| first.len());
    let equal = bytes.iter().all(|bytes| bytes.len() == length);
    if equal && length == ID_BYTES && are_ids(values) {
        return ids(values, sink);
    }
    let as_texts = |sink: &mut Sink| {
        sink.byte(TEXTS);
        texts(&bytes, sink);
    };
    // Digests: nothing makes them shorter, and they are most of what there is.
    if !repeats(&bytes) && !sink.is_shortened(&bytes.concat()) {
        return as_texts(sink);
    }
    let as_words = |sink: &mut Sink| words(&bytes, sink);
    let mut ways: Vec<&dyn Fn(&mut Sink)> = vec![&as_texts, &as_words];
    let in_rows = |sink: &mut Sink| {
        sink.byte(ROWS);
        rows(&bytes, length, sink);
    };
    if equal && (1..=ROW_BYTES_MAX).contains(&length) {
        ways.push(&in_rows);
    }
    sink.shortest(&ways);
}

/// Whether at least a half of them stood before.
fn repeats(values: &[&[u8]]) -> bool {
    let distinct: HashSet<&[u8], Hasher> = values.iter().copied().collect();
    distinct.len() <= values.len() / 2
}

fn texts(values: &[&[u8]], sink: &mut Sink) {
    let lengths: Vec<u64> = values.iter().map(|value| value.len() as u64).collect();
    numbers::write(&lengths, sink);
    sink.stream(&values.concat());
}

fn words(values: &[&[u8]], sink: &mut Sink) {
    let mut places = HashMap::with_hasher(Hasher::default());
    let mut words = Vec::new();
    let indexes = values.iter().map(|value| {
        *places.entry(*value).or_insert_with(|| {
            words.push(*value);
            words.len() as u64 - 1
        })
    });
    let indexes: Vec<u64> = indexes.collect();
    sink.byte(WORDS);
    numbers::write(&indexes, sink);
    texts(&words, sink);
}

fn rows(values: &[&[u8]], length: usize, sink: &mut Sink) {
    sink.byte(u8::try_from(length).unwrap_or_default());
    for place in 0..length {
        let plane = values.iter().filter_map(|value| value.get(place).copied());
        sink.stream(&plane.collect::<Vec<u8>>());
    }
}

/// Of version 7, and not made long after they were committed: others are told by nothing.
fn are_ids(values: &[Value<'_>]) -> bool {
    let version = |value: &Value<'_>| value.bytes.get(ID_TIME_BYTES).map(|byte| byte >> 4);
    values.iter().all(|value| version(value) == Some(7))
}

fn ids(values: &[Value<'_>], sink: &mut Sink) {
    sink.byte(IDS);
    let ages = values.iter().map(|value| {
        let made_ms = value.bytes.first_chunk().map_or(0, made_ms);
        millis(value.at).wrapping_sub(made_ms)
    });
    numbers::write(&ages.collect::<Vec<u64>>(), sink);
    let rests = values
        .iter()
        .filter_map(|value| value.bytes.get(ID_TIME_BYTES..));
    rows(&rests.collect::<Vec<_>>(), ID_BYTES - ID_TIME_BYTES, sink);
}

fn millis(at: i64) -> u64 {
    at.div_euclid(1_000).cast_unsigned()
}

fn made_ms(time: &[u8; ID_TIME_BYTES]) -> u64 {
    time.iter().fold(0, |ms, byte| ms << 8 | u64::from(*byte))
}

/// A column that is read: values one by one.
pub enum Bytes {
    Texts(Texts),
    Words {
        words: Vec<Range<usize>>,
        of: Numbers,
        bytes: Vec<u8>,
    },
    Rows(Rows),
    Ids {
        ages: Numbers,
        rests: Rows,
    },
}

pub struct Texts {
    lengths: Numbers,
    bytes: Vec<u8>,
    next: usize,
}

pub struct Rows {
    planes: Vec<Vec<u8>>,
    next: usize,
}

impl Bytes {
    pub fn read(source: &mut Source<'_>) -> Option<Self> {
        Some(match source.byte()? {
            TEXTS => Self::Texts(Texts::read(source)?),
            WORDS => {
                let of = Numbers::read(source)?;
                let Texts {
                    mut lengths, bytes, ..
                } = Texts::read(source)?;
                let mut words = Vec::new();
                let mut end = 0_usize;
                // Words that are all empty are one.
                for _ in 0..lengths.left().unwrap_or(1) {
                    let from = end;
                    end = end.checked_add(lengths.take_usize()?)?;
                    words.push(from..end);
                }
                Self::Words { words, of, bytes }
            }
            ROWS => {
                let length = source.byte()?;
                Self::Rows(Rows::read(length, source)?)
            }
            IDS => {
                let ages = Numbers::read(source)?;
                let length = source.byte()?;
                let whole = usize::from(length) == ID_BYTES - ID_TIME_BYTES;
                let rests = whole.then(|| Rows::read(length, source))??;
                Self::Ids { ages, rests }
            }
            _ => return None,
        })
    }

    /// Appends the next value, of a frame of that commit time.
    pub fn take(&mut self, at: i64, to: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Texts(texts) => {
                let end = texts.next.checked_add(texts.lengths.take_usize()?)?;
                to.extend_from_slice(texts.bytes.get(texts.next..end)?);
                texts.next = end;
            }
            Self::Words { words, of, bytes } => {
                let word = words.get(of.take_usize()?)?.clone();
                to.extend_from_slice(bytes.get(word)?);
            }
            Self::Rows(rows) => rows.take(to)?,
            Self::Ids { ages, rests } => {
                let made_ms = millis(at).wrapping_sub(ages.take()?);
                to.extend_from_slice(made_ms.to_be_bytes().get(8 - ID_TIME_BYTES..)?);
                rests.take(to)?;
            }
        }
        Some(())
    }
}

impl Texts {
    fn read(source: &mut Source<'_>) -> Option<Self> {
        Some(Self {
            lengths: Numbers::read(source)?,
            bytes: source.stream()?,
            next: 0,
        })
    }
}

impl Rows {
    fn read(length: u8, source: &mut Source<'_>) -> Option<Self> {
        let planes = (0..length)
            .map(|_| source.stream())
            .collect::<Option<_>>()?;
        Some(Self { planes, next: 0 })
    }

    fn take(&mut self, to: &mut Vec<u8>) -> Option<()> {
        for plane in &self.planes {
            to.push(*plane.get(self.next)?);
        }
        self.next += 1;
        Some(())
    }
}
