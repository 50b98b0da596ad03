//! `ndxp bench`: what the hub costs, measured side by side in one run, so that a noisy machine
//! disturbs all that is compared alike.

mod caller;
mod echo;
mod exchange;
mod hub;
mod month;
pub mod process;
mod registry;

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
    Exchange(exchange::Exchange),
    Registry(registry::Scale),
    Month(month::Full),
}

impl Bench {
    pub fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Exchange(exchange) => exchange.run(),
            What::Registry(scale) => scale.run(),
            What::Month(month) => month.run(),
        }
    }
}
