//! The composition root: one short function that puts the parts together in the order in which
//! they need each other, and one that takes them apart again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ndxp_counters::{Counters, CountersError};
use ndxp_gateway::{
    Admission, Anteroom, Dialler, Gateway, Healths, Metrics, Pace, Seen, Shared, Windows,
};
use ndxp_journal::{AppendError, ArchiveError, FileDisk, Journal, Lane, OpenError, Options};
use ndxp_model::{Clock, Sequence};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{HubStarted, HubStopped};
use ndxp_registry::HistoryError;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::archive;
use crate::backup::{self, BackupError};
use crate::config::Config;
use crate::control::Control;
use crate::exchange::exchange_services;
use crate::expiry::{Expiry, Sources};
use crate::health::Health;
use crate::keeper::{Keeper, recover};
use crate::leftover::Leftover;
use crate::limits::{allowance, cores, gateway_limits};
use crate::memory::ShownBound;
use crate::observe::{Observe, Readiness};
use crate::packing;
use crate::probe;
use crate::salt_file::{self, SaltKeyError};
use crate::telemetry::{CommitMetrics, Fitness};
use crate::tls::{LiveTls, TlsError};

/// The control plane's threads: it serves people and scrapers, not calls.
const CONTROL_THREADS: usize = 2;
/// Between two looks at what the gauges show.
const SAMPLE: Duration = Duration::from_secs(1);
/// Between two looks at the ends of certificates.
const EXPIRY: Duration = Duration::from_secs(60);
/// Between two checkpoints of the registry: what a start after a crash reads again at most.
const CHECKPOINT: Duration = Duration::from_secs(60);

/// A hub that serves.
pub struct Hub {
    config: Config,
    endpoints: Endpoints,
    runtime: Runtime,
    gateway: Gateway,
    state: State,
    fitness: Arc<Fitness>,
    health: Health,
    stop: watch::Sender<bool>,
}

/// The truth, and what is folded from it.
struct State {
    journal: Journal,
    lane: Lane,
    keeper: Arc<Keeper>,
    counters: Counters,
}

/// Where it serves, with the ports that it was given.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints {
    pub exchange: SocketAddr,
    pub control: SocketAddr,
    pub observe: SocketAddr,
}

