//! The lives of members and systems: proposals, and the steps from state to state.

use ndxp_proto::registry::v1::{self, Action, change, propose_request};

use super::{one, required_reason, state_word, unknown, wrong_kind};
use crate::fold::Registry;
use crate::lifecycle;
use crate::plan::{Asking, Plan};
use crate::problem::{CatalogueErrors, ItemKind, Problem};
use crate::words;

impl Registry {
    pub(super) fn plan_proposal(
        &self,
        request: &v1::ProposeRequest,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        let mut catalogue = v1::Catalogue::default();
        let (kind, key, state) = match request.item.clone() {
            None => {
                let expected = "the member or the system that is put forward".into();
                return Err(one("", "item", "", Problem::Missing { expected }));
            }
            Some(propose_request::Item::Member(mut member)) => {
                let key = member.code.clone();
                let state = self.member(&key).map(v1::Member::state);
                member.state = v1::State::Proposed.into();
                catalogue.members.push(member);
                (ItemKind::Member, key, state)
            }
            Some(propose_request::Item::System(mut system)) => {
                let key = system.id.clone();
                let state = self.system_item(&key).map(v1::System::state);
                system.state = v1::State::Proposed.into();
                catalogue.systems.push(system);
                (ItemKind::System, key, state)
            }
        };
        match state {
            // Who was turned down may come again with what was missing.
            None => self.plan_catalogue(&catalogue, false, asking),
            Some(v1::State::Declined) => self.again(catalogue, asking),
            Some(_) => Err(one(
                &format!("{kind} {key}"),
                "",
                "",
                Problem::StandsAlready,
            )),
        }
    }

    /// A declined item put forward anew: planned as if it did not stand.
    fn again(&self, catalogue: v1::Catalogue, asking: Asking<'_>) -> Result<Plan, CatalogueErrors> {
        let mut without = self.clone();
        let removed = |kind: v1::ItemKind, key: &str| v1::Removed {
            kind: kind.into(),
            key: key.to_owned(),
        };
        for member in &catalogue.members {
            without.remove(&removed(v1::ItemKind::Member, &member.code));
        }
        for system in &catalogue.systems {
            without.remove(&removed(v1::ItemKind::System, &system.id));
        }
        without.plan_catalogue(&catalogue, false, asking)
    }

    pub(super) fn plan_transition(
        &self,
        request: &v1::TransitionRequest,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        match request.kind() {
            v1::ItemKind::Member => {
                let key = self.resolve_member(&request.key);
                let standing = key.and_then(|key| self.member(key));
                let standing = standing.ok_or_else(|| unknown(ItemKind::Member, &request.key))?;
                let item = format!("member {}", standing.code);
                let state = next_state(&item, standing.state(), request, asking)?;
                let mut member = standing.clone();
                member.state = state.into();
                self.resolve_member(&request.successor)
                    .unwrap_or(&request.successor)
                    .clone_into(&mut member.successor);
                let plan = self.checked(
                    v1::Catalogue {
                        members: vec![member],
                        ..v1::Catalogue::default()
                    },
                    asking,
                )?;
                Ok(plan)
            }
            v1::ItemKind::System => {
                let standing = self.system_item(&request.key);
                let standing = standing.ok_or_else(|| unknown(ItemKind::System, &request.key))?;
                let item = format!("system {}", standing.id);
                let state = next_state(&item, standing.state(), request, asking)?;
                let mut system = standing.clone();
                system.state = state.into();
                system.successor.clone_from(&request.successor);
                self.checked(
                    v1::Catalogue {
                        systems: vec![system],
                        ..v1::Catalogue::default()
                    },
                    asking,
                )
            }
            _ => Err(wrong_kind("member or system")),
        }
    }

    /// Planned with all checks of a catalogue.
    pub(super) fn checked(
        &self,
        catalogue: v1::Catalogue,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        self.plan_catalogue(&catalogue, false, asking)
    }
}

impl Plan {
    /// Puts one item in place of the one that stands.
    pub(super) fn of_service(standing: &v1::Service, item: v1::Service) -> Self {
        let mut plan = Self::default();
        plan.add_item(Some(standing), item, change::Item::Service);
        plan
    }

    pub(super) fn of_system(standing: &v1::System, item: v1::System) -> Self {
        let mut plan = Self::default();
        plan.add_item(Some(standing), item, change::Item::System);
        plan
    }
}

/// Where the action leads; or why it is not permitted.
fn next_state(
    item: &str,
    from: v1::State,
    request: &v1::TransitionRequest,
    asking: Asking<'_>,
) -> Result<v1::State, CatalogueErrors> {
    let action = request.action();
    let word = words::word_of(&words::ACTIONS, action.into());
    if word.is_empty() {
        let expected = words::listed(&words::ACTIONS);
        return Err(one(item, "action", "", Problem::UnknownWord { expected }));
    }
    let Some(to) = lifecycle::transition(from, action) else {
        let states = lifecycle::states_for(action);
        let states: Vec<&str> = states.into_iter().map(state_word).collect();
        let problem = Problem::Forbidden {
            action: word,
            state: state_word(from),
            permitted: format!("it is permitted for what is {}", states.join(" or ")),
        };
        return Err(one(item, "action", word, problem));
    };
    if lifecycle::needs_reason(action) {
        required_reason(item, asking)?;
    }
    if action != Action::Close && !request.successor.is_empty() {
        return Err(one(
            item,
            "successor",
            &request.successor,
            Problem::SuccessorOfOpen,
        ));
    }
    Ok(to)
}
