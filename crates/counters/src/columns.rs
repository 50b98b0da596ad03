//! Counters side by side, to the byte: the counts of all, then the next sum of all, and so on.
//! Numbers are varints unless said otherwise.
//!
//! ```text
//! flags:u8             which of the columns behind the counts there are; the others are all 0
//! count                at least 1 each
//! request_bytes        flag 1
//! response_bytes       flag 2
//! request_messages     flag 4: less the count, signed; most calls have one message each way
//! response_messages    flag 8: the same
//! sequences            flag 16, only of the total: of each counter the first, and how far behind
//!                      it the last is
//! measures             flag 32: how many names, then for each its place in `names` and its column:
//!                      0 where the counter lacks it, else its sum plus 1
//! ```
//!
//! A column of one counter is its number. Those of cells are packed: the least number of the
//! column, how many bits the largest takes above it (u8), and so many bits of each, the lowest
//! first, filled up with 0 to whole bytes. The bytes of a cell are told by how far they are from
//! what so many calls of the row have on average, rounded down: that distance is a small number
//! where calls are alike. Signed numbers are 0, -1, 1, -2, … in the order of 0, 1, 2, 3, …

use std::collections::BTreeSet;

use ndxp_model::Sequence;

use crate::counter::Counter;
use crate::value::ValueError;
use crate::varint::{Input, put, put_wide, signed, unsigned};

const REQUEST_BYTES: u8 = 1;
const RESPONSE_BYTES: u8 = 2;
const REQUEST_MESSAGES: u8 = 4;
const RESPONSE_MESSAGES: u8 = 8;
const SEQUENCES: u8 = 16;
const MEASURES: u8 = 32;

/// One of the sums of a counter.
type Sum = fn(&mut Counter) -> &mut u64;
type Told = fn(&Counter) -> u64;

const BYTES: [(u8, Told, Sum); 2] = [
    (
        REQUEST_BYTES,
        |counter| counter.request_bytes,
        |counter| &mut counter.request_bytes,
    ),
    (
        RESPONSE_BYTES,
        |counter| counter.response_bytes,
        |counter| &mut counter.response_bytes,
    ),
];
const MESSAGES: [(u8, Told, Sum); 2] = [
    (
        REQUEST_MESSAGES,
        |counter| counter.request_messages,
        |counter| &mut counter.request_messages,
    ),
    (
        RESPONSE_MESSAGES,
        |counter| counter.response_messages,
        |counter| &mut counter.response_messages,
    ),
];

/// One counter alone.
pub fn put_one(bytes: &mut Vec<u8>, names: &[&str], counter: &Counter) {
    put_all(bytes, names, &[counter], None);
}

/// Cells of a row that they sum up to.
pub fn put_cells(bytes: &mut Vec<u8>, names: &[&str], cells: &[&Counter], whole: &Counter) {
    put_all(bytes, names, cells, Some(whole));
}

pub fn take_one(input: &mut Input<'_>, names: &[String]) -> Result<Counter, ValueError> {
    let mut counters = take_all(input, names, 1, None)?;
    counters.pop().ok_or(ValueError::Nothing)
}

pub fn take_cells(
    input: &mut Input<'_>,
    names: &[String],
    amount: usize,
    whole: &Counter,
) -> Result<Vec<Counter>, ValueError> {
    take_all(input, names, amount, Some(whole))
}

