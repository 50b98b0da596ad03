//! Unary calls at full load: CPU of a call and throughput (targets 1, 2, and 4 for large messages).

use std::time::Duration;

use super::samples::{Sample, Samples};
use super::ways::{HUB, Ways};
use super::{COMPARED, Extent};
use crate::bench::caller::{FULL, FULL_MESSAGE_BYTES, Load};
use crate::bench::targets::{Sense, Target};

/// 16 KiB messages: enough calls that every core is busy, 2 MiB of messages in flight.
const LARGE_CALLS_IN_FLIGHT: usize = 128;
pub const LARGE: &str = "16 KiB unary, 128 in flight";
pub const SMALL_BYTES: u32 = FULL_MESSAGE_BYTES;
const LARGE_BYTES: u32 = 16 * 1024;

/// 256-byte calls.
pub fn small(ways: &Ways, extent: Extent) -> Load {
    // Each way puts its own address here.
    let nowhere = ([127, 0, 0, 1], 0).into();
    let measured = Duration::from_secs(extent.seconds);
    Load::full(nowhere, Some(ways.tls.clone()), measured)
}

/// 16 KiB calls.
pub fn large(ways: &Ways, extent: Extent) -> Load {
    Load {
        calls_in_flight: LARGE_CALLS_IN_FLIGHT,
        message_bytes: LARGE_BYTES,
        ..small(ways, extent)
    }
}

/// Runs a load in interleaved rounds.
pub async fn measure(
    ways: &Ways,
    extent: Extent,
    (name, load): (&'static str, Load),
) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for round in 0..extent.rounds {
        for way in ways.in_turn(round) {
            eprintln!(
                "{name}, round {} of {}: {}",
                round + 1,
                extent.rounds,
                way.name
            );
            let measured = way.measure(&load).await.map_err(|error| {
                error.context(format!("a call of {name} failed on the way {}", way.name))
            })?;
            samples.push(Sample::of_calls(name, way, round, &measured));
        }
    }
    Ok(samples)
}

/// CPU and throughput of small calls.
pub fn small_targets(samples: &Samples) -> Vec<Target> {
    const CPU: [(&str, &str, f64); 4] = [
        ("1a", "haproxy", 1.25),
        ("1b", "nginx", 0.65),
        ("1c", "envoy", 0.5),
        ("1 stretch", "haproxy", 1.0),
    ];
    const THROUGHPUT: [(&str, &str, f64); 3] = [
        ("2a", "haproxy", 0.85),
        ("2b", "nginx", 1.3),
        ("2c", "envoy", 1.3),
    ];
    let cpu = CPU.map(|(id, other, bound)| {
        let name = format!("CPU per call, hub ÷ {other}");
        let ratio = samples.ratio(FULL, (HUB, other), |it| it.cpu_us);
        compared((id, name), ratio, Sense::AtMost, bound, other)
    });
    let throughput = THROUGHPUT.map(|(id, other, bound)| {
        let name = format!("calls a second, hub ÷ {other}");
        let ratio = samples.ratio(FULL, (HUB, other), |it| it.calls_per_second);
        compared((id, name), ratio, Sense::AtLeast, bound, other)
    });
    cpu.into_iter().chain(throughput).collect()
}

/// Throughput of large calls.
pub fn large_target(samples: &Samples) -> Target {
    let named = ("4a", "16 KiB unary, calls a second, hub ÷ best proxy");
    against_best(named, samples, LARGE, |it| it.calls_per_second)
}

/// A ratio to one other; without that other there is none.
pub fn compared(
    named: (&'static str, String),
    ratio: Option<f64>,
    sense: Sense,
    bound: f64,
    other: &str,
) -> Target {
    match ratio {
        Some(ratio) => Target::new(named, ratio, sense, bound, "×"),
        None => {
            let why = format!("{other} is not installed");
            Target::not_measured(named, sense, Some(bound), "×", why)
        }
    }
}

/// A rate of the hub to the highest of the proxies'; without all of them nobody knows the best.
pub fn against_best(
    named: (&'static str, &'static str),
    samples: &Samples,
    load: &str,
    of: fn(&Sample) -> Option<f64>,
) -> Target {
    const BOUND: f64 = 1.2;
    let missing = COMPARED
        .iter()
        .find(|other| samples.median(load, other, of).is_none());
    if let Some(missing) = missing {
        let why = format!("{missing} is not installed");
        return Target::not_measured(named, Sense::AtLeast, Some(BOUND), "×", why);
    }
    let ratios = COMPARED.map(|other| samples.ratio(load, (HUB, other), of));
    let least = ratios.into_iter().flatten().fold(f64::INFINITY, f64::min);
    Target::new(named, least, Sense::AtLeast, BOUND, "×")
}
