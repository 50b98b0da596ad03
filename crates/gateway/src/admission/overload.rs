//! Overload: how many calls the hub takes at once, and how they are shared while they are many.
//! Pure: what is in flight and how late the cores are go in, a number or a decision comes out.
//!
//! The number follows the cores' own lateness. A core that is busy runs what is ready in turn; a
//! task that should have run long ago says how long each call waits in that turn, whatever the
//! calls themselves wait for. While that stays low, only the configured limit counts, so that slow
//! providers are no overload.

use std::time::Duration;

use ndxp_model::Instant;

/// A core that is later than this makes each call wait as long; a call that is carried takes less
/// than a millisecond of the hub's own time.
pub const LATE: Duration = Duration::from_millis(50);
/// So many samples in a row, which is at least as many times [`LATE`]: one busy moment of the
/// machine is no overload.
const LATE_SAMPLES: u32 = 5;
/// Below this the hub sheds nothing for its lateness: some milliseconds of work for each core.
const CAPACITY_MIN: usize = 512;
/// After the last late sample of any core, before the number rises again.
const CALM: Duration = Duration::from_secs(1);

/// How many calls the hub takes at present.
#[derive(Clone, Debug)]
pub struct Pressure {
    capacity_max: usize,
    capacity: usize,
    /// Late samples in a row, by core.
    late: Vec<u32>,
    late_at: Instant,
}

/// Why a call is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shed {
    /// The hub has as many calls as it takes.
    Full,
    /// It is nearly full, and the consumer has more than its share.
    Share(usize),
}

impl Pressure {
    #[must_use]
    pub fn new(capacity_max: usize) -> Self {
        Self {
            capacity_max,
            capacity: capacity_max,
            late: Vec::new(),
            late_at: Instant::from_micros(i64::MIN / 2),
        }
    }

    /// A core was so late, with so many calls in the hub; answers how many it takes from now on.
    pub fn sample(&mut self, core: usize, late: Duration, in_flight: usize, now: Instant) -> usize {
        if self.late.len() <= core {
            self.late.resize(core + 1, 0);
        }
        let Some(row) = self.late.get_mut(core) else {
            return self.capacity;
        };
        // From here on, where the clock was set back.
        self.late_at = self.late_at.min(now);
        if late < LATE {
            *row = 0;
            let calm = now.as_micros().saturating_sub(self.late_at.as_micros());
            if u128::from(calm.max(0).unsigned_abs()) >= CALM.as_micros() {
                let more = self.capacity / 64 + 1;
                self.capacity = self.capacity.saturating_add(more).min(self.capacity_max);
            }
            return self.capacity;
        }
        *row += 1;
        self.late_at = now;
        if *row >= LATE_SAMPLES {
            *row = 0;
            let fewer = self.capacity.min(in_flight) / 8 * 7;
            self.capacity = fewer.max(CAPACITY_MIN).min(self.capacity_max);
        }
        self.capacity
    }
}

