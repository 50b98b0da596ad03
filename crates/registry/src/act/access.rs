//! Grants as contracts of two parties: the consumer asks, the provider decides, either ends it.
//! A version's terms never change: whoever wants others asks for the next version.

use ndxp_model::Instant;
use ndxp_proto::registry::v1::{self, GrantState, change};

use super::{one, required_reason, unknown};
use crate::difference::{Fields as _, difference, of_state};
use crate::fold::{Registry, Standing, Versions, with_id};
use crate::lifecycle::{GrantAction, grant_transition};
use crate::limits::LIVE_VERSIONS_MAX;
use crate::plan::{Asking, Plan, is_over, overlap, terms};
use crate::problem::{CatalogueErrors, ItemKind, Problem};
use crate::record::Item as _;
use crate::words;

impl Registry {
    pub(super) fn plan_request(
        &self,
        request: &v1::RequestAccessRequest,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        let asked = request.grant.as_ref().ok_or_else(|| {
            let expected = "the terms that are asked for".into();
            one("", "grant", "", Problem::Missing { expected })
        })?;
        let mut wanted = terms(asked);
        wanted.sort_lists();
        wanted.replaces = asked.replaces;
        // The checks of a catalogue: forms, sides, methods, the member that is acted for.
        self.checked(
            v1::Catalogue {
                grants: vec![wanted.clone()],
                ..v1::Catalogue::default()
            },
            asking,
        )?;
        let versions = self.versions(&wanted.consumer, &wanted.provider, &wanted.service);
        let versions = versions.cloned().unwrap_or_default();
        let item = format!("grant {}", wanted.key());
        self.check_request(&item, &wanted, &versions, asking.now)?;
        wanted.version = versions.next();
        wanted.state = GrantState::Requested.into();
        asking.role.clone_into(&mut wanted.requested_by);
        let mut plan = Plan::default();
        plan.differences.extend(difference(None, &wanted));
        plan.grant = Some(with_id(&wanted));
        plan.push(change::Item::Grant(wanted));
        Ok(plan)
    }

    fn check_request(
        &self,
        item: &str,
        wanted: &v1::Grant,
        versions: &Versions,
        now: Instant,
    ) -> Result<(), CatalogueErrors> {
        if is_over(wanted, now) {
            let until = Instant::from_micros(wanted.valid_until_us).to_string();
            return Err(one(item, "valid_until", &until, Problem::Over));
        }
        if wanted.replaces != 0 && versions.get(wanted.replaces).is_none() {
            let version = wanted.replaces;
            let problem = Problem::NoSuchVersion { version };
            return Err(one(item, "replaces", &version.to_string(), problem));
        }
        let live = versions.live().map(|standing| &standing.item);
        let mut in_the_way = live.filter(|grant| {
            grant.version != wanted.replaces && !is_over(grant, now) && overlap(grant, wanted)
        });
        if let Some(grant) = in_the_way.next() {
            return Err(one(item, "", "", overlaps(grant)));
        }
        let found = versions.live().count() + 1;
        let max = LIVE_VERSIONS_MAX;
        if found > max {
            return Err(one(item, "", "", Problem::TooManyVersions { found, max }));
        }
        Ok(())
    }

    pub(super) fn plan_decision(
        &self,
        request: &v1::DecideAccessRequest,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        let versions = self.versions_of(&request.id)?;
        let item = format!("grant {}", request.id);
        let is_requested = |state| state == GrantState::Requested;
        let grant = chosen(versions, request.version, is_requested, "requested", &item)?;
        let action = if request.approve {
            GrantAction::Approve
        } else {
            GrantAction::Decline
        };
        let decided = self.moved(grant, action, &item, asking)?;
        let mut plan = Plan::default();
        if request.approve {
            self.check_approval(grant, versions, &item, asking)?;
            let replaced = versions.active().map(|standing| &standing.item);
            for replaced in replaced.filter(|active| active.version == grant.replaces) {
                let ended = v1::Grant {
                    state: GrantState::Replaced.into(),
                    ..replaced.clone()
                };
                plan.differences.push(of_state(replaced, &ended));
                plan.push(change::Item::Grant(ended));
            }
        } else {
            required_reason(&item, asking)?;
        }
        plan.differences.push(of_state(grant, &decided));
        plan.grant = Some(with_id(&decided));
        plan.push(change::Item::Grant(decided));
        Ok(plan)
    }

