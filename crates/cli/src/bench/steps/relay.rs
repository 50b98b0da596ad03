//! Relays from which steps of a call are left out, each a process of its own. Nothing in the hub is
//! switched off for that: they are put together otherwise, of the hub's own parts.
//!
//! TLS is left out by handing connections to the gateway's [`Stage`] and giving it [`Wires`] to the
//! provider, the counters by following the journal with nobody, and the journal by a lane that ends
//! in a relay which answers all.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use ndxp_counters::Counters;
use ndxp_gateway::{Connecting, Dialler, Gateway, Shared, Stage, Stream, Wires};
use ndxp_hub::config::Config;
use ndxp_hub::health::Health;
use ndxp_hub::keeper::Keeper;
use ndxp_hub::role::{Actor, Role};
use ndxp_hub::tls::{LiveTls, Tls};
use ndxp_hub::{cores, shared};
use ndxp_journal::{Committed, FileDisk, Journal, Lane, Options};
use ndxp_model::{Clock, Sequence, SystemClock, SystemId};
use ndxp_proto::registry::v1::ApplyRequest;
use ndxp_registry::{Act, CertificateIdentity, Registry};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::bare::{self, Secured};
use super::ladder::{CONSUMER, PROVIDER};
use crate::bench::catalogue::catalogue;
use crate::bench::process::Killed;
use crate::bench::runtime;
use crate::commands::serve::without_huge_pages;
use crate::connect::ConfigFile;
use crate::failure::Failure;

/// Carries calls with steps left out, until its standard input ends
#[derive(Args, Debug)]
pub struct Relay {
    /// What is left out
    #[arg(value_enum)]
    kind: Kind,

    #[command(flatten)]
    config: ConfigFile,

    /// Where the provider of all calls listens
    #[arg(long, value_name = "ADDRESS")]
    provider: SocketAddr,

    /// Mutual TLS on both sides all the same, as the hub of the configuration would; `bare` only
    #[arg(long)]
    secured: bool,
}

/// Each leaves out what the one before it does, and one step more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Kind {
    /// TLS
    Plain,
    /// The counters, too
    Uncounted,
    /// The journal, too
    Unjournaled,
    /// The exchange, too
    Bare,
}

/// Where the entries of calls go.
#[derive(Clone)]
enum Entries {
    Journal(Journal),
    Nowhere,
}

/// Plain TCP to the provider.
struct Plain;

/// A relay of this very program, and where it listens.
pub fn start(
    name: &str,
    config: &Path,
    provider: SocketAddr,
    further: &[&str],
) -> anyhow::Result<(SocketAddr, Killed)> {
    let relay = Command::new(std::env::current_exe()?)
        .args(["bench", "relay", name, "--config"])
        .arg(config)
        .args(["--provider", &provider.to_string()])
        .args(further)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut relay = Killed(relay);
    let mut said = String::new();
    let talk = relay.0.stdout.take().context("stdout is piped")?;
    BufReader::new(talk).read_line(&mut said)?;
    ensure!(!said.is_empty(), "the relay {name} did not start");
    Ok((said.trim().parse()?, relay))
}

