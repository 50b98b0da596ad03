//! Which periods a report's figures cover: one cut-off for all of them, cut in local time.

use ndxp_model::{Granularity, Instant, Period, Within, Zone};

use crate::ReportError;
use crate::request::Moment;

/// The periods of one report. All lie before the cut-off.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Periods {
    pub cut_off: Instant,
    /// `2022-07`.
    pub month_label: String,
    /// The calendar month.
    pub month: Period,
    /// From 1 January of the month's year through the month.
    pub first_months: Period,
    /// The whole year of the month.
    pub year_to_date: Period,
    /// The calendar year before that.
    pub previous_year: Period,
    /// From the first entry on.
    pub since_launch: Period,
    /// The month and the twelve before it.
    pub last_months: Period,
    /// What these are compared with; `None` where no calendar is kept.
    pub month_previous: Option<Period>,
    pub month_year_before: Option<Period>,
    pub first_months_year_before: Option<Period>,
    pub year_to_date_year_before: Option<Period>,
}

/// Which report is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Without a month the report is about the month that holds the cut-off's last instant.
    pub month: Option<&'a str>,
    /// `None` is now.
    pub as_of: Option<Instant>,
    pub now: Instant,
    /// When the platform launched; `None` while the journal is empty.
    pub launched: Option<Instant>,
}

impl Periods {
    pub(crate) fn of(zone: &Zone, wanted: Wanted<'_>) -> Result<Self, ReportError> {
        let cut_off = effective(zone, wanted.as_of, wanted.now)?;
        let last = Instant::from_micros(cut_off.as_micros().saturating_sub(1));
        let named = match wanted.month {
            Some(text) => zone.month(text)?,
            None => zone.bucket(Granularity::Month, last),
        };
        let month_label = zone.label(Granularity::Month, named.from);
        if let Some(launched) = wanted.launched {
            let moment = |at| Moment::of(zone, at);
            if cut_off <= launched {
                let (cut_off, launched) = (moment(cut_off), moment(launched));
                return Err(ReportError::CutOffBeforeLaunch { cut_off, launched });
            }
            if named.to <= launched {
                let (month, launched) = (month_label, moment(launched));
                return Err(ReportError::MonthBeforeLaunch { month, launched });
            }
        }
        if cut_off <= named.from.max(Instant::EPOCH) {
            let (month, cut_off) = (month_label, Moment::of(zone, cut_off));
            return Err(ReportError::MonthNotBegun { month, cut_off });
        }
        let month = named.until(cut_off);
        let first_months = zone.first_months(month);
        let year_to_date = zone.year(month.from).until(cut_off);
        let before_year = Instant::from_micros(year_to_date.from.as_micros().saturating_sub(1));
        let a_year_before = zone.year_before(named).map_or(named.from, |it| it.from);
        Ok(Self {
            cut_off,
            month_label,
            month,
            first_months,
            year_to_date,
            previous_year: zone.year(before_year),
            since_launch: Period {
                from: Instant::EPOCH,
                to: cut_off,
            },
            last_months: Period {
                from: a_year_before,
                to: month.to,
            },
            month_previous: zone.previous(month, Within::Month),
            month_year_before: zone.year_before(month),
            first_months_year_before: zone.year_before(first_months),
            year_to_date_year_before: zone.year_before(year_to_date),
        })
    }
}

