//! Connections of the control port: TLS handshakes beside each other, bounded in number and
//! time, so that one that stays half open keeps nobody waiting.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use ndxp_gateway::identity::{self, IdentityError};
use ndxp_gateway::trust::CertificateKey;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::access::ControlPeer;
use crate::accept::{Door, Place};

/// How connections come in.
pub struct Incoming {
    pub tls: Arc<ArcSwap<ServerConfig>>,
    pub trust_domain: Arc<str>,
    pub connections_max: usize,
    pub handshakes_max: usize,
    pub handshake_max: Duration,
}

/// A connection whose other end has proved who it is.
pub struct ControlStream {
    stream: TlsStream<TcpStream>,
    peer: ControlPeer,
    _place: Place,
}

/// Why a connection was closed before its first call.
#[derive(Debug, thiserror::Error)]
enum NotIdentified {
    #[error("TLS: {0}")]
    Tls(#[from] io::Error),
    #[error("the handshake took longer than {0:?}")]
    TooSlow(Duration),
    #[error("the peer did not ask for HTTP/2 (ALPN h2)")]
    NotHttp2,
    #[error("the peer showed no certificate")]
    NoCertificate,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Connections that have shaken hands and wait for the server to take them.
const READY_MAX: usize = 16;

impl Incoming {
    /// Accepts until the receiver is dropped.
    pub fn start(self, listener: TcpListener) -> mpsc::Receiver<io::Result<ControlStream>> {
        let (ready, taken) = mpsc::channel(READY_MAX);
        tokio::spawn(async move {
            let closed = ready.clone();
            tokio::select! {
                () = closed.closed() => {}
                () = self.accept(listener, ready) => {}
            }
        });
        taken
    }

    async fn accept(self, listener: TcpListener, ready: mpsc::Sender<io::Result<ControlStream>>) {
        let door = Door::new(listener, "control", self.connections_max);
        let incoming = Arc::new(self);
        let mut handshakes = JoinSet::new();
        loop {
            let (tcp, place) = door.next().await;
            while handshakes.try_join_next().is_some() {}
            if handshakes.len() >= incoming.handshakes_max {
                tracing::warn!(port = "control", "connection above handshakes_max closed");
                continue;
            }
            let (incoming, ready) = (Arc::clone(&incoming), ready.clone());
            handshakes.spawn(async move {
                match incoming.identify(tcp, place).await {
                    // A closed channel is a server that has stopped.
                    Ok(stream) => drop(ready.send(Ok(stream)).await),
                    Err(reason) => {
                        tracing::info!(port = "control", %reason, "handshake failed");
                    }
                }
            });
        }
    }

    async fn identify(&self, tcp: TcpStream, place: Place) -> Result<ControlStream, NotIdentified> {
        tcp.set_nodelay(true)?;
        let handshake = TlsAcceptor::from(self.tls.load_full()).accept(tcp);
        let stream = tokio::time::timeout(self.handshake_max, handshake)
            .await
            .map_err(|_| NotIdentified::TooSlow(self.handshake_max))??;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(b"h2") {
            return Err(NotIdentified::NotHttp2);
        }
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.ok_or(NotIdentified::NoCertificate)?;
        let peer = peer(certificate, &self.trust_domain)?;
        Ok(ControlStream {
            stream,
            peer,
            _place: place,
        })
    }
}

fn peer(certificate: &[u8], trust_domain: &str) -> Result<ControlPeer, IdentityError> {
    let (identity, fingerprint) = identity::read(certificate, trust_domain)?;
    let actor = identity.uri(trust_domain).unwrap_or_else(|| {
        let digits = fingerprint.iter().map(|byte| format!("{byte:02x}"));
        format!("sha256:{}", digits.collect::<String>())
    });
    Ok(ControlPeer {
        identity,
        fingerprint,
        actor: actor.into(),
        certificate: CertificateKey::of(certificate),
    })
}

impl Connected for ControlStream {
    type ConnectInfo = ControlPeer;

    fn connect_info(&self) -> ControlPeer {
        self.peer.clone()
    }
}

impl AsyncRead for ControlStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ControlStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
