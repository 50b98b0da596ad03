//! Overload: what each consumer may ask for while the hub cannot keep up. Pure: how late the cores
//! are and how much is asked go in, a number or a decision comes out.
//!
//! A core runs what is ready in turn; a task that should have run long ago says how long each call
//! waits in that turn, whatever the calls themselves wait for. While that stays low nobody is asked to
//! give way, however slow the providers are. Where it does not, each consumer gets the same share of
//! calls a second, lowered until the cores are in time again or have few calls left: whoever asks for
//! less than that notices nothing, and only those who ask for most give way.

use std::num::NonZeroU32;
use std::time::Duration;

use ndxp_model::Instant;

use super::Rate;

/// A core that is later than this makes each call wait as long, several times on its way; a call that
/// is carried takes less than a millisecond of the hub's own time.
pub const LATE: Duration = Duration::from_millis(10);
/// So many samples of a core in a row: one busy moment of the machine is no overload.
const LATE_SAMPLES: i32 = 3;
/// So many more where the share was lowered just before: calls that were taken until then are still on
/// their way, and say nothing of whether the new share is low enough.
const DRAINING_SAMPLES: i32 = 7;
/// With fewer calls than this in the hub nothing is refused for its lateness, and no share lowered: they
/// are some milliseconds of work for each core, and a core that is late with them is kept from its
/// work by somebody else.
pub const SHARES_FROM_CALLS: usize = 512;
/// Shares leave together this part of what the hub carried at its best lately, whatever makes it late.
const LEFT: u32 = 2;
/// Of the best rate, this part is forgotten each time that calls are counted: half in nine seconds.
const FORGOTTEN: u32 = 128;
/// Time in which no core was late, before the share rises again, and between two rises.
const CALM: Duration = Duration::from_millis(50);
/// What is asked for is counted over this time.
const COUNTED_OVER: Duration = Duration::from_millis(100);
/// A consumer that has been idle may ask for this part of a second's share at once.
const BURSTS_PER_SECOND: u32 = 8;

/// How much each consumer may ask for at present.
#[derive(Clone, Debug)]
pub struct Pressure {
    /// [`SHARES_FROM_CALLS`], in service.
    shares_from: usize,
    /// Calls a second; `None` while the cores are in time.
    share: Option<u32>,
    /// Late samples in a row, by core; negative while they may be of calls from before.
    late: Vec<i32>,
    /// When a core was late last, or the share raised.
    uneasy_at: Instant,
    counted: Load,
    counted_at: Instant,
    /// Calls a second that all consumers together asked for lately.
    asked_per_second: u32,
    /// And the most that were taken.
    best_per_second: u32,
}

