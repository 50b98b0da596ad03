//! A small month, written and read back.

use std::collections::{BTreeMap, BTreeSet};

use ndxp_journal::Reader;
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use super::*;

fn july(scale: u64, seed: u64) -> History {
    let zone = Zone::viet_nam();
    let period = Period {
        from: zone.moment("2022-07-01").unwrap().from,
        to: zone.moment("2022-07-22").unwrap().to,
    };
    History::july_2022(zone, period, scale, seed).unwrap()
}

fn written(history: &History) -> (Written, Vec<v1::Entry>) {
    let folder = tempfile::tempdir().unwrap();
    let written = history.write(folder.path(), &mut |_, _| {}).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let entries = reader.entries(Sequence::new(1), written.last_sequence);
    (written, entries.map(Result::unwrap).collect())
}

#[test]
fn a_month_has_its_volume_and_every_day_its_share() {
    let history = july(1_000, 1);
    let (written, entries) = written(&history);
    let volume = history.volume();
    let outcomes: BTreeMap<_, _> = written.outcomes.iter().copied().collect();
    assert_eq!(
        outcomes[&Outcome::Completed] + outcomes[&Outcome::ProviderError],
        volume.answered
    );
    assert_eq!(outcomes.len(), Outcome::ALL.len(), "every ending occurs");
    assert_eq!(written.tests, volume.tests);
    assert_eq!(entries.len() as u64, written.entries);

    let zone = Zone::viet_nam();
    let mut days = BTreeMap::<_, u64>::new();
    let mut measures = BTreeMap::<_, u64>::new();
    for entry in &entries {
        let Some(Body::Closed(closed)) = &entry.body else {
            continue;
        };
        let at = Instant::from_micros(entry.committed_at_us);
        *days.entry(zone.label(Granularity::Day, at)).or_default() += 1;
        for measure in &closed.measures {
            *measures.entry(measure.name.as_str()).or_default() += measure.value;
        }
    }
    assert_eq!(days.len(), 22);
    assert_eq!(days.first_key_value().unwrap().0, "2022-07-01");
    let (friday, sunday) = (days["2022-07-15"], days["2022-07-17"]);
    assert!(friday > 3 * sunday, "{friday} {sunday}");
    assert_eq!(measures["documents_sent"], volume.documents_sent);
    assert_eq!(measures["documents_received"], volume.documents_received);
}

#[test]
fn every_closing_names_its_opening_and_agrees_with_it() {
    let (_, entries) = written(&july(1_000, 1));
    let mut open = BTreeMap::new();
    let mut last_us = 0;
    let mut ids = BTreeSet::new();
    for entry in &entries {
        assert!(entry.committed_at_us >= last_us);
        last_us = entry.committed_at_us;
        match entry.body.as_ref().unwrap() {
            Body::Opened(opened) => {
                assert!(ids.insert(opened.transaction_id.clone()));
                open.insert(entry.sequence, opened.clone());
            }
            Body::Closed(closed) if closed.opened_sequence == 0 => {
                assert_eq!(closed.outcome(), v1::Outcome::Refused);
                let call = closed.refused_call.as_ref().unwrap();
                assert_eq!(call.method, closed.method);
            }
            Body::Closed(closed) => {
                let opened = open.remove(&closed.opened_sequence).unwrap();
                let call = opened.call.unwrap();
                assert_eq!(opened.transaction_id, closed.transaction_id);
                assert_eq!(call.connection, closed.connection);
                assert_eq!((&call.method, call.test), (&closed.method, closed.test));
                assert!(closed.provider_us <= closed.total_us);
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{} calls are left open", open.len());
}

#[test]
fn a_seed_gives_the_same_entries_again_and_another_seed_others() {
    let (_, one) = written(&july(1_000, 7));
    let (_, again) = written(&july(1_000, 7));
    assert!(one == again);
    let (_, other) = written(&july(1_000, 8));
    assert!(one != other);
}

#[test]
fn a_directory_that_holds_a_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let history = july(1_000, 1);
    let written = history.write(folder.path(), &mut |_, _| {}).unwrap();
    let refused = history.write(folder.path(), &mut |_, _| {});
    assert!(
        matches!(refused, Err(HistoryError::NotEmpty { last }) if last == written.last_sequence)
    );
}

#[test]
fn too_few_and_too_many_calls_are_refused() {
    for answered in [0, ANSWERED_MIN - 1, ANSWERED_MAX + 1] {
        let zone = Zone::viet_nam();
        let day = zone.moment("2022-07-01").unwrap();
        let refused = History::of(zone, day, answered, 1);
        assert!(matches!(refused, Err(HistoryError::Answered { answered: it }) if it == answered));
    }
}
