//! `ndxp simulate`: a month at full size, through the production journal and counters.

mod month;
mod run;
mod target;

use std::path::PathBuf;

use clap::Args;
use ndxp_model::Zone;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Format, Output};

pub use month::{JULY_2022, Month};
pub use run::{Measured, simulate};
pub use target::Target;

/// Writes the data directory that a hub would have after a month of a whole country
///
/// Every call of the month is written, at full speed and through the hub's own journal, under a
/// simulated clock, and then counted by the hub's own counters. July 2022 has the figures of the
/// published report: 10,385,415 transactions up to the 22nd, by 85 LGSPs, 10 databases and 8
/// information systems, with opening balances for what came before. Ask the directory with
/// --data: ndxp report --month 2022-07 --as-of 2022-07-22 --data DIR.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Simulate {
    #[command(flatten)]
    month: Month,

    /// Where to write; made if need be, and empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  ndxp simulate --month 2022-07 --out july --scale 100
  ndxp simulate --month 2022-07 --out july
  ndxp simulate --month 2022-09 --until 2022-09-26 --transactions 58397139 --out september
  ndxp verify --data july

The same month, scale and seed give the same entries. At full size July takes some 6 GB.";

/// What a program reads of it.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    month: &'a Month,
    #[serde(flatten)]
    measured: &'a Measured,
}

impl Simulate {
    pub fn run(self) -> Result<(), Failure> {
        let history = self.month.history(&Zone::viet_nam())?;
        let target = Target::claim(&self.out)?;
        eprintln!(
            "{} entries into {}, about {:.1} GB of journal",
            history.entries(),
            self.out.display(),
            run::gigabytes(history.journal_bytes()),
        );
        let measured = simulate(&history, &target)?;
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(measured.text())?,
            Format::Json => output.json(&Record {
                month: &self.month,
                measured: &measured,
            })?,
        }
        output.flush()
    }
}
