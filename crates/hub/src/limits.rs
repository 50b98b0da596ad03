//! The data plane's limits, as the configuration states them.

use std::num::NonZeroU32;

use ndxp_gateway::{Allowance, Limits};

use crate::config::Config;

/// What the data plane is told of the file.
#[must_use]
pub fn gateway_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        deadline_default: limits.deadline_default,
        deadline_max: limits.deadline_max,
        metadata_bytes_max: limits.metadata_bytes_max,
        message_bytes_max: limits.message_bytes_max,
        consumer: allowance(
            limits.consumer_calls_per_second_max,
            limits.consumer_calls_in_flight_max,
        ),
        provider: allowance(0, limits.provider_calls_in_flight_max),
        streams_per_connection_max: limits.streams_per_connection_max,
        connections_max: limits.connections_max,
        handshakes_max: limits.handshakes_max,
        address_handshakes_per_second_max: limits.address_handshakes_per_second_max,
        handshake_max: limits.handshake_max,
        connect_max: limits.provider_connect_max,
        windows_bytes_max: limits.windows_bytes_max,
        provider_connections_max: limits.provider_connections_per_core_max,
        drain_max: config.hub.drain_max,
    }
}

/// 0 sets no limit.
#[must_use]
pub fn allowance(calls_per_second_max: u32, calls_in_flight_max: u32) -> Allowance {
    let [rate, concurrency] = [calls_per_second_max, calls_in_flight_max].map(NonZeroU32::new);
    Allowance::new(rate, None, concurrency)
}

/// One runtime for each processor that this process may use, unless told otherwise.
#[must_use]
pub fn cores(config: &Config) -> usize {
    match config.hub.cores {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        cores => cores,
    }
}
