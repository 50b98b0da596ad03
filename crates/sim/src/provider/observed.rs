//! What a provider sees of its calls from outside: how many there were, for whom, and how long
//! it took over each. The time goes back in a header, so that a consumer can tell what was
//! added on the way.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderName, HeaderValue, Request, Response};
use ndxp_model::{ServiceName, SystemId};
use tower::{Layer, Service};

/// Header of an answer: microseconds until the provider had it ready.
pub(crate) const SERVICE_TIME: &str = "sim-service-us";
const SERVICE_TIME_HEADER: HeaderName = HeaderName::from_static(SERVICE_TIME);

/// Calls that reached a provider, of one kind.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Execution {
    /// For whom, as the hub said in `ndxp-consumer`; `None` when nobody said.
    pub consumer: Option<SystemId>,
    pub provider: SystemId,
    pub service: ServiceName,
    /// Marked `ndxp-test: 1`.
    pub test: bool,
}

/// All providers' counts.
#[derive(Debug, Default)]
pub(super) struct Executions(Mutex<BTreeMap<Execution, u64>>);

impl Executions {
    pub(super) fn all(&self) -> BTreeMap<Execution, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, execution: Execution) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(execution).or_default() += 1;
    }
}

/// Puts the observer before a provider's routes.
#[derive(Clone)]
pub(super) struct ObservedLayer {
    provider: SystemId,
    executions: Arc<Executions>,
}

impl ObservedLayer {
    pub(super) fn new(provider: SystemId, executions: Arc<Executions>) -> Self {
        Self {
            provider,
            executions,
        }
    }

    /// `None` when the path names no service: such a request reaches none.
    fn execution<B>(&self, request: &Request<B>) -> Option<Execution> {
        let (service, _) = request.uri().path().strip_prefix('/')?.split_once('/')?;
        let header = |name| request.headers().get(name)?.to_str().ok();
        Some(Execution {
            consumer: header("ndxp-consumer").and_then(|name| name.parse().ok()),
            provider: self.provider.clone(),
            service: service.parse().ok()?,
            test: header("ndxp-test") == Some("1"),
        })
    }
}

impl<S> Layer<S> for ObservedLayer {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            layer: self.clone(),
            inner,
        }
    }
}

#[derive(Clone)]
pub(super) struct Observed<S> {
    layer: ObservedLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Observed<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let began = Instant::now();
        if let Some(execution) = self.layer.execution(&request) {
            self.layer.executions.count(execution);
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            response
                .headers_mut()
                .insert(SERVICE_TIME_HEADER, HeaderValue::from(micros));
            Ok(response)
        })
    }
}
