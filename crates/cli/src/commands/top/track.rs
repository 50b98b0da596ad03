//! How a counter moves: its rate over the last seconds, and its course over the last minutes.
//! Times are since the screen began, so that a test can say what they are.

use std::collections::VecDeque;
use std::time::Duration;

/// How far back a rate looks: long enough to be calm, short enough to be about now.
const WINDOW: Duration = Duration::from_secs(10);

/// Less than this says nothing about a rate.
const KNOWN_MIN: Duration = Duration::from_secs(1);

/// What a counter stood at, and since when. Between two samples it did not change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Track {
    /// Oldest first, never empty: all within the window, and one at or before its beginning.
    samples: VecDeque<(Duration, u64)>,
}

impl Track {
    pub fn new(at: Duration, value: u64) -> Self {
        Self {
            samples: VecDeque::from([(at, value)]),
        }
    }

    /// A counter that went down has been made anew: it begins again.
    pub fn push(&mut self, at: Duration, value: u64) {
        if self.samples.back().is_some_and(|(_, last)| value < *last) {
            *self = Self::new(at, value);
            return;
        }
        self.samples.push_back((at, value));
        let begin = at.saturating_sub(WINDOW);
        while self.samples.get(1).is_some_and(|(next, _)| *next <= begin) {
            self.samples.pop_front();
        }
    }

    /// What it stands at.
    pub fn latest(&self) -> u64 {
        self.samples.back().map_or(0, |(_, value)| *value)
    }

    /// Tenths of a unit per second over the window that ends now; `None` while too little is
    /// known.
    pub fn rate_tenths(&self, now: Duration) -> Option<u64> {
        let begin = now.saturating_sub(WINDOW);
        let before = self.samples.iter().rev().find(|(at, _)| *at <= begin);
        let (since, base) = match before {
            Some((_, base)) => (begin, *base),
            None => *self.samples.front()?,
        };
        let (_, value) = *self.samples.back()?;
        let known = now.checked_sub(since).filter(|known| *known >= KNOWN_MIN)?;
        let moved = u128::from(value.saturating_sub(base)) * 10_000;
        u64::try_from(moved / known.as_millis()).ok()
    }
}

/// How much came in each second of the last minutes; `None` where nobody was listening.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Course {
    /// The second that the last of `seconds` is about.
    last: u64,
    seconds: VecDeque<Option<u64>>,
}

impl Course {
    /// Five minutes.
    pub const SECONDS: usize = 300;

    pub fn new(now: Duration) -> Self {
        Self {
            last: now.as_secs(),
            seconds: VecDeque::from([Some(0)]),
        }
    }

    /// Goes on to now; in between came nothing, or nobody knows.
    pub fn advance(&mut self, now: Duration, known: bool) {
        let kept = u64::try_from(Self::SECONDS).unwrap_or(u64::MAX);
        let missing = now.as_secs().saturating_sub(self.last).min(kept);
        for _ in 0..missing {
            self.seconds.push_back(known.then_some(0));
        }
        while self.seconds.len() > Self::SECONDS {
            self.seconds.pop_front();
        }
        self.last = self.last.max(now.as_secs());
    }

    /// So much has come now.
    pub fn add(&mut self, more: u64) {
        if let Some(last) = self.seconds.back_mut() {
            *last = Some(last.unwrap_or(0).saturating_add(more));
        }
    }

    /// The course in at most so many columns, oldest first, each the mean per second of the
    /// seconds that it stands for. What is still running is left out.
    pub fn columns(&self, columns: usize) -> Vec<Option<u64>> {
        if columns == 0 {
            return Vec::new();
        }
        let size = Self::SECONDS.div_ceil(columns);
        let wide = u64::try_from(size).unwrap_or(u64::MAX);
        // Whole groups by the clock, so that a column keeps its height while it moves.
        let running = usize::try_from(self.last % wide).unwrap_or(0) + 1;
        let over = self.seconds.len().saturating_sub(running);
        let groups: Vec<_> = self.seconds.iter().take(over).copied().collect();
        let mean = |group: &[Option<u64>]| {
            let known: Vec<u64> = group.iter().copied().flatten().collect();
            let sum = known.iter().fold(0_u64, |sum, it| sum.saturating_add(*it));
            let many = u64::try_from(known.len()).unwrap_or(u64::MAX);
            // Rounded up: a second with anything in it is not shown as one with nothing.
            (many > 0).then(|| sum.div_ceil(many))
        };
        let mut all: Vec<_> = groups.rchunks(size).map(mean).take(columns).collect();
        all.reverse();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    #[test]
    fn a_rate_is_of_the_last_ten_seconds() {
        let mut track = Track::new(seconds(0), 1_000);
        assert_eq!(track.rate_tenths(seconds(9)), None, "not a second is known");
        assert_eq!(track.rate_tenths(seconds(10)), Some(0));
        track.push(seconds(10), 1_050);
        assert_eq!(track.rate_tenths(seconds(10)), Some(500));
        // Nothing more comes: the rate sinks, and is zero when the window has passed.
        assert_eq!(track.rate_tenths(seconds(50)), Some(100));
        assert_eq!(track.rate_tenths(seconds(100)), Some(50));
        assert_eq!(track.rate_tenths(seconds(109)), Some(50));
        assert_eq!(track.rate_tenths(seconds(111)), Some(0));
        for second in 11..=1_000 {
            track.push(seconds(second * 10), 1_050 + (second - 10) * 7);
            assert!(track.samples.len() <= 12, "what lies before is forgotten");
        }
        assert_eq!(track.rate_tenths(seconds(10_000)), Some(70));
    }

    #[test]
    fn a_counter_that_is_made_anew_begins_again() {
        let mut track = Track::new(seconds(0), 1_000);
        track.push(seconds(20), 40);
        assert_eq!(track.rate_tenths(seconds(25)), None);
        track.push(seconds(30), 50);
        assert_eq!(track.rate_tenths(seconds(30)), Some(100));
    }

    #[test]
    fn the_largest_counters_have_a_rate() {
        let mut track = Track::new(seconds(0), 0);
        track.push(seconds(10), u64::MAX);
        assert_eq!(track.rate_tenths(seconds(10)), None, "beyond what is shown");
        track.push(seconds(1_000), u64::MAX);
        assert_eq!(track.rate_tenths(seconds(1_000)), Some(0));
    }

    #[test]
    fn a_course_keeps_minutes_and_tells_nothing_from_unknown() {
        let mut course = Course::new(seconds(0));
        course.add(4);
        course.advance(seconds(12), true);
        course.add(6);
        course.advance(seconds(30), false);
        course.add(9);
        // The second that is running is not over.
        assert_eq!(course.columns(300), [Some(4), Some(6), None]);
        course.advance(seconds(40), true);
        assert_eq!(course.columns(300), [Some(4), Some(6), None, Some(9)]);
        course.advance(seconds(1_000_000), true);
        assert_eq!(course.seconds.len(), Course::SECONDS);
        assert_eq!(course.columns(0), []);
    }

    #[test]
    fn columns_are_means_of_whole_groups() {
        let mut course = Course::new(seconds(0));
        for second in 0..=12 {
            course.advance(seconds(second * 10), true);
            course.add(second);
        }
        // Three seconds to a column; twelve begins a group that is not over.
        assert_eq!(course.columns(100), [Some(1), Some(4), Some(7), Some(10)]);
        for columns in 1..500 {
            assert!(course.columns(columns).len() <= columns);
        }
    }
}
