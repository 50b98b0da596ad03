//! With which period another is compared: the one before it, and the same a year before.
//!
//! The rule, in local dates, whatever the lengths of months and years:
//!
//! - The beginning of a month is compared with as many days from the start of the month before,
//!   cut at that month's end; a whole month with the whole month before.
//! - The beginning of a year, or a whole one, is compared with the same of the year before.
//! - Any other window is compared with the window of as many days that ends where it begins.
//! - A year before are the same dates one year before: 29 February becomes 28 February as a last
//!   day and 1 March as a first one. Whole months stay whole, so that February 2025 is compared
//!   with all 29 days of February 2024, and days add up to months on both sides.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};

use crate::period::{Period, Zone};
use crate::{Granularity, Instant};

/// What a period is a part of, which says what stands before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Within {
    /// A calendar month, or its beginning.
    Month,
    /// A calendar year, or its beginning.
    Year,
    /// Nothing but itself.
    Window,
}

/// Calendars before it are not kept.
const FIRST_YEAR: i16 = 1970;

impl Zone {
    /// The period before. `None` for an empty one, one whose start or end is open, and one before
    /// which no calendar is kept.
    #[must_use]
    pub fn previous(&self, period: Period, within: Within) -> Option<Period> {
        let (from, to) = self.bounds(period)?;
        let (from, to) = match within {
            Within::Year => return self.year_before(period),
            Within::Window => (from.checked_sub(from.until(to).ok()?).ok()?, from),
            Within::Month => {
                let before = from.checked_sub(1.month()).ok()?;
                let ended = to >= from.checked_add(1.month()).ok()?;
                let same_days = before.checked_add(from.until(to).ok()?).ok()?;
                let to = if ended { from } else { same_days.min(from) };
                (before, to)
            }
        };
        self.between(from, to)
    }

    /// The same dates one year before. `None` as for [`Zone::previous`].
    #[must_use]
    pub fn year_before(&self, period: Period) -> Option<Period> {
        let (from, to) = self.bounds(period)?;
        let to = if is_month_start(from) && is_month_start(to) {
            DateTime::from_parts(last_year(to.date())?, Time::midnight())
        } else if to.time() == Time::midnight() {
            // By its last day: the end is the day behind that.
            let last = last_year(to.date().yesterday().ok()?)?;
            DateTime::from_parts(last.tomorrow().ok()?, Time::midnight())
        } else {
            DateTime::from_parts(last_year(to.date())?, to.time())
        };
        let first = match last_year(from.date())? {
            date if date.day() != from.day() => date.tomorrow().ok()?,
            date => date,
        };
        self.between(DateTime::from_parts(first, from.time()), to)
    }

    /// From the start of the month's year to the month's end.
    #[must_use]
    pub fn first_months(&self, month: Period) -> Period {
        Period {
            from: self.year(month.from).from,
            to: month.to,
        }
    }

    /// The day that holds the instant as people write it: `22/07/2022`, or `2022-07-22`.
    #[must_use]
    pub fn day_label(&self, instant: Instant, day_first: bool) -> String {
        if day_first {
            self.local(instant).strftime("%d/%m/%Y").to_string()
        } else {
            self.label(Granularity::Day, instant)
        }
    }

    /// Start and end in local time.
    fn bounds(&self, period: Period) -> Option<(DateTime, DateTime)> {
        let open = period.from <= Instant::EPOCH || period.to == Instant::from_micros(i64::MAX);
        if open || period.is_empty() {
            return None;
        }
        Some((self.local(period.from), self.local(period.to)))
    }

    fn between(&self, from: DateTime, to: DateTime) -> Option<Period> {
        let period = Period {
            from: self.at(from),
            to: self.at(to),
        };
        (from.year() >= FIRST_YEAR && !period.is_empty()).then_some(period)
    }
}

fn is_month_start(local: DateTime) -> bool {
    local.day() == 1 && local.time() == Time::midnight()
}

