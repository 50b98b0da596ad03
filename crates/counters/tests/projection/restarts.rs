//! Stops, crashes and other hubs' stores: nothing is counted twice and nothing is left out.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ndxp_counters::{CountQuery, Counters, CountersError, Health};
use ndxp_model::{Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;

use crate::answers::{check_all, counted};
use crate::directory::Directory;
use crate::list::List;
use crate::recount::{check_dump, check_parties};
use crate::story::Story;

/// How many stores were set aside in the directory.
pub fn set_aside(directory: &Path) -> usize {
    fs::read_dir(directory)
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("counters.damaged-")
        })
        .count()
}

/// The directory as a killed process leaves it: what was handed over so far.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.unwrap(), to.to_owned());
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            match fs::copy(entry.path(), target) {
                // Renamed meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}

#[tokio::test]
async fn a_clean_stop_is_gone_on_from() {
    let directory = tempfile::tempdir().unwrap();
    let mut story = Story::new(3);
    let mut entries = story.tell(300);
    let list = List::of(&entries);
    for _ in 0..3 {
        let counters = counted(directory.path(), &list).await;
        check_parties(&counters, &entries);
        counters.stop();
        counters.stop();
        assert_eq!(counters.health(), Health::Stopped);
        let error = counters
            .count(&CountQuery::since_launch(), &Directory)
            .unwrap_err();
        assert!(matches!(error, CountersError::Stopped), "{error}");
        let more = story.tell(100);
        list.append(&more);
        entries.extend(more);
    }
    let counters = counted(directory.path(), &list).await;
    check_all(&counters, &entries);
    assert_eq!(set_aside(directory.path()), 0);
}

#[tokio::test]
async fn after_a_stop_the_counters_know_what_they_knew() {
    let directory = tempfile::tempdir().unwrap();
    let entries = Story::new(4).tell(300);
    let list = List::of(&entries);
    let counters = counted(directory.path(), &list).await;
    let (watermark, open) = counters.open_transactions().unwrap();
    assert!(!open.is_empty() && watermark == list.end());
    let before = check_dump(&counters, &entries);
    counters.stop();
    drop(counters);

    // At once, before anything was followed: a hub seeds its calls in flight from here.
    let counters = Counters::start(
        directory.path().join("counters"),
        Zone::viet_nam(),
        list,
        |_, _| {},
    )
    .unwrap();
    assert_eq!(counters.open_transactions().unwrap(), (watermark, open));
    assert_eq!(check_dump(&counters, &entries), before);
}

#[tokio::test]
async fn a_handle_that_goes_without_a_stop_loses_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut story = Story::new(5);
    let mut entries = story.tell(200);
    let list = List::of(&entries);
    for _ in 0..6 {
        let counters = counted(directory.path(), &list).await;
        // Appended behind what was waited for: perhaps folded, perhaps applied, when it ends.
        let more = story.tell(150);
        list.append(&more);
        entries.extend(more);
        drop(counters);
    }
    let counters = counted(directory.path(), &list).await;
    check_all(&counters, &entries);
    assert_eq!(
        set_aside(directory.path()),
        0,
        "the check finds nothing to mend"
    );
}

#[tokio::test]
async fn a_killed_process_loses_and_doubles_nothing() {
    for seed in 20..24 {
        println!("seed {seed}");
        let directory = tempfile::tempdir().unwrap();
        let mut story = Story::new(seed);
        let mut entries = story.tell(250);
        let list = List::of(&entries);
        for kill in 0..4 {
            let (here, next) = (kill.to_string(), (kill + 1).to_string());
            let counters = counted(&directory.path().join(here.clone()), &list).await;
            check_dump(&counters, &entries);
            let more = story.tell(120);
            list.append(&more);
            entries.extend(more);
            // Taken while batches are being written.
            copy(&directory.path().join(here), &directory.path().join(next));
        }
        let counters = counted(&directory.path().join("4"), &list).await;
        check_all(&counters, &entries);
    }
}

#[tokio::test]
async fn a_rebuild_answers_as_the_original_to_the_byte() {
    let directory = tempfile::tempdir().unwrap();
    let mut story = Story::new(6);
    let mut entries = story.tell(150);
    let list = List::of(&entries);
    let grown = directory.path().join("grown");
    for _ in 0..5 {
        counted(&grown, &list).await.stop();
        let more = story.tell(90);
        list.append(&more);
        entries.extend(more);
    }
    let original = counted(&grown, &list).await;
    let rebuilt = counted(&directory.path().join("anew"), &list).await;
    check_all(&rebuilt, &entries);
    assert_eq!(
        check_dump(&original, &entries),
        check_dump(&rebuilt, &entries)
    );
    assert_eq!(
        original.first_transaction_of().unwrap(),
        rebuilt.first_transaction_of().unwrap()
    );
    assert_eq!(
        original.open_transactions().unwrap(),
        rebuilt.open_transactions().unwrap()
    );
}

