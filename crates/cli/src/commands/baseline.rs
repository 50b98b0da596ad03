//! `ndxp baseline`: what a previous platform counted, taken over with its source.

mod import;
mod list;

use clap::{Args, Subcommand};

use crate::failure::Failure;

use import::Import;
use list::List;
pub use list::listed;

/// Takes over what a previous platform counted, and lists what was taken over
///
/// Opening balances stand apart from what this hub counts: figures that include them say how much
/// of the number they are, and where they come from.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub struct Baseline {
    #[command(subcommand)]
    command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
enum BaselineCommand {
    Import(Import),
    List(List),
}

impl Baseline {
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            BaselineCommand::Import(import) => import.run().await,
            BaselineCommand::List(list) => list.run().await,
        }
    }
}
