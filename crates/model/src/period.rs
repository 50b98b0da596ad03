//! Periods: half-open ranges cut in a local time zone, and the buckets that tile them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

use crate::{Instant, InvalidValue};

/// The time zone in which periods are cut.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    name: String,
}

/// A half-open range of instants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Period {
    pub from: Instant,
    pub to: Instant,
}

impl Period {
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.to <= self.from
    }

    #[must_use]
    pub fn contains(self, instant: Instant) -> bool {
        self.from <= instant && instant < self.to
    }

    /// The part of this period that lies before the cut-off.
    #[must_use]
    pub fn until(self, cut_off: Instant) -> Self {
        Self {
            from: self.from,
            to: self.to.min(cut_off),
        }
    }
}

/// The sizes of bucket in which counts are kept.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Granularity {
    All,
    Month,
    Day,
    Hour,
}

impl Granularity {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Zone {
    type Err = InvalidValue;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let wanted = "an IANA time zone such as Asia/Ho_Chi_Minh";
        let zone = TimeZone::get(name).map_err(|_| InvalidValue::new("time zone", name, wanted))?;
        Ok(Self {
            zone,
            name: name.to_owned(),
        })
    }
}

impl Zone {
    /// The zone of Viet Nam, the hub's default.
    ///
    /// # Panics
    /// Never: the zone is compiled in.
    #[must_use]
    pub fn viet_nam() -> Self {
        "Asia/Ho_Chi_Minh"
            .parse()
            .expect("the time zone database is compiled in")
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bucket of the given size that holds the instant. `All` starts at the epoch and ends
    /// never.
    #[must_use]
    pub fn bucket(&self, granularity: Granularity, instant: Instant) -> Period {
        let local = self.local(instant);
        let (start, step) = match granularity {
            Granularity::All => {
                return Period {
                    from: Instant::EPOCH,
                    to: Instant::from_micros(i64::MAX),
                };
            }
            Granularity::Month => (local.date().first_of_month().at(0, 0, 0, 0), 1.month()),
            Granularity::Day => (local.date().at(0, 0, 0, 0), 1.day()),
            Granularity::Hour => (local.date().at(local.hour(), 0, 0, 0), 1.hour()),
        };
        self.period(start, step)
    }

    /// `2022-07`: the calendar month.
    ///
    /// # Errors
    /// When the text is not a month of the years 1970 to 9998.
    pub fn month(&self, text: &str) -> Result<Period, InvalidValue> {
        let wanted = "a calendar month such as 2022-07";
        let wrong = || InvalidValue::new("month", text, wanted);
        let date: Date = format!("{text}-01").parse().map_err(|_| wrong())?;
        if text.len() != 7 || !(1970..=9998).contains(&date.year()) {
            return Err(wrong());
        }
        Ok(self.period(date.at(0, 0, 0, 0), 1.month()))
    }

    /// The ISO week that holds the instant: Monday to Sunday.
    #[must_use]
    pub fn week(&self, instant: Instant) -> Period {
        let date = self.local(instant).date();
        let first = date.iso_week_date().first_of_week();
        let monday = first.map_or(date, ISOWeekDate::date);
        self.period(monday.at(0, 0, 0, 0), 1.week())
    }

    /// `2022-W29`: the ISO week that holds the instant, under the year that ISO gives it.
    #[must_use]
    pub fn week_label(&self, instant: Instant) -> String {
        let week = self.local(instant).date().iso_week_date();
        format!("{:04}-W{:02}", week.year(), week.week())
    }

    /// `2022-W29`, of the years 1970 to 9998.
    fn named_week(&self, text: &str) -> Option<Period> {
        let (year, week) = text.split_once("-W")?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (year.len(), week.len()) != (4, 2) || !digits(year) || !digits(week) {
            return None;
        }
        let year = year
            .parse()
            .ok()
            .filter(|year| (1970..=9998).contains(year))?;
        let monday = ISOWeekDate::new(year, week.parse().ok()?, Weekday::Monday).ok()?;
        Some(self.period(monday.date().at(0, 0, 0, 0), 1.week()))
    }

    /// A date (`2022-07-22`), a local hour (`2022-07-22T09` or `2022-07-22T09:00`), an ISO week
    /// (`2022-W29`) or a month.
    /// Answers the whole period that the text names, so that the caller takes its start or end.
    ///
    /// # Errors
    /// When the text is none of these, or names a date that does not exist.
    pub fn moment(&self, text: &str) -> Result<Period, InvalidValue> {
        let wanted = "a date such as 2022-07-22, an hour such as 2022-07-22T09, a week such as \
                      2022-W29, or a month such as 2022-07";
        let wrong = || InvalidValue::new("time", text, wanted);
        if text.contains('W') {
            return self.named_week(text).ok_or_else(wrong);
        }
        if text.len() == 7 {
            return self.month(text);
        }
        let (date, hour) = match text.split_once('T') {
            Some((date, hour)) => (date, Some(hour.strip_suffix(":00").unwrap_or(hour))),
            None => (text, None),
        };
        if date.len() != "2022-07-22".len() {
            return Err(wrong());
        }
        let date: Date = date.parse().map_err(|_| wrong())?;
        if !(1970..=9998).contains(&date.year()) {
            return Err(wrong());
        }
        match hour {
            None => Ok(self.period(date.at(0, 0, 0, 0), 1.day())),
            Some(hour) => {
                if hour.len() != 2 || !hour.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(wrong());
                }
                let hour: i8 = hour.parse().map_err(|_| wrong())?;
                let start = DateTime::new(date.year(), date.month(), date.day(), hour, 0, 0, 0)
                    .map_err(|_| wrong())?;
                Ok(self.period(start, 1.hour()))
            }
        }
    }

