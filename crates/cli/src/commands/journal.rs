//! `ndxp journal`: looks at the files of a journal themselves.

mod inspect;
mod sheet;

use clap::{Args, Subcommand};

use crate::failure::Failure;

/// Looks at the files of a journal themselves, without a hub
#[derive(Args, Debug)]
pub struct Journal {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    Inspect(inspect::Inspect),
}

impl Journal {
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            JournalCommand::Inspect(inspect) => inspect.run(),
        }
    }
}
