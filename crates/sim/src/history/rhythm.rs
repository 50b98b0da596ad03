//! When people and machines call: the days of a week and the minutes of a day.

use fastrand::Rng;

/// Whose rhythm a call follows.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Pace {
    /// Officers at their counters: office hours, a dip at noon, little at weekends.
    Office,
    /// Citizens at the portal: the day, and the evening too.
    Citizens,
    /// Batches: day and night, most before office hours.
    Machines,
}

/// The minutes of one day, and how much of a pace's calls fall before each of them.
#[derive(Clone, Debug)]
pub(super) struct Minutes {
    /// One more than there are minutes: from zero to the whole.
    before: Vec<u64>,
}

const MINUTES: u64 = 24 * 60;

/// Parts into which a minute's weight is cut, so that places within it are told apart.
const PARTS: u64 = 1 << 20;

impl Pace {
    pub const ALL: [Self; 3] = [Self::Office, Self::Citizens, Self::Machines];

    /// How much falls on a day of the week, Monday first.
    pub const fn days(self) -> [u64; 7] {
        match self {
            Self::Office => [108, 104, 102, 100, 96, 22, 9],
            Self::Citizens => [105, 102, 100, 98, 96, 62, 48],
            Self::Machines => [100, 100, 100, 100, 100, 92, 92],
        }
    }

    /// How much falls around the beginning of each hour.
    const fn hours(self) -> [u64; 24] {
        match self {
            Self::Office => [
                2, 1, 1, 1, 1, 2, 8, 45, 95, 112, 106, 80, 30, 55, 104, 110, 101, 70, 26, 16, 13,
                9, 5, 3,
            ],
            Self::Citizens => [
                6, 4, 3, 3, 4, 8, 20, 50, 80, 86, 80, 65, 44, 55, 75, 80, 75, 64, 58, 70, 76, 62,
                36, 16,
            ],
            Self::Machines => [
                90, 95, 96, 90, 80, 60, 30, 30, 45, 45, 45, 45, 40, 45, 45, 45, 45, 40, 35, 35, 40,
                50, 70, 85,
            ],
        }
    }

    /// The day's minutes, the hours' weights joined by straight lines.
    pub fn minutes(self) -> Minutes {
        let hours = self.hours();
        let next = hours.iter().cycle().skip(1);
        let weights = hours.iter().zip(next).flat_map(|(this, next)| {
            (0..60).map(move |minute| (this * (60 - minute) + next * minute) * PARTS)
        });
        let mut before = vec![0];
        before.extend(weights.scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        }));
        Minutes { before }
    }
}

impl Minutes {
    /// Places of so many calls within a day of the given length, in microseconds from its start
    /// and in order. The day is cut into parts of equal weight, and each has one call somewhere.
    pub fn places(&self, calls: u64, day_us: u64, dice: &mut Rng) -> Vec<u64> {
        const FINE: u32 = 16;
        let whole = self.before.last().copied().unwrap_or(0);
        let mut steps = self.before.windows(2).zip(0..);
        let mut step = steps.next();
        let mut places = Vec::with_capacity(usize::try_from(calls).unwrap_or(0));
        for call in 0..calls {
            let within = u128::from((call << FINE) + dice.u64(0..1 << FINE));
            let point = within * u128::from(whole) / (u128::from(calls) << FINE);
            let point = u64::try_from(point).unwrap_or(u64::MAX);
            while let Some(([_, end], _)) = step
                && *end <= point
            {
                step = steps.next();
            }
            let Some(([start, end], minute)) = step else {
                break;
            };
            let minute_us = day_us / MINUTES;
            let into = (point - start) * (minute_us >> 8) / ((end - start) >> 8).max(1);
            places.push(minute * minute_us + into.min(minute_us.saturating_sub(1)));
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: u64 = 86_400_000_000;

    #[test]
    fn every_call_has_a_place_within_the_day_and_they_stand_in_order() {
        for pace in Pace::ALL {
            for calls in [0, 1, 7, 1_000, 50_000] {
                let places = pace
                    .minutes()
                    .places(calls, DAY_US, &mut Rng::with_seed(calls));
                assert_eq!(places.len(), calls as usize, "{pace:?}");
                assert!(places.is_sorted(), "{pace:?} {calls}");
                assert!(places.iter().all(|place| *place < DAY_US));
            }
        }
    }

    #[test]
    fn officers_work_by_day_and_batches_run_by_night() {
        let hour = |pace: Pace, hour: u64| {
            let places = pace
                .minutes()
                .places(100_000, DAY_US, &mut Rng::with_seed(3));
            let in_hour = |place: &&u64| **place / 3_600_000_000 == hour;
            places.iter().filter(in_hour).count()
        };
        assert!(hour(Pace::Office, 9) > 20 * hour(Pace::Office, 2));
        assert!(hour(Pace::Office, 9) > 2 * hour(Pace::Office, 12), "noon");
        assert!(hour(Pace::Citizens, 20) > 4 * hour(Pace::Office, 20));
        assert!(hour(Pace::Machines, 2) > hour(Pace::Machines, 10));
    }
}