/// What consumers want of the hub.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Load {
    /// Calls asked for, and taken, since the start.
    pub asked: u64,
    pub taken: u64,
    /// Calls in the hub, and consumers that have one.
    pub in_flight: usize,
    pub active: usize,
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
    /// Of a hub that shares with so many calls in it.
    #[must_use]
    pub fn new(shares_from: usize) -> Self {
        let never = Instant::from_micros(i64::MIN / 2);
        Self {
            shares_from,
            share: None,
            late: Vec::new(),
            uneasy_at: never,
            counted: Load::default(),
            counted_at: never,
            asked_per_second: 0,
            best_per_second: 0,
        }
    }

    /// A core was so late under this load; answers each consumer's share from now on, if they have to
    /// share.
    pub fn sample(
        &mut self,
        core: usize,
        late: Duration,
        load: Load,
        now: Instant,
    ) -> Option<NonZeroU32> {
        self.count(load, now);
        let late = if load.in_flight < self.shares_from {
            Duration::ZERO
        } else {
            late
        };
        // From here on, where the clock was set back.
        self.uneasy_at = self.uneasy_at.min(now);
        if self.late.len() <= core {
            self.late.resize(core + 1, 0);
        }
        if let Some(row) = self.late.get_mut(core) {
            *row = if late < LATE { 0 } else { *row + 1 };
            if *row >= LATE_SAMPLES {
                self.late.fill(-DRAINING_SAMPLES);
                self.lower(late, load.active);
            }
        }
        if late >= LATE {
            self.uneasy_at = now;
        } else if since(self.uneasy_at, now) >= CALM {
            self.uneasy_at = now;
            self.raise();
        }
        self.share.and_then(NonZeroU32::new)
    }

    /// In proportion to how late it is: by a tenth at least, and by half at most.
    fn lower(&mut self, late: Duration, active: usize) {
        let most = self.asked_per_second.max(1);
        let from = self.share.map_or(most, |share| share.min(most));
        let (target, late) = (LATE.as_micros(), late.as_micros().max(1));
        let lowered = u32::try_from(u128::from(from) * target / late).unwrap_or(from);
        let consumers = u32::try_from(active.max(1)).unwrap_or(u32::MAX);
        let least = (self.best_per_second / LEFT / consumers).max(1);
        self.share = Some(lowered.clamp(from / 2, from - from.div_ceil(10)).max(least));
    }

    /// By a sixteenth, until it is more than all ask for together.
    fn raise(&mut self) {
        self.share = self.share.map(|share| share.saturating_add(share / 16 + 1));
        self.share = self.share.filter(|share| *share <= self.asked_per_second);
    }

    fn count(&mut self, load: Load, now: Instant) {
        if now < self.counted_at {
            // The clock was set back, or another core was quicker: nobody knows how long it was.
            (self.counted, self.counted_at) = (load, now);
            return;
        }
        let elapsed = since(self.counted_at, now);
        if elapsed < COUNTED_OVER {
            return;
        }
        let per_second = |now: u64, before: u64| {
            let more = u128::from(now.saturating_sub(before));
            let per_second = more * Duration::from_secs(1).as_micros() / elapsed.as_micros().max(1);
            u32::try_from(per_second).unwrap_or(u32::MAX)
        };
        self.asked_per_second = per_second(load.asked, self.counted.asked);
        let taken = per_second(load.taken, self.counted.taken);
        let best = self.best_per_second - self.best_per_second / FORGOTTEN;
        self.best_per_second = best.max(taken);
        (self.counted, self.counted_at) = (load, now);
    }
}

/// A share as a rate.
#[must_use]
pub fn rate(share: NonZeroU32) -> Rate {
    let at_once = NonZeroU32::new(share.get() / BURSTS_PER_SECOND);
    Rate::new(share, at_once.or(NonZeroU32::new(1)))
}

fn since(then: Instant, now: Instant) -> Duration {
    let us = now.as_micros().saturating_sub(then.as_micros());
    Duration::from_micros(us.max(0).unsigned_abs())
}