/// The same date one year before; 28 February for the 29th.
fn last_year(date: Date) -> Option<Date> {
    date.checked_sub(1.year()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Instant {
        Zone::viet_nam().moment(text).unwrap().from
    }

    /// From the start of the first to the end of the last.
    fn period(first: &str, last: &str) -> Period {
        let zone = Zone::viet_nam();
        Period {
            from: zone.moment(first).unwrap().from,
            to: zone.moment(last).unwrap().to,
        }
    }

    #[track_caller]
    fn check_previous(within: Within, of: (&str, &str), wanted: (&str, &str)) {
        let found = Zone::viet_nam().previous(period(of.0, of.1), within);
        assert_eq!(found, Some(period(wanted.0, wanted.1)), "{of:?}");
    }

    #[track_caller]
    fn check_year_before(of: (&str, &str), wanted: (&str, &str)) {
        let found = Zone::viet_nam().year_before(period(of.0, of.1));
        assert_eq!(found, Some(period(wanted.0, wanted.1)), "{of:?}");
    }

    #[test]
    fn a_month_is_compared_with_as_many_days_of_the_month_before() {
        let rows = [
            // To a cut-off.
            (("2022-07-01", "2022-07-22"), ("2022-06-01", "2022-06-22")),
            (("2022-01-01", "2022-01-15"), ("2021-12-01", "2021-12-15")),
            (
                ("2022-07-01", "2022-07-22T09"),
                ("2022-06-01", "2022-06-22T09"),
            ),
            // Days past its end are cut at its end.
            (("2022-03-01", "2022-03-30"), ("2022-02", "2022-02")),
            (("2024-03-01", "2024-03-29"), ("2024-02", "2024-02")),
            (
                ("2022-07-01", "2022-07-30T22"),
                ("2022-06-01", "2022-06-30T22"),
            ),
            (("2022-07-01", "2022-07-31T09"), ("2022-06", "2022-06")),
            // Whole months, unequal as they are.
            (("2022-03-01", "2022-03-31"), ("2022-02", "2022-02")),
            (("2022-02", "2022-02"), ("2022-01", "2022-01")),
            (("2024-02", "2024-02"), ("2024-01", "2024-01")),
            (("2022-07", "2022-07"), ("2022-06", "2022-06")),
            // 28 days of a February that has 29 are not all of it.
            (("2024-02-01", "2024-02-28"), ("2024-01-01", "2024-01-28")),
        ];
        for (of, wanted) in rows {
            check_previous(Within::Month, of, wanted);
        }
    }

    #[test]
    fn a_year_is_compared_with_the_year_before() {
        let rows = [
            (("2022-01-01", "2022-07-22"), ("2021-01-01", "2021-07-22")),
            (("2022-01", "2022-12"), ("2021-01", "2021-12")),
            (("2022-01", "2022-07"), ("2021-01", "2021-07")),
            (("2024-01", "2024-12"), ("2023-01", "2023-12")),
        ];
        for (of, wanted) in rows {
            check_previous(Within::Year, of, wanted);
            check_year_before(of, wanted);
        }
    }

    #[test]
    fn a_window_is_compared_with_as_many_days_before_it() {
        let rows = [
            (("2022-06-20", "2022-07-20"), ("2022-05-20", "2022-06-19")),
            (("2024-02-29", "2024-02-29"), ("2024-02-28", "2024-02-28")),
            (("2024-03-01", "2024-03-07"), ("2024-02-23", "2024-02-29")),
            (
                ("2022-07-22T09", "2022-07-22T11"),
                ("2022-07-22T06", "2022-07-22T08"),
            ),
        ];
        for (of, wanted) in rows {
            check_previous(Within::Window, of, wanted);
        }
    }

    #[test]
    fn a_year_before_are_the_same_dates() {
        let rows = [
            (("2022-07-01", "2022-07-22"), ("2021-07-01", "2021-07-22")),
            (("2022-06-20", "2022-07-20"), ("2021-06-20", "2021-07-20")),
            (
                ("2022-07-01", "2022-07-22T09"),
                ("2021-07-01", "2021-07-22T09"),
            ),
            // 29 February as a last day, and as a first one.
            (("2024-02-10", "2024-02-29"), ("2023-02-10", "2023-02-28")),
            (("2024-01-01", "2024-02-29"), ("2023-01-01", "2023-02-28")),
            (("2024-02-29", "2024-03-05"), ("2023-03-01", "2023-03-05")),
            (
                ("2024-02-01", "2024-02-29T09"),
                ("2023-02-01", "2023-02-28T09"),
            ),
            // Whole months stay whole, days of a month stay days.
            (("2024-02", "2024-02"), ("2023-02", "2023-02")),
            (("2025-02", "2025-02"), ("2024-02", "2024-02")),
            (("2025-01", "2025-02"), ("2024-01", "2024-02")),
            (("2025-02-10", "2025-02-28"), ("2024-02-10", "2024-02-28")),
        ];
        for (of, wanted) in rows {
            check_year_before(of, wanted);
        }
    }

    #[test]
    fn a_29_february_alone_has_no_same_date_the_year_before() {
        let leap_day = period("2024-02-29", "2024-02-29");
        assert_eq!(Zone::viet_nam().year_before(leap_day), None);
    }

    #[test]
    fn what_is_open_empty_or_before_the_calendar_is_compared_with_nothing() {
        let zone = Zone::viet_nam();
        let until = |from, to| Period { from, to };
        for nothing in [
            until(Instant::EPOCH, start("2022-07-23")),
            until(start("2022-07-01"), Instant::from_micros(i64::MAX)),
            until(start("2022-07-02"), start("2022-07-02")),
            until(start("2022-07-02"), start("2022-07-01")),
            period("1970-03", "1970-03"),
        ] {
            assert_eq!(zone.year_before(nothing), None, "{nothing:?}");
        }
        assert_eq!(
            zone.previous(period("1970-02", "1970-03"), Within::Window),
            None
        );
    }

    #[test]
    fn the_first_months_of_a_year_end_with_the_month() {
        let zone = Zone::viet_nam();
        let found = zone.first_months(period("2022-07", "2022-07"));
        assert_eq!(found, period("2022-01", "2022-07"));
        assert_eq!(
            zone.first_months(period("2022-01-01", "2022-01-05")),
            period("2022-01-01", "2022-01-05")
        );
    }

    #[test]
    fn days_are_written_as_people_write_them() {
        let zone = Zone::viet_nam();
        assert_eq!(zone.day_label(start("2022-07-22"), true), "22/07/2022");
        assert_eq!(zone.day_label(start("2022-07-22"), false), "2022-07-22");
    }
}
