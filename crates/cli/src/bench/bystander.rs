//! `ndxp bench bystander`: how long one consumer's calls take while another does with TLS, HTTP/2
//! and gRPC what it should not, beside how long they take in peace.

mod abuse;
mod attackers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use h2::client::SendRequest;
use http::{HeaderValue, Request};
use rustls::ClientConfig;
use serde::Serialize;

use super::caller::{call, connect, grpc_message, request};
use super::catalogue::{PATH, catalogue};
use super::hub::Grounds;
use super::machine::Machine;
use super::process::allow_files;
use super::processors::Processors;
use super::rows::{Form, median, print_as, quantile};
use super::{echo, runtime_of_one_thread};
use crate::failure::Failure;

use abuse::{ABUSES, Abuse};
use attackers::Attackers;

const BYSTANDER: &str = "H26/lgsp";
const ATTACKER: &str = "H40/lgsp";
const WELL: &str = "G01/population";
const ILL: &str = "G02/ill";
/// Whom a flood of calls is for: it answers each as it should.
const CROWDED: &str = "G03/crowded";
const MESSAGE_BYTES: u32 = 256;
/// Thousands of connections are begun and left.
const FILES: u64 = 9_000;

/// One core, so that nobody is spared by being on another; what a consumer and an address may do in a
/// second is as it is by default.
const SETTINGS: [(&str, &str); 3] = [
    ("cores", "1"),
    ("consumer_calls_per_second_per_core_max", "1_250"),
    ("address_handshakes_per_second_max", "50"),
];
/// Until the hub has dialled the provider, and what else comes first is over.
const SETTLES: Duration = Duration::from_millis(500);

/// Lets a bad peer at a hub of one core, one kind of abuse after the other, and says how long the
/// calls of another consumer take meanwhile, one at a time, and just before
///
/// The hub has a processor for all its threads, everybody else has the others. The attacker and the
/// providers that it calls share a thread that runs while nobody else wants its processor: they stand for
/// machines of their own, and what they do to theirs is no fault of the hub's. A call of the bystander's
/// that fails ends the bench without figures.
#[derive(Args, Debug)]
pub struct Beside {
    /// Seconds in peace, and as many beside each abuse, in each round
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// Rounds; what is printed are medians and the spread
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// Only kinds of abuse whose name has this in it
    #[arg(long, value_name = "TEXT", value_parser = part_of_a_name)]
    only: Option<String>,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// What the name of at least one kind of abuse has in it.
fn part_of_a_name(text: &str) -> Result<String, String> {
    let names: Vec<_> = ABUSES.iter().map(|abuse| abuse.name).collect();
    if names.iter().any(|name| name.contains(text)) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "no kind of abuse is named so; there are: {}",
        names.join(", ")
    ))
}

/// Calls of the bystander's, in one stretch of time.
#[derive(Debug, Serialize)]
struct Stretch {
    calls: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// What one round showed beside one kind of abuse.
#[derive(Debug, Serialize)]
struct Sample {
    beside: &'static str,
    attacks: u64,
    quiet: Stretch,
    abused: Stretch,
}

#[derive(Debug, Serialize)]
struct Seen {
    machine: Machine,
    samples: Vec<Sample>,
}

/// Whoever is hurt, if anybody.
struct Bystander {
    sender: SendRequest<Bytes>,
    request: Request<()>,
    message: Bytes,
}

impl Beside {
    pub fn run(self) -> Result<(), Failure> {
        let machine = Machine::this()?;
        eprintln!("{}", machine.text());
        // Before any thread is started: they stay where their beginner is.
        let processors = Processors::share_out()?;
        let samples = runtime_of_one_thread()?.block_on(self.measure(&processors))?;
        let seen = Seen { machine, samples };
        let text = || format!("{}\n\n{}", table(&seen.samples), seen.machine.text());
        Ok(print_as(self.output, &seen, text)?)
    }

