//! `ndxp bench`: what the hub costs, measured side by side in one run, so that a noisy machine
//! disturbs all that is compared alike.

mod added;
mod attacks;
mod bystander;
mod caller;
mod catalogue;
mod counters;
mod day;
mod echo;
mod exchange;
mod figures;
mod hub;
mod ill;
mod journal;
mod machine;
mod month;
mod overload;
mod peers;
pub mod process;
mod processors;
mod registry;
mod rows;
mod soak;
mod steps;
mod targets;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::failure::Failure;

/// Measures what the hub costs, side by side with what it is compared with
#[derive(Args, Debug)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Bystander(bystander::Beside),
    Counters(counters::Projection),
    Day(day::Day),
    Exchange(exchange::Exchange),
    Figures(figures::Figures),
    Journal(journal::Durable),
    Peers(peers::Peers),
    Registry(registry::Scale),
    Month(month::Full),
    Overload(overload::Overload),
    Steps(steps::Steps),
    #[command(hide = true)]
    Relay(steps::Relay),
    #[command(long_flag = "soak")]
    Soak(soak::Soak),
}

impl Bench {
    pub fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Bystander(beside) => beside.run(),
            What::Counters(projection) => projection.run(),
            What::Day(day) => day.run(),
            What::Exchange(exchange) => exchange.run(),
            What::Figures(figures) => figures.run(),
            What::Journal(durable) => durable.run(),
            What::Peers(peers) => peers.run(),
            What::Registry(scale) => scale.run(),
            What::Month(month) => month.run(),
            What::Overload(overload) => overload.run(),
            What::Steps(steps) => steps.run(),
            What::Relay(relay) => relay.run(),
            What::Soak(soak) => soak.run(),
        }
    }
}

/// What the load of a bench runs on: all cores, as its callers would.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().build();
    runtime.context("the runtime cannot start")
}

/// What a load runs on that leaves the other cores to what it is put on.
fn runtime_of_one_thread() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    runtime.context("the runtime cannot start")
}
