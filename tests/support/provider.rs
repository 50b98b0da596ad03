//! A provider: TLS on a port of this machine, open to the hub's certificate alone, on a runtime
//! of its own that can die at any moment.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{RecvStream, SendStream};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;

use super::credentials::Credentials;
use super::hub::Hub;

type Connection = TlsStream<TcpStream>;

/// The hub brings many consumers' calls over one connection: room for several that are stalled.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;

pub struct Provider {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

/// A call as it reached the provider.
pub struct Exchange {
    pub head: Parts,
    pub body: RecvStream,
    pub respond: SendResponse<Bytes>,
}

impl Provider {
    /// Serves every call with the handler, on the bare wire.
    pub fn serve<F>(
        hub: &Hub,
        credentials: &Credentials,
        handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::serve_at(([127, 0, 0, 1], 0).into(), hub, credentials, handler)
    }

    /// The same at a given address.
    pub fn serve_at<F>(
        address: SocketAddr,
        hub: &Hub,
        credentials: &Credentials,
        handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(
            address,
            hub,
            credentials,
            move |mut connections| async move {
                while let Some(Ok(connection)) = connections.recv().await {
                    tokio::spawn(calls(connection, handler.clone()));
                }
            },
        )
    }

    /// Serves every connection with the handler, frame by frame.
    pub fn serve_connections<F>(
        hub: &Hub,
        credentials: &Credentials,
        handler: impl Fn(Connection) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let anywhere = ([127, 0, 0, 1], 0).into();
        Self::start(
            anywhere,
            hub,
            credentials,
            move |mut connections| async move {
                while let Some(Ok(connection)) = connections.recv().await {
                    tokio::spawn(handler(connection));
                }
            },
        )
    }

    /// Serves gRPC services.
    pub fn serve_services(hub: &Hub, credentials: &Credentials, routes: Routes) -> Self {
        let anywhere = ([127, 0, 0, 1], 0).into();
        Self::start(anywhere, hub, credentials, move |connections| async move {
            let served = tonic::transport::Server::builder()
                .add_routes(routes)
                .serve_with_incoming(ReceiverStream::new(connections));
            served.await.expect("a provider serves until it dies");
        })
    }

    fn start<F>(
        address: SocketAddr,
        hub: &Hub,
        credentials: &Credentials,
        serve: impl FnOnce(mpsc::Receiver<std::io::Result<Connection>>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).expect("a port is free");
        listener.set_nonblocking(true).expect("it can be asked");
        let address = listener.local_addr().expect("it is bound");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let (accepted, connections) = mpsc::channel(16);
        let hubs = hub.credentials();
        runtime.spawn(accept(listener, credentials.server(), hubs, accepted));
        runtime.spawn(serve(connections));
        Self {
            address,
            runtime: Some(runtime),
        }
    }

    /// Everything ends at once; its connections are closed without a word.
    pub fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.die();
    }
}

async fn accept(
    listener: TcpListener,
    tls: ServerConfig,
    hubs: Credentials,
    accepted: mpsc::Sender<std::io::Result<Connection>>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the runtime takes it");
    let tls = TlsAcceptor::from(Arc::new(tls));
    loop {
        let (tcp, _) = listener.accept().await.expect("a connection comes");
        tcp.set_nodelay(true).expect("it can be asked");
        // A handshake that the hub breaks off is the hub's affair.
        let Ok(connection) = tls.accept(tcp).await else {
            continue;
        };
        let shown = connection.get_ref().1.peer_certificates();
        // The hub's certificate may be renewed while the provider serves.
        let renewed = Credentials::read(&hubs.folder).chain();
        let hubs = [hubs.chain(), renewed].map(Some);
        assert!(
            hubs.contains(&shown.map(<[_]>::to_vec)),
            "somebody else than the hub connects: {shown:?}"
        );
        if accepted.send(Ok(connection)).await.is_err() {
            return;
        }
    }
}

async fn calls<F>(connection: Connection, handler: impl Fn(Exchange) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let handshake = server::Builder::new()
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .handshake(connection);
    let Ok(mut connection) = handshake.await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (head, body) = request.into_parts();
        tokio::spawn(handler(Exchange {
            head,
            body,
            respond,
        }));
    }
}

/// Headers of an answer that goes on.
pub fn headers() -> Response<()> {
    let mut response = Response::new(());
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", kind);
    response
}

/// Trailers of an answer.
pub fn trailers(status: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    trailers
}

/// Sends back what comes, as it comes, and `OK` behind it.
pub async fn echo(mut exchange: Exchange) {
    let Ok(mut answer) = exchange.respond.send_response(headers(), false) else {
        return;
    };
    while let Some(Ok(chunk)) = exchange.body.data().await {
        let bytes = chunk.len();
        if send(&mut answer, chunk).await.is_none() {
            return;
        }
        // An error means that the stream is over, and its window with it.
        let _over = exchange.body.flow_control().release_capacity(bytes);
    }
    // The caller may have gone meanwhile.
    let _gone = answer.send_trailers(trailers("0"));
}

/// Sends within the receiver's window; `None` when the stream is over.
pub async fn send(to: &mut SendStream<Bytes>, mut chunk: Bytes) -> Option<()> {
    while !chunk.is_empty() {
        to.reserve_capacity(chunk.len());
        let room = std::future::poll_fn(|cx| to.poll_capacity(cx))
            .await?
            .ok()?;
        to.send_data(chunk.split_to(room.min(chunk.len())), false)
            .ok()?;
    }
    Some(())
}
