//! The example nation: 63 provinces, 22 ministries, ten databases and eight information
//! systems of 90 members, what they offer, who calls whom how often, and the catalogue that lets them.
//!
//! The proportions follow the connections that official reports name: identity verification
//! by the provinces is by far the largest.

mod systems;
mod traffic;

use std::time::Duration;

use ndxp_model::{ServiceName, SystemId, SystemKind};
use ndxp_proto::registry::v1 as registry;

use crate::Method;
use crate::members::{Member, members};

/// A system of the nation.
#[derive(Clone, Debug)]
pub struct Participant {
    pub id: SystemId,
    pub kind: SystemKind,
    pub name: String,
    /// The example services that it serves; empty for a system that only calls.
    pub services: Vec<ServiceName>,
    /// Share of its kind's traffic, beside others of the same kind.
    pub(crate) size: u32,
}

/// One consumer calls one method of one provider, so often beside the others.
#[derive(Clone, Debug)]
pub struct Link {
    pub consumer: SystemId,
    pub provider: SystemId,
    pub method: Method,
    pub weight: u64,
}

/// Who there is and what passes between them. Always the same.
#[derive(Clone, Debug)]
pub struct Nation {
    members: Vec<Member>,
    systems: Vec<Participant>,
    absent: Participant,
    links: Vec<Link>,
}

/// Longest time that a call may take at providers that are asked to hang: short, so that the
/// hub's cap ends such calls while one watches, and far above any ordinary answer.
const DEADLINE_OF_HANGING: Duration = Duration::from_millis(2_000);

/// 2021-12-31T17:00:00Z, the start of 2022 in Viet Nam: when the lapsed grant ended.
const LAPSED_UNTIL_US: i64 = 1_640_970_000_000_000;

impl Default for Nation {
    fn default() -> Self {
        Self::new()
    }
}

impl Nation {
    #[must_use]
    pub fn new() -> Self {
        let members = members();
        let systems = systems::connected(&members);
        let links = traffic::links(&systems);
        Self {
            members,
            absent: systems::absent(),
            systems,
            links,
        }
    }

    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The systems that call or serve.
    #[must_use]
    pub fn systems(&self) -> &[Participant] {
        &self.systems
    }

    /// A database that is registered and where nobody listens.
    #[must_use]
    pub fn absent(&self) -> &Participant {
        &self.absent
    }

    /// Who calls what, and how often.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The registry's content under which the nation works. `endpoints` says where a system
    /// serves, as `host:port`; it is asked only for systems that do.
    #[must_use]
    pub fn catalogue(&self, endpoints: &dyn Fn(&SystemId) -> Vec<String>) -> registry::Catalogue {
        let all = || self.systems.iter().chain([&self.absent]);
        registry::Catalogue {
            members: self.members.iter().map(member).collect(),
            systems: all().map(|system| registered(system, endpoints)).collect(),
            services: all()
                .flat_map(services)
                .chain([withdrawn_service()])
                .collect(),
            grants: self.grants(),
        }
    }

    /// One grant for each connection in the traffic, one for each province to the absent
    /// database, and one that has lapsed.
    fn grants(&self) -> Vec<registry::Grant> {
        let mut grants: Vec<_> = self
            .links
            .iter()
            .map(|link| grant(&link.consumer, &link.provider, &link.method.service()))
            .collect();
        for province in systems::provinces(&self.systems) {
            for service in &self.absent.services {
                grants.push(grant(&province.id, &self.absent.id, service));
            }
        }
        grants.push(lapsed_grant());
        grants.sort_by(|a, b| key(a).cmp(&key(b)));
        grants.dedup_by(|a, b| key(a) == key(b));
        for grant in &mut grants {
            // Provinces look cards up; births are declared by civil status alone.
            if grant.consumer.ends_with("/lgsp") && grant.provider == "G24/insurance" {
                grant.methods = vec![Method::LookUpCard.name().to_owned()];
            }
        }
        grants
    }
}

fn key(grant: &registry::Grant) -> (&str, &str, &str) {
    (&grant.consumer, &grant.provider, &grant.service)
}

fn member(member: &Member) -> registry::Member {
    registry::Member {
        code: member.code.to_string(),
        name_vi: member.name_vi.clone(),
        name_en: String::new(),
        class: member.class.into(),
        state: registry::State::Active.into(),
        ..registry::Member::default()
    }
}

