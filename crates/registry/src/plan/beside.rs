//! A catalogue beside what stands: what it refers to, what that allows, and how much there would
//! be.

use std::collections::{HashMap, HashSet};

use ndxp_model::SystemId;
use ndxp_proto::registry::v1;

use super::{Asking, error, of_the_whole};
use crate::check::{self, Request};
use crate::fold::Registry;
use crate::lifecycle;
use crate::limits::{GRANTS_MAX, MEMBERS_MAX, SERVICES_MAX, SYSTEMS_MAX};
use crate::problem::{CatalogueError, Problem};
use crate::record::Item;
use crate::words;

/// The keys that there would be. Under pruning, what the catalogue does not name is gone.
pub(super) struct Beside<'a> {
    registry: &'a Registry,
    wanted: &'a v1::Catalogue,
    prune: bool,
    asking: Asking<'a>,
    members: HashMap<&'a str, &'a v1::Member>,
    systems: HashMap<&'a str, &'a v1::System>,
    services: HashSet<(&'a str, &'a str)>,
}

impl<'a> Beside<'a> {
    pub fn new(
        registry: &'a Registry,
        wanted: &'a v1::Catalogue,
        prune: bool,
        asking: Asking<'a>,
    ) -> Self {
        let service = |item: &'a v1::Service| (item.provider.as_str(), item.name.as_str());
        let members = wanted.members.iter();
        let systems = wanted.systems.iter();
        Self {
            registry,
            wanted,
            prune,
            asking,
            members: members.map(|item| (item.code.as_str(), item)).collect(),
            systems: systems.map(|item| (item.id.as_str(), item)).collect(),
            services: wanted.services.iter().map(service).collect(),
        }
    }

    pub fn errors(&self) -> Vec<CatalogueError> {
        let mut errors = Vec::new();
        for (index, member) in self.wanted.members.iter().enumerate() {
            self.member(member, index, &mut errors);
        }
        for (index, system) in self.wanted.systems.iter().enumerate() {
            self.system(system, index, &mut errors);
        }
        for (index, service) in self.wanted.services.iter().enumerate() {
            let provider = service.provider.as_str();
            let stands = self.registry.service(provider, &service.name).is_some();
            let closed = || self.shut_system(provider).filter(|_| !stands);
            if let Some(problem) = self.no_system(provider).or_else(closed) {
                errors.push(error(service, index, "provider", provider, problem));
            }
        }
        for (index, grant) in self.wanted.grants.iter().enumerate() {
            self.grant(grant, index, &mut errors);
        }
        errors.extend(self.too_many());
        errors
    }

    fn member(&self, member: &v1::Member, index: usize, errors: &mut Vec<CatalogueError>) {
        let standing = self.registry.member(&member.code);
        let step = standing.and_then(|standing| self.step(standing.state, member.state));
        errors.extend(step.map(|(key, problem)| {
            let to = words::word_of(&words::STATES, member.state);
            error(member, index, key, to, problem)
        }));
        for alias in &member.aliases {
            let holder = self
                .registry
                .aliases
                .get(alias.as_str())
                .map(|holder| &**holder);
            let is_kept = |holder: &&str| {
                *holder != member.code && !self.prune && !self.members.contains_key(holder)
            };
            if let Some(holder) = holder.filter(is_kept) {
                let holder = format!("member {holder}");
                let problem = Problem::AliasClaimed { holder };
                errors.push(error(member, index, "aliases", alias, problem));
            }
        }
        let successor = member.successor.as_str();
        if !successor.is_empty() && successor != member.code {
            let next = |code: &str| self.member_now(code).map(|item| item.successor.as_str());
            if let Some(problem) = no_such_member(successor, self.member_now(successor).is_some())
                .or_else(|| cycle(&member.code, successor, next))
            {
                errors.push(error(member, index, "successor", successor, problem));
            }
        }
    }

    fn system(&self, system: &v1::System, index: usize, errors: &mut Vec<CatalogueError>) {
        let standing = self.registry.system_item(&system.id);
        let step = standing.and_then(|standing| self.step(standing.state, system.state));
        errors.extend(step.map(|(key, problem)| {
            let to = words::word_of(&words::STATES, system.state);
            error(system, index, key, to, problem)
        }));
        // A malformed name is an error of its own.
        if let Ok(id) = system.id.parse::<SystemId>() {
            let code = id.member();
            let member = self.member_now(code.as_str());
            let closed =
                || shut("member", code.as_str(), member?.state()).filter(|_| standing.is_none());
            let problem = no_such_member(code.as_str(), member.is_some()).or_else(closed);
            errors.extend(problem.map(|problem| error(system, index, "id", &system.id, problem)));
        }
        let successor = system.successor.as_str();
        if !successor.is_empty() && successor != system.id {
            let next = |id: &str| self.system_now(id).map(|item| item.successor.as_str());
            let problem = self
                .no_system(successor)
                .or_else(|| cycle(&system.id, successor, next));
            errors.extend(
                problem.map(|problem| error(system, index, "successor", successor, problem)),
            );
        }
        self.claimed_fingerprints(system, index, errors);
    }