    /// From the start of the instant's calendar year to the start of the next.
    #[must_use]
    pub fn year(&self, instant: Instant) -> Period {
        let first = self.local(instant).date().first_of_year();
        self.period(first.at(0, 0, 0, 0), 1.year())
    }

    /// Days, whole or begun, that the period covers.
    #[must_use]
    pub fn days(&self, period: Period) -> u64 {
        if period.is_empty() {
            return 0;
        }
        let first = self.local(period.from).date();
        let last = self
            .local(Instant::from_micros(period.to.as_micros() - 1))
            .date();
        let days = first.until(last).map_or(0, |span| span.get_days());
        u64::try_from(days).unwrap_or(0) + 1
    }

    /// Tiles the period with the largest buckets that fit; the period must start and end on
    /// whole local hours. `None` when it does not.
    #[must_use]
    pub fn tile(&self, period: Period) -> Option<Vec<(Granularity, Period)>> {
        self.tile_within(period, Granularity::Month)
    }

    /// The same with no bucket larger than the given size, for breakdowns by time.
    #[must_use]
    pub fn tile_within(
        &self,
        period: Period,
        largest: Granularity,
    ) -> Option<Vec<(Granularity, Period)>> {
        let mut tiles = Vec::new();
        let mut from = period.from;
        while from < period.to {
            let (granularity, bucket) = [Granularity::Month, Granularity::Day, Granularity::Hour]
                .into_iter()
                .filter(|granularity| *granularity >= largest)
                .map(|granularity| (granularity, self.bucket(granularity, from)))
                .find(|(_, bucket)| bucket.from == from && bucket.to <= period.to)?;
            tiles.push((granularity, bucket));
            from = bucket.to;
        }
        Some(tiles)
    }

    /// The local label of a bucket: `2022-07`, `2022-07-22`, `2022-07-22T09`, `all`.
    #[must_use]
    pub fn label(&self, granularity: Granularity, from: Instant) -> String {
        let format = match granularity {
            Granularity::All => return "all".to_owned(),
            Granularity::Month => "%Y-%m",
            Granularity::Day => "%Y-%m-%d",
            Granularity::Hour => "%Y-%m-%dT%H",
        };
        self.local(from).strftime(format).to_string()
    }

    /// Civil date and time in the zone; instants outside jiff's years clamp to its ends.
    #[must_use]
    pub fn local(&self, instant: Instant) -> DateTime {
        let timestamp = Timestamp::from_microsecond(instant.as_micros()).unwrap_or(
            if instant < Instant::EPOCH {
                Timestamp::MIN
            } else {
                Timestamp::MAX
            },
        );
        self.zone.to_datetime(timestamp)
    }

    fn period(&self, start: DateTime, step: Span) -> Period {
        let end = start.checked_add(step).unwrap_or(DateTime::MAX);
        Period {
            from: self.at(start),
            to: self.at(end),
        }
    }

