//! `ndxp serve`: the hub itself, from its configuration until it is told to stop.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use ndxp_counters::{CountersError, HomeError};
use ndxp_hub::{Hub, StartError};
use ndxp_journal::OpenError;
use ndxp_model::{Sequence, SystemClock};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::connect::ConfigFile;
use crate::failure::{Exit, Failure};

/// Runs the hub until SIGTERM or Ctrl-C, then lets calls in flight finish
///
/// A wrong configuration is refused with exit status 64 before any port is opened. On the first
/// signal, the hub accepts no further calls and ends when those in flight have, or after
/// hub.drain_seconds_max; on a second one, it ends at once.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigFile,

    /// What to log: error, warn, info, debug or trace, for all or by module
    ///
    /// At `info`, one line for each refusal; at `debug`, one for each transaction.
    #[arg(long, value_name = "FILTER", env = "NDXP_LOG", default_value = "info")]
    log: String,

    /// Form of the log, which goes to standard error
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  ndxp serve --config hub/ndxp.toml
  ndxp serve --config /etc/ndxp/ndxp.toml --log-format json
  NDXP_LOG=info,ndxp_gateway=debug ndxp serve";

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object on each line
    Json,
}

/// A huge page is resident as a whole as soon as a byte of it is used: with them the hub takes
/// twice the memory, and what peers make it take is no longer what its limits add up to.
pub fn without_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::info!(%error, "huge pages stay in use");
    }
}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.config.load()?;
        let _log = self.log()?;
        without_huge_pages();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime for signals cannot start")?;
        // Before the hub begins, so that a signal never finds nobody listening.
        let mut signals = runtime.block_on(async { Signals::listen() })?;
        let hub = Hub::start(config, Arc::new(SystemClock), catching_up())?;
        let endpoints = hub.endpoints();
        eprintln!("exchange listens on {}", endpoints.exchange);
        eprintln!("control listens on {}", endpoints.control);
        eprintln!("observe listens on {}", endpoints.observe);
        runtime.block_on(async {
            signals.next().await;
            eprintln!("draining; a second signal ends at once");
            let drained = tokio::task::spawn_blocking(move || hub.drain());
            tokio::select! {
                drained = drained => Ok(drained.context("draining panicked")?),
                () = signals.next() => Err(Failure::new(
                    Exit::Internal,
                    "ended before calls in flight did",
                )
                .remedy("none is needed: the next start closes them as interrupted")),
            }
        })
    }

    /// Lines are written by a thread of their own: a reader of the log that stands still costs
    /// lines, which are counted, and never calls.
    fn log(&self) -> Result<WorkerGuard, Failure> {
        // h2 warns of each thing that a peer does wrong: any peer could fill the log.
        let filter = EnvFilter::try_new(format!("h2=error,{}", self.log)).map_err(|error| {
            Failure::usage(format_args!("--log {}: {error}", self.log))
                .remedy("write a level such as info, or levels by module: info,ndxp_gateway=debug")
        })?;
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(LOG_LINES_MAX)
            .finish(std::io::stderr());
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(writer);
        match self.log_format {
            LogFormat::Text => subscriber.init(),
            LogFormat::Json => subscriber.json().init(),
        }
        Ok(guard)
    }
}

/// Lines of the log that wait for their reader; of 300 bytes they are 5 MB.
const LOG_LINES_MAX: usize = 16_384;

/// The two signals that ask a hub to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Tells how far the counters are, each tenth of the way once; nothing when they are there.
fn catching_up() -> impl Fn(Sequence, Sequence) + Send + 'static {
    let told = Cell::new(10);
    move |done, end| {
        let tenths = done
            .get()
            .saturating_mul(10)
            .checked_div(end.get())
            .unwrap_or(10);
        if told.replace(tenths) != tenths {
            tracing::info!(%done, %end, "the counters catch up with the journal");
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match &error {
            StartError::Tls(_) => Exit::Usage,
            StartError::Listen { .. }
            | StartError::Journal(OpenError::Locked { .. })
            | StartError::Counters(CountersError::Home(HomeError::InUse { .. })) => {
                Exit::Unavailable
            }
            _ => Exit::Internal,
        };
        Self::new(exit, error)
    }
}
