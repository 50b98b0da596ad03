//! The terms of a grant that a consumer asks for. They never change: other terms are another
//! version.

use clap::Args;
use ndxp_model::{MemberCode, ServiceName, SystemId, Zone};
use ndxp_proto::registry::v1::Grant;

use crate::failure::Failure;
use crate::when::{End, instant_us};

#[derive(Args, Debug)]
pub struct Terms {
    /// The system that wants to call
    #[arg(long, value_name = "MEMBER/SYSTEM")]
    consumer: SystemId,

    /// The system that is to be called
    #[arg(long, value_name = "MEMBER/SYSTEM")]
    provider: SystemId,

    /// The full name of the gRPC service
    #[arg(long, value_name = "SERVICE")]
    service: ServiceName,

    /// A method that may be called; may be repeated [default: all methods]
    #[arg(long = "method", value_name = "METHOD")]
    methods: Vec<String>,

    /// First time at which calls are permitted: a date, a local time or an instant
    #[arg(long, value_name = "TIME")]
    valid_from: Option<String>,

    /// End of the permission: a date, which is included whole, a local time or an instant
    #[arg(long, value_name = "TIME")]
    valid_until: Option<String>,

    /// What the data is for
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    purpose: String,

    /// The law, decree or agreement that allows it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    legal_basis: String,

    /// The member that the consumer acts for, such as a commune of a province
    #[arg(long, value_name = "CODE")]
    on_behalf_of: Option<MemberCode>,

    /// The version, active until then, whose place these terms take when they are approved
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    replaces: u32,

    #[command(flatten)]
    limits: Limits,
}

/// What is left out sets no limit beside the hub's own and the consumer's.
const LIMITS: &str = "Limits of this grant";

/// 0 sets no limit.
#[derive(Args, Debug)]
struct Limits {
    /// Calls a second, on average
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = LIMITS
    )]
    rate_per_second_max: u32,

    /// Calls that may come at once before the rate counts
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = LIMITS
    )]
    burst_max: u32,

    /// Calls in flight
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = LIMITS
    )]
    concurrency_max: u32,

    /// Bytes of one message
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = LIMITS
    )]
    message_bytes_max: u64,

    /// Bytes of a call's metadata
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = LIMITS
    )]
    metadata_bytes_max: u64,

    /// Longest time that a call may take, in milliseconds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = LIMITS
    )]
    deadline_ms_max: u64,
}

impl Terms {
    pub fn grant(self, zone: &Zone) -> Result<Grant, Failure> {
        let end = |option, text: &Option<String>, end| match text {
            Some(text) => instant_us(option, text, end, zone),
            None => Ok(0),
        };
        let on_behalf_of = self.on_behalf_of.map(|code| code.to_string());
        Ok(Grant {
            valid_from_us: end("--valid-from", &self.valid_from, End::From)?,
            valid_until_us: end("--valid-until", &self.valid_until, End::Until)?,
            consumer: self.consumer.to_string(),
            provider: self.provider.to_string(),
            service: self.service.to_string(),
            methods: self.methods,
            purpose: self.purpose,
            legal_basis: self.legal_basis,
            on_behalf_of: on_behalf_of.unwrap_or_default(),
            replaces: self.replaces,
            rate_per_second_max: self.limits.rate_per_second_max,
            burst_max: self.limits.burst_max,
            concurrency_max: self.limits.concurrency_max,
            message_bytes_max: self.limits.message_bytes_max,
            metadata_bytes_max: self.limits.metadata_bytes_max,
            deadline_ms_max: self.limits.deadline_ms_max,
            ..Grant::default()
        })
    }
}
