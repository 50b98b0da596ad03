//! A certificate of the index, as people and programs read it.

use std::path::Path;

use ndxp_hub::authority::Record;
use ndxp_model::Instant;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Format, Output};

/// Files of a certificate's folder, in the order in which they are named.
const FILES: [&str; 3] = ["cert.pem", "key.pem", "ca.pem"];

/// Days before its end from which a certificate is said to expire.
pub const EXPIRES_WITHIN_DAYS: i64 = 30;

const DAY_US: i64 = 86_400_000_000;

/// Whether a certificate is of use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    Valid,
    /// Valid, and ends within so many days.
    Expires {
        days: i64,
    },
    Expired,
    Revoked,
}

impl Standing {
    pub fn of(record: &Record, now: Instant) -> Self {
        let left_us = record.validity.until.as_micros() - now.as_micros();
        let days = left_us.div_euclid(DAY_US);
        match record.revoked {
            Some(_) => Self::Revoked,
            None if left_us <= 0 => Self::Expired,
            None if days < EXPIRES_WITHIN_DAYS => Self::Expires { days },
            None => Self::Valid,
        }
    }

    /// One word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expires { .. } => "expires",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// To the second, as certificates count.
pub fn second(instant: Instant) -> String {
    let text = instant.to_string();
    let whole = text.split_once('.').map(|(whole, _)| format!("{whole}Z"));
    whole.unwrap_or(text)
}

pub fn record(record: &Record, now: Instant) -> Value {
    let revoked = record.revoked.as_ref();
    json!({
        "serial": record.serial,
        "holder": record.holder.to_string(),
        "fingerprint": record.fingerprint,
        "state": Standing::of(record, now).word(),
        "valid_from": second(record.validity.from),
        "valid_until": second(record.validity.until),
        "issued_at": record.issued_at.to_string(),
        "revoked_at": revoked.map(|revoked| revoked.at.to_string()),
        "revoked_because": revoked.map(|revoked| &revoked.reason),
    })
}

/// Says where a certificate was written.
pub fn written(folder: &Path, what: &Record, now: Instant, format: Format) -> Result<(), Failure> {
    let mut output = Output::open();
    match format {
        Format::Table => {
            for file in FILES {
                output.line(folder.join(file).display())?;
            }
        }
        Format::Json => {
            let mut value = record(what, now);
            if let Some(object) = value.as_object_mut() {
                let files = FILES.map(|file| folder.join(file).display().to_string());
                object.insert("files".to_owned(), json!(files));
            }
            output.json(&value)?;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use ndxp_hub::authority::{Hosts, PeerIdentity, Revocation, Validity};

    use super::*;

    #[track_caller]
    fn check(days_left: i64, revoked: bool, wanted: Standing) {
        let now = Instant::from_micros(1_000 * DAY_US);
        let record = Record {
            serial: "41".to_owned(),
            holder: PeerIdentity::Operator("an".to_owned()),
            hosts: Hosts::default(),
            fingerprint: String::new(),
            validity: Validity {
                from: Instant::from_micros(0),
                until: Instant::from_micros((1_000 + days_left) * DAY_US),
            },
            issued_at: Instant::from_micros(0),
            revoked: revoked.then(|| Revocation {
                at: now,
                reason: "key lost".to_owned(),
            }),
        };
        assert_eq!(Standing::of(&record, now), wanted);
    }

    #[test]
    fn a_certificate_is_said_to_expire_thirty_days_before_its_end() {
        check(31, false, Standing::Valid);
        check(30, false, Standing::Valid);
        check(29, false, Standing::Expires { days: 29 });
        check(1, false, Standing::Expires { days: 1 });
        check(0, false, Standing::Expired);
        check(-1, false, Standing::Expired);
        check(100, true, Standing::Revoked);
        check(-1, true, Standing::Revoked);
    }
}
