//! `grpc.health.v1` on both ports: what load balancers and clients ask before they call. Watches
//! end when the hub stops, so that they do not hold up its drain.

use std::collections::BTreeSet;
use std::pin::Pin;

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Whether the hub takes calls, as it tells others.
#[derive(Clone, Debug)]
pub struct Health(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    NotServing,
    Serving,
    Stopped,
}

/// The answers of one port.
pub struct PortHealth {
    state: watch::Receiver<State>,
    services: BTreeSet<&'static str>,
}

impl Default for Health {
    /// Not serving until told.
    fn default() -> Self {
        Self(watch::Sender::new(State::NotServing))
    }
}

impl Health {
    /// Says whether calls are taken; after [`Health::stop`] nothing changes any more.
    pub fn set_serving(&self, serving: bool) {
        let wanted = match serving {
            true => State::Serving,
            false => State::NotServing,
        };
        self.0.send_if_modified(|state| {
            let changes = *state != State::Stopped && *state != wanted;
            if changes {
                *state = wanted;
            }
            changes
        });
    }

    /// Not serving for good; watches end.
    pub fn stop(&self) {
        self.0.send_replace(State::Stopped);
    }

    /// The service for a port that offers these services.
    #[must_use]
    pub fn service(&self, services: &[&'static str]) -> HealthServer<PortHealth> {
        HealthServer::new(PortHealth {
            state: self.0.subscribe(),
            services: services.iter().copied().collect(),
        })
    }
}

impl PortHealth {
    /// The empty name asks for the port as a whole.
    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(service)
    }
}

#[tonic::async_trait]
impl HealthService for PortHealth {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if !self.knows(&service) {
            let name: String = service.chars().take(200).collect();
            return Err(Status::not_found(format!(
                "this port offers no service {name:?}"
            )));
        }
        Ok(Response::new(answer(*self.state.borrow())))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = self.knows(&request.into_inner().service);
        let states = WatchStream::new(self.state.clone()).map_while(move |state| match state {
            State::Stopped => None,
            _ if !known => Some(Ok(status(ServingStatus::ServiceUnknown))),
            state => Some(Ok(answer(state))),
        });
        Ok(Response::new(Box::pin(states)))
    }
}

fn answer(state: State) -> HealthCheckResponse {
    status(match state {
        State::Serving => ServingStatus::Serving,
        State::NotServing | State::Stopped => ServingStatus::NotServing,
    })
}

fn status(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: service.to_owned(),
        })
    }

    fn port(health: &Health) -> PortHealth {
        PortHealth {
            state: health.0.subscribe(),
            services: BTreeSet::from(["a.B"]),
        }
    }

    #[tokio::test]
    async fn the_port_and_its_services_are_known_and_others_are_not() {
        let health = Health::default();
        let port = port(&health);
        for serving in [false, true] {
            health.set_serving(serving);
            for service in ["", "a.B"] {
                let found = port
                    .check(ask(service))
                    .await
                    .unwrap()
                    .into_inner()
                    .status();
                assert_eq!(found == ServingStatus::Serving, serving, "{service}");
            }
        }
        let refused = port.check(ask("a.C")).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::NotFound);
    }

    #[tokio::test]
    async fn a_watch_follows_and_ends_with_the_hub() {
        let health = Health::default();
        let port = port(&health);
        let mut watch = port.watch(ask("")).await.unwrap().into_inner();
        let mut unknown = port.watch(ask("x")).await.unwrap().into_inner();
        assert_eq!(
            watch.next().await.unwrap().unwrap().status(),
            ServingStatus::NotServing
        );
        health.set_serving(true);
        assert_eq!(
            watch.next().await.unwrap().unwrap().status(),
            ServingStatus::Serving
        );
        let found = unknown.next().await.unwrap().unwrap().status();
        assert_eq!(found, ServingStatus::ServiceUnknown);
        health.stop();
        health.set_serving(true);
        assert!(watch.next().await.is_none());
        assert!(unknown.next().await.is_none());
        let found = port.check(ask("")).await.unwrap().into_inner().status();
        assert_eq!(found, ServingStatus::NotServing);
    }
}
