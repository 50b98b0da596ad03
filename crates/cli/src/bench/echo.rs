//! The provider of the benches: answers every gRPC message with itself, on bare h2 over mutual
//! TLS or plain TCP, so that what is measured is what stands in front of it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::runtime_of_one_thread;

const WINDOW_BYTES: u32 = 1024 * 1024;
const STREAMS_MAX: u32 = 4_096;
/// Peers of the benches are trusted: however small the pieces are that a proxy cuts messages into,
/// none is taken for a flood.
pub const DATA_FRAME_BUDGET: usize = 1 << 40;

/// Listens on a loopback port and echoes for ever.
pub async fn start(tls: Arc<ServerConfig>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(listen(listener, Some(tls)));
    Ok(address)
}

/// As [`start`], on a thread of its own: whoever calls shares no runtime with it.
///
/// Without TLS it speaks HTTP/2 on plain TCP.
pub fn start_apart(tls: Option<Arc<ServerConfig>>) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = runtime_of_one_thread()?;
    std::thread::Builder::new()
        .name("echo".to_owned())
        .spawn(move || {
            let listening = async { TcpListener::from_std(listener) };
            match runtime.block_on(listening) {
                Ok(listener) => runtime.block_on(listen(listener, tls)),
                Err(error) => tracing::error!(%error, "the echo cannot listen"),
            }
        })?;
    Ok(address)
}

async fn listen(listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
    let acceptor = tls.map(TlsAcceptor::from);
    while let Ok((tcp, _from)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(error) = connection(acceptor, tcp, answer).await {
                tracing::debug!(%error, "connection to the echo ended");
            }
        });
    }
}

/// Serves one connection, with TLS or without.
pub async fn connection<F>(
    acceptor: Option<TlsAcceptor>,
    tcp: TcpStream,
    answer: impl Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), h2::Error>> + Send + 'static,
{
    tcp.set_nodelay(true)?;
    match acceptor {
        Some(acceptor) => serve(acceptor.accept(tcp).await?, answer).await?,
        None => serve(tcp, answer).await?,
    }
    Ok(())
}

/// Serves one connection of trusted peers: each of its calls is a task.
async fn serve<F>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
) -> Result<(), h2::Error>
where
    F: Future<Output = Result<(), h2::Error>> + Send + 'static,
{
    let mut connection = h2::server::Builder::new()
        .initial_window_size(WINDOW_BYTES)
        .initial_connection_window_size(4 * WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .data_frame_budget(DATA_FRAME_BUDGET)
        .handshake(stream)
        .await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        let answering = answer(request, respond);
        tokio::spawn(async move {
            // A caller that breaks off is no news to a bench's server.
            let _broken_off = answering.await;
        });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let mut body = request.into_body();
    let mut head = Response::new(());
    head.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    let mut stream = respond.send_response(head, false)?;
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        let length = chunk.len();
        send(&mut stream, chunk, false).await?;
        body.flow_control().release_capacity(length)?;
    }
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

/// Sends a chunk as the other side makes room for it, and the end with its last piece.
pub async fn send(
    stream: &mut SendStream<Bytes>,
    mut chunk: Bytes,
    end: bool,
) -> Result<(), h2::Error> {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len());
        if stream.capacity() == 0 {
            let granted = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
            granted.transpose()?;
        }
        let piece = chunk.split_to(stream.capacity().min(chunk.len()));
        stream.send_data(piece, end && chunk.is_empty())?;
    }
    Ok(())
}
