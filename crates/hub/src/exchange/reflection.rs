//! Server reflection of the exchange port: what a caller is shown is what it may call. Built for
//! each stream from the descriptors that providers gave, cut to the files that the services
//! need, beside those of the hub's own services; so a generic gRPC tool works on what the caller
//! was granted, and learns of nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use ndxp_gateway::Caller;
use ndxp_model::{Clock, Instant, SystemId};
use ndxp_proto::DESCRIPTORS;
use ndxp_registry::Registry;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_reflection::server::{Builder, Error};
use tower::Service;
use tower::util::BoxCloneService;

use super::{OWN, unknown_caller};
use crate::memory::REFLECTIONS_MAX;
use crate::reflection::{HEALTH, REFLECTION};

/// Reflection in one of its two versions, the same for a tool: `ALPHA` is the older.
#[derive(Clone)]
pub struct CallerReflection<const ALPHA: bool> {
    pub registry: Arc<ArcSwap<Registry>>,
    pub clock: Arc<dyn Clock>,
    /// Room for streams, of both versions: each holds what it was built from.
    pub places: Arc<Semaphore>,
}

/// The service of one version for one caller.
type Made = BoxCloneService<Request<Body>, Response<Body>, Infallible>;

/// A service, and the encoded files that it needs.
type Named = (String, Vec<u8>);

/// A descriptor set whose files stay as they were given: options that this program does not know
/// would be lost by decoding them.
#[derive(Clone, PartialEq, prost::Message)]
struct RawSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

impl NamedService for CallerReflection<false> {
    const NAME: &'static str = REFLECTION[0];
}

impl NamedService for CallerReflection<true> {
    const NAME: &'static str = REFLECTION[1];
}

impl<const ALPHA: bool> Service<Request<Body>> for CallerReflection<ALPHA> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (registry, now) = (self.registry.load_full(), self.clock.now());
        let caller = request.extensions().get::<Caller>().cloned();
        let place = Arc::clone(&self.places).try_acquire_owned();
        Box::pin(async move {
            let Ok(place) = place else {
                return Ok(no_place().into_http());
            };
            let Some(Caller { system, .. }) = caller else {
                return Ok(unknown_caller().into_http());
            };
            // Reading descriptors takes a while: off the core that carries calls.
            let made = move || made::<ALPHA>(&visible(&registry, &system, now));
            match tokio::task::spawn_blocking(made).await {
                Ok(Ok(mut service)) => {
                    let answer = service.call(request).await?;
                    Ok(answer.map(|body| kept(body, place)))
                }
                Ok(Err(error)) => Ok(broken(&error).into_http()),
                Err(error) => Ok(broken(&error).into_http()),
            }
        })
    }
}

/// The body, with the place until its end.
fn kept(body: Body, place: OwnedSemaphorePermit) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _place = &place;
        frame
    }))
}

fn no_place() -> Status {
    Status::resource_exhausted(format!(
        "{REFLECTIONS_MAX} streams of reflection are open, all that may be; ask again"
    ))
}

fn broken(error: &dyn std::fmt::Display) -> Status {
    tracing::error!(%error, "reflection not answered");
    Status::internal("the descriptors cannot be read; ask the hub's operator")
}

/// The service over these descriptors.
fn made<const ALPHA: bool>(sets: &[Named]) -> Result<Made, Error> {
    Ok(match ALPHA {
        true => BoxCloneService::new(builder(sets).build_v1alpha()?),
        false => BoxCloneService::new(builder(sets).build_v1()?),
    })
}

fn builder(sets: &[Named]) -> Builder<'_> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name(HEALTH);
    sets.iter().fold(builder, |builder, (name, set)| {
        builder
            .register_encoded_file_descriptor_set(set)
            .with_service_name(name.as_str())
    })
}

