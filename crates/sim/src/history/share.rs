//! Cutting a whole number into whole parts that sum to it exactly, at any scale.

/// Parts in the proportion of the weights, by the largest remainders: what rounding down leaves
/// over goes to the parts that lost most by it, the first of equals first. All zero when the
/// weights are.
pub(super) fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        let share = u128::from(total) * u128::from(*weight);
        parts.push(narrow(share / whole));
        remainders.push((std::cmp::Reverse(share % whole), place));
    }
    let left = total - parts.iter().sum::<u64>();
    remainders.sort_unstable();
    for ((_, place), _) in remainders.iter().zip(0..left) {
        if let Some(part) = parts.get_mut(*place) {
            *part += 1;
        }
    }
    parts
}

/// A total spread along a line, such as the days of a month: how much of it lies before a point.
/// The offset, anywhere below `whole`, decides where the fractions of a small total come to lie;
/// it never changes the sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub total: u64,
    /// The line's length, above zero.
    pub whole: u64,
    pub offset: u64,
}

impl Spread {
    /// How much of the total lies before the point; nothing before 0, all of it before `whole`.
    pub fn before(&self, point: u64) -> u64 {
        let run = u128::from(self.total) * u128::from(point) + u128::from(self.offset);
        narrow(run / u128::from(self.whole.max(1)))
    }
}

/// What a figure at full size comes to at another: rounded down.
pub(super) fn scaled(value: u64, part: u64, whole: u64) -> u64 {
    narrow(u128::from(value) * u128::from(part) / u128::from(whole.max(1)))
}

/// A share of a `u64` is one.
fn narrow(share: u128) -> u64 {
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(total: u64, weights: &[u64], wanted: &[u64]) {
        assert_eq!(apportion(total, weights), wanted);
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainders() {
        check(10, &[1, 1, 1], &[4, 3, 3]);
        check(7, &[5, 3, 2], &[4, 2, 1]);
        check(1, &[1, 0, 2], &[0, 0, 1]);
        check(5, &[0, 0], &[0, 0]);
        check(u64::MAX, &[u64::MAX, 0], &[u64::MAX, 0]);
    }

    #[test]
    fn parts_sum_to_the_whole_and_a_weight_of_zero_gets_nothing() {
        let mut dice = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            let weights: Vec<_> = (0..dice.usize(1..40)).map(|_| dice.u64(0..9)).collect();
            let total = dice.u64(0..1_000);
            let parts = apportion(total, &weights);
            let any = weights.iter().any(|weight| *weight > 0);
            assert_eq!(parts.iter().sum::<u64>(), if any { total } else { 0 });
            for (part, weight) in parts.iter().zip(&weights) {
                assert!(*weight > 0 || *part == 0, "{weights:?} {parts:?}");
            }
        }
    }

    #[test]
    fn a_spread_begins_with_nothing_ends_with_all_and_never_runs_back() {
        let mut dice = fastrand::Rng::with_seed(2);
        for _ in 0..2_000 {
            let whole = dice.u64(1..500);
            let spread = Spread {
                total: dice.u64(0..2_000),
                whole,
                offset: dice.u64(0..whole),
            };
            let run: Vec<_> = (0..=whole).map(|point| spread.before(point)).collect();
            assert_eq!((run[0], run[run.len() - 1]), (0, spread.total));
            assert!(run.is_sorted(), "{spread:?}");
        }
    }
}
