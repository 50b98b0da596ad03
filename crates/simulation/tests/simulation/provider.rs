//! A provider: speaks HTTP/2, tells the ledger of every call that it sees, and answers as the world
//! has it answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::io::DuplexStream;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::outside::{Manner, Outside};

/// Messages of an answer that trickles.
const TRICKLE: usize = 5;

pub async fn serve(outside: Outside, endpoint: String, stream: DuplexStream) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    let broken = Arc::new(Notify::new());
    loop {
        let accepted = tokio::select! {
            biased;
            () = broken.notified() => return,
            accepted = connection.accept() => accepted,
        };
        let Some(Ok((request, respond))) = accepted else {
            return;
        };
        let id = request.headers().get("ndxp-transaction-id");
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        outside.ledger().provider_saw(id);
        let manner = outside.manner();
        outside
            .trace
            .note(format!("{endpoint} sees {id}: {manner:?}"));
        tokio::spawn(answer(manner, request, respond, Arc::clone(&broken)));
    }
}

async fn answer(
    manner: Manner,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    broken: Arc<Notify>,
) {
    match manner {
        Manner::RefusesTheStream => return respond.send_reset(Reason::REFUSED_STREAM),
        Manner::Hangs => return std::future::pending().await,
        _ => {}
    }
    let received = read(request.into_body()).await;
    let messages = match manner {
        Manner::Answers { after_ms } => {
            sleep(Duration::from_millis(after_ms)).await;
            1
        }
        Manner::Fails { after_ms, status } => {
            sleep(Duration::from_millis(after_ms)).await;
            let mut only = Response::new(());
            only.headers_mut()
                .insert("grpc-status", HeaderValue::from(u16::from(status)));
            // Whoever asked may have gone.
            drop(respond.send_response(only, true));
            return;
        }
        Manner::Resets => return respond.send_reset(Reason::INTERNAL_ERROR),
        Manner::BreaksOff { after_ms } => {
            sleep(Duration::from_millis(after_ms)).await;
            return broken.notify_one();
        }
        _ => TRICKLE,
    };
    let mut head = Response::new(());
    head.headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    let Ok(mut stream) = respond.send_response(head, false) else {
        return;
    };
    for _ in 0..messages {
        if stream.send_data(message(received), false).is_err() {
            return;
        }
        if messages > 1 {
            sleep(Duration::from_millis(150)).await;
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    drop(stream.send_trailers(trailers));
}

/// A gRPC message of so many bytes.
pub fn message(bytes: usize) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + bytes);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(bytes).unwrap());
    framed.put_bytes(7, bytes);
    framed.freeze()
}

async fn read(mut body: RecvStream) -> usize {
    let mut bytes = 0;
    while let Some(Ok(chunk)) = body.data().await {
        bytes += chunk.len();
        drop(body.flow_control().release_capacity(chunk.len()));
    }
    bytes
}
