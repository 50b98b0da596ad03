//! `ndxp.exchange.v1.DirectoryService`: what a system may call, what it could ask for, and the
//! contracts of both.

use std::sync::Arc;

use ndxp_gateway::{Caller, Seen};
use ndxp_model::{Clock, Instant, ServiceName, SystemId};
use ndxp_proto::exchange::v1::directory_service_server::DirectoryService;
use ndxp_proto::exchange::v1::{
    Callable, GetDescriptorsRequest, GetDescriptorsResponse, ListCallableRequest,
    ListCallableResponse, ListOfferedRequest, ListOfferedResponse, Offered, PutDescriptorsRequest,
    PutDescriptorsResponse, WhoAmIRequest, WhoAmIResponse,
};
use ndxp_proto::registry::v1;
use ndxp_registry::{Act, GrantRecord, Registry};
use tonic::{Request, Response, Status};

use super::caller;
use super::state::{Availability, availability};
use crate::keeper::Keeper;
use crate::role::{Actor, Role};

/// Services on one page, by default and at most.
const PAGE_DEFAULT: usize = 500;
const PAGE_MAX: usize = 1_000;

/// The service.
pub struct Directory {
    pub keeper: Arc<Keeper>,
    pub seen: Arc<Seen>,
    pub clock: Arc<dyn Clock>,
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn who_am_i(
        &self,
        request: Request<WhoAmIRequest>,
    ) -> Result<Response<WhoAmIResponse>, Status> {
        let Caller { system, proof } = caller(&request)?;
        let valid_until = self.seen.until(&system);
        Ok(Response::new(WhoAmIResponse {
            system: system.to_string(),
            proof,
            certificate_valid_until_us: valid_until.map_or(0, Instant::as_micros),
        }))
    }

    async fn list_callable(
        &self,
        request: Request<ListCallableRequest>,
    ) -> Result<Response<ListCallableResponse>, Status> {
        let Caller { system, .. } = caller(&request)?;
        let wanted = match request.into_inner().service.as_str() {
            "" => None,
            name => Some(service_name(name)?),
        };
        let (registry, now) = (self.keeper.current(), self.clock.now());
        let held = registry.callable(&system);
        let services = held
            .iter()
            .filter(|(service, _)| wanted.as_ref().is_none_or(|name| service.name == *name))
            .filter_map(|(service, grant)| {
                let provider = service.provider.as_str();
                let service = registry.service(provider, service.name.as_str())?;
                Some(callable(&registry, service, grant, now))
            })
            .collect();
        Ok(Response::new(ListCallableResponse { services }))
    }

    async fn list_offered(
        &self,
        request: Request<ListOfferedRequest>,
    ) -> Result<Response<ListOfferedResponse>, Status> {
        let Caller { system, .. } = caller(&request)?;
        let request = request.into_inner();
        let page = Page::read(&request)?;
        let (registry, now) = (self.keeper.current(), self.clock.now());
        // A hundred thousand services are gone through off the core that carries calls.
        let listed = tokio::task::spawn_blocking(move || {
            let mut services = registry.services();
            services.sort_by(|one, other| {
                (&one.name, &one.provider).cmp(&(&other.name, &other.provider))
            });
            page.of(&registry, &system, &request, &services, now)
        });
        let listed = listed
            .await
            .map_err(|_| Status::internal("the listing broke off"))?;
        Ok(Response::new(listed))
    }

    async fn get_descriptors(
        &self,
        request: Request<GetDescriptorsRequest>,
    ) -> Result<Response<GetDescriptorsResponse>, Status> {
        caller(&request)?;
        let GetDescriptorsRequest { service, provider } = request.into_inner();
        let service = service_name(&service)?;
        let registry = self.keeper.current();
        let named = Some(provider.as_str()).filter(|provider| !provider.is_empty());
        let provider = registry
            .provider_of(service.as_str(), named)
            .ok_or_else(|| {
                Status::not_found(format!(
                    "not exactly one system is known to offer {service}; name its provider as \
                     ListOffered shows it"
                ))
            })?;
        let descriptors = registry
            .descriptors(provider, service.as_str())
            .ok_or_else(|| {
                Status::not_found(format!(
                    "{provider} has given no descriptors of {service}; ask it to upload them"
                ))
            })?;
        Ok(Response::new(GetDescriptorsResponse {
            provider: provider.to_owned(),
            file_descriptor_set: descriptors.file_descriptor_set.clone(),
        }))
    }

    async fn put_descriptors(
        &self,
        request: Request<PutDescriptorsRequest>,
    ) -> Result<Response<PutDescriptorsResponse>, Status> {
        let Caller { system, proof } = caller(&request)?;
        let PutDescriptorsRequest {
            service,
            file_descriptor_set,
            allow_incompatible,
            reason,
            dry_run,
        } = request.into_inner();
        let actor = Actor {
            identity: proof.into(),
            role: Role::Member(system.member()),
        };
        let descriptors = v1::Descriptors {
            provider: system.to_string(),
            service,
            file_descriptor_set,
        };
        let act = Act::PutDescriptors(v1::PutDescriptorsRequest {
            descriptors: Some(descriptors),
            allow_incompatible,
            reason,
            dry_run,
        });
        let acted = self.keeper.act(act, actor).await?;
        Ok(Response::new(PutDescriptorsResponse {
            sequence: acted.sequence.map_or(0, ndxp_model::Sequence::get),
        }))
    }
}