    /// What has changed since the request was made.
    fn check_approval(
        &self,
        grant: &v1::Grant,
        versions: &Versions,
        item: &str,
        asking: Asking<'_>,
    ) -> Result<(), CatalogueErrors> {
        self.checked(
            v1::Catalogue {
                grants: vec![terms(grant)],
                ..v1::Catalogue::default()
            },
            asking,
        )?;
        let active = versions.active().map(|standing| &standing.item);
        let mut in_the_way = active.filter(|active| {
            active.version != grant.replaces
                && !is_over(active, asking.now)
                && overlap(active, grant)
        });
        match in_the_way.next() {
            Some(active) => Err(one(item, "", "", overlaps(active))),
            None => Ok(()),
        }
    }

    pub(super) fn plan_revocation(
        &self,
        request: &v1::RevokeAccessRequest,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        let versions = self.versions_of(&request.id)?;
        let item = format!("grant {}", request.id);
        required_reason(&item, asking)?;
        let mut plan = Plan::default();
        if request.version == 0 {
            for standing in versions.live() {
                plan.revoke(&standing.item, asking.role);
            }
            if plan.changes.is_empty() {
                let wanted = "requested or active";
                return Err(one(&item, "", "", Problem::NoVersionIs { wanted }));
            }
            return Ok(plan);
        }
        let any = |_| true;
        let grant = chosen(versions, request.version, any, "there", &item)?;
        self.moved(grant, GrantAction::Revoke, &item, asking)?;
        plan.revoke(grant, asking.role);
        Ok(plan)
    }

    /// The version after the action, or why that is not permitted.
    fn moved(
        &self,
        grant: &v1::Grant,
        action: GrantAction,
        item: &str,
        asking: Asking<'_>,
    ) -> Result<v1::Grant, CatalogueErrors> {
        let Some(state) = grant_transition(grant.state(), action) else {
            let problem = Problem::Forbidden {
                action: match action {
                    GrantAction::Approve => "approve",
                    GrantAction::Decline => "decline",
                    GrantAction::Revoke => "revoke",
                    GrantAction::Replace => "replace",
                },
                state: words::word_of(&words::GRANT_STATES, grant.state),
                permitted: "ask for a new version".to_owned(),
            };
            return Err(one(item, "version", &grant.version.to_string(), problem));
        };
        Ok(v1::Grant {
            state: state.into(),
            decided_by: asking.role.to_owned(),
            ..grant.clone()
        })
    }

    fn versions_of(&self, id: &str) -> Result<&Versions, CatalogueErrors> {
        let versions = id.split_once('>').and_then(|(consumer, offer)| {
            let (provider, service) = offer.rsplit_once('/')?;
            self.versions(consumer, provider, service)
        });
        versions.ok_or_else(|| unknown(ItemKind::Grant, id))
    }
}

/// The version that is named, or the only one that can be meant.
fn chosen<'v>(
    versions: &'v Versions,
    version: u32,
    is_meant: impl Fn(GrantState) -> bool,
    wanted: &'static str,
    item: &str,
) -> Result<&'v v1::Grant, CatalogueErrors> {
    if version != 0 {
        let named = versions.get(version).map(|standing| &standing.item);
        let problem = Problem::NoSuchVersion { version };
        return named.ok_or_else(|| one(item, "version", &version.to_string(), problem));
    }
    let state_is_meant = |standing: &&Standing<v1::Grant>| is_meant(standing.item.state());
    let meant: Vec<_> = versions.iter().filter(state_is_meant).collect();
    match meant.as_slice() {
        [] => Err(one(item, "", "", Problem::NoVersionIs { wanted })),
        [only] => Ok(&only.item),
        several => {
            let numbers = several
                .iter()
                .map(|standing| standing.item.version.to_string());
            let found = numbers.collect::<Vec<_>>().join(", ");
            Err(one(item, "version", "", Problem::WhichVersion { found }))
        }
    }
}

fn overlaps(grant: &v1::Grant) -> Problem {
    let end = |micros: i64| match micros {
        0 => "open".to_owned(),
        micros => Instant::from_micros(micros).to_string(),
    };
    let (from, until) = (end(grant.valid_from_us), end(grant.valid_until_us));
    Problem::GrantOverlaps {
        version: grant.version,
        state: words::word_of(&words::GRANT_STATES, grant.state),
        validity: format!("from {from} until {until}"),
    }
}
