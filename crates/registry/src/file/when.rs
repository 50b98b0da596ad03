//! The ends of a grant's time, as people write them: an RFC 3339 instant, or a local date that
//! means the whole of that day.

use ndxp_model::Zone;

/// Which end of its time a value sets.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    From,
    Until,
}

pub(super) const EXPECTED: &str = "a date such as 2026-12-31, which is local and means the whole day, or an instant with its \
     offset such as 2026-12-31T17:00:00+07:00";

/// Microseconds since the epoch. `None` when the text is neither date nor instant, or lies
/// before the epoch, where 0 would mean that the end is open.
pub(super) fn instant(text: &str, end: End, zone: &Zone) -> Option<i64> {
    const DATE_BYTES: usize = "2026-12-31".len();
    let micros = if text.len() == DATE_BYTES {
        let day = zone.moment(text).ok()?;
        match end {
            End::From => day.from,
            End::Until => day.to,
        }
        .as_micros()
    } else {
        // RFC 3339 alone: what jiff allows beyond it, such as a zone in brackets, is refused.
        let is_rfc_3339 = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-:.TtZz ".contains(&byte));
        let instant: jiff::Timestamp = text.parse().ok()?;
        is_rfc_3339.then(|| instant.as_microsecond())?
    };
    (micros > 0).then_some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, end: End, utc: Option<&str>) {
        let micros = instant(text, end, &Zone::viet_nam());
        let shown = micros.map(|micros| ndxp_model::Instant::from_micros(micros).to_string());
        assert_eq!(shown.as_deref(), utc, "{text}");
    }

    #[test]
    fn a_date_means_the_whole_local_day() {
        check("2026-01-01", End::From, Some("2025-12-31T17:00:00Z"));
        check("2026-12-31", End::Until, Some("2026-12-31T17:00:00Z"));
    }

    #[test]
    fn an_instant_is_what_it_says() {
        check(
            "2026-01-01T00:00:00Z",
            End::From,
            Some("2026-01-01T00:00:00Z"),
        );
        let offset = "2026-01-01T00:00:00.5+07:00";
        check(offset, End::Until, Some("2025-12-31T17:00:00.5Z"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "2026",
            "2026-01",
            "2026-02-30",
            "31/12/2026",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+07:00[Asia/Ho_Chi_Minh]",
            "1970-01-01",
            "1970-01-01T00:00:00Z",
            "1969-12-31T00:00:00Z",
            "đúng mười!",
        ] {
            check(text, End::From, None);
        }
    }
}
