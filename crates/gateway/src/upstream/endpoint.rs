//! One endpoint of a provider: its connections, its load, and how long it is left alone.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::uri::Authority;
use ndxp_http2::Error;
use ndxp_http2::client::SendRequest;
use ndxp_registry::SystemRecord;
use rustls::client::ClientConfig;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::breaker::{Decision, Failure};
use super::dial::{DialError, Dialler, Opened};
use super::health::{Health, Healths, Leave};
use super::waiting::Waiting;
use crate::conduct::Conduct;
use crate::stream::Outlet;
use crate::trust::{CertificateKey, Trusted, taken_back};
use crate::windows::Window;

/// With so many calls a connection is joined by another, up to the limit; those on one share records.
const CALLS_BEFORE_ANOTHER: usize = 250;
/// After so many calls in a row that timed out, a connection is taken for dead: calls to come get
/// another, those that it carries may still end.
const TIMEOUTS_BEFORE_GIVING_UP: u32 = 5;
/// A deadline that passed says something of the provider from this time on; a caller that allows
/// less must not close the way for the others.
const TIMEOUT_COUNTS_FROM: Duration = Duration::from_secs(1);
/// Calls that are broken off before the provider has answered: so many at once, then one in each
/// interval, on one connection. h2 and what is built on it take more than 20 that it has not
/// looked at yet for an attack, and end the connection with everybody's calls on it.
const RESETS_AT_ONCE: u32 = 8;
const BETWEEN_RESETS: Duration = Duration::from_millis(4);
/// A call is broken off after this time at the latest: a thousand of them at that pace.
const RESET_AFTER_MAX: Duration = Duration::from_secs(4);
/// A connection that has carried nothing for this long is closed; twice this at most, because it
/// is looked at so often.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// What a provider sends for a call beside content: headers, trailers, a reset, and windows.
const FRAMES_OF_A_CALL: u64 = 4;
/// First and longest time that an endpoint is left alone after it could not be dialled.
const LEFT_ALONE_MIN: Duration = Duration::from_millis(100);
const LEFT_ALONE_MAX: Duration = Duration::from_secs(10);

/// One address of a provider.
pub(super) struct Endpoint {
    provider: Arc<SystemRecord>,
    address: String,
    authority: Authority,
    /// How it fares, known to all cores.
    health: Arc<Health>,
    healths: Arc<Healths>,
    state: Mutex<State>,
    /// Calls that wait for a connection: load that no connection carries yet.
    waiting: AtomicUsize,
    /// One more for each connection that is alive.
    alive: Arc<()>,
    /// Held by whoever dials, so that a crowd of calls makes one connection.
    dialling: Arc<tokio::sync::Mutex<()>>,
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
    send: SendRequest,
    conduct: Arc<Conduct>,
    calls: Arc<AtomicUsize>,
    _window: Arc<Mutex<Window>>,
    /// Calls in a row that timed out without one being answered.
    timeouts: AtomicU32,
    /// Shared with the connection's driver, which must not hold `send`: a connection closes when
    /// nobody can send on it any more.
    closed: Arc<AtomicBool>,
    /// Since it was looked at last.
    used: AtomicBool,
    /// When the next call is broken off. A connection stays on one core: never waited for.
    next_reset: Mutex<Instant>,
    /// It broke off, and its endpoint's health knows.
    lost: AtomicBool,
}

/// How an endpoint stands, in the order in which endpoints are tried.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Standing {
    /// It failed, and one call may try it again.
    MayTry,
    /// It has a connection, and so many calls.
    Connected(usize),
    /// It may be dialled; so many calls wait for that.
    Unconnected(usize),
    LeftAlone,
}

/// A place on a connection; counted until dropped.
pub struct Lease {
    endpoint: Arc<Endpoint>,
    connection: Arc<Connection>,
    leave: Leave,
    since: Instant,
    pub authority: Authority,
}

impl Lease {
    /// The connection's own handle for one request.
    #[must_use]
    pub fn sender(&self) -> SendRequest {
        self.connection.conduct.earn(FRAMES_OF_A_CALL);
        self.connection.send.clone()
    }

    /// The provider answered on this connection.
    pub fn note_answer(&self) {
        self.connection.timeouts.store(0, Ordering::Relaxed);
        self.leave.note_answer();
    }

    /// The provider has begun to answer. If this call tries for the others, they need not wait for
    /// its end, which a stream may not come to for an hour.
    pub fn note_alive(&self) {
        if self.leave.is_trying() {
            self.leave.note_answer();
        }
    }

    /// The provider did not answer in time.
    pub fn note_timeout(&self) {
        if self.since.elapsed() < TIMEOUT_COUNTS_FROM {
            return;
        }
        self.note_failure(Failure::TimedOut);
        let timeouts = self.connection.timeouts.fetch_add(1, Ordering::Relaxed) + 1;
        if timeouts >= TIMEOUTS_BEFORE_GIVING_UP {
            self.give_up_connection();
        }
    }

