//! The hub's own services on the exchange port: what a system can learn about itself and its
//! connections, health and reflection. The gateway hands calls to them over and says who calls.

mod directory;
mod reflection;
mod state;

use std::sync::Arc;

use ndxp_gateway::{Caller, OwnServices, Seen};
use ndxp_model::Clock;
use ndxp_proto::exchange::v1::directory_service_server::DirectoryServiceServer;
use tokio::sync::Semaphore;
use tonic::service::Routes;
use tonic::{Request, Status};

use crate::health::Health;
use crate::keeper::Keeper;
use crate::memory::{REFLECTIONS_MAX, own_requests};
use crate::reflection::{HEALTH, REFLECTION};

use directory::Directory;
use reflection::CallerReflection;

const DIRECTORY: &str = "ndxp.exchange.v1.DirectoryService";

/// Services of the hub's own contracts on this port.
const OWN: [&str; 1] = [DIRECTORY];

/// A descriptor set, which the registry bounds, and what is around it.
const REQUEST_BYTES_MAX: usize = 2 << 20;

/// The services of the exchange port, for the gateway.
#[must_use]
pub fn exchange_services(
    keeper: &Arc<Keeper>,
    seen: &Arc<Seen>,
    clock: Arc<dyn Clock>,
    health: &Health,
) -> OwnServices {
    let directory = Directory {
        keeper: Arc::clone(keeper),
        seen: Arc::clone(seen),
        clock: Arc::clone(&clock),
    };
    let directory = DirectoryServiceServer::new(directory);
    let registry = keeper.shown();
    let places = Arc::new(Semaphore::new(REFLECTIONS_MAX));
    let older = CallerReflection::<true> {
        places: Arc::clone(&places),
        registry: Arc::clone(&registry),
        clock: Arc::clone(&clock),
    };
    let routes = Routes::new(directory.max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(health.service(&OWN))
        .add_service(CallerReflection::<false> {
            registry,
            clock,
            places,
        })
        .add_service(older);
    let names = OWN.into_iter().chain([HEALTH]).chain(REFLECTION);
    OwnServices::new(names.map(str::to_owned), own_requests(), routes.prepare())
}

/// The gateway has identified the caller; without one nothing is answered.
fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(unknown_caller)
}

fn unknown_caller() -> Status {
    Status::unauthenticated(
        "UNKNOWN_SYSTEM: the registry no longer knows the caller; ask the hub's operator",
    )
}

#[cfg(test)]
mod tests;
