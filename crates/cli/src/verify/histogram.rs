//! Which bucket of the duration histogram a value falls into.
//!
//! By the histogram's definition: values below 16 have a bucket each; above, each doubling is
//! cut into 16 buckets of equal width, so that none is wider than 1/16 of its lower end.

/// The bucket's number, counted from the shortest durations.
pub fn bucket(value: u64) -> u32 {
    let mut first = 0_u32;
    let mut rest = value;
    // Each halving that brings the value below 32 passes one doubling, 16 buckets.
    while rest >= 32 {
        rest /= 2;
        first += 16;
    }
    first + u32::try_from(rest).expect("below 32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_run_without_gap_and_are_no_wider_than_a_sixteenth() {
        let mut last = 0;
        let mut start = 0_u64;
        for value in 1..200_000_u64 {
            let number = bucket(value);
            assert!(number == last || number == last + 1, "at {value}");
            if number != last {
                assert!(
                    (value - start) * 16 <= start.max(16),
                    "bucket {last} is wide"
                );
                (last, start) = (number, value);
            }
        }
        assert_eq!(bucket(u64::MAX), 59 * 16 + 31);
    }
}