/// Why a hub did not start. Nothing serves then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("hub.data_dir: {0}")]
    Backup(#[from] BackupError),
    #[error("journal.archive_dir: {0}")]
    Archive(#[from] ArchiveError),
    #[error("journal: {0}")]
    Journal(#[from] OpenError),
    #[error("journal: {0}")]
    Append(#[from] AppendError),
    #[error("registry: {0}")]
    Registry(#[from] HistoryError),
    #[error("counters: {0}")]
    Counters(#[from] CountersError),
    #[error(transparent)]
    SaltKey(#[from] SaltKeyError),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error(transparent)]
    Gateway(#[from] ndxp_gateway::StartError),
    #[error("{port}.listen = {address}: cannot be listened on: {source}")]
    Listen {
        port: &'static str,
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the control plane's runtime cannot start: {0}")]
    Runtime(std::io::Error),
}

impl Hub {
    /// Starts everything and returns once calls are taken. `progress` hears how far the counters
    /// are while they catch up with the journal.
    ///
    /// # Errors
    /// As [`StartError`] says.
    pub fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        progress: impl Fn(Sequence, Sequence) + Send + 'static,
    ) -> Result<Self, StartError> {
        let metrics = prometheus::Registry::new();
        let tls = LiveTls::start(&config, Arc::clone(&clock))?;
        let runtime = control_runtime().map_err(StartError::Runtime)?;

        // The truth first, then what is folded from it.
        let state = State::open(&config, &clock, &metrics, &runtime, progress)?;
        let State {
            journal,
            lane,
            keeper,
            counters,
        } = &state;
        let bound = ShownBound::register(&config, &keeper.current(), &metrics)?;

        // Before anything new is opened, what the last stop left open is known.
        let leftover = Leftover::find(counters, journal)?;
        let fitness = Fitness::register(&metrics, journal.clone(), counters.clone())?;
        runtime.spawn(leftover.settle(journal.clone(), lane.clone(), Arc::clone(&fitness)));
        runtime.block_on(lane.append(&started(&config)))?;

        // Then the ports: those who ask, and last those who call.
        let health = Health::default();
        let seen = Arc::<Seen>::default();
        let (stop, stopped) = watch::channel(false);
        let observe_at = start_observe(&runtime, &config, &metrics, &fitness)?;
        let shared = shared(
            &config,
            &tls,
            keeper,
            &seen,
            &health,
            Arc::clone(&clock),
            &metrics,
        )?;
        let control = state.control(&config, &tls, &shared, &health, stopped)?;
        let control_at = start_control(&runtime, config.control.listen, control)?;
        let gateway = Gateway::start(config.exchange.listen, cores(&config), &shared, journal)?;
        health.set_serving(true);

        let sources = Sources {
            node: config.hub.node.clone(),
            live: tls,
            seen,
            keeper: Arc::clone(keeper),
            clock: Arc::clone(&clock),
        };
        let expiry = Expiry::register(&metrics, sources)?;
        state.look_after(&runtime, &shared.dialler, &fitness, (bound, expiry));
        state.tend(&runtime, config.journal.keep, clock);
        let endpoints = Endpoints {
            exchange: gateway.address(),
            control: control_at,
            observe: observe_at,
        };
        Ok(Self {
            config,
            endpoints,
            runtime,
            gateway,
            state,
            fitness,
            health,
            stop,
        })
    }

    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints
    }

    /// Stops taking calls, lets those in flight finish, and closes what is open, the journal
    /// last.
    pub fn drain(self) {
        self.fitness.stopping.store(true, Ordering::Relaxed);
        self.health.stop();
        self.gateway.drain();
        self.stop.send_replace(true);
        let State {
            journal,
            lane,
            keeper,
            counters,
        } = self.state;
        let stopped = HubStopped {
            hub_node: self.config.hub.node.clone(),
        };
        if let Err(error) = self
            .runtime
            .block_on(lane.append(&Body::HubStopped(stopped)))
        {
            tracing::warn!(%error, "the journal did not take the hub's stop");
        }
        self.runtime
            .block_on(keeper.last_checkpoint(&journal.reader()));
        counters.stop();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        journal.close();
    }
}

impl State {
    fn open(
        config: &Config,
        clock: &Arc<dyn Clock>,
        metrics: &prometheus::Registry,
        runtime: &Runtime,
        progress: impl Fn(Sequence, Sequence) + Send + 'static,
    ) -> Result<Self, StartError> {
        let data = &config.hub.data_dir;
        backup::refuse_incomplete(data)?;
        let options = Options {
            directory: data.join("journal"),
            segment_bytes: config.journal.segment_bytes,
        };
        archive::prepare(&config.journal, &options.directory)?;
        let commits = Arc::new(CommitMetrics::register(metrics)?);
        let journal = Journal::open(options, Arc::new(FileDisk), Arc::clone(clock), commits)?;
        let (lane, driver) = journal.lane();
        runtime.spawn(driver);
        let checkpoint = data.join("registry.checkpoint");
        let registry = recover(&checkpoint, &journal.reader())?;
        let keeper = Keeper::new(
            registry,
            lane.clone(),
            checkpoint,
            Arc::clone(clock),
            runtime.handle().clone(),
        );
        let zone = config.hub.zone.clone();
        let counters = Counters::start(data.join("counters"), zone, journal.follow(), progress)?;
        Ok(Self {
            journal,
            lane,
            keeper,
            counters,
        })
    }

    /// What goes on beside the ports for as long as the hub runs.
    fn look_after(
        &self,
        runtime: &Runtime,
        dialler: &Arc<Dialler>,
        fitness: &Arc<Fitness>,
        (bound, expiry): (ShownBound, Expiry),
    ) {
        runtime.spawn(expiry.live().follow());
        runtime.spawn(probe::run(Arc::clone(&self.keeper), Arc::clone(dialler)));
        runtime.spawn(look_after(
            Arc::clone(&self.keeper),
            self.journal.clone(),
            (Arc::clone(fitness), bound, expiry),
        ));
    }

    /// Behind the hub's first entry, so that the segment which the last stop sealed is an old one.
    fn tend(&self, runtime: &Runtime, keep: Option<Duration>, clock: Arc<dyn Clock>) {
        runtime.spawn(packing::run(self.journal.clone()));
        if let Some(keep) = keep {
            runtime.spawn(archive::run(self.journal.clone(), keep, clock));
        }
    }

    fn control(
        &self,
        config: &Config,
        tls: &LiveTls,
        shared: &Shared,
        health: &Health,
        stop: watch::Receiver<bool>,
    ) -> Result<Control, StartError> {
        Ok(Control {
            keeper: Arc::clone(&self.keeper),
            follow: self.journal.follow(),
            counters: self.counters.clone(),
            zone: config.hub.zone.clone(),
            clock: Arc::clone(&shared.clock),
            data_dir: config.hub.data_dir.clone(),
            health: health.clone(),
            tls: tls.control(),
            trusted: tls.trusted(),
            seen: Arc::clone(&shared.seen),
            healths: Arc::clone(&shared.healths),
            trust_domain: config.hub.trust_domain.clone(),
            limits: config.limits,
            stop,
        })
    }
}

fn started(config: &Config) -> Body {
    Body::HubStarted(HubStarted {
        hub_node: config.hub.node.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn control_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
}

/// What the gateway's cores are given.
///
/// # Errors
/// When the key of salts cannot be used or a metric is registered already.
pub fn shared(
    config: &Config,
    tls: &LiveTls,
    keeper: &Arc<Keeper>,
    seen: &Arc<Seen>,
    health: &Health,
    clock: Arc<dyn Clock>,
    metrics: &prometheus::Registry,
) -> Result<Arc<Shared>, StartError> {
    let limits = &config.limits;
    let gateway_limits = gateway_limits(config);
    let dialler = Dialler {
        trusted: tls.trusted(),
        trust_domain: config.hub.trust_domain.clone(),
        credentials: tls.credentials(),
        connect_max: limits.provider_connect_max,
        header_list_bytes_max: gateway_limits.header_list_bytes_max(),
        windows: Windows::new(gateway_limits.windows_bytes_each()),
        connections_alive_max: gateway_limits.connections_alive_max(),
        seen: Arc::clone(seen),
        wires: None,
    };
    let metrics = Metrics::register(metrics)?;
    let healths = Healths::new(Arc::clone(&clock), metrics.circuits.clone());
    Ok(Arc::new(Shared {
        hub_node: config.hub.node.clone(),
        trust_domain: config.hub.trust_domain.clone(),
        admission: Admission::new(
            allowance(limits.calls_per_second_max, limits.calls_in_flight_max),
            gateway_limits.provider,
        ),
        cuts: keeper.cuts(),
        anteroom: Anteroom::new(limits.handshakes_max),
        pace: Pace::new(limits.address_handshakes_per_second_max),
        holders: Arc::default(),
        windows: Windows::new(gateway_limits.windows_bytes_each()),
        limits: gateway_limits,
        registry: keeper.shown(),
        salts: salt_file::load_or_create(&config.hub.data_dir)?,
        metrics,
        healths,
        own: exchange_services(keeper, seen, Arc::clone(&clock), health),
        clock,
        dialler: Arc::new(dialler),
        tls: tls.exchange(),
        trusted: tls.trusted(),
        seen: Arc::clone(seen),
        connections: AtomicUsize::new(0),
    }))
}

fn start_observe(
    runtime: &Runtime,
    config: &Config,
    metrics: &prometheus::Registry,
    fitness: &Arc<Fitness>,
) -> Result<SocketAddr, StartError> {
    let observe = Observe {
        metrics: metrics.clone(),
        readiness: Arc::clone(fitness) as Arc<dyn Readiness>,
    };
    let (listener, address) = listen(runtime, "observe", config.observe.listen)?;
    runtime.spawn(observe.serve(listener, config.limits.observe_connections_max));
    Ok(address)
}

fn start_control(
    runtime: &Runtime,
    listen_at: SocketAddr,
    control: Control,
) -> Result<SocketAddr, StartError> {
    let (listener, address) = listen(runtime, "control", listen_at)?;
    runtime.spawn(async move {
        if let Err(error) = control.serve(listener).await {
            tracing::error!(%error, "the control port serves no more");
        }
    });
    Ok(address)
}

fn listen(
    runtime: &Runtime,
    port: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        port,
        address,
        source,
    };
    let listener = runtime
        .block_on(TcpListener::bind(address))
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// What is done from time to time for as long as the hub runs.
async fn look_after(
    keeper: Arc<Keeper>,
    journal: Journal,
    (fitness, mut bound, expiry): (Arc<Fitness>, ShownBound, Expiry),
) {
    let mut samples = tokio::time::interval(SAMPLE);
    let mut ends = tokio::time::interval(EXPIRY);
    let mut checkpoints = tokio::time::interval(CHECKPOINT);
    loop {
        tokio::select! {
            _ = samples.tick() => {
                fitness.sample();
                bound.sample(&keeper.current());
            }
            _ = ends.tick() => expiry.sample(),
            _ = checkpoints.tick() => keeper.checkpoint(&journal.reader()).await,
        }
    }
}
