//! Opening balances are kept beside the counters as the journal says them: through stops, crashes,
//! damage and rebuilds.

use ndxp_baseline::{Balances, Imported};
use ndxp_counters::{Counters, CountersError};
use ndxp_model::{Instant, Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{BaselineImported, BaselineRow, Entry, TransactionClosed};

use crate::answers::counted;
use crate::list::List;
use crate::restarts::{copy, set_aside};
use crate::story::Story;

/// A number in total, before a day.
fn import(to_day: i32) -> BaselineImported {
    BaselineImported {
        file: format!("before-{to_day}.csv"),
        sources: vec!["Báo cáo năm".to_owned()],
        rows: vec![BaselineRow {
            to_day: Some(to_day),
            value: 180_919_031,
            source: 1,
            ..BaselineRow::default()
        }],
        ..BaselineImported::default()
    }
}

fn entry(before: &Entry, baseline: BaselineImported) -> Entry {
    Entry {
        sequence: before.sequence + 1,
        body: Some(Body::BaselineImported(baseline)),
        ..before.clone()
    }
}

/// When the first call was counted that the entries hold, by the start of its hour.
fn began(entries: &[Entry]) -> Option<Instant> {
    let is_counted = |entry: &&Entry| {
        matches!(
            &entry.body,
            Some(Body::Closed(TransactionClosed { test: false, .. }))
        )
    };
    let first = entries.iter().find(is_counted)?;
    let at = Instant::from_micros(first.committed_at_us);
    Some(
        Zone::viet_nam()
            .bucket(ndxp_model::Granularity::Hour, at)
            .from,
    )
}

/// The balances by a fold of the list that shares nothing with the counters'.
fn recount(entries: &[Entry]) -> Balances {
    let mut balances = Balances::default();
    for (place, entry) in entries.iter().enumerate() {
        if let Some(Body::BaselineImported(baseline)) = &entry.body {
            let at = Instant::from_micros(entry.committed_at_us);
            let launch = began(entries.get(..place).unwrap());
            let sequence = Sequence::new(entry.sequence);
            let imported = Imported::new(sequence, at, launch, baseline.clone());
            balances.add(imported.into());
        }
    }
    balances
}

#[track_caller]
fn check(counters: &Counters, entries: &[Entry]) {
    assert_eq!(counters.balances().unwrap(), recount(entries));
    assert_eq!(counters.began().unwrap(), began(entries));
}

#[tokio::test]
async fn imports_are_known_after_stops_crashes_and_rebuilds() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = vec![Entry {
        sequence: 1,
        committed_at_us: 1,
        body: Some(Body::BaselineImported(import(10_000))),
    }];
    let list = List::of(&entries);
    let here = directory.path().join("here");
    check(&counted(&here, &list).await, &entries);
    let story = Story::new(11).tell(200);
    let more: Vec<Entry> = story
        .iter()
        .map(|entry| Entry {
            sequence: entry.sequence + 1,
            ..entry.clone()
        })
        .map(shifted)
        .collect();
    entries.extend(more.clone());
    list.append(&more);
    let last = entry(entries.last().unwrap(), import(9_000));
    entries.push(last.clone());
    list.append(&[last]);

    let counters = counted(&here, &list).await;
    check(&counters, &entries);
    copy(&here, &directory.path().join("killed"));
    counters.stop();
    drop(counters);
    for place in ["here", "killed", "anew"] {
        let place = directory.path().join(place);
        check(&counted(&place, &list).await, &entries);
        assert_eq!(set_aside(&place), 0);
    }
}

/// A closing names the sequence of its opening, which has moved by one, too.
fn shifted(entry: Entry) -> Entry {
    let body = entry.body.map(|body| match body {
        Body::Closed(closed) if closed.opened_sequence > 0 => Body::Closed(TransactionClosed {
            opened_sequence: closed.opened_sequence + 1,
            ..closed
        }),
        body => body,
    });
    Entry { body, ..entry }
}

#[tokio::test]
async fn an_import_that_is_not_sound_is_not_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let list = List::of(&[Entry {
        sequence: 1,
        committed_at_us: 1,
        body: Some(Body::BaselineImported(BaselineImported::default())),
    }]);
    let path = directory.path().join("counters");
    let counters = Counters::start(path, Zone::viet_nam(), list, |_, _| {}).unwrap();
    let error = counters.reached(Sequence::new(1)).await.unwrap_err();
    let CountersError::Failed { reason } = error else {
        panic!("{error}");
    };
    assert!(
        reason.contains("sequence 1 holds opening balances"),
        "{reason}"
    );
}
