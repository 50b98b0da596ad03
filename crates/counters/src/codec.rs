//! The value of a row of counters, to the byte. Numbers are varints (`varint.rs`); the same row
//! always encodes to the same bytes.
//!
//! ```text
//! version:u8                                    2, as of all values
//! start:i64                                     only in a last month or day: where it begins,
//!                                               microseconds since the epoch, big-endian
//! names, each: length, utf-8                    of the measures declared, ascending
//! endings, each:
//!   ending:u8                                   as in `line.rs`, ascending
//!   columns of one counter                      the whole
//!   length, histogram                           only of an outcome that is a transaction
//!   length, present, columns of n counters      the cells; not in a row over all time
//! ```
//!
//! `names` and `endings` begin with how many there are. Of `present`, bit i says that cell i holds
//! anything; n is how many bits are set. Columns are specified in `columns.rs`.
//!
//! A histogram is nothing at all where nothing was recorded, else the maximum, then runs of
//! buckets that follow each other without gap: how many buckets are passed over, how many follow,
//! and of each how many values it holds.

use std::collections::BTreeSet;

use ndxp_model::Instant;

use crate::columns;
use crate::counter::Counter;
use crate::histogram::Histogram;
use crate::line::Ending;
use crate::row::{CELLS_MAX, Part, Row};
use crate::value::{VERSION, ValueError};
use crate::varint::{Input, put};

/// Which form of row a value has, by its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    All,
    Last,
    Past,
}

/// What of a row is wanted; the rest is passed over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Want {
    pub durations: bool,
    pub cells: bool,
}

impl Want {
    pub const EVERYTHING: Self = Self {
        durations: true,
        cells: true,
    };
}

/// `start` is given for a last row alone.
#[must_use]
pub fn encode(form: Form, start: Instant, row: &Row) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    if form == Form::Last {
        bytes.extend(start.as_micros().to_be_bytes());
    }
    let wholes = row.endings.iter().map(|(_, part)| &part.whole);
    let names: BTreeSet<&str> = wholes.flat_map(names_of).collect();
    let names: Vec<&str> = names.into_iter().collect();
    put_size(&mut bytes, names.len());
    for name in &names {
        put_size(&mut bytes, name.len());
        bytes.extend(name.as_bytes());
    }
    put_size(&mut bytes, row.endings.len());
    for (ending, part) in &row.endings {
        bytes.push(ending.number());
        columns::put_one(&mut bytes, &names, &part.whole);
        if ending.outcome.is_transaction() {
            put_sized(&mut bytes, &histogram(part.whole.durations.as_ref()));
        }
        if form != Form::All {
            put_sized(&mut bytes, &cells(&names, part));
        }
    }
    bytes
}

/// Where a last row begins.
///
/// # Errors
/// When the bytes are not of this version or too few.
pub fn start(bytes: &[u8]) -> Result<Instant, ValueError> {
    let mut input = versioned(bytes)?;
    Ok(Instant::from_micros(i64::from_be_bytes(input.chunk()?)))
}

/// # Errors
/// When the bytes are no row that [`encode`] can have written.
pub fn decode(form: Form, bytes: &[u8], want: Want) -> Result<Row, ValueError> {
    let mut input = versioned(bytes)?;
    if form == Form::Last {
        input.chunk::<8>()?;
    }
    let names = names(&mut input)?;
    let mut row = Row::default();
    for _ in 0..input.number()? {
        let number = input.byte()?;
        let ending = Ending::from_number(number).ok_or(ValueError::Ending { number })?;
        if row.endings.last().is_some_and(|(last, _)| *last >= ending) {
            return Err(ValueError::Ending { number });
        }
        let mut part = Part {
            whole: columns::take_one(&mut input, &names)?,
            cells: Vec::new(),
        };
        if ending.outcome.is_transaction() {
            let bytes = sized(&mut input)?;
            if want.durations {
                part.whole.durations = Some(take_histogram(bytes)?);
            }
        } else {
            part.whole.durations = Some(Histogram::default());
        }
        if form != Form::All {
            let bytes = sized(&mut input)?;
            if want.cells {
                part.cells = take_cells(bytes, &names, ending, &part.whole)?;
            }
        }
        row.endings.push((ending, part));
    }
    input.end()?;
    if row.endings.is_empty() {
        return Err(ValueError::Nothing);
    }
    Ok(row)
}

