//! What stands in a registry, asked from outside: lists, single items, who is active.

use std::sync::Arc;

use ndxp_model::{Instant, MemberClass, SystemId, SystemKind};
use ndxp_proto::registry::v1;

use super::standing::{Standing, Versions};
use super::{Registry, Unreadable};
use crate::descriptors::Descriptors;
use crate::record::form::new_member_code;
use crate::record::{Item, MemberRecord, SystemRecord};
use crate::words;

impl Registry {
    /// In the order of the codes.
    #[must_use]
    pub fn members(&self) -> Vec<v1::Member> {
        let mut members: Vec<_> = items(self.members.values()).collect();
        members.sort_by(|a, b| a.code.cmp(&b.code));
        members
    }

    /// In the order of the ids.
    #[must_use]
    pub fn systems(&self) -> Vec<v1::System> {
        let mut systems: Vec<_> = items(self.systems.values()).collect();
        systems.sort_by(|a, b| a.id.cmp(&b.id));
        systems
    }

    /// In the order of the providers, then the names.
    #[must_use]
    pub fn services(&self) -> Vec<v1::Service> {
        let by_name = self.services.values();
        let mut services: Vec<_> = by_name
            .flat_map(|providers| items(providers.values()))
            .collect();
        services.sort_by(|a, b| (&a.provider, &a.name).cmp(&(&b.provider, &b.name)));
        services
    }

    /// In the order of consumers, providers, services, versions.
    #[must_use]
    pub fn grants(&self) -> Vec<v1::Grant> {
        let mut grants: Vec<_> = self
            .all_versions()
            .flat_map(Versions::iter)
            .map(|standing| with_id(&standing.item))
            .collect();
        grants.sort_by(|a, b| {
            let a_key = (&a.consumer, &a.provider, &a.service, a.version);
            a_key.cmp(&(&b.consumer, &b.provider, &b.service, b.version))
        });
        grants
    }

    /// The versions of one grant by its id, in their order.
    #[must_use]
    pub fn grant_versions(&self, id: &str) -> Vec<v1::Grant> {
        let versions = || {
            let (consumer, offer) = id.split_once('>')?;
            let (provider, service) = offer.rsplit_once('/')?;
            self.versions(consumer, provider, service)
        };
        let versions = versions().into_iter().flat_map(Versions::iter);
        versions.map(|standing| with_id(&standing.item)).collect()
    }

    #[must_use]
    pub fn member(&self, code: &str) -> Option<&v1::Member> {
        self.members.get(code).map(|standing| &standing.item)
    }

    /// The code of the member that a text names: its code, or an old form of it.
    #[must_use]
    pub fn resolve_member(&self, text: &str) -> Option<&str> {
        let code = match self.aliases.get(text) {
            Some(code) => self.members.get(&**code)?,
            None => match self.members.get(text) {
                Some(standing) => standing,
                None => self.members.get(new_member_code(text)?.as_str())?,
            },
        };
        Some(&code.item.code)
    }

    /// The system that a text names: `member/system` with an old form of the member's code.
    #[must_use]
    pub fn resolve_system(&self, text: &str) -> Option<SystemId> {
        let (member, name) = text.split_once('/')?;
        let member = self.resolve_member(member)?;
        format!("{member}/{name}").parse().ok()
    }

    /// Who carries on for the member today, through all successions; the member itself while it
    /// has no successor.
    #[must_use]
    pub fn successor_of<'a>(&'a self, code: &'a str) -> &'a str {
        let mut last = code;
        // As many steps as there are members end any cycle, which cannot be planned.
        for _ in 0..self.members.size() {
            match self.member(last).map(|member| member.successor.as_str()) {
                None | Some("") => break,
                Some(successor) => last = successor,
            }
        }
        last
    }

    /// Which system carries on for the system today: by its own succession, or else under its
    /// member's successor with the same name, through all successions; itself while it has none.
    #[must_use]
    pub fn system_successor_of(&self, id: &str) -> String {
        let mut last = id.to_owned();
        // As many steps as there are systems and members end any cycle, which cannot be planned.
        for _ in 0..=self.systems.size() + self.members.size() {
            let own = self.system_item(&last).map(|system| &system.successor);
            let next = match (own.filter(|own| !own.is_empty()), last.split_once('/')) {
                (Some(own), _) => own.clone(),
                (None, Some((member, name))) => format!("{}/{name}", self.successor_of(member)),
                (None, None) => break,
            };
            if next == last {
                break;
            }
            last = next;
        }
        last
    }

    /// The class of a member, in whatever state it is.
    #[must_use]
    pub fn member_class(&self, code: &str) -> Option<MemberClass> {
        words::member_class(self.member(code)?.class)
    }