    async fn measure(&self, processors: &Processors) -> anyhow::Result<Vec<Sample>> {
        allow_files(FILES)?;
        let grounds = Grounds::prepare()?;
        grounds.configure(&SETTINGS)?;
        let attackers = Attackers::start(
            grounds.system(ATTACKER)?.0,
            grounds.system(ILL)?.1,
            grounds.system(CROWDED)?.1,
        )?;
        let providers = [
            (WELL, echo::start_apart(Some(grounds.system(WELL)?.1))?),
            (CROWDED, attackers.crowded),
            (ILL, attackers.ill),
        ];
        let catalogue = catalogue(&[BYSTANDER, ATTACKER], &providers)?;
        let tls = grounds.system(BYSTANDER)?.0;
        let stretch = Duration::from_secs(self.seconds);
        let only = self.only.as_deref().unwrap_or_default();
        let mut samples = Vec::new();
        for round in 1..=self.rounds {
            for abuse in ABUSES.iter().filter(|it| it.name.contains(only)) {
                eprintln!("round {round} of {}: {}", self.rounds, abuse.name);
                // Another hub each time: it remembers what an address has done.
                let hub = processors.for_hub(grounds.serve(catalogue.clone())).await?;
                let bystander = Bystander::connect(&tls, hub.exchange).await?;
                bystander.call_for(SETTLES).await?;
                let beside = bystander.beside(&attackers, abuse, hub.exchange, stretch);
                samples.push(
                    beside
                        .await
                        .with_context(|| format!("beside {}", abuse.name))?,
                );
            }
        }
        Ok(samples)
    }
}

impl Bystander {
    async fn connect(tls: &Arc<ClientConfig>, exchange: SocketAddr) -> anyhow::Result<Self> {
        let mut request = request(PATH);
        let headers = request.headers_mut();
        headers.insert("ndxp-provider", HeaderValue::from_static(WELL));
        Ok(Self {
            sender: connect(exchange, tls).await?,
            request,
            message: grpc_message(MESSAGE_BYTES),
        })
    }

    async fn beside(
        &self,
        attackers: &Attackers,
        abuse: &'static Abuse,
        exchange: SocketAddr,
        stretch: Duration,
    ) -> anyhow::Result<Sample> {
        let quiet = self.call_for(stretch).await?;
        let attack = attackers.begin(abuse, exchange);
        let abused = self.call_for(stretch).await;
        let attacks = attack.end().await?;
        Ok(Sample {
            beside: abuse.name,
            attacks,
            quiet,
            abused: abused?,
        })
    }

    /// Calls one after the other; each must be answered as it should be.
    async fn call_for(&self, stretch: Duration) -> anyhow::Result<Stretch> {
        let end = Instant::now() + stretch;
        let mut took_ms = Vec::new();
        while Instant::now() < end {
            let since = Instant::now();
            call(&self.sender, &self.request, &self.message).await?;
            took_ms.push(since.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(Stretch {
            calls: took_ms.len(),
            p50_ms: quantile(took_ms.clone(), 0.5),
            p99_ms: quantile(took_ms, 0.99),
        })
    }
}

impl Sample {
    fn times_quiet(&self) -> f64 {
        self.abused.p99_ms / self.quiet.p99_ms
    }
}

fn table(samples: &[Sample]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "BESIDE",
        "ATTACKS",
        "CALLS",
        "P50 MS",
        "P99 MS",
        "QUIET P50",
        "QUIET P99",
        "P99 ÷ QUIET",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for abuse in ABUSES {
        let of_it: Vec<_> = samples
            .iter()
            .filter(|it| it.beside == abuse.name)
            .collect();
        if of_it.is_empty() {
            continue;
        }
        let middle = |value: fn(&Sample) -> f64| median(of_it.iter().map(|it| value(it)));
        let ratios: Vec<_> = of_it.iter().map(|it| it.times_quiet()).collect();
        table.add_row([
            abuse.name.to_owned(),
            of_it.iter().map(|it| it.attacks).sum::<u64>().to_string(),
            of_it
                .iter()
                .map(|it| it.abused.calls)
                .sum::<usize>()
                .to_string(),
            format!("{:.2}", middle(|it| it.abused.p50_ms)),
            format!("{:.2}", middle(|it| it.abused.p99_ms)),
            format!("{:.2}", middle(|it| it.quiet.p50_ms)),
            format!("{:.2}", middle(|it| it.quiet.p99_ms)),
            format!(
                "{:.2} ({:.2}–{:.2})",
                median(ratios.iter().copied()),
                quantile(ratios.clone(), 0.0),
                quantile(ratios, 1.0)
            ),
        ]);
    }
    table
}