#[tokio::test]
async fn one_process_at_a_time_holds_the_counters() {
    let directory = tempfile::tempdir().unwrap();
    let list = List::of(&Story::new(7).tell(20));
    let first = counted(directory.path(), &list).await;
    let start = || {
        let path = directory.path().join("counters");
        Counters::start(path, Zone::viet_nam(), list.clone(), |_, _| {})
    };
    let error = start().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("another process holds the counters"),
        "{error}"
    );
    first.stop();
    drop(first);
    assert!(start().is_ok());
}

/// Counts one list, then starts on another with the store of the first.
async fn check_set_aside(first: &List, second: &List, zone: &Zone, clean: bool) {
    let directory = tempfile::tempdir().unwrap();
    let counters = counted(directory.path(), first).await;
    if clean {
        counters.stop();
    }
    drop(counters);
    let path = directory.path().join("counters");
    let counters = Counters::start(path, zone.clone(), second.clone(), |_, _| {}).unwrap();
    counters.reached(second.end()).await.unwrap();
    assert_eq!(set_aside(directory.path()), 1);
    let fresh = tempfile::tempdir().unwrap();
    let fresh = Counters::start(fresh.path(), zone.clone(), second.clone(), |_, _| {}).unwrap();
    fresh.reached(second.end()).await.unwrap();
    let dump = |counters: &Counters| {
        let mut dump = Vec::new();
        counters.dump(&mut |counter| dump.push(counter)).unwrap();
        dump
    };
    assert_eq!(dump(&counters), dump(&fresh));
}

#[tokio::test]
async fn a_store_of_another_journal_or_zone_is_set_aside() {
    let whole = Story::new(8).tell(300);
    let (long, short) = (List::of(&whole), List::of(&whole[..200]));
    let other = List::of(&Story::new(9).tell(300));
    let viet_nam = Zone::viet_nam();
    let tokyo = "Asia/Tokyo".parse().unwrap();
    for clean in [true, false] {
        check_set_aside(&long, &short, &viet_nam, clean).await;
        check_set_aside(&long, &other, &viet_nam, clean).await;
        check_set_aside(&long, &long, &tokyo, clean).await;
        check_set_aside(&short, &List::default(), &viet_nam, clean).await;
    }
}

#[tokio::test]
async fn a_stale_watermark_is_caught_up_with() {
    let directory = tempfile::tempdir().unwrap();
    let entries = Story::new(10).tell(500);
    let list = List::of(&entries[..120]);
    counted(&directory.path().join("now"), &list).await.stop();
    copy(&directory.path().join("now"), &directory.path().join("old"));
    list.append(&entries[120..]);
    counted(&directory.path().join("now"), &list).await.stop();

    // The old copy comes back: 380 entries behind, with a seal over other files.
    let counters = counted(&directory.path().join("old"), &list).await;
    assert_eq!(counters.watermark().sequence, Sequence::new(500));
    check_all(&counters, &entries);
    assert_eq!(set_aside(&directory.path().join("old")), 0);
}

#[tokio::test]
async fn an_entry_that_cannot_be_counted_stops_the_projection_and_health_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Story::new(12).tell(60);
    let list = List::of(&entries);
    let counters = counted(directory.path(), &list).await;
    let last = entries.last().unwrap();
    let mut bad = entries
        .iter()
        .find(|entry| matches!(&entry.body, Some(Body::Closed(closed)) if !closed.test))
        .unwrap()
        .clone();
    (bad.sequence, bad.committed_at_us) = (61, last.committed_at_us);
    if let Some(Body::Closed(closed)) = &mut bad.body {
        closed.outcome = 99;
    }
    list.append(&[bad]);
    let error = counters.reached(Sequence::new(61)).await.unwrap_err();
    assert!(
        error.to_string().contains("sequence 61 has outcome 99"),
        "{error}"
    );
    assert!(matches!(counters.health(), Health::Failed { reason } if reason.contains("61")));
    entries.truncate(60);
    check_all(&counters, &entries);
    counters.stop();
    assert_eq!(counters.health(), Health::Stopped);
}

#[tokio::test]
async fn a_sum_that_does_not_fit_stops_the_projection_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Story::new(13).tell(80);
    let mut closings = entries
        .iter_mut()
        .filter_map(|entry| match &mut entry.body {
            Some(Body::Closed(closed)) if !closed.test => Some((entry.sequence, closed)),
            _ => None,
        });
    let (_, first) = closings.next().unwrap();
    let (second, closed) = closings.next().unwrap();
    (first.request_bytes, closed.request_bytes) = (u64::MAX - 1, 10);
    closed.outcome = first.outcome;
    let before = usize::try_from(second).unwrap() - 1;
    let list = List::of(&entries[..before]);
    let counters = counted(directory.path(), &list).await;
    list.append(&entries[before..]);
    let error = counters.reached(Sequence::new(second)).await.unwrap_err();
    assert!(error.to_string().contains("request_bytes"), "{error}");
    assert!(matches!(counters.health(), Health::Failed { .. }));
    assert_eq!(counters.watermark().sequence, Sequence::new(second - 1));
    check_dump(&counters, &entries[..before]);
}
