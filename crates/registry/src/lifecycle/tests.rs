//! Every pair of state and action: what is permitted is named, and all else is forbidden.

use super::*;

const STATES: [State; 6] = [
    State::Unspecified,
    State::Proposed,
    State::Active,
    State::Suspended,
    State::Declined,
    State::Closed,
];

const ACTIONS: [Action; 6] = [
    Action::Unspecified,
    Action::Approve,
    Action::Decline,
    Action::Suspend,
    Action::Resume,
    Action::Close,
];

#[test]
fn members_and_systems_go_these_ways_and_no_other() {
    let none = [None; 6];
    // In the order of ACTIONS.
    let rows: [(State, [Option<State>; 6]); 6] = [
        (State::Unspecified, none),
        (
            State::Proposed,
            [
                None,
                Some(State::Active),
                Some(State::Declined),
                None,
                None,
                None,
            ],
        ),
        (
            State::Active,
            [
                None,
                None,
                None,
                Some(State::Suspended),
                None,
                Some(State::Closed),
            ],
        ),
        (
            State::Suspended,
            [
                None,
                None,
                None,
                None,
                Some(State::Active),
                Some(State::Closed),
            ],
        ),
        (State::Declined, none),
        (State::Closed, none),
    ];
    assert_eq!(rows.map(|(from, _)| from), STATES);
    for (from, expected) in rows {
        for (action, to) in ACTIONS.into_iter().zip(expected) {
            assert_eq!(transition(from, action), to, "{from:?} {action:?}");
            if let Some(to) = to {
                assert_eq!(action_between(from, to), Some(action));
                assert!(states_for(action).contains(&from));
            }
        }
    }
}

#[test]
fn between_two_states_leads_one_action_or_none() {
    let ways = STATES
        .into_iter()
        .flat_map(|from| STATES.map(|to| action_between(from, to)));
    assert_eq!(ways.flatten().count(), STEPS.len());
}

#[test]
fn grants_go_these_ways_and_no_other() {
    use GrantState::{Active, Declined, Replaced, Requested, Revoked};
    const ACTIONS: [GrantAction; 4] = [
        GrantAction::Approve,
        GrantAction::Decline,
        GrantAction::Revoke,
        GrantAction::Replace,
    ];
    let rows = [
        (GrantState::Unspecified, [None; 4]),
        (
            Requested,
            [Some(Active), Some(Declined), Some(Revoked), None],
        ),
        (Active, [None, None, Some(Revoked), Some(Replaced)]),
        (Declined, [None; 4]),
        (Revoked, [None; 4]),
        (Replaced, [None; 4]),
    ];
    for (from, expected) in rows {
        for (action, to) in ACTIONS.into_iter().zip(expected) {
            assert_eq!(grant_transition(from, action), to, "{from:?} {action:?}");
        }
    }
}

#[test]
fn what_takes_something_away_needs_a_reason() {
    let needing: Vec<_> = ACTIONS.into_iter().filter(|it| needs_reason(*it)).collect();
    assert_eq!(needing, [Action::Decline, Action::Suspend, Action::Close]);
}
