//! What plans promise, over thousands of calls.

use std::collections::BTreeMap;

use ndxp_proto::registry::v1::Catalogue;

use super::*;

fn catalogue(nation: &Nation) -> Catalogue {
    nation.catalogue(&|_| vec!["127.0.0.1:1".to_owned()])
}

#[test]
fn a_seed_makes_the_same_calls_again_and_another_seed_makes_others() {
    let nation = Nation::new();
    let calls = |seed| {
        let plan = Plan::new(&nation, Shares::default(), seed);
        (0..500).map(|n| plan.call(n)).collect::<Vec<_>>()
    };
    assert_eq!(calls(7), calls(7));
    assert_ne!(calls(7), calls(8));
}

#[test]
fn in_a_roll_call_each_system_that_exchanges_anything_takes_part() {
    let nation = Nation::new();
    let drawn = Plan::new(&nation, Shares::default(), 7);
    let plan = drawn.clone().with_roll_call(&nation);
    let roll: Vec<_> = (0..)
        .take_while(|n| plan.is_roll_call(*n))
        .map(|n| plan.call(n))
        .collect();
    let took_part: BTreeSet<_> = roll
        .iter()
        .flat_map(|call| {
            [
                call.target.provider.clone(),
                Some(call.target.consumer.clone()),
            ]
        })
        .flatten()
        .collect();
    let exchanging: BTreeSet<_> = nation
        .links()
        .iter()
        .flat_map(|link| [link.consumer.clone(), link.provider.clone()])
        .collect();
    assert_eq!(took_part, exchanging);
    assert_eq!(exchanging.len(), 103);
    let ordinary = |call: &Call| call.expected == Outcome::Completed && !call.test;
    assert!(roll.iter().all(ordinary), "{roll:?}");
    assert!(roll.len() <= exchanging.len());
    let behind = u64::try_from(roll.len()).expect("few");
    assert_eq!(plan.call(behind), drawn.call(behind));
}

#[test]
fn each_share_is_met_within_a_third_and_nothing_else_happens() {
    let plan = Plan::new(&Nation::new(), Shares::default(), 1);
    let calls = 100_000;
    let mut outcomes = BTreeMap::<_, u32>::new();
    let (mut streaming, mut tests) = (0, 0);
    for call in (0..calls).map(|n| plan.call(n)) {
        *outcomes.entry(call.expected).or_default() += 1;
        tests += u32::from(call.test);
        let streams = |method: Method| method.kind() != CallKind::Unary;
        streaming += u32::from(matches!(call.action, Action::Typed(m) if streams(m)));
    }
    let shares = Shares::default();
    let rows = [
        (outcomes[&Outcome::ProviderError], shares.failing),
        (outcomes[&Outcome::TimedOut], shares.timed_out),
        (outcomes[&Outcome::Unreachable], shares.unreachable),
        (outcomes[&Outcome::Refused], shares.refused),
        (outcomes[&Outcome::Cancelled], shares.cancelled),
        (tests, shares.test),
        (streaming, shares.streaming),
    ];
    for (count, per_mille) in rows {
        let due = per_mille * 100;
        assert!(count.abs_diff(due) * 3 <= due, "{count} instead of {due}");
    }
}

#[test]
fn without_shares_every_call_is_an_ordinary_unary_one() {
    let plan = Plan::new(&Nation::new(), Shares::NONE, 1);
    for call in (0..1_000).map(|n| plan.call(n)) {
        assert_eq!(call.expected, Outcome::Completed);
        assert_eq!(Script::of(&call.key), Script::Answer);
        assert!(
            matches!(call.action, Action::Typed(m) if m.kind() == CallKind::Unary),
            "{call:?}"
        );
    }
}

#[test]
fn the_catalogue_lets_pass_what_is_expected_to_pass_and_nothing_else() {
    let nation = Nation::new();
    let catalogue = catalogue(&nation);
    let systems: BTreeSet<_> = catalogue.systems.iter().map(|s| s.id.as_str()).collect();
    let passes = |call: &Call| {
        let Some(provider) = &call.target.provider else {
            return false;
        };
        let Action::Typed(method) = call.action else {
            return false;
        };
        catalogue.grants.iter().any(|grant| {
            grant.consumer == call.target.consumer.as_str()
                && grant.provider == provider.as_str()
                && grant.service == call.target.service.as_str()
                && grant.valid_until_us == 0
                && (grant.methods.is_empty() || grant.methods.iter().any(|m| m == method.name()))
        })
    };
    let plan = Plan::new(&nation, Shares::default(), 3);
    for call in (0..20_000).map(|n| plan.call(n)) {
        assert!(systems.contains(call.target.consumer.as_str()), "{call:?}");
        assert_eq!(passes(&call), call.expected != Outcome::Refused, "{call:?}");
    }
}

#[test]
fn about_three_and_a_half_documents_are_received_for_each_one_sent() {
    let plan = Plan::new(&Nation::new(), Shares::default(), 5);
    let (mut sent, mut received) = (0, 0);
    for call in (0..100_000).map(|n| plan.call(n)) {
        if call.expected == Outcome::Completed {
            for (name, value) in call.answered_measures() {
                match name {
                    "documents_sent" => sent += value,
                    "documents_received" => received += value,
                    other => panic!("{other} is stated by no axis"),
                }
            }
        }
    }
    let per_mille = 1_000 * received / sent;
    assert!((3_400..=3_800).contains(&per_mille), "{received} of {sent}");
}

#[test]
fn only_capped_services_are_asked_to_hang_and_streams_without_end_are_broken_off() {
    let nation = Nation::new();
    let catalogue = catalogue(&nation);
    let plan = Plan::new(&nation, Shares::default(), 4);
    for call in (0..20_000).map(|n| plan.call(n)) {
        let hangs = Script::of(&call.key) == Script::Hang;
        assert_eq!(hangs, call.expected == Outcome::TimedOut, "{call:?}");
        let capped = catalogue
            .services
            .iter()
            .any(|s| s.name == call.target.service.as_str() && s.deadline_ms_max > 0);
        assert!(!hangs || capped, "{call:?}");
        let broken_off = call.expected == Outcome::Cancelled;
        assert_eq!(call.break_off_after.is_some(), broken_off, "{call:?}");
        assert!(!broken_off || !capped, "{call:?}");
    }
}
