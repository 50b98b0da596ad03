//! `ndxp bench overload`: what becomes of calls when more are offered than the hub can carry. Calls
//! are begun when they are due, whether or not those before them have been answered, as consumers
//! who do not know of each other do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use h2::client::SendRequest;
use ndxp_proto::registry::v1::Catalogue;
use rustls::ClientConfig;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::added::Added;
use super::caller::{self, FULL_MESSAGE_BYTES, Load, Overloaded, call, connect, grpc_message};
use super::catalogue::{PATH, catalogue};
use super::echo;
use super::hub::{Grounds, Hub};
use super::processors::Processors;
use super::rows::{Form, print_as, quantile};
use super::runtime;
use crate::failure::Failure;

const PROVIDER: &str = "G01/population";
/// The first offers seven of ten calls, the others one each.
const CONSUMERS: [(&str, u32); 4] = [
    ("H26/lgsp", 7),
    ("H40/lgsp", 1),
    ("H50/lgsp", 1),
    ("H60/lgsp", 1),
];
/// Of each consumer.
const CONNECTIONS: usize = 8;
const WARM_UP: Duration = Duration::from_millis(500);
/// What is offered, as parts of what saturates.
const OFFERED: [f64; 4] = [0.5, 0.9, 1.5, 2.0];
/// Calls in flight above which consumers begin no more: they have so much patience and memory, too.
/// How many they did not begin is said.
const IN_FLIGHT_MAX: usize = 20_000;

/// Offers half of what saturates the hub, and up to twice as much: what is answered, what is refused,
/// how long the answered wait, and whether a consumer that offers most of it takes the others' part
#[derive(Args, Debug)]
pub struct Overload {
    /// Measured seconds of each load
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// The hub on one processor, load and provider on the others: what is offered then takes no time
    /// from the hub
    #[arg(long)]
    apart: bool,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// One load.
#[derive(Debug, Serialize)]
struct Row {
    /// Of what saturates.
    offered: f64,
    offered_per_second: f64,
    answered_per_second: f64,
    /// Of what was due: consumers had all the calls in flight that they may.
    not_begun_percent: f64,
    refused_percent: f64,
    /// Of those who offer a tenth each.
    modest_refused_percent: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Of those who offer a tenth each.
    modest_p99_ms: f64,
    /// What the hub itself says that it added to 99 of 100 calls, at most.
    hub_p99_ms: f64,
}

/// How a call ended.
struct Ended {
    consumer: usize,
    /// `None` when it was refused.
    took: Option<Duration>,
}

impl Overload {
    pub fn run(self) -> Result<(), Failure> {
        let processors = match self.apart {
            true => Some(Processors::share_out()?),
            false => None,
        };
        let runtime = runtime()?;
        let rows = runtime.block_on(async {
            let grounds = Grounds::prepare()?;
            let provider = echo::start(grounds.system(PROVIDER)?.1).await?;
            let hub = grounds.serve(everybody(provider)?);
            let hub = match &processors {
                Some(processors) => processors.for_hub(hub).await?,
                None => hub.await?,
            };
            self.measure(&grounds, &hub).await
        })?;
        Ok(print_as(self.output, &rows, || table(&rows))?)
    }

    async fn measure(&self, grounds: &Grounds, hub: &Hub) -> anyhow::Result<Vec<Row>> {
        let mut tls = Vec::new();
        for (system, _) in CONSUMERS {
            tls.push(grounds.system(system)?.0);
        }
        let load = Load {
            warm_up: WARM_UP,
            ..Load::full(
                hub.exchange,
                tls.first().cloned(),
                Duration::from_secs(self.seconds),
            )
        };
        let saturated = caller::run(&load, || ()).await?;
        let saturates = saturated.calls_per_second();
        eprintln!(
            "{saturates:.0} calls a second saturate, p99 {:.1} ms",
            f64::from(saturated.quantile_us(0.99)) / 1e3
        );
        let mut rows = Vec::new();
        for offered in OFFERED {
            eprintln!("{offered} of it");
            rows.push(self.offer(&tls, hub, offered, saturates).await?);
        }
        Ok(rows)
    }

