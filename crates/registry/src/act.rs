//! The administrative acts: each RPC that changes the registry, planned against what stands. An
//! act is the request itself, so that whatever the contract carries reaches the plan, and the
//! journal can say what was asked.

use ndxp_model::Instant;
use ndxp_proto::registry::v1;

use crate::fold::Registry;
use crate::plan::{Asking, Plan, reason_errors};
use crate::problem::{CatalogueError, CatalogueErrors, ItemKind, Place, Problem, shown};
use crate::words;

mod access;
mod contract;
mod life;
mod service;

/// One act that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Apply(v1::ApplyRequest),
    Propose(v1::ProposeRequest),
    Transition(v1::TransitionRequest),
    RequestAccess(v1::RequestAccessRequest),
    DecideAccess(v1::DecideAccessRequest),
    RevokeAccess(v1::RevokeAccessRequest),
    SetAvailability(v1::SetAvailabilityRequest),
    SetMaintenance(v1::SetMaintenanceRequest),
    PutDescriptors(v1::PutDescriptorsRequest),
}

impl Act {
    /// The name of the RPC.
    #[must_use]
    pub const fn rpc(&self) -> &'static str {
        match self {
            Self::Apply(_) => "Apply",
            Self::Propose(_) => "Propose",
            Self::Transition(_) => "Transition",
            Self::RequestAccess(_) => "RequestAccess",
            Self::DecideAccess(_) => "DecideAccess",
            Self::RevokeAccess(_) => "RevokeAccess",
            Self::SetAvailability(_) => "SetAvailability",
            Self::SetMaintenance(_) => "SetMaintenance",
            Self::PutDescriptors(_) => "PutDescriptors",
        }
    }

    /// What the act is about, as the request says it and cut to what the journal keeps; empty
    /// for a catalogue.
    #[must_use]
    pub fn item(&self) -> String {
        let item = match self {
            Self::Apply(_) => String::new(),
            Self::Propose(request) => match &request.item {
                None => String::new(),
                Some(v1::propose_request::Item::Member(member)) => member.code.clone(),
                Some(v1::propose_request::Item::System(system)) => system.id.clone(),
            },
            Self::Transition(request) => request.key.clone(),
            Self::RequestAccess(request) => {
                let grant = request.grant.clone().unwrap_or_default();
                crate::record::Item::key(&grant)
            }
            Self::DecideAccess(request) => request.id.clone(),
            Self::RevokeAccess(request) => request.id.clone(),
            Self::SetAvailability(request) => request.key.clone(),
            Self::SetMaintenance(request) => request.key.clone(),
            Self::PutDescriptors(request) => {
                let v1::Descriptors {
                    provider, service, ..
                } = request.descriptors.clone().unwrap_or_default();
                format!("{provider}/{service}")
            }
        };
        cut(&item, ITEM_BYTES_MAX)
    }

    /// Why, in the actor's words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Apply(request) => &request.note,
            Self::Propose(request) => &request.reason,
            Self::Transition(request) => &request.reason,
            Self::RequestAccess(request) => &request.reason,
            Self::DecideAccess(request) => &request.reason,
            Self::RevokeAccess(request) => &request.reason,
            Self::SetAvailability(request) => &request.reason,
            Self::SetMaintenance(request) => &request.reason,
            Self::PutDescriptors(request) => &request.reason,
        }
    }

    #[must_use]
    pub const fn dry_run(&self) -> bool {
        match self {
            Self::Apply(request) => request.dry_run,
            Self::Propose(request) => request.dry_run,
            Self::Transition(request) => request.dry_run,
            Self::RequestAccess(request) => request.dry_run,
            Self::DecideAccess(request) => request.dry_run,
            Self::RevokeAccess(request) => request.dry_run,
            Self::SetAvailability(request) => request.dry_run,
            Self::SetMaintenance(request) => request.dry_run,
            Self::PutDescriptors(request) => request.dry_run,
        }
    }

    /// Whether calls in flight that the act shuts out are to be ended.
    #[must_use]
    pub const fn cut(&self) -> bool {
        match self {
            Self::Transition(request) => request.cut,
            Self::RevokeAccess(request) => request.cut,
            Self::SetAvailability(request) => request.cut,
            _ => false,
        }
    }
}

/// Bytes of an act's item in the journal.
pub const ITEM_BYTES_MAX: usize = 1_000;

/// Bytes of the reason for a refusal in the journal.
pub const REFUSED_BYTES_MAX: usize = 4_000;

/// As much of the text as fits, cut between characters.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

impl Registry {
    /// What the act would do. `role` is as what its author acts, such as `operator` or
    /// `member H26`; whether the role may do it was decided before.
    ///
    /// # Errors
    /// Everything that is wrong with the act, by itself and beside what stands.
    pub fn plan_act(&self, act: &Act, role: &str, now: Instant) -> Result<Plan, CatalogueErrors> {
        let key = if matches!(act, Act::Apply(_)) {
            "note"
        } else {
            "reason"
        };
        CatalogueErrors::none_of(reason_errors(key, act.reason()))?;
        let asking = Asking {
            role,
            reason: act.reason().trim(),
            now,
        };
        let plan = match act {
            Act::Apply(request) => {
                let catalogue = request.catalogue.as_ref().ok_or_else(|| {
                    let expected = "the items that are to stand".into();
                    one("", "catalogue", "", Problem::Missing { expected })
                })?;
                return self.plan_catalogue(catalogue, request.prune, asking);
            }
            Act::Propose(request) => self.plan_proposal(request, asking),
            Act::Transition(request) => self.plan_transition(request, asking),
            Act::RequestAccess(request) => self.plan_request(request, asking),
            Act::DecideAccess(request) => self.plan_decision(request, asking),
            Act::RevokeAccess(request) => self.plan_revocation(request, asking),
            Act::SetAvailability(request) => self.plan_availability(request),
            Act::SetMaintenance(request) => self.plan_maintenance(request, asking),
            Act::PutDescriptors(request) => self.plan_descriptors(request),
        };
        plan?.bounded()
    }
}

/// One thing wrong with one item of an act.
fn one(item: &str, key: &str, value: &str, problem: Problem) -> CatalogueErrors {
    CatalogueErrors::of(vec![CatalogueError {
        place: Place::Request,
        item: item.to_owned(),
        key: key.to_owned(),
        value: if value.is_empty() {
            String::new()
        } else {
            shown(value)
        },
        problem,
    }])
}

/// A reason where the act needs one.
fn required_reason(item: &str, asking: Asking<'_>) -> Result<(), CatalogueErrors> {
    if asking.reason.is_empty() {
        return Err(one(item, "reason", "", Problem::ReasonMissing));
    }
    Ok(())
}

fn unknown(kind: ItemKind, key: &str) -> CatalogueErrors {
    let name = match kind {
        ItemKind::Grant => "id",
        _ => "key",
    };
    one("", name, key, Problem::Unknown { kind })
}

/// The kinds that an act takes.
fn wrong_kind(expected: &'static str) -> CatalogueErrors {
    let problem = Problem::UnknownWord {
        expected: expected.to_owned(),
    };
    one("", "kind", "", problem)
}

fn state_word(state: v1::State) -> &'static str {
    words::word_of(&words::STATES, state.into())
}

#[cfg(test)]
mod tests;
