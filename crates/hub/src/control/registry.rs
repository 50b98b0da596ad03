//! `ndxp.registry.v1.RegistryService`: what stands, what stood, and changing it.

mod circuits;
mod listing;

use std::collections::BTreeSet;
use std::sync::Arc;

use ndxp_counters::{Counters, CountersError};
use ndxp_gateway::{Healths, Seen};
use ndxp_journal::Follow;
use ndxp_model::{Instant, Sequence, SystemId};
use ndxp_proto::registry::v1;
use ndxp_proto::registry::v1::registry_service_server::RegistryService;
use ndxp_registry::{AUDIT_LIMIT_MAX, Act, HistoryError, Registry, audit};
use tonic::{Request, Response, Status};

use super::access::{Refused, asker};
use super::filter;
use super::work::Work;
use crate::keeper::{Acted, Keeper};

use circuits::circuits;
use listing::Concerned;

/// The service.
pub struct RegistryControl {
    pub keeper: Arc<Keeper>,
    pub follow: Follow,
    pub counters: Counters,
    pub seen: Arc<Seen>,
    pub healths: Arc<Healths>,
    pub work: Work,
}

#[tonic::async_trait]
impl RegistryService for RegistryControl {
    async fn apply(
        &self,
        request: Request<v1::ApplyRequest>,
    ) -> Result<Response<v1::ApplyResponse>, Status> {
        let acted = self.act(request, Act::Apply).await?;
        Ok(Response::new(v1::ApplyResponse {
            differences: acted.differences,
            sequence: acted.sequence.map_or(0, Sequence::get),
        }))
    }

    async fn propose(
        &self,
        request: Request<v1::ProposeRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::Propose).await?)
    }

    async fn transition(
        &self,
        request: Request<v1::TransitionRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::Transition).await?)
    }

    async fn request_access(
        &self,
        request: Request<v1::RequestAccessRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::RequestAccess).await?)
    }

    async fn decide_access(
        &self,
        request: Request<v1::DecideAccessRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::DecideAccess).await?)
    }

    async fn revoke_access(
        &self,
        request: Request<v1::RevokeAccessRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::RevokeAccess).await?)
    }

    async fn set_availability(
        &self,
        request: Request<v1::SetAvailabilityRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::SetAvailability).await?)
    }

    async fn set_maintenance(
        &self,
        request: Request<v1::SetMaintenanceRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::SetMaintenance).await?)
    }

    async fn put_descriptors(
        &self,
        request: Request<v1::PutDescriptorsRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        answered(self.act(request, Act::PutDescriptors).await?)
    }

    async fn get_descriptors(
        &self,
        request: Request<v1::GetDescriptorsRequest>,
    ) -> Result<Response<v1::GetDescriptorsResponse>, Status> {
        asker(&request)?;
        let v1::GetDescriptorsRequest {
            provider,
            service,
            as_of_us,
        } = request.into_inner();
        let registry = self.as_of(as_of_us).await?;
        let descriptors = registry.descriptors(&provider, &service).ok_or_else(|| {
            Status::not_found(format!(
                "{provider} has given no descriptors of {service:?}; its own certificate or an \
                 operator's can upload them"
            ))
        })?;
        let descriptors = v1::Descriptors {
            provider,
            service,
            file_descriptor_set: descriptors.file_descriptor_set.clone(),
        };
        Ok(Response::new(v1::GetDescriptorsResponse {
            descriptors: Some(descriptors),
            watermark: registry.watermark().get(),
        }))
    }

    async fn export(
        &self,
        request: Request<v1::ExportRequest>,
    ) -> Result<Response<v1::ExportResponse>, Status> {
        asker(&request)?;
        let registry = self.as_of(request.into_inner().as_of_us).await?;
        let watermark = registry.watermark().get();
        let catalogue = self.work.scan(move || registry.export()).await?;
        Ok(Response::new(v1::ExportResponse {
            catalogue: Some(catalogue),
            watermark,
        }))
    }

    async fn get_coverage(
        &self,
        request: Request<v1::GetCoverageRequest>,
    ) -> Result<Response<v1::GetCoverageResponse>, Status> {
        asker(&request)?;
        let as_of_us = request.into_inner().as_of_us;
        let registry = self.as_of(as_of_us).await?;
        let at = filter::as_of(as_of_us)?;
        let counters = self.counters.clone();
        let covered = self.work.scan(move || {
            let first = counters.first_transaction_of()?;
            let by_then = |then: Instant| at.is_none_or(|at| then < at);
            let first = first.into_iter().filter(|(_, then)| by_then(*then));
            let transacted: BTreeSet<String> = first.map(|(system, _)| system).collect();
            let has_transacted = |system: &SystemId| transacted.contains(system.as_str());
            Ok::<_, CountersError>(registry.coverage(&has_transacted))
        });
        let covered = covered.await?.map_err(|error| {
            tracing::error!(%error, "counters not readable");
            Status::unavailable(format!("the counters cannot be read: {error}"))
        })?;
        Ok(Response::new(covered))
    }

    async fn list_audit(
        &self,
        request: Request<v1::ListAuditRequest>,
    ) -> Result<Response<v1::ListAuditResponse>, Status> {
        asker(&request)?;
        let wanted = request.into_inner();
        if wanted.limit > AUDIT_LIMIT_MAX {
            let found = wanted.limit;
            return Err(Status::invalid_argument(format!(
                "limit: {found} is above {AUDIT_LIMIT_MAX}; ask for less, or for a shorter time"
            )));
        }
        let reader = self.follow.reader().clone();
        let told = self.work.scan(move || audit(&reader, &wanted)).await?;
        told.map(Response::new).map_err(|error| unreadable(&error))
    }

    async fn list_members(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let (registry, concerned) = self.concerned(request).await?;
        let mut members = registry.members();
        members.retain(|member| concerned.member(member));
        Ok(Response::new(v1::ListMembersResponse {
            members,
            watermark: registry.watermark().get(),
        }))
    }

    async fn list_systems(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListSystemsResponse>, Status> {
        let (registry, concerned) = self.concerned(request).await?;
        let mut systems = registry.systems();
        systems.retain(|system| concerned.system(system));
        let seen = |system: &v1::System| {
            let until = self.seen.until(&system.id.parse().ok()?)?;
            Some((system.id.clone(), until.as_micros()))
        };
        Ok(Response::new(v1::ListSystemsResponse {
            certificates_valid_until_us: systems.iter().filter_map(seen).collect(),
            circuits: circuits(&self.healths, &systems),
            systems,
            watermark: registry.watermark().get(),
        }))
    }

    async fn list_services(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        let (registry, concerned) = self.concerned(request).await?;
        let mut services = registry.services();
        services.retain(|service| concerned.service(service));
        Ok(Response::new(v1::ListServicesResponse {
            services,
            watermark: registry.watermark().get(),
        }))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let (registry, concerned) = self.concerned(request).await?;
        let mut grants = registry.grants();
        grants.retain(|grant| concerned.grant(grant));
        Ok(Response::new(v1::ListGrantsResponse {
            grants,
            watermark: registry.watermark().get(),
        }))
    }
}

