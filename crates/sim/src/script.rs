//! What a request asks of a simulated provider besides its ordinary answer. The first key of
//! a request decides, so that the same request always ends the same way and a test can ask
//! for any ending from outside, over the wire.
//!
//! Keys of twelve digits that begin with `999` are reserved: no province has that code. The
//! digit behind it tells the behaviour and the last eight are a serial number.
//!
//! | key | behaviour |
//! |---|---|
//! | `9992` + milliseconds | answers late |
//! | `9993…` | never answers |
//! | `9991…` | `NOT_FOUND`, with details of the provider's own |
//! | `9994…` | `UNAVAILABLE`, bare: a provider's word, not the hub's |
//! | `9995…` | `DEADLINE_EXCEEDED`, bare: the same |
//! | `9996…` | `PERMISSION_DENIED · NO_GRANT` in the provider's own domain: the same |
//! | `9997…` | `FAILED_PRECONDITION` |
//! | `9998…` | `INTERNAL`, where answers are streamed behind the first of them |

use std::collections::BTreeMap;
use std::time::Duration;

use ndxp_model::SystemId;
use ndxp_proto::google::rpc;
use prost::Message as _;
use tonic::{Code, Status};

/// What the provider does with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Script {
    Answer,
    AnswerAfter(Duration),
    Hang,
    Fail(Failure),
}

/// With which status a provider fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    NotFound,
    Unavailable,
    DeadlineExceeded,
    Denied,
    Precondition,
    Midway,
}

const RESERVED: &str = "999";
/// Behind `999` and one digit: eight digits.
const SERIAL_END: u64 = 100_000_000;

impl Failure {
    pub const ALL: [Self; 6] = [
        Self::NotFound,
        Self::Unavailable,
        Self::DeadlineExceeded,
        Self::Denied,
        Self::Precondition,
        Self::Midway,
    ];

    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Unavailable => Code::Unavailable,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Denied => Code::PermissionDenied,
            Self::Precondition => Code::FailedPrecondition,
            Self::Midway => Code::Internal,
        }
    }

    const fn digit(self) -> char {
        match self {
            Self::NotFound => '1',
            Self::Unavailable => '4',
            Self::DeadlineExceeded => '5',
            Self::Denied => '6',
            Self::Precondition => '7',
            Self::Midway => '8',
        }
    }

    /// The status as the provider sends it.
    pub(crate) fn status(self, provider: &SystemId, key: &str) -> Status {
        let message = format!("{provider} has no other answer for {key}");
        let reason = match self {
            Self::NotFound => "NOT_ON_RECORD",
            Self::Denied => "NO_GRANT",
            _ => return Status::new(self.code(), message),
        };
        let info = rpc::ErrorInfo {
            reason: reason.to_owned(),
            domain: format!("{}.{}", provider.name(), provider.member()),
            metadata: BTreeMap::from([("key".to_owned(), key.to_owned())]),
        };
        let resource = rpc::ResourceInfo {
            resource_type: "key".to_owned(),
            resource_name: key.to_owned(),
            owner: provider.to_string(),
            description: message.clone(),
        };
        let details = rpc::Status {
            code: self.code().into(),
            message: message.clone(),
            details: vec![
                any("google.rpc.ErrorInfo", &info),
                any("google.rpc.ResourceInfo", &resource),
            ],
        };
        Status::with_details(self.code(), message, details.encode_to_vec().into())
    }
}

fn any(name: &str, message: &impl prost::Message) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec(),
    }
}

impl Script {
    /// What the key asks for. Keys outside the reserved range ask for an ordinary answer.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let Some(rest) = key.strip_prefix(RESERVED) else {
            return Self::Answer;
        };
        if rest.len() != 9 || !rest.bytes().all(|b| b.is_ascii_digit()) {
            return Self::Answer;
        }
        let mut digits = rest.chars();
        let (Some(digit), Ok(serial)) = (digits.next(), digits.as_str().parse()) else {
            return Self::Answer;
        };
        match digit {
            '2' => Self::AnswerAfter(Duration::from_millis(serial)),
            '3' => Self::Hang,
            digit => Failure::ALL
                .into_iter()
                .find(|failure| failure.digit() == digit)
                .map_or(Self::Answer, Self::Fail),
        }
    }

    /// The key that asks for this; `None` for an ordinary answer, which every other key asks
    /// for. The serial is taken modulo eight digits, and a delay in whole milliseconds below
    /// that takes its place.
    #[must_use]
    pub fn key(self, serial: u64) -> Option<String> {
        let (digit, serial) = match self {
            Self::Answer => return None,
            Self::AnswerAfter(delay) => {
                let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                ('2', millis.min(SERIAL_END - 1))
            }
            Self::Hang => ('3', serial % SERIAL_END),
            Self::Fail(failure) => (failure.digit(), serial % SERIAL_END),
        };
        Some(format!("{RESERVED}{digit}{serial:08}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_key_asks_for_what_it_was_made_for() {
        let scripts = Failure::ALL.into_iter().map(Script::Fail).chain([
            Script::Hang,
            Script::AnswerAfter(Duration::ZERO),
            Script::AnswerAfter(Duration::from_millis(250)),
        ]);
        for script in scripts {
            let key = script.key(123_456_789).unwrap();
            assert_eq!(Script::of(&key), script, "{key}");
        }
    }

    #[test]
    fn every_other_key_asks_for_an_ordinary_answer() {
        for key in [
            "",
            "001203004567",
            "999",
            "9991",
            "99910000000",
            "9991000000000",
            "9990000000000",
            "999012345678",
            "9991x2345678",
            "999+12345678",
            "9991+2345678",
            "H26-220722-0001",
            "999ệ12345",
        ] {
            assert_eq!(Script::of(key), Script::Answer, "{key:?}");
        }
    }
}