fn versioned(bytes: &[u8]) -> Result<Input<'_>, ValueError> {
    match bytes {
        [VERSION, rest @ ..] => Ok(Input(rest)),
        _ => Err(ValueError::Version {
            found: bytes.first().copied(),
        }),
    }
}

fn put_size(bytes: &mut Vec<u8>, size: usize) {
    put(bytes, u64::try_from(size).expect("64 bits hold any size"));
}

fn put_sized(bytes: &mut Vec<u8>, part: &[u8]) {
    put_size(bytes, part.len());
    bytes.extend(part);
}

fn sized<'a>(input: &mut Input<'a>) -> Result<&'a [u8], ValueError> {
    let length = input.number()?;
    input.bytes(length)
}

fn names_of(counter: &Counter) -> impl Iterator<Item = &str> {
    counter.measures.keys().map(String::as_str)
}

fn names(input: &mut Input<'_>) -> Result<Vec<String>, ValueError> {
    let mut names: Vec<String> = Vec::new();
    for _ in 0..input.number()? {
        let name = String::from_utf8(sized(input)?.to_vec()).map_err(|_| ValueError::Name)?;
        if names.last().is_some_and(|last| *last >= name) {
            return Err(ValueError::Measures { name });
        }
        names.push(name);
    }
    Ok(names)
}

fn cells(names: &[&str], part: &Part) -> Vec<u8> {
    let cells = &part.cells;
    let present = cells
        .iter()
        .fold(0_u64, |present, (cell, _)| present | 1 << cell);
    let counters: Vec<&Counter> = cells.iter().map(|(_, counter)| counter).collect();
    let mut bytes = Vec::new();
    put(&mut bytes, present);
    columns::put_cells(&mut bytes, names, &counters, &part.whole);
    bytes
}

fn take_cells(
    bytes: &[u8],
    names: &[String],
    ending: Ending,
    whole: &Counter,
) -> Result<Vec<(u8, Counter)>, ValueError> {
    let mut input = Input(bytes);
    let present = input.number()?;
    let places: Vec<u8> = (0..64).filter(|place| present >> place & 1 == 1).collect();
    if places
        .last()
        .is_none_or(|last| usize::from(*last) >= CELLS_MAX)
    {
        return Err(ValueError::Cells { present });
    }
    let mut counters = columns::take_cells(&mut input, names, places.len(), whole)?;
    if !ending.outcome.is_transaction() {
        for counter in &mut counters {
            counter.durations = Some(Histogram::default());
        }
    }
    input.end()?;
    Ok(places.into_iter().zip(counters).collect())
}

fn histogram(durations: Option<&Histogram>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(durations) = durations.filter(|durations| durations.count() > 0) else {
        return bytes;
    };
    put(&mut bytes, durations.max());
    let buckets: Vec<(u16, u64)> = durations.buckets().collect();
    let mut next = 0;
    for run in buckets.chunk_by(|(one, _), (other, _)| one + 1 == *other) {
        let Some((first, _)) = run.first() else {
            continue;
        };
        put(&mut bytes, (first - next).into());
        put_size(&mut bytes, run.len());
        for (bucket, count) in run {
            put(&mut bytes, *count);
            next = bucket + 1;
        }
    }
    bytes
}

