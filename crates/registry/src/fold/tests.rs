//! The fold: order, atomicity, snapshots, lists.

use ndxp_model::{Reason, SystemKind};
use ndxp_proto::journal::v1::HubStarted;

use super::*;
use crate::fixture::{SMALL, apply, changed, connected, entry, january, parse, registry};
use crate::record::Item;

mod random;

#[test]
fn entries_are_folded_once_and_in_order() {
    let mut registry = registry(&[SMALL]);
    registry.apply(&connected(5, "H26/lgsp")).unwrap();
    let before = registry.clone();
    for stale in [0, 1, 4, 5] {
        let refused = registry.apply(&connected(stale, "H29/lgsp"));
        let expected = FoldError::OutOfOrder {
            watermark: Sequence::new(5),
            found: Sequence::new(stale),
        };
        assert_eq!(refused, Err(expected));
    }
    assert_eq!(registry, before);
}

#[test]
fn entries_of_other_kinds_move_the_watermark_alone() {
    let mut registry = registry(&[SMALL]);
    let members = registry.members();
    let started = entry(2, Body::HubStarted(HubStarted::default()));
    registry.apply(&started).unwrap();
    assert_eq!(registry.watermark(), Sequence::new(2));
    registry.advance(Sequence::new(9));
    registry.advance(Sequence::new(3));
    assert_eq!(registry.watermark(), Sequence::new(9));
    assert_eq!(registry.members(), members);
}

#[test]
fn what_a_later_version_wrote_is_not_guessed_at() {
    let mut registry = registry(&[SMALL]);
    let before = registry.clone();
    let unknown = Entry {
        sequence: 2,
        committed_at_us: 2,
        body: None,
    };
    let sequence = Sequence::new(2);
    assert_eq!(
        registry.apply(&unknown),
        Err(FoldError::UnknownEntry { sequence })
    );
    let known = v1::Change {
        item: Some(v1::change::Item::Member(v1::Member::default())),
    };
    let partly = changed(2, vec![known, v1::Change { item: None }]);
    assert_eq!(
        registry.apply(&partly),
        Err(FoldError::UnknownChange {
            sequence,
            number: 2
        })
    );
    assert_eq!(registry, before, "an act is folded entirely or not at all");
}

#[test]
fn a_snapshot_does_not_change_when_the_registry_does() {
    let mut registry = registry(&[SMALL]);
    let snapshot = registry.clone();
    apply(
        &mut registry,
        &parse("[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\nstate = \"suspended\""),
    );
    assert!(snapshot.is_active("H26/lgsp"));
    assert!(!registry.is_active("H26/lgsp"));
    assert_eq!(snapshot.watermark(), Sequence::new(1));
    assert_eq!(registry.watermark(), Sequence::new(2));
}

#[test]
fn a_change_shares_what_it_does_not_touch() {
    let mut registry = registry(&[SMALL]);
    let before = registry.clone();
    apply(
        &mut registry,
        &parse("[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\nstate = \"suspended\""),
    );
    assert!(registry.members.ptr_eq(&before.members));
    assert!(registry.services.ptr_eq(&before.services));
    assert!(registry.grants.ptr_eq(&before.grants));
    let record = |registry: &Registry| Arc::clone(registry.system("G01/population").unwrap());
    assert!(Arc::ptr_eq(&record(&registry), &record(&before)));
}

#[test]
fn the_first_handshake_is_when_a_system_was_connected() {
    let mut registry = registry(&[SMALL]);
    let system: SystemId = "H26/lgsp".parse().unwrap();
    assert_eq!(registry.connected_at(&system), None);
    registry.apply(&connected(3, "H26/lgsp")).unwrap();
    registry.apply(&connected(4, "H26/lgsp")).unwrap();
    let third_second = Instant::from_micros(3_000_000);
    assert_eq!(registry.connected_at(&system), Some(third_second));
}

#[test]
fn what_stands_is_listed_in_the_order_of_the_keys() {
    let registry = registry(&[SMALL]);
    let codes: Vec<String> = registry.members().into_iter().map(|m| m.code).collect();
    assert_eq!(codes, ["G01", "G24", "H26", "H29", "H53"]);
    let ids: Vec<String> = registry.systems().into_iter().map(|s| s.id).collect();
    let expected = [
        "G01/population",
        "G24/insurance",
        "H26/closed",
        "H26/lgsp",
        "H29/lgsp",
        "H53/lgsp",
    ];
    assert_eq!(ids, expected);
    let services: Vec<String> = registry.services().iter().map(Item::key).collect();
    let mut sorted = services.clone();
    sorted.sort();
    assert_eq!((services.len(), &services), (7, &sorted));
    let grants: Vec<String> = registry.grants().into_iter().map(|g| g.id).collect();
    let expected = [
        "H26/lgsp>G01/population/test.Population",
        "H26/lgsp>G01/population/test.Shared",
        "H26/lgsp>G24/insurance/test.Cards",
    ];
    assert_eq!(grants, expected, "the fold gives the ids");
}

#[test]
fn a_system_is_active_while_it_and_its_member_are() {
    let registry = registry(&[SMALL]);
    for (system, active) in [
        ("H26/lgsp", true),
        ("H26/closed", false),
        ("H53/lgsp", false),
        ("H99/unknown", false),
        ("", false),
    ] {
        assert_eq!(registry.is_active(system), active, "{system}");
    }
    let kind = registry.system_kind("G01/population");
    assert_eq!(kind, Some(SystemKind::Database));
    assert_eq!(registry.system_records().count(), 6);
}