    /// Begins calls at a rate, by turns of the consumers' parts.
    async fn offer(
        &self,
        tls: &[Arc<ClientConfig>],
        hub: &Hub,
        offered: f64,
        saturates: f64,
    ) -> anyhow::Result<Row> {
        let mut turns = Vec::new();
        for ((place, tls), (_, part)) in tls.iter().enumerate().zip(CONSUMERS) {
            let mut senders = Vec::new();
            for _ in 0..CONNECTIONS {
                senders.push(connect(hub.exchange, tls).await?);
            }
            let senders: Arc<[SendRequest<Bytes>]> = senders.into();
            turns.extend((0..part).map(|_| (place, Arc::clone(&senders))));
        }
        let (request, message) = (caller::request(PATH), grpc_message(FULL_MESSAGE_BYTES));
        let before = Added::read(hub.observe).await?;
        let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        let mut calls = JoinSet::new();
        let per_second = offered * saturates;
        let (started, lasts) = (Instant::now(), Duration::from_secs(self.seconds));
        let (mut begun, mut not_begun) = (0_u64, 0_u64);
        let mut turns = turns.iter().cycle();
        while started.elapsed() < lasts {
            let due = started.elapsed().as_secs_f64() * per_second;
            while (begun as f64) < due {
                let (consumer, senders) = turns.next().context("somebody's turn")?;
                let at = begun as usize % senders.len();
                let sender = senders.get(at).context("a sender")?.clone();
                let (request, message, consumer) = (request.clone(), message.clone(), *consumer);
                begun += 1;
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    not_begun += 1;
                    continue;
                };
                calls.spawn(async move {
                    let took = match call(&sender, &request, &message).await {
                        Ok(answered) => Ok(Some(answered.took)),
                        Err(error) if error.is::<Overloaded>() => Ok(None),
                        Err(error) => Err(error),
                    };
                    drop(place);
                    took.map(|took| Ended { consumer, took })
                });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let elapsed = started.elapsed();
        let not_begun_percent = 100.0 * not_begun as f64 / begun.max(1) as f64;
        let mut all = Vec::new();
        while let Some(ended) = calls.join_next().await {
            all.push(ended??);
        }
        let hub_p99_ms = Added::read(hub.observe).await?.bound_ms(&before, 0.99);
        Ok(Row {
            not_begun_percent,
            hub_p99_ms,
            offered_per_second: begun as f64 / elapsed.as_secs_f64(),
            ..row(offered, &all, elapsed)
        })
    }
}

fn everybody(provider: SocketAddr) -> anyhow::Result<Catalogue> {
    let consumers = CONSUMERS.map(|(system, _)| system);
    catalogue(&consumers, &[(PROVIDER, provider)])
}

fn row(offered: f64, all: &[Ended], elapsed: Duration) -> Row {
    let took_ms = |of: &dyn Fn(&&Ended) -> bool| -> Vec<_> {
        let took = all.iter().filter(of).filter_map(|it| it.took);
        took.map(|it| it.as_secs_f64() * 1e3).collect()
    };
    let (all_took_ms, modest_took_ms) = (took_ms(&|_| true), took_ms(&|it| it.consumer > 0));
    let refused_percent = |of: &dyn Fn(&&Ended) -> bool| {
        let (mut whole, mut refused) = (0_u32, 0_u32);
        for ended in all.iter().filter(of) {
            whole += 1;
            refused += u32::from(ended.took.is_none());
        }
        100.0 * f64::from(refused) / f64::from(whole)
    };
    Row {
        offered,
        offered_per_second: all.len() as f64 / elapsed.as_secs_f64(),
        not_begun_percent: 0.0,
        answered_per_second: all_took_ms.len() as f64 / elapsed.as_secs_f64(),
        refused_percent: refused_percent(&|_| true),
        modest_refused_percent: refused_percent(&|it| it.consumer > 0),
        p50_ms: quantile(all_took_ms.clone(), 0.5),
        p99_ms: quantile(all_took_ms, 0.99),
        modest_p99_ms: quantile(modest_took_ms, 0.99),
        hub_p99_ms: f64::NAN,
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "offered",
        "calls/s",
        "answered/s",
        "not begun %",
        "refused %",
        "of the modest %",
        "p50 ms",
        "p99 ms",
        "of the modest",
        "in the hub ≤",
    ]);
    for row in rows {
        table.add_row([
            format!("{:.1}", row.offered),
            format!("{:.0}", row.offered_per_second),
            format!("{:.0}", row.answered_per_second),
            format!("{:.1}", row.not_begun_percent),
            format!("{:.1}", row.refused_percent),
            format!("{:.1}", row.modest_refused_percent),
            format!("{:.1}", row.p50_ms),
            format!("{:.1}", row.p99_ms),
            format!("{:.1}", row.modest_p99_ms),
            format!("{:.1}", row.hub_p99_ms),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
