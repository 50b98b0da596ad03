//! The keys of the store, to the byte; all numbers big-endian, so that keys sort as their fields.
//!
//! ```text
//! 00                             the head: format, zone, watermark
//! 01 line:u32                    the names of a line
//! 02 00 line:u32                 what a line counts over all time
//! 02 01 line:u32                 its last month with anything in it, cut into days
//! 02 02 line:u32                 its last day with anything in it, cut into hours
//! 02 03 bucket:u64 line:u32      an earlier month of it
//! 02 04 bucket:u64 line:u32      an earlier day of it, for as long as days are kept
//! 02 05 bucket:u64               an earlier day of the total, kept for ever
//! 03 system:utf-8                the first transaction of a system
//! 04 sequence:u64                a transaction opened and not closed
//! 05 sequence:u64                opening balances imported there
//! ```
//!
//! `line` is 0 for the total over all lines; lines are numbered from 1 in the order in which the
//! journal first counts them. `bucket` is the first microsecond of the month or day, since the
//! epoch, with the sign bit flipped, so that earlier ones sort first.
//!
//! The month and day that still change stand by line, in the same few pages for years; what is
//! over is written once more, by time, where nothing changes any more. Pages that rest are dense,
//! one month of all lines is one range, and days that are no longer kept go from one end.

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
    /// An earlier one, by its start.
    Past(Size, Instant, LineId),
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
pub const ROWS: [u8; 1] = [2];
pub const FIRST_TRANSACTIONS: [u8; 1] = [3];
pub const OPEN: [u8; 1] = [4];
pub const BASELINES: [u8; 1] = [5];

const SIGN: u64 = 1 << 63;

impl RowKey {
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let [prefix] = ROWS;
        let with = |kind: u8, parts: &[&[u8]]| [&[prefix, kind][..], &parts.concat()].concat();
        match self {
            Self::All(line) => with(0, &[&line.0.to_be_bytes()]),
            Self::Last(Size::Month, line) => with(1, &[&line.0.to_be_bytes()]),
            Self::Last(Size::Day, line) => with(2, &[&line.0.to_be_bytes()]),
            Self::Past(Size::Month, bucket, line) => {
                with(3, &[&ordered(bucket), &line.0.to_be_bytes()])
            }
            Self::Past(Size::Day, bucket, LineId::TOTAL) => with(5, &[&ordered(bucket)]),
            Self::Past(Size::Day, bucket, line) => {
                with(4, &[&ordered(bucket), &line.0.to_be_bytes()])
            }
        }
    }

    /// What the keys of all rows over all time begin with.
    #[must_use]
    pub const fn all() -> [u8; 2] {
        [2, 0]
    }

    /// What the keys of every line's last row of the size begin with.
    #[must_use]
    pub const fn last(size: Size) -> [u8; 2] {
        match size {
            Size::Month => [2, 1],
            Size::Day => [2, 2],
        }
    }

    /// What the keys of earlier rows of one bucket begin with, that of the total's day excepted.
    #[must_use]
    pub fn past(size: Size, bucket: Instant) -> Vec<u8> {
        let kind = match size {
            Size::Month => 3,
            Size::Day => 4,
        };
        [&[2, kind][..], &ordered(bucket)].concat()
    }

    /// Where the keys of lines' days begin.
    #[must_use]
    pub const fn days() -> [u8; 2] {
        [2, 4]
    }

    fn decode(rest: &[u8]) -> Option<Self> {
        let (kind, rest) = rest.split_first()?;
        let line = |bytes: &[u8]| Some(LineId(u32::from_be_bytes(bytes.try_into().ok()?)));
        let past = |size| {
            let (bucket, rest) = rest.split_first_chunk::<8>()?;
            Some(Self::Past(size, instant(*bucket), line(rest)?))
        };
        match kind {
            0 => line(rest).map(Self::All),
            1 => line(rest).map(|line| Self::Last(Size::Month, line)),
            2 => line(rest).map(|line| Self::Last(Size::Day, line)),
            3 => past(Size::Month),
            4 => past(Size::Day).filter(|key| key.line() != LineId::TOTAL),
            5 => {
                let bucket = instant(rest.try_into().ok()?);
                Some(Self::Past(Size::Day, bucket, LineId::TOTAL))
            }
            _ => None,
        }
    }

    #[must_use]
    pub const fn line(self) -> LineId {
        match self {
            Self::All(line) | Self::Last(_, line) | Self::Past(_, _, line) => line,
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
        let past = |size, bucket, line| Key::Row(RowKey::Past(size, bucket, line));
        check(
            past(Size::Month, day, LineId::TOTAL),
            "02 03 8005e453a5e1a400 00000000",
        );
        check(
            past(Size::Day, day, line),
            "02 04 8005e453a5e1a400 00000007",
        );
        check(
            past(Size::Day, Instant::from_micros(-1), LineId::TOTAL),
            "02 05 7fffffffffffffff",
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
        let month = RowKey::Past(Size::Month, Instant::EPOCH, LineId(1)).encode();
        let total = [&RowKey::past(Size::Day, Instant::EPOCH)[..], &[0; 4]].concat();
        let rows = [
            vec![],
            vec![0, 0],
            vec![1, 0],
            vec![2],
            vec![2, 0, 0],
            vec![2, 6, 0, 0, 0, 0],
            [&month[..], &[0]].concat(),
            month[..13].to_vec(),
            total,
            vec![4],
            vec![5],
            vec![3, 0xff],
        ];
        for row in rows {
            assert_eq!(Key::decode(&row), None, "{row:02x?}");
        }
    }

    #[test]
    fn earlier_rows_sort_by_time_and_then_by_line() {
        for size in [Size::Month, Size::Day] {
            let mut keys = Vec::new();
            for micros in [i64::MIN, -1, 0, 1, i64::MAX] {
                for id in [1, 255, 256, u32::MAX] {
                    let bucket = Instant::from_micros(micros);
                    let key = RowKey::Past(size, bucket, LineId(id)).encode();
                    assert!(key.starts_with(&RowKey::past(size, bucket)));
                    keys.push(key);
                }
            }
            assert!(keys.is_sorted());
        }
        let days = RowKey::Past(Size::Day, Instant::EPOCH, LineId(1)).encode();
        assert!(days.starts_with(&RowKey::days()));
    }
}
