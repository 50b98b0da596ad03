//! One consumer's connection: who it is, its calls, and its end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ndxp_http2::server::{self, Event};
use ndxp_http2::{Config, Error, Reason};
use ndxp_registry::CertificateIdentity;
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::conduct::{Conduct, Excess, Guarded};
use crate::core::{Core, Counted};
use crate::exchange::{Incoming, exchange};
use crate::limits::{Limits, http2};
use crate::liveness;
use crate::metrics::Shed;
use crate::pace::PATIENCE;
use crate::peer::Peer;
use crate::stage::Stream;
use crate::trust::taken_back;

/// Calls of one connection that are begun before others have their turn: those of a connection that
/// brings a thousand at once hold up nobody else's for longer than a millisecond or two a turn.
const CALLS_AT_ONCE: u32 = 8;
/// How long a peer that is told to go has for hearing it.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Serves a connection from its TCP handshake to its end.
pub async fn connection(
    counted: Counted,
    tcp: TcpStream,
    from: IpAddr,
    mut stop: watch::Receiver<bool>,
) {
    let core = Arc::clone(&counted.core);
    let identified = {
        let waiting = core.anteroom.enter(from);
        tokio::select! {
            // Boxed: most of a connection's life is behind it.
            identified = Box::pin(identify(&core, tcp, from)) => identified,
            () = waiting.dismissed() => {
                core.metrics.shed(Shed::Handshakes);
                tracing::debug!(%from, "a handshake made room for newer ones");
                return;
            }
            _ = stop.wait_for(|stop| *stop) => return,
        }
    };
    let (mut calls, peer) = match identified {
        Ok(identified) => identified,
        Err(refused) => {
            core.metrics.handshakes_failed.inc();
            tracing::info!(%from, %refused, "handshake failed");
            return;
        }
    };
    let Some(_held) = core
        .holders
        .hold(&peer.proof, core.limits.connections_per_holder_max())
    else {
        core.metrics.shed(Shed::ConnectionsOfOne);
        tracing::info!(
            peer = peer.proof,
            "has all the connections that one may have"
        );
        return dismiss(&mut calls).await;
    };
    let abused = || core.pace.note_abuse(from);
    if let Err(error) = serve_calls(&core, &mut calls, &peer, &mut stop, abused).await {
        tracing::debug!(%error, "connection of a consumer ended");
    }
}

/// Serves a connection whose peer has been proved already: from HTTP/2's first words to its end.
pub async fn serve_proved<S: Stream>(
    core: &Arc<Core>,
    stream: S,
    identity: CertificateIdentity,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let conduct = Conduct::new(core.limits.streams_per_connection_max);
    let peer = Arc::new(Peer::proved(identity, Arc::clone(&conduct)));
    let guarded = Guarded::of_consumer(stream, conduct);
    let mut calls = server::handshake(guarded, config(&core.limits)).await?;
    serve_calls(core, &mut calls, &peer, &mut stop, || ()).await
}

/// Tells the peer to be calm and ends the connection; calls that it still brings are not taken.
async fn dismiss<S: Stream>(connection: &mut Calls<S>) {
    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
    let ended = async { while let Some(Ok(_not_taken)) = connection.accept().await {} };
    let _heard = tokio::time::timeout(FAREWELL_MAX, ended).await;
}

