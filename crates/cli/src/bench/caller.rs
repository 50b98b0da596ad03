//! The consumer of the benches: a fixed number of calls in flight over a few connections, each
//! answer checked, each duration kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use ndxp_model::TransactionId;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::catalogue::PATH;
use super::echo::DATA_FRAME_BUDGET;

/// What is called, and how hard.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    /// What is shown and trusted; without it, HTTP/2 is spoken on plain TCP.
    pub tls: Option<Arc<ClientConfig>>,
    pub path: &'static str,
    pub calls_in_flight: usize,
    pub connections: usize,
    pub message_bytes: u32,
    /// Calls a second in all; without it, a call begins as soon as the one before it has ended.
    pub pace: Option<f64>,
    pub warm_up: Duration,
    pub measured: Duration,
}

/// The load that is meant to keep every core busy.
pub const FULL: &str = "256 B unary, 512 in flight";
pub const FULL_MESSAGE_BYTES: u32 = 256;
const FULL_CONNECTIONS: usize = 32;
const FULL_CALLS_IN_FLIGHT: usize = 16 * FULL_CONNECTIONS;

impl Load {
    /// As much as can be carried: 256-byte calls, 16 at once on each of 32 connections.
    pub fn full(address: SocketAddr, tls: Option<Arc<ClientConfig>>, measured: Duration) -> Self {
        Self {
            address,
            tls,
            path: PATH,
            calls_in_flight: FULL_CALLS_IN_FLIGHT,
            connections: FULL_CONNECTIONS,
            message_bytes: FULL_MESSAGE_BYTES,
            pace: None,
            warm_up: Duration::from_secs(1),
            measured,
        }
    }

    /// One connection of it.
    pub async fn connect(&self) -> anyhow::Result<SendRequest<Bytes>> {
        match &self.tls {
            Some(tls) => connect(self.address, tls).await,
            None => connect_plain(self.address).await,
        }
    }
}

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Run {
    pub calls: u64,
    pub elapsed: Duration,
    /// Durations of the measured calls, sorted.
    durations_us: Vec<u32>,
}

impl Run {
    #[must_use]
    pub fn calls_per_second(&self) -> f64 {
        self.calls as f64 / self.elapsed.as_secs_f64()
    }

    /// The duration that `share` of the calls did not exceed, microseconds.
    #[must_use]
    pub fn quantile_us(&self, share: f64) -> u32 {
        let rank = (self.durations_us.len() as f64 * share).ceil() as usize;
        self.durations_us
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or(0)
    }
}

/// Runs the load; every answer must be a gRPC answer with status 0 and the message sent.
///
/// `on_measured` is called when the warm-up is over and again when the measured time is.
pub async fn run(load: &Load, mut on_measured: impl FnMut()) -> anyhow::Result<Run> {
    let mut senders = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        senders.push(load.connect().await?);
    }
    let message = grpc_message(load.message_bytes);
    let (measuring, stop) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let ticks = Ticks::of(load);
    let workers: Vec<_> = (0_u32..)
        .zip(senders.iter().cycle())
        .take(load.calls_in_flight)
        .map(|(place, sender)| {
            let worker = Worker {
                sender: sender.clone(),
                request: request(load.path),
                ticks: ticks.clone().map(|ticks| ticks.of_worker(place)),
                message: message.clone(),
                measuring: Arc::clone(&measuring),
                stop: Arc::clone(&stop),
            };
            tokio::spawn(worker.call_until_stopped())
        })
        .collect();
    tokio::time::sleep(load.warm_up).await;
    on_measured();
    measuring.store(true, Ordering::Relaxed);
    let started = Instant::now();
    tokio::time::sleep(load.measured).await;
    measuring.store(false, Ordering::Relaxed);
    let elapsed = started.elapsed();
    on_measured();
    stop.store(true, Ordering::Relaxed);
    let mut durations_us = Vec::new();
    for worker in workers {
        durations_us.append(&mut worker.await??);
    }
    durations_us.sort_unstable();
    Ok(Run {
        calls: durations_us.len() as u64,
        elapsed,
        durations_us,
    })
}

