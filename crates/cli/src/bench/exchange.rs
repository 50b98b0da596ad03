//! `ndxp bench exchange`: the same calls straight to a provider and through the hub, over mutual
//! TLS in both cases, in interleaved rounds.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::caller::{self, Load, Run};
use super::catalogue::{PATH, catalogue};
use super::hub::{Grounds, Hub};
use super::rows::{Form, median, print_as};
use super::runtime;
use super::{echo, process};
use crate::failure::Failure;

const CONSUMER: &str = "H26/lgsp";
const PROVIDER: &str = "G01/population";
const CALLS_IN_FLIGHT: [usize; 3] = [1, 32, 256];
/// Enough for many cores, few enough to be pooled clients.
const CONNECTIONS_MAX: usize = 32;
const WARM_UP: Duration = Duration::from_millis(500);

/// Compares calls straight to a provider with calls through the hub: 256-byte unary, mutual TLS
/// on both sides, at 1, 32 and 256 calls in flight
#[derive(Args, Debug)]
pub struct Exchange {
    /// Measured seconds of each run
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// Rounds; the figures printed are medians over them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// Bytes of the message, the same both ways
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    message_bytes: u32,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// One way at one load: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    way: &'static str,
    calls_in_flight: usize,
    calls_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The hub's process only; absent where no hub is.
    hub_cpu_us_per_call: Option<f64>,
    hub_resident_mib: Option<f64>,
}

/// One run, and what the hub's process used meanwhile.
struct Measured {
    run: Run,
    hub_cpu_us_per_call: f64,
    hub_resident_mib: f64,
}

impl Exchange {
    pub fn run(self) -> Result<(), Failure> {
        let runtime = runtime()?;
        let rows = runtime.block_on(self.measure())?;
        Ok(print_as(self.output, &rows, || table(&rows))?)
    }

    async fn measure(&self) -> anyhow::Result<Vec<Row>> {
        let grounds = Grounds::prepare()?;
        let (_, provider) = grounds.system(PROVIDER)?;
        let (consumer, _) = grounds.system(CONSUMER)?;
        let provider = echo::start(provider).await?;
        let hub = grounds
            .serve(catalogue(&[CONSUMER], &[(PROVIDER, provider)])?)
            .await?;
        let load = |address, calls_in_flight: usize| Load {
            address,
            tls: Some(consumer.clone()),
            path: PATH,
            calls_in_flight,
            connections: calls_in_flight.min(CONNECTIONS_MAX),
            message_bytes: self.message_bytes,
            pace: None,
            warm_up: WARM_UP,
            measured: Duration::from_secs(self.seconds),
        };
        let mut direct = vec![Vec::new(); CALLS_IN_FLIGHT.len()];
        let mut through: Vec<Vec<Measured>> = CALLS_IN_FLIGHT.map(|_| Vec::new()).into();
        for round in 1..=self.rounds {
            for (place, calls_in_flight) in CALLS_IN_FLIGHT.into_iter().enumerate() {
                eprintln!(
                    "round {round} of {}: {calls_in_flight} in flight",
                    self.rounds
                );
                let run = caller::run(&load(provider, calls_in_flight), || ()).await?;
                direct
                    .get_mut(place)
                    .context("one place for each load")?
                    .push(run);
                let run = measured(&load(hub.exchange, calls_in_flight), &hub).await?;
                through
                    .get_mut(place)
                    .context("one place for each load")?
                    .push(run);
            }
        }
        hub.stop()?;
        let mut rows = Vec::new();
        for ((calls_in_flight, direct), through) in
            CALLS_IN_FLIGHT.into_iter().zip(&direct).zip(&through)
        {
            rows.push(row("direct", calls_in_flight, direct.iter()));
            let with_hub = row(
                "through the hub",
                calls_in_flight,
                through.iter().map(|it| &it.run),
            );
            rows.push(Row {
                hub_cpu_us_per_call: Some(median(through.iter().map(|it| it.hub_cpu_us_per_call))),
                hub_resident_mib: Some(median(through.iter().map(|it| it.hub_resident_mib))),
                ..with_hub
            });
        }
        Ok(rows)
    }
}

async fn measured(load: &Load, hub: &Hub) -> anyhow::Result<Measured> {
    let mut cpu = Vec::with_capacity(2);
    let run = caller::run(load, || cpu.push(process::cpu_seconds(hub.pid))).await?;
    let cpu = cpu.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let &[before, after] = cpu.as_slice() else {
        anyhow::bail!("the hub's CPU time is read at the start and at the end");
    };
    Ok(Measured {
        hub_cpu_us_per_call: (after - before) * 1e6 / run.calls as f64,
        hub_resident_mib: process::resident_bytes(hub.pid)? as f64 / 1_048_576.0,
        run,
    })
}

fn row<'a>(
    way: &'static str,
    calls_in_flight: usize,
    runs: impl Iterator<Item = &'a Run> + Clone,
) -> Row {
    Row {
        way,
        calls_in_flight,
        calls_per_second: median(runs.clone().map(Run::calls_per_second)),
        p50_us: median(runs.clone().map(|run| f64::from(run.quantile_us(0.5)))),
        p99_us: median(runs.map(|run| f64::from(run.quantile_us(0.99)))),
        hub_cpu_us_per_call: None,
        hub_resident_mib: None,
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "in flight",
        "way",
        "calls/s",
        "p50 µs",
        "p99 µs",
        "hub CPU µs/call",
        "hub RSS MiB",
    ]);
    let optional = |value: Option<f64>| value.map_or_else(String::new, |it| format!("{it:.1}"));
    for row in rows {
        table.add_row([
            row.calls_in_flight.to_string(),
            row.way.to_owned(),
            format!("{:.0}", row.calls_per_second),
            format!("{:.0}", row.p50_us),
            format!("{:.0}", row.p99_us),
            optional(row.hub_cpu_us_per_call),
            optional(row.hub_resident_mib),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
