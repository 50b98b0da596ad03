//! Durations as a mergeable log-linear histogram: small enough to keep per counter, exact
//! enough for p50, p90 and p99.
//!
//! Values below 16 have a bucket each. Above, each octave (2^e up to 2^(e+1)) is cut into 16
//! buckets of equal width, so that no bucket is wider than 1/16 (6.25 %) of its lower end:
//!
//! ```text
//! value < 16:  bucket = value
//! else:        e = position of the highest set bit (4..=63)
//!              bucket = (e - 3) * 16 + the four bits behind the highest one
//! ```
//!
//! Bucket numbers run without gap from 0 to 975. A quantile answers the upper end of the bucket
//! that holds it, but never more than the exact maximum, which is kept beside the buckets.

use crate::counter::Overflow;

/// Buckets per octave.
const SUB_BUCKETS: u16 = 16;
/// 16 for the values below 16, then 60 octaves of 16.
pub const BUCKETS: u16 = 976;

/// How many values fell into each bucket, and the exact maximum.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Histogram {
    /// One bit for each octave that holds anything, the values below 16 first.
    held: u64,
    /// The buckets of these octaves: one is found without a search.
    octaves: Vec<Octave>,
    count: u64,
    max: u64,
}

type Octave = [u64; SUB_BUCKETS as usize];

/// Parts that no histogram of ours is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PartsError {
    #[error("bucket {bucket} is beyond the last one")]
    Beyond { bucket: u16 },
    #[error("bucket {bucket} does not follow the one before it")]
    Order { bucket: u16 },
    #[error("bucket {bucket} holds nothing")]
    Empty { bucket: u16 },
    #[error("the sum of the buckets does not fit into 64 bits")]
    Sum,
    #[error("the maximum {max} does not lie in the last bucket")]
    Max { max: u64 },
}

impl Histogram {
    /// # Errors
    /// When the histogram already holds 2^64 - 1 values.
    pub fn record(&mut self, value: u64) -> Result<(), Overflow> {
        self.count = grown(self.count, 1)?;
        // No bucket holds more than the sum, which was checked.
        *self.bucket(bucket_of(value)) += 1;
        self.max = self.max.max(value);
        Ok(())
    }

    /// # Errors
    /// When the two hold more than 2^64 - 1 values together.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.count = grown(self.count, other.count)?;
        self.max = self.max.max(other.max);
        for (number, more) in other.octaves() {
            for (held, more) in self.octave(number).iter_mut().zip(more) {
                *held += more;
            }
        }
        Ok(())
    }

    /// How many values were recorded.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The largest value recorded, exactly; 0 when there is none.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The value that `per_cent` of the recorded values do not exceed, at most one bucket too
    /// high; 0 when there is none.
    #[must_use]
    pub fn quantile(&self, per_cent: u8) -> u64 {
        let rank = (u128::from(self.count) * u128::from(per_cent))
            .div_ceil(100)
            .max(1);
        let mut passed = 0_u128;
        for (bucket, count) in self.buckets() {
            passed += u128::from(count);
            if passed >= rank {
                return upper_end(bucket).min(self.max);
            }
        }
        self.max
    }

    /// Bucket numbers and counts, ascending, none empty.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.octaves().flat_map(|(number, counts)| {
            let buckets = number * SUB_BUCKETS..;
            buckets
                .zip(counts.iter().copied())
                .filter(|(_, count)| *count > 0)
        })
    }

    /// Puts together what [`Self::buckets`] and [`Self::max`] gave.
    ///
    /// # Errors
    /// When no histogram can have given it.
    pub fn from_parts(
        buckets: impl IntoIterator<Item = (u16, u64)>,
        max: u64,
    ) -> Result<Self, PartsError> {
        let mut histogram = Self::default();
        let mut before = None;
        for (bucket, count) in buckets {
            if bucket >= BUCKETS {
                return Err(PartsError::Beyond { bucket });
            }
            if before.is_some_and(|before| before >= bucket) {
                return Err(PartsError::Order { bucket });
            }
            if count == 0 {
                return Err(PartsError::Empty { bucket });
            }
            let sum = grown(histogram.count, count);
            histogram.count = sum.map_err(|_| PartsError::Sum)?;
            *histogram.bucket(bucket) = count;
            before = Some(bucket);
        }
        if before.map_or(max != 0, |last| bucket_of(max) != last) {
            return Err(PartsError::Max { max });
        }
        histogram.max = max;
        Ok(histogram)
    }

    /// The octaves that hold anything, ascending, each with its number.
    fn octaves(&self) -> impl Iterator<Item = (u16, &Octave)> {
        let numbers = (0..BUCKETS / SUB_BUCKETS).filter(|number| self.held >> number & 1 == 1);
        numbers.zip(&self.octaves)
    }

    /// The octave of that number, which must be one; put there if it is not.
    fn octave(&mut self, number: u16) -> &mut Octave {
        let bit = 1 << number;
        let place = (self.held & (bit - 1)).count_ones() as usize;
        if self.held & bit == 0 {
            self.held |= bit;
            self.octaves.insert(place, Octave::default());
        }
        self.octaves.get_mut(place).expect("one for each bit")
    }

    fn bucket(&mut self, bucket: u16) -> &mut u64 {
        let place = usize::from(bucket % SUB_BUCKETS);
        let octave = self.octave(bucket / SUB_BUCKETS);
        octave.get_mut(place).expect("less than an octave has")
    }
}

