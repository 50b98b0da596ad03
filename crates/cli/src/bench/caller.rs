//! The consumer of the benches: a fixed number of calls in flight over a few connections, each
//! answer checked, each duration kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderValue, Method, Request, Version};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What is called, and how hard.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub tls: Arc<ClientConfig>,
    pub path: &'static str,
    pub calls_in_flight: usize,
    pub connections: usize,
    pub message_bytes: u32,
    pub warm_up: Duration,
    pub measured: Duration,
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
        senders.push(connect(load).await?);
    }
    let message = grpc_message(load.message_bytes);
    let (measuring, stop) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let workers: Vec<_> = (0..load.calls_in_flight)
        .zip(senders.iter().cycle())
        .map(|(_, sender)| {
            let worker = Worker {
                sender: sender.clone(),
                request: request(load),
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
    message: Bytes,
    measuring: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    async fn call_until_stopped(self) -> anyhow::Result<Vec<u32>> {
        let mut durations_us = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let started = Instant::now();
            self.call().await?;
            if self.measuring.load(Ordering::Relaxed) {
                let took = u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX);
                durations_us.push(took);
            }
        }
        Ok(durations_us)
    }

    async fn call(&self) -> anyhow::Result<()> {
        let mut sender = self.sender.clone().ready().await?;
        let (answer, mut stream) = sender.send_request(self.request.clone(), false)?;
        stream.send_data(self.message.clone(), true)?;
        let mut body = answer.await?.into_body();
        let mut bytes = 0;
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            bytes += chunk.len();
            body.flow_control().release_capacity(chunk.len())?;
        }
        let trailers = body
            .trailers()
            .await?
            .context("an answer came without trailers")?;
        let status = trailers.get("grpc-status").map(HeaderValue::as_bytes);
        ensure!(
            status == Some(b"0") && bytes == self.message.len(),
            "an answer of {bytes} bytes came with {trailers:?}"
        );
        Ok(())
    }
}

async fn connect(load: &Load) -> anyhow::Result<SendRequest<Bytes>> {
    let tcp = TcpStream::connect(load.address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").context("localhost is a name")?;
    let tls = TlsConnector::from(Arc::clone(&load.tls))
        .connect(name, tcp)
        .await?;
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(1024 * 1024)
        .initial_connection_window_size(16 * 1024 * 1024)
        .handshake(tls)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a bench connection ended");
        }
    });
    Ok(sender.ready().await?)
}

fn request(load: &Load) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = format!("https://localhost{}", load.path)
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

fn grpc_message(bytes: u32) -> Bytes {
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(bytes);
    message.resize(message.len() + bytes as usize, 0x5a);
    message.freeze()
}
