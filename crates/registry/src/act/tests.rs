//! Acts one after the other: lives with every forbidden step, contracts of two parties, and
//! whatever an act can be refused for.

use ndxp_proto::registry::v1::{Action, GrantState, ItemKind as Kind, State};

use super::*;
use crate::fixture::{SMALL, changed, january, registry};

mod access;
mod descriptors;

const GRANT: &str = "H29/lgsp>G01/population/test.Population";

/// The registry after the act, which somebody with the role asks for on 15/1/2026.
#[track_caller]
fn done_by(registry: &mut Registry, role: &str, act: &Act) -> Plan {
    let plan = registry
        .plan_act(act, role, january(15))
        .unwrap_or_else(|errors| panic!("{errors}"));
    let next = registry.watermark().next().get();
    registry
        .apply(&changed(next, plan.changes.clone()))
        .unwrap();
    plan
}

#[track_caller]
fn done(registry: &mut Registry, act: &Act) -> Plan {
    done_by(registry, "operator", act)
}

#[track_caller]
fn refused(registry: &Registry, act: &Act, expected: &str) {
    let told = match registry.plan_act(act, "operator", january(15)) {
        Ok(plan) => panic!("{act:?} is taken: {plan:?}"),
        Err(errors) => errors.to_string(),
    };
    assert!(told.contains(expected), "{told}\nlacks\n{expected}");
}

fn transition(kind: Kind, key: &str, action: Action) -> v1::TransitionRequest {
    v1::TransitionRequest {
        kind: kind.into(),
        key: key.to_owned(),
        action: action.into(),
        reason: "letter 12/2026".to_owned(),
        ..Default::default()
    }
}

fn member(code: &str) -> v1::Member {
    v1::Member {
        code: code.to_owned(),
        name_vi: "Thử".to_owned(),
        class: v1::MemberClass::Province.into(),
        ..Default::default()
    }
}

fn proposed(code: &str) -> Act {
    Act::Propose(v1::ProposeRequest {
        item: Some(v1::propose_request::Item::Member(member(code))),
        ..Default::default()
    })
}

fn proposed_system(id: &str) -> Act {
    let system = v1::System {
        id: id.to_owned(),
        kind: v1::SystemKind::Lgsp.into(),
        ..Default::default()
    };
    Act::Propose(v1::ProposeRequest {
        item: Some(v1::propose_request::Item::System(system)),
        ..Default::default()
    })
}

/// A registry in which the member or system stands in the state, come there by acts.
fn standing_in(state: State, kind: Kind, key: &str) -> Registry {
    let mut registry = registry(&[SMALL]);
    done(&mut registry, &proposed("H30"));
    if kind == Kind::System {
        done(&mut registry, &proposed_system(key));
    }
    let actions: &[Action] = match state {
        State::Proposed => &[],
        State::Active => &[Action::Approve],
        State::Declined => &[Action::Decline],
        State::Suspended => &[Action::Approve, Action::Suspend],
        State::Closed => &[Action::Approve, Action::Close],
        State::Unspecified => panic!("no item is in no state"),
    };
    for action in actions {
        done(
            &mut registry,
            &Act::Transition(transition(kind, key, *action)),
        );
    }
    registry
}

fn state_of(registry: &Registry, kind: Kind, key: &str) -> State {
    match kind {
        Kind::Member => registry.member(key).unwrap().state(),
        _ => registry.system_item(key).unwrap().state(),
    }
}

#[test]
fn members_and_systems_take_permitted_steps_and_refuse_all_others() {
    for (kind, key) in [(Kind::Member, "H30"), (Kind::System, "H30/lgsp")] {
        for (_, from) in words::STATES {
            let registry = standing_in(from, kind, key);
            assert_eq!(state_of(&registry, kind, key), from);
            for (word, action) in words::ACTIONS {
                let act = Act::Transition(transition(kind, key, action));
                match crate::lifecycle::transition(from, action) {
                    Some(to) => {
                        let mut registry = registry.clone();
                        done(&mut registry, &act);
                        assert_eq!(state_of(&registry, kind, key), to, "{from:?} {word}");
                    }
                    None => {
                        let state = state_word(from);
                        let told = format!("{word} is not permitted while it is {state}");
                        refused(&registry, &act, &told);
                    }
                }
            }
        }
    }
}

