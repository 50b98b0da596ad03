//! What a catalogue would change in what stands: everything that is wrong with it, or the
//! differences and the changes that the hub journals. Planning what stands gives nothing.

use std::collections::HashSet;

use ndxp_model::SystemId;
use ndxp_proto::registry::v1;
use prost::Message as _;

use crate::check::{self, Request};
use crate::difference::{Fields, difference};
use crate::fold::Registry;
use crate::limits::{CHANGES_BYTES_MAX, GRANTS_MAX, MEMBERS_MAX, SERVICES_MAX, SYSTEMS_MAX};
use crate::problem::{CatalogueError, CatalogueErrors, Place, Problem, shown};
use crate::record::{Finding, Item};

/// What applying a catalogue would do: members first, then systems, services and grants, each in
/// the order of their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub differences: Vec<v1::Difference>,
    /// What to journal, in one entry. Empty when there is nothing to do.
    pub changes: Vec<v1::Change>,
}

impl Registry {
    /// # Errors
    /// Everything that is wrong with the catalogue, by itself and beside what stands.
    pub fn plan(&self, wanted: &v1::Catalogue) -> Result<Plan, CatalogueErrors> {
        let wanted = check::completed(
            wanted,
            |code| self.members.get(code).map(|standing| standing.item.state),
            |id| self.systems.get(id).map(|standing| standing.item.state),
        );
        let mut errors = check::check(&wanted, &Request);
        errors.extend(Beside::new(self, &wanted).errors());
        CatalogueErrors::none_of(errors)?;

        let plan = self.changes(wanted);
        let bytes = plan.changes.iter().map(encoded_bytes).sum();
        if bytes > CHANGES_BYTES_MAX {
            let max = CHANGES_BYTES_MAX;
            let problem = Problem::TooMuchAtOnce { bytes, max };
            CatalogueErrors::none_of(vec![of_the_whole("", problem)])?;
        }
        Ok(plan)
    }

    fn changes(&self, wanted: v1::Catalogue) -> Plan {
        use v1::change::Item as Changed;
        let mut plan = Plan::default();
        let member = |item: &v1::Member| self.members.get(item.code.as_str()).map(|at| &at.item);
        plan.add(wanted.members, member, Changed::Member);
        let system = |item: &v1::System| self.systems.get(item.id.as_str()).map(|at| &at.item);
        plan.add(wanted.systems, system, Changed::System);
        let service = |item: &v1::Service| {
            let standing = self.standing_service(&item.provider, &item.name);
            standing.map(|standing| &standing.item)
        };
        plan.add(wanted.services, service, Changed::Service);
        let grant = |item: &v1::Grant| {
            let standing = self.standing_grant(&item.consumer, &item.provider, &item.service);
            standing.map(|standing| &standing.item)
        };
        // The id repeats the key, which is most of a grant: the fold gives it again.
        let without_id = |grant| {
            let id = String::new();
            Changed::Grant(v1::Grant { id, ..grant })
        };
        plan.add(wanted.grants, grant, without_id);
        plan
    }
}

impl Plan {
    fn add<'a, T: Fields + 'a>(
        &mut self,
        mut wanted: Vec<T>,
        standing: impl Fn(&T) -> Option<&'a T>,
        changed: impl Fn(T) -> v1::change::Item,
    ) {
        wanted.sort_by_cached_key(Item::key);
        for mut item in wanted {
            item.sort_lists();
            if let Some(difference) = difference(standing(&item), &item) {
                self.differences.push(difference);
                let item = Some(changed(item));
                self.changes.push(v1::Change { item });
            }
        }
    }
}

/// A catalogue beside what stands: the keys that there would be.
struct Beside<'a> {
    registry: &'a Registry,
    wanted: &'a v1::Catalogue,
    members: HashSet<&'a str>,
    systems: HashSet<&'a str>,
    services: HashSet<(&'a str, &'a str)>,
}

impl<'a> Beside<'a> {
    fn new(registry: &'a Registry, wanted: &'a v1::Catalogue) -> Self {
        let service = |item: &'a v1::Service| (item.provider.as_str(), item.name.as_str());
        Self {
            registry,
            wanted,
            members: wanted
                .members
                .iter()
                .map(|item| item.code.as_str())
                .collect(),
            systems: wanted.systems.iter().map(|item| item.id.as_str()).collect(),
            services: wanted.services.iter().map(service).collect(),
        }
    }

