//! Durations as they come from many tasks, for a mean and percentiles while the load runs.
//!
//! Counts stand in buckets of microseconds: one each below 16, then sixteen to each doubling,
//! so that a bucket is at most 6.25 % wide.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets to each doubling, as a power of two.
const STEP_BITS: u32 = 4;
const STEPS: u64 = 1 << STEP_BITS;
/// One below 16, and sixteen for each of the 60 doublings from there to 2⁶⁴.
const BUCKETS: u64 = STEPS * (64 - STEP_BITS as u64 + 1);

pub(crate) struct Durations {
    buckets: Vec<AtomicU64>,
    count: AtomicU64,
    sum_us: AtomicU64,
}

/// A mean and two percentiles; all zero when nothing was measured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    pub count: u64,
    pub mean: Duration,
    /// At most so long for half of them, to the bucket above.
    pub p50: Duration,
    /// At most so long for 99 of a hundred, to the bucket above.
    pub p99: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            count: AtomicU64::new(0),
            sum_us: AtomicU64::new(0),
        }
    }
}

impl Durations {
    pub(crate) fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = usize::try_from(bucket_of(micros)).ok();
        if let Some(bucket) = bucket.and_then(|place| self.buckets.get(place)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(micros, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn summary(&self) -> Summary {
        let counts: Vec<_> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        let count = self.count.load(Ordering::Relaxed);
        let sum_us = self.sum_us.load(Ordering::Relaxed);
        let whole = counts.iter().sum();
        Summary {
            count,
            mean: Duration::from_micros(sum_us.checked_div(count).unwrap_or(0)),
            p50: percentile(&counts, whole, 50),
            p99: percentile(&counts, whole, 99),
        }
    }
}

fn percentile(counts: &[u64], whole: u64, percent: u64) -> Duration {
    let rank = (whole * percent).div_ceil(100);
    let mut seen = 0;
    for (bucket, count) in (0..).zip(counts) {
        seen += count;
        if seen >= rank && seen > 0 {
            return Duration::from_micros(end_of(bucket) - 1);
        }
    }
    Duration::ZERO
}

fn bucket_of(micros: u64) -> u64 {
    if micros < STEPS {
        return micros;
    }
    let doubling = micros.ilog2() - STEP_BITS;
    STEPS * (u64::from(doubling) + 1) + ((micros >> doubling) & (STEPS - 1))
}

/// The first microsecond behind a bucket.
fn end_of(bucket: u64) -> u64 {
    let next = bucket + 1;
    if next < STEPS {
        return next;
    }
    let doubling = next / STEPS - 1;
    let end = (u128::from(STEPS) + u128::from(next % STEPS)) << doubling;
    u64::try_from(end).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_lies_below_its_end_and_is_at_most_a_sixteenth_wide() {
        let edges = (0..64).flat_map(|bit| {
            let edge = 1_u64 << bit;
            [edge.saturating_sub(1), edge, edge + 1, edge + edge / 3]
        });
        for micros in edges.chain([u64::MAX]) {
            let bucket = bucket_of(micros);
            assert!(bucket < BUCKETS, "{micros}");
            let start = bucket.checked_sub(1).map_or(0, end_of);
            assert!(start <= micros, "{micros} in {bucket}");
            assert!(
                micros < end_of(bucket) || micros == u64::MAX,
                "{micros} in {bucket}"
            );
            assert!(
                (end_of(bucket) - start - 1) * 16 <= start.max(16),
                "{micros}"
            );
        }
    }

    #[test]
    fn mean_and_percentiles_of_one_to_a_thousand() {
        let durations = Durations::default();
        assert_eq!(durations.summary(), Summary::default());
        for micros in 1..=1_000 {
            durations.record(Duration::from_micros(micros));
        }
        let summary = durations.summary();
        assert_eq!(summary.count, 1_000);
        assert_eq!(summary.mean, Duration::from_micros(500));
        let near = |found: Duration, exact: u128| {
            (exact..=exact + exact / 16).contains(&found.as_micros())
        };
        assert!(near(summary.p50, 500), "{summary:?}");
        assert!(near(summary.p99, 990), "{summary:?}");
    }
}
