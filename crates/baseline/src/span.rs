//! The period of a balance: whole local days, or everything before one.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::day::Day;

/// Half-open days. Without `from`, from the beginning; without `to`, until this hub began to count.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    pub from: Option<Day>,
    pub to: Option<Day>,
}

/// Why a text names no period.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotASpan {
    #[error(
        "is no period; write a year, month or day (2021, 2021-07, 2021-07-22), all before one of \
         these (before 2021-07), or before-launch"
    )]
    Form,
    #[error("names a date that does not exist; write one of the calendar, such as 2021-02-28")]
    NoSuchDate,
    #[error("names a year outside 1970 to 9998; write the year in full, such as 2021")]
    Year,
}

const BEFORE_LAUNCH: &str = "before-launch";
const BEFORE: &str = "before ";

impl Span {
    /// Everything that was counted before this hub.
    pub const BEFORE_LAUNCH: Self = Self {
        from: None,
        to: None,
    };

    /// The ends as numbers, where an open end lies beyond every other.
    #[must_use]
    pub(crate) fn ends(self) -> (i32, i32) {
        (
            self.from.map_or(i32::MIN, Day::number),
            self.to.map_or(i32::MAX, Day::number),
        )
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        if text == BEFORE_LAUNCH {
            return Ok(Self::BEFORE_LAUNCH);
        }
        let (named, is_before) = match text.strip_prefix(BEFORE) {
            Some(named) => (named, true),
            None => (text, false),
        };
        let (from, to) = unit(named)?;
        Ok(match is_before {
            true => Self {
                from: None,
                to: Some(from),
            },
            false => Self {
                from: Some(from),
                to: Some(to),
            },
        })
    }
}

/// First day, and the day behind the last, of a year, a month or a day.
fn unit(text: &str) -> Result<(Day, Day), NotASpan> {
    let mut parts = text.split('-');
    let year = digits(parts.next(), 4)?.ok_or(NotASpan::Form)?;
    let month = digits(parts.next(), 2)?;
    let day = digits(parts.next(), 2)?;
    if parts.next().is_some() {
        return Err(NotASpan::Form);
    }
    if !(1970..=9998).contains(&year) {
        return Err(NotASpan::Year);
    }
    let date = |year, month: i16, day: i16| {
        let small = |number: i16| i8::try_from(number).map_err(|_| NotASpan::NoSuchDate);
        Date::new(year, small(month)?, small(day)?).map_err(|_| NotASpan::NoSuchDate)
    };
    let first = date(year, month.unwrap_or(1), day.unwrap_or(1))?;
    let behind = match (month, day) {
        (None, _) => date(year + 1, 1, 1)?,
        (Some(12), None) => date(year + 1, 1, 1)?,
        (Some(month), None) => date(year, month + 1, 1)?,
        (Some(_), Some(_)) => return Ok((Day::of_date(first), Day::of_date(first).next())),
    };
    Ok((Day::of_date(first), Day::of_date(behind)))
}

fn digits(part: Option<&str>, length: usize) -> Result<Option<i16>, NotASpan> {
    let Some(part) = part else { return Ok(None) };
    let plain = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| part.parse().ok()).flatten();
    number.map(Some).ok_or(NotASpan::Form)
}

/// As a file writes it; days that are no year, month or day are told by their first and last.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => f.write_str(BEFORE_LAUNCH),
            (None, Some(to)) => {
                let date = to.date();
                f.write_str(BEFORE)?;
                match (date.month(), date.day()) {
                    (1, 1) => write!(f, "{:04}", date.year()),
                    (month, 1) => write!(f, "{:04}-{month:02}", date.year()),
                    _ => date.fmt(f),
                }
            }
            (Some(from), None) => write!(f, "{from} to launch"),
            (Some(from), Some(to)) => dated(f, from, to),
        }
    }
}

fn dated(f: &mut fmt::Formatter<'_>, from: Day, to: Day) -> fmt::Result {
    let date = from.date();
    let (year, month) = (format!("{:04}", date.year()), date.strftime("%Y-%m"));
    for named in [year, month.to_string(), from.to_string()] {
        if unit(&named) == Ok((from, to)) {
            return f.write_str(&named);
        }
    }
    write!(f, "{from} to {}", to.before())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, from: Option<&str>, to: Option<&str>) {
        let span: Span = text.parse().unwrap();
        let shown = |day: Option<Day>| day.map(|day| day.to_string());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!((shown(span.from), shown(span.to)), (owned(from), owned(to)));
        assert_eq!(span.to_string(), text, "Display is the form of the file");
    }

    #[test]
    fn a_period_is_a_year_a_month_a_day_or_all_before_one() {
        check("2021", Some("2021-01-01"), Some("2022-01-01"));
        check("2021-07", Some("2021-07-01"), Some("2021-08-01"));
        check("2021-12", Some("2021-12-01"), Some("2022-01-01"));
        check("2021-07-22", Some("2021-07-22"), Some("2021-07-23"));
        check("2020-02-29", Some("2020-02-29"), Some("2020-03-01"));
        check("before 2021", None, Some("2021-01-01"));
        check("before 2021-07", None, Some("2021-07-01"));
        check("before 2021-07-22", None, Some("2021-07-22"));
        check("before-launch", None, None);
        check("1970", Some("1970-01-01"), Some("1971-01-01"));
        check("9998-12-31", Some("9998-12-31"), Some("9999-01-01"));
    }

    #[test]
    fn days_that_are_no_unit_are_shown_by_first_and_last() {
        let days = |from, to| Span {
            from: Some(Day::new(from)),
            to: Some(Day::new(to)),
        };
        assert_eq!(days(19_195, 19_197).to_string(), "2022-07-22 to 2022-07-23");
    }

    #[test]
    fn what_is_no_period_says_why() {
        let rows = [
            ("", NotASpan::Form),
            ("21", NotASpan::Form),
            ("2021-7", NotASpan::Form),
            ("07/2021", NotASpan::Form),
            ("22/7/2021", NotASpan::Form),
            ("2021-07-22T09", NotASpan::Form),
            ("2021-07-22-01", NotASpan::Form),
            ("2021/07", NotASpan::Form),
            (" 2021", NotASpan::Form),
            ("before", NotASpan::Form),
            ("before  2021", NotASpan::Form),
            ("Before 2021", NotASpan::Form),
            ("before-launch ", NotASpan::Form),
            ("trước 2021", NotASpan::Form),
            ("+021", NotASpan::Form),
            ("２０２１", NotASpan::Form),
            ("2021-13", NotASpan::NoSuchDate),
            ("2021-00", NotASpan::NoSuchDate),
            ("2021-02-29", NotASpan::NoSuchDate),
            ("before 2021-02-30", NotASpan::NoSuchDate),
            ("1969", NotASpan::Year),
            ("9999-01", NotASpan::Year),
        ];
        for (text, wanted) in rows {
            assert_eq!(text.parse::<Span>(), Err(wanted), "{text:?}");
        }
    }
}
