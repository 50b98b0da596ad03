//! The hub's own services on the exchange port: handed to tonic, on the core the call came to.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use ndxp_http2::{Error, Reason, RecvStream};
use tokio::time::{Instant, timeout_at};
use tonic::service::Routes;
use tower::ServiceExt as _;

use crate::bodies::Bodies;
use crate::core::Core;
use crate::exchange;
use crate::peer::{Caller, Peer};
use crate::stream::{Downlink, Finale};

/// Which services are the hub's own, and who answers them.
pub struct OwnServices {
    names: BTreeSet<String>,
    /// Room for requests that are being taken in.
    bodies: Bodies,
    routes: Routes,
}

impl OwnServices {
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>, bodies: Bodies, routes: Routes) -> Self {
        Self {
            bodies,
            names: names.into_iter().collect(),
            routes,
        }
    }

    #[must_use]
    pub fn offers(&self, service: &str) -> bool {
        self.names.contains(service)
    }
}

/// Answers a call to one of the hub's own services.
pub async fn serve(core: &Core, peer: &Peer, incoming: exchange::Incoming) {
    let exchange::Incoming {
        head,
        inlet,
        mut downlink,
        in_flight: _in_flight,
    } = incoming;
    let body = inlet.into_body();
    // Held until it is answered.
    let (body, _held) = core.own.bodies.hold(Incoming { body });
    let mut request = Request::from_parts(head, body);
    // `carry` has identified the caller; between the two a suspension may have come.
    if let Ok(system) = peer.system(&core.registry.load()) {
        let caller = Caller {
            system: system.id.clone(),
            proof: peer.proof.clone(),
        };
        request.extensions_mut().insert(caller);
    }
    let until = Instant::now() + core.limits.deadline_max;
    let answering = async {
        // A consumer that goes away ends the answer by dropping it; there is nothing to settle.
        let answered = downlink
            .unless_gone(core.own.routes.clone().oneshot(request))
            .await;
        if let Ok(Ok(response)) = answered {
            let _gone = pass(response, &mut downlink, until).await;
        }
    };
    // Watches end with the longest time that any call may take, and are begun again.
    if timeout_at(until, answering).await.is_err() {
        let reset = Finale::Reset(Reason::CANCEL);
        downlink.finish(reset, Instant::now()).await;
    }
}

async fn pass(
    response: http::Response<tonic::body::Body>,
    downlink: &mut Downlink,
    until: Instant,
) -> Result<(), crate::stream::ConsumerGone> {
    let (head, mut body) = response.into_parts();
    let head = http::Response::from_parts(head, ());
    if body.is_end_stream() {
        downlink.finish(Finale::TrailersOnly(head), until).await;
        return Ok(());
    }
    downlink.begin(head);
    // Whoever watches learns that it is watching before anything happens.
    downlink.send_head()?;
    let mut finale = Finale::EndOfStream;
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match downlink.unless_gone(frame).await? {
            None => break,
            Some(Err(_)) => {
                finale = Finale::Reset(Reason::INTERNAL_ERROR);
                break;
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => downlink.send(data).await?,
                Err(frame) => {
                    finale = Finale::Trailers(
                        frame.into_trailers().unwrap_or_else(|_| HeaderMap::new()),
                    );
                    break;
                }
            },
        }
    }
    downlink.finish(finale, until).await;
    Ok(())
}

/// A request's body as tonic reads it.
struct Incoming {
    body: RecvStream,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.body.poll_data(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(data))) => {
                self.body.release_capacity(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => self
                .body
                .poll_trailers(cx)
                .map(|trailers| trailers.transpose().map(|it| it.map(Frame::trailers))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
