//! The keys of the store, to the byte; all numbers big-endian, so that keys sort as their fields.
//!
//! ```text
//! 00                                                       the head: format, zone, watermark
//! 01 id:u32                                                the names of a line
//! 02 granularity:u8 id:u32 bucket:u64 ending:u8            a counter
//! 03 system:utf-8                                          the first transaction of a system
//! 04 sequence:u64                                          a transaction opened and not closed
//! ```
//!
//! `granularity` is 0 all, 1 month, 2 day, 3 hour. `id` is 0 for the total over all lines;
//! lines are numbered from 1 in the order in which the journal first counts them.
//! `bucket` is the bucket's first microsecond since the epoch with the sign bit flipped, so that
//! earlier buckets sort first; for `all` it is that of 0. `ending` is as in `line.rs`.
//!
//! So these are contiguous: all connections over all time; one connection, or the total, over
//! any range of buckets of one size. One bucket over all connections costs one seek for each
//! connection, which is cheaper than the other order would be for a member's view of a year.

use std::ops::RangeInclusive;

use ndxp_model::{Granularity, Instant, Sequence};

use crate::line::Ending;

/// Number of a line in the store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LineId(pub u32);

impl LineId {
    /// All lines together.
    pub const TOTAL: Self = Self(0);
}

/// What one counter is kept for. Orders as its key does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CounterKey {
    pub granularity: Granularity,
    pub line: LineId,
    /// Start of the bucket; the epoch for `All`.
    pub bucket: Instant,
    pub ending: Ending,
}

/// Any key of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    Head,
    Line(LineId),
    Counter(CounterKey),
    FirstTransaction(String),
    Open(Sequence),
}

pub const LINES: [u8; 1] = [1];
pub const COUNTERS: [u8; 1] = [2];
pub const FIRST_TRANSACTIONS: [u8; 1] = [3];
pub const OPEN: [u8; 1] = [4];

const SIGN: u64 = 1 << 63;

impl CounterKey {
    #[must_use]
    pub fn encode(&self) -> [u8; 15] {
        let granularity = granularity_number(self.granularity);
        let [a, b, c, d] = self.line.0.to_be_bytes();
        let [e, f, g, h, i, j, k, l] =
            (self.bucket.as_micros().cast_unsigned() ^ SIGN).to_be_bytes();
        let [prefix] = COUNTERS;
        [
            prefix,
            granularity,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            self.ending.number(),
        ]
    }

    /// First and last possible key of one connection in the buckets that start in `from..to`.
    #[must_use]
    pub fn range(
        granularity: Granularity,
        line: LineId,
        from: Instant,
        to: Instant,
    ) -> RangeInclusive<[u8; 15]> {
        let key = |bucket, ending| {
            Self {
                granularity,
                line,
                bucket,
                ending,
            }
            .encode()
        };
        let last = Instant::from_micros(to.as_micros().saturating_sub(1));
        key(from, Ending::FIRST)..=key(last, Ending::LAST)
    }

    /// First and last possible key of all counters.
    #[must_use]
    pub fn all() -> RangeInclusive<[u8; 15]> {
        let [prefix] = COUNTERS;
        let (mut first, mut last) = ([0; 15], [u8::MAX; 15]);
        for key in [&mut first, &mut last] {
            let [head, ..] = key;
            *head = prefix;
        }
        first..=last
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let [granularity, rest @ ..] = bytes else {
            return None;
        };
        let (line, rest) = rest.split_first_chunk::<4>()?;
        let (bucket, rest) = rest.split_first_chunk::<8>()?;
        let [ending] = rest else { return None };
        Some(Self {
            granularity: granularity_of(*granularity)?,
            line: LineId(u32::from_be_bytes(*line)),
            bucket: Instant::from_micros((u64::from_be_bytes(*bucket) ^ SIGN).cast_signed()),
            ending: Ending::from_number(*ending)?,
        })
    }
}

