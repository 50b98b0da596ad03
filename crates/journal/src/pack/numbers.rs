//! Runs of numbers, a stream for each of their bytes: the high ones are nearly always zero, and
//! the low ones of times nearly random, so that each is compressed as what it is.

use super::stream::{Sink, Source};

const DIFFERENCES: u8 = 16;
const WIDTH_MAX: u8 = 8;

pub fn write(numbers: &[u64], sink: &mut Sink) {
    let mut before = 0;
    let differences = numbers.iter().map(|number| {
        let difference = number.wrapping_sub(before);
        before = *number;
        difference
    });
    let differences: Vec<u64> = differences.collect();
    sink.shortest(&[&|sink| planes(numbers, 0, sink), &|sink| {
        planes(&differences, DIFFERENCES, sink)
    }]);
}

fn planes(numbers: &[u64], form: u8, sink: &mut Sink) {
    let all = numbers.iter().fold(0, |all, number| all | number);
    let width = u8::try_from((64 - all.leading_zeros()).div_ceil(8)).unwrap_or(WIDTH_MAX);
    sink.byte(form + width);
    let mut plane = Vec::with_capacity(numbers.len());
    for place in 0..width {
        plane.clear();
        let bytes = numbers.iter().map(|number| number.to_le_bytes());
        plane.extend(bytes.filter_map(|bytes| bytes.get(usize::from(place)).copied()));
        sink.stream(&plane);
    }
}

/// Gives back a run, one by one.
#[derive(Debug)]
pub struct Numbers {
    /// Empty when all are zero.
    numbers: Vec<u64>,
    all_zero: bool,
    next: usize,
}

impl Numbers {
    pub fn read(source: &mut Source<'_>) -> Option<Self> {
        let form = source.byte()?;
        let (width, differences) = (form & !DIFFERENCES, form & DIFFERENCES > 0);
        if width > WIDTH_MAX {
            return None;
        }
        let mut numbers = Vec::new();
        for place in 0..width {
            let plane = source.stream()?;
            if place == 0 {
                numbers = vec![0; plane.len()];
            }
            if plane.len() != numbers.len() {
                return None;
            }
            for (number, byte) in numbers.iter_mut().zip(plane) {
                *number |= u64::from(byte) << (8 * place);
            }
        }
        if differences {
            let mut before = 0_u64;
            for number in &mut numbers {
                before = before.wrapping_add(*number);
                *number = before;
            }
        }
        Some(Self {
            numbers,
            all_zero: width == 0,
            next: 0,
        })
    }

    pub fn take(&mut self) -> Option<u64> {
        if self.all_zero {
            return Some(0);
        }
        let number = self.numbers.get(self.next).copied()?;
        self.next += 1;
        Some(number)
    }

    pub fn take_usize(&mut self) -> Option<usize> {
        usize::try_from(self.take()?).ok()
    }

    /// How many are left; `None` where any number of zeros is.
    pub fn left(&self) -> Option<usize> {
        (!self.all_zero).then(|| self.numbers.len().saturating_sub(self.next))
    }
}
