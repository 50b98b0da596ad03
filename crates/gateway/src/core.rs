//! One core: a current-thread runtime with its own listener, journal lane and provider pools.
//! A call is accepted, carried and settled on the core that its connection came to.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use h2::server;
use ndxp_journal::Lane;
use ndxp_model::{Clock, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_registry::Registry;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::admission::Admission;
use crate::cut::Cuts;
use crate::exchange::{Facts, Incoming, exchange};
use crate::limits::{Limits, http2};
use crate::liveness;
use crate::metrics::Metrics;
use crate::own::OwnServices;
use crate::peer::Peer;
use crate::salt::SaltKey;
use crate::trust::{Trusted, taken_back};
use crate::upstream::{Dialler, Upstreams};
use crate::validity::Seen;

/// After the machine has refused a connection, the next try waits this long instead of turning in
/// a circle.
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// Refusals of one core that wait for the journal: two syncs' worth of a flood, and a sixtieth of
/// what the core's lane holds.
const REFUSALS_WAITING_MAX: usize = 1_000;

/// What all cores share.
pub struct Shared {
    /// Name of the hub node, for the journal.
    pub hub_node: String,
    pub trust_domain: String,
    pub limits: Limits,
    pub clock: Arc<dyn Clock>,
    /// Who may: swapped whole by the registry's keeper, read without waiting.
    pub registry: Arc<ArcSwap<Registry>>,
    pub salts: SaltKey,
    pub metrics: Metrics,
    pub admission: Arc<Admission>,
    /// Calls in flight that are to end.
    pub cuts: Cuts,
    pub own: OwnServices,
    pub dialler: Arc<Dialler>,
    /// TLS towards consumers; swapped when certificates are renewed.
    pub tls: Arc<ArcSwap<ServerConfig>>,
    /// Swapped with it: whose certificates open connections may go on with.
    pub trusted: Trusted,
    /// What consumers show.
    pub seen: Arc<Seen>,
    pub connections: AtomicUsize,
    /// One turn for each handshake that may go on.
    pub handshakes: Semaphore,
}

/// One core's state.
pub struct Core {
    shared: Arc<Shared>,
    pub lane: Lane,
    pub upstreams: Upstreams,
    /// One turn for each refusal that may wait for the journal.
    pub refusals: Semaphore,
}

impl std::ops::Deref for Core {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// A connection that counts among the hub's until dropped.
struct Counted(Arc<Core>);

impl Core {
    #[must_use]
    pub fn new(shared: Arc<Shared>, lane: Lane) -> Arc<Self> {
        let upstreams = Upstreams::new(
            Arc::clone(&shared.dialler),
            shared.limits.provider_connections_max,
        );
        Arc::new(Self {
            shared,
            lane,
            upstreams,
            refusals: Semaphore::new(REFUSALS_WAITING_MAX),
        })
    }

    /// Accepts until told to stop, then lets connections finish what they carry, for as long as
    /// draining may take.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let mut stopped = stop.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((tcp, _from)) => {
                        if let Some(counted) = self.count_connection() {
                            connections.spawn(connection(counted, tcp, stop.clone()));
                        }
                    }
                    // Out of file descriptors or memory: connections that end make room.
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(AFTER_ACCEPT_ERROR).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
                _ = stopped.wait_for(|stop| *stop) => break,
            }
        }
        drop(listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.drain_max, drained)
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "drain time is over; calls are cut"
            );
        }
    }

    /// The first facts of a call that has just arrived.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts {
            id: TransactionId::new(self.clock.now(), fastrand::u128(..)),
            arrived: tokio::time::Instant::now(),
            call: v1::Call {
                hub_node: self.hub_node.clone(),
                ..v1::Call::default()
            },
        }
    }

    fn count_connection(self: &Arc<Self>) -> Option<Counted> {
        let counted = Counted(Arc::clone(self));
        self.metrics.connections.inc();
        let open = self.connections.fetch_add(1, Ordering::Relaxed);
        if open < self.limits.connections_max {
            return Some(counted);
        }
        tracing::info!(open, "a connection over connections_max was closed");
        None
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.connections.dec();
    }
}

