//! Pruning: what a catalogue does not name goes. Members, systems and services are taken away,
//! and with them the grants that would point at nothing; other active grants are revoked, so that
//! what became of them can be read. Requests of others are left to their parties.

use std::collections::HashSet;

use ndxp_proto::registry::v1;

use super::Plan;
use super::grants::terms;
use crate::difference::Fields as _;
use crate::fold::{Registry, Versions};
use crate::problem::ItemKind;
use crate::record::Item as _;

impl Registry {
    pub(super) fn add_pruned(&self, wanted: &v1::Catalogue, plan: &mut Plan) {
        let members: HashSet<&str> = wanted.members.iter().map(|it| it.code.as_str()).collect();
        let systems: HashSet<&str> = wanted.systems.iter().map(|it| it.id.as_str()).collect();
        let service = |it: &v1::Service| it.key();
        let services: HashSet<String> = wanted.services.iter().map(service).collect();
        self.prune_grants(wanted, &systems, &services, plan);
        for service in self.services() {
            let key = service.key();
            if !services.contains(&key) {
                plan.remove(ItemKind::Service, key);
            }
        }
        for system in self.systems() {
            if !systems.contains(system.id.as_str()) {
                plan.remove(ItemKind::System, system.id);
            }
        }
        for member in self.members() {
            if !members.contains(member.code.as_str()) {
                plan.remove(ItemKind::Member, member.code);
            }
        }
    }

    fn prune_grants(
        &self,
        wanted: &v1::Catalogue,
        systems: &HashSet<&str>,
        services: &HashSet<String>,
        plan: &mut Plan,
    ) {
        let named: HashSet<String> = wanted.grants.iter().map(v1::Grant::key).collect();
        let mut all: Vec<&Versions> = self.all_versions().collect();
        all.sort_by_cached_key(|versions| versions.iter().next().map(|it| it.item.key()));
        for versions in all {
            let Some(first) = versions.iter().next().map(|standing| &standing.item) else {
                continue;
            };
            let key = first.key();
            let offer = format!("{}/{}", first.provider, first.service);
            if !systems.contains(first.consumer.as_str())
                || !systems.contains(first.provider.as_str())
                || !services.contains(&offer)
            {
                plan.remove(ItemKind::Grant, key);
                continue;
            }
            if self.has_shut_side(first) {
                continue;
            }
            let of_key = || wanted.grants.iter().filter(|grant| grant.key() == key);
            let revoked: Vec<&v1::Grant> = versions
                .active()
                .map(|standing| &standing.item)
                .filter(|grant| {
                    let same = |wanted: &v1::Grant| {
                        let mut wanted = terms(wanted);
                        wanted.sort_lists();
                        wanted == terms(grant)
                    };
                    !named.contains(&key)
                        || !of_key()
                            .any(|wanted| same(wanted) || super::grants::overlap(wanted, grant))
                })
                .collect();
            for grant in revoked {
                plan.revoke(grant, "operator");
            }
        }
    }

    /// A side of the grant has ended: it permits nothing, and no catalogue need name it.
    pub(crate) fn has_shut_side(&self, grant: &v1::Grant) -> bool {
        [&grant.consumer, &grant.provider]
            .into_iter()
            .any(|system| {
                let member = system
                    .split_once('/')
                    .and_then(|(code, _)| self.member(code));
                let states = [
                    self.system_item(system).map(v1::System::state),
                    member.map(v1::Member::state),
                ];
                states
                    .into_iter()
                    .flatten()
                    .any(|state| !crate::lifecycle::is_open(state))
            })
    }
}

impl Plan {
    fn remove(&mut self, kind: ItemKind, key: String) {
        self.differences.push(v1::Difference {
            item: format!("{kind} {key}"),
            removed: true,
            ..v1::Difference::default()
        });
        let kind = match kind {
            ItemKind::Member => v1::ItemKind::Member,
            ItemKind::System => v1::ItemKind::System,
            ItemKind::Service => v1::ItemKind::Service,
            ItemKind::Grant => v1::ItemKind::Grant,
        };
        self.push(v1::change::Item::Removed(v1::Removed {
            kind: kind.into(),
            key,
        }));
    }

    pub(crate) fn revoke(&mut self, grant: &v1::Grant, role: &str) {
        let revoked = v1::Grant {
            state: v1::GrantState::Revoked.into(),
            decided_by: role.to_owned(),
            ..grant.clone()
        };
        self.differences.push(v1::Difference {
            removed: true,
            ..crate::difference::of_state(grant, &revoked)
        });
        self.grant = Some(crate::fold::with_id(&revoked));
        self.push(v1::change::Item::Grant(revoked));
    }
}
