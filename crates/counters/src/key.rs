//! The keys of the store, to the byte; all numbers big-endian, so that keys sort as their fields.
//!
//! ```text
//! 00                             the head: format, zone, watermark
//! 01 line:u32                    the names of a line
//! 02 00 line:u32                 what a line counts over all time
//! 02 01 line:u32                 its last month with anything in it, cut into days
//! 02 02 line:u32                 its last day with anything in it, cut into hours
//! 02 03 bucket:u64               an earlier month of the total
//! 02 04 bucket:u64               an earlier day of the total, kept for ever
//! 03 system:utf-8                the first transaction of a system
//! 04 sequence:u64                a transaction opened and not closed
//! 05 sequence:u64                opening balances imported there
//! ```
//!
//! `line` is 0 for the total over all lines; lines are numbered from 1 in the order in which the
//! journal first counts them. `bucket` is the first microsecond of the month or day, since the
//! epoch, with the sign bit flipped, so that earlier ones sort first.
//!
//! Only what still changes stands here, and what there is of the total alone. The months and days
//! of lines that are over rest in files of their own, see `past.rs`.

use ndxp_model::{Instant, Sequence};

/// Number of a line in the store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LineId(pub u32);

impl LineId {
    /// All lines together.
    pub const TOTAL: Self = Self(0);
}

/// The two sizes of bucket that have rows of their own, beside all time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Size {
    Month,
    Day,
}

/// Which row of counters.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RowKey {
    All(LineId),
    /// The last one that holds anything; its value tells which it is.
    Last(Size, LineId),
    /// An earlier one of the total, by its start.
    Total(Size, Instant),
}

/// Any key of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    Head,
    Line(LineId),
    Row(RowKey),
    FirstTransaction(String),
    Open(Sequence),
    Baseline(Sequence),
}

pub const LINES: [u8; 1] = [1];
pub const FIRST_TRANSACTIONS: [u8; 1] = [3];
pub const OPEN: [u8; 1] = [4];
pub const BASELINES: [u8; 1] = [5];

const SIGN: u64 = 1 << 63;

impl RowKey {
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let with = |kind: u8, rest: &[u8]| [&[2, kind][..], rest].concat();
        match self {
            Self::All(line) => with(0, &line.0.to_be_bytes()),
            Self::Last(Size::Month, line) => with(1, &line.0.to_be_bytes()),
            Self::Last(Size::Day, line) => with(2, &line.0.to_be_bytes()),
            Self::Total(Size::Month, bucket) => with(3, &ordered(bucket)),
            Self::Total(Size::Day, bucket) => with(4, &ordered(bucket)),
        }
    }

    fn decode(rest: &[u8]) -> Option<Self> {
        let (kind, rest) = rest.split_first()?;
        let line = || Some(LineId(u32::from_be_bytes(rest.try_into().ok()?)));
        let bucket = || Some(instant(rest.try_into().ok()?));
        match kind {
            0 => line().map(Self::All),
            1 => line().map(|line| Self::Last(Size::Month, line)),
            2 => line().map(|line| Self::Last(Size::Day, line)),
            3 => bucket().map(|bucket| Self::Total(Size::Month, bucket)),
            4 => bucket().map(|bucket| Self::Total(Size::Day, bucket)),
            _ => None,
        }
    }

    #[must_use]
    pub const fn line(self) -> LineId {
        match self {
            Self::All(line) | Self::Last(_, line) => line,
            Self::Total(..) => LineId::TOTAL,
        }
    }
}

fn ordered(bucket: Instant) -> [u8; 8] {
    (bucket.as_micros().cast_unsigned() ^ SIGN).to_be_bytes()
}

fn instant(bytes: [u8; 8]) -> Instant {
    Instant::from_micros((u64::from_be_bytes(bytes) ^ SIGN).cast_signed())
}

impl Key {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Head => vec![0],
            Self::Line(id) => [&LINES[..], &id.0.to_be_bytes()].concat(),
            Self::Row(key) => key.encode(),
            Self::FirstTransaction(system) => [&FIRST_TRANSACTIONS[..], system.as_bytes()].concat(),
            Self::Open(sequence) => [&OPEN[..], &sequence.get().to_be_bytes()].concat(),
            Self::Baseline(sequence) => [&BASELINES[..], &sequence.get().to_be_bytes()].concat(),
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
            [2, rest @ ..] => RowKey::decode(rest).map(Self::Row),
            [3, system @ ..] => Some(Self::FirstTransaction(
                String::from_utf8(system.to_vec()).ok()?,
            )),
            [4, sequence @ ..] => {
                let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
                Some(Self::Open(Sequence::new(sequence)))
            }
            [5, sequence @ ..] => {
                let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
                Some(Self::Baseline(Sequence::new(sequence)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: Key, hex: &str) {
        let bytes = key.encode();
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, hex.replace(' ', ""));
        assert_eq!(Key::decode(&bytes), Some(key));
    }

    #[test]
    fn keys_are_stored_as_the_format_says() {
        check(Key::Head, "00");
        check(Key::Line(LineId(258)), "01 00000102");
        let (line, day) = (LineId(7), Instant::from_micros(1_658_422_800_000_000));
        check(Key::Row(RowKey::All(LineId::TOTAL)), "02 00 00000000");
        check(Key::Row(RowKey::Last(Size::Month, line)), "02 01 00000007");
        check(Key::Row(RowKey::Last(Size::Day, line)), "02 02 00000007");
        check(
            Key::Row(RowKey::Total(Size::Month, day)),
            "02 03 8005e453a5e1a400",
        );
        check(
            Key::Row(RowKey::Total(Size::Day, Instant::from_micros(-1))),
            "02 04 7fffffffffffffff",
        );
        check(
            Key::FirstTransaction("H26/lgsp".to_owned()),
            "03 4832362f6c677370",
        );
        check(Key::Open(Sequence::new(9)), "04 0000000000000009");
        check(Key::Baseline(Sequence::new(9)), "05 0000000000000009");
    }

    #[test]
    fn what_is_no_key_decodes_to_nothing() {
        let month = RowKey::Total(Size::Month, Instant::EPOCH).encode();
        let rows = [
            vec![],
            vec![0, 0],
            vec![1, 0],
            vec![2],
            vec![2, 0, 0],
            vec![2, 5, 0, 0, 0, 0],
            [&month[..], &[0]].concat(),
            month[..9].to_vec(),
            vec![4],
            vec![5],
            vec![3, 0xff],
        ];
        for row in rows {
            assert_eq!(Key::decode(&row), None, "{row:02x?}");
        }
    }

    #[test]
    fn earlier_rows_sort_by_time() {
        for size in [Size::Month, Size::Day] {
            let keys = [i64::MIN, -1, 0, 1, i64::MAX]
                .map(|micros| RowKey::Total(size, Instant::from_micros(micros)).encode());
            assert!(keys.is_sorted());
        }
    }
}
