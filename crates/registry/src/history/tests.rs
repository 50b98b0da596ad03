//! History: a prefix of a real journal, folded.

use std::sync::Arc;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::ManualClock;
use ndxp_proto::journal::v1::HubStarted;
use ndxp_proto::journal::v1::entry::Body;
use tempfile::TempDir;

use super::*;
use crate::fixture::{SMALL, changed, connected, parse};

fn second(number: u64) -> Instant {
    Instant::from_micros(i64::try_from(number).unwrap() * 1_000_000)
}

/// A journal whose entries are committed at the seconds 1, 2, 3 and so on.
fn journal(bodies: Vec<Body>) -> (TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let journal = Journal::open(
        Options::new(folder.path()),
        Arc::new(FileDisk),
        clock.clone(),
        Arc::new(()),
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        for (number, body) in (1..).zip(bodies) {
            clock.set(second(number));
            let committed = lane.append(&body).await.unwrap();
            assert_eq!(committed.at, second(number));
        }
    });
    let reader = journal.reader();
    journal.close();
    (folder, reader)
}

fn body(entry: Entry) -> Body {
    entry.body.unwrap()
}

/// 1 SMALL, 2 a start, 3 a handshake, 4 H29 suspended, 5 another handshake, 6 a start.
fn some_history() -> (TempDir, Reader) {
    let mut registry = Registry::empty();
    let first = changed(1, registry.plan(&parse(SMALL)).unwrap().changes);
    registry.apply(&first).unwrap();
    let suspended = "[[system]]\nid = \"H29/lgsp\"\nkind = \"lgsp\"\nstate = \"suspended\"";
    let suspended = registry.plan(&parse(suspended)).unwrap().changes;
    journal(vec![
        body(first),
        Body::HubStarted(HubStarted::default()),
        body(connected(0, "H26/lgsp")),
        body(changed(0, suspended)),
        body(connected(0, "H29/lgsp")),
        Body::HubStarted(HubStarted::default()),
    ])
}

#[test]
fn the_registry_at_an_instant_is_the_fold_of_what_was_committed_before() {
    let (_folder, reader) = some_history();
    let rows = [
        (Some(second(1)), 0, false, None, None),
        (Some(second(2)), 1, true, None, None),
        (Some(second(3)), 2, true, None, None),
        (Some(second(4)), 3, true, Some(second(3)), None),
        (Some(second(5)), 4, false, Some(second(3)), None),
        (Some(second(6)), 5, false, Some(second(3)), Some(second(5))),
        (Some(second(99)), 6, false, Some(second(3)), Some(second(5))),
        (None, 6, false, Some(second(3)), Some(second(5))),
    ];
    for (at, watermark, h29_is_active, h26_connected, h29_connected) in rows {
        let registry = registry_at(&reader, at).unwrap();
        assert_eq!(registry.watermark(), Sequence::new(watermark), "{at:?}");
        assert_eq!(registry.is_active("H29/lgsp"), h29_is_active, "{at:?}");
        let connected = |system: &str| registry.connected_at(&system.parse().unwrap());
        assert_eq!(connected("H26/lgsp"), h26_connected, "{at:?}");
        assert_eq!(connected("H29/lgsp"), h29_connected, "{at:?}");
    }
}

#[test]
fn catching_up_from_any_checkpoint_ends_in_the_same_registry() {
    let (_folder, reader) = some_history();
    let whole = registry_at(&reader, None).unwrap();
    for through in 0..=6 {
        let mut registry = Registry::empty();
        registry.catch_up(&reader, Sequence::new(through)).unwrap();
        assert_eq!(registry.watermark(), Sequence::new(through));
        registry.catch_up(&reader, Sequence::new(99)).unwrap();
        assert_eq!(registry, whole);
        registry.catch_up(&reader, Sequence::new(6)).unwrap();
        assert_eq!(registry, whole, "nothing is folded twice");
    }
}