impl Key {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Head => vec![0],
            Self::Line(id) => [&LINES[..], &id.0.to_be_bytes()].concat(),
            Self::Counter(key) => key.encode().to_vec(),
            Self::FirstTransaction(system) => [&FIRST_TRANSACTIONS[..], system.as_bytes()].concat(),
            Self::Open(sequence) => [&OPEN[..], &sequence.get().to_be_bytes()].concat(),
        }
    }

    /// `None` when no key has these bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(Self::Head),
            [1, id @ ..] => {
                let id = u32::from_be_bytes(id.try_into().ok()?);
                Some(Self::Line(LineId(id)))
            }
            [2, rest @ ..] => CounterKey::decode(rest).map(Self::Counter),
            [3, system @ ..] => Some(Self::FirstTransaction(
                String::from_utf8(system.to_vec()).ok()?,
            )),
            [4, sequence @ ..] => {
                let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
                Some(Self::Open(Sequence::new(sequence)))
            }
            _ => None,
        }
    }
}

const fn granularity_number(granularity: Granularity) -> u8 {
    match granularity {
        Granularity::All => 0,
        Granularity::Month => 1,
        Granularity::Day => 2,
        Granularity::Hour => 3,
    }
}

fn granularity_of(number: u8) -> Option<Granularity> {
    [
        Granularity::All,
        Granularity::Month,
        Granularity::Day,
        Granularity::Hour,
    ]
    .into_iter()
    .find(|granularity| granularity_number(*granularity) == number)
}

#[cfg(test)]
mod tests {
    use ndxp_model::Outcome;

    use super::*;

    fn counter(granularity: Granularity, id: u32, micros: i64, ending: Ending) -> CounterKey {
        CounterKey {
            granularity,
            line: LineId(id),
            bucket: Instant::from_micros(micros),
            ending,
        }
    }

    fn ending(outcome: Outcome) -> Ending {
        Ending {
            outcome,
            fault: None,
        }
    }

    #[track_caller]
    fn check(key: Key, hex: &str) {
        let bytes = key.encode();
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, hex);
        assert_eq!(Key::decode(&bytes), Some(key));
    }

    #[test]
    fn keys_are_stored_as_the_format_says() {
        check(Key::Head, "00");
        check(Key::Line(LineId(258)), "0100000102");
        let hour = counter(
            Granularity::Hour,
            7,
            1_658_448_000_000_000,
            ending(Outcome::TimedOut),
        );
        check(
            Key::Counter(hour),
            "02030000000780 05e45983eb2000 14".replace(' ', "").as_str(),
        );
        let early = counter(Granularity::All, 0, -1, ending(Outcome::Completed));
        check(Key::Counter(early), "0200000000007fffffffffffffff04");
        check(
            Key::FirstTransaction("H26/lgsp".to_owned()),
            "034832362f6c677370",
        );
        check(Key::Open(Sequence::new(9)), "040000000000000009");
    }

    #[test]
    fn what_is_no_key_decodes_to_nothing() {
        let hour = counter(Granularity::Hour, 7, 0, ending(Outcome::TimedOut)).encode();
        let mut rows = vec![
            vec![],
            vec![0, 0],
            vec![1, 0],
            vec![4],
            vec![5],
            vec![3, 0xff],
        ];
        rows.push([hour.as_slice(), &[0]].concat());
        rows.push(hour.iter().copied().take(14).collect());
        for (place, byte) in [(1, 4), (14, 0), (14, 32)] {
            let mut key = hour.to_vec();
            key[place] = byte;
            rows.push(key);
        }
        for row in rows {
            assert_eq!(Key::decode(&row), None, "{row:02x?}");
        }
    }

    #[test]
    fn keys_sort_as_their_fields() {
        let mut keys = Vec::new();
        for granularity in [
            Granularity::All,
            Granularity::Month,
            Granularity::Day,
            Granularity::Hour,
        ] {
            for id in [0, 1, 255, 256, u32::MAX] {
                for micros in [i64::MIN, -1, 0, 1, i64::MAX] {
                    for ending in Ending::all() {
                        keys.push(counter(granularity, id, micros, ending));
                    }
                }
            }
        }
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            keys.windows(2)
                .all(|pair| pair[0].encode() < pair[1].encode())
        );
    }

    #[test]
    fn a_range_holds_the_buckets_that_start_in_it() {
        let range = CounterKey::range(
            Granularity::Day,
            LineId(3),
            Instant::from_micros(10),
            Instant::from_micros(20),
        );
        for (id, micros, within) in [
            (3, 10, true),
            (3, 19, true),
            (3, 9, false),
            (3, 20, false),
            (2, 10, false),
        ] {
            for ending in Ending::all() {
                let key = counter(Granularity::Day, id, micros, ending).encode();
                assert_eq!(range.contains(&key), within, "{id} {micros}");
            }
        }
    }
}