struct Worker {
    sender: SendRequest<Bytes>,
    request: Request<()>,
    ticks: Option<Ticks>,
    message: Bytes,
    measuring: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    async fn call_until_stopped(mut self) -> anyhow::Result<Vec<u32>> {
        let mut durations_us = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let started = match &mut self.ticks {
                Some(ticks) => ticks.next().await,
                None => Instant::now(),
            };
            call(&self.sender, &self.request, &self.message).await?;
            if self.measuring.load(Ordering::Relaxed) {
                let took = u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX);
                durations_us.push(took);
            }
        }
        Ok(durations_us)
    }
}

/// RESOURCE_EXHAUSTED: the call was refused before anybody saw it, and may be repeated.
#[derive(Debug, thiserror::Error)]
#[error("a call was refused: {0:?}")]
pub struct Overloaded(HeaderMap);

/// A call that was answered as it should be.
pub struct Answered {
    /// From when its connection had room for it.
    pub took: Duration,
    /// As a hub named it.
    pub transaction: Option<TransactionId>,
}

/// One call, and every check of its answer.
pub async fn call(
    sender: &SendRequest<Bytes>,
    request: &Request<()>,
    message: &Bytes,
) -> anyhow::Result<Answered> {
    let mut sender = sender.clone().ready().await?;
    let (answer, mut stream) = sender.send_request(request.clone(), false)?;
    stream.send_data(message.clone(), true)?;
    // Ready again once the connection has had room for this one.
    let _sender = sender.ready().await?;
    let since = Instant::now();
    let (head, mut body) = answer.await?.into_parts();
    let kind = head.headers.get(http::header::CONTENT_TYPE);
    // A status in the headers is that of an answer without a message.
    if head.headers.get("grpc-status").is_some_and(|it| it == "8") {
        return Err(Overloaded(head.headers).into());
    }
    let plain = kind.is_some_and(is_grpc) && !head.headers.contains_key("grpc-status");
    ensure!(
        head.status == StatusCode::OK && plain,
        "an answer began with {:?} {:?}",
        head.status,
        head.headers
    );
    let mut rest: &[u8] = message;
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        rest = rest
            .strip_prefix(&*chunk)
            .context("an answer is not the message that was sent")?;
        body.flow_control().release_capacity(chunk.len())?;
    }
    ended_well(&mut body).await?;
    ensure!(
        rest.is_empty(),
        "an answer ended {} bytes early",
        rest.len()
    );
    let transaction = head.headers.get("ndxp-transaction-id");
    Ok(Answered {
        took: since.elapsed(),
        transaction: transaction
            .map(|id| anyhow::Ok(id.to_str()?.parse()?))
            .transpose()?,
    })
}

fn is_grpc(kind: &HeaderValue) -> bool {
    kind.as_bytes().starts_with(b"application/grpc")
}

/// What is behind the messages of an answer: gRPC status 0.
pub async fn ended_well(body: &mut RecvStream) -> anyhow::Result<()> {
    let trailers = body
        .trailers()
        .await?
        .context("an answer came without trailers")?;
    let status = trailers.get("grpc-status").map(HeaderValue::as_bytes);
    ensure!(status == Some(b"0"), "an answer ended with {trailers:?}");
    Ok(())
}

/// When the calls of one worker are due.
#[derive(Clone)]
struct Ticks {
    due: Instant,
    every: Duration,
    workers: u32,
}

impl Ticks {
    fn of(load: &Load) -> Option<Self> {
        let workers = u32::try_from(load.calls_in_flight).ok()?;
        Some(Self {
            due: Instant::now(),
            every: Duration::from_secs_f64(f64::from(workers) / load.pace?),
            workers,
        })
    }

