//! One core: a current-thread runtime with its own listener, journal lane and provider pools.
//! A call is accepted, carried and settled on the core that its connection was placed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use ndxp_journal::Lane;
use ndxp_model::{Clock, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_registry::Registry;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::admission::Admission;
use crate::anteroom::Anteroom;
use crate::connection::connection;
use crate::cut::Cuts;
use crate::exchange::Facts;
use crate::holders::Holders;
use crate::limits::Limits;
use crate::metrics::{Metrics, Shed};
use crate::own::OwnServices;
use crate::pace::Pace;
use crate::placing::{Place, Placed, Placing};
use crate::salt::SaltKey;
use crate::trust::Trusted;
use crate::upstream::{Dialler, Healths, Upstreams};
use crate::validity::Seen;
use crate::windows::Windows;

/// Connections that a core accepts before it rests. What begins with each costs some 60 µs, a quarter of a
/// core at this pace; whoever opens them by the thousand waits in the system's queue, and not before
/// everybody's calls. A core makes fewer handshakes in that time.
const ACCEPTED_AT_ONCE: u32 = 4;
const BETWEEN_ACCEPTS: Duration = Duration::from_millis(1);
/// After the machine has refused a connection, the next try waits this long instead of turning in
/// a circle.
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// Refusals of one core that wait for the journal: two syncs' worth of a flood, and a sixtieth of
/// what the core's lane holds.
const REFUSALS_WAITING_MAX: usize = 1_000;
/// Refusals of one core that are held back from consumers that come again too soon; those above are
/// told at once.
pub const REFUSALS_HELD_BACK_MAX: usize = 4_000;

/// Between two looks at how late a core's tasks are.
const PULSE: Duration = Duration::from_millis(20);

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
    /// How providers' endpoints fare.
    pub healths: Arc<Healths>,
    pub connections: AtomicUsize,
    /// What consumers' connections are lent for their windows.
    pub windows: Arc<Windows>,
    /// Where connections stand until their peer is known.
    pub anteroom: Anteroom,
    /// How fast each address may have its peers proved.
    pub pace: Pace,
    /// Who holds how many of them from then on.
    pub holders: Arc<Holders>,
}

/// One core's state.
pub struct Core {
    shared: Arc<Shared>,
    /// Which of the cores it is.
    index: usize,
    pub lane: Lane,
    pub upstreams: Upstreams,
    /// One turn for each refusal that may wait for the journal.
    pub refusals: Semaphore,
    /// One place for each refusal that is held back.
    pub held_back: Semaphore,
}

impl std::ops::Deref for Core {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// A connection that counts among the hub's until dropped.
pub struct Counted {
    pub core: Arc<Core>,
    _place: Place,
}

impl Core {
    #[must_use]
    pub fn new(index: usize, shared: Arc<Shared>, lane: Lane) -> Arc<Self> {
        let upstreams = Upstreams::new(
            Arc::clone(&shared.dialler),
            shared.limits.provider_connections_max,
            Arc::clone(&shared.healths),
        );
        Arc::new(Self {
            index,
            shared,
            lane,
            upstreams,
            refusals: Semaphore::new(REFUSALS_WAITING_MAX),
            held_back: Semaphore::new(REFUSALS_HELD_BACK_MAX),
        })
    }

    /// Accepts until told to stop, then lets connections finish what they carry, for as long as
    /// draining may take.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut placing: Placing,
        stop: watch::Receiver<bool>,
    ) {
        let pulse = tokio::spawn(Arc::clone(&self).pulse());
        let mut connections = JoinSet::new();
        let mut at_once = 0;
        let mut stopped = stop.clone();
        loop {
            if at_once == ACCEPTED_AT_ONCE {
                at_once = 0;
                tokio::time::sleep(BETWEEN_ACCEPTS).await;
            }
            let placed = tokio::select! {
                accepted = listener.accept() => {
                    accepted.and_then(|(tcp, from)| placing.place(tcp, from.ip()))
                }
                Some(given) = placing.given() => given.map(Some),
                Some(_ended) = connections.join_next() => continue,
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            at_once += 1;
            match placed {
                Ok(Some(Placed { tcp, from, place })) => {
                    if let Some(counted) = self.count_connection(place) {
                        connections.spawn(connection(counted, tcp, from, stop.clone()));
                    }
                }
                Ok(None) => {}
                // Out of file descriptors or memory: connections that end make room.
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(AFTER_ACCEPT_ERROR).await;
                }
            }
        }
        drop((listener, placing));
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
        pulse.abort();
    }

    /// Tells how late the tasks of this core are, again and again.
    async fn pulse(self: Arc<Self>) {
        loop {
            let due = tokio::time::Instant::now() + PULSE;
            tokio::time::sleep_until(due).await;
            let share = self
                .admission
                .note_late(self.index, due.elapsed(), self.clock.now());
            self.metrics.overload_share.set(i64::from(share));
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

    fn count_connection(self: &Arc<Self>, place: Place) -> Option<Counted> {
        let counted = Counted {
            core: Arc::clone(self),
            _place: place,
        };
        self.metrics.connections.inc();
        let open = self.connections.fetch_add(1, Ordering::Relaxed);
        if open < self.limits.connections_max {
            return Some(counted);
        }
        self.metrics.shed(Shed::Connections);
        tracing::info!(open, "a connection over connections_max was closed");
        None
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.core.connections.fetch_sub(1, Ordering::Relaxed);
        self.core.metrics.connections.dec();
    }
}
