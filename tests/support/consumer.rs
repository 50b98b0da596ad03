//! A consumer on the bare wire: one HTTP/2 connection to the hub over mutual TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{self, ResponseFuture, SendRequest};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::call::{Answer, Call};
use super::credentials::Credentials;
use super::hub::Hub;
use super::wait::within;

pub struct Consumer {
    send: SendRequest<Bytes>,
    /// Ends with the connection: in order after a GOAWAY, or with what broke it.
    pub connection: JoinHandle<Result<(), h2::Error>>,
}

impl Consumer {
    pub async fn connect(hub: &Hub, credentials: &Credentials) -> Self {
        let connected = Self::try_connect(hub.exchange(), credentials).await;
        connected.expect("the hub takes the connection")
    }

    /// # Errors
    /// When the hub is not there, or ends the connection before a call can be made.
    pub async fn try_connect(hub: SocketAddr, credentials: &Credentials) -> anyhow::Result<Self> {
        let stream = within("a TLS handshake", dial(hub, credentials.client())).await?;
        let (send, connection) = client::Builder::new()
            .max_header_list_size(256 * 1024)
            .handshake(stream)
            .await?;
        Ok(Self {
            send: send.ready().await?,
            connection: tokio::spawn(connection),
        })
    }

    /// Sends the head of a call.
    ///
    /// # Errors
    /// When the connection takes no more calls.
    pub async fn open(
        &self,
        call: &Call,
        ends: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut send = within("a place for a call", self.send.clone().ready()).await?;
        send.send_request(call.request(), ends)
    }

    /// A call with this body, and its whole answer.
    ///
    /// # Errors
    /// When the call is reset, or its connection lost.
    pub async fn try_call(&self, call: &Call, body: Bytes) -> Result<Answer, h2::Error> {
        let (answer, mut upload) = self.open(call, body.is_empty()).await?;
        if !body.is_empty() {
            // The answer may be there before the body is: it says why.
            let _answered = upload.send_data(body, true);
        }
        within("an answer", async { Answer::read(answer.await?).await }).await
    }

    pub async fn call(&self, call: &Call, body: Bytes) -> Answer {
        let answer = self.try_call(call, body).await;
        answer.unwrap_or_else(|error| panic!("{call:?} was broken off: {error}"))
    }
}

/// TCP, then TLS as configured.
///
/// # Errors
/// As the machine or the peer says.
pub async fn dial(
    address: SocketAddr,
    tls: ClientConfig,
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    dial_from(Ipv4Addr::UNSPECIFIED, address, tls).await
}

/// As [`dial`], from an address of this machine's own network.
///
/// # Errors
/// As the machine or the peer says.
pub async fn dial_from(
    from: Ipv4Addr,
    address: SocketAddr,
    tls: ClientConfig,
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let tcp = socket.connect(address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").expect("it is a name");
    TlsConnector::from(Arc::new(tls)).connect(name, tcp).await
}
