//! Tests of `codec`.

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
    let expected = "03 02 06616d6f756e74 077265636f726473 02 \
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
        hex(&bytes).replacen("03", "03fffffffffffffffe", 1)
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
