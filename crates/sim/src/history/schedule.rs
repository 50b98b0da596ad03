//! What happens on one day, in the order of time: calls at their places, and the hub's stops.

use fastrand::Rng;
use ndxp_model::{Outcome, Period};

use super::rhythm::{Minutes, Pace};
use super::share::Spread;
use super::strand::Strand;

/// Something that happens at an instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Happening {
    /// A call of the strand with this number enters.
    Call(usize),
    /// The hub is stopped as it should be: what is in flight ends first.
    Stopped,
    /// The hub breaks down, and what is in flight is cut off.
    BrokenOff,
    /// A hub starts, and closes what it finds open.
    Started,
}

/// All days of the month.
#[derive(Debug)]
pub(super) struct Schedule {
    days: Vec<Day>,
    minutes: Vec<(Pace, Minutes)>,
    /// For each strand where its fractions lie among the days.
    offsets: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Day {
    period: Period,
    /// From Monday, 0 to 6.
    weekday: usize,
    outage: Option<Outage>,
}

/// A time in which there was no hub, microseconds from the day's start.
#[derive(Clone, Copy, Debug)]
struct Outage {
    from_us: i64,
    to_us: i64,
    planned: bool,
}

const MINUTE_US: i64 = 60_000_000;

/// Two o'clock on a Sunday night, for four minutes.
const MAINTENANCE: Outage = Outage {
    from_us: 120 * MINUTE_US,
    to_us: 124 * MINUTE_US,
    planned: true,
};

/// In the middle of a morning's work, for a minute and a half.
const BREAKDOWN: Outage = Outage {
    from_us: 647 * MINUTE_US,
    to_us: 647 * MINUTE_US + 95_000_000,
    planned: false,
};

/// Calls that the breakdown cuts off have entered within so much before it.
const IN_FLIGHT_US: u64 = 2_000_000;

impl Schedule {
    /// One breakdown on the middle day, so that any month has one; maintenance on the first
    /// Sunday.
    pub fn new(days: &[(Period, usize)], strands: &[Strand], seed: u64) -> Self {
        let middle = days.len() / 2;
        let sunday = days.iter().position(|(_, weekday)| *weekday == 6);
        let day = |(place, (period, weekday)): (usize, &(Period, usize))| Day {
            period: *period,
            weekday: *weekday,
            outage: if place == middle {
                Some(BREAKDOWN)
            } else {
                (Some(place) == sunday).then_some(MAINTENANCE)
            },
        };
        let days: Vec<_> = days.iter().enumerate().map(day).collect();
        let mut dice = Rng::with_seed(seed);
        let schedule = Self {
            days,
            minutes: Pace::ALL.map(|pace| (pace, pace.minutes())).to_vec(),
            offsets: Vec::new(),
        };
        let whole = |strand: &Strand| schedule.weight_before(strand.shape.pace, usize::MAX);
        let offsets = strands.iter().map(|it| dice.u64(0..whole(it))).collect();
        Self {
            offsets,
            ..schedule
        }
    }

    pub fn days(&self) -> usize {
        self.days.len()
    }

    pub fn period(&self, day: usize) -> Option<Period> {
        self.days.get(day).map(|day| day.period)
    }

    /// What happens on the day, in order.
    pub fn day(&self, number: usize, strands: &[Strand], dice: &mut Rng) -> Vec<(i64, Happening)> {
        let Some(day) = self.days.get(number) else {
            return Vec::new();
        };
        let mut happenings = Vec::new();
        for (pace, minutes) in &self.minutes {
            let mut calls = self.calls(number, *pace, strands);
            dice.shuffle(&mut calls);
            let day_us = day.period.to.as_micros() - day.period.from.as_micros();
            let day_us = u64::try_from(day_us).unwrap_or(0);
            let places = minutes.places(calls.len() as u64, day_us, dice);
            let at = |place: u64| i64::try_from(place).unwrap_or(0);
            let placed = places.into_iter().zip(calls);
            happenings.extend(placed.map(|(place, call)| (at(place), Happening::Call(call))));
        }
        if let Some(outage) = day.outage {
            outage.befall(&mut happenings, dice);
            if !outage.planned {
                outage.cut_off(&mut happenings, strands, dice);
            }
        }
        happenings.sort_by_key(|(at, _)| *at);
        let start = day.period.from.as_micros();
        for (at, _) in &mut happenings {
            *at += start;
        }
        happenings
    }

    /// The strands' numbers, each as often as it has calls on the day. Interrupted ones happen
    /// when the hub breaks down, and at no other time.
    fn calls(&self, day: usize, pace: Pace, strands: &[Strand]) -> Vec<usize> {
        let (from, to) = (
            self.weight_before(pace, day),
            self.weight_before(pace, day + 1),
        );
        let whole = self.weight_before(pace, usize::MAX);
        let mut calls = Vec::new();
        for (number, (strand, offset)) in strands.iter().zip(&self.offsets).enumerate() {
            if strand.shape.pace != pace || is_interrupted(strand) {
                continue;
            }
            let spread = Spread {
                total: strand.calls,
                whole,
                offset: *offset,
            };
            let count = spread.before(to) - spread.before(from);
            calls.extend((0..count).map(|_| number));
        }
        calls
    }

    fn weight_before(&self, pace: Pace, day: usize) -> u64 {
        let days = self.days.iter().take(day);
        days.map(|day| pace.days().get(day.weekday).copied().unwrap_or(0))
            .sum()
    }
}

impl Outage {
    /// The hub goes and comes; whoever would have called meanwhile calls behind it.
    fn befall(self, happenings: &mut Vec<(i64, Happening)>, dice: &mut Rng) {
        for (at, _) in happenings.iter_mut() {
            if (self.from_us..=self.to_us).contains(at) {
                *at = self.to_us + 1 + i64::from(dice.u32(0..30_000_000));
            }
        }
        let gone = if self.planned {
            Happening::Stopped
        } else {
            Happening::BrokenOff
        };
        happenings.push((self.from_us, gone));
        happenings.push((self.to_us, Happening::Started));
    }

    /// All interrupted calls, just before the breakdown.
    fn cut_off(self, happenings: &mut Vec<(i64, Happening)>, strands: &[Strand], dice: &mut Rng) {
        let interrupted = strands
            .iter()
            .enumerate()
            .filter(|(_, it)| is_interrupted(it));
        for (number, strand) in interrupted {
            for _ in 0..strand.calls {
                let before = i64::try_from(dice.u64(1..IN_FLIGHT_US)).unwrap_or(1);
                happenings.push((self.from_us - before, Happening::Call(number)));
            }
        }
    }
}

fn is_interrupted(strand: &Strand) -> bool {
    strand.ending.outcome() == Outcome::Interrupted
}