fn registered(
    system: &Participant,
    endpoints: &dyn Fn(&SystemId) -> Vec<String>,
) -> registry::System {
    let kind = match system.kind {
        SystemKind::Lgsp => registry::SystemKind::Lgsp,
        SystemKind::Database => registry::SystemKind::Database,
        SystemKind::InformationSystem => registry::SystemKind::InformationSystem,
    };
    registry::System {
        id: system.id.to_string(),
        kind: kind.into(),
        name: system.name.clone(),
        endpoints: if system.services.is_empty() {
            Vec::new()
        } else {
            endpoints(&system.id)
        },
        fingerprints: Vec::new(),
        state: registry::State::Active.into(),
        ..registry::System::default()
    }
}

fn services(system: &Participant) -> impl Iterator<Item = registry::Service> {
    system.services.iter().map(|name| {
        let mut measures: Vec<_> = Method::ALL
            .into_iter()
            .filter(|method| method.service() == *name)
            .flat_map(|method| {
                method
                    .measure()
                    .into_iter()
                    .chain(method.answered_measures().iter().copied())
            })
            .map(str::to_owned)
            .collect();
        measures.sort_unstable();
        measures.dedup();
        let capped = Method::HANGING.iter().any(|m| m.service() == *name);
        registry::Service {
            provider: system.id.to_string(),
            name: name.to_string(),
            disabled: false,
            notice: String::new(),
            measures,
            deadline_ms_max: if capped {
                u64::try_from(DEADLINE_OF_HANGING.as_millis()).expect("two seconds are few")
            } else {
                0
            },
            ..registry::Service::default()
        }
    })
}

/// An earlier version that its provider has taken back.
pub(crate) const WITHDRAWN_SERVICE: &str = "ndxp.example.land.v0.LandService";
pub(crate) const WITHDRAWN_PROVIDER: &str = "G13/land";

fn withdrawn_service() -> registry::Service {
    registry::Service {
        provider: WITHDRAWN_PROVIDER.to_owned(),
        name: WITHDRAWN_SERVICE.to_owned(),
        disabled: true,
        notice: "withdrawn: call ndxp.example.land.v1.LandService".to_owned(),
        ..registry::Service::default()
    }
}

/// A service that nobody offers.
pub(crate) const UNOFFERED_SERVICE: &str = "ndxp.example.vehicles.v1.VehicleService";

pub(crate) const LAPSED_CONSUMER: &str = "G30/tax-portal";
pub(crate) const LAPSED_PROVIDER: &str = "G13/land";

fn lapsed_grant() -> registry::Grant {
    registry::Grant {
        consumer: LAPSED_CONSUMER.to_owned(),
        provider: LAPSED_PROVIDER.to_owned(),
        service: Method::LookUpParcel.service().to_string(),
        valid_until_us: LAPSED_UNTIL_US,
        ..registry::Grant::default()
    }
}