async fn connection(counted: Counted, tcp: TcpStream, mut stop: watch::Receiver<bool>) {
    let core = Arc::clone(&counted.0);
    let handshake = tokio::time::timeout(core.limits.handshake_max, identify(&core, tcp));
    let (calls, peer) = tokio::select! {
        identified = handshake => match identified {
            Ok(Ok(identified)) => identified,
            Ok(Err(refused)) => {
                core.metrics.handshakes_failed.inc();
                tracing::info!(%refused, "handshake failed");
                return;
            }
            Err(_elapsed) => {
                core.metrics.handshakes_failed.inc();
                tracing::info!("handshake took too long");
                return;
            }
        },
        _ = stop.wait_for(|stop| *stop) => return,
    };
    if let Err(error) = serve_calls(&core, calls, peer, stop).await {
        tracing::debug!(%error, "connection of a consumer ended");
    }
}

/// Why a connection never became a consumer's.
#[derive(Debug, thiserror::Error)]
enum NotIdentified {
    #[error("TLS: {0}")]
    Tls(#[from] std::io::Error),
    #[error("the peer did not ask for HTTP/2 (ALPN h2)")]
    NotHttp2,
    #[error("the peer showed no certificate")]
    NoCertificate,
    #[error("the certificate of {proof} has been revoked")]
    Revoked { proof: String },
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
    #[error("HTTP/2: {0}")]
    Http2(#[from] h2::Error),
}

/// A consumer's connection that has said all it must before its first call.
type Calls = server::Connection<TlsStream<TcpStream>, Bytes>;

async fn identify(core: &Core, tcp: TcpStream) -> Result<(Calls, Arc<Peer>), NotIdentified> {
    let _turn = core.handshakes.acquire().await;
    liveness::watch(&tcp)?;
    let tls = TlsAcceptor::from(core.tls.load_full()).accept(tcp).await?;
    let session = tls.get_ref().1;
    if session.alpn_protocol() != Some(b"h2") {
        return Err(NotIdentified::NotHttp2);
    }
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.ok_or(NotIdentified::NoCertificate)?;
    let peer = Arc::new(Peer::read(certificate, &core.trust_domain)?);
    // The handshake has asked the same, unless it resumed a session or the list came meanwhile.
    if let Some(key) = &peer.certificate
        && core.trusted.borrow().revokes(key)
    {
        let proof = peer.proof.clone();
        return Err(NotIdentified::Revoked { proof });
    }
    if let Ok(system) = peer.system(&core.registry.load()) {
        core.seen.note(&system.id, certificate);
    }
    Ok((http2_server(&core.limits).handshake(tls).await?, peer))
}

async fn serve_calls(
    core: &Arc<Core>,
    mut connection: Calls,
    peer: Arc<Peer>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), h2::Error> {
    // Every call holds a clone; when the last is dropped, nothing is in flight any more.
    let (in_flight, mut settled) = mpsc::channel::<Infallible>(1);
    let mut stopping = false;
    let revoked = async {
        match &peer.certificate {
            Some(certificate) => taken_back(core.trusted.clone(), certificate).await,
            None => std::future::pending().await,
        }
    };
    let mut revoked = std::pin::pin!(revoked);
    let ended = loop {
        tokio::select! {
            accepted = connection.accept() => {
                let (request, respond) = match accepted {
                    None => break Ok(()),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(accepted)) => accepted,
                };
                let (head, body) = request.into_parts();
                let (core, peer, in_flight) =
                    (Arc::clone(core), Arc::clone(&peer), in_flight.clone());
                // Boxed once, because the runtime moves a task's future about several times.
                tokio::spawn(Box::pin(async move {
                    exchange(core, peer, Incoming { head, body, respond }).await;
                    drop(in_flight);
                }));
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.graceful_shutdown();
            }
            // What was opened before ends in order; nothing new is taken.
            () = &mut revoked, if !stopping => {
                tracing::info!(peer = peer.proof, "certificate revoked: connection closes");
                stopping = true;
                connection.graceful_shutdown();
            }
        }
    };
    // Where the consumer is gone, its calls notice that themselves and settle as cancelled.
    drop(in_flight);
    let _none_left = settled.recv().await;
    ended
}

fn http2_server(limits: &Limits) -> server::Builder {
    let mut builder = server::Builder::new();
    builder
        .initial_window_size(http2::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(http2::CONNECTION_WINDOW_BYTES)
        .max_frame_size(http2::FRAME_BYTES_MAX)
        .max_header_list_size(http2::HEADER_LIST_BYTES_MAX)
        .max_concurrent_streams(limits.streams_per_connection_max)
        .max_concurrent_reset_streams(http2::RESET_STREAMS_MAX)
        .max_send_buffer_size(http2::SEND_BUFFER_BYTES_MAX)
        .data_frame_budget(http2::DATA_FRAME_BUDGET);
    builder
}
