//! One end of a period: a word, a year, a quarter, a month, a week, a date or an hour.

use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};
use jiff::{Span, ToSpan as _};

use super::error::{ExpressionError, Wrong};
use crate::{Instant, Period, Zone};

/// What stands between two instants, and whether it was named by its hour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    pub whole: Period,
    hour: bool,
}

impl Moment {
    /// The instant up to which a range goes that ends with this moment.
    pub fn end(self) -> Instant {
        if self.hour {
            self.whole.from
        } else {
            self.whole.to
        }
    }
}

/// The words for what lies around now.
pub const WORDS: [&str; 9] = [
    "today",
    "yesterday",
    "this-week",
    "last-week",
    "this-month",
    "last-month",
    "this-year",
    "last-year",
    "since-launch",
];

/// The calendar of periods; what lies outside of it is no period of a hub.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9998;

/// # Errors
/// When the text is no moment, or names one that does not exist.
pub fn moment(text: &str, now: Instant, zone: &Zone) -> Result<Moment, ExpressionError> {
    let wrong = |wrong| ExpressionError::new(text, wrong);
    if let Some((start, step)) = word(text, zone.local(now).date()) {
        return Ok(whole(start, step, zone));
    }
    let (day, hour) = match text.split_once('T') {
        Some((day, hour)) => (day, Some(hour.strip_suffix(":00").unwrap_or(hour))),
        None => (text, None),
    };
    let (start, step) = day_or_more(day, hour.is_some()).map_err(wrong)?;
    let Some(hour) = hour else {
        return Ok(whole(start, step, zone));
    };
    let hour = number(hour, 2).ok_or_else(|| wrong(Wrong::unknown(text)))?;
    let hour = i8::try_from(hour).ok();
    let clock = hour.and_then(|hour| Time::new(hour, 0, 0, 0).ok());
    let clock = clock.ok_or_else(|| wrong(Wrong::NoSuchHour))?;
    let start = start.to_datetime(clock);
    Ok(Moment {
        whole: period(start, 1.hour(), zone),
        hour: true,
    })
}

fn whole(start: Date, step: Span, zone: &Zone) -> Moment {
    Moment {
        whole: period(start.at(0, 0, 0, 0), step, zone),
        hour: false,
    }
}

fn period(start: DateTime, step: Span, zone: &Zone) -> Period {
    let end = start.checked_add(step).unwrap_or(DateTime::MAX);
    Period {
        from: zone.at(start),
        to: zone.at(end),
    }
}

/// The day at which a word's period begins, and how long that is.
fn word(text: &str, today: Date) -> Option<(Date, Span)> {
    let (start, step, before) = match text.split_once('-') {
        None => match text {
            "today" => return Some((today, 1.day())),
            "yesterday" => return Some((today.checked_sub(1.day()).ok()?, 1.day())),
            _ => return None,
        },
        Some((which, unit)) => {
            let before = match which {
                "this" => false,
                "last" => true,
                _ => return None,
            };
            match unit {
                "week" => (monday_of(today)?, 1.week(), before),
                "month" => (today.first_of_month(), 1.month(), before),
                "year" => (today.first_of_year(), 1.year(), before),
                _ => return None,
            }
        }
    };
    let start = if before {
        start.checked_sub(step).ok()?
    } else {
        start
    };
    Some((start, step))
}

fn monday_of(day: Date) -> Option<Date> {
    let past = day.weekday().to_monday_zero_offset();
    day.checked_sub(i32::from(past).days()).ok()
}

/// The date at which a year, quarter, month, week or date begins, and how long it is.
fn day_or_more(text: &str, must_be_date: bool) -> Result<(Date, Span), Wrong> {
    let mut parts = text.split('-');
    let (year, second, third) = (parts.next(), parts.next(), parts.next());
    let year = year.and_then(|year| number(year, 4));
    let (Some(year), None) = (year, parts.next()) else {
        return Err(Wrong::unknown(text));
    };
    if !YEARS.contains(&year) {
        return Err(Wrong::Year);
    }
    let (start, step) = match (second, third) {
        (None, None) => (first_of(year, 1)?, 1.year()),
        (Some(part), None) => part_of_year(year, part).ok_or_else(|| Wrong::unknown(text))??,
        (Some(month), Some(day)) => {
            let (month, day) = (number(month, 2), number(day, 2));
            let month = month.ok_or_else(|| Wrong::unknown(text))?;
            let day = day.ok_or_else(|| Wrong::unknown(text))?;
            (date(year, month, day)?, 1.day())
        }
        (None, Some(_)) => return Err(Wrong::unknown(text)),
    };
    if must_be_date && third.is_none() {
        return Err(Wrong::unknown(text));
    }
    Ok((start, step))
}

/// `07`, `Q3` or `W29`; `None` when the part has none of these forms.
fn part_of_year(year: i16, part: &str) -> Option<Result<(Date, Span), Wrong>> {
    if let Some(quarter) = part.strip_prefix('Q') {
        let quarter = number(quarter, 1)?;
        return Some(match quarter {
            1..=4 => first_of(year, quarter * 3 - 2).map(|start| (start, 3.months())),
            _ => Err(Wrong::NoSuchQuarter),
        });
    }
    if let Some(week) = part.strip_prefix('W') {
        let week = number(week, 2)?;
        return Some(week_of(year, week).map(|start| (start, 1.week())));
    }
    let month = number(part, 2)?;
    Some(first_of(year, month).map(|start| (start, 1.month())))
}

fn first_of(year: i16, month: i16) -> Result<Date, Wrong> {
    date(year, month, 1)
}

fn date(year: i16, month: i16, day: i16) -> Result<Date, Wrong> {
    let month = i8::try_from(month).ok();
    let first = month.and_then(|month| Date::new(year, month, 1).ok());
    let first = first.ok_or(Wrong::NoSuchMonth)?;
    let exact = i8::try_from(day).ok();
    let exact = exact.and_then(|day| Date::new(year, first.month(), day).ok());
    exact.ok_or(Wrong::NoSuchDay {
        year,
        month: first.month(),
        days: first.days_in_month(),
    })
}

fn week_of(year: i16, week: i16) -> Result<Date, Wrong> {
    let first = ISOWeekDate::new(year, 1, Weekday::Monday).map_err(|_| Wrong::Year)?;
    let exact = i8::try_from(week).ok();
    let exact = exact.and_then(|week| ISOWeekDate::new(year, week, Weekday::Monday).ok());
    exact.map(ISOWeekDate::date).ok_or(Wrong::NoSuchWeek {
        year,
        weeks: first.weeks_in_year(),
    })
}

/// Exactly so many decimal digits; at most four, so that they fit.
fn number(text: &str, digits: usize) -> Option<i16> {
    let right = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}
