//! A hub of one core with an attacker, and a consumer of another member whose calls must pass.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::call::message;
use crate::support::consumer::Consumer;
use crate::support::credentials::Credentials;
use crate::support::frames::Client;
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, Provider};
use crate::support::wait::{until, within};
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, call, members};

pub const BYSTANDER: &str = "H40/lgsp";

/// Windows that never stand in the way.
pub const WIDE: u32 = 1 << 20;
/// Calls in which the bystander shows how it fares.
const CALLS: usize = 50;

/// Where bystanders call from: what attackers do to their own threads is no fault of the hub's.
static BESIDE: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).thread_name("beside").enable_all();
    runtime.build().expect("a runtime starts")
});

pub struct Abused {
    pub hub: Hub,
    pub attacker: Credentials,
    pub bystander: Credentials,
    pub provider: Provider,
}

impl Abused {
    pub async fn start<F>(handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hub = Hub::init();
        // Here all call from one address, those too who are no attackers.
        hub.set("limits", "address_handshakes_per_second_max", "0");
        Self::start_with(hub, handler).await
    }

    /// In a hub that is configured.
    pub async fn start_with<F>(
        mut hub: Hub,
        handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Nobody is spared by being on another core.
        hub.set("hub", "cores", "1");
        hub.serve().await;
        let provider = Provider::serve(&hub, &hub.issue(PROVIDER), handler);
        let catalogue = members()
            .member("H40", "")
            .system(BYSTANDER, &[], "")
            .system(PROVIDER, &[provider.address], "")
            .service(PROVIDER, SERVICE, "")
            .grant(CONSUMER, PROVIDER, SERVICE, "")
            .grant(BYSTANDER, PROVIDER, SERVICE, "");
        hub.apply(&catalogue);
        let [attacker, bystander] = [CONSUMER, BYSTANDER].map(|system| hub.issue(system));
        Self {
            hub,
            attacker,
            bystander,
            provider,
        }
    }

    /// A connection of the attacker's.
    pub async fn attack(&self, window_bytes: u32) -> Client {
        let connecting = Client::connect(self.hub.exchange(), self.attacker.client(), window_bytes);
        within("the attacker's connection", connecting).await
    }

    /// A counter of the hub's.
    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.hub.observed("/metrics").await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name));
        let value = value.unwrap_or_else(|| panic!("no {name} in {metrics}"));
        value.trim().parse().expect("it is a number")
    }

    /// Waits until the hub has ended so many connections for this cause: it counts one once the
    /// last of it is gone.
    pub async fn has_shed(&self, cause: &str, connections: u64) {
        let what = format!("{connections} connections ended for {cause}");
        until(&what, async || {
            (self.shed(cause).await == connections).then_some(())
        })
        .await;
    }

    /// Connections that the hub has ended for this cause.
    pub async fn shed(&self, cause: &str) -> u64 {
        self.metric(&format!("ndxp_connections_shed_total{{cause=\"{cause}\"}}"))
            .await
    }
}

/// Calls one after another until told to stop; a call that fails is a failure of the test.
pub struct Bystander {
    stop: watch::Sender<bool>,
    done: watch::Receiver<usize>,
    calling: JoinHandle<Vec<Duration>>,
    quiet: usize,
}

impl Bystander {
    /// Begins, and has made some calls in peace when this returns.
    pub async fn start(world: &Abused) -> Self {
        let (hub, credentials) = (world.hub.exchange(), world.bystander.clone());
        let connecting = async move { Consumer::try_connect(hub, &credentials).await };
        let connected = BESIDE.spawn(connecting).await.expect("it does not panic");
        let consumer = connected.expect("the hub takes the connection");
        let (stop, stopped) = watch::channel(false);
        let (told, done) = watch::channel(0);
        let calling = BESIDE.spawn(async move {
            let mut took = Vec::new();
            while !*stopped.borrow() {
                let since = Instant::now();
                let answer = consumer.call(&call(), message(b"beside")).await;
                took.push(since.elapsed());
                assert_eq!(answer.grpc_status(), 0, "call {}: {answer:?}", took.len());
                told.send_replace(took.len());
            }
            took
        });
        let mut bystander = Self {
            stop,
            done,
            calling,
            quiet: 0,
        };
        bystander.goes_on().await;
        bystander.quiet = *bystander.done.borrow();
        bystander
    }

    /// Waits for some more calls.
    pub async fn goes_on(&mut self) {
        let enough = *self.done.borrow() + CALLS;
        let reached = within(
            "the bystander's calls",
            self.done.wait_for(|it| *it >= enough),
        );
        assert!(reached.await.is_ok(), "a call of the bystander failed");
    }

    /// Ends, and says how the calls fared before and during what happened beside them.
    pub async fn finish(self, what: &str) {
        self.stop.send_replace(true);
        let took = self.calling.await.expect("no call of the bystander failed");
        let (quiet, beside) = took.split_at(self.quiet);
        assert!(!beside.is_empty(), "no call beside {what}");
        eprintln!(
            "{what}: {} of {} calls beside passed; p50 {:?}, p99 {:?}; before p50 {:?}, p99 {:?}",
            beside.len(),
            beside.len(),
            quantile(beside, 50),
            quantile(beside, 99),
            quantile(quiet, 50),
            quantile(quiet, 99),
        );
    }
}

fn quantile(took: &[Duration], percent: usize) -> Duration {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
