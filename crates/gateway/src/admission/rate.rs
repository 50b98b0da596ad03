//! The generic cell rate algorithm as pure arithmetic: one number says when the next call would
//! be due if calls came exactly at the rate, and a burst is how far ahead of that they may be.

use std::num::NonZeroU32;
use std::time::Duration;

use ndxp_model::Instant;

const SECOND_NS: i64 = 1_000_000_000;

/// So many calls a second on average, and so many at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

/// When the next call is due, nanoseconds since the epoch: all that a rate has to remember.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Due(pub i64);

impl Rate {
    /// Without a burst of its own, as many calls at once as the rate allows in a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32, burst: Option<NonZeroU32>) -> Self {
        let burst = burst.unwrap_or(per_second);
        Self { per_second, burst }
    }

    /// The next turn is taken, or the time until there is one.
    ///
    /// # Errors
    /// How long to wait.
    pub fn turn(self, due: Due, now: Instant) -> Result<Due, Duration> {
        let now_ns = nanoseconds(now);
        let latest_ns = now_ns.saturating_add(self.ahead_ns());
        // No turn makes the next one due later than an interval after the latest that there is. Where
        // it is, the clock has been set back, and nobody waits until it has caught up.
        let early_ns = due.0.saturating_sub(latest_ns);
        let due = match early_ns <= self.interval_ns() {
            true => due,
            false => Due(latest_ns),
        };
        match due.0.saturating_sub(latest_ns) {
            ..=0 => Ok(Due(due.0.max(now_ns).saturating_add(self.interval_ns()))),
            early_ns => Err(Duration::from_nanos(early_ns.unsigned_abs())),
        }
    }

    /// A turn is taken in any case; answers how long whoever takes it has to wait for it, at most
    /// `wait_max`.
    #[must_use]
    pub fn queue(self, due: Due, now: Instant, wait_max: Duration) -> (Due, Duration) {
        let now_ns = nanoseconds(now);
        let latest_ns = now_ns.saturating_add(self.ahead_ns());
        let wait_max_ns = i64::try_from(wait_max.as_nanos()).unwrap_or(i64::MAX);
        let wait_ns = due.0.saturating_sub(latest_ns).clamp(0, wait_max_ns);
        let turn_ns = due.0.clamp(now_ns, latest_ns.saturating_add(wait_ns));
        let next = Due(turn_ns.saturating_add(self.interval_ns()));
        (next, Duration::from_nanos(wait_ns.unsigned_abs()))
    }

    fn interval_ns(self) -> i64 {
        (SECOND_NS / i64::from(self.per_second.get())).max(1)
    }

    /// How far ahead of the even rate a call may be.
    fn ahead_ns(self) -> i64 {
        self.interval_ns()
            .saturating_mul(i64::from(self.burst.get()) - 1)
    }
}

fn nanoseconds(instant: Instant) -> i64 {
    instant.as_micros().saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32) -> Rate {
        let [per_second, burst] = [per_second, burst].map(|it| NonZeroU32::new(it).unwrap());
        Rate { per_second, burst }
    }

    /// How many of 10,000 calls pass at this instant.
    fn pass(rate: Rate, due: &mut Due, at: Instant) -> usize {
        let turns = (0..10_000).filter(|_| match rate.turn(*due, at) {
            Ok(next) => {
                *due = next;
                true
            }
            Err(_) => false,
        });
        turns.count()
    }

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate() {
        let start = Instant::from_micros(1_000_000_000);
        // Rate, burst, after so many milliseconds, so many pass.
        let rows = [
            (10, 10, 250, 2),
            (10, 10, 1_000, 10),
            (10, 10, 60_000, 10),
            (10, 1, 99, 0),
            (10, 1, 100, 1),
            (10, 50, 1_000, 10),
            (1, 1, 999, 0),
            (1, 1, 1_000, 1),
            (3, 3, 1_000, 3),
            (4_000, 100, 10, 40),
        ];
        for (per_second, burst, later_ms, expected) in rows {
            let rate = rate(per_second, burst);
            let mut due = Due::default();
            let first = pass(rate, &mut due, start);
            assert_eq!(first, burst as usize, "{rate:?}");
            let later = start.saturating_add(Duration::from_millis(later_ms));
            let found = pass(rate, &mut due, later);
            assert_eq!(found, expected, "{rate:?} after {later_ms} ms");
        }
    }

    #[test]
    fn whoever_waits_as_told_passes_then_and_not_before() {
        let start = Instant::from_micros(1_000_000_000);
        for (per_second, burst) in [(1, 1), (10, 3), (1_000, 1_000), (7, 2)] {
            let rate = rate(per_second, burst);
            let mut due = Due::default();
            pass(rate, &mut due, start);
            let wait = rate.turn(due, start).unwrap_err();
            let then = start.saturating_add(wait + Duration::from_micros(1));
            assert!(rate.turn(due, then).is_ok(), "{rate:?} after {wait:?}");
            let before = start.saturating_add(wait - Duration::from_micros(1));
            assert!(rate.turn(due, before).is_err(), "{rate:?} before {wait:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_lends_one_call_and_keeps_nobody_waiting() {
        let rate = rate(10, 10);
        let start = Instant::from_micros(1_000_000_000_000);
        for back in [Duration::from_secs(5), Duration::from_secs(86_400)] {
            let mut due = Due::default();
            pass(rate, &mut due, start);
            let before = start.saturating_sub(back);
            assert_eq!(pass(rate, &mut due, before), 1, "{back:?}");
            let then = before.saturating_add(Duration::from_millis(500));
            assert_eq!(pass(rate, &mut due, then), 5, "{back:?}");
        }
    }

    #[test]
    fn a_queue_lets_the_burst_through_and_spaces_the_rest_up_to_its_most() {
        let rate = rate(10, 2);
        let start = Instant::from_micros(1_000_000_000);
        let (most, mut due) = (Duration::from_millis(250), Due::default());
        let mut waits = Vec::new();
        for _ in 0..7 {
            let (next, wait) = rate.queue(due, start, most);
            due = next;
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [0, 0, 100, 200, 250, 250, 250]);
    }
}
