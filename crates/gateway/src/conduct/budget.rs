//! A budget that time refills, as pure arithmetic: so much at once, and so much a second.

use std::time::Duration;

const SECOND_US: u64 = 1_000_000;

/// What has been spent and not yet been given back, in millionths, so that every microsecond
/// gives back a whole number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    per_second: u64,
    burst: u64,
    spent_millionths: u64,
    refilled_us: u64,
}

impl Budget {
    pub(super) fn new(per_second: u64, burst: u64) -> Self {
        Self {
            per_second,
            burst,
            spent_millionths: 0,
            refilled_us: 0,
        }
    }

    /// Spends so much `now`, counted from the budget's beginning; whether there was as much.
    pub(super) fn spend(&mut self, amount: u64, now: Duration) -> bool {
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let passed_us = now_us.saturating_sub(self.refilled_us);
        self.refilled_us = self.refilled_us.max(now_us);
        let refill = passed_us.saturating_mul(self.per_second);
        self.spent_millionths = self
            .spent_millionths
            .saturating_sub(refill)
            .saturating_add(amount.saturating_mul(SECOND_US));
        self.spent_millionths <= self.burst.saturating_mul(SECOND_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is spent at which millisecond, and whether there was as much.
    #[track_caller]
    fn check(per_second: u64, burst: u64, rows: &[(u64, u64, bool)]) {
        let mut budget = Budget::new(per_second, burst);
        for (at_ms, amount, expected) in rows {
            let found = budget.spend(*amount, Duration::from_millis(*at_ms));
            assert_eq!(found, *expected, "{amount} at {at_ms} ms of {budget:?}");
        }
    }

    #[test]
    fn the_burst_is_there_at_once_and_the_rest_comes_with_time() {
        check(100, 10, &[(0, 10, true), (0, 1, false)]);
        check(100, 10, &[(0, 10, true), (9, 1, false)]);
        check(100, 10, &[(0, 10, true), (10, 1, true), (10, 1, false)]);
        check(100, 10, &[(0, 10, true), (100, 10, true), (150, 6, false)]);
        // Rest gathers no more than the burst.
        check(100, 10, &[(60_000, 10, true), (60_000, 1, false)]);
        // A clock that stands or runs back gives nothing.
        check(
            100,
            10,
            &[(500, 10, true), (400, 1, false), (500, 1, false)],
        );
        check(
            u64::MAX,
            u64::MAX,
            &[(0, u64::MAX, true), (1, u64::MAX, true)],
        );
    }
}