impl RegistryControl {
    async fn act<T>(&self, request: Request<T>, act: fn(T) -> Act) -> Result<Acted, Status> {
        if let Some(Refused { actor, status }) = request.extensions().get().cloned() {
            let act = act(request.into_inner());
            self.keeper.refuse(&act, actor, status.message()).await;
            return Err(status);
        }
        let actor = asker(&request)?.actor;
        Ok(self.keeper.act(act(request.into_inner()), actor).await?)
    }

    /// The registry as of the request's instant, and what of it the asker is to see.
    async fn concerned(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<(Arc<Registry>, Concerned), Status> {
        let scope = asker(&request)?.scope;
        let v1::ListRequest {
            as_of_us, member, ..
        } = request.into_inner();
        let registry = self.as_of(as_of_us).await?;
        let concerned = Concerned::new(&scope, &member, &registry)?;
        Ok((registry, concerned))
    }

    /// What stands, or what stood at an instant.
    async fn as_of(&self, as_of_us: i64) -> Result<Arc<Registry>, Status> {
        let Some(at) = filter::as_of(as_of_us)? else {
            return Ok(self.keeper.current());
        };
        let (reader, present) = (self.follow.reader().clone(), self.keeper.current());
        let folded = self
            .work
            .scan(move || present.as_of(&reader, Some(at)))
            .await?;
        folded.map(Arc::new).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &HistoryError) -> Status {
    tracing::error!(%error, "registry's history not readable");
    Status::data_loss(format!("the registry's history cannot be read: {error}"))
}

fn answered(acted: Acted) -> Result<Response<v1::ActResponse>, Status> {
    Ok(Response::new(v1::ActResponse {
        differences: acted.differences,
        sequence: acted.sequence.map_or(0, Sequence::get),
        grant: acted.grant,
    }))
}

#[cfg(test)]
mod tests;