#[test]
fn what_takes_something_away_needs_a_reason() {
    let rows = [
        (State::Proposed, Action::Decline),
        (State::Active, Action::Suspend),
        (State::Active, Action::Close),
        (State::Suspended, Action::Close),
    ];
    for (from, action) in rows {
        let registry = standing_in(from, Kind::Member, "H30");
        for reason in ["", "  "] {
            let request = v1::TransitionRequest {
                reason: reason.to_owned(),
                ..transition(Kind::Member, "H30", action)
            };
            refused(
                &registry,
                &Act::Transition(request),
                "the reason is missing",
            );
        }
    }
    let registry = standing_in(State::Active, Kind::Member, "H30");
    let mut suspended = member("H30");
    suspended.state = State::Suspended.into();
    let catalogue = v1::Catalogue {
        members: vec![suspended],
        ..Default::default()
    };
    let apply = |note: &str| {
        Act::Apply(v1::ApplyRequest {
            catalogue: Some(catalogue.clone()),
            note: note.to_owned(),
            ..Default::default()
        })
    };
    refused(
        &registry,
        &apply(""),
        "member H30: state = \"suspended\": the reason is missing",
    );
    done(&mut registry.clone(), &apply("letter 13/2026"));
}

#[test]
fn who_was_declined_may_be_proposed_again_and_nobody_else_twice() {
    let mut registry = standing_in(State::Declined, Kind::Member, "H30");
    done(&mut registry, &proposed("H30"));
    assert_eq!(state_of(&registry, Kind::Member, "H30"), State::Proposed);
    refused(&registry, &proposed("H30"), "member H30: stands already");
    refused(&registry, &proposed("H26"), "member H26: stands already");
}

#[test]
fn a_closed_member_names_who_carries_on() {
    let mut registry = registry(&[SMALL]);
    let close = |code: &str, successor: &str| {
        Act::Transition(v1::TransitionRequest {
            successor: successor.to_owned(),
            ..transition(Kind::Member, code, Action::Close)
        })
    };
    refused(&registry, &close("H26", "H99"), "there is no member H99");
    refused(
        &registry,
        &close("H26", "H26"),
        "the succession comes back to where it began",
    );
    // By the old form of the code, which resolves.
    done(&mut registry, &close("H26", "000.00.00.H29"));
    assert_eq!(registry.member("H26").unwrap().successor, "H29");
    refused(
        &registry,
        &close("H29", "H26"),
        "the succession comes back to where it began",
    );
    done(&mut registry, &close("H29", "G01"));
    assert_eq!(registry.successor_of("H26"), "G01");
    assert_eq!(registry.successor_of("G01"), "G01");
    let resume = v1::TransitionRequest {
        successor: "H26".to_owned(),
        ..transition(Kind::Member, "H53", Action::Resume)
    };
    refused(
        &registry,
        &Act::Transition(resume),
        "only what is closed has a successor",
    );
}

#[test]
fn what_is_closed_takes_nothing_new() {
    let mut registry = registry(&[SMALL]);
    done(
        &mut registry,
        &Act::Transition(transition(Kind::Member, "H29", Action::Close)),
    );
    refused(
        &registry,
        &proposed_system("H29/portal"),
        "the member H29 is closed",
    );
    let identity = crate::CertificateIdentity {
        system: Some("H29/lgsp".parse().unwrap()),
        fingerprint: [0; 32],
    };
    let told = registry.identify(&identity).unwrap_err().detail;
    assert_eq!(told, "the member H29 is closed");
}

