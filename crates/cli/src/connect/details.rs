//! Reads `grpc-status-details-bin`: the `google.rpc.ErrorInfo` in which the hub says why it
//! answered so and what helps.

use ndxp_proto::google::rpc::{ErrorInfo, Status as Details};
use prost::Message as _;

/// The hub's own account of the error; `None` when the error is not of the hub's making.
pub fn error_info(status: &tonic::Status) -> Option<ErrorInfo> {
    Details::decode(status.details())
        .ok()?
        .details
        .iter()
        .filter(|any| any.type_url.ends_with("/google.rpc.ErrorInfo"))
        .filter_map(|any| ErrorInfo::decode(any.value.as_slice()).ok())
        .find(|info| info.domain == "ndxp")
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;
    use crate::failure::{Exit, Failure};

    fn status(domain: &str) -> Status {
        let info = ErrorInfo {
            reason: "NO_GRANT".to_owned(),
            domain: domain.to_owned(),
            metadata: [("remedy".to_owned(), "ask for a grant".to_owned())].into(),
        };
        let details = Details {
            details: vec![prost_types::Any {
                type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
                value: info.encode_to_vec(),
            }],
            ..Details::default()
        };
        let encoded = details.encode_to_vec().into();
        Status::with_details(Code::PermissionDenied, "H26/lgsp may not", encoded)
    }

    #[test]
    fn an_error_of_the_hub_is_shown_as_what_reason_and_remedy() {
        let failure = Failure::from(status("ndxp"));
        assert_eq!(failure.exit, Exit::Negative);
        assert_eq!(
            failure.to_string(),
            "error: H26/lgsp may not\nreason: NO_GRANT\nremedy: ask for a grant"
        );
    }

    #[test]
    fn an_error_of_somebody_else_has_no_reason_of_ours() {
        assert_eq!(error_info(&status("example.vn")), None);
        let garbage = Status::with_details(Code::Internal, "broken", vec![0xff, 0xff].into());
        assert_eq!(error_info(&garbage), None);
        assert_eq!(Failure::from(garbage).to_string(), "error: broken");
    }
}