impl Relay {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.config.load()?;
        without_huge_pages();
        match self.kind {
            Kind::Bare => self.bare(&config)?,
            _ if self.secured => {
                return Err(Failure::usage("--secured is for the relay `bare` alone"));
            }
            _ => self.exchange(&config)?,
        }
        Ok(())
    }

    fn bare(&self, config: &Config) -> anyhow::Result<()> {
        let provider = self.provider;
        let listen = config.exchange.listen;
        let mut secured = None;
        if self.secured {
            let tls = Tls::load(config, Arc::new(SystemClock))?;
            secured = Some(Secured {
                consumers: tls.server()?,
                provider: tls.client()?,
            });
        }
        let each = (0..cores(config)).map(|_core| {
            let secured = secured.clone();
            move |listener, _stop| bare::serve(listener, provider, secured)
        });
        let gateway = Gateway::start_with(listen, each)?;
        until_told(&gateway)
    }

    /// The exchange as `ndxp serve` puts it together, but for what is left out.
    fn exchange(&self, config: &Config) -> anyhow::Result<()> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let runtime = runtime()?;
        let entries = Entries::of(self.kind, config, &clock)?;
        let _counters = match (&entries, self.kind) {
            (Entries::Journal(journal), Kind::Plain) => Some(Counters::start(
                config.hub.data_dir.join("counters"),
                config.hub.zone.clone(),
                journal.follow(),
                |_, _| {},
            )?),
            _ => None,
        };
        let keeper = self.keeper(config, &clock, &entries, &runtime)?;
        // Loaded and shown to nobody; the cores' common state has it in service.
        let tls = LiveTls::start(config, Arc::clone(&clock))?;
        let (seen, metrics) = (Arc::default(), prometheus::Registry::new());
        let shared = shared(
            config,
            &tls,
            &keeper,
            &seen,
            &Health::default(),
            clock,
            &metrics,
        )?;
        let shared = Arc::new(on_plain_tcp(shared)?);
        let consumer = CertificateIdentity {
            system: Some(CONSUMER.parse()?),
            fingerprint: [0; 32],
        };
        let listen = config.exchange.listen;
        let each = (0..cores(config)).map(|_core| {
            let (shared, entries) = (Arc::clone(&shared), entries.clone());
            let consumer = consumer.clone();
            move |listener, stop| async move {
                let stage = Stage::new(shared, entries.lane());
                serve(stage, listener, consumer, stop).await;
            }
        });
        let gateway = Gateway::start_with(listen, each)?;
        until_told(&gateway)
    }

    /// The registry, in which the one consumer may call the one provider.
    fn keeper(
        &self,
        config: &Config,
        clock: &Arc<dyn Clock>,
        entries: &Entries,
        runtime: &Runtime,
    ) -> anyhow::Result<Arc<Keeper>> {
        let _entered = runtime.enter();
        let keeper = Keeper::new(
            Registry::empty(),
            entries.lane(),
            config.hub.data_dir.join("registry.checkpoint"),
            Arc::clone(clock),
            runtime.handle().clone(),
        );
        let act = Act::Apply(ApplyRequest {
            catalogue: Some(catalogue(&[CONSUMER], &[(PROVIDER, self.provider)])?),
            note: "bench".to_owned(),
            ..ApplyRequest::default()
        });
        let operator = Actor {
            identity: "spiffe://ndxp.local/operator/bench".into(),
            role: Role::Operator,
        };
        runtime.block_on(keeper.act(act, operator))?;
        Ok(keeper)
    }
}

impl Entries {
    fn of(kind: Kind, config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        if kind == Kind::Unjournaled {
            // Keys are kept here even so.
            std::fs::create_dir_all(&config.hub.data_dir)?;
            return Ok(Self::Nowhere);
        }
        let options = Options {
            directory: config.hub.data_dir.join("journal"),
            segment_bytes: config.journal.segment_bytes,
        };
        let (disk, clock) = (Arc::new(FileDisk), Arc::clone(clock));
        let journal = Journal::open(options, disk, clock, Arc::new(()))?;
        Ok(Self::Journal(journal))
    }

    /// A way in for the runtime that asks.
    fn lane(&self) -> Lane {
        match self {
            Self::Journal(journal) => {
                let (lane, driver) = journal.lane();
                tokio::spawn(driver);
                lane
            }
            Self::Nowhere => {
                let (lane, _nobody_waits, relay) = ndxp_journal::Relay::new();
                relay.answer_all(Ok(Committed {
                    sequence: Sequence::new(1),
                    at: SystemClock.now(),
                }));
                lane
            }
        }
    }
}

impl Wires for Plain {
    fn connect(&self, _provider: &SystemId, endpoint: &str) -> Connecting {
        let endpoint = endpoint.to_owned();
        Box::pin(async move {
            let tcp = TcpStream::connect(endpoint).await?;
            tcp.set_nodelay(true)?;
            Ok(Box::new(tcp) as Box<dyn Stream>)
        })
    }
}

/// The same, with another way to the providers.
fn on_plain_tcp(shared: Arc<Shared>) -> anyhow::Result<Shared> {
    let shared = Arc::into_inner(shared).context("nobody else holds the cores' state yet")?;
    let dialler = Arc::into_inner(shared.dialler).context("nobody else holds the dialler yet")?;
    Ok(Shared {
        dialler: Arc::new(Dialler {
            wires: Some(Arc::new(Plain)),
            ..dialler
        }),
        ..shared
    })
}

/// Hands whoever comes to the stage, as the one consumer.
async fn serve(
    stage: Stage,
    listener: TcpListener,
    consumer: CertificateIdentity,
    stop: watch::Receiver<bool>,
) {
    while let Ok((tcp, _from)) = listener.accept().await {
        let (stage, consumer, stop) = (stage.clone(), consumer.clone(), stop.clone());
        tokio::spawn(async move {
            // How a consumer's connection ends is nobody's concern here.
            if tcp.set_nodelay(true).is_ok() {
                let _over = stage.serve(tcp, consumer, stop).await;
            }
        });
    }
}

/// Says where it listens, and serves for as long as whoever started it holds its standard input.
fn until_told(gateway: &Gateway) -> anyhow::Result<()> {
    println!("{}", gateway.address());
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}