    /// Workers take turns within the time that each has for one call.
    fn of_worker(mut self, place: u32) -> Self {
        self.due += self.every * place / self.workers;
        self
    }

    /// When the next call began to count: when it was due if that is over, so that an answer
    /// which is late makes the calls behind it late, too.
    async fn next(&mut self) -> Instant {
        let due = self.due;
        self.due += self.every;
        if due < Instant::now() {
            return due;
        }
        tokio::time::sleep_until(due.into()).await;
        Instant::now()
    }
}

/// A connection that carries calls; it ends when its last sender is gone.
pub async fn connect(
    address: SocketAddr,
    tls: &Arc<ClientConfig>,
) -> anyhow::Result<SendRequest<Bytes>> {
    speak(secure(address, tls).await?).await
}

/// As [`connect`], on plain TCP.
pub async fn connect_plain(address: SocketAddr) -> anyhow::Result<SendRequest<Bytes>> {
    speak(tcp(address).await?).await
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> anyhow::Result<SendRequest<Bytes>> {
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(1024 * 1024)
        .initial_connection_window_size(16 * 1024 * 1024)
        .data_frame_budget(DATA_FRAME_BUDGET)
        .handshake(stream)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a bench connection ended");
        }
    });
    Ok(sender.ready().await?)
}

/// A connection with TLS and nothing on it yet.
pub async fn secure(
    address: SocketAddr,
    tls: &Arc<ClientConfig>,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let tcp = tcp(address).await?;
    let name = ServerName::try_from("localhost").context("localhost is a name")?;
    Ok(TlsConnector::from(Arc::clone(tls))
        .connect(name, tcp)
        .await?)
}

async fn tcp(address: SocketAddr) -> std::io::Result<TcpStream> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

pub fn request(path: &str) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = format!("https://localhost{path}")
        .parse()
        .unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    request
}

pub fn grpc_message(bytes: u32) -> Bytes {
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(bytes);
    message.resize(message.len() + bytes as usize, 0x5a);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use http::Response;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::bench::hub::Grounds;

    /// Calls a server that answers each call with this message and status.
    async fn called(answer: Bytes, status: &'static str) -> anyhow::Result<u64> {
        let grounds = Grounds::prepare()?;
        let (tls, server) = grounds.system("G01/population")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (tcp, _from) = listener.accept().await.unwrap();
            let tls = TlsAcceptor::from(server).accept(tcp).await.unwrap();
            let mut connection = h2::server::handshake(tls).await.unwrap();
            while let Some(Ok((_request, mut respond))) = connection.accept().await {
                let head = Response::builder().header("content-type", "application/grpc");
                let head = head.body(()).unwrap();
                let mut stream = respond.send_response(head, false).unwrap();
                stream.send_data(answer.clone(), false).unwrap();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from_static(status));
                stream.send_trailers(trailers).unwrap();
            }
        });
        let load = Load {
            address,
            tls: Some(tls),
            path: PATH,
            calls_in_flight: 1,
            connections: 1,
            message_bytes: 3,
            pace: None,
            warm_up: Duration::ZERO,
            measured: Duration::from_millis(1),
        };
        Ok(run(&load, || ()).await?.calls)
    }

    #[tokio::test]
    async fn a_run_in_which_a_call_fails_has_no_figures() {
        let sent = grpc_message(3);
        called(sent.clone(), "0").await.unwrap();
        let cases = [
            (sent.clone(), "13", "an answer ended with"),
            (sent.slice(..4), "0", "bytes early"),
            (
                Bytes::from_static(b"\0\0\0\0\x03ZZY"),
                "0",
                "not the message",
            ),
            (
                [&sent[..], &sent[..]].concat().into(),
                "0",
                "not the message",
            ),
        ];
        for (answer, status, wanted) in cases {
            let error = called(answer, status).await.unwrap_err();
            assert!(error.to_string().contains(wanted), "{wanted}: {error:?}");
        }
    }
}