fn grown(count: u64, more: u64) -> Result<u64, Overflow> {
    count
        .checked_add(more)
        .ok_or_else(|| Overflow::of("durations"))
}

/// The bucket that holds the value.
#[must_use]
pub fn bucket_of(value: u64) -> u16 {
    let narrow = |value: u64| u16::try_from(value).expect("below 976 by the shifts");
    if value < u64::from(SUB_BUCKETS) {
        return narrow(value);
    }
    let octave = 63 - value.leading_zeros();
    let sub = (value >> (octave - 4)) & 15;
    narrow(u64::from(octave - 3) * u64::from(SUB_BUCKETS) + sub)
}

/// The largest value that falls into the bucket, which must be below [`BUCKETS`].
fn upper_end(bucket: u16) -> u64 {
    let (octave, sub) = (bucket / SUB_BUCKETS, u64::from(bucket % SUB_BUCKETS));
    if octave == 0 {
        return sub;
    }
    let shift = u32::from(octave - 1);
    let lower = (u64::from(SUB_BUCKETS) + sub) << shift;
    lower + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(*value).unwrap();
        }
        histogram
    }

    /// Durations of every magnitude, not only the large ones that uniform numbers are.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(
            (any::<u64>(), 0..64_u32).prop_map(|(v, shift)| v >> shift),
            0..200,
        )
    }

    #[test]
    fn buckets_run_without_gap_from_0_to_u64_max() {
        assert_eq!((bucket_of(0), bucket_of(u64::MAX)), (0, BUCKETS - 1));
        for bucket in 0..BUCKETS {
            let end = upper_end(bucket);
            assert_eq!(bucket_of(end), bucket, "upper end {end}");
            if let Some(next) = end.checked_add(1) {
                assert_eq!(bucket_of(next), bucket + 1, "behind {end}");
            }
        }
        assert_eq!(upper_end(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn no_bucket_is_wider_than_a_sixteenth_of_its_lower_end() {
        for bucket in 16..BUCKETS {
            let lower = upper_end(bucket - 1) + 1;
            let width = u128::from(upper_end(bucket) - lower) + 1;
            assert!(width * 16 <= u128::from(lower), "bucket {bucket}");
        }
    }

    #[test]
    fn nothing_recorded_answers_0() {
        let empty = Histogram::default();
        assert_eq!((empty.count(), empty.max(), empty.quantile(99)), (0, 0, 0));
    }

    #[test]
    fn a_full_histogram_refuses_rather_than_wraps() {
        let mut full = Histogram::from_parts(vec![(3, u64::MAX)], 3).unwrap();
        assert_eq!(full.record(3), Err(Overflow::of("durations")));
        assert_eq!(
            full.clone().merge(&of(&[1])),
            Err(Overflow::of("durations"))
        );
        assert_eq!(full.quantile(50), 3);
    }

    #[test]
    fn parts_that_no_histogram_has_are_refused() {
        let rows = [
            (vec![(976, 1)], 0, PartsError::Beyond { bucket: 976 }),
            (vec![(5, 1), (5, 1)], 5, PartsError::Order { bucket: 5 }),
            (vec![(5, 1), (4, 1)], 5, PartsError::Order { bucket: 4 }),
            (vec![(5, 0)], 5, PartsError::Empty { bucket: 5 }),
            (vec![(4, u64::MAX), (5, 1)], 5, PartsError::Sum),
            (vec![(5, 1)], 6, PartsError::Max { max: 6 }),
            (vec![], 6, PartsError::Max { max: 6 }),
        ];
        for (buckets, max, error) in rows {
            assert_eq!(Histogram::from_parts(buckets, max), Err(error));
        }
    }

    proptest! {
        #[test]
        fn a_quantile_is_at_most_a_sixteenth_too_high(mut values in values(), per_cent in 1..=100_u8) {
            prop_assume!(!values.is_empty());
            let histogram = of(&values);
            values.sort_unstable();
            let rank = (values.len() * usize::from(per_cent)).div_ceil(100).max(1);
            let exact = values[rank - 1];
            let told = histogram.quantile(per_cent);
            prop_assert!(told >= exact && told <= *values.last().unwrap());
            prop_assert!(u128::from(told - exact) * 16 <= u128::from(exact));
            prop_assert_eq!(histogram.max(), *values.last().unwrap());
        }

        #[test]
        fn merging_is_recording_both(left in values(), right in values()) {
            let mut merged = of(&left);
            merged.merge(&of(&right)).unwrap();
            let both: Vec<u64> = left.into_iter().chain(right).collect();
            prop_assert_eq!(&merged, &of(&both));
            let parts = Histogram::from_parts(merged.buckets(), merged.max());
            prop_assert_eq!(parts.as_ref(), Ok(&merged));
        }
    }
}
