//! `ndxp demo`: a country exchanges data through a hub, all in this process and over real
//! mutual TLS, and every figure is held against what the participants counted themselves.

mod bar;
mod comparison;
mod screen;
mod stage;

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::ListRequest;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, Dimension, GetReportRequest};
use ndxp_report::{Language, Templates, render_paragraph};
use ndxp_sim::{Options, Shares, Stop, Tally};
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use crate::commands::verify::check_hub;
use crate::commands::{report, stats};
use crate::connect::MESSAGE_BYTES_MAX;
use crate::failure::Failure;
use crate::output::Output;
use crate::verify::Verdict;

use bar::Bar;
use comparison::Comparison;
use screen::Screen;
use stage::Stage;

/// Shows a country exchanging data through a hub, and checks every figure of it
///
/// Makes a private authority, starts a hub and 103 simulated systems (63 provinces, 22
/// ministries, 10 databases and 8 information systems), each with its own certificate, and lets
/// them call each other through the hub, some refused, failing, slow, streaming and cancelled.
/// Then prints the monthly report, the busiest connections, and what the participants counted
/// beside the hub's counters and a recount of the journal. Leaves nothing behind.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Demo {
    /// How long they call each other, and until each has; Ctrl-C ends it early
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,

    /// Calls begun a second; 0 for as many as the machine carries
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    rate: u32,

    /// Language of the report: vi or en
    #[arg(long, value_name = "LANG", default_value = "vi")]
    lang: Language,

    /// Leave it running afterwards, with a few calls a second, and print what to try next
    #[arg(long)]
    keep: bool,

    /// The same seed makes the same calls
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

const EXAMPLES: &str = "\
Examples:
  ndxp demo
  ndxp demo --seconds 5 --rate 0 --lang en
  ndxp demo --keep

Exit status: 0 when all three counts are equal, 1 when they are not.";

/// Calls in flight at most: enough to keep a small machine busy without long queues.
const CALLS_IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Calls a second while the demonstration is kept running.
const KEPT_CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

/// How long the hub may take to settle what consumers broke off at the end.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// What the hub says of the load that is over.
struct Account {
    /// Names of the services that somebody offers.
    offered: BTreeSet<String>,
    report: String,
    connections: CountResponse,
    outcomes: CountResponse,
    verdict: Verdict,
}

impl Demo {
    pub fn run(self) -> Result<(), Failure> {
        let stage = Stage::set()?;
        let runtime = Runtime::new().context("the participants' runtime cannot start")?;
        let shown = runtime.block_on(self.show(&stage));
        // Whoever still calls is cut off before the hub goes.
        runtime.shutdown_timeout(Duration::from_secs(1));
        stage.clear();
        match shown? {
            true => Ok(()),
            false => Err(Failure::negative()),
        }
    }

    /// Whether all that was counted is equal.
    async fn show(&self, stage: &Stage) -> Result<bool, Failure> {
        let channel = stage.control().await?;
        let nation = stage.nation(channel.clone()).await?;
        eprintln!(
            "{} systems of {} members call each other for {} s; seed {}",
            nation.systems().len(),
            nation.members().len(),
            self.seconds,
            self.seed
        );
        let mut load = stage.load(Options {
            // However slow the machine, the report shows the whole country.
            roll_call: true,
            ..self.options(self.seed, NonZeroU32::new(self.rate))
        })?;
        end_early_on_interrupt(load.stop());
        let bar = Bar::new(self.seconds);
        let duration = Duration::from_secs(self.seconds);
        let tally = load
            .run(Some(duration), None, |progress| bar.show(progress))
            .await;
        bar.finish();

        let account = self.ask(channel, &stage.zone).await?;
        let equal = self.print(&tally, &account)?;
        if self.keep {
            eprint!("{}", stage.invitation());
            self.linger(stage).await?;
        }
        Ok(equal)
    }

    /// Asks until nothing is in flight: what a consumer broke off at the very end may still be
    /// on the hub's hands.
    async fn ask(&self, channel: Channel, zone: &Zone) -> Result<Account, Failure> {
        let settled = async {
            loop {
                let verdict = check_hub(channel.clone(), zone).await?;
                if verdict.summary.in_flight == 0 {
                    return Ok::<_, Failure>(verdict);
                }
            }
        };
        let verdict = tokio::time::timeout(SETTLE_MAX, settled)
            .await
            .map_err(|_| {
                Failure::internal(format_args!(
                    "calls are still in flight after {SETTLE_MAX:?}"
                ))
            })??;
        let report = report::report(channel.clone(), GetReportRequest::default()).await?;
        let paragraph = render_paragraph(&report, self.lang, &Templates::built_in());
        let count = |by: Dimension| {
            let request = CountRequest {
                by: by.into(),
                ..CountRequest::default()
            };
            stats::count(channel.clone(), request)
        };
        let services = RegistryServiceClient::new(channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .list_services(ListRequest::default())
            .await?
            .into_inner()
            .services;
        Ok(Account {
            offered: services.into_iter().map(|service| service.name).collect(),
            report: paragraph.map_err(Failure::internal)?,
            connections: count(Dimension::Connection).await?,
            outcomes: count(Dimension::Outcome).await?,
            verdict,
        })
    }

    fn print(&self, tally: &Tally, account: &Account) -> Result<bool, Failure> {
        let comparison = Comparison::of(
            &account.offered,
            tally,
            &account.outcomes,
            &account.connections,
            &account.verdict,
        );
        let screen = Screen {
            language: self.lang,
        };
        let mut output = Output::open();
        output.line(&account.report)?;
        output.line(screen.busiest(&account.connections))?;
        output.line("")?;
        output.line(screen.comparison(&comparison))?;
        output.flush()?;
        eprint!("{}", screen::surprises(tally));
        for finding in account.verdict.findings.kept() {
            eprintln!("{}: {}", finding.rule, finding.detail);
        }
        Ok(comparison.is_equal())
    }

    /// Goes on with a few calls a second until Ctrl-C, so that there is something to look at.
    async fn linger(&self, stage: &Stage) -> Result<(), Failure> {
        let other_seed = self.seed.wrapping_add(1);
        let mut load = stage.load(self.options(other_seed, Some(KEPT_CALLS_PER_SECOND)))?;
        let stop = load.stop();
        let calls = load.run(None, None, |_| {});
        tokio::pin!(calls);
        tokio::select! {
            _ = &mut calls => {}
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("Ctrl-C cannot be listened for")?;
                stop.stop();
                calls.await;
            }
        }
        Ok(())
    }

    fn options(&self, seed: u64, rate_per_second: Option<NonZeroU32>) -> Options {
        Options {
            seed,
            concurrency: CALLS_IN_FLIGHT,
            rate_per_second,
            shares: Shares::default(),
            roll_call: false,
        }
    }
}

fn end_early_on_interrupt(stop: Stop) {
    tokio::spawn(async move {
        // Where Ctrl-C cannot be listened for, it ends the process as it always does.
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.stop();
        }
    });
}
