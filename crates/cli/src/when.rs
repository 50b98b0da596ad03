//! The times that commands take, cut in the hub's time zone, as the contracts want them.

use clap::Args;
use ndxp_model::{Instant, InvalidValue, Zone};

use crate::failure::Failure;

/// A range of time; either end may stay open.
#[derive(Args, Clone, Debug, Default)]
pub struct Window {
    /// Start: a month (2022-07), a date (2022-07-22) or a local hour (2022-07-22T09)
    ///
    /// In the hub's time zone. Without it, the range begins with the hub's first entry.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,

    /// End: a month or a date, whole; or a local hour, up to its beginning
    ///
    /// `--to 2022-07-22` includes all of that day; `--to 2022-07-22T09` ends at nine o'clock.
    /// Without it, the range is open.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

impl Window {
    /// Microseconds since the epoch, 0 for an open end.
    pub fn bounds_us(&self, zone: &Zone) -> Result<(i64, i64), Failure> {
        let start = |text: &String| Ok::<_, InvalidValue>(zone.moment(text)?.from.as_micros());
        let from_us = self.from.as_ref().map(start).transpose()?.unwrap_or(0);
        let to_us = match &self.to {
            Some(text) => cut_off(text, zone)?.as_micros(),
            None => 0,
        };
        if to_us != 0 && to_us <= from_us {
            let (from, to) = (self.from.as_deref(), self.to.as_deref());
            let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
            let what = format!("--to {to} does not lie after --from {from}");
            return Err(Failure::usage(what).remedy("name a range that holds at least one hour"));
        }
        Ok((from_us, to_us))
    }
}

/// The end that a time names: of the month or day when it is one, else the hour itself.
pub fn cut_off(text: &str, zone: &Zone) -> Result<Instant, InvalidValue> {
    let period = zone.moment(text)?;
    Ok(if text.contains('T') {
        period.from
    } else {
        period.to
    })
}

/// An optional cut-off, microseconds since the epoch, 0 for now.
pub fn as_of_us(text: Option<&str>, zone: &Zone) -> Result<i64, Failure> {
    let cut_off = text.map(|text| cut_off(text, zone)).transpose()?;
    Ok(cut_off.map_or(0, Instant::as_micros))
}

/// Which end of its time a value sets.
#[derive(Clone, Copy, Debug)]
pub enum End {
    From,
    Until,
}

/// An end of a grant or of maintenance, in microseconds: a date, which is local and means the
/// whole day; a local time to the minute or second; or an instant with its offset.
pub fn instant_us(option: &str, text: &str, end: End, zone: &Zone) -> Result<i64, Failure> {
    let micros = match text.len() {
        DATE_BYTES => zone.moment(text).ok().map(|day| match end {
            End::From => day.from.as_micros(),
            End::Until => day.to.as_micros(),
        }),
        _ => rfc_3339_us(text).or_else(|| local_us(text, zone)),
    };
    micros.filter(|micros| *micros > 0).ok_or_else(|| {
        Failure::usage(format_args!("{option} {text:?} is no time")).remedy(
            "write a date (2026-12-31), which is local and means the whole day, a local time \
             (2026-12-31T22:00), or an instant with its offset (2026-12-31T22:00:00+07:00)",
        )
    })
}

const DATE_BYTES: usize = "2026-12-31".len();

/// A local time without offset; one that the zone's clock shows twice is the earlier.
fn local_us(text: &str, zone: &Zone) -> Option<i64> {
    // Behind the date, these begin an offset, which jiff would pass over.
    let clock = text.get(DATE_BYTES..)?;
    if clock.contains(['+', '-', 'Z', 'z']) {
        return None;
    }
    let local: jiff::civil::DateTime = plain(text)?.parse().ok()?;
    let zone = jiff::tz::TimeZone::get(zone.name()).ok()?;
    Some(local.to_zoned(zone).ok()?.timestamp().as_microsecond())
}

fn rfc_3339_us(text: &str) -> Option<i64> {
    let instant: jiff::Timestamp = plain(text)?.parse().ok()?;
    Some(instant.as_microsecond())
}

/// What jiff allows beyond RFC 3339, such as a zone in brackets, is refused.
fn plain(text: &str) -> Option<&str> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-:.TtZz ".contains(&byte))
        .then_some(text)
}