#[test]
fn a_switch_and_windows_of_maintenance_reach_the_next_call() {
    let mut registry = registry(&[SMALL]);
    let route = |registry: &Registry, day: i64| {
        let consumer = "H26/lgsp".parse().unwrap();
        let provider = Some("G01/population");
        let route = registry.route(&consumer, "test.Shared", "Get", provider, january(day));
        route
            .err()
            .map(|refusal| format!("{}: {}", refusal.reason, refusal.detail))
    };
    assert_eq!(route(&registry, 15), None);
    let service = "G01/population/test.Shared";
    let switch = |kind: Kind, key: &str, disabled: bool| {
        Act::SetAvailability(v1::SetAvailabilityRequest {
            kind: kind.into(),
            key: key.to_owned(),
            disabled,
            notice: "hỏng đĩa".to_owned(),
            ..Default::default()
        })
    };
    for (kind, key, name) in [
        (
            Kind::Service,
            service,
            "the service test.Shared of G01/population",
        ),
        (Kind::System, "G01/population", "the system G01/population"),
    ] {
        done(&mut registry, &switch(kind, key, true));
        let told = format!("SERVICE_DISABLED: {name} is disabled: hỏng đĩa");
        assert_eq!(route(&registry, 15), Some(told));
        done(&mut registry, &switch(kind, key, false));
        assert_eq!(route(&registry, 15), None);
        let window = |from: i64, until: i64| v1::MaintenanceWindow {
            from_us: january(from).as_micros(),
            until_us: january(until).as_micros(),
            notice: "nâng cấp".to_owned(),
        };
        let maintain = |windows: Vec<v1::MaintenanceWindow>| {
            Act::SetMaintenance(v1::SetMaintenanceRequest {
                kind: kind.into(),
                key: key.to_owned(),
                windows,
                ..Default::default()
            })
        };
        done(
            &mut registry,
            &maintain(vec![window(18, 19), window(16, 17)]),
        );
        assert_eq!(route(&registry, 15), None);
        let told = "IN_MAINTENANCE: the service test.Shared of G01/population is in maintenance \
                    until 2026-01-17T00:00:00Z: nâng cấp";
        assert_eq!(route(&registry, 16), Some(told.to_owned()));
        assert_eq!(route(&registry, 17), None);
        for (windows, told) in [
            (vec![window(17, 16)], "not after its start"),
            (vec![window(16, 18), window(17, 19)], "lies over another"),
            (vec![window(13, 14)], "which is over"),
        ] {
            refused(&registry, &maintain(windows), told);
        }
        done(&mut registry, &maintain(Vec::new()));
        assert_eq!(route(&registry, 16), None);
    }
    refused(
        &registry,
        &switch(Kind::Service, "G01/population/test.None", true),
        "no such service",
    );
    refused(
        &registry,
        &switch(Kind::Member, "G01", true),
        "write service or system",
    );
}

#[test]
fn acts_without_what_they_are_about_are_refused() {
    let registry = registry(&[SMALL]);
    let rows = [
        (
            Act::Apply(v1::ApplyRequest::default()),
            "catalogue: the key is missing",
        ),
        (
            Act::Propose(v1::ProposeRequest::default()),
            "item: the key is missing",
        ),
        (
            Act::Transition(v1::TransitionRequest::default()),
            "write member or system",
        ),
        (
            Act::Transition(transition(Kind::Member, "H99", Action::Suspend)),
            "key = \"H99\": there is no such member",
        ),
        (
            Act::Transition(transition(Kind::System, "H26/none", Action::Suspend)),
            "there is no such system",
        ),
        (
            Act::Transition(transition(Kind::Member, "H26", Action::Unspecified)),
            "write approve, decline, suspend, resume or close",
        ),
        (
            Act::RequestAccess(v1::RequestAccessRequest::default()),
            "grant: the key is missing",
        ),
        (
            Act::DecideAccess(v1::DecideAccessRequest::default()),
            "there is no such grant",
        ),
        (
            Act::RevokeAccess(v1::RevokeAccessRequest::default()),
            "there is no such grant",
        ),
        (
            Act::PutDescriptors(v1::PutDescriptorsRequest::default()),
            "descriptors: the key is missing",
        ),
    ];
    for (act, told) in rows {
        refused(&registry, &act, told);
    }
    let long = v1::TransitionRequest {
        reason: "x".repeat(1_001),
        ..transition(Kind::Member, "H26", Action::Suspend)
    };
    refused(
        &registry,
        &Act::Transition(long),
        "has 1001 characters, more than 1000",
    );
}

#[test]
fn an_act_tells_the_journal_what_it_is() {
    let act = Act::Transition(v1::TransitionRequest {
        cut: true,
        dry_run: true,
        ..transition(Kind::Member, "H26", Action::Suspend)
    });
    let told = (
        act.rpc(),
        act.item(),
        act.reason(),
        act.cut(),
        act.dry_run(),
    );
    assert_eq!(
        told,
        ("Transition", "H26".to_owned(), "letter 12/2026", true, true)
    );
    assert_eq!(cut("đường", 2), "đ");
    assert_eq!(cut("đường", 1), "");
}
