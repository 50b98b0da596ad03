//! A service's descriptors: taken when they hold the service, and when nobody breaks who was
//! built against those before.

use ndxp_proto::registry::v1;

use super::{one, unknown};
use crate::descriptors::Contract;
use crate::fold::{Registry, Versions};
use crate::plan::Plan;
use crate::problem::{CatalogueError, CatalogueErrors, ItemKind, Place, Problem};
use crate::record::Item as _;

impl Registry {
    pub(super) fn plan_descriptors(
        &self,
        request: &v1::PutDescriptorsRequest,
    ) -> Result<Plan, CatalogueErrors> {
        let wanted = request.descriptors.as_ref().ok_or_else(|| {
            let expected = "the provider, the service and its descriptors".into();
            one("", "descriptors", "", Problem::Missing { expected })
        })?;
        let (provider, name) = (wanted.provider.as_str(), wanted.service.as_str());
        let key = format!("{provider}/{name}");
        let standing = self.service(provider, name);
        let standing = standing.ok_or_else(|| unknown(ItemKind::Service, &key))?;
        let item = format!("service {key}");
        let key = "file_descriptor_set";
        let contract = Contract::read(&wanted.file_descriptor_set, name)
            .map_err(|problem| one(&item, key, "", problem))?;
        if !request.allow_incompatible {
            self.check_compatible(wanted, &contract, &item)?;
        }
        let sha256 = ring::digest::digest(&ring::digest::SHA256, &wanted.file_descriptor_set);
        let mut plan = Plan::of_service(
            standing,
            v1::Service {
                methods: contract.method_names(),
                descriptors_sha256: sha256.as_ref().to_vec(),
                ..standing.clone()
            },
        );
        if !plan.changes.is_empty() {
            plan.push(v1::change::Item::Descriptors(wanted.clone()));
        }
        Ok(plan)
    }

    fn check_compatible(
        &self,
        wanted: &v1::Descriptors,
        contract: &Contract,
        item: &str,
    ) -> Result<(), CatalogueErrors> {
        let (provider, name) = (wanted.provider.as_str(), wanted.service.as_str());
        let mut problems = Vec::new();
        if let Some(standing) = self.descriptors(provider, name)
            && let Ok(before) = Contract::read(&standing.file_descriptor_set, name)
        {
            let breaks = before.breaks_under(contract).into_iter();
            problems.extend(breaks.map(|change| Problem::Breaks { change }));
        }
        let methods = contract.method_names();
        for grant in self.granted_of(provider, name) {
            let gone = grant
                .methods
                .iter()
                .filter(|method| !methods.contains(method));
            problems.extend(gone.map(|method| Problem::GrantedMethodGone {
                method: method.clone(),
                grant: grant.key(),
            }));
        }
        let error = |problem| CatalogueError {
            place: Place::Request,
            item: item.to_owned(),
            key: "file_descriptor_set".to_owned(),
            value: String::new(),
            problem,
        };
        CatalogueErrors::none_of(problems.into_iter().map(error).collect())
    }

    /// Active grants to the service.
    fn granted_of(&self, provider: &str, name: &str) -> impl Iterator<Item = &v1::Grant> {
        let versions = self
            .grants
            .values()
            .filter_map(move |services| services.get(name)?.get(provider));
        versions
            .flat_map(Versions::active)
            .map(|standing| &standing.item)
    }
}
