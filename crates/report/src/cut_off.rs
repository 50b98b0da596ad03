//! Which periods a report's figures cover: one cut-off for all of them, cut in local time.

use ndxp_model::{Granularity, Instant, Period, Zone};

use crate::ReportError;

/// The periods of one report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Periods {
    /// The calendar month, as far as it lies before the cut-off.
    pub month: Period,
    /// From 1 January of the cut-off's year to the cut-off.
    pub year_to_date: Period,
    /// From the first entry on to the cut-off.
    pub since_launch: Period,
    /// Days, whole or begun, of `year_to_date`.
    pub days_of_year: u64,
}

impl Periods {
    /// Without a month the report is about the month that holds the cut-off's last instant.
    pub(crate) fn of(
        zone: &Zone,
        month: Option<&str>,
        as_of: Instant,
        now: Instant,
    ) -> Result<Self, ReportError> {
        let cut_off = effective(zone, as_of, now)?;
        let last = Instant::from_micros(cut_off.as_micros().saturating_sub(1));
        let named = match month {
            Some(text) => zone.month(text)?,
            None => zone.bucket(Granularity::Month, last),
        };
        if cut_off <= named.from.max(Instant::EPOCH) {
            let month = zone.label(Granularity::Month, named.from);
            return Err(ReportError::MonthNotBegun { month, cut_off });
        }
        let year_to_date = zone.year(last).until(cut_off);
        let since_launch = Period {
            from: Instant::EPOCH,
            to: cut_off,
        };
        Ok(Self {
            month: named.until(cut_off),
            year_to_date,
            since_launch,
            days_of_year: zone.days(year_to_date),
        })
    }
}

/// Counters answer whole local hours. A cut-off within the running hour, or ahead of it, takes
/// the running hour's end: nothing that happened is left out and no day is counted that has not
/// begun. A past cut-off within an hour cannot be answered and is refused.
fn effective(zone: &Zone, as_of: Instant, now: Instant) -> Result<Instant, ReportError> {
    let hour = zone.bucket(Granularity::Hour, as_of);
    let running = zone.bucket(Granularity::Hour, now);
    if as_of > running.from {
        Ok(running.to)
    } else if hour.from == as_of {
        Ok(as_of)
    } else {
        let time_zone = zone.name().to_owned();
        Err(ReportError::CutOffNotOnHour { as_of, time_zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Instant {
        Zone::viet_nam().moment(text).unwrap().from
    }

    fn end(text: &str) -> Instant {
        Zone::viet_nam().moment(text).unwrap().to
    }

    fn plus_micros(instant: Instant, micros: i64) -> Instant {
        Instant::from_micros(instant.as_micros() + micros)
    }

    #[track_caller]
    fn check(month: Option<&str>, as_of: Instant, now: Instant, wanted: Periods) {
        let periods = Periods::of(&Zone::viet_nam(), month, as_of, now).unwrap();
        assert_eq!(periods, wanted);
    }

    fn periods(month: Period, year: &str, cut_off: Instant, days_of_year: u64) -> Periods {
        let until = |from| Period { from, to: cut_off };
        Periods {
            month,
            year_to_date: until(start(year)),
            since_launch: until(Instant::EPOCH),
            days_of_year,
        }
    }

    #[test]
    fn one_cut_off_holds_for_every_period() {
        let cut_off = end("2022-07-22");
        let july = Period {
            from: start("2022-07"),
            to: cut_off,
        };
        let wanted = periods(july, "2022-01-01", cut_off, 203);
        check(None, cut_off, start("2022-09-01"), wanted);
        check(Some("2022-07"), cut_off, start("2022-09-01"), wanted);
    }

    #[test]
    fn a_month_that_was_over_is_whole() {
        let cut_off = end("2022-07-22");
        let june = Zone::viet_nam().month("2022-06").unwrap();
        let wanted = periods(june, "2022-01-01", cut_off, 203);
        check(Some("2022-06"), cut_off, start("2022-09-01"), wanted);
    }

    #[test]
    fn the_first_instant_of_a_month_or_year_cuts_off_the_one_before() {
        let cut_off = start("2022-01-01");
        let december = Zone::viet_nam().month("2021-12").unwrap();
        let wanted = periods(december, "2021-01-01", cut_off, 365);
        check(None, cut_off, start("2022-09-01"), wanted);
    }

    #[test]
    fn a_cut_off_in_or_ahead_of_the_running_hour_takes_that_hours_end() {
        let now = plus_micros(start("2022-07-22T09"), 1);
        let cut_off = end("2022-07-22T09");
        let july = Period {
            from: start("2022-07"),
            to: cut_off,
        };
        let wanted = periods(july, "2022-01-01", cut_off, 203);
        for as_of in [now, plus_micros(now, 1), end("2022-07-22"), end("2022-12")] {
            check(None, as_of, now, wanted);
        }
    }

    #[test]
    fn the_start_of_the_running_hour_is_a_cut_off_of_its_own() {
        let cut_off = start("2022-07-22T09");
        let july = Period {
            from: start("2022-07"),
            to: cut_off,
        };
        let wanted = periods(july, "2022-01-01", cut_off, 203);
        check(None, cut_off, plus_micros(cut_off, 5), wanted);
    }

    #[test]
    fn a_past_cut_off_within_an_hour_is_refused() {
        let as_of = plus_micros(start("2022-07-22T09"), 1);
        let now = start("2022-07-22T10");
        let error = Periods::of(&Zone::viet_nam(), None, as_of, now).unwrap_err();
        assert!(
            matches!(error, ReportError::CutOffNotOnHour { as_of: found, .. } if found == as_of)
        );
    }

    #[test]
    fn a_month_behind_the_cut_off_is_refused_by_name() {
        let (as_of, now) = (end("2022-07-22"), start("2022-09-01"));
        let error = Periods::of(&Zone::viet_nam(), Some("2022-08"), as_of, now).unwrap_err();
        assert_eq!(
            error.to_string(),
            "month 2022-08 had not begun at the cut-off 2022-07-22T17:00:00Z: ask for an \
             earlier month or a later cut-off"
        );
        assert!(Periods::of(&Zone::viet_nam(), Some("2022-13"), as_of, now).is_err());
    }
}