    /// The provider reset the call.
    pub fn note_reset(&self) {
        self.note_failure(Failure::Reset);
    }

    /// The connection broke off; told once for all the calls on it, except by the one that tries.
    pub fn note_lost(&self) {
        let first = !self.connection.lost.swap(true, Ordering::Relaxed);
        if first || self.leave.is_trying() {
            self.note_failure(Failure::ConnectionLost);
        }
    }

    fn note_failure(&self, why: Failure) {
        self.leave.note_failure(why);
        let others = self.endpoint.others();
        if !others.is_empty() {
            self.endpoint.health.leave_out_beside(&others);
        }
    }

    /// Breaks off a call that the provider has not answered: at once, or when its turn comes.
    pub fn break_off(&self, call: Outlet) {
        let wait = self.connection.turn_to_reset(Instant::now());
        if !wait.is_zero() {
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                // Resets the stream, as nobody else holds it.
                drop(call);
            });
        }
    }

    /// The connection takes no more requests; the next lease gets another.
    pub fn give_up_connection(&self) {
        self.connection.closed.store(true, Ordering::Relaxed);
    }
}

impl Connection {
    fn turn_to_reset(&self, now: Instant) -> Duration {
        let mut next = self
            .next_reset
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ahead = BETWEEN_RESETS * RESETS_AT_ONCE;
        let turn = (*next).max(now);
        *next = turn + BETWEEN_RESETS;
        (turn - now).saturating_sub(ahead).min(RESET_AFTER_MAX)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    /// `None` for an address that cannot stand in a URI; the registry lets none in.
    pub(super) fn new(
        provider: &Arc<SystemRecord>,
        address: &str,
        healths: &Arc<Healths>,
    ) -> Option<Self> {
        Some(Self {
            health: healths.of(&provider.id, address),
            healths: Arc::clone(healths),
            provider: Arc::clone(provider),
            authority: address.parse().ok()?,
            address: address.to_owned(),
            state: Mutex::default(),
            waiting: AtomicUsize::new(0),
            alive: Arc::default(),
            dialling: Arc::default(),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        match self.health.foresee() {
            Decision::Pass => {}
            Decision::Try => return Standing::MayTry,
            Decision::Refuse(_) => return Standing::LeftAlone,
        }
        let waiting = self.waiting.load(Ordering::Relaxed);
        let state = self.state();
        let mut open = state
            .connections
            .iter()
            .filter(|it| !it.closed.load(Ordering::Relaxed))
            .map(|it| it.calls.load(Ordering::Relaxed));
        if let Some(first) = open.next() {
            return Standing::Connected(open.sum::<usize>() + first + waiting);
        }
        let paused = |pause: &LeftAlone| pause.until > Instant::now();
        if state.left_alone.as_ref().is_some_and(paused) {
            return Standing::LeftAlone;
        }
        Standing::Unconnected(waiting)
    }

    pub(super) async fn lease(
        self: &Arc<Self>,
        dialler: &Arc<Dialler>,
        connections_max: usize,
    ) -> Result<Lease, DialError> {
        let leave = self.health.ask().map_err(|(wait, why)| DialError::Open {
            endpoint: self.address.clone(),
            wait,
            why,
        })?;
        if let Some((connection, crowded)) = self.present(connections_max) {
            if crowded && let Ok(turn) = self.dialling.try_lock() {
                drop(turn);
                let (endpoint, dialler) = (Arc::clone(self), Arc::clone(dialler));
                tokio::spawn(async move { endpoint.dial_another(&dialler, connections_max).await });
            }
            return Ok(self.lease_on(connection, leave));
        }
        let _waiting = Waiting::begin(&self.waiting);
        let turn = Arc::clone(&self.dialling).lock_owned().await;
        if let Some((connection, _)) = self.present(connections_max) {
            return Ok(self.lease_on(connection, leave));
        }
        self.check_not_left_alone()?;
        let connection = self.dial_apart(turn, dialler).await;
        let connection = connection.unwrap_or_else(|_broken| {
            Err(DialError::Connect {
                endpoint: self.address.clone(),
                found: "dialling broke off".to_owned(),
            })
        })?;
        Ok(self.lease_on(connection, leave))
    }

    /// Dials without anybody waiting, for calls to come; nothing where somebody dials already.
    pub(super) fn dial_ahead(self: &Arc<Self>, dialler: &Arc<Dialler>) {
        if let Ok(turn) = Arc::clone(&self.dialling).try_lock_owned() {
            // Its end is noted by the endpoint.
            drop(self.dial_apart(turn, dialler));
        }
    }

    /// Dials in a task of its own: a call that gives up waiting must not take the attempt with
    /// it, or an endpoint that swallows packets would never be known to fail.
    fn dial_apart(
        self: &Arc<Self>,
        turn: OwnedMutexGuard<()>,
        dialler: &Arc<Dialler>,
    ) -> JoinHandle<Result<Arc<Connection>, DialError>> {
        let (endpoint, dialler) = (Arc::clone(self), Arc::clone(dialler));
        tokio::spawn(async move {
            let dialled = endpoint.dial(&dialler).await;
            drop(turn);
            dialled
        })
    }

    /// The least loaded open connection, and whether another should join it.
    fn present(&self, connections_max: usize) -> Option<(Arc<Connection>, bool)> {
        let mut state = self.state();
        state
            .connections
            .retain(|connection| !connection.closed.load(Ordering::Relaxed));
        let least = state
            .connections
            .iter()
            .min_by_key(|connection| connection.calls.load(Ordering::Relaxed))?;
        let enough = least
            .send
            .current_max_send_streams()
            .min(CALLS_BEFORE_ANOTHER);
        let crowded = least.calls.load(Ordering::Relaxed) >= enough
            && state.connections.len() < connections_max;
        Some((Arc::clone(least), crowded))
    }

    fn lease_on(self: &Arc<Self>, connection: Arc<Connection>, leave: Leave) -> Lease {
        connection.calls.fetch_add(1, Ordering::Relaxed);
        connection.used.store(true, Ordering::Relaxed);
        Lease {
            endpoint: Arc::clone(self),
            connection,
            leave,
            since: Instant::now(),
            authority: self.authority.clone(),
        }
    }

    /// The other endpoints of the provider.
    fn others(&self) -> Vec<Arc<Health>> {
        let others = self
            .provider
            .endpoints
            .iter()
            .filter(|it| **it != self.address);
        others
            .map(|it| self.healths.of(&self.provider.id, it))
            .collect()
    }

    async fn dial_another(self: &Arc<Self>, dialler: &Dialler, connections_max: usize) {
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
    async fn dial(self: &Arc<Self>, dialler: &Dialler) -> Result<Arc<Connection>, DialError> {
        let tls = Arc::clone(
            self.state()
                .tls
                .get_or_insert_with(|| dialler.tls_for(&self.provider)),
        );
        let connections = Arc::strong_count(&self.alive) - 1;
        if connections >= dialler.connections_alive_max {
            let endpoint = self.address.clone();
            return Err(DialError::Crowded {
                endpoint,
                connections,
            });
        }
        match dialler.open(&self.provider, &tls, &self.address).await {
            Ok(opened) => {
                let Opened {
                    send,
                    driver,
                    conduct,
                    certificate,
                    calls,
                    window,
                } = opened;
                let closed = Arc::new(AtomicBool::new(false));
                let trusted = dialler.trusted.clone();
                self.drive(Arc::clone(&closed), driver, (trusted, certificate));
                let connection = Arc::new(Connection {
                    send,
                    conduct,
                    calls,
                    _window: window,
                    timeouts: AtomicU32::new(0),
                    closed,
                    used: AtomicBool::new(true),
                    next_reset: Mutex::new(Instant::now()),
                    lost: AtomicBool::new(false),
                });
                self.close_when_idle(&connection);
                let mut state = self.state();
                state.failures = 0;
                state.left_alone = None;
                state.connections.push(Arc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                self.leave_alone(&error);
                self.health.note_unreachable();
                Err(error)
            }
        }
    }

    fn drive(
        &self,
        closed: Arc<AtomicBool>,
        driver: impl Future<Output = Result<(), Error>> + Send + 'static,
        (trusted, certificate): (Trusted, Option<CertificateKey>),
    ) {
        let (provider, endpoint) = (self.provider.id.clone(), self.address.clone());
        let (revoked, alive) = (Arc::clone(&closed), Arc::clone(&self.alive));
        let watch = tokio::spawn(async move {
            if let Some(certificate) = certificate {
                taken_back(trusted, &certificate).await;
                // Its calls go on; new ones get a connection that is proved again.
                revoked.store(true, Ordering::Relaxed);
            }
        });
        tokio::spawn(async move {
            let ended = driver.await;
            watch.abort();
            drop(alive);
            closed.store(true, Ordering::Relaxed);
            if let Err(error) = ended {
                tracing::info!(%provider, endpoint, %error, "connection to provider ended");
            }
        });
    }

    /// Takes the connection out of the pool once nothing has used it for a while; it closes when
    /// nobody can send on it any more.
    fn close_when_idle(self: &Arc<Self>, connection: &Arc<Connection>) {
        let (endpoint, connection) = (Arc::downgrade(self), Arc::downgrade(connection));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(IDLE_MAX).await;
                let (Some(endpoint), Some(connection)) = (endpoint.upgrade(), connection.upgrade())
                else {
                    return;
                };
                let used = connection.used.swap(false, Ordering::Relaxed);
                if !used && connection.calls.load(Ordering::Relaxed) == 0 {
                    let mut state = endpoint.state();
                    state.connections.retain(|it| !Arc::ptr_eq(it, &connection));
                    return;
                }
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
