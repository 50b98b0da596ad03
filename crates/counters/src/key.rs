//! The keys of the store, to the byte; all numbers big-endian, so that keys sort as their fields.
//!
//! ```text
//! 00                                                       the head: format, zone, watermark
//! 01 id:u32                                                the names of a connection
//! 02 granularity:u8 id:u32 bucket:u64 outcome:u8           a counter
//! 03 system:utf-8                                          the first transaction of a system
//! 04 sequence:u64                                          a transaction opened and not closed
//! ```
//!
//! `granularity` is 0 all, 1 month, 2 day, 3 hour. `id` is 0 for the total over all connections;
//! connections are numbered from 1 in the order in which the journal first counts them.
//! `bucket` is the bucket's first microsecond since the epoch with the sign bit flipped, so that
//! earlier buckets sort first; for `all` it is that of 0. `outcome` is the contract's number.
//!
//! So these are contiguous: all connections over all time; one connection, or the total, over
//! any range of buckets of one size. One bucket over all connections costs one seek for each
//! connection, which is cheaper than the other order would be for a member's view of a year.

use std::ops::RangeInclusive;

use ndxp_model::{Granularity, Instant, Outcome, Sequence};

/// Number of a connection in the store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnectionId(pub u32);

impl ConnectionId {
    /// All connections together.
    pub const TOTAL: Self = Self(0);
}

/// What one counter is kept for. Orders as its key does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CounterKey {
    pub granularity: Granularity,
    pub connection: ConnectionId,
    /// Start of the bucket; the epoch for `All`.
    pub bucket: Instant,
    pub outcome: Outcome,
}

/// Any key of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    Head,
    Connection(ConnectionId),
    Counter(CounterKey),
    FirstTransaction(String),
    Open(Sequence),
}

pub const CONNECTIONS: [u8; 1] = [1];
pub const COUNTERS: [u8; 1] = [2];
pub const FIRST_TRANSACTIONS: [u8; 1] = [3];
pub const OPEN: [u8; 1] = [4];

const SIGN: u64 = 1 << 63;

impl CounterKey {
    #[must_use]
    pub fn encode(&self) -> [u8; 15] {
        let granularity = granularity_number(self.granularity);
        let [a, b, c, d] = self.connection.0.to_be_bytes();
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
            self.outcome.number(),
        ]
    }

    /// First and last possible key of one connection in the buckets that start in `from..to`.
    #[must_use]
    pub fn range(
        granularity: Granularity,
        connection: ConnectionId,
        from: Instant,
        to: Instant,
    ) -> RangeInclusive<[u8; 15]> {
        let key = |bucket, outcome| {
            Self {
                granularity,
                connection,
                bucket,
                outcome,
            }
            .encode()
        };
        let last = Instant::from_micros(to.as_micros().saturating_sub(1));
        key(from, Outcome::Completed)..=key(last, Outcome::Interrupted)
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
        let (connection, rest) = rest.split_first_chunk::<4>()?;
        let (bucket, rest) = rest.split_first_chunk::<8>()?;
        let [outcome] = rest else { return None };
        Some(Self {
            granularity: granularity_of(*granularity)?,
            connection: ConnectionId(u32::from_be_bytes(*connection)),
            bucket: Instant::from_micros((u64::from_be_bytes(*bucket) ^ SIGN).cast_signed()),
            outcome: Outcome::from_number(*outcome)?,
        })
    }
}

impl Key {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Head => vec![0],
            Self::Connection(id) => [&CONNECTIONS[..], &id.0.to_be_bytes()].concat(),
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
                Some(Self::Connection(ConnectionId(id)))
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
    use super::*;

    fn counter(granularity: Granularity, id: u32, micros: i64, outcome: Outcome) -> CounterKey {
        CounterKey {
            granularity,
            connection: ConnectionId(id),
            bucket: Instant::from_micros(micros),
            outcome,
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
        check(Key::Connection(ConnectionId(258)), "0100000102");
        let hour = counter(
            Granularity::Hour,
            7,
            1_658_448_000_000_000,
            Outcome::TimedOut,
        );
        check(
            Key::Counter(hour),
            "02030000000780 05e45983eb2000 05".replace(' ', "").as_str(),
        );
        let early = counter(Granularity::All, 0, -1, Outcome::Completed);
        check(Key::Counter(early), "0200000000007fffffffffffffff01");
        check(
            Key::FirstTransaction("H26/lgsp".to_owned()),
            "034832362f6c677370",
        );
        check(Key::Open(Sequence::new(9)), "040000000000000009");
    }

    #[test]
    fn what_is_no_key_decodes_to_nothing() {
        let hour = counter(Granularity::Hour, 7, 0, Outcome::TimedOut).encode();
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
        for (place, byte) in [(1, 4), (14, 0), (14, 8)] {
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
                    for outcome in Outcome::ALL {
                        keys.push(counter(granularity, id, micros, outcome));
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
            ConnectionId(3),
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
            for outcome in Outcome::ALL {
                let key = counter(Granularity::Day, id, micros, outcome).encode();
                assert_eq!(range.contains(&key), within, "{id} {micros}");
            }
        }
    }
}