/// The hub's own services and what the system holds grants for. Where two providers offer one
/// service, the first that gave descriptors speaks for it.
fn visible(registry: &Registry, system: &SystemId, now: Instant) -> Vec<Named> {
    let mut sets = Sets::default();
    for name in OWN {
        sets.add(name, DESCRIPTORS);
    }
    for (service, grant) in registry.callable(system) {
        let begun = grant.valid_from.is_none_or(|from| from <= now);
        let ended = grant.valid_until.is_some_and(|until| until <= now);
        if !begun || ended {
            continue;
        }
        let (provider, name) = (service.provider.as_str(), service.name.as_str());
        if let Some(descriptors) = registry.descriptors(provider, name) {
            sets.add(name, &descriptors.file_descriptor_set);
        }
    }
    sets.named
}

/// Descriptor sets that are shown beside each other.
#[derive(Default)]
struct Sets {
    named: Vec<Named>,
    services: BTreeSet<String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Sets {
    fn add(&mut self, service: &str, set: &[u8]) {
        if self.services.contains(service) {
            return;
        }
        let Some(mut files) = needed(set, service) else {
            return;
        };
        // Two providers may have given different files the same name; a tool would then read
        // one's types as the other's.
        let differs = |(name, bytes): (&String, &Vec<u8>)| {
            !is_of_protobuf(name) && self.files.get(name).is_some_and(|known| known != bytes)
        };
        if files.iter().any(differs) {
            files = renamed(files, service);
        }
        let set = RawSet {
            file: files.values().cloned().collect(),
        };
        self.files.extend(files);
        self.services.insert(service.to_owned());
        self.named.push((service.to_owned(), set.encode_to_vec()));
    }
}

/// The same files under names that begin with the service's. Only here they are written anew.
fn renamed(files: BTreeMap<String, Vec<u8>>, service: &str) -> BTreeMap<String, Vec<u8>> {
    let new_name = |name: &str| match is_of_protobuf(name) {
        true => name.to_owned(),
        false => format!("{service}/{name}"),
    };
    let mut written = BTreeMap::new();
    for (name, bytes) in files {
        let Ok(mut file) = FileDescriptorProto::decode(bytes.as_slice()) else {
            continue;
        };
        for dependency in &mut file.dependency {
            *dependency = new_name(dependency);
        }
        file.name = Some(new_name(&name));
        written.insert(new_name(&name), file.encode_to_vec());
    }
    written
}

/// Protobuf's own files are the same in every set, but for the compiler's version.
fn is_of_protobuf(file: &str) -> bool {
    file.starts_with("google/protobuf/")
}

/// Of a descriptor set, the file that holds the service and all that it imports, by their names.
/// `None` when the service is not in it, which the registry has excluded.
fn needed(set: &[u8], service: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let raw = RawSet::decode(set).ok()?;
    let mut files: BTreeMap<String, (FileDescriptorProto, Vec<u8>)> = BTreeMap::new();
    for bytes in raw.file {
        let file = FileDescriptorProto::decode(bytes.as_slice()).ok()?;
        files.insert(file.name().to_owned(), (file, bytes));
    }
    let (first, _) = files.values().find(|(file, _)| holds(file, service))?;
    let mut waiting = vec![first.name().to_owned()];
    let mut kept = BTreeMap::new();
    while let Some(name) = waiting.pop() {
        // What is not in the set is one of protobuf's own files, which every tool has.
        let Some((file, bytes)) = files.get(&name) else {
            continue;
        };
        if kept.insert(name, bytes.clone()).is_none() {
            waiting.extend(file.dependency.iter().cloned());
        }
    }
    Some(kept)
}

fn holds(file: &FileDescriptorProto, service: &str) -> bool {
    let name = match file.package() {
        "" => Some(service),
        package => service
            .strip_prefix(package)
            .and_then(|rest| rest.strip_prefix('.')),
    };
    name.is_some_and(|name| file.service.iter().any(|each| each.name() == name))
}

#[cfg(test)]
mod tests;