fn put_all(bytes: &mut Vec<u8>, names: &[&str], counters: &[&Counter], whole: Option<&Counter>) {
    let used: BTreeSet<&str> = counters
        .iter()
        .flat_map(|counter| counter.measures.keys().map(String::as_str))
        .collect();
    let flags = flags(counters) | if used.is_empty() { 0 } else { MEASURES };
    bytes.push(flags);
    let mut column = |numbers: &mut dyn Iterator<Item = u128>| match whole {
        None => numbers.for_each(|number| put_wide(bytes, number)),
        Some(_) => put_packed(bytes, &numbers.collect::<Vec<_>>()),
    };
    column(&mut counters.iter().map(|counter| counter.count.into()));
    for (flag, told, _) in BYTES {
        if flags & flag != 0 {
            column(&mut counters.iter().map(|counter| {
                let mean = whole.map_or(0, |whole| expected(told(whole), whole, counter.count));
                match whole {
                    None => told(counter).into(),
                    Some(_) => unsigned(i128::from(told(counter)) - mean),
                }
            }));
        }
    }
    for (flag, told, _) in MESSAGES {
        if flags & flag != 0 {
            column(
                &mut counters
                    .iter()
                    .map(|counter| unsigned(i128::from(told(counter)) - i128::from(counter.count))),
            );
        }
    }
    if flags & SEQUENCES != 0 {
        for counter in counters {
            let first = counter.first_sequence.get();
            put(bytes, first);
            put(bytes, counter.last_sequence.get() - first);
        }
    }
    if flags & MEASURES != 0 {
        put(
            bytes,
            u64::try_from(used.len()).expect("64 bits hold any size"),
        );
        for (place, name) in (0_u64..).zip(names) {
            if !used.contains(name) {
                continue;
            }
            put(bytes, place);
            let sums = counters.iter().map(|counter| {
                let sum = counter.measures.get(*name);
                sum.map_or(0, |sum| sum.saturating_add(1))
            });
            let sums: Vec<u128> = sums.collect();
            match whole {
                None => sums.iter().for_each(|sum| put_wide(bytes, *sum)),
                Some(_) => put_packed(bytes, &sums),
            }
        }
    }
}

fn flags(counters: &[&Counter]) -> u8 {
    let mut flags = 0;
    for counter in counters {
        for (flag, told, _) in BYTES {
            flags |= if told(counter) == 0 { 0 } else { flag };
        }
        for (flag, told, _) in MESSAGES {
            flags |= if told(counter) == counter.count {
                0
            } else {
                flag
            };
        }
        if counter.last_sequence != Sequence::NONE {
            flags |= SEQUENCES;
        }
    }
    flags
}

fn take_all(
    input: &mut Input<'_>,
    names: &[String],
    amount: usize,
    whole: Option<&Counter>,
) -> Result<Vec<Counter>, ValueError> {
    let flags = input.byte()?;
    let mut counters = vec![Counter::without_durations(); amount];
    let column = |input: &mut Input<'_>| match whole {
        None => Ok(vec![input.wide()?]),
        Some(_) => take_packed(input, amount),
    };
    for (counter, count) in counters.iter_mut().zip(column(input)?) {
        counter.count = u64::try_from(count).map_err(|_| ValueError::Number)?;
        if counter.count == 0 {
            return Err(ValueError::Nothing);
        }
    }
    for (flag, told, sum) in BYTES.iter().filter(|(flag, ..)| flags & flag != 0) {
        let _ = flag;
        for (counter, number) in counters.iter_mut().zip(column(input)?) {
            let told = match whole {
                None => u64::try_from(number).ok(),
                Some(whole) => expected(told(whole), whole, counter.count)
                    .checked_add(signed(number))
                    .and_then(|told| u64::try_from(told).ok()),
            };
            *sum(counter) = told.ok_or(ValueError::Number)?;
        }
    }
    for (flag, _, sum) in MESSAGES {
        let more = match flags & flag {
            0 => vec![0; amount],
            _ => column(input)?,
        };
        for (counter, more) in counters.iter_mut().zip(more) {
            let told = i128::from(counter.count).checked_add(signed(more));
            let told = told.and_then(|told| u64::try_from(told).ok());
            *sum(counter) = told.ok_or(ValueError::Number)?;
        }
    }
    for counter in counters.iter_mut().filter(|_| flags & SEQUENCES != 0) {
        let (first, offset) = (input.number()?, input.number()?);
        let last = first
            .checked_add(offset)
            .filter(|_| first > 0)
            .ok_or(ValueError::Span { first, offset })?;
        counter.first_sequence = Sequence::new(first);
        counter.last_sequence = Sequence::new(last);
    }
    if flags & MEASURES != 0 {
        for _ in 0..input.number()? {
            let place = usize::try_from(input.number()?).map_err(|_| ValueError::Name)?;
            let name = names.get(place).ok_or(ValueError::Name)?;
            for (counter, sum) in counters.iter_mut().zip(column(input)?) {
                if let Some(sum) = sum.checked_sub(1) {
                    counter.measures.insert(name.clone(), sum);
                }
            }
        }
    }
    Ok(counters)
}

