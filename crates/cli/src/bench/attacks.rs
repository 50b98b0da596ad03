//! Consumers that do what they should not. How they fare is their affair.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderValue, Request};
use rustls::ClientConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

use super::caller::{self, connect, grpc_message, secure};

/// Calls of one attack: as many as one connection may carry, and some.
const CALLS: usize = 60;
const CONNECTIONS: usize = 60;
/// Windows of a reader that does not read.
const DEAF_WINDOW_BYTES: u32 = 1 << 30;
/// An address of this machine that no honest caller has.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);
const UPLOAD_BYTES: u32 = 1 << 20;

#[derive(Clone, Copy, Debug)]
pub enum Attack {
    /// Answers of megabytes that nobody reads off the socket.
    Deaf,
    /// Answers in single bytes that nobody reads.
    DeafToDrips,
    /// Requests of megabytes to a provider that does not read.
    Upload,
    /// Calls to a provider that does not answer.
    Hang,
    /// Calls that are begun and broken off.
    Resets,
    /// TLS handshakes that are begun and left.
    HalfOpen,
    /// Connections that come and go.
    Churn,
    /// Metadata beyond the limit, and answers with such.
    LargeHeaders,
    /// Calls that the provider resets, or ends with its connection.
    Broken,
}

pub const ALL: [Attack; 9] = [
    Attack::Deaf,
    Attack::DeafToDrips,
    Attack::Upload,
    Attack::Hang,
    Attack::Resets,
    Attack::HalfOpen,
    Attack::Churn,
    Attack::LargeHeaders,
    Attack::Broken,
];

pub struct Attacker {
    tls: Arc<ClientConfig>,
    provider: &'static str,
}

impl Attacker {
    pub fn new(tls: Arc<ClientConfig>, provider: &'static str) -> Self {
        Self { tls, provider }
    }

    /// Attacks once, and keeps it up for as long as `held` where that says anything.
    pub async fn make(
        &self,
        attack: Attack,
        exchange: SocketAddr,
        held: Duration,
    ) -> anyhow::Result<()> {
        match attack {
            Attack::Deaf => self.be_deaf(exchange, "Pour", held).await,
            Attack::DeafToDrips => self.be_deaf(exchange, "Drip", held).await,
            Attack::Upload => {
                let sender = connect(exchange, &self.tls).await?;
                let message = grpc_message(UPLOAD_BYTES);
                let calls = self.begin(&sender, "Hang", &message).await;
                tokio::time::sleep(held).await;
                drop(calls);
                Ok(())
            }
            Attack::Hang => self.hold(exchange, "Hang", held).await,
            Attack::Resets => self.hold(exchange, "Hang", Duration::ZERO).await,
            Attack::Broken => {
                self.hold(exchange, "Reset", held).await?;
                self.hold(exchange, "Vanish", held).await
            }
            Attack::LargeHeaders => {
                self.hold(exchange, "LargeHeaders", held).await?;
                let sender = connect(exchange, &self.tls).await?;
                let mut request = request("Echo", self.provider);
                let large = HeaderValue::from_bytes(&[b'x'; 30_000])?;
                request.headers_mut().insert("x-large", large);
                let mut sender = sender.ready().await?;
                let (answer, _stream) = sender.send_request(request, true)?;
                drop(answer.await?);
                Ok(())
            }
            Attack::HalfOpen => leave_half_open(exchange, CONNECTIONS, held).await,
            Attack::Churn => {
                for _ in 0..CONNECTIONS {
                    drop(connect(exchange, &self.tls).await?);
                }
                Ok(())
            }
        }
    }

    /// Begins calls and waits, without breaking them off before the time is over.
    async fn hold(&self, exchange: SocketAddr, method: &str, held: Duration) -> anyhow::Result<()> {
        let sender = connect(exchange, &self.tls).await?;
        let calls = self.begin(&sender, method, &grpc_message(256)).await;
        tokio::time::sleep(held).await;
        drop(calls);
        Ok(())
    }

    /// Begins calls and leaves the socket unread.
    async fn be_deaf(
        &self,
        exchange: SocketAddr,
        method: &str,
        held: Duration,
    ) -> anyhow::Result<()> {
        let tls = secure(exchange, &self.tls).await?;
        let (sender, mut connection) = h2::client::Builder::new()
            .initial_window_size(DEAF_WINDOW_BYTES)
            .initial_connection_window_size(DEAF_WINDOW_BYTES)
            .handshake::<_, Bytes>(tls)
            .await?;
        let message = grpc_message(0);
        let begun = self.begin(&sender, method, &message);
        let calls = tokio::select! {
            calls = begun => calls,
            ended = &mut connection => return Ok(ended?),
        };
        // Long enough to send what was begun.
        let _going = tokio::time::timeout(Duration::from_millis(20), &mut connection).await;
        tokio::time::sleep(held).await;
        drop((calls, connection));
        Ok(())
    }

    /// As many calls as the connection takes; they are broken off when dropped.
    async fn begin(
        &self,
        sender: &SendRequest<Bytes>,
        method: &str,
        message: &Bytes,
    ) -> Vec<impl Sized + use<>> {
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            let begun = async {
                let mut sender = sender.clone().ready().await?;
                let (answer, mut stream) =
                    sender.send_request(request(method, self.provider), false)?;
                stream.send_data(message.clone(), true)?;
                anyhow::Ok((answer, stream))
            };
            // A connection that is full takes no more.
            let begun = tokio::time::timeout(Duration::from_millis(50), begun).await;
            let Ok(Ok(call)) = begun.context("full") else {
                break;
            };
            calls.push(call);
        }
        calls
    }
}

/// Begins so many TLS handshakes and leaves them.
pub async fn leave_half_open(
    exchange: SocketAddr,
    connections: usize,
    held: Duration,
) -> anyhow::Result<()> {
    let mut open = Vec::new();
    for _ in 0..connections {
        // From elsewhere: the hub makes room at the cost of the address that crowds.
        let socket = TcpSocket::new_v4()?;
        socket.bind(ELSEWHERE)?;
        let mut tcp = socket.connect(exchange).await?;
        // A handshake record of 512 bytes, of which five come.
        tcp.write_all(&[22, 3, 1, 2, 0]).await?;
        open.push(tcp);
    }
    tokio::time::sleep(held).await;
    Ok(())
}

/// A call that gives up by itself after a while.
pub fn request(method: &str, provider: &'static str) -> Request<()> {
    let mut request = caller::request(&format!("/ndxp.bench.v1.Echo/{method}"));
    let headers = request.headers_mut();
    headers.insert("ndxp-provider", HeaderValue::from_static(provider));
    headers.insert("grpc-timeout", HeaderValue::from_static("5S"));
    request
}
