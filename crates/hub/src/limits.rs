//! The data plane's limits, as the configuration states them.

use std::num::NonZeroU32;

use ndxp_gateway::{Allowance, Limits, Rate};

use crate::config::Config;

/// A consumer that has been idle may bring this part of a second's calls at once: what a core that it
/// has to itself carries in a sixteenth of a second.
const CONSUMER_BURSTS_PER_SECOND: u32 = 4;

/// What the data plane is told of the file.
#[must_use]
pub fn gateway_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        deadline_default: limits.deadline_default,
        deadline_max: limits.deadline_max,
        metadata_bytes_max: limits.metadata_bytes_max,
        message_bytes_max: limits.message_bytes_max,
        consumer: of_consumer(config),
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

/// What a consumer may use unless the registry says otherwise of it.
fn of_consumer(config: &Config) -> Allowance {
    let limits = &config.limits;
    let cores = u32::try_from(cores(config)).unwrap_or(u32::MAX);
    let per_second = limits
        .consumer_calls_per_second_per_core_max
        .saturating_mul(cores);
    Allowance {
        rate: NonZeroU32::new(per_second).map(|per_second| {
            let at_once = NonZeroU32::new(per_second.get().div_ceil(CONSUMER_BURSTS_PER_SECOND));
            Rate::new(per_second, at_once)
        }),
        ..allowance(0, limits.consumer_calls_in_flight_max)
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
