//! The lives of members, systems and grants: what leads where, and what needs a reason. Pure
//! tables; whatever stands in none of them is forbidden.

use ndxp_proto::registry::v1::{Action, GrantState, State};

/// One permitted step.
struct Step<S, A> {
    from: S,
    action: A,
    to: S,
}

/// What may be done to a grant's version.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum GrantAction {
    Approve,
    Decline,
    Revoke,
    /// A later version takes its place.
    Replace,
}

/// Members and systems. Nothing leads out of DECLINED and CLOSED: who was turned down or ended
/// comes back under a proposal or a code of its own.
const STEPS: &[Step<State, Action>] = &[
    Step {
        from: State::Proposed,
        action: Action::Approve,
        to: State::Active,
    },
    Step {
        from: State::Proposed,
        action: Action::Decline,
        to: State::Declined,
    },
    Step {
        from: State::Active,
        action: Action::Suspend,
        to: State::Suspended,
    },
    Step {
        from: State::Suspended,
        action: Action::Resume,
        to: State::Active,
    },
    Step {
        from: State::Active,
        action: Action::Close,
        to: State::Closed,
    },
    Step {
        from: State::Suspended,
        action: Action::Close,
        to: State::Closed,
    },
];

const GRANT_STEPS: &[Step<GrantState, GrantAction>] = &[
    Step {
        from: GrantState::Requested,
        action: GrantAction::Approve,
        to: GrantState::Active,
    },
    Step {
        from: GrantState::Requested,
        action: GrantAction::Decline,
        to: GrantState::Declined,
    },
    // The consumer takes its request back, or the provider ends what it gave.
    Step {
        from: GrantState::Requested,
        action: GrantAction::Revoke,
        to: GrantState::Revoked,
    },
    Step {
        from: GrantState::Active,
        action: GrantAction::Revoke,
        to: GrantState::Revoked,
    },
    Step {
        from: GrantState::Active,
        action: GrantAction::Replace,
        to: GrantState::Replaced,
    },
];

/// Where the action leads from the state; `None` when it is forbidden there.
#[must_use]
pub fn transition(from: State, action: Action) -> Option<State> {
    let step = STEPS
        .iter()
        .find(|step| step.from == from && step.action == action)?;
    Some(step.to)
}

/// The action that leads from one state to another; `None` when none does.
#[must_use]
pub fn action_between(from: State, to: State) -> Option<Action> {
    let step = STEPS
        .iter()
        .find(|step| step.from == from && step.to == to)?;
    Some(step.action)
}

/// Where the action leads a grant's version; `None` when it is forbidden there.
#[must_use]
pub fn grant_transition(from: GrantState, action: GrantAction) -> Option<GrantState> {
    let step = GRANT_STEPS
        .iter()
        .find(|step| step.from == from && step.action == action)?;
    Some(step.to)
}

/// Whether whoever acts must say why.
#[must_use]
pub const fn needs_reason(action: Action) -> bool {
    matches!(action, Action::Decline | Action::Suspend | Action::Close)
}

/// Whether an item in the state may be given anything new: systems, services, grants.
#[must_use]
pub const fn is_open(state: State) -> bool {
    !matches!(state, State::Declined | State::Closed)
}

/// The states from which the action is permitted, for a refusal that says what would do.
pub(crate) fn states_for(action: Action) -> Vec<State> {
    let steps = STEPS.iter().filter(|step| step.action == action);
    steps.map(|step| step.from).collect()
}

#[cfg(test)]
mod tests;
