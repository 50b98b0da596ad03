//! Into which local hour, day and month an instant falls, by jiff alone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::recount::Size;

/// Starts of the buckets that hold an instant, microseconds since the epoch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Starts {
    pub hour: i64,
    pub day: i64,
    pub month: i64,
}

/// Cuts time in one zone. Remembers the last second it was asked about: entries come in the
/// order of time, and no zone changes its offset within a second.
#[derive(Debug)]
pub struct Knife {
    zone: TimeZone,
    last: Option<(i64, Starts)>,
    /// The last day whose end was asked for.
    day: Option<(i64, i64)>,
}

impl Knife {
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            last: None,
            day: None,
        }
    }

    /// `None` for an instant beyond the years that a calendar can name.
    pub fn cut(&mut self, at_us: i64) -> Option<Starts> {
        let second = at_us.div_euclid(1_000_000);
        if let Some((last, starts)) = self.last
            && last == second
        {
            return Some(starts);
        }
        let local = self.zone.to_datetime(Timestamp::from_second(second).ok()?);
        let date = local.date();
        let starts = Starts {
            hour: self.instant(date.at(local.hour(), 0, 0, 0))?,
            day: self.instant(date.at(0, 0, 0, 0))?,
            month: self.instant(date.first_of_month().at(0, 0, 0, 0))?,
        };
        self.last = Some((second, starts));
        Some(starts)
    }

    /// Where the bucket ends that begins at the instant.
    pub fn end(&mut self, size: Size, bucket_us: i64) -> Option<i64> {
        match size {
            Size::All => None,
            Size::Day => self.day_after(bucket_us),
            Size::Month => {
                let first = self
                    .zone
                    .to_datetime(Timestamp::from_microsecond(bucket_us).ok()?);
                let next = first.date().last_of_month().tomorrow().ok()?;
                self.instant(next.at(0, 0, 0, 0))
            }
            Size::Hour => {
                let local = self
                    .zone
                    .to_datetime(Timestamp::from_microsecond(bucket_us).ok()?);
                let start = local.date().at(local.hour(), 0, 0, 0);
                self.instant(start.checked_add(1.hour()).ok()?)
            }
        }
    }

    /// Where the day ends that begins at the instant.
    pub fn day_after(&mut self, day_us: i64) -> Option<i64> {
        if let Some((day, end)) = self.day
            && day == day_us
        {
            return Some(end);
        }
        let noon = Timestamp::from_microsecond(day_us.checked_add(12 * 3_600_000_000)?).ok()?;
        let tomorrow = self.zone.to_datetime(noon).date().tomorrow().ok()?;
        let end = self.instant(tomorrow.at(0, 0, 0, 0))?;
        self.day = Some((day_us, end));
        Some(end)
    }

    fn instant(&self, local: DateTime) -> Option<i64> {
        Some(self.zone.to_timestamp(local).ok()?.as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, at: &str, hour: &str, day: &str, month: &str) {
        let us = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let mut knife = Knife::new(TimeZone::get(zone).unwrap());
        let wanted = Starts {
            hour: us(hour),
            day: us(day),
            month: us(month),
        };
        assert_eq!(knife.cut(us(at)), Some(wanted));
        assert_eq!(knife.cut(us(at)), Some(wanted), "asked again");
    }

    #[test]
    fn buckets_are_local() {
        check(
            "Asia/Ho_Chi_Minh",
            "2022-07-21T16:59:59.999999Z",
            "2022-07-21T16:00:00Z",
            "2022-07-20T17:00:00Z",
            "2022-06-30T17:00:00Z",
        );
        check(
            "Asia/Ho_Chi_Minh",
            "2021-12-31T17:00:00Z",
            "2021-12-31T17:00:00Z",
            "2021-12-31T17:00:00Z",
            "2021-12-31T17:00:00Z",
        );
        check(
            "Asia/Kathmandu",
            "2024-03-01T00:10:00Z",
            "2024-02-29T23:15:00Z",
            "2024-02-29T18:15:00Z",
            "2024-02-29T18:15:00Z",
        );
    }

    #[test]
    fn an_instant_beyond_the_calendar_has_no_buckets() {
        let mut knife = Knife::new(TimeZone::UTC);
        assert_eq!(knife.cut(i64::MAX), None);
        assert_eq!(knife.cut(i64::MIN), None);
    }
}
