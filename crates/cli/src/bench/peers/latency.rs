//! What the hub adds to a call's duration (target 3): alone, and at half of what can be carried.

use std::time::Duration;

use super::Extent;
use super::samples::{Sample, Samples};
use super::unary;
use super::ways::{DIRECT, HUB, Ways};
use crate::bench::caller::Load;
use crate::bench::targets::{Sense, Target};

const ALONE: &str = "256 B unary, 1 in flight";
const SATURATION: &str = "256 B unary, for saturation";
const HALF: &str = "256 B unary, half of saturation";
const PROXY: &str = "haproxy";
/// Two durable entries, and this much for everything else.
const ALLOWED_BESIDE_SYNCS_US: f64 = 150.0;

pub async fn measure(ways: &Ways, extent: Extent) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    let full = unary::small(ways, extent);
    let alone = Load {
        calls_in_flight: 1,
        connections: 1,
        ..full.clone()
    };
    for round in 0..extent.rounds {
        runs(ways, (ALONE, &alone), round, &mut samples).await?;
        runs(ways, (SATURATION, &full), round, &mut samples).await?;
    }
    // The lower of both, so that neither is beyond half of what it carries.
    let of = |way| samples.median(SATURATION, way, |it| it.calls_per_second);
    let Some(saturation) = [of(HUB), of(PROXY)].into_iter().flatten().reduce(f64::min) else {
        return Ok(samples);
    };
    let half = Load {
        pace: Some(saturation / 2.0),
        ..full
    };
    for round in 0..extent.rounds {
        runs(ways, (HALF, &half), round, &mut samples).await?;
    }
    Ok(samples)
}

async fn runs(
    ways: &Ways,
    (name, load): (&'static str, &Load),
    round: usize,
    samples: &mut Samples,
) -> anyhow::Result<()> {
    let fdatasync = ways.fdatasync()?;
    for way in ways.in_turn(round) {
        eprintln!("{name}, round {}: {}", round + 1, way.name);
        let measured = way.measure(load).await.map_err(|error| {
            error.context(format!("a call of {name} failed on the way {}", way.name))
        })?;
        samples.push(Sample {
            fdatasync_us: Some(micros(fdatasync)),
            ..Sample::of_calls(name, way, round, &measured)
        });
    }
    Ok(())
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub fn targets(samples: &Samples) -> Vec<Target> {
    let p50 = |way| samples.median(ALONE, way, |it| it.p50_us);
    let p99 = |way| samples.median(HALF, way, |it| it.p99_us);
    let sync = |load| samples.median(load, HUB, |it| it.fdatasync_us);
    let alone = ("3a", "added p50 at 1 in flight; 2 × fdatasync + 150 µs");
    let half = ("3b", "p99 at half of saturation; HAProxy's + 3 × fdatasync");
    let first = match (p50(HUB), p50(DIRECT), sync(ALONE)) {
        (Some(hub), Some(direct), Some(sync)) => {
            let bound = 2.0 * sync + ALLOWED_BESIDE_SYNCS_US;
            Target::new(alone, hub - direct, Sense::AtMost, bound, "µs")
        }
        _ => Target::not_measured(alone, Sense::AtMost, None, "µs", "no such run"),
    };
    let second = match (p99(HUB), p99(PROXY), sync(HALF)) {
        (Some(hub), Some(proxy), Some(sync)) => {
            Target::new(half, hub, Sense::AtMost, proxy + 3.0 * sync, "µs")
        }
        _ => {
            let why = "haproxy is not installed";
            Target::not_measured(half, Sense::AtMost, None, "µs", why)
        }
    };
    vec![first, second]
}
