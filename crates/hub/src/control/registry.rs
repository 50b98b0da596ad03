//! `ndxp.registry.v1.RegistryService`: what stands, what stood, and changing it.

use std::sync::Arc;

use ndxp_journal::Follow;
use ndxp_proto::registry::v1;
use ndxp_proto::registry::v1::registry_service_server::RegistryService;
use ndxp_registry::{Registry, registry_at};
use tonic::{Request, Response, Status};

use super::access::asker;
use super::filter;
use super::work::Work;
use crate::keeper::{Keeper, KeeperError};

/// The service.
pub struct RegistryControl {
    pub keeper: Arc<Keeper>,
    pub follow: Follow,
    pub work: Work,
}

#[tonic::async_trait]
impl RegistryService for RegistryControl {
    async fn apply(
        &self,
        request: Request<v1::ApplyRequest>,
    ) -> Result<Response<v1::ApplyResponse>, Status> {
        let actor = asker(&request)?.actor.to_string();
        let v1::ApplyRequest {
            catalogue,
            dry_run,
            note,
            prune: _,
        } = request.into_inner();
        let catalogue = catalogue.ok_or_else(|| {
            Status::invalid_argument("catalogue: is missing; send the items that are to stand")
        })?;
        let applied = self.keeper.apply(catalogue, actor, note, dry_run).await;
        let applied = applied.map_err(|error| refused(&error))?;
        Ok(Response::new(v1::ApplyResponse {
            differences: applied.differences,
            sequence: applied.sequence.map_or(0, ndxp_model::Sequence::get),
        }))
    }

    async fn list_members(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let registry = self.as_of(request).await?;
        Ok(Response::new(v1::ListMembersResponse {
            members: registry.members(),
            watermark: registry.watermark().get(),
        }))
    }

    async fn list_systems(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListSystemsResponse>, Status> {
        let registry = self.as_of(request).await?;
        Ok(Response::new(v1::ListSystemsResponse {
            systems: registry.systems(),
            watermark: registry.watermark().get(),
        }))
    }

    async fn list_services(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        let registry = self.as_of(request).await?;
        Ok(Response::new(v1::ListServicesResponse {
            services: registry.services(),
            watermark: registry.watermark().get(),
        }))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let registry = self.as_of(request).await?;
        Ok(Response::new(v1::ListGrantsResponse {
            grants: registry.grants(),
            watermark: registry.watermark().get(),
        }))
    }

    async fn export(
        &self,
        _request: Request<v1::ExportRequest>,
    ) -> Result<Response<v1::ExportResponse>, Status> {
        Err(Status::unimplemented("export"))
    }

    async fn propose(
        &self,
        _request: Request<v1::ProposeRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("propose"))
    }

    async fn transition(
        &self,
        _request: Request<v1::TransitionRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("transition"))
    }

    async fn request_access(
        &self,
        _request: Request<v1::RequestAccessRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("request_access"))
    }

    async fn decide_access(
        &self,
        _request: Request<v1::DecideAccessRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("decide_access"))
    }

    async fn revoke_access(
        &self,
        _request: Request<v1::RevokeAccessRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("revoke_access"))
    }

    async fn set_availability(
        &self,
        _request: Request<v1::SetAvailabilityRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("set_availability"))
    }

    async fn set_maintenance(
        &self,
        _request: Request<v1::SetMaintenanceRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("set_maintenance"))
    }

    async fn put_descriptors(
        &self,
        _request: Request<v1::PutDescriptorsRequest>,
    ) -> Result<Response<v1::ActResponse>, Status> {
        Err(Status::unimplemented("put_descriptors"))
    }

    async fn get_descriptors(
        &self,
        _request: Request<v1::GetDescriptorsRequest>,
    ) -> Result<Response<v1::GetDescriptorsResponse>, Status> {
        Err(Status::unimplemented("get_descriptors"))
    }

    async fn get_coverage(
        &self,
        _request: Request<v1::GetCoverageRequest>,
    ) -> Result<Response<v1::GetCoverageResponse>, Status> {
        Err(Status::unimplemented("get_coverage"))
    }

    async fn list_audit(
        &self,
        _request: Request<v1::ListAuditRequest>,
    ) -> Result<Response<v1::ListAuditResponse>, Status> {
        Err(Status::unimplemented("list_audit"))
    }
}

impl RegistryControl {
    /// What stands, or what stood at an instant.
    async fn as_of(&self, request: Request<v1::ListRequest>) -> Result<Arc<Registry>, Status> {
        asker(&request)?;
        let Some(at) = filter::as_of(request.into_inner().as_of_us)? else {
            return Ok(self.keeper.current());
        };
        let reader = self.follow.reader().clone();
        let folded = self
            .work
            .scan(move || registry_at(&reader, Some(at)))
            .await?;
        folded.map(Arc::new).map_err(|error| {
            tracing::error!(%error, "registry's history not readable");
            Status::data_loss(format!("the registry's history cannot be read: {error}"))
        })
    }
}

fn refused(error: &KeeperError) -> Status {
    let text = error.to_string();
    match error {
        KeeperError::Catalogue(_) | KeeperError::NoteTooLong { .. } => {
            Status::invalid_argument(text)
        }
        KeeperError::Append(_) => {
            tracing::warn!(error = text, "registry change not journaled");
            Status::unavailable(text)
        }
        KeeperError::Fold { .. } | KeeperError::BrokeOff => {
            tracing::error!(error = text, "registry change failed");
            Status::internal(text)
        }
    }
}
