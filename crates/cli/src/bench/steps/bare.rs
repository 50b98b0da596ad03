//! A relay that only passes on: HTTP/2 on one side, HTTP/2 on the other, and nothing that knows what
//! a call is. What remains when every step of the exchange is left out, with or without TLS. It is h2 as
//! it comes: nothing joins small frames for it, as the gateway does.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use rustls::{ClientConfig, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::bench::{caller, echo};

/// What it shows and trusts on either side.
#[derive(Clone)]
pub struct Secured {
    pub consumers: Arc<ServerConfig>,
    pub provider: Arc<ClientConfig>,
}

/// Serves one core; its calls share one connection to the provider, as those of the hub do up to
/// 250 at once.
pub async fn serve(listener: TcpListener, provider: SocketAddr, secured: Option<Secured>) {
    if let Err(error) = accept(listener, provider, secured).await {
        eprintln!("a core of the bare relay ended: {error:#}");
    }
}

async fn accept(
    listener: TcpListener,
    provider: SocketAddr,
    secured: Option<Secured>,
) -> anyhow::Result<()> {
    let upstream = match &secured {
        Some(secured) => caller::connect(provider, &secured.provider).await?,
        None => caller::connect_plain(provider).await?,
    };
    let acceptor = secured.map(|secured| TlsAcceptor::from(secured.consumers));
    loop {
        let (tcp, _from) = listener.accept().await?;
        let upstream = upstream.clone();
        let passing = move |request, respond| Box::pin(pass(request, respond, upstream.clone()));
        tokio::spawn(echo::connection(acceptor.clone(), tcp, passing));
    }
}

/// Both directions of a call, at once.
async fn pass(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    upstream: SendRequest<Bytes>,
) -> Result<(), h2::Error> {
    let mut upstream = upstream.ready().await?;
    let (head, body) = request.into_parts();
    let ended = body.is_end_stream();
    let (answer, out) = upstream.send_request(Request::from_parts(head, ()), ended)?;
    let there = carry(body, out, ended);
    let back = async {
        let (head, body) = answer.await?.into_parts();
        let ended = body.is_end_stream();
        let out = respond.send_response(Response::from_parts(head, ()), ended)?;
        carry(body, out, ended).await
    };
    tokio::try_join!(there, back)?;
    Ok(())
}

/// One direction, with its end or its trailers, unless it `ended` with its head.
async fn carry(
    mut body: RecvStream,
    mut out: SendStream<Bytes>,
    ended: bool,
) -> Result<(), h2::Error> {
    if ended {
        return Ok(());
    }
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        let (length, last) = (chunk.len(), body.is_end_stream() && !chunk.is_empty());
        echo::send(&mut out, chunk, last).await?;
        body.flow_control().release_capacity(length)?;
        if last {
            return Ok(());
        }
    }
    match body.trailers().await? {
        Some(trailers) => out.send_trailers(trailers),
        None => out.send_data(Bytes::new(), true),
    }
}
