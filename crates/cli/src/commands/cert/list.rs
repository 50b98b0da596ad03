//! `ndxp cert list`: what the authority has issued, and how long it lasts.

use clap::Args;
use comfy_table::Table;
use ndxp_hub::authority::Record;
use ndxp_model::{Clock as _, Instant, SystemClock};

use super::sheet::{self, Standing};
use super::{AuthorityArguments, sheet::second};
use crate::failure::Failure;
use crate::output::{Format, Output, table, trimmed};

/// Lists certificates that the authority has issued, in the order of their ends
///
/// Those that have expired or were revoked are left out unless --all asks for them.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct List {
    /// Show what has expired or was revoked, too
    #[arg(long)]
    all: bool,

    /// Only what ends within so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3_650))]
    expires_within: Option<i64>,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    authority: AuthorityArguments,
}

const EXAMPLES: &str = "\
Examples:
  ndxp cert list
  ndxp cert list --expires-within 30
  ndxp cert list --all -o json --authority /media/usb/authority";

impl List {
    pub fn run(self) -> Result<(), Failure> {
        let now = SystemClock.now();
        let mut records = self.authority.open()?.list()?;
        records.retain(|record| self.shows(record, now));
        records.sort_by_key(|record| record.validity.until);
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(trimmed(&columns(&records, now)))?,
            Format::Json => {
                let records: Vec<_> = records.iter().map(|it| sheet::record(it, now)).collect();
                output.json(&records)?;
            }
        }
        output.flush()
    }

    fn shows(&self, record: &Record, now: Instant) -> bool {
        const DAY_US: i64 = 86_400_000_000;
        let left_us = record.validity.until.as_micros() - now.as_micros();
        let soon = self
            .expires_within
            .is_none_or(|days| left_us < days.saturating_mul(DAY_US));
        soon && (self.all || record.is_valid_at(now))
    }
}

fn columns(records: &[Record], now: Instant) -> Table {
    const HEADINGS: [&str; 4] = ["SERIAL", "HOLDER", "VALID UNTIL", "STATE"];
    let mut table = table(&HEADINGS, HEADINGS.len());
    table.add_rows(records.iter().map(|record| {
        [
            record.serial.clone(),
            record.holder.to_string(),
            second(record.validity.until),
            state(record, now),
        ]
    }));
    table
}

fn state(record: &Record, now: Instant) -> String {
    match (&record.revoked, Standing::of(record, now)) {
        (Some(revoked), _) => format!("revoked {}: {}", second(revoked.at), revoked.reason),
        (None, Standing::Expires { days }) => format!("expires in {days} days"),
        (None, standing) => standing.word().to_owned(),
    }
}