/// Why a connection never became a consumer's.
#[derive(Debug, thiserror::Error)]
enum NotIdentified {
    #[error("TLS: {0}")]
    Tls(#[from] std::io::Error),
    #[error("its address has more handshakes made than limits.address_handshakes_per_second_max")]
    TooSoon,
    #[error("it took too long")]
    TooLong(#[from] tokio::time::error::Elapsed),
    #[error("the peer did not ask for HTTP/2 (ALPN h2)")]
    NotHttp2,
    #[error("the peer showed no certificate")]
    NoCertificate,
    #[error("the certificate of {proof} has been revoked")]
    Revoked { proof: String },
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
    #[error("HTTP/2: {0}")]
    Http2(#[from] Error),
}

/// A consumer's connection that has said all it must before its first call.
type Calls<S> = server::Connection<Guarded<S>>;

async fn identify(
    core: &Core,
    tcp: TcpStream,
    from: IpAddr,
) -> Result<(Calls<TlsStream<TcpStream>>, Arc<Peer>), NotIdentified> {
    liveness::watch(&tcp)?;
    wait_for_turn(core, from).await?;
    let proved = async {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
        core.pace.note_handshake(from);
        prove(core, hello).await
    };
    tokio::time::timeout(core.limits.handshake_max, proved).await?
}

/// Waits until the address may have another handshake made. Only those that bring a hello take a turn:
/// whoever connects and says nothing costs no work.
async fn wait_for_turn(core: &Core, from: IpAddr) -> Result<(), NotIdentified> {
    let Some(mut wait) = core.pace.wait(from) else {
        return Ok(());
    };
    core.metrics.handshakes_paced.inc();
    let until = Instant::now() + PATIENCE;
    while Instant::now() + wait <= until {
        tokio::time::sleep(wait).await;
        match core.pace.wait(from) {
            None => return Ok(()),
            Some(longer) => wait = longer,
        }
    }
    Err(NotIdentified::TooSoon)
}

async fn prove(
    core: &Core,
    hello: StartHandshake<TcpStream>,
) -> Result<(Calls<TlsStream<TcpStream>>, Arc<Peer>), NotIdentified> {
    let tls = hello.into_stream(core.tls.load_full()).await?;
    let session = tls.get_ref().1;
    if session.alpn_protocol() != Some(b"h2") {
        return Err(NotIdentified::NotHttp2);
    }
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.ok_or(NotIdentified::NoCertificate)?;
    let conduct = Conduct::new(core.limits.streams_per_connection_max);
    let peer = Peer::read(certificate, &core.trust_domain, Arc::clone(&conduct))?;
    let peer = Arc::new(peer);
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
    let guarded = Guarded::of_consumer(tls, conduct);
    let calls = server::handshake(guarded, config(&core.limits)).await?;
    Ok((calls, peer))
}

async fn serve_calls<S: Stream>(
    core: &Arc<Core>,
    connection: &mut Calls<S>,
    peer: &Arc<Peer>,
    stop: &mut watch::Receiver<bool>,
    // Told as soon as it is known, and before the farewell.
    abused: impl Fn(),
) -> Result<(), Error> {
    // Every call holds a clone; when the last is dropped, nothing is in flight any more.
    let (in_flight, mut settled) = mpsc::channel::<Infallible>(1);
    let mut stopping = false;
    let mut over = None;
    let mut taken = 0;
    let mut window = core.windows.open(http2::CONNECTION_WINDOW_BYTES);
    // Listened to from here on, and not anew for each call.
    let mut revoked = std::pin::pin!(revoked(core, peer));
    let mut exceeded = std::pin::pin!(peer.conduct.exceeded());
    let mut stopped = std::pin::pin!(stop.wait_for(|stop| *stop));
    let ended = loop {
        if taken == CALLS_AT_ONCE {
            taken = 0;
            tokio::task::yield_now().await;
        }
        tokio::select! {
            // The ends first: who floods must not be able to put them off.
            biased;
            excess = &mut exceeded => {
                over = Some(excess);
                break Ok(());
            }
            _ = &mut stopped, if !stopping => {
                stopping = true;
                connection.graceful_shutdown();
            }
            // What was opened before ends in order; nothing new is taken.
            () = &mut revoked, if !stopping => {
                tracing::info!(peer = peer.proof, "certificate revoked: connection closes");
                stopping = true;
                connection.graceful_shutdown();
            }
            accepted = connection.accept() => {
                let event = match accepted {
                    None => break Ok(()),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(event)) => event,
                };
                begin(core, peer, event, &in_flight);
                if let Some(bytes) = window.widen(settled.sender_strong_count() - 1) {
                    connection.set_target_window_size(bytes);
                }
                taken += 1;
            }
        }
    };
    if let Some(cause) = abuse(&ended, over) {
        abused();
        core.metrics.shed(cause);
    }
    if let Some(excess) = over {
        tracing::info!(peer = peer.proof, excess = excess.as_str(), "told to go");
        dismiss(connection).await;
    }
    // Where the consumer is gone, its calls notice that themselves and settle as cancelled.
    drop(in_flight);
    let _none_left = settled.recv().await;
    ended
}

/// Begins a call, unless it was withdrawn: then none was made, and a flood of such calls must not fill the
/// journal.
fn begin(core: &Arc<Core>, peer: &Arc<Peer>, event: Event, in_flight: &mpsc::Sender<Infallible>) {
    match event {
        Event::Asked(request, respond) => {
            peer.conduct.earn(1);
            let incoming = Incoming::new(request, respond, in_flight.clone());
            // Boxed, because the runtime moves a task's future about several times; and made where it
            // stays, because to move it there is to copy four kilobytes that say nothing yet.
            let place = Box::new_uninit();
            let call = exchange(Arc::clone(core), Arc::clone(peer), incoming);
            tokio::spawn(Box::into_pin(Box::write(place, call)));
        }
        Event::Withdrawn(calls) => {
            core.metrics.withdrawn.inc_by(u64::from(calls));
            peer.conduct.note_withdrawn(calls);
        }
    }
}

/// What a connection was ended for, if its peer was to blame.
fn abuse(ended: &Result<(), Error>, over: Option<Excess>) -> Option<Shed> {
    let breach = |error: &Error| error.is_go_away() && error.is_library();
    match over {
        Some(excess) => Some(Shed::Conduct(excess)),
        None => ended.as_ref().is_err_and(breach).then_some(Shed::Protocol),
    }
}

/// Waits until the peer's certificate has been revoked.
async fn revoked(core: &Core, peer: &Peer) {
    match &peer.certificate {
        Some(certificate) => taken_back(core.trusted.clone(), certificate).await,
        None => std::future::pending().await,
    }
}

fn config(limits: &Limits) -> Config {
    let streams_max = usize::try_from(limits.streams_per_connection_max).unwrap_or(usize::MAX);
    Config {
        stream_window_bytes: http2::STREAM_WINDOW_BYTES,
        header_list_bytes_max: limits.header_list_bytes_max(),
        fields: http2::REQUEST_FIELDS,
        streams_max: limits.streams_per_connection_max,
        error_resets_max: http2::ERROR_RESETS_MAX,
        // Whoever stops may break off all its calls at once.
        reset_streams_max: http2::RESET_STREAMS_MAX.max(streams_max),
    }
}