fn grant(consumer: &SystemId, provider: &SystemId, service: &ServiceName) -> registry::Grant {
    registry::Grant {
        consumer: consumer.to_string(),
        provider: provider.to_string(),
        service: service.to_string(),
        ..registry::Grant::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn catalogue() -> registry::Catalogue {
        Nation::new().catalogue(&|system| vec![format!("{}:443", system.name())])
    }

    #[test]
    fn the_nation_has_as_many_systems_of_each_kind_as_the_report_says() {
        let nation = Nation::new();
        let count = |wanted: &dyn Fn(&Participant) -> bool| {
            nation.systems().iter().filter(|s| wanted(s)).count()
        };
        let lgsp = |class: char| {
            count(&|s| s.kind == SystemKind::Lgsp && s.id.as_str().starts_with(class))
        };
        assert_eq!(lgsp('H'), 63);
        assert_eq!(lgsp('G'), 22);
        assert_eq!(count(&|s| s.kind == SystemKind::Database), 10);
        assert_eq!(count(&|s| s.kind == SystemKind::InformationSystem), 8);
        let ids: BTreeSet<_> = nation.systems().iter().map(|s| &s.id).collect();
        assert_eq!(ids.len(), nation.systems().len(), "each system stands once");
    }

    #[test]
    fn systems_of_ninety_members_are_connected_and_a_few_members_have_none() {
        let nation = Nation::new();
        let with_system: BTreeSet<_> = nation.systems().iter().map(|s| s.id.member()).collect();
        assert_eq!(with_system.len(), 90);
        let without: Vec<_> = nation
            .members()
            .iter()
            .filter(|member| !with_system.contains(&member.code))
            .map(|member| member.code.as_str())
            .collect();
        assert_eq!(without, ["G32", "G33", "E03"]);
    }

    #[test]
    fn every_system_takes_part_in_the_traffic() {
        let nation = Nation::new();
        for system in nation.systems() {
            let takes_part = |link: &Link| link.consumer == system.id || link.provider == system.id;
            assert!(nation.links().iter().any(takes_part), "{}", system.id);
        }
    }

    #[test]
    fn every_link_names_a_system_and_a_service_that_it_offers() {
        let nation = Nation::new();
        let by_id: BTreeMap<_, _> = nation.systems().iter().map(|s| (&s.id, s)).collect();
        for link in nation.links() {
            assert!(by_id.contains_key(&link.consumer), "{link:?}");
            assert!(
                by_id[&link.provider]
                    .services
                    .contains(&link.method.service()),
                "{link:?}"
            );
            assert!(link.weight > 0, "{link:?}");
            assert_ne!(link.consumer, link.provider, "{link:?}");
        }
    }

    #[test]
    fn every_method_is_called() {
        let called: BTreeSet<_> = Nation::new().links().iter().map(|l| l.method).collect();
        assert_eq!(called.len(), Method::ALL.len());
    }

    #[test]
    fn identity_verification_by_provinces_is_by_far_the_largest() {
        let mut sums = BTreeMap::<_, u64>::new();
        for link in Nation::new().links() {
            let class = link.consumer.as_str().chars().next();
            *sums
                .entry((class, link.provider.clone(), link.method))
                .or_default() += link.weight;
        }
        let mut sums: Vec<_> = sums.into_iter().map(|(key, sum)| (sum, key)).collect();
        sums.sort_unstable();
        let (first, key) = sums.pop().unwrap();
        let (second, _) = sums.pop().unwrap();
        assert_eq!((key.0, key.2), (Some('H'), Method::VerifyIdentity));
        assert!(first > 2 * second, "{first} {second}");
    }

    #[test]
    fn everything_that_the_catalogue_refers_to_stands_in_it_once() {
        let catalogue = catalogue();
        let members: BTreeSet<_> = catalogue.members.iter().map(|m| m.code.as_str()).collect();
        let systems: BTreeSet<_> = catalogue.systems.iter().map(|s| s.id.as_str()).collect();
        let services: BTreeSet<_> = catalogue
            .services
            .iter()
            .map(|s| (s.provider.as_str(), s.name.as_str()))
            .collect();
        let grants: BTreeSet<_> = catalogue.grants.iter().map(key).collect();
        assert_eq!(members.len(), catalogue.members.len());
        assert_eq!(systems.len(), catalogue.systems.len());
        assert_eq!(services.len(), catalogue.services.len());
        assert_eq!(grants.len(), catalogue.grants.len());
        for system in &systems {
            let id: SystemId = system.parse().unwrap();
            assert!(members.contains(id.member().as_str()), "{system}");
        }
        for (provider, service) in &services {
            assert!(systems.contains(provider), "{provider}");
            assert!(service.parse::<ServiceName>().is_ok(), "{service}");
        }
        for (consumer, provider, service) in &grants {
            assert!(systems.contains(consumer), "{consumer}");
            assert!(
                services.contains(&(provider, service)),
                "{provider} {service}"
            );
        }
    }

    #[test]
    fn exactly_the_systems_that_serve_have_endpoints() {
        let catalogue = catalogue();
        let serving: BTreeSet<_> = catalogue.services.iter().map(|s| &s.provider).collect();
        for system in &catalogue.systems {
            assert_eq!(
                !system.endpoints.is_empty(),
                serving.contains(&system.id),
                "{}",
                system.id
            );
        }
    }

    #[test]
    fn the_lapsed_grant_has_an_end_and_no_other_has() {
        let ended: Vec<_> = catalogue()
            .grants
            .into_iter()
            .filter(|grant| grant.valid_until_us != 0)
            .collect();
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0], lapsed_grant());
    }
}
