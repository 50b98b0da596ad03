//! The forms of the small values inside items: endpoints, fingerprints, measures, methods, and
//! the old form of a member's code.

use std::net::{Ipv4Addr, Ipv6Addr};

use ndxp_model::{MemberCode, ServiceName};

use crate::limits::{MEASURE_NAME_BYTES_MAX, METHOD_BYTES_MAX};

pub(super) const ENDPOINT: &str = "host:port without a scheme or path, such as lgsp.hanoi.example:9001, 10.0.0.5:9001 or \
     [2001:db8::5]:9001";

pub(super) const FINGERPRINT: &str = "64 lower-case hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 prints them, \
     without the colons";

pub(super) const MEASURE: &str = "a lower-case letter, then lower-case letters, digits and underscores, such as records or \
     amount_vnd; at most 63 characters";

pub(super) const METHOD: &str = "the method's name alone, such as VerifyIdentity, without service or stroke; at most 255 \
     characters";

pub(super) const ALIAS: &str =
    "the old form of a code, which reads right to left, such as 000.00.00.H53";

pub(super) const INSTANT: &str = "a date such as 2026-12-31 or an instant such as 2026-12-31T17:00:00Z, of the years 1970 to \
     9998";

/// A code of 35 characters with three groups of noughts before it.
const OLD_CODE_BYTES_MAX: usize = 50;

/// 9999-01-01T00:00:00Z, less a day, so that the instant has a local time in every zone.
pub(super) const INSTANT_US_MAX: i64 = 253_370_678_400_000_000;

pub(super) fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let port_is_valid = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port > 0);
    port_is_valid && is_host(host)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let numeric = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    host.len() <= 253 && host.split('.').all(is_host_label)
}

/// Underscores are not of the DNS, but container networks give such names.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

pub(super) fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = hexadecimal(*high)? << 4 | hexadecimal(*low)?;
    }
    Some(bytes)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub(super) fn is_measure(text: &str) -> bool {
    text.len() <= MEASURE_NAME_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A method is one identifier: what a service's name is made of, without full stops.
pub(super) fn is_method(text: &str) -> bool {
    text.len() <= METHOD_BYTES_MAX && !text.contains('.') && text.parse::<ServiceName>().is_ok()
}

/// `000.00.12.H26` reads right to left and is `H26.12` today. `None` when the text is no code of
/// the old form.
pub(crate) fn new_member_code(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split('.').collect();
    let (_, others) = groups.split_last()?;
    if text.len() > OLD_CODE_BYTES_MAX
        || others.is_empty()
        || !groups.iter().all(|group| !group.is_empty())
    {
        return None;
    }
    let is_filler = |group: &&&str| group.bytes().all(|byte| byte == b'0');
    let fillers = groups.iter().take_while(is_filler).count();
    let meant: Vec<&str> = groups.iter().skip(fillers).rev().copied().collect();
    let new = meant.join(".");
    new.parse::<MemberCode>().is_ok().then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepts: fn(&str) -> bool, accepted: &[&str], refused: &[&str]) {
        for text in accepted {
            assert!(accepts(text), "refused {text:?}");
        }
        for text in refused {
            assert!(!accepts(text), "accepted {text:?}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        check(
            is_endpoint,
            &[
                "127.0.0.1:9001",
                "localhost:1",
                "lgsp.hanoi.gov.vn:65535",
                "provider_1:443",
                "[::1]:9001",
            ],
            &[
                "",
                "localhost",
                "localhost:",
                ":9001",
                "localhost:0",
                "localhost:65536",
                "localhost:+1",
                "http://localhost:9001",
                "localhost:9001/",
                "::1:9001",
                "[::1]",
                "[::g]:1",
                "256.0.0.1:9001",
                "1.2.3:9001",
                "a..b:1",
                "-a:1",
                "a b:1",
                &format!("{}:1", "a".repeat(64)),
            ],
        );
    }

    #[test]
    fn a_fingerprint_is_64_lower_case_digits() {
        let mut bytes = [0xff; 32];
        bytes[0] = 0x0a;
        assert_eq!(fingerprint(&format!("0a{}", "f".repeat(62))), Some(bytes));
        for text in [
            "",
            &"f".repeat(63),
            &"F".repeat(64),
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(fingerprint(text), None, "accepted {text:?}");
        }
    }

    #[test]
    fn a_measure_can_stand_in_a_metadata_key() {
        check(
            is_measure,
            &["records", "amount_vnd", "a1"],
            &["", "Records", "1a", "_a", "a-b", "số", &"a".repeat(64)],
        );
    }

    #[test]
    fn a_method_is_one_identifier() {
        check(
            is_method,
            &["VerifyIdentity", "_a1"],
            &["", "a.B", "a/B", "/B", "1a", "a b", &"a".repeat(256)],
        );
    }

    #[test]
    fn the_old_form_of_a_code_reads_right_to_left() {
        let rows = [
            ("000.00.00.H53", Some("H53")),
            ("000.00.12.H26", Some("H26.12")),
            ("000.05.12.H26", Some("H26.12.05")),
            ("00.00.G22", Some("G22")),
            ("H53", None),
            ("000.00.00.h53", None),
            ("000..H53", None),
            ("", None),
            ("000.00.00.000", None),
        ];
        for (old, new) in rows {
            assert_eq!(new_member_code(old).as_deref(), new, "{old}");
        }
    }
}
