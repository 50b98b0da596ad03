//! What the hub's own answers say, and what each reason means: the table that members are told.

use http::HeaderMap;
use ndxp_proto::google::rpc::{ErrorInfo, RetryInfo, Status};
use prost::Message as _;
use serde_json::Value;

use super::call::{Answer, value};

/// A row of the table of reasons.
pub struct Meaning {
    pub status: u32,
    pub fault: &'static str,
    pub outcome: &'static str,
}

/// What the reason means to everybody.
#[track_caller]
pub fn meaning(reason: &str) -> Meaning {
    let (status, fault, outcome) = match reason {
        "UNKNOWN_SYSTEM" | "SYSTEM_SUSPENDED" => (16, "consumer", "refused"),
        "MALFORMED_REQUEST" | "METADATA_TOO_LARGE" | "MESSAGE_TOO_LARGE" => {
            (3, "consumer", "refused")
        }
        "UNKNOWN_SERVICE" => (5, "consumer", "refused"),
        "AMBIGUOUS_PROVIDER" => (9, "consumer", "refused"),
        "NO_GRANT" | "GRANT_EXPIRED" => (7, "consumer", "refused"),
        "RATE_LIMITED" => (8, "consumer", "refused"),
        "HUB_OVERLOADED" => (8, "hub", "refused"),
        "ANSWER_TOO_LARGE" | "PROVIDER_OVERLOADED" => (8, "provider", "refused"),
        "JOURNAL_UNAVAILABLE" => (14, "hub", "refused"),
        "SERVICE_DISABLED" | "IN_MAINTENANCE" => (14, "provider", "refused"),
        "PROVIDER_UNREACHABLE" => (14, "provider", "unreachable"),
        "PROVIDER_TIMEOUT" => (4, "provider", "timed_out"),
        other => panic!("no reason {other}"),
    };
    Meaning {
        status,
        fault,
        outcome,
    }
}

/// The details of an error that the hub made.
#[derive(Debug)]
pub struct Refusal {
    pub status: Status,
    pub info: ErrorInfo,
    pub retry: Option<RetryInfo>,
}

impl Refusal {
    /// Reads `grpc-status-details-bin`.
    #[track_caller]
    pub fn read(ending: &HeaderMap) -> Self {
        let encoded = ending.get_bin("grpc-status-details-bin");
        let status = Status::decode(encoded.as_slice()).expect("it is a google.rpc.Status");
        Self {
            info: detail(&status, "google.rpc.ErrorInfo").expect("the hub says why"),
            retry: detail(&status, "google.rpc.RetryInfo"),
            status,
        }
    }
}

trait Binary {
    fn get_bin(&self, name: &str) -> Vec<u8>;
}

impl Binary for HeaderMap {
    #[track_caller]
    fn get_bin(&self, name: &str) -> Vec<u8> {
        let metadata = tonic::metadata::MetadataMap::from_headers(self.clone());
        let value = metadata
            .get_bin(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.to_bytes().expect("it is base64").to_vec()
    }
}

fn detail<T: prost::Message + Default>(status: &Status, name: &str) -> Option<T> {
    let url = format!("type.googleapis.com/{name}");
    let detail = status.details.iter().find(|it| it.type_url == url)?;
    Some(T::decode(detail.value.as_slice()).expect("it is what it says"))
}

/// The answer is the hub's, in the one form that its answers have; `parties` are consumer,
/// provider and service, empty where they cannot be known.
#[track_caller]
pub fn check(answer: &Answer, reason: &str, parties: [&str; 3]) -> Refusal {
    assert!(answer.is_trailers_only(), "{reason}: {answer:?}");
    let ending = answer.ending();
    let meaning = meaning(reason);
    assert_eq!(
        (answer.status.as_u16(), answer.grpc_status()),
        (200, meaning.status),
        "{reason}"
    );
    assert_eq!(value(ending, "ndxp-fault"), meaning.fault, "{reason}");
    let refusal = Refusal::read(ending);
    assert_eq!(refusal.status.code, i32::try_from(meaning.status).unwrap());
    assert_eq!(
        (refusal.info.domain.as_str(), refusal.info.reason.as_str()),
        ("ndxp", reason)
    );
    let metadata = &refusal.info.metadata;
    for (name, party) in ["consumer", "provider", "service"].into_iter().zip(parties) {
        let named = metadata.get(name).map_or("", String::as_str);
        assert_eq!(named, party, "{reason}: {name} in {metadata:?}");
    }
    assert!(
        metadata.get("remedy").is_some_and(|it| !it.is_empty()),
        "{reason}: {metadata:?}"
    );
    refusal
}

/// The journal says the same as the consumer was told.
#[track_caller]
pub fn check_journaled(transaction: &Value, reason: &str, parties: [&str; 3]) {
    let meaning = meaning(reason);
    assert_eq!(transaction["outcome"], meaning.outcome, "{transaction:#}");
    assert_eq!(transaction["reason"], reason, "{transaction:#}");
    assert_eq!(transaction["fault"], meaning.fault, "{transaction:#}");
    assert_eq!(
        transaction["grpc_status"], meaning.status,
        "{transaction:#}"
    );
    for (name, party) in ["consumer", "provider", "service"].into_iter().zip(parties) {
        assert_eq!(transaction[name], party, "{transaction:#}");
    }
}