    /// Whether any system offers, or offered, a service of this name.
    #[must_use]
    pub fn has_service(&self, name: &str) -> bool {
        self.services.contains_key(name)
    }

    #[must_use]
    pub fn system_item(&self, id: &str) -> Option<&v1::System> {
        self.systems.get(id).map(|standing| &standing.item)
    }

    #[must_use]
    pub fn service(&self, provider: &str, name: &str) -> Option<&v1::Service> {
        Some(&self.standing_service(provider, name)?.item)
    }

    /// The encoded `FileDescriptorSet` of a service.
    #[must_use]
    pub fn descriptors(&self, provider: &str, service: &str) -> Option<&Arc<Descriptors>> {
        self.descriptors
            .get(format!("{provider}/{service}").as_str())
    }

    /// Every service's descriptors, in the order of the keys.
    pub(crate) fn all_descriptors(&self) -> Vec<v1::Descriptors> {
        let named = |(key, descriptors): (&Arc<str>, &Arc<Descriptors>)| {
            let (provider, service) = key.rsplit_once('/')?;
            Some(v1::Descriptors {
                provider: provider.to_owned(),
                service: service.to_owned(),
                file_descriptor_set: descriptors.file_descriptor_set.clone(),
            })
        };
        let mut all: Vec<_> = self.descriptors.iter().filter_map(named).collect();
        all.sort_by(|a, b| (&a.provider, &a.service).cmp(&(&b.provider, &b.service)));
        all
    }

    /// The system, if it stands and can be read.
    #[must_use]
    pub fn system(&self, id: &str) -> Option<&Arc<SystemRecord>> {
        self.systems.get(id)?.record.as_ref().ok()
    }

    /// Every system that can be read, in no order: for those who watch over endpoints.
    pub fn system_records(&self) -> impl Iterator<Item = &Arc<SystemRecord>> {
        self.systems
            .values()
            .filter_map(|standing| standing.record.as_ref().ok())
    }

    #[must_use]
    pub fn system_kind(&self, id: &str) -> Option<SystemKind> {
        self.system(id).map(|system| system.kind)
    }

    /// Whether the system and its member stand, can be read and are not suspended.
    #[must_use]
    pub fn is_active(&self, system: &str) -> bool {
        self.system(system).is_some_and(|record| record.active)
            && self
                .member_record(system)
                .is_some_and(|record| record.active)
    }

    /// When the hub first shook hands with one of the system's endpoints.
    #[must_use]
    pub fn connected_at(&self, system: &SystemId) -> Option<Instant> {
        self.connected.get(system.as_str()).copied()
    }

    /// Items that this version cannot read, in the order of their names.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        let services = self.services.values().flat_map(|by| by.values());
        let grants = self.all_versions().flat_map(Versions::iter);
        let mut unreadable: Vec<_> = (self.members.values().filter_map(Standing::unreadable))
            .chain(self.systems.values().filter_map(Standing::unreadable))
            .chain(services.filter_map(Standing::unreadable))
            .chain(grants.filter_map(Standing::unreadable))
            .collect();
        unreadable.sort_by(|a, b| a.item.cmp(&b.item));
        unreadable
    }

    /// First handshakes, in the order of the systems.
    pub(crate) fn connections(&self) -> Vec<(Arc<str>, Instant)> {
        let mut connected: Vec<_> = self
            .connected
            .iter()
            .map(|(system, at)| (Arc::clone(system), *at))
            .collect();
        connected.sort_unstable();
        connected
    }

    /// The member that runs the system, if it stands and can be read.
    pub(crate) fn member_record(&self, system: &str) -> Option<&Arc<MemberRecord>> {
        let (code, _) = system.split_once('/')?;
        self.members.get(code)?.record.as_ref().ok()
    }

    pub(crate) fn standing_service(
        &self,
        provider: &str,
        name: &str,
    ) -> Option<&Standing<v1::Service>> {
        self.services.get(name)?.get(provider)
    }

    pub(crate) fn versions(
        &self,
        consumer: &str,
        provider: &str,
        service: &str,
    ) -> Option<&Versions> {
        self.grants.get(consumer)?.get(service)?.get(provider)
    }

    pub(crate) fn all_versions(&self) -> impl Iterator<Item = &Versions> {
        let by_service = self.grants.values().flat_map(|services| services.values());
        by_service.flat_map(|providers| providers.values())
    }
}

/// A grant as it goes out.
pub(crate) fn with_id(grant: &v1::Grant) -> v1::Grant {
    let id = grant.key();
    v1::Grant {
        id,
        ..grant.clone()
    }
}

fn items<'a, T: Item + 'a>(
    standing: impl Iterator<Item = &'a Standing<T>>,
) -> impl Iterator<Item = T> {
    standing.map(|standing| standing.item.clone())
}