    fn errors(&self) -> Vec<CatalogueError> {
        let mut errors = Vec::new();
        for (index, system) in self.wanted.systems.iter().enumerate() {
            if let Some(problem) = self.no_member(&system.id) {
                errors.push(error(system, index, "id", &system.id, problem));
            }
            self.claimed_fingerprints(system, index, &mut errors);
        }
        for (index, service) in self.wanted.services.iter().enumerate() {
            if let Some(problem) = self.no_system(&service.provider) {
                errors.push(error(
                    service,
                    index,
                    "provider",
                    &service.provider,
                    problem,
                ));
            }
        }
        for (index, grant) in self.wanted.grants.iter().enumerate() {
            if let Some(problem) = self.no_system(&grant.consumer) {
                errors.push(error(grant, index, "consumer", &grant.consumer, problem));
            }
            if let Some(problem) = self.no_system(&grant.provider) {
                errors.push(error(grant, index, "provider", &grant.provider, problem));
            } else if let Some(problem) = self.not_offered(&grant.provider, &grant.service) {
                errors.push(error(grant, index, "service", &grant.service, problem));
            }
        }
        errors.extend(self.too_many());
        errors
    }

    fn no_member(&self, system: &str) -> Option<Problem> {
        // A malformed name is an error of its own.
        let member = system.parse::<SystemId>().ok()?.member();
        let stands = self.members.contains(member.as_str())
            || self.registry.members.contains_key(member.as_str());
        let member = member.to_string();
        (!stands).then_some(Problem::UnknownMember { member })
    }

    fn no_system(&self, system: &str) -> Option<Problem> {
        let stands = self.systems.contains(system) || self.registry.systems.contains_key(system);
        let missing = !stands && system.parse::<SystemId>().is_ok();
        let system = system.to_owned();
        missing.then_some(Problem::UnknownSystem { system })
    }

    fn not_offered(&self, provider: &str, service: &str) -> Option<Problem> {
        let stands = self.services.contains(&(provider, service))
            || self.registry.standing_service(provider, service).is_some();
        let is_named = !provider.is_empty() && !service.is_empty();
        let provider = provider.to_owned();
        (!stands && is_named).then_some(Problem::NotOffered { provider })
    }

    /// Certificates of the system that stand for another, which the catalogue does not take
    /// them from.
    fn claimed_fingerprints(
        &self,
        system: &v1::System,
        index: usize,
        errors: &mut Vec<CatalogueError>,
    ) {
        let Ok(record) = system.read() else { return };
        for (element, fingerprint) in record.fingerprints.iter().enumerate() {
            let holders = self.registry.fingerprints.get(fingerprint);
            let holder = holders
                .into_iter()
                .flat_map(|holders| holders.iter())
                .find(|holder| {
                    holder.as_str() != system.id && !self.systems.contains(holder.as_str())
                });
            if let Some(holder) = holder {
                let at = (system, index);
                let error = check::fingerprint_claimed(at, element, holder.as_str(), &Request);
                errors.push(error);
            }
        }
    }

    fn too_many(&self) -> Vec<CatalogueError> {
        let registry = self.registry;
        let new_members = self
            .members
            .iter()
            .filter(|code| !registry.members.contains_key(**code));
        let new_systems = self
            .systems
            .iter()
            .filter(|id| !registry.systems.contains_key(**id));
        let new_services = self
            .services
            .iter()
            .filter(|(provider, name)| registry.standing_service(provider, name).is_none());
        let new_grants = self.wanted.grants.iter().filter(|grant| {
            registry
                .standing_grant(&grant.consumer, &grant.provider, &grant.service)
                .is_none()
        });
        let services = registry
            .services
            .values()
            .map(|by| by.size())
            .sum::<usize>();
        let grants = registry
            .grants
            .values()
            .flat_map(|by| by.values())
            .map(|by| by.size());
        let grants = grants.sum::<usize>();
        let counts = [
            (
                "members",
                registry.members.size() + new_members.count(),
                MEMBERS_MAX,
            ),
            (
                "systems",
                registry.systems.size() + new_systems.count(),
                SYSTEMS_MAX,
            ),
            ("services", services + new_services.count(), SERVICES_MAX),
            ("grants", grants + new_grants.count(), GRANTS_MAX),
        ];
        counts
            .into_iter()
            .filter(|(_, found, max)| found > max)
            .map(|(key, found, max)| of_the_whole(key, Problem::TooManyItems { found, max }))
            .collect()
    }
}

fn error<T: Item>(
    item: &T,
    index: usize,
    field: &'static str,
    value: &str,
    problem: Problem,
) -> CatalogueError {
    let finding = Finding {
        field: field.into(),
        value: shown(value),
        problem,
    };
    finding.at(Place::Request, check::label(item, index))
}

/// A change in a journal entry: its own bytes, its tag and at most four bytes of length.
fn encoded_bytes(change: &v1::Change) -> usize {
    change.encoded_len() + 1 + 4
}

fn of_the_whole(key: &str, problem: Problem) -> CatalogueError {
    CatalogueError {
        place: Place::Request,
        item: String::new(),
        key: key.to_owned(),
        value: String::new(),
        problem,
    }
}

#[cfg(test)]
mod tests;