/// Whether a consumer that has `own` calls in flight may have one more, with `in_flight` of all
/// consumers and so many of them `active`, where the hub takes so many at most. Three quarters of that
/// are for whoever comes first; the last quarter is for those below their share, which leaves room
/// for one consumer more than there are.
///
/// # Errors
/// Why not.
pub fn admit(own: usize, in_flight: usize, active: usize, most: usize) -> Result<(), Shed> {
    if in_flight >= most {
        return Err(Shed::Full);
    }
    let share = (most / active.saturating_add(1)).max(1);
    if in_flight >= most - most / 4 && own >= share {
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

    /// A hub that is asked for so many calls a second, and what becomes of its share.
    struct Hub {
        pressure: Pressure,
        asked_per_second: u64,
        load: Load,
        ms: u64,
    }

    impl Hub {
        fn asked(asked_per_second: u64, in_flight: usize) -> Self {
            let mut hub = Self {
                pressure: Pressure::new(SHARES_FROM_CALLS),
                asked_per_second,
                load: Load {
                    in_flight,
                    active: 1_000,
                    ..Load::default()
                },
                ms: 1_000_000,
            };
            hub.samples(0, Duration::ZERO, 10);
            hub
        }

        /// So many samples of one core, 20 ms apart; the share behind them.
        fn samples(&mut self, core: usize, late: Duration, samples: usize) -> Option<u32> {
            let mut share = None;
            for _ in 0..samples {
                self.ms += 20;
                self.load.asked += 20 * self.asked_per_second / 1_000;
                self.load.taken = self.load.asked / 2;
                share = self.pressure.sample(core, late, self.load, at(self.ms));
            }
            share.map(NonZeroU32::get)
        }
    }

    #[test]
    fn lateness_that_lasts_lowers_the_share_and_calm_raises_it_again() {
        let mut hub = Hub::asked(20_000, SHARES_FROM_CALLS);
        // One busy moment says nothing, nor do two cores that are late in turn.
        for core in [0, 0, 1, 1] {
            assert_eq!(hub.samples(core, LATE * 9, 1), None);
        }
        for core in [0, 1] {
            assert_eq!(hub.samples(core, ON_TIME, 1), None);
        }
        assert_eq!(hub.samples(0, LATE, 2), None);
        // A little late, by a tenth; very late, by half; and in proportion between.
        assert_eq!(hub.samples(0, LATE, 1), Some(18_000));
        // What was taken before is given time, unless the core was in time meanwhile.
        assert_eq!(hub.samples(1, LATE * 9, 9), Some(18_000));
        assert_eq!(hub.samples(1, LATE * 9, 1), Some(9_000));
        assert_eq!(hub.samples(1, ON_TIME, 1), Some(9_000));
        assert_eq!(hub.samples(1, LATE * 3 / 2, 3), Some(6_000));
        // Nothing rises before it has been calm for a while.
        assert_eq!(hub.samples(0, ON_TIME, 2), Some(6_000));
        assert_eq!(hub.samples(0, ON_TIME, 1), Some(6_376));
        assert_eq!(hub.samples(0, ON_TIME, 2), Some(6_376));
        // Nobody asks for more than all do.
        assert_eq!(hub.samples(0, ON_TIME, 100), None);
    }

    /// A machine that is busy with something else is late whatever the hub does.
    #[test]
    fn lateness_that_is_not_the_hubs_leaves_a_part() {
        // Calls in flight, consumers, and the share after four seconds of it.
        let rows = [
            (SHARES_FROM_CALLS - 1, 1, None),
            (SHARES_FROM_CALLS, 1, Some(5_000)),
            (SHARES_FROM_CALLS, 10, Some(500)),
            (SHARES_FROM_CALLS, 10_000, Some(1)),
            (SHARES_FROM_CALLS, 0, Some(5_000)),
        ];
        for (in_flight, active, expected) in rows {
            let mut hub = Hub::asked(20_000, in_flight);
            hub.load.active = active;
            let found = hub.samples(0, LATE * 100, 200);
            // A little of the best rate is forgotten meanwhile.
            let near = |share: u32| expected.is_some_and(|it| it / 10 * 9 <= share && share <= it);
            assert!(
                found.map_or(expected.is_none(), near),
                "{found:?}, {expected:?}"
            );
        }
        let mut idle = Hub::asked(0, SHARES_FROM_CALLS);
        assert_eq!(idle.samples(0, LATE * 100, 3), Some(1));
        assert_eq!(idle.samples(0, ON_TIME, 3), None);
    }

    #[test]
    fn a_clock_that_is_set_back_puts_off_calm_no_longer_than_lateness_does() {
        let mut hub = Hub::asked(20_000, SHARES_FROM_CALLS);
        assert_eq!(hub.samples(0, LATE * 9, 3), Some(10_000));
        let best = hub.pressure.best_per_second;
        hub.ms = 10_000;
        assert_eq!(hub.samples(0, ON_TIME, 3), Some(10_000));
        // What was asked for since then was asked for in a time that nobody knows.
        assert_eq!(hub.pressure.best_per_second, best);
        assert!(hub.samples(0, ON_TIME, 3) > Some(10_000));
    }
}
