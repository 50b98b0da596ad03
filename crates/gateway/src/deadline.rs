//! `grpc-timeout`: read strictly, then capped by what the service and the hub allow.

use std::time::Duration;

use ndxp_model::{Reason, Refusal};

/// By the gRPC over HTTP/2 specification a timeout has at most eight digits.
const DIGITS_MAX: usize = 8;
/// The largest amount of so many.
const AMOUNT_MAX: u64 = 99_999_999;

/// Reads the value of `grpc-timeout`.
///
/// # Errors
/// `MALFORMED_REQUEST` when it is not one to eight digits and one of `H M S m u n`.
pub fn parse_timeout(value: &[u8]) -> Result<Duration, Refusal> {
    parse(value).ok_or_else(|| {
        let shown = String::from_utf8_lossy(value);
        let shown: String = shown.chars().take(40).collect();
        let detail = format!(
            "grpc-timeout {shown:?} is not one to eight digits and a unit of H, M, S, m, u or n, \
             such as 500m"
        );
        Refusal::new(Reason::MalformedRequest, detail)
    })
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let amount = digits.iter().try_fold(0_u64, |amount, digit| {
        digit
            .is_ascii_digit()
            .then(|| amount * 10 + u64::from(digit - b'0'))
    })?;
    match unit {
        b'H' => Some(Duration::from_secs(amount * 3_600)),
        b'M' => Some(Duration::from_secs(amount * 60)),
        b'S' => Some(Duration::from_secs(amount)),
        b'm' => Some(Duration::from_millis(amount)),
        b'u' => Some(Duration::from_micros(amount)),
        b'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Writes a timeout in the finest unit whose number still fits eight digits.
#[must_use]
pub fn format_timeout(timeout: Duration) -> String {
    let units = [(timeout.as_micros(), 'u'), (timeout.as_millis(), 'm')];
    let fits = |(amount, unit): (u128, char)| {
        let amount = u64::try_from(amount).ok()?;
        (amount <= AMOUNT_MAX).then_some((amount, unit))
    };
    let fit = units.into_iter().find_map(fits);
    let (amount, unit) = fit.unwrap_or((timeout.as_secs().min(AMOUNT_MAX), 'S'));
    let mut text = amount.to_string();
    text.push(unit);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_specification_is_read() {
        let rows = [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("500m", Duration::from_millis(500)),
            ("7u", Duration::from_micros(7)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("0S", Duration::ZERO),
        ];
        for (text, timeout) in rows {
            assert_eq!(parse_timeout(text.as_bytes()), Ok(timeout), "{text}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            " 1S",
            "1S ",
            "123456789S",
            "1SS",
        ] {
            assert!(parse_timeout(text.as_bytes()).is_err(), "accepted {text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for timeout in [
            0,
            1,
            99_999_999,
            100_000_000,
            99_999_999_000,
            3_600_000_000_000,
        ] {
            let timeout = Duration::from_micros(timeout);
            let read = parse_timeout(format_timeout(timeout).as_bytes()).unwrap();
            assert!(
                read <= timeout && timeout - read < Duration::from_secs(1),
                "{timeout:?}"
            );
        }
    }
}
