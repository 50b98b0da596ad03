//! Reading one's own writes, and seeing whole batches only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use ndxp_counters::{CountQuery, Counters, CountersError, Health};
use ndxp_model::{Sequence, Zone};

use crate::answers::counted;
use crate::list::List;
use crate::recount::{check_count, check_dump};
use crate::story::Story;

#[tokio::test]
async fn a_write_that_is_waited_for_is_in_the_next_answer() {
    let directory = tempfile::tempdir().unwrap();
    let mut story = Story::new(40);
    let (list, mut entries) = (List::default(), Vec::new());
    let counters = counted(directory.path(), &list).await;
    for _ in 0..40 {
        let more = story.tell(3);
        list.append(&more);
        entries.extend(more);
        let watermark = counters.reached(list.end()).await.unwrap();
        assert!(watermark.sequence >= list.end());
        let answer = check_count(&counters, &entries, &CountQuery::since_launch());
        assert!(answer.watermark.sequence >= watermark.sequence);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_wait_for_different_sequences() {
    let directory = tempfile::tempdir().unwrap();
    let entries = Story::new(41).tell(200);
    let list = List::default();
    let counters = counted(directory.path(), &list).await;
    let waiting: Vec<_> = (1..=200)
        .rev()
        .map(|sequence| {
            let counters = counters.clone();
            tokio::spawn(async move { counters.reached(Sequence::new(sequence)).await })
        })
        .collect();
    for chunk in entries.chunks(7) {
        list.append(chunk);
    }
    for (task, sequence) in waiting.into_iter().zip((1..=200).rev()) {
        assert!(task.await.unwrap().unwrap().sequence >= Sequence::new(sequence));
    }
}

#[tokio::test]
async fn whoever_waits_for_what_never_comes_is_told_at_the_stop() {
    let directory = tempfile::tempdir().unwrap();
    let list = List::of(&Story::new(42).tell(10));
    let counters = counted(directory.path(), &list).await;
    let waiting = tokio::spawn({
        let counters = counters.clone();
        async move { counters.reached(Sequence::new(11)).await }
    });
    tokio::task::yield_now().await;
    list.close();
    counters.stop();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, CountersError::Stopped), "{error}");
}

/// Answers are taken while batches are written; each must be the recount of a whole prefix.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_shows_half_a_batch() {
    let directory = tempfile::tempdir().unwrap();
    let entries = Arc::new(Story::new(43).tell(4_000));
    let list = List::default();
    let counters = counted(directory.path(), &list).await;
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::task::spawn_blocking({
        let (counters, entries, over) = (counters.clone(), entries.clone(), over.clone());
        move || {
            let mut seen = Sequence::NONE;
            while !over.load(Ordering::Relaxed) {
                let query = CountQuery::since_launch();
                let answer = check_count(&counters, &entries, &query);
                assert!(answer.watermark.sequence >= seen, "never backwards");
                seen = answer.watermark.sequence;
                check_dump(&counters, &entries);
            }
        }
    });
    for chunk in entries.chunks(50) {
        list.append(chunk);
        counters.reached(list.end()).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    check_dump(&counters, &entries);
}

#[test]
fn progress_is_shown_until_the_end_is_reached() {
    let directory = tempfile::tempdir().unwrap();
    let list = List::of(&Story::new(44).tell(3_000));
    let (sender, receiver) = sync_channel(4_000);
    let path = directory.path().join("counters");
    let counters = Counters::start(path, Zone::viet_nam(), list.clone(), move |done, end| {
        sender.send((done, end)).unwrap();
    })
    .unwrap();
    let mut last = Sequence::NONE;
    loop {
        let (done, end) = receiver.recv().unwrap();
        assert_eq!(end, list.end());
        assert!(done >= last);
        last = done;
        if done == end {
            break;
        }
    }
    assert_eq!(counters.health(), Health::Serving);
}