/// Where a page begins, and how long it is.
struct Page {
    /// Service and provider, the last of the page before.
    after: Option<(String, String)>,
    size: usize,
}

impl Page {
    fn read(request: &ListOfferedRequest) -> Result<Self, Status> {
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_DEFAULT,
            Ok(size) if size <= PAGE_MAX => size,
            _ => {
                return Err(Status::invalid_argument(format!(
                    "page_size: {} is above {PAGE_MAX}; ask for less and follow next_page_token",
                    request.page_size
                )));
            }
        };
        let after = match request.page_token.as_str() {
            "" => None,
            token => {
                let (service, provider) = token.split_once(' ').ok_or_else(|| {
                    Status::invalid_argument("page_token: repeat next_page_token as it was given")
                })?;
                Some((service.to_owned(), provider.to_owned()))
            }
        };
        Ok(Self { after, size })
    }

    fn of(
        &self,
        registry: &Registry,
        caller: &SystemId,
        request: &ListOfferedRequest,
        services: &[v1::Service],
        now: Instant,
    ) -> ListOfferedResponse {
        let after = self.after.as_ref().map(|(name, provider)| (name, provider));
        let mut wanted = services
            .iter()
            .filter(|service| after.is_none_or(|after| after < (&service.name, &service.provider)))
            .filter(|service| service.name.starts_with(&request.service))
            .filter(|service| request.provider.is_empty() || service.provider == request.provider)
            .filter_map(|service| offered(registry, caller, service, now));
        let page: Vec<Offered> = wanted.by_ref().take(self.size).collect();
        let next_page_token = match (wanted.next(), page.last()) {
            (Some(_), Some(last)) => format!("{} {}", last.service, last.provider),
            _ => String::new(),
        };
        ListOfferedResponse {
            services: page,
            next_page_token,
        }
    }
}

fn service_name(text: &str) -> Result<ServiceName, Status> {
    text.parse()
        .map_err(|error| Status::invalid_argument(format!("service: {error}")))
}

fn callable(
    registry: &Registry,
    service: &v1::Service,
    grant: &GrantRecord,
    now: Instant,
) -> Callable {
    let Availability {
        state,
        notice,
        maintenance,
    } = availability(registry, service, now);
    let limits = &grant.limits;
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(0);
    let of_grant = limits.deadline_max.map(milliseconds);
    let of_service = Some(service.deadline_ms_max).filter(|most| *most > 0);
    let deadlines = of_grant.into_iter().chain(of_service);
    Callable {
        service: service.name.clone(),
        provider: service.provider.clone(),
        methods: grant.methods.clone(),
        disabled: state == ndxp_proto::exchange::v1::ServiceState::Disabled,
        notice,
        valid_until_us: grant.valid_until.map_or(0, Instant::as_micros),
        rate_per_second_max: limits.rate_per_second_max.map_or(0, Into::into),
        concurrency_max: limits.concurrency_max.map_or(0, Into::into),
        measures: service.measures.clone(),
        state: state.into(),
        maintenance,
        version: grant.version,
        valid_from_us: grant.valid_from.map_or(0, Instant::as_micros),
        burst_max: limits.burst_max.map_or(0, Into::into),
        message_bytes_max: limits.message_bytes_max.map_or(0, Into::into),
        metadata_bytes_max: limits.metadata_bytes_max.map_or(0, Into::into),
        deadline_ms_max: deadlines.min().unwrap_or(0),
        on_behalf_of: grant
            .on_behalf_of
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        has_descriptors: !service.descriptors_sha256.is_empty(),
    }
}

/// What the caller could ask for: others' services that stand open, and no grant for them.
fn offered(
    registry: &Registry,
    caller: &SystemId,
    service: &v1::Service,
    now: Instant,
) -> Option<Offered> {
    let v1::Service { provider, name, .. } = service;
    if provider == caller.as_str() || !registry.is_active(provider) {
        return None;
    }
    let versions = registry.grant_versions(&format!("{caller}>{provider}/{name}"));
    let in_state = |state: v1::GrantState| versions.iter().find(move |it| it.state() == state);
    let ended =
        |grant: &v1::Grant| grant.valid_until_us > 0 && grant.valid_until_us <= now.as_micros();
    if in_state(v1::GrantState::Active).is_some_and(|grant| !ended(grant)) {
        return None;
    }
    let requested = in_state(v1::GrantState::Requested);
    let (code, _) = provider.split_once('/')?;
    let member = registry.member(code)?;
    let Availability {
        state,
        notice,
        maintenance,
    } = availability(registry, service, now);
    Some(Offered {
        service: name.clone(),
        provider: provider.clone(),
        member_vi: member.name_vi.clone(),
        member_en: member.name_en.clone(),
        state: state.into(),
        notice,
        maintenance,
        methods: service.methods.clone(),
        measures: service.measures.clone(),
        deadline_ms_max: service.deadline_ms_max,
        requested_version: requested.map_or(0, |grant| grant.version),
    })
}