/// Whether a consumer that has `own` calls in flight may have one more, with `in_flight` of all
/// consumers and so many of them `active`. Three quarters of the capacity are for whoever comes
/// first; the last quarter is for those below their share, which leaves room for one consumer more
/// than there are.
///
/// # Errors
/// Why not.
pub fn admit(own: usize, in_flight: usize, active: usize, capacity: usize) -> Result<(), Shed> {
    if in_flight >= capacity {
        return Err(Shed::Full);
    }
    let share = (capacity / active.saturating_add(1)).max(1);
    if in_flight >= capacity - capacity / 4 && own >= share {
        return Err(Shed::Share(share));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_TIME: Duration = Duration::from_millis(1);

    fn at(ms: u64) -> Instant {
        Instant::from_micros(0).saturating_add(Duration::from_millis(ms))
    }

    #[test]
    fn whoever_has_most_gives_way_first() {
        // Own, of all, active, capacity.
        let rows = [
            (0, 0, 0, 1, Ok(())),
            (0, 1, 1, 1, Err(Shed::Full)),
            // Alone, and the hub is far from full.
            (74, 74, 1, 100, Ok(())),
            // Alone, and only the quarter for others is left.
            (75, 75, 1, 100, Err(Shed::Share(50))),
            // The others still come in.
            (0, 75, 1, 100, Ok(())),
            (32, 99, 2, 100, Ok(())),
            (33, 99, 2, 100, Err(Shed::Share(33))),
            (0, 100, 2, 100, Err(Shed::Full)),
            // More consumers than places: one call each.
            (0, 99, 1_000, 100, Ok(())),
            (1, 99, 1_000, 100, Err(Shed::Share(1))),
            (1_000, 1_000, 1, usize::MAX, Ok(())),
        ];
        for (own, all, active, capacity, expected) in rows {
            let found = admit(own, all, active, capacity);
            assert_eq!(
                found, expected,
                "{own} of {all}, {active} active, {capacity} at most"
            );
        }
    }

    /// Consumers that ask for all they can get end up with equal parts, and one that asks for
    /// little is never refused.
    #[test]
    fn a_flood_leaves_room_for_the_modest() {
        fastrand::seed(7);
        let capacity = 400;
        for flooding in 1..8_usize {
            let mut own = vec![0_usize; flooding + 1];
            for round in 0..20_000 {
                let all: usize = own.iter().sum();
                let who = fastrand::usize(..=flooding);
                let active = own.iter().filter(|it| **it > 0).count();
                if who == flooding {
                    // One call at a time, each over before the next.
                    let taken = admit(0, all, active, capacity);
                    // The first flood comes to an empty hub and needs a while to give way.
                    assert!(round < 5_000 || taken.is_ok(), "{own:?}: {taken:?}");
                } else if admit(own[who], all, active, capacity).is_ok() {
                    own[who] += 1;
                }
                let ending = fastrand::usize(..flooding);
                if fastrand::u8(..4) == 0 && own[ending] > 0 {
                    own[ending] -= 1;
                }
            }
            let most = own.iter().max().unwrap();
            assert!(*most <= capacity / 4 * 3, "{own:?}");
        }
    }

    #[test]
    fn lateness_that_lasts_lowers_the_capacity_and_calm_raises_it_again() {
        let mut pressure = Pressure::new(20_000);
        // One busy moment says nothing, nor do two cores that are late in turn.
        for core in [0, 0, 0, 0, 1, 1, 1, 1] {
            assert_eq!(pressure.sample(core, LATE, 8_000, at(0)), 20_000);
        }
        assert_eq!(pressure.sample(0, ON_TIME, 8_000, at(0)), 20_000);
        for _ in 0..4 {
            assert_eq!(pressure.sample(0, LATE, 8_000, at(100)), 20_000);
        }
        assert_eq!(pressure.sample(0, LATE, 8_000, at(100)), 7_000);
        // Nothing rises before it has been calm for a while.
        assert_eq!(pressure.sample(0, ON_TIME, 7_000, at(1_099)), 7_000);
        assert_eq!(pressure.sample(1, ON_TIME, 7_000, at(1_100)), 7_110);
        for _ in 0..1_000 {
            pressure.sample(0, ON_TIME, 7_000, at(1_200));
        }
        assert_eq!(pressure.sample(0, ON_TIME, 7_000, at(1_200)), 20_000);
    }

    #[test]
    fn a_clock_that_is_set_back_puts_off_calm_no_longer_than_lateness_does() {
        let mut pressure = Pressure::new(20_000);
        for _ in 0..5 {
            pressure.sample(0, LATE, 8_000, at(1_000_000));
        }
        assert_eq!(pressure.sample(0, ON_TIME, 7_000, at(0)), 7_000);
        assert_eq!(pressure.sample(0, ON_TIME, 7_000, at(1_000)), 7_110);
    }

    #[test]
    fn the_capacity_never_falls_below_its_least_nor_rises_above_the_limit() {
        for (limit, least) in [(20_000, CAPACITY_MIN), (100, 100)] {
            let mut pressure = Pressure::new(limit);
            let capacities = (0..1_000).map(|_| pressure.sample(0, LATE * 9, 3, at(0)));
            assert_eq!(capacities.last(), Some(least));
        }
    }
}
