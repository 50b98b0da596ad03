//! How a call ended, as the consumer can tell: the hub's word where the hub speaks, the
//! provider's answer otherwise.

use std::error::Error as _;
use std::time::Duration;

use ndxp_model::{Outcome, Reason, TransactionId};
use ndxp_proto::google::rpc;
use prost::Message as _;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::provider::SERVICE_TIME;

/// What a consumer saw of a call's ending.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Seen {
    Ended(Outcome),
    /// The line to the hub broke, or the hub gave a reason that is not in the contract: only
    /// the journal knows what became of the call.
    Unknown,
}

/// One call, over.
#[derive(Clone, Debug)]
pub struct Ending {
    pub seen: Seen,
    pub code: Code,
    /// The status's message; empty when the call was answered OK or broken off.
    pub message: String,
    /// From sending until the last answer.
    pub took: Duration,
    /// What the provider itself took until its answer was ready, as it said.
    pub service_time: Option<Duration>,
    /// The hub's name for the call.
    pub transaction_id: Option<TransactionId>,
}

/// Domain of the errors that the hub makes.
const HUB_DOMAIN: &str = "ndxp";
const ERROR_INFO_URL: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// What a status says of the call's ending.
#[must_use]
pub fn seen(status: &Status) -> Seen {
    if status.code() == Code::Ok {
        return Seen::Ended(Outcome::Completed);
    }
    if let Some(reason) = hub_reason(status) {
        return Reason::ALL
            .into_iter()
            .map(Reason::meaning)
            .find(|meaning| meaning.name == reason)
            .map_or(Seen::Unknown, |meaning| Seen::Ended(meaning.outcome));
    }
    // A status that came over the wire has no source; one that the client made up because the
    // line broke has the error that broke it.
    if status.source().is_some() {
        return Seen::Unknown;
    }
    Seen::Ended(Outcome::ProviderError)
}

/// The reason in the hub's ErrorInfo; `None` when the status is not of the hub's making.
fn hub_reason(status: &Status) -> Option<String> {
    rpc::Status::decode(status.details())
        .ok()?
        .details
        .into_iter()
        .filter(|detail| detail.type_url == ERROR_INFO_URL)
        .filter_map(|detail| rpc::ErrorInfo::decode(detail.value.as_slice()).ok())
        .find(|info| info.domain == HUB_DOMAIN)
        .map(|info| info.reason)
}

impl Ending {
    pub(crate) fn answered(metadata: &MetadataMap, took: Duration) -> Self {
        Self {
            seen: Seen::Ended(Outcome::Completed),
            code: Code::Ok,
            message: String::new(),
            took,
            service_time: service_time(metadata),
            transaction_id: transaction_id(metadata),
        }
    }

    pub(crate) fn broken_off(metadata: Option<&MetadataMap>, took: Duration) -> Self {
        Self {
            seen: Seen::Ended(Outcome::Cancelled),
            code: Code::Cancelled,
            message: String::new(),
            took,
            service_time: metadata.and_then(service_time),
            transaction_id: metadata.and_then(transaction_id),
        }
    }

    /// `headers` are those that came before the status, where there were any.
    pub(crate) fn failed(status: &Status, headers: Option<&MetadataMap>, took: Duration) -> Self {
        let metadata = headers.unwrap_or_else(|| status.metadata());
        Self {
            seen: seen(status),
            code: status.code(),
            message: status.message().to_owned(),
            took,
            service_time: service_time(metadata),
            transaction_id: transaction_id(metadata),
        }
    }
}

fn service_time(metadata: &MetadataMap) -> Option<Duration> {
    let micros = metadata.get(SERVICE_TIME)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_micros(micros))
}

fn transaction_id(metadata: &MetadataMap) -> Option<TransactionId> {
    metadata
        .get("ndxp-transaction-id")?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn with_info(code: Code, domain: &str, reason: &str) -> Status {
        let info = rpc::ErrorInfo {
            reason: reason.to_owned(),
            domain: domain.to_owned(),
            ..rpc::ErrorInfo::default()
        };
        let retry = prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: rpc::RetryInfo::default().encode_to_vec(),
        };
        let info = prost_types::Any {
            type_url: ERROR_INFO_URL.to_owned(),
            value: info.encode_to_vec(),
        };
        let details = rpc::Status {
            code: code.into(),
            message: String::new(),
            details: vec![retry, info],
        };
        Status::with_details(code, "", details.encode_to_vec().into())
    }

    #[track_caller]
    fn check(status: &Status, expected: Seen) {
        assert_eq!(seen(status), expected, "{status:?}");
    }

    #[test]
    fn every_reason_of_the_hub_ends_as_the_table_of_reasons_says() {
        for reason in Reason::ALL {
            let meaning = reason.meaning();
            let code = Code::from_i32(meaning.status.into());
            check(
                &with_info(code, "ndxp", meaning.name),
                Seen::Ended(meaning.outcome),
            );
        }
    }

    #[test]
    fn a_status_without_the_hubs_word_is_the_providers() {
        let provider_error = Seen::Ended(Outcome::ProviderError);
        for code in (1..=16).map(Code::from_i32) {
            check(&Status::new(code, ""), provider_error);
            check(
                &with_info(code, "population.G01", "NO_GRANT"),
                provider_error,
            );
            let garbled = Status::with_details(code, "", (&b"\xff\xff"[..]).into());
            check(&garbled, provider_error);
        }
        check(&Status::new(Code::Ok, ""), Seen::Ended(Outcome::Completed));
    }

    #[test]
    fn what_the_line_or_an_unknown_reason_ended_cannot_be_told() {
        let mut broken = Status::unavailable("connection reset");
        broken.set_source(Arc::new(std::io::Error::other("reset")));
        check(&broken, Seen::Unknown);
        check(&with_info(Code::Unavailable, "ndxp", "NEW"), Seen::Unknown);
    }
}