    /// The instant of a local time; one that a change of clocks leaves out or repeats is taken as
    /// before the change.
    #[must_use]
    pub fn at(&self, local: DateTime) -> Instant {
        let instant = self.zone.to_ambiguous_timestamp(local).compatible();
        Instant::from_micros(instant.map_or(i64::MAX, Timestamp::as_microsecond))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_moment(text: &str, from: &str, to: &str) {
        let period = Zone::viet_nam().moment(text).unwrap();
        assert_eq!(
            (
                period.from.to_string().as_str(),
                period.to.to_string().as_str()
            ),
            (from, to)
        );
    }

    #[test]
    fn a_moment_is_the_local_period_that_it_names() {
        check_moment("2022-07-22", "2022-07-21T17:00:00Z", "2022-07-22T17:00:00Z");
        check_moment("2022-07", "2022-06-30T17:00:00Z", "2022-07-31T17:00:00Z");
        check_moment(
            "2022-07-22T09",
            "2022-07-22T02:00:00Z",
            "2022-07-22T03:00:00Z",
        );
        check_moment(
            "2022-07-22T00:00",
            "2022-07-21T17:00:00Z",
            "2022-07-21T18:00:00Z",
        );
        check_moment("2022-12-31", "2022-12-30T17:00:00Z", "2022-12-31T17:00:00Z");
        check_moment("2024-02", "2024-01-31T17:00:00Z", "2024-02-29T17:00:00Z");
        check_moment("2022-W29", "2022-07-17T17:00:00Z", "2022-07-24T17:00:00Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2022",
            "2022-13",
            "2022-02-30",
            "2022-07-22T24",
            "2022-07-22T09:30",
            "22/7/2022",
            "1969-12-31",
            "2022-7",
            "9999-12",
            "2022-W53",
            "2022-W00",
            "2022-W1",
            "1969-W52",
            "+022-W29",
            "2022-07-22T+9",
            "2022-07-22T9",
            "20220722",
            "+002022-07-22",
        ] {
            assert!(Zone::viet_nam().moment(text).is_err(), "accepted {text:?}");
        }
    }

    /// By the calendar of ISO 8601: the week belongs to the year of its Thursday.
    #[test]
    fn weeks_run_from_monday_and_belong_to_the_year_of_their_thursday() {
        let zone = Zone::viet_nam();
        for (day, label, monday) in [
            ("2022-07-18", "2022-W29", "2022-07-18"),
            ("2022-07-24", "2022-W29", "2022-07-18"),
            ("2021-12-31", "2021-W52", "2021-12-27"),
            ("2022-01-02", "2021-W52", "2021-12-27"),
            ("2022-01-03", "2022-W01", "2022-01-03"),
            ("2021-01-03", "2020-W53", "2020-12-28"),
            ("2024-12-30", "2025-W01", "2024-12-30"),
        ] {
            let day = zone.moment(day).unwrap();
            let last = Instant::from_micros(day.to.as_micros() - 1);
            for at in [day.from, last] {
                assert_eq!(zone.week_label(at), label);
                assert_eq!(zone.week(at), zone.moment(label).unwrap());
            }
            assert_eq!(zone.week(day.from).from, zone.moment(monday).unwrap().from);
        }
    }

    #[test]
    fn tiles_cover_the_period_without_gap_with_the_largest_buckets() {
        let zone = Zone::viet_nam();
        let period = Period {
            from: zone.moment("2022-06-29T22").unwrap().from,
            to: zone.moment("2022-08-02T01").unwrap().to,
        };
        let tiles = zone.tile(period).unwrap();
        let labels: Vec<_> = tiles
            .iter()
            .map(|(granularity, tile)| zone.label(*granularity, tile.from))
            .collect();
        assert_eq!(
            labels,
            [
                "2022-06-29T22",
                "2022-06-29T23",
                "2022-06-30",
                "2022-07",
                "2022-08-01",
                "2022-08-02T00",
                "2022-08-02T01"
            ]
        );
        assert!(tiles.windows(2).all(|pair| pair[0].1.to == pair[1].1.from));
    }

    #[test]
    fn a_period_that_is_not_on_whole_hours_has_no_tiles() {
        let period = Period {
            from: Instant::EPOCH,
            to: Instant::from_micros(1),
        };
        assert_eq!(Zone::viet_nam().tile(period), None);
    }

    #[test]
    fn days_count_begun_ones() {
        let zone = Zone::viet_nam();
        let day = |text: &str| zone.moment(text).unwrap();
        let rows = [
            ("2022-01-01", "2022-07-22", 203),
            ("2024-02-28", "2024-03-01", 3),
        ];
        for (from, to, days) in rows {
            let period = Period {
                from: day(from).from,
                to: day(to).to,
            };
            assert_eq!(zone.days(period), days, "{from} to {to}");
        }
    }
}