#[test]
fn any_registry_of_the_journal_answers_for_any_instant_as_the_whole_fold_does() {
    let (_folder, reader) = some_history();
    for through in 0..=6 {
        let mut base = Registry::empty();
        base.catch_up(&reader, Sequence::new(through)).unwrap();
        for at in (0..8).map(|number| Some(second(number))).chain([None]) {
            let expected = registry_at(&reader, at).unwrap();
            assert_eq!(
                base.as_of(&reader, at).unwrap(),
                expected,
                "{through}, {at:?}"
            );
        }
    }
}

#[test]
fn the_recent_past_is_answered_from_the_present_without_a_fold() {
    let (_folder, reader) = some_history();
    let present = registry_at(&reader, None).unwrap();
    assert_eq!(present.changed(), Sequence::new(5));
    let recent = present.as_of(&reader, Some(second(6))).unwrap();
    assert_eq!(recent.watermark(), Sequence::new(5));
    assert!(recent.systems.ptr_eq(&present.systems));
    let before = present.as_of(&reader, Some(second(5))).unwrap();
    assert!(!before.systems.ptr_eq(&present.systems));
}

#[test]
fn an_empty_journal_is_an_empty_registry() {
    let (_folder, reader) = journal(Vec::new());
    assert_eq!(registry_at(&reader, None).unwrap(), Registry::empty());
    assert_eq!(
        registry_at(&reader, Some(second(1))).unwrap(),
        Registry::empty()
    );
}

#[test]
fn a_registry_beyond_the_journal_is_not_of_it() {
    let (_folder, reader) = some_history();
    let mut registry = Registry::empty();
    registry.advance(Sequence::new(7));
    let caught_up = registry.catch_up(&reader, Sequence::new(7)).unwrap_err();
    let as_of = registry.as_of(&reader, Some(second(1))).unwrap_err();
    for refused in [caught_up, as_of] {
        assert!(
            matches!(refused, HistoryError::BeyondJournal { watermark, end }
                if watermark == Sequence::new(7) && end == Sequence::new(6)),
            "{refused}"
        );
    }
}

#[test]
fn kinds_change_over_time_and_the_past_keeps_its_own() {
    let mut registry = Registry::empty();
    let mut bodies = Vec::new();
    let later = "[[system]]\nid = \"H29/lgsp\"\nkind = \"database\"";
    for (sequence, text) in (1..).zip([SMALL, later]) {
        let entry = changed(sequence, registry.plan(&parse(text)).unwrap().changes);
        registry.apply(&entry).unwrap();
        bodies.push(body(entry));
    }
    let (_folder, reader) = journal(bodies);
    let kind_at = |at: u64| {
        let registry = registry_at(&reader, Some(second(at))).unwrap();
        registry.system_kind("H29/lgsp")
    };
    use ndxp_model::SystemKind::{Database, Lgsp};
    assert_eq!(
        [kind_at(1), kind_at(2), kind_at(3)],
        [None, Some(Lgsp), Some(Database)]
    );
}

/// x of y with the missing, asked at each instant of a life: joined, connected, suspended.
#[test]
fn coverage_is_asked_of_any_instant() {
    let (_folder, reader) = some_history();
    let lgsps = |at: u64| {
        let registry = registry_at(&reader, Some(second(at))).unwrap();
        let coverage = registry.coverage(&|_| false);
        let lgsp = coverage.kinds.into_iter().next().unwrap();
        (lgsp.connected, lgsp.registered, lgsp.missing)
    };
    let missing = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(lgsps(1), (0, 0, missing(&[])));
    assert_eq!(lgsps(2), (0, 2, missing(&["H26/lgsp", "H29/lgsp"])));
    assert_eq!(lgsps(4), (1, 2, missing(&["H29/lgsp"])));
    assert_eq!(lgsps(5), (1, 1, missing(&[])), "H29/lgsp is suspended");
}
