//! The control plane: what operators, auditors and members ask. Its runtime is its own, so that
//! no question delays a call. Life of a request: handshake (`incoming`) → check of roles
//! (`layer`, `access`) → service → bounded work (`work`).

mod access;
mod incoming;
mod layer;

mod baseline;
mod figures;
mod filter;
mod spool;
mod transactions;
mod work;

mod journal;
mod registry;
mod statistics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ndxp_counters::Counters;
use ndxp_gateway::trust::Trusted;
use ndxp_gateway::{Bodies, Healths, Seen};
use ndxp_journal::Follow;
use ndxp_model::{Clock, Zone};
use ndxp_proto::journal::v1::journal_service_server::JournalServiceServer;
use ndxp_proto::registry::v1::registry_service_server::RegistryServiceServer;
use ndxp_proto::statistics::v1::statistics_service_server::StatisticsServiceServer;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::config::Limits;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::memory;
use crate::reflection;

use incoming::Incoming;
use layer::CheckLayer;
use work::Work;

/// What the services answer from.
pub struct Control {
    pub keeper: Arc<Keeper>,
    pub follow: Follow,
    pub counters: Counters,
    pub zone: Zone,
    pub clock: Arc<dyn Clock>,
    /// Where dumps are spooled.
    pub data_dir: PathBuf,
    pub health: Health,
    pub tls: Arc<ArcSwap<ServerConfig>>,
    /// Whose certificates count, asked at every call.
    pub trusted: Trusted,
    /// Until when the certificates are valid that systems showed.
    pub seen: Arc<Seen>,
    /// How the endpoints of providers fare.
    pub healths: Arc<Healths>,
    pub trust_domain: String,
    pub limits: Limits,
    /// Turns true when the hub stops: streams end, calls finish.
    pub stop: watch::Receiver<bool>,
}

/// Why the control port does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("the control port's descriptors cannot be read: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("the control port has failed: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// The services of the port, beside health and reflection.
const SERVICES: [&str; 3] = [
    "ndxp.registry.v1.RegistryService",
    "ndxp.journal.v1.JournalService",
    "ndxp.statistics.v1.StatisticsService",
];

/// A catalogue comes in one message: the largest act that the registry takes, and a margin for
/// what has not changed in it.
const REQUEST_BYTES_MAX: usize = 32 << 20;

/// Calls at once on one connection; a person or a dashboard needs a few.
const STREAMS_PER_CONNECTION_MAX: u32 = 64;

const HEADER_BYTES_MAX: u32 = 16 << 10;

/// A peer that does not answer a ping in this time is gone; its place becomes free.
const KEEPALIVE: Duration = Duration::from_secs(30);

impl Control {
    /// Serves until `stop` turns true and what is in flight has ended.
    ///
    /// # Errors
    /// When the port cannot be served any more.
    pub async fn serve(self, listener: TcpListener) -> Result<(), ControlError> {
        let incoming = Incoming {
            tls: Arc::clone(&self.tls),
            trust_domain: self.trust_domain.as_str().into(),
            connections_max: self.limits.control_connections_max,
            handshakes_max: self.limits.handshakes_max,
            handshake_max: self.limits.handshake_max,
        };
        let connections = ReceiverStream::new(incoming.start(listener));
        let check = CheckLayer {
            keeper: Arc::clone(&self.keeper),
            trusted: self.trusted.clone(),
            bodies: Bodies::new(memory::CONTROL_REQUESTS_BYTES_MAX),
        };
        let mut stop = self.stop.clone();
        let stopping = async move {
            // A sender that is gone is a hub that has stopped.
            drop(stop.wait_for(|stop| *stop).await);
        };
        Server::builder()
            .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .initial_stream_window_size(memory::CONTROL_WINDOW_BYTES)
            .initial_connection_window_size(memory::CONTROL_WINDOW_BYTES)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE))
            .layer(check)
            .add_routes(self.routes()?)
            .serve_with_incoming_shutdown(connections, stopping)
            .await?;
        Ok(())
    }

    fn routes(self) -> Result<Routes, tonic_reflection::server::Error> {
        let Limits {
            scans_max,
            control_streams_max,
            ..
        } = self.limits;
        let work = Work::new(scans_max, control_streams_max, self.stop);
        let registry = registry::RegistryControl {
            keeper: Arc::clone(&self.keeper),
            follow: self.follow.clone(),
            counters: self.counters.clone(),
            seen: self.seen,
            healths: self.healths,
            work: work.clone(),
        };
        let journal = journal::Journal {
            follow: self.follow.clone(),
            work: work.clone(),
        };
        let statistics = statistics::Statistics {
            counters: self.counters,
            keeper: self.keeper,
            follow: self.follow,
            zone: self.zone,
            clock: self.clock,
            data_dir: self.data_dir,
            importing: Arc::default(),
            work,
            watches: statistics::Watches::default(),
        };
        let registry = RegistryServiceServer::new(registry);
        let routes = Routes::new(registry.max_decoding_message_size(REQUEST_BYTES_MAX))
            .add_service(JournalServiceServer::new(journal))
            .add_service(StatisticsServiceServer::new(statistics))
            .add_service(self.health.service(&SERVICES));
        reflection::add(routes, &SERVICES)
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