fn take_histogram(bytes: &[u8]) -> Result<Histogram, ValueError> {
    if bytes.is_empty() {
        return Ok(Histogram::default());
    }
    let mut input = Input(bytes);
    let max = input.number()?;
    let mut buckets = Vec::new();
    let mut next = 0_u16;
    while input.end().is_err() {
        let gap = u16::try_from(input.number()?).ok();
        next = gap
            .and_then(|gap| next.checked_add(gap))
            .ok_or(ValueError::HistogramSteps)?;
        for _ in 0..input.number()? {
            buckets.push((next, input.number()?));
            next = next.checked_add(1).ok_or(ValueError::HistogramSteps)?;
        }
    }
    Ok(Histogram::from_parts(buckets, max)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ndxp_model::{Fault, Outcome, Sequence};
    use proptest::prelude::*;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn durations(values: &[u64]) -> Option<Histogram> {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(*value).unwrap();
        }
        Some(histogram)
    }

    fn row() -> Row {
        let mut row = Row::default();
        let refused = Ending {
            outcome: Outcome::Refused,
            fault: Some(Fault::Consumer),
        };
        let counter = Counter {
            count: 3,
            request_bytes: 300,
            request_messages: 3,
            response_messages: 2,
            durations: durations(&[3, 4, 5_000]),
            measures: BTreeMap::from([("amount".to_owned(), 0), ("records".to_owned(), 7)]),
            ..Counter::default()
        };
        row.add(Ending::FIRST, Some(2), &counter).unwrap();
        let more = Counter {
            count: 1,
            request_messages: 1,
            response_messages: 1,
            first_sequence: Sequence::new(9),
            last_sequence: Sequence::new(12),
            ..Counter::default()
        };
        row.add(refused, Some(30), &more).unwrap();
        row
    }

    #[test]
    fn a_row_is_stored_as_the_format_says() {
        let bytes = encode(Form::Past, Instant::EPOCH, &row());
        let expected = "02 02 06616d6f756e74 077265636f726473 02 \
            04 29 03 ac02 01 02 00 01 01 08 \
            0a 8827 03 02 01 01 8e01 01 01 \
            0f 04 29 0300 0000 0100 02 00 0100 01 0800 \
            0d 10 01 09 03 \
            0a 8080808004 10 0100 09 03";
        assert_eq!(hex(&bytes), expected.replace([' ', '\n'], ""));
        assert_eq!(decode(Form::Past, &bytes, Want::EVERYTHING), Ok(row()));
        let last = encode(Form::Last, Instant::from_micros(-2), &row());
        assert_eq!(
            hex(&last),
            hex(&bytes).replacen("02", "02fffffffffffffffe", 1)
        );
        assert_eq!(start(&last), Ok(Instant::from_micros(-2)));
    }

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let bytes = encode(Form::Last, Instant::EPOCH, &row());
        let want = Want {
            durations: false,
            cells: false,
        };
        let lean = decode(Form::Last, &bytes, want).unwrap();
        let [(_, answered), (_, refused)] = &lean.endings[..] else {
            panic!("{lean:?}");
        };
        assert_eq!(answered.whole.durations, None);
        assert_eq!(refused.whole.durations, Some(Histogram::default()));
        assert_eq!((answered.whole.count, refused.whole.count), (3, 1));
        assert!(answered.cells.is_empty() && refused.cells.is_empty());
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused() {
        let good = encode(Form::Past, Instant::EPOCH, &row());
        let mut rows = vec![
            vec![],
            vec![VERSION],
            vec![VERSION, 0, 0],
            [&[1][..], &good[1..]].concat(),
            [&good[..], &[0]].concat(),
        ];
        rows.extend((0..good.len()).map(|length| good[..length].to_vec()));
        // Unknown endings, no count, no such name, a maximum elsewhere, a bucket of nothing.
        for (place, byte) in [(18, 3), (18, 32), (20, 0), (27, 2), (32, 4), (34, 0)] {
            let mut row = good.clone();
            row[place] = byte;
            rows.push(row);
        }
        for row in rows {
            let decoded = decode(Form::Past, &row, Want::EVERYTHING);
            assert!(decoded.is_err(), "{}: {decoded:?}", hex(&row));
        }
    }

    /// A row of so many cells of a line with so many calls in each, of which one in a hundred ends
    /// in a provider's error.
    fn ordinary(cells: u8, calls: u64) -> Row {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut row = Row::default();
        let failed = Ending {
            outcome: Outcome::ProviderError,
            fault: Some(Fault::Provider),
        };
        for cell in 0..cells {
            for (ending, calls) in [(Ending::FIRST, calls), (failed, calls.div_ceil(100))] {
                let mut counter = Counter::default();
                for _ in 0..calls {
                    counter.count += 1;
                    counter.request_bytes += rng.u64(300..1_500);
                    counter.response_bytes += rng.u64(1_000..12_000);
                    counter.request_messages += 1;
                    counter.response_messages += 1;
                    // Six octaves, the middle ones most often.
                    let octaves = rng.f64() + rng.f64() + rng.f64() + rng.f64();
                    let micros = 8_000.0 * 2_f64.powf(octaves * 1.5);
                    let durations = counter.durations.as_mut().unwrap();
                    durations.record(micros as u64).unwrap();
                }
                row.add(ending, Some(cell), &counter).unwrap();
            }
        }
        row
    }

    /// What decision 17 reckons with.
    #[test]
    fn rows_are_as_small_as_the_arithmetic_says() {
        let bytes = |cells, calls| {
            let row = ordinary(cells, calls);
            [Form::All, Form::Past].map(|form| encode(form, Instant::EPOCH, &row).len())
        };
        println!("month of 280 a day: {:?}", bytes(30, 280));
        println!("month of 60 a day: {:?}", bytes(30, 60));
        println!("day of 280: {:?}", bytes(12, 23));
        println!("day of 60: {:?}", bytes(12, 5));
        let [all, month] = bytes(30, 280);
        assert!(all < 230 && month < 480, "{all} {month}");
        let [_, day] = bytes(12, 23);
        assert!(day < 250, "{day}");
    }

    fn counters() -> impl Strategy<Value = Counter> {
        let sums = prop::array::uniform5((any::<u64>(), 0..64_u32));
        let times = prop::collection::vec((any::<u64>(), 0..64_u32), 0..20);
        let measures = prop::collection::btree_map("[a-z_]{1,8}", 0..u128::MAX >> 9, 0..4);
        let span = (1..1_000_u64, 0..1_000_u64);
        (sums, times, measures, span).prop_map(|(sums, values, measures, span)| {
            let [
                count,
                request_bytes,
                response_bytes,
                request_messages,
                response_messages,
            ] = sums.map(|(sum, shift)| sum >> shift >> 8);
            let values: Vec<u64> = values.iter().map(|(value, shift)| value >> shift).collect();
            let (first, length) = span;
            Counter {
                count: count + 1,
                request_bytes,
                response_bytes,
                request_messages,
                response_messages,
                durations: durations(&values),
                measures,
                first_sequence: Sequence::new(first),
                last_sequence: Sequence::new(first + length),
            }
        })
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            for form in [Form::All, Form::Last, Form::Past] {
                let mut near = encode(form, Instant::EPOCH, &row());
                for (place, byte) in &places {
                    *place.get_mut(&mut near) = *byte;
                }
                let _ = decode(form, &near, Want::EVERYTHING);
                let _ = decode(form, &[&[VERSION][..], &bytes].concat(), Want::EVERYTHING);
            }
        }

        #[test]
        fn a_row_comes_back_as_it_went(
            added in prop::collection::vec((4..32_u8, 0..31_u8, counters()), 1..20),
        ) {
            let mut row = Row::default();
            for (ending, cell, mut counter) in added {
                let ending = Ending::from_number(ending).unwrap();
                if !ending.outcome.is_transaction() {
                    counter.durations = Some(Histogram::default());
                }
                row.add(ending, Some(cell), &counter).unwrap();
            }
            let bytes = encode(Form::Past, Instant::EPOCH, &row);
            let back = decode(Form::Past, &bytes, Want::EVERYTHING).unwrap();
            prop_assert_eq!(encode(Form::Past, Instant::EPOCH, &back), bytes);
            prop_assert_eq!(row, back);
        }
    }
}