    fn grant(&self, grant: &v1::Grant, index: usize, errors: &mut Vec<CatalogueError>) {
        let (provider, service) = (grant.provider.as_str(), grant.service.as_str());
        let mut found = |field, value: &str, problem: Problem| {
            errors.push(error(grant, index, field, value, problem));
        };
        // What stands may stay when a side of it has closed; it permits nothing any more.
        let stands = self.registry.grants_as(grant).is_some();
        let shut = |system: &str| self.shut_system(system).filter(|_| !stands);
        let consumer = grant.consumer.as_str();
        if let Some(problem) = self.no_system(consumer).or_else(|| shut(consumer)) {
            found("consumer", consumer, problem);
        }
        if let Some(problem) = self.no_system(provider).or_else(|| shut(provider)) {
            found("provider", provider, problem);
        } else if let Some(problem) = self.not_offered(provider, service) {
            found("service", service, problem);
        }
        if !stands && let Some(offered) = self.registry.service(provider, service) {
            for (method, problem) in unknown_methods(&grant.methods, &offered.methods) {
                found("methods", method, problem);
            }
        }
        let behalf = grant.on_behalf_of.as_str();
        if !behalf.is_empty() {
            let problem = no_such_member(behalf, self.member_now(behalf).is_some());
            if let Some(problem) = problem {
                found("on_behalf_of", behalf, problem);
            }
        }
    }

    /// What is wrong with going from one state to another, and under which key.
    fn step(&self, from: i32, to: i32) -> Option<(&'static str, Problem)> {
        let states = v1::State::try_from(from)
            .ok()
            .zip(v1::State::try_from(to).ok());
        let (was, will) = states.filter(|(from, to)| from != to)?;
        match lifecycle::action_between(was, will) {
            None => {
                let from = words::word_of(&words::STATES, from);
                let to = words::word_of(&words::STATES, to);
                // A word that is not known is an error of its own.
                (!to.is_empty()).then_some(("state", Problem::NoWay { from, to }))
            }
            Some(action) if lifecycle::needs_reason(action) && self.asking.reason.is_empty() => {
                Some(("state", Problem::ReasonMissing))
            }
            Some(_) => None,
        }
    }

    fn member_now(&self, code: &str) -> Option<&'a v1::Member> {
        let standing = || self.registry.member(code).filter(|_| !self.prune);
        self.members.get(code).copied().or_else(standing)
    }

    fn system_now(&self, id: &str) -> Option<&'a v1::System> {
        let standing = || self.registry.system_item(id).filter(|_| !self.prune);
        self.systems.get(id).copied().or_else(standing)
    }

    fn no_system(&self, system: &str) -> Option<Problem> {
        let missing = self.system_now(system).is_none() && system.parse::<SystemId>().is_ok();
        let system = system.to_owned();
        missing.then_some(Problem::UnknownSystem { system })
    }

    /// The system or its member has ended.
    fn shut_system(&self, id: &str) -> Option<Problem> {
        let system = self.system_now(id)?;
        let (code, _) = id.split_once('/')?;
        let member = self
            .member_now(code)
            .and_then(|it| shut("member", code, it.state()));
        member.or_else(|| shut("system", id, system.state()))
    }

    fn not_offered(&self, provider: &str, service: &str) -> Option<Problem> {
        let stands = self.services.contains(&(provider, service))
            || !self.prune && self.registry.service(provider, service).is_some();
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
                    let is_kept = !self.prune && !self.systems.contains_key(holder.as_str());
                    holder.as_str() != system.id && is_kept
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
        if self.prune {
            return Vec::new();
        }
        let new_members =
            (self.members.keys()).filter(|code| !registry.members.contains_key(**code));
        let new_systems = (self.systems.keys()).filter(|id| !registry.systems.contains_key(**id));
        let new_services = self.services.iter();
        let new_services =
            new_services.filter(|(provider, name)| registry.service(provider, name).is_none());
        let new_grants = self.wanted.grants.iter();
        let new_grants = new_grants.filter(|grant| registry.grants_as(grant).is_none());
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
            (
                "services",
                registry.services_count + new_services.count(),
                SERVICES_MAX,
            ),
            (
                "grants",
                registry.grants_count + new_grants.count(),
                GRANTS_MAX,
            ),
        ];
        counts
            .into_iter()
            .filter(|(_, found, max)| found > max)
            .map(|(key, found, max)| of_the_whole(key, Problem::TooManyItems { found, max }))
            .collect()
    }
}

/// Methods that the service does not have, as far as its descriptors tell.
fn unknown_methods<'m>(listed: &'m [String], offered: &[String]) -> Vec<(&'m str, Problem)> {
    if offered.is_empty() {
        return Vec::new();
    }
    let unknown = listed.iter().filter(|method| !offered.contains(method));
    let known = offered.join(", ");
    let problem = |method: &'m String| {
        (
            method.as_str(),
            Problem::UnknownMethod {
                known: known.clone(),
            },
        )
    };
    unknown.map(problem).collect()
}

/// The item has ended, and takes nothing new.
fn shut(kind: &str, key: &str, state: v1::State) -> Option<Problem> {
    let word = words::word_of(&words::STATES, state.into());
    let what = format!("the {kind} {key}");
    (!lifecycle::is_open(state)).then_some(Problem::NotOpen { what, state: word })
}

fn no_such_member(code: &str, stands: bool) -> Option<Problem> {
    let missing = !stands && code.parse::<ndxp_model::MemberCode>().is_ok();
    let member = code.to_owned();
    missing.then_some(Problem::UnknownMember { member })
}

/// Whether the succession from the item through the successor comes back to the item.
fn cycle<'n>(
    item: &str,
    successor: &'n str,
    next: impl Fn(&str) -> Option<&'n str>,
) -> Option<Problem> {
    let mut seen = HashSet::new();
    let mut at = successor;
    // A cycle that the item is not part of ends the walk too; its own items are told of it.
    while seen.insert(at) {
        match next(at) {
            None | Some("") => return None,
            Some(again) if again == item => {
                let through = at.to_owned();
                return Some(Problem::SuccessorCycle { through });
            }
            Some(further) => at = further,
        }
    }
    None
}
