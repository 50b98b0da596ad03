//! The hub's own answers: the one place that turns a refusal into what a gRPC client reads.

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use ndxp_model::{Fault, Refusal};
use ndxp_proto::google::rpc::{ErrorInfo, RetryInfo, Status};
use prost::Message as _;

use crate::metadata::FAULT;

const DOMAIN: &str = "ndxp";

/// Between whom the refused call was; empty where it is not known yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parties<'a> {
    pub consumer: &'a str,
    pub provider: &'a str,
    pub service: &'a str,
}

/// A trailers-only answer with the trailers given.
pub fn trailers_only(trailers: HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::OK;
    *response.headers_mut() = trailers;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    response
}

/// `grpc-status`, `grpc-message`, `grpc-status-details-bin` and `ndxp-fault` of a refusal.
pub fn trailers(refusal: &Refusal, parties: Parties<'_>) -> HeaderMap {
    let meaning = refusal.reason.meaning();
    let message = format!("{}: {}; {}", meaning.name, refusal.detail, meaning.remedy);
    let status = Status {
        code: i32::from(meaning.status),
        message: message.clone(),
        details: details(refusal, parties),
    };
    let code = tonic::Code::from_i32(status.code);
    let mut trailers = HeaderMap::with_capacity(6);
    tonic::Status::with_details(code, message, status.encode_to_vec().into())
        .add_header(&mut trailers)
        .expect("tonic escapes the message and the details");
    insert_fault(&mut trailers, meaning.fault);
    trailers
}

pub fn insert_fault(trailers: &mut HeaderMap, fault: Fault) {
    trailers.insert(FAULT, HeaderValue::from_static(fault.as_str()));
}

fn details(refusal: &Refusal, parties: Parties<'_>) -> Vec<prost_types::Any> {
    let meaning = refusal.reason.meaning();
    let metadata = [
        ("consumer", parties.consumer),
        ("provider", parties.provider),
        ("service", parties.service),
        ("remedy", meaning.remedy),
        (
            "retry_safe",
            if meaning.retry_safe { "true" } else { "false" },
        ),
    ];
    let info = ErrorInfo {
        reason: meaning.name.to_owned(),
        domain: DOMAIN.to_owned(),
        metadata: metadata
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    };
    let mut details = vec![any("google.rpc.ErrorInfo", info.encode_to_vec())];
    if let Some(after) = refusal.retry_after {
        let delay = prost_types::Duration {
            seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(after.subsec_nanos()).unwrap_or(0),
        };
        let retry = RetryInfo {
            retry_delay: Some(delay),
        };
        details.push(any("google.rpc.RetryInfo", retry.encode_to_vec()));
    }
    details
}

fn any(name: &str, value: Vec<u8>) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndxp_model::Reason;

    #[test]
    fn every_reason_becomes_a_status_with_its_name_fault_and_remedy() {
        for reason in Reason::ALL {
            let parties = Parties {
                consumer: "H26/lgsp",
                provider: "",
                service: "a.B",
            };
            let trailers = trailers(&Refusal::new(reason, "detail"), parties);
            let meaning = reason.meaning();
            assert_eq!(
                trailers.get("grpc-status").unwrap(),
                &meaning.status.to_string()
            );
            assert_eq!(trailers.get(FAULT).unwrap(), meaning.fault.as_str());
            let message = trailers.get("grpc-message").unwrap().to_str().unwrap();
            assert!(message.starts_with(meaning.name), "{message}");
            assert!(trailers.contains_key("grpc-status-details-bin"));
        }
    }
}
