//! One endpoint of a provider: its connections, its load, and how long it is left alone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use ndxp_registry::SystemRecord;
use rustls::client::ClientConfig;
use tokio::time::Instant;

use super::dial::{DialError, Dialler, Opened};
use crate::trust::{CertificateKey, Trusted, taken_back};

/// A connection that carries this many calls is joined by another, up to the limit.
const CALLS_BEFORE_ANOTHER: usize = 100;
/// First and longest time that an endpoint is left alone after it could not be dialled.
const LEFT_ALONE_MIN: Duration = Duration::from_millis(100);
const LEFT_ALONE_MAX: Duration = Duration::from_secs(10);

/// One address of a provider.
pub(super) struct Endpoint {
    provider: Arc<SystemRecord>,
    address: String,
    state: Mutex<State>,
    /// Held by whoever dials, so that a crowd of calls makes one connection.
    dialling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    tls: Option<Arc<ClientConfig>>,
    connections: Vec<Arc<Connection>>,
    failures: u32,
    left_alone: Option<LeftAlone>,
}

struct LeftAlone {
    until: Instant,
    last: String,
}

struct Connection {
    send: SendRequest<Bytes>,
    calls: AtomicUsize,
    closed: AtomicBool,
}

/// A place on a connection; counted until dropped.
pub struct Lease {
    connection: Arc<Connection>,
    pub authority: Arc<str>,
}

impl Lease {
    /// The connection's own handle for one request.
    #[must_use]
    pub fn sender(&self) -> SendRequest<Bytes> {
        self.connection.send.clone()
    }

    /// The connection takes no more requests; the next lease gets another.
    pub fn give_up_connection(&self) {
        self.connection.closed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    pub(super) fn new(provider: Arc<SystemRecord>, address: String) -> Self {
        Self {
            provider,
            address,
            state: Mutex::default(),
            dialling: tokio::sync::Mutex::default(),
        }
    }

    /// Calls in flight; an endpoint that is left alone comes last.
    pub(super) fn load(&self) -> usize {
        let state = self.state();
        if state
            .left_alone
            .as_ref()
            .is_some_and(|pause| pause.until > Instant::now())
        {
            return usize::MAX;
        }
        state
            .connections
            .iter()
            .map(|it| it.calls.load(Ordering::Relaxed))
            .sum()
    }

    pub(super) async fn lease(
        self: &Arc<Self>,
        dialler: &Arc<Dialler>,
        connections_max: usize,
    ) -> Result<Lease, DialError> {
        if let Some((lease, crowded)) = self.present(connections_max) {
            if crowded && let Ok(turn) = self.dialling.try_lock() {
                drop(turn);
                let (endpoint, dialler) = (Arc::clone(self), Arc::clone(dialler));
                tokio::spawn(async move { endpoint.dial_another(&dialler, connections_max).await });
            }
            return Ok(lease);
        }
        let _turn = self.dialling.lock().await;
        if let Some((lease, _)) = self.present(connections_max) {
            return Ok(lease);
        }
        self.check_not_left_alone()?;
        // Boxed, because few calls dial and every call would carry the room for a handshake.
        let connection = Box::pin(self.dial(dialler)).await?;
        Ok(self.lease_on(connection))
    }

    /// The least loaded open connection, and whether another should join it.
    fn present(&self, connections_max: usize) -> Option<(Lease, bool)> {
        let mut state = self.state();
        state
            .connections
            .retain(|connection| !connection.closed.load(Ordering::Relaxed));
        let least = state
            .connections
            .iter()
            .min_by_key(|connection| connection.calls.load(Ordering::Relaxed))?;
        let crowded = least.calls.load(Ordering::Relaxed) >= CALLS_BEFORE_ANOTHER
            && state.connections.len() < connections_max;
        Some((self.lease_on(Arc::clone(least)), crowded))
    }

    fn lease_on(&self, connection: Arc<Connection>) -> Lease {
        connection.calls.fetch_add(1, Ordering::Relaxed);
        Lease {
            connection,
            authority: self.address.as_str().into(),
        }
    }

    async fn dial_another(&self, dialler: &Dialler, connections_max: usize) {
        let _turn = self.dialling.lock().await;
        if self
            .present(connections_max)
            .is_some_and(|(_, crowded)| crowded)
            && let Err(error) = self.dial(dialler).await
        {
            tracing::info!(provider = %self.provider.id, %error, "no further connection");
        }
    }

    /// Dials while holding the turn.
    async fn dial(&self, dialler: &Dialler) -> Result<Arc<Connection>, DialError> {
        let tls = Arc::clone(
            self.state()
                .tls
                .get_or_insert_with(|| dialler.tls_for(&self.provider)),
        );
        match dialler.open(&self.provider, &tls, &self.address).await {
            Ok(opened) => {
                let Opened {
                    send,
                    driver,
                    certificate,
                } = opened;
                let connection = Arc::new(Connection {
                    send,
                    calls: AtomicUsize::new(0),
                    closed: AtomicBool::new(false),
                });
                let trusted = dialler.trusted.clone();
                self.drive(Arc::clone(&connection), driver, (trusted, certificate));
                let mut state = self.state();
                state.failures = 0;
                state.left_alone = None;
                state.connections.push(Arc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                self.leave_alone(&error);
                Err(error)
            }
        }
    }

    fn drive(
        &self,
        connection: Arc<Connection>,
        driver: impl DriveConnection,
        (trusted, certificate): (Trusted, Option<CertificateKey>),
    ) {
        let (provider, endpoint) = (self.provider.id.clone(), self.address.clone());
        let shown = Arc::clone(&connection);
        let watch = tokio::spawn(async move {
            if let Some(certificate) = certificate {
                taken_back(trusted, &certificate).await;
                // Its calls go on; new ones get a connection that is proved again.
                shown.closed.store(true, Ordering::Relaxed);
            }
        });
        tokio::spawn(async move {
            let ended = driver.await;
            watch.abort();
            connection.closed.store(true, Ordering::Relaxed);
            if let Err(error) = ended {
                tracing::info!(%provider, endpoint, %error, "connection to provider ended");
            }
        });
    }

    fn leave_alone(&self, error: &DialError) {
        let mut state = self.state();
        let doubled = LEFT_ALONE_MIN.saturating_mul(1 << state.failures.min(10));
        // Up to a quarter less, so that cores and hubs do not all come back at once.
        let pause = doubled
            .min(LEFT_ALONE_MAX)
            .mul_f64(1.0 - fastrand::f64() / 4.0);
        state.failures = state.failures.saturating_add(1);
        state.left_alone = Some(LeftAlone {
            until: Instant::now() + pause,
            last: error.to_string(),
        });
        tracing::info!(provider = %self.provider.id, %error, ?pause, "provider cannot be dialled");
    }

    fn check_not_left_alone(&self) -> Result<(), DialError> {
        let state = self.state();
        let now = Instant::now();
        match &state.left_alone {
            Some(pause) if pause.until > now => Err(DialError::LeftAlone {
                endpoint: self.address.clone(),
                wait: pause.until - now,
                failures: state.failures,
                last: pause.last.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What drives a connection's frames until it ends.
trait DriveConnection: Future<Output = Result<(), h2::Error>> + Send + 'static {}
impl<T: Future<Output = Result<(), h2::Error>> + Send + 'static> DriveConnection for T {}
