//! Whether a service takes calls just now, as a caller is told of it. Pure: the registry and the
//! instant in, the answer out.

use ndxp_model::Instant;
use ndxp_proto::exchange::v1::{MaintenanceWindow, ServiceState};
use ndxp_proto::registry::v1;
use ndxp_registry::Registry;

/// What is said of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability {
    pub state: ServiceState,
    pub notice: String,
    /// Present and coming maintenance of the service and of its system, by the starts.
    pub maintenance: Vec<MaintenanceWindow>,
}

/// The state of a service at an instant, in the order in which calls are refused.
#[must_use]
pub fn availability(registry: &Registry, service: &v1::Service, now: Instant) -> Availability {
    let system = registry.system_item(&service.provider);
    let now_us = now.as_micros();
    let windows = system.iter().flat_map(|system| &system.maintenance);
    let mut maintenance: Vec<MaintenanceWindow> = windows
        .chain(&service.maintenance)
        .filter(|window| now_us < window.until_us)
        .map(|window| MaintenanceWindow {
            from_us: window.from_us,
            until_us: window.until_us,
            notice: window.notice.clone(),
        })
        .collect();
    maintenance.sort_by_key(|window| (window.from_us, window.until_us));
    let disabled_system = system.filter(|system| system.disabled);
    let (state, notice) = if !registry.is_active(&service.provider) {
        let notice = "the provider takes no part in the exchange at present".to_owned();
        (ServiceState::ProviderInactive, notice)
    } else if service.disabled {
        (ServiceState::Disabled, service.notice.clone())
    } else if let Some(system) = disabled_system {
        (ServiceState::Disabled, system.notice.clone())
    } else if let Some(window) = maintenance.iter().find(|window| window.from_us <= now_us) {
        (ServiceState::InMaintenance, window.notice.clone())
    } else {
        (ServiceState::Active, String::new())
    };
    Availability {
        state,
        notice,
        maintenance,
    }
}
