//! The small language in which people name periods: `2022-07`, `2022-W29`, `yesterday`,
//! `2022-01..2022-07`. Pure: what "now" is comes from the caller.
//!
//! ```text
//! period  = "since-launch" | moment | [moment] ".." [moment]     not both left out
//! moment  = word | year | quarter | month | week | date | hour
//! word    = "today" | "yesterday" | "this-week" | "last-week" | "this-month" | "last-month"
//!         | "this-year" | "last-year"
//! year    = 2022        quarter = 2022-Q3      month = 2022-07
//! week    = 2022-W29    date    = 2022-07-22   hour  = 2022-07-22T09 | 2022-07-22T09:00
//! ```
//!
//! A moment is the whole local period that it names; an ISO week begins on Monday. A range runs
//! from the start of its first moment to the end of its last, except that an hour that ends a
//! range is the instant at which it begins: `2022-07-22T08..2022-07-22T10` is two hours. An end
//! that is left out is open: since launch, until now.

mod error;
mod moment;

pub use error::{ExpressionError, Wrong};

use crate::{Granularity, Instant, Period, Zone};

use moment::{Moment, moment};

/// Longest expression that is looked at; the longest that means anything has 36 bytes.
const BYTES_MAX: usize = 64;

const SINCE_LAUNCH: &str = "since-launch";

/// A half-open range of instants whose ends may be open: since launch, until now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OpenPeriod {
    pub from: Option<Instant>,
    pub to: Option<Instant>,
}

impl OpenPeriod {
    /// The part that lies before the cut-off; `None` when nothing does.
    #[must_use]
    pub fn until(self, cut_off: Instant) -> Option<Self> {
        let to = self.to.map_or(cut_off, |to| to.min(cut_off));
        let holds = self.from.is_none_or(|from| from < to);
        holds.then_some(Self {
            from: self.from,
            to: Some(to),
        })
    }

    /// Start and end in microseconds since the epoch, 0 for an end that is open.
    #[must_use]
    pub fn bounds_us(self) -> (i64, i64) {
        let micros = |end: Option<Instant>| end.map_or(0, Instant::as_micros);
        (micros(self.from), micros(self.to))
    }
}

/// The period that an expression names at the instant `now`.
///
/// # Errors
/// When the text is none, names a day that does not exist, ends before it begins, or begins in
/// the future.
pub fn period(text: &str, now: Instant, zone: &Zone) -> Result<OpenPeriod, ExpressionError> {
    check_length(text)?;
    if text == SINCE_LAUNCH {
        return Ok(OpenPeriod::default());
    }
    let named = |part: &str| moment(part, now, zone);
    let period = match text.split_once("..") {
        None => {
            let Moment { whole, .. } = named(text)?;
            OpenPeriod {
                from: Some(whole.from),
                to: Some(whole.to),
            }
        }
        Some(("", "")) => return Err(ExpressionError::new(text, Wrong::Unknown(None))),
        Some((from, to)) => {
            let end = |part: &str| (!part.is_empty()).then(|| named(part)).transpose();
            OpenPeriod {
                from: end(from)?.map(|moment| moment.whole.from),
                to: end(to)?.map(Moment::end),
            }
        }
    };
    checked(text, period, now, zone)
}

/// The period between two moments, of which each may be left open, as `period` has it.
///
/// # Errors
/// As for [`period`].
pub fn between(
    from: Option<&str>,
    to: Option<&str>,
    now: Instant,
    zone: &Zone,
) -> Result<OpenPeriod, ExpressionError> {
    let period = OpenPeriod {
        from: from
            .map(|text| Ok(named(text, now, zone)?.whole.from))
            .transpose()?,
        to: to.map(|text| cut_off(text, now, zone)).transpose()?,
    };
    let text = match (from, to) {
        (Some(from), None) => from.to_owned(),
        _ => format!("{}..{}", from.unwrap_or_default(), to.unwrap_or_default()),
    };
    checked(&text, period, now, zone)
}

/// The instant that a moment ends at: of a whole day, month or year when it is one, else the
/// hour itself.
///
/// # Errors
/// When the text is no moment.
pub fn cut_off(text: &str, now: Instant, zone: &Zone) -> Result<Instant, ExpressionError> {
    named(text, now, zone).map(Moment::end)
}

/// The expression for a period on whole local hours, the shortest that names it.
#[must_use]
pub fn text(period: Period, zone: &Zone) -> String {
    let last = Instant::from_micros(period.to.as_micros().saturating_sub(1));
    for granularity in [Granularity::Month, Granularity::Day, Granularity::Hour] {
        if zone.bucket(granularity, period.from) == period {
            return zone.label(granularity, period.from);
        }
    }
    let days = [period.from, period.to]
        .into_iter()
        .all(|end| zone.bucket(Granularity::Day, end).from == end);
    let (granularity, last) = if days {
        (Granularity::Day, last)
    } else {
        (Granularity::Hour, period.to)
    };
    let from = zone.label(granularity, period.from);
    if zone.year(period.from) == period {
        return zone.local(period.from).year().to_string();
    }
    format!("{from}..{}", zone.label(granularity, last))
}

fn named(text: &str, now: Instant, zone: &Zone) -> Result<Moment, ExpressionError> {
    check_length(text)?;
    moment(text, now, zone)
}

fn check_length(text: &str) -> Result<(), ExpressionError> {
    if text.len() > BYTES_MAX {
        return Err(ExpressionError::new(text, Wrong::TooLong(BYTES_MAX)));
    }
    Ok(())
}

fn checked(
    text: &str,
    period: OpenPeriod,
    now: Instant,
    zone: &Zone,
) -> Result<OpenPeriod, ExpressionError> {
    let wrong = |wrong| Err(ExpressionError::new(text, wrong));
    match (period.from, period.to) {
        // A day that ends a range ends behind it: only an hour can name the start itself.
        (Some(from), Some(to)) if to == from && text.contains('T') => wrong(Wrong::Empty),
        (Some(from), Some(to)) if to <= from => wrong(Wrong::Reversed),
        (Some(from), _) if from > now => wrong(Wrong::Future(
            zone.local(now).strftime("%Y-%m-%dT%H:%M").to_string(),
        )),
        _ => Ok(period),
    }
}

#[cfg(test)]
mod tests;
