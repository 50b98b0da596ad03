//! Switching services and systems off and on, and their windows of maintenance.

use ndxp_proto::registry::v1;

use super::{one, unknown, wrong_kind};
use crate::fold::Registry;
use crate::plan::{Asking, Plan};
use crate::problem::{CatalogueErrors, ItemKind, Place};
use crate::record::{Finding, Item};

impl Registry {
    pub(super) fn plan_availability(
        &self,
        request: &v1::SetAvailabilityRequest,
    ) -> Result<Plan, CatalogueErrors> {
        // What is switched on has nothing to tell.
        let notice = if request.disabled {
            request.notice.clone()
        } else {
            String::new()
        };
        let disabled = request.disabled;
        match request.kind() {
            v1::ItemKind::Service => {
                let standing = self.service_of(&request.key)?;
                let wanted = v1::Service {
                    disabled,
                    notice,
                    ..standing.clone()
                };
                read(&wanted)?;
                Ok(Plan::of_service(standing, wanted))
            }
            v1::ItemKind::System => {
                let standing = self.system_item(&request.key);
                let standing = standing.ok_or_else(|| unknown(ItemKind::System, &request.key))?;
                let wanted = v1::System {
                    disabled,
                    notice,
                    ..standing.clone()
                };
                read(&wanted)?;
                Ok(Plan::of_system(standing, wanted))
            }
            _ => Err(wrong_kind("service or system")),
        }
    }

    pub(super) fn plan_maintenance(
        &self,
        request: &v1::SetMaintenanceRequest,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        let now = asking.now.as_micros();
        if let Some(past) = request.windows.iter().find(|window| window.until_us <= now) {
            let until = ndxp_model::Instant::from_micros(past.until_us).to_string();
            let problem = crate::problem::Problem::WindowOver { until };
            return Err(one("", "maintenance", "", problem));
        }
        let maintenance = request.windows.clone();
        match request.kind() {
            v1::ItemKind::Service => {
                let standing = self.service_of(&request.key)?;
                let wanted = v1::Service {
                    maintenance,
                    ..standing.clone()
                };
                read(&wanted)?;
                Ok(Plan::of_service(standing, wanted))
            }
            v1::ItemKind::System => {
                let standing = self.system_item(&request.key);
                let standing = standing.ok_or_else(|| unknown(ItemKind::System, &request.key))?;
                let wanted = v1::System {
                    maintenance,
                    ..standing.clone()
                };
                read(&wanted)?;
                Ok(Plan::of_system(standing, wanted))
            }
            _ => Err(wrong_kind("service or system")),
        }
    }

    /// The service by `provider/service`.
    fn service_of(&self, key: &str) -> Result<&v1::Service, CatalogueErrors> {
        key.rsplit_once('/')
            .and_then(|(provider, name)| self.service(provider, name))
            .ok_or_else(|| unknown(ItemKind::Service, key))
    }
}

/// Everything that is wrong with the item by itself.
pub(super) fn read<T: Item>(item: &T) -> Result<T::Record, CatalogueErrors> {
    let label = format!("{} {}", T::KIND, item.key());
    item.read().map_err(|findings| {
        let at = |finding: &Finding| finding.at(Place::Request, label.clone());
        CatalogueErrors::of(findings.iter().map(at).collect())
    })
}
