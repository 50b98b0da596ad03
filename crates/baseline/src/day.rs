//! Days of the hub's local calendar.

use std::fmt;

use jiff::civil::{Date, date};
use jiff::{Span, Unit};
use ndxp_model::{Instant, Zone};

/// A local day, by its distance from 1970-01-01.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Day(i32);

const EPOCH: Date = date(1970, 1, 1);

impl Day {
    /// The first day that may be named, and the one behind the last: the years 1970 to 9998.
    pub const FIRST: Self = Self(0);
    pub const BEHIND_LAST: Self = Self(2_932_532);

    #[must_use]
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day that holds the instant.
    #[must_use]
    pub fn of(zone: &Zone, instant: Instant) -> Self {
        Self::of_date(zone.local(instant).date())
    }

    /// When the day begins.
    ///
    /// # Panics
    /// Never: a day that can be named is in the calendar.
    #[must_use]
    pub fn start(self, zone: &Zone) -> Instant {
        let last = Self::BEHIND_LAST.before();
        let named = self.clamp(Self::FIRST, last).to_string();
        let day = zone.moment(&named).expect("a day of the calendar");
        if self > last { day.to } else { day.from }
    }

    pub(crate) fn of_date(date: Date) -> Self {
        let days = EPOCH.until((Unit::Day, date)).map(|span| span.get_days());
        Self(days.unwrap_or_default())
    }

    /// Days beyond the calendar's ends are those ends.
    pub(crate) fn date(self) -> Date {
        let end = if self.0 < 0 { Date::MIN } else { Date::MAX };
        let distance = Span::new().try_days(self.0);
        distance
            .and_then(|days| EPOCH.checked_add(days))
            .unwrap_or(end)
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// `2022-07-22`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_the_first_of_1970() {
        let rows = [
            (date(1970, 1, 1), 0),
            (date(1969, 12, 31), -1),
            (date(2022, 7, 22), 19_195),
            (date(9999, 1, 1), Day::BEHIND_LAST.number()),
        ];
        for (date, number) in rows {
            assert_eq!(Day::of_date(date), Day::new(number));
            assert_eq!(Day::new(number).to_string(), date.to_string());
        }
        for number in [i32::MIN, i32::MAX] {
            assert!(!Day::new(number).to_string().is_empty(), "{number}");
        }
    }

    #[test]
    fn an_instant_is_of_the_day_that_the_zone_has_then() {
        let zone = Zone::viet_nam();
        let noon = zone.moment("2022-07-22").unwrap();
        let last = Instant::from_micros(noon.to.as_micros() - 1);
        assert_eq!(Day::of(&zone, noon.from), Day::new(19_195));
        assert_eq!(Day::of(&zone, last), Day::new(19_195));
        assert_eq!(Day::of(&zone, noon.to), Day::new(19_196));
        assert_eq!(Day::new(19_195).start(&zone), noon.from);
        let end = zone.moment("9998-12-31").unwrap().to;
        for day in [Day::BEHIND_LAST, Day::new(i32::MAX)] {
            assert_eq!(day.start(&zone), end);
        }
    }
}
