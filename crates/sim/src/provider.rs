//! Participants that serve: one TLS listener on 127.0.0.1 for each system of the nation that
//! offers a service, all in this process. They accept nobody but a hub, answer from the
//! request alone (`script` says how to ask for other endings), and count what reached them.

mod answers;
mod desk;
mod listener;
mod observed;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ndxp_model::SystemId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::credentials::{Authorities, Credentials, SetupError};
use crate::{Nation, Participant};
use desk::Desk;
pub use observed::Execution;
pub(crate) use observed::SERVICE_TIME;
use observed::{Executions, ObservedLayer};

/// The nation's providers at work. Dropping it stops them.
pub struct Providers {
    endpoints: BTreeMap<SystemId, SocketAddr>,
    executions: Arc<Executions>,
    hanging: Arc<watch::Sender<u64>>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
    /// Holds the absent system's port, so that nobody else comes to listen there.
    _reserved: tokio::net::TcpSocket,
}

/// How long `stop` waits for calls in flight; a provider's answers end at once when it stops,
/// only a caller that never ends its request can hold it up.
const STOP_WITHIN: Duration = Duration::from_secs(5);

impl Providers {
    /// Starts every provider of the nation; when it returns, all of them accept connections.
    ///
    /// # Errors
    /// When a certificate is missing or unusable, or no port is free.
    pub async fn start(
        nation: &Nation,
        credentials: &dyn Credentials,
        authorities: &Authorities,
    ) -> Result<Self, SetupError> {
        let (stop, stopped) = watch::channel(false);
        let mut providers = Self {
            endpoints: BTreeMap::new(),
            executions: Arc::default(),
            hanging: Arc::new(watch::Sender::new(0)),
            stop,
            listeners: JoinSet::new(),
            _reserved: tokio::net::TcpSocket::new_v4()
                .map_err(|source| listen_error(nation.absent(), source))?,
        };
        for system in nation.systems() {
            if !system.services.is_empty() {
                providers
                    .serve(system, credentials, authorities, stopped.clone())
                    .await?;
            }
        }
        let address = reserve(&providers._reserved)
            .map_err(|source| listen_error(nation.absent(), source))?;
        providers
            .endpoints
            .insert(nation.absent().id.clone(), address);
        Ok(providers)
    }

    async fn serve(
        &mut self,
        system: &Participant,
        credentials: &dyn Credentials,
        authorities: &Authorities,
        stopped: watch::Receiver<bool>,
    ) -> Result<(), SetupError> {
        let identity =
            credentials
                .identity(&system.id)
                .map_err(|source| SetupError::Credentials {
                    system: system.id.clone(),
                    source,
                })?;
        let tls =
            listener::tls_config(&identity, authorities).map_err(|source| SetupError::Tls {
                system: system.id.clone(),
                source,
            })?;
        let (address, connections) = listener::listen(tls, stopped.clone())
            .await
            .map_err(|source| listen_error(system, source))?;

        let desk = Desk::new(system.id.clone(), stopped.clone(), self.hanging.clone());
        let observed = ObservedLayer::new(system.id.clone(), self.executions.clone());
        let routes = answers::routes(&desk, &system.services);
        self.endpoints.insert(system.id.clone(), address);
        self.listeners
            .spawn(listener::serve(observed, routes, connections, stopped));
        Ok(())
    }

    /// Where a system serves, `host:port`: what the catalogue asks for. Empty for a system
    /// that only calls.
    #[must_use]
    pub fn endpoints(&self, system: &SystemId) -> Vec<String> {
        self.endpoints
            .get(system)
            .map(SocketAddr::to_string)
            .into_iter()
            .collect()
    }

    /// Where a system serves; also where the absent one would.
    #[must_use]
    pub fn address(&self, system: &SystemId) -> Option<SocketAddr> {
        self.endpoints.get(system).copied()
    }

    /// The calls that reached the providers, whatever became of them.
    #[must_use]
    pub fn executions(&self) -> BTreeMap<Execution, u64> {
        self.executions.all()
    }

    /// How many calls the providers are leaving without an answer now. Lets a consumer break
    /// off only once its call has reached the provider, and tells whether the provider has
    /// heard of it.
    #[must_use]
    pub fn hanging(&self) -> watch::Receiver<u64> {
        self.hanging.subscribe()
    }

    /// Stops accepting, ends the calls that hang, and waits until the rest have been answered.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.listeners.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
            tracing::warn!(
                listeners = self.listeners.len(),
                "simulated providers were left with calls whose callers never end"
            );
        }
    }
}

fn listen_error(system: &Participant, source: std::io::Error) -> SetupError {
    SetupError::Listen {
        system: system.id.clone(),
        source,
    }
}

/// Takes a port without listening on it: connections are refused.
fn reserve(socket: &tokio::net::TcpSocket) -> std::io::Result<SocketAddr> {
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.local_addr()
}
