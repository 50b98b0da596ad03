//! Why the hub answered a call itself: every error that a member can see, in one table.

use std::fmt;

use crate::{Fault, Outcome};

/// A stable reason, as it stands in `google.rpc.ErrorInfo` under the domain `ndxp`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    UnknownSystem,
    SystemSuspended,
    MalformedRequest,
    UnknownService,
    AmbiguousProvider,
    ServiceDisabled,
    InMaintenance,
    NoGrant,
    GrantExpired,
    RateLimited,
    HubOverloaded,
    MetadataTooLarge,
    MessageTooLarge,
    AnswerTooLarge,
    JournalUnavailable,
    EndingUnrecorded,
    ProviderOverloaded,
    ProviderUnreachable,
    ProviderTimeout,
}

/// What a reason means to a caller: one row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// Name on the wire.
    pub name: &'static str,
    /// gRPC status code.
    pub status: u8,
    pub fault: Fault,
    pub outcome: Outcome,
    /// The provider cannot have seen the call: repeating it is safe.
    pub retry_safe: bool,
    pub remedy: &'static str,
}

const INVALID_ARGUMENT: u8 = 3;
const DEADLINE_EXCEEDED: u8 = 4;
const NOT_FOUND: u8 = 5;
const PERMISSION_DENIED: u8 = 7;
const RESOURCE_EXHAUSTED: u8 = 8;
const FAILED_PRECONDITION: u8 = 9;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;
const UNAUTHENTICATED: u8 = 16;

impl Reason {
    pub const ALL: [Self; 19] = [
        Self::UnknownSystem,
        Self::SystemSuspended,
        Self::MalformedRequest,
        Self::UnknownService,
        Self::AmbiguousProvider,
        Self::ServiceDisabled,
        Self::InMaintenance,
        Self::NoGrant,
        Self::GrantExpired,
        Self::RateLimited,
        Self::HubOverloaded,
        Self::MetadataTooLarge,
        Self::MessageTooLarge,
        Self::AnswerTooLarge,
        Self::JournalUnavailable,
        Self::EndingUnrecorded,
        Self::ProviderOverloaded,
        Self::ProviderUnreachable,
        Self::ProviderTimeout,
    ];

    #[must_use]
    pub fn meaning(self) -> Meaning {
        let refused = |name, status, fault, remedy| Meaning {
            name,
            status,
            fault,
            outcome: Outcome::Refused,
            retry_safe: matches!(status, RESOURCE_EXHAUSTED | UNAVAILABLE),
            remedy,
        };
        match self {
            Self::UnknownSystem => refused(
                "UNKNOWN_SYSTEM",
                UNAUTHENTICATED,
                Fault::Consumer,
                "ask the hub's operator to register the system that the certificate names",
            ),
            Self::SystemSuspended => refused(
                "SYSTEM_SUSPENDED",
                UNAUTHENTICATED,
                Fault::Consumer,
                "ask the hub's operator why the system is suspended and what lifts it",
            ),
            Self::MalformedRequest => refused(
                "MALFORMED_REQUEST",
                INVALID_ARGUMENT,
                Fault::Consumer,
                "send a gRPC call as the gRPC over HTTP/2 specification describes it",
            ),
            Self::UnknownService => refused(
                "UNKNOWN_SERVICE",
                NOT_FOUND,
                Fault::Consumer,
                "list what you may call with ndxp.exchange.v1.DirectoryService/ListCallable",
            ),
            Self::AmbiguousProvider => refused(
                "AMBIGUOUS_PROVIDER",
                FAILED_PRECONDITION,
                Fault::Consumer,
                "name one of the candidates in the metadata ndxp-provider",
            ),
            Self::ServiceDisabled => refused(
                "SERVICE_DISABLED",
                UNAVAILABLE,
                Fault::Provider,
                "wait until the operator enables the service again; the notice says why",
            ),
            Self::InMaintenance => refused(
                "IN_MAINTENANCE",
                UNAVAILABLE,
                Fault::Provider,
                "repeat after the end of the maintenance, which the message and RetryInfo tell",
            ),
            Self::NoGrant => refused(
                "NO_GRANT",
                PERMISSION_DENIED,
                Fault::Consumer,
                "ask the provider for a grant to this service and method",
            ),
            Self::GrantExpired => refused(
                "GRANT_EXPIRED",
                PERMISSION_DENIED,
                Fault::Consumer,
                "ask the provider to renew the grant",
            ),
            Self::RateLimited => refused(
                "RATE_LIMITED",
                RESOURCE_EXHAUSTED,
                Fault::Consumer,
                "slow down and repeat after the delay in RetryInfo",
            ),
            Self::HubOverloaded => refused(
                "HUB_OVERLOADED",
                RESOURCE_EXHAUSTED,
                Fault::Hub,
                "repeat after the delay in RetryInfo",
            ),
            Self::MetadataTooLarge => refused(
                "METADATA_TOO_LARGE",
                INVALID_ARGUMENT,
                Fault::Consumer,
                "send less metadata; large values belong in the message",
            ),
            Self::MessageTooLarge => refused(
                "MESSAGE_TOO_LARGE",
                INVALID_ARGUMENT,
                Fault::Consumer,
                "split the message, or use a streaming method",
            ),
            // What gRPC libraries say of a message above their own limit. Not `refused`: the
            // provider has seen the call.
            Self::AnswerTooLarge => Meaning {
                name: "ANSWER_TOO_LARGE",
                status: RESOURCE_EXHAUSTED,
                fault: Fault::Provider,
                outcome: Outcome::Refused,
                retry_safe: false,
                remedy: "ask the provider to split the message, or to answer with a stream",
            },
            Self::JournalUnavailable => refused(
                "JOURNAL_UNAVAILABLE",
                UNAVAILABLE,
                Fault::Hub,
                "repeat later; the hub carries nothing that it cannot write down",
            ),
            Self::EndingUnrecorded => Meaning {
                name: "ENDING_UNRECORDED",
                status: INTERNAL,
                fault: Fault::Hub,
                outcome: Outcome::Interrupted,
                retry_safe: false,
                remedy: "ask the provider whether the call took effect before repeating it",
            },
            Self::ProviderOverloaded => refused(
                "PROVIDER_OVERLOADED",
                RESOURCE_EXHAUSTED,
                Fault::Provider,
                "repeat after the delay in RetryInfo; the provider answers too slowly for so many \
                 calls",
            ),
            Self::ProviderUnreachable => Meaning {
                name: "PROVIDER_UNREACHABLE",
                status: UNAVAILABLE,
                fault: Fault::Provider,
                outcome: Outcome::Unreachable,
                retry_safe: false,
                remedy: "repeat later if the method may be repeated; tell the provider",
            },
            Self::ProviderTimeout => Meaning {
                name: "PROVIDER_TIMEOUT",
                status: DEADLINE_EXCEEDED,
                fault: Fault::Provider,
                outcome: Outcome::TimedOut,
                retry_safe: false,
                remedy: "allow more time in grpc-timeout, or ask the provider why it is slow",
            },
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.meaning().name)
    }
}

/// A call that the hub answers itself: why, and in which words for this call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    pub reason: Reason,
    /// One sentence that names the value at fault.
    pub detail: String,
    /// When to repeat, for the reasons that carry RetryInfo.
    pub retry_after: Option<std::time::Duration>,
}

impl Refusal {
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own_and_an_outcome_that_is_no_transaction() {
        let mut names: Vec<_> = Reason::ALL
            .iter()
            .map(|reason| reason.meaning().name)
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(!reason.meaning().outcome.is_transaction(), "{reason}");
        }
    }
}