/// Counters answer whole local hours. A cut-off within the running hour, or ahead of it, takes
/// the running hour's end: nothing that happened is left out and no day is counted that has not
/// begun. A past cut-off within an hour cannot be answered and is refused.
fn effective(zone: &Zone, as_of: Option<Instant>, now: Instant) -> Result<Instant, ReportError> {
    let running = zone.bucket(Granularity::Hour, now);
    let Some(as_of) = as_of else {
        return Ok(running.to);
    };
    let hour = zone.bucket(Granularity::Hour, as_of);
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
    fn check(month: Option<&str>, (as_of, now): (Instant, Instant), wanted: &Spans<'_>) {
        let asked = Wanted {
            month,
            as_of: Some(as_of),
            now,
            launched: None,
        };
        let found = Periods::of(&Zone::viet_nam(), asked).unwrap();
        let label = |period: Period| {
            let hour = |at| Zone::viet_nam().label(Granularity::Hour, at);
            format!("{} {}", hour(period.from), hour(period.to))
        };
        let or_none = |period: Option<Period>| period.map_or("-".to_owned(), label);
        let labels = [
            label(found.month),
            label(found.first_months),
            label(found.year_to_date),
            label(found.previous_year),
            label(found.last_months),
            or_none(found.month_previous),
            or_none(found.month_year_before),
            or_none(found.first_months_year_before),
            or_none(found.year_to_date_year_before),
        ];
        assert_eq!(labels, *wanted, "{month:?} as of {as_of}");
        assert_eq!(found.since_launch.to, found.cut_off);
        assert_eq!(found.since_launch.from, Instant::EPOCH);
    }

    /// Month, first months, year to date, year before, last months, and the four compared with.
    type Spans<'a> = [&'a str; 9];

    const TO_22_JULY: Spans<'_> = [
        "2022-07-01T00 2022-07-23T00",
        "2022-01-01T00 2022-07-23T00",
        "2022-01-01T00 2022-07-23T00",
        "2021-01-01T00 2022-01-01T00",
        "2021-07-01T00 2022-07-23T00",
        "2022-06-01T00 2022-06-23T00",
        "2021-07-01T00 2021-07-23T00",
        "2021-01-01T00 2021-07-23T00",
        "2021-01-01T00 2021-07-23T00",
    ];

    #[test]
    fn one_cut_off_holds_for_every_period() {
        let times = (end("2022-07-22"), start("2022-09-01"));
        check(None, times, &TO_22_JULY);
        check(Some("2022-07"), times, &TO_22_JULY);
    }

    #[test]
    fn a_month_that_was_over_is_whole_and_the_year_goes_on_to_the_cut_off() {
        let times = (end("2022-07-22"), start("2022-09-01"));
        let spans = [
            "2022-06-01T00 2022-07-01T00",
            "2022-01-01T00 2022-07-01T00",
            "2022-01-01T00 2022-07-23T00",
            "2021-01-01T00 2022-01-01T00",
            "2021-06-01T00 2022-07-01T00",
            "2022-05-01T00 2022-06-01T00",
            "2021-06-01T00 2021-07-01T00",
            "2021-01-01T00 2021-07-01T00",
            "2021-01-01T00 2021-07-23T00",
        ];
        check(Some("2022-06"), times, &spans);
    }

    #[test]
    fn the_year_is_that_of_the_month_and_is_whole_when_it_was_over() {
        let december = [
            "2021-12-01T00 2022-01-01T00",
            "2021-01-01T00 2022-01-01T00",
            "2021-01-01T00 2022-01-01T00",
            "2020-01-01T00 2021-01-01T00",
            "2020-12-01T00 2022-01-01T00",
            "2021-11-01T00 2021-12-01T00",
            "2020-12-01T00 2021-01-01T00",
            "2020-01-01T00 2021-01-01T00",
            "2020-01-01T00 2021-01-01T00",
        ];
        let now = start("2022-09-01");
        // The first instant of a month or year cuts off the one before.
        check(None, (start("2022-01-01"), now), &december);
        check(Some("2021-12"), (end("2022-07-22"), now), &december);
    }

    #[test]
    fn leap_years_are_compared_by_their_dates() {
        let times = (end("2024-02-29"), start("2024-09-01"));
        let spans = [
            "2024-02-01T00 2024-03-01T00",
            "2024-01-01T00 2024-03-01T00",
            "2024-01-01T00 2024-03-01T00",
            "2023-01-01T00 2024-01-01T00",
            "2023-02-01T00 2024-03-01T00",
            "2024-01-01T00 2024-02-01T00",
            "2023-02-01T00 2023-03-01T00",
            "2023-01-01T00 2023-03-01T00",
            "2023-01-01T00 2023-03-01T00",
        ];
        check(None, times, &spans);
    }

    fn to_nine() -> Spans<'static> {
        [
            "2022-07-01T00 2022-07-22T09",
            "2022-01-01T00 2022-07-22T09",
            "2022-01-01T00 2022-07-22T09",
            "2021-01-01T00 2022-01-01T00",
            "2021-07-01T00 2022-07-22T09",
            "2022-06-01T00 2022-06-22T09",
            "2021-07-01T00 2021-07-22T09",
            "2021-01-01T00 2021-07-22T09",
            "2021-01-01T00 2021-07-22T09",
        ]
    }

    #[test]
    fn a_cut_off_in_or_ahead_of_the_running_hour_takes_that_hours_end() {
        let now = plus_micros(start("2022-07-22T08"), 1);
        for as_of in [now, plus_micros(now, 1), end("2022-07-22"), end("2022-12")] {
            check(None, (as_of, now), &to_nine());
        }
    }

    #[test]
    fn now_is_the_end_of_the_running_hour_also_at_its_first_instant() {
        let asked = Wanted {
            month: None,
            as_of: None,
            now: start("2022-07-22T08"),
            launched: None,
        };
        let found = Periods::of(&Zone::viet_nam(), asked).unwrap();
        assert_eq!(found.cut_off, start("2022-07-22T09"));
    }

    #[test]
    fn the_start_of_the_running_hour_is_a_cut_off_of_its_own() {
        let cut_off = start("2022-07-22T09");
        check(None, (cut_off, plus_micros(cut_off, 5)), &to_nine());
    }

    #[track_caller]
    fn refused(month: Option<&str>, as_of: Instant, launched: Option<Instant>) -> String {
        let asked = Wanted {
            month,
            as_of: Some(as_of),
            now: start("2022-09-01"),
            launched,
        };
        let error = Periods::of(&Zone::viet_nam(), asked).unwrap_err();
        error.to_string()
    }

    #[test]
    fn what_cannot_be_reported_on_is_refused_by_name() {
        let cut_off = end("2022-07-22");
        let within = plus_micros(start("2022-07-22T09"), 1);
        assert!(refused(None, within, None).contains("is not on a whole hour"));
        assert_eq!(
            refused(Some("2022-08"), cut_off, None),
            "month 2022-08 had not begun at the cut-off 2022-07-23T00:00 Asia/Ho_Chi_Minh: ask \
             for an earlier month or a later cut-off"
        );
        for absurd in [
            "2022-13",
            "7/2022",
            "2022-07-22",
            "0001-01",
            "99999-01",
            "x",
        ] {
            let found = refused(Some(absurd), cut_off, None);
            assert!(found.contains("month") && found.contains(absurd), "{found}");
        }
        let launched = Some(start("2022-07-22"));
        assert_eq!(
            refused(None, start("2022-07-22"), launched),
            "the cut-off 2022-07-22T00:00 Asia/Ho_Chi_Minh lies before the platform's launch at \
             2022-07-22T00:00 Asia/Ho_Chi_Minh: ask for a later cut-off"
        );
        assert_eq!(
            refused(Some("2022-06"), cut_off, launched),
            "month 2022-06 was over before the platform's launch at 2022-07-22T00:00 \
             Asia/Ho_Chi_Minh: ask for a later month"
        );
    }
}
