//! Puts the check of roles before every service of the control port, once: a service cannot be
//! added and the check forgotten.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use ndxp_gateway::Bodies;
use ndxp_gateway::trust::Trusted;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::access::{self, Asker, ControlPeer, Denied, Refused};
use crate::keeper::Keeper;

/// Makes the check for a stack of services.
#[derive(Clone)]
pub struct CheckLayer {
    pub keeper: Arc<Keeper>,
    pub trusted: Trusted,
    /// Room for requests that are being taken in.
    pub bodies: Bodies,
}

/// The services behind the check.
#[derive(Clone)]
pub struct Checked<S> {
    inner: S,
    keeper: Arc<Keeper>,
    trusted: Trusted,
    bodies: Bodies,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Layer<S> for CheckLayer {
    type Service = Checked<S>;

    fn layer(&self, inner: S) -> Checked<S> {
        Checked {
            inner,
            keeper: Arc::clone(&self.keeper),
            trusted: self.trusted.clone(),
            bodies: self.bodies.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for Checked<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.check(&request) {
            Ok(asker) => {
                request.extensions_mut().insert(asker);
                self.answer(request)
            }
            Err(Denied { status, attempt }) => {
                tracing::info!(
                    rpc = request.uri().path(),
                    actor = actor(&request),
                    status = status.message(),
                    "control call refused"
                );
                if let Some(actor) = attempt {
                    // Read, and then refused: the audit log says what was attempted on what.
                    request.extensions_mut().insert(Refused { actor, status });
                    return self.answer(request);
                }
                let answer = status.into_http();
                Box::pin(async { Ok(answer) })
            }
        }
    }
}

impl<S> Checked<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    /// What the request brings is held until its answer begins.
    fn answer(&mut self, request: Request<Body>) -> Answer<Infallible> {
        let (head, body) = request.into_parts();
        let (body, held) = self.bodies.hold(body);
        let answer = self.inner.call(Request::from_parts(head, body));
        Box::pin(async move {
            let answer = answer.await;
            drop(held);
            answer
        })
    }
}

impl<S> Checked<S> {
    fn check(&self, request: &Request<Body>) -> Result<Asker, Denied> {
        let stranger = |status| Denied {
            status,
            attempt: None,
        };
        let peer = request.extensions().get::<ControlPeer>();
        let peer =
            peer.ok_or_else(|| stranger(Status::unauthenticated("the connection proved nobody")))?;
        access::check_certificate(peer, &self.trusted.borrow()).map_err(stranger)?;
        access::check(peer, &self.keeper.current(), request.uri().path())
    }
}

fn actor(request: &Request<Body>) -> &str {
    let peer = request.extensions().get::<ControlPeer>();
    peer.map_or("", |peer| &peer.actor)
}
