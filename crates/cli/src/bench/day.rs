//! `ndxp bench day`: the calls of a national day, through one hub as fast as it takes them, load
//! and providers on the same machine; what the hub then says it has counted; and what a larger
//! machine would carry, with the arithmetic.

mod load;
mod projection;

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use ndxp_model::{Clock as _, SystemClock};
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{CountRequest, Counts};
use serde::Serialize;

use super::hub::{Grounds, Hub};
use super::machine::Machine;
use super::rows::{Form, Row, count, row, table};
use super::runtime_of_one_thread;
use super::targets::{Record, Sense, Target};
use crate::failure::Failure;
use load::National;
use projection::{Projection, Spent};

/// Calls a national day has, as published for 2022.
const CALLS: u64 = 1_700_000;
/// "In minutes": so many of them are an hour.
const MINUTES_MAX: f64 = 60.0;
const DAY_US: i64 = 86_400_000_000;
/// How long the counters may take to have seen the last call.
const PATIENCE: Duration = Duration::from_secs(120);

/// Carries a national day: 1,700,000 calls from 85 LGSPs to 10 databases, and asks the hub whether
/// it has counted exactly these
///
/// Load generator, providers and hub share the machine. Exit status 1 when the hub's statistics say
/// another number than was called.
#[derive(Args, Debug)]
pub struct Day {
    /// Calls, spread evenly over the LGSPs
    #[arg(long, value_name = "N", default_value_t = CALLS, value_parser = clap::value_parser!(u64).range(85..=100_000_000))]
    calls: u64,

    /// Calls in flight of each LGSP
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    in_flight: u32,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// What was seen.
#[derive(Debug, Serialize)]
struct Seen {
    calls: u64,
    /// What the hub's statistics say afterwards.
    counted: u64,
    attempts: u64,
    /// Refused for load and repeated: attempts, and no transactions.
    refused: u64,
    minutes: f64,
    calls_per_second: f64,
    hub_resident_mib: f64,
    projection: Projection,
}

impl Day {
    pub fn run(self) -> Result<(), Failure> {
        let machine = Machine::this()?;
        eprintln!("{}", machine.text());
        let runtime = runtime_of_one_thread()?;
        let seen = runtime.block_on(self.measure())?;
        let exact = seen.counted == self.calls && seen.attempts == self.calls + seen.refused;
        let said = format!("{}\n\n{}", table(&seen.rows()), seen.projection.text());
        let record = Record {
            machine,
            targets: seen.targets(),
            rounds: seen,
        };
        record.print(self.output, said)?;
        match exact {
            true => Ok(()),
            false => Err(Failure::negative()),
        }
    }

    async fn measure(&self) -> anyhow::Result<Seen> {
        let grounds = Grounds::prepare()?;
        let national = National::prepare(&grounds)?;
        let hub = grounds.serve(national.catalogue()?).await?;
        let before = Spent::of(hub.pid)?;
        let carried = national
            .call(hub.exchange, self.calls, self.in_flight)
            .await?;
        let spent = Spent::of(hub.pid)?.since(&before);
        let counted = counted(&hub, self.calls + carried.refused).await?;
        let resident = super::process::resident_bytes(hub.pid)?;
        Ok(Seen {
            calls: self.calls,
            counted: counted.transactions,
            attempts: counted.attempts,
            refused: carried.refused,
            minutes: carried.took.as_secs_f64() / 60.0,
            calls_per_second: count(self.calls) / carried.took.as_secs_f64(),
            hub_resident_mib: super::rows::mebibytes(resident)?,
            projection: Projection::of(&spent, self.calls),
        })
    }
}

/// What the hub's own statistics say of all that it has carried, once they have seen the last call.
async fn counted(hub: &Hub, attempts: u64) -> anyhow::Result<Counts> {
    let mut statistics = StatisticsServiceClient::new(hub.control().await?);
    let now_us = SystemClock.now().as_micros();
    // Whole days around now: hours are cut in the configured zone, days and hours of UTC fit.
    let from_us = now_us - now_us.rem_euclid(DAY_US) - DAY_US;
    let request = CountRequest {
        from_us,
        to_us: from_us + 3 * DAY_US,
        ..CountRequest::default()
    };
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let answer = statistics.count(request.clone()).await?.into_inner();
        let total = answer.total.context("an answer has a total")?;
        if total.attempts >= attempts || std::time::Instant::now() > until {
            return Ok(total);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Seen {
    fn targets(&self) -> Vec<Target> {
        let minutes = format!(
            "minutes for {} calls from {} LGSPs",
            self.calls,
            load::LGSPS
        );
        let counted = "transactions that the hub's statistics miss or have too many";
        let off = count(self.counted.abs_diff(self.calls));
        vec![
            Target::new(
                ("8a", minutes),
                self.minutes,
                Sense::LessThan,
                MINUTES_MAX,
                "min",
            ),
            Target::new(("8b", counted), off, Sense::AtMost, 0.0, ""),
        ]
    }

    fn rows(&self) -> Vec<Row> {
        vec![
            row("calls, each answered and checked", count(self.calls), ""),
            row(
                "transactions by the hub's statistics",
                count(self.counted),
                "",
            ),
            row("refused for load and repeated", count(self.refused), ""),
            row("minutes", self.minutes, "min"),
            row("calls a second", self.calls_per_second.round(), ""),
            row(
                "CPU of the hub for one call",
                self.projection.cpu_us_per_call,
                "µs",
            ),
            row("RSS of the hub at the end", self.hub_resident_mib, "MiB"),
        ]
    }
}