/// What so many calls of a row have on average.
fn expected(sum: u64, whole: &Counter, count: u64) -> i128 {
    let mean = u128::from(sum) * u128::from(count) / u128::from(whole.count.max(1));
    i128::try_from(mean).unwrap_or(i128::MAX)
}

fn put_packed(bytes: &mut Vec<u8>, numbers: &[u128]) {
    let least = numbers.iter().min().copied().unwrap_or(0);
    let most = numbers.iter().max().copied().unwrap_or(0);
    let width = 128 - (most - least).leading_zeros();
    put_wide(bytes, least);
    bytes.push(u8::try_from(width).expect("at most 128"));
    let (mut held, mut bits) = (0_u16, 0);
    for number in numbers {
        let (mut rest, mut left) = (number - least, width);
        while left > 0 {
            let taken = left.min(8);
            held |= u16::try_from(rest & ((1 << taken) - 1)).expect("eight bits") << bits;
            bits += taken;
            rest >>= taken;
            left -= taken;
            if bits >= 8 {
                let [low, high] = held.to_le_bytes();
                bytes.push(low);
                (held, bits) = (high.into(), bits - 8);
            }
        }
    }
    if bits > 0 {
        let [low, _] = held.to_le_bytes();
        bytes.push(low);
    }
}

fn take_packed(input: &mut Input<'_>, amount: usize) -> Result<Vec<u128>, ValueError> {
    let (least, width) = (input.wide()?, u32::from(input.byte()?));
    if width > 128 {
        return Err(ValueError::Number);
    }
    let (mut held, mut bits) = (0_u16, 0);
    let mut numbers = Vec::with_capacity(amount);
    for _ in 0..amount {
        let (mut number, mut done) = (0_u128, 0);
        while done < width {
            let taken = (width - done).min(8);
            if bits < taken {
                held |= u16::from(input.byte()?) << bits;
                bits += 8;
            }
            number |= u128::from(held & ((1 << taken) - 1)) << done;
            held >>= taken;
            bits -= taken;
            done += taken;
        }
        numbers.push(least.checked_add(number).ok_or(ValueError::Number)?);
    }
    if held != 0 {
        return Err(ValueError::Long);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[u128]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_packed(&mut bytes, numbers);
        bytes
    }

    #[test]
    fn columns_are_packed_as_the_format_says() {
        for (numbers, expected) in [
            (&[5_u128, 5, 5][..], &[5_u8, 0][..]),
            (&[7, 8, 7, 10], &[7, 2, 0b1100_0100]),
            (&[0, 0x1ff, 1], &[0, 9, 0x00, 0xfe, 0x07, 0x00]),
        ] {
            assert_eq!(packed(numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn what_nobody_packs_is_refused() {
        let taken = |bytes: &[u8]| take_packed(&mut Input(bytes), 3);
        assert_eq!(taken(&[5, 0]), Ok(vec![5, 5, 5]));
        assert_eq!(taken(&[5, 129]), Err(ValueError::Number));
        assert_eq!(taken(&[5, 8, 1, 2]), Err(ValueError::Short));
        assert_eq!(taken(&[5, 2, 0xff]), Err(ValueError::Long));
    }

    proptest! {
        #[test]
        fn packed_numbers_come_back(
            numbers in prop::collection::vec((any::<u128>(), 0..128_u32), 1..40),
        ) {
            let numbers: Vec<u128> = numbers.iter().map(|(number, shift)| number >> shift).collect();
            let bytes = packed(&numbers);
            let mut input = Input(&bytes);
            prop_assert_eq!(take_packed(&mut input, numbers.len()), Ok(numbers));
            prop_assert_eq!(input.end(), Ok(()));
        }
    }
}
