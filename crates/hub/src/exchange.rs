//! The hub's own services on the exchange port: what a system can learn about itself and its
//! connections, health and reflection. The gateway hands calls to them over and says who calls.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ndxp_gateway::{Caller, OwnServices};
use ndxp_model::{Instant, ServiceName};
use ndxp_proto::exchange::v1::directory_service_server::{
    DirectoryService, DirectoryServiceServer,
};
use ndxp_proto::exchange::v1::{
    Callable, ListCallableRequest, ListCallableResponse, WhoAmIRequest, WhoAmIResponse,
};
use ndxp_registry::{GrantRecord, Registry, ServiceRecord};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::health::Health;
use crate::reflection;

const DIRECTORY: &str = "ndxp.exchange.v1.DirectoryService";

/// The services of the exchange port, for the gateway.
///
/// # Errors
/// When the compiled descriptors cannot be read back, which a test excludes.
pub fn exchange_services(
    registry: Arc<ArcSwap<Registry>>,
    health: &Health,
) -> Result<OwnServices, tonic_reflection::server::Error> {
    let directory = DirectoryServiceServer::new(Directory { registry });
    let routes = Routes::new(directory).add_service(health.service(&[DIRECTORY]));
    let routes = reflection::add(routes, &[DIRECTORY])?;
    let names = [DIRECTORY, reflection::HEALTH]
        .into_iter()
        .chain(reflection::REFLECTION);
    Ok(OwnServices::new(names.map(str::to_owned), routes.prepare()))
}

struct Directory {
    registry: Arc<ArcSwap<Registry>>,
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn who_am_i(
        &self,
        request: Request<WhoAmIRequest>,
    ) -> Result<Response<WhoAmIResponse>, Status> {
        let Caller { system, proof } = caller(&request)?;
        Ok(Response::new(WhoAmIResponse {
            system: system.to_string(),
            proof,
        }))
    }

    async fn list_callable(
        &self,
        request: Request<ListCallableRequest>,
    ) -> Result<Response<ListCallableResponse>, Status> {
        let Caller { system, .. } = caller(&request)?;
        let wanted = match request.into_inner().service.as_str() {
            "" => None,
            name => Some(
                name.parse::<ServiceName>()
                    .map_err(|error| Status::invalid_argument(format!("service: {error}")))?,
            ),
        };
        let held = self.registry.load().callable(&system);
        let services = held
            .iter()
            .filter(|(service, _)| wanted.as_ref().is_none_or(|name| service.name == *name))
            .map(|(service, grant)| callable(service, grant))
            .collect();
        Ok(Response::new(ListCallableResponse { services }))
    }
}

/// The gateway has identified the caller; without one nothing is answered.
fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| {
            Status::unauthenticated(
                "UNKNOWN_SYSTEM: the registry no longer knows the caller; ask the hub's operator",
            )
        })
}

fn callable(service: &ServiceRecord, grant: &GrantRecord) -> Callable {
    Callable {
        service: service.name.to_string(),
        provider: service.provider.to_string(),
        methods: grant.methods.clone(),
        disabled: service.disabled,
        notice: service.notice.clone(),
        valid_until_us: grant.valid_until.map_or(0, Instant::as_micros),
        rate_per_second_max: grant.rate_per_second_max.map_or(0, Into::into),
        concurrency_max: grant.concurrency_max.map_or(0, Into::into),
        measures: service.measures.clone(),
    }
}

#[cfg(test)]
mod tests;
