//! A consumer's call: sent, perhaps taken back, and its end told to the ledger.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request};
use tokio::time::timeout;

use crate::outside::Outside;
use crate::provider::message;

/// What a seed has decided of one call.
#[derive(Clone, Debug)]
pub struct Plan {
    pub request: String,
    pub provider: Option<&'static str>,
    pub path: &'static str,
    pub timeout_ms: u64,
    pub bytes: usize,
    pub test: bool,
    /// Taken back after so long.
    pub patience_ms: Option<u64>,
}

/// How a call ended, as its consumer saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ending {
    Status {
        status: u32,
        reason: String,
    },
    Reset,
    /// Taken back, or the connection is gone: nobody has told how it ended.
    Untold,
}

pub async fn call(outside: Outside, send: SendRequest<Bytes>, plan: Plan) {
    let patience = Duration::from_millis(plan.patience_ms.unwrap_or(600_000));
    let ending = match timeout(patience, carry(send, &plan)).await {
        Ok(ending) => ending,
        Err(_elapsed) => Ending::Untold,
    };
    outside
        .trace
        .note(format!("{} ends: {ending:?}", plan.request));
    if let Ending::Status { reason, .. } = &ending
        && !reason.is_empty()
    {
        outside.trace.meet(reason);
    }
    outside.ledger().consumer_saw(&plan.request, &ending);
}

async fn carry(send: SendRequest<Bytes>, plan: &Plan) -> Ending {
    let Ok(mut send) = send.ready().await else {
        return Ending::Untold;
    };
    let mut request = Request::post(format!("https://hub{}", plan.path))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", format!("{}m", plan.timeout_ms))
        .header("ndxp-request-id", &plan.request);
    if let Some(provider) = plan.provider {
        request = request.header("ndxp-provider", provider);
    }
    if plan.test {
        request = request.header("ndxp-test", "1");
    }
    let Ok((answer, mut body)) = send.send_request(request.body(()).unwrap(), false) else {
        return Ending::Untold;
    };
    // One that is answered before it was read whole is answered all the same.
    drop(body.send_data(message(plan.bytes), true));
    match answer.await {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            if body.is_end_stream() {
                return told(&head.headers);
            }
            read(body).await
        }
        Err(error) => broken(&error),
    }
}

async fn read(mut body: RecvStream) -> Ending {
    while let Some(chunk) = body.data().await {
        match chunk {
            Ok(chunk) => drop(body.flow_control().release_capacity(chunk.len())),
            Err(error) => return broken(&error),
        }
    }
    match body.trailers().await {
        Ok(Some(trailers)) => told(&trailers),
        Ok(None) => Ending::Untold,
        Err(error) => broken(&error),
    }
}

/// A reset by the hub is its word; anything else is a connection that is gone.
fn broken(error: &h2::Error) -> Ending {
    let by_the_hub = error.is_reset() && error.is_remote();
    match by_the_hub && error.reason() != Some(Reason::REFUSED_STREAM) {
        true => Ending::Reset,
        false => Ending::Untold,
    }
}

/// The hub's own refusals begin with the name of their reason.
fn told(trailers: &HeaderMap) -> Ending {
    let text = |name| trailers.get(name).and_then(|value| value.to_str().ok());
    let by_the_hub = trailers.contains_key("grpc-status-details-bin");
    let reason = text("grpc-message").and_then(|it| it.split(':').next());
    Ending::Status {
        status: text("grpc-status")
            .and_then(|it| it.parse().ok())
            .unwrap_or(2),
        reason: reason.filter(|_| by_the_hub).unwrap_or_default().to_owned(),
    }
}
