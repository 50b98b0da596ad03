//! A provider that does what the called method is named after, for as long as the call lasts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderValue, Request, Response};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a poured answer is in all, and its pieces.
const POURED_BYTES: usize = 4 << 20;
const PIECE_BYTES: usize = 16 << 10;
/// Single bytes of an answer that drips.
const DRIPPED_BYTES: usize = 20_000;
/// A call that is left hanging is not for ever.
const HANGS: Duration = Duration::from_secs(20);

/// Listens on a loopback port.
pub async fn start(tls: Arc<ServerConfig>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(tls);
    tokio::spawn(async move {
        while let Ok((tcp, _from)) = listener.accept().await {
            tokio::spawn(connection(acceptor.clone(), tcp));
        }
    });
    Ok(address)
}

async fn connection(acceptor: TlsAcceptor, tcp: TcpStream) {
    let Ok(tls) = acceptor.accept(tcp).await else {
        return;
    };
    let Ok(mut connection) = h2::server::handshake(tls).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        if request.uri().path().ends_with("/Vanish") {
            return;
        }
        tokio::spawn(async move {
            // Whoever breaks off has had enough of it.
            let _broken_off = misbehave(request, respond).await;
        });
    }
}

async fn misbehave(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default();
    match method {
        "Reset" => respond.send_reset(h2::Reason::INTERNAL_ERROR),
        "Pour" => pour(respond, POURED_BYTES, PIECE_BYTES).await?,
        "Drip" => pour(respond, DRIPPED_BYTES, 1).await?,
        "LargeHeaders" => {
            let large = HeaderValue::from_bytes(&[b'x'; 40_000]);
            let mut head = begin();
            if let Ok(large) = large {
                head.headers_mut().insert("x-large", large);
            }
            respond.send_response(head, true)?;
        }
        // Hang, and whatever else: neither read nor answered.
        _ => {
            let gone = std::future::poll_fn(|cx| respond.poll_reset(cx));
            let _either = tokio::time::timeout(HANGS, gone).await;
        }
    }
    Ok(())
}

async fn pour(
    mut respond: SendResponse<Bytes>,
    bytes: usize,
    piece_bytes: usize,
) -> Result<(), h2::Error> {
    let mut stream = respond.send_response(begin(), false)?;
    let mut message = vec![0; 5 + bytes];
    let length = u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(prefix) = message.get_mut(1..5) {
        prefix.copy_from_slice(&length);
    }
    let mut rest = Bytes::from(message);
    while !rest.is_empty() {
        send(&mut stream, rest.split_to(piece_bytes.min(rest.len()))).await?;
    }
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

async fn send(stream: &mut SendStream<Bytes>, mut rest: Bytes) -> Result<(), h2::Error> {
    while !rest.is_empty() {
        stream.reserve_capacity(rest.len());
        let room = match stream.capacity() {
            0 => match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(room) => room?,
                None => return Ok(()),
            },
            room => room,
        };
        stream.send_data(rest.split_to(room.min(rest.len())), false)?;
    }
    Ok(())
}

fn begin() -> Response<()> {
    let mut head = Response::new(());
    head.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    head
}