/// Local date and time to the millisecond, for tables; empty for 0, which means "none".
pub fn local(at_us: i64, zone: &Zone) -> String {
    if at_us == 0 {
        return String::new();
    }
    zone.local(Instant::from_micros(at_us))
        .strftime("%Y-%m-%d %H:%M:%S%.3f")
        .to_string()
}

/// RFC 3339 in UTC, for JSON; `None` for 0, which means "none".
pub fn utc(at_us: i64) -> Option<String> {
    (at_us != 0).then(|| Instant::from_micros(at_us).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: Option<&str>, to: Option<&str>, utc: Option<(Option<&str>, Option<&str>)>) {
        let window = Window {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        let bounds = window.bounds_us(&Zone::viet_nam()).ok();
        let bounds = bounds.map(|(from, to)| (super::utc(from), super::utc(to)));
        let wanted = utc.map(|(from, to)| (from.map(str::to_owned), to.map(str::to_owned)));
        assert_eq!(bounds, wanted);
    }

    #[test]
    fn a_date_at_the_end_is_included_and_an_hour_is_not() {
        let day = (Some("2022-07-21T17:00:00Z"), Some("2022-07-22T17:00:00Z"));
        check(Some("2022-07-22"), Some("2022-07-22"), Some(day));
        let hour = (Some("2022-07-22T01:00:00Z"), Some("2022-07-22T02:00:00Z"));
        check(Some("2022-07-22T08"), Some("2022-07-22T09"), Some(hour));
        let month = (Some("2022-06-30T17:00:00Z"), Some("2022-07-31T17:00:00Z"));
        check(Some("2022-07"), Some("2022-07"), Some(month));
        check(None, None, Some((None, None)));
    }

    #[test]
    fn a_range_that_holds_nothing_or_is_no_range_is_refused() {
        check(Some("2022-07-22"), Some("2022-07-21"), None);
        check(Some("2022-07-22T09"), Some("2022-07-22T09"), None);
        check(Some("yesterday"), None, None);
        check(None, Some("22/7/2022"), None);
    }

    #[test]
    fn times_are_shown_in_the_hubs_zone() {
        assert_eq!(local(0, &Zone::viet_nam()), "");
        let at_us = 1_658_448_000_123_456;
        assert_eq!(local(at_us, &Zone::viet_nam()), "2022-07-22 07:00:00.123");
        assert_eq!(utc(at_us).as_deref(), Some("2022-07-22T00:00:00.123456Z"));
    }

    #[track_caller]
    fn check_instant(text: &str, end: End, wanted: Option<&str>) {
        let micros = instant_us("--from", text, end, &Zone::viet_nam()).ok();
        assert_eq!(micros.and_then(utc).as_deref(), wanted, "{text}");
    }

    #[test]
    fn an_end_is_a_whole_day_a_local_time_or_an_instant() {
        check_instant("2026-01-01", End::From, Some("2025-12-31T17:00:00Z"));
        check_instant("2026-12-31", End::Until, Some("2026-12-31T17:00:00Z"));
        check_instant("2026-12-31T22:00", End::Until, Some("2026-12-31T15:00:00Z"));
        check_instant(
            "2026-12-31T22:00:30",
            End::From,
            Some("2026-12-31T15:00:30Z"),
        );
        check_instant(
            "2026-12-31T15:00:00Z",
            End::From,
            Some("2026-12-31T15:00:00Z"),
        );
        let offset = "2026-12-31T15:00:00+03:00";
        check_instant(offset, End::From, Some("2026-12-31T12:00:00Z"));
        for wrong in [
            "",
            "tomorrow",
            "2026",
            "2026-02-30",
            "31/12/2026",
            "2026-12-31T22:00+99:00",
            "2026-01-01T00:00:00+07:00[Asia/Ho_Chi_Minh]",
            "1970-01-01",
            "1969-12-31T00:00:00Z",
        ] {
            check_instant(wrong, End::From, None);
        }
    }
}
