//! The value of a row of counters, to the byte. Numbers are varints (`varint.rs`); the same row
//! always encodes to the same bytes.
//!
//! ```text
//! version:u8                                    3, as of all values
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
    /// Of a row over all time, or of a whole month or day.
    pub const WHOLE: Self = Self {
        durations: true,
        cells: false,
    };
    pub const CELLS: Self = Self {
        durations: false,
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

/// What a last row is once it is over: the same without its start.
///
/// # Errors
/// As [`start`].
pub fn settled(bytes: &[u8]) -> Result<Vec<u8>, ValueError> {
    let mut input = versioned(bytes)?;
    input.chunk::<8>()?;
    Ok([&[VERSION][..], input.0].concat())
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
    // Of what the whole lacks no cell has a part; `encode` could not name it.
    let foreign = |name: &str| !whole.measures.contains_key(name);
    if let Some(name) = counters
        .iter()
        .flat_map(names_of)
        .find(|name| foreign(name))
    {
        let name = name.to_owned();
        return Err(ValueError::Measures { name });
    }
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
mod tests;
