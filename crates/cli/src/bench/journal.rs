//! `ndxp bench journal`: how fast entries become durable, how long one waits for that, what a
//! transaction weighs when its segment is packed, and how soon a hub that was killed serves again.

mod packed;
mod recovery;
mod writers;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::machine::Machine;
use super::rows::{Form, Row, row, table};
use super::targets::{Record, Sense, Target};
use crate::failure::Failure;
use recovery::Recovered;
use writers::Rate;

/// Measures the journal: entries made durable a second, the time that one waits for it, bytes of a
/// transaction on disk, and recovery of a large journal by a hub that was killed
///
/// Writes some 3 GB below the folder for temporary files and removes them again.
#[derive(Args, Debug)]
pub struct Durable {
    /// Writers, each with one entry on its way
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    writers: u32,

    /// Measured seconds of each round
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// Rounds; what is printed are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// Entries of the journal that is recovered
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(30_000..=100_000_000))]
    entries: u64,

    /// Where to make the temporary folder [default: the system's]
    #[arg(long, value_name = "DIR")]
    below: Option<PathBuf>,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// What was seen.
#[derive(Debug, Serialize)]
struct Seen {
    writers: Vec<Rate>,
    recovery: Recovered,
}

const ENTRIES_PER_SECOND_MIN: f64 = 500_000.0;
const SYNCS_P99_MAX: f64 = 5.0;
const BYTES_PER_TRANSACTION_MAX: f64 = 120.0;
const SECONDS_TO_SERVE_MAX: f64 = 1.0;

impl Durable {
    pub fn run(self) -> Result<(), Failure> {
        let machine = Machine::this()?;
        eprintln!("{}", machine.text());
        let folder = match &self.below {
            Some(below) => tempfile::tempdir_in(below),
            None => tempfile::tempdir(),
        };
        let folder = folder.context("no temporary folder can be made")?;
        let bodies = writers::bodies(&folder.path().join("bodies"))?;
        let mut writers = Vec::new();
        for round in 0..self.rounds {
            eprintln!(
                "{} writers, round {} of {}",
                self.writers,
                round + 1,
                self.rounds
            );
            let place = folder.path().join(format!("writers-{round}"));
            writers.push(writers::measure(
                &place,
                &bodies,
                self.writers,
                self.seconds,
            )?);
            std::fs::remove_dir_all(&place).context("the folder can be removed")?;
        }
        drop(folder);
        let recovery = recovery::measure(self.entries, self.below.as_deref())?;
        let seen = Seen { writers, recovery };
        let said = table(&seen.rows());
        let record = Record {
            machine,
            targets: seen.targets(),
            rounds: seen,
        };
        Ok(record.print(self.output, said)?)
    }
}

impl Seen {
    fn targets(&self) -> Vec<Target> {
        let rate = Rate::median(&self.writers, |it| it.entries_per_second);
        let waited = Rate::median(&self.writers, |it| it.p99_us / it.fdatasync_us);
        let recovery = &self.recovery;
        vec![
            Target::new(
                ("5a", "entries durable a second"),
                rate,
                Sense::AtLeast,
                ENTRIES_PER_SECOND_MIN,
                "",
            ),
            Target::new(
                ("5b", "p99 of a commit, in the disk's own fdatasync"),
                waited,
                Sense::AtMost,
                SYNCS_P99_MAX,
                "×",
            ),
            Target::new(
                ("5c", "bytes on disk of a transaction, sealed and packed"),
                recovery.packed.bytes_per_transaction,
                Sense::AtMost,
                BYTES_PER_TRANSACTION_MAX,
                "B",
            ),
            Target::new(
                (
                    "5d",
                    format!("from exec to the first call, {} entries", recovery.entries),
                ),
                recovery.seconds_to_serve,
                Sense::AtMost,
                SECONDS_TO_SERVE_MAX,
                "s",
            ),
        ]
    }

    fn rows(&self) -> Vec<Row> {
        let packed = &self.recovery.packed;
        let of = |of: fn(&Rate) -> f64| Rate::median(&self.writers, of);
        vec![
            row(
                "entries durable a second",
                of(|it| it.entries_per_second),
                "",
            ),
            row("commit, p50", of(|it| it.p50_us), "µs"),
            row("commit, p99", of(|it| it.p99_us), "µs"),
            row(
                "the disk's own fdatasync, p50",
                of(|it| it.fdatasync_us),
                "µs",
            ),
            row(
                "CPU of one entry, encoding included",
                of(|it| it.cpu_us_per_entry),
                "µs",
            ),
            row(
                "bytes of one entry, encoded and framed",
                of(|it| it.bytes_per_entry),
                "B",
            ),
            row("journal that was recovered", self.recovery.mebibytes, "MiB"),
            row(
                "from exec to listening",
                self.recovery.seconds_to_listen,
                "s",
            ),
            row(
                "from exec to the first call carried",
                self.recovery.seconds_to_serve,
                "s",
            ),
            row(
                "bytes of a transaction before it is packed",
                packed.plain_bytes_per_transaction,
                "B",
            ),
            row("CPU of reading an entry, plain", packed.plain_read_us, "µs"),
            row("CPU of reading an entry, packed", packed.read_us, "µs"),
            row(
                "CPU of packing a MiB of plain segments",
                packed.packing_ms_per_mib,
                "ms",
            ),
        ]
    }
}
