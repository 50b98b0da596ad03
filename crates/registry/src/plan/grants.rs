//! Versions of grants under a catalogue: the versions that it names stand active; a version whose
//! time one of them takes is replaced.

use ndxp_model::Instant;
use ndxp_proto::registry::v1;

use super::Plan;
use crate::difference::{Fields as _, difference};
use crate::fold::{Registry, with_id};

impl Registry {
    /// The active version that stands with the terms of the grant.
    pub(crate) fn grants_as(&self, grant: &v1::Grant) -> Option<&v1::Grant> {
        let versions = self.versions(&grant.consumer, &grant.provider, &grant.service)?;
        let mut wanted = terms(grant);
        wanted.sort_lists();
        let mut active = versions.active().map(|standing| &standing.item);
        active.find(|standing| terms(standing) == wanted)
    }

    /// Brings the versions of one grant to hold those that are wanted.
    pub(super) fn add_granted(&self, wanted: &[&v1::Grant], role: &str, plan: &mut Plan) {
        let Some(first) = wanted.first() else { return };
        let versions = self.versions(&first.consumer, &first.provider, &first.service);
        let versions = versions.cloned().unwrap_or_default();
        let mut next = versions.next();
        let kept: Vec<u32> = wanted
            .iter()
            .filter_map(|grant| Some(self.grants_as(grant)?.version))
            .collect();
        let mut ended = Vec::new();
        for grant in wanted {
            if self.grants_as(grant).is_some() {
                continue;
            }
            let mut new = terms(grant);
            new.sort_lists();
            let active = versions.active().map(|standing| &standing.item);
            let taken: Vec<&v1::Grant> = active
                .filter(|standing| !kept.contains(&standing.version) && overlap(standing, &new))
                .collect();
            new.version = next;
            new.state = v1::GrantState::Active.into();
            new.decided_by = role.to_owned();
            next = next.saturating_add(1);
            let difference = difference(taken.first().copied(), &new);
            plan.differences.extend(difference);
            for standing in taken {
                if !ended.contains(&standing.version) {
                    ended.push(standing.version);
                    plan.push(v1::change::Item::Grant(v1::Grant {
                        state: v1::GrantState::Replaced.into(),
                        ..standing.clone()
                    }));
                }
            }
            plan.grant = Some(with_id(&new));
            plan.push(v1::change::Item::Grant(new));
        }
    }
}

/// What the parties agree on: the grant without what the registry gives.
pub(crate) fn terms(grant: &v1::Grant) -> v1::Grant {
    v1::Grant {
        id: String::new(),
        version: 0,
        state: v1::GrantState::Unspecified.into(),
        requested_by: String::new(),
        decided_by: String::new(),
        replaces: 0,
        ..grant.clone()
    }
}

/// Whether there is an instant at which both would be valid.
pub(crate) fn overlap(one: &v1::Grant, other: &v1::Grant) -> bool {
    let end = |micros: i64| if micros == 0 { i64::MAX } else { micros };
    one.valid_from_us < end(other.valid_until_us) && other.valid_from_us < end(one.valid_until_us)
}

/// Whether the version's time is over.
pub(crate) fn is_over(grant: &v1::Grant, now: Instant) -> bool {
    grant.valid_until_us != 0 && grant.valid_until_us <= now.as_micros()
}
