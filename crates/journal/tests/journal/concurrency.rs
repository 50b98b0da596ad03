//! Several runtimes append at once: one order, no gaps, time that never runs backwards.

use std::collections::BTreeMap;
use std::future::Future as _;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ndxp_journal::{
    AppendError, CommitObserver, Journal, LANE_BYTES_MAX, LANE_ENTRIES_MAX, Options,
    SEGMENT_BYTES_MAX,
};
use ndxp_model::{Clock as _, Instant, Sequence};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{
    DIRECTORY, append_each, append_held, body, clock_at, numbers, open, open_with, read_all,
    runtime, with_lane,
};
use crate::sim_disk::SimDisk;

const LANES: u64 = 4;
const ENTRIES_PER_LANE: u64 = 500;

#[test]
fn every_answer_has_its_own_sequence_in_one_gapless_order_whatever_the_clock_does() {
    let disk = SimDisk::default();
    let clock = clock_at(1_000_000);
    let journal = open_with(&disk, Arc::clone(&clock) as _).unwrap();
    let start = Barrier::new(LANES as usize);
    let run_lane = |lane_number: u64| {
        start.wait();
        with_lane(&journal, async |lane| {
            let mut answers = Vec::new();
            for index in 0..ENTRIES_PER_LANE {
                let now = clock.now().as_micros();
                let step = if index % 3 == 0 { -700 } else { 500 };
                clock.set(Instant::from_micros(now + step));
                let number = lane_number * ENTRIES_PER_LANE + index;
                let alone = lane.append(&body(number));
                drop(lane.append(&body(99_999)));
                answers.push((alone.await.unwrap(), number));
            }
            answers
        })
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| scope.spawn(move || run_lane(lane)))
            .collect();
        lanes.into_iter().flat_map(|l| l.join().unwrap()).collect()
    });

    for lane in answers.chunks(ENTRIES_PER_LANE as usize) {
        assert!(lane.is_sorted_by(|a, b| a.0.sequence < b.0.sequence && a.0.at <= b.0.at));
    }
    let answered: BTreeMap<_, _> = answers
        .iter()
        .map(|(committed, number)| (committed.sequence.get(), (committed.at, *number)))
        .collect();
    assert_eq!(answered.len(), answers.len(), "each its own sequence");
    journal.close();

    let entries = read_all(&journal.reader()).unwrap();
    assert_eq!(
        entries.len() as u64,
        LANES * ENTRIES_PER_LANE * 2,
        "dropped ones too"
    );
    assert!(entries.is_sorted_by_key(|entry| entry.committed_at_us));
    for (sequence, number) in (1..).zip(numbers(&journal.reader())) {
        let Some((at, expected)) = answered.get(&sequence) else {
            assert_eq!(number, 99_999);
            continue;
        };
        assert_eq!(number, *expected);
        let entry = &entries[usize::try_from(sequence).unwrap() - 1];
        assert_eq!(entry.committed_at_us, at.as_micros());
    }
}

#[test]
fn what_collects_during_a_sync_is_one_batch_and_wakes_the_driver_once() {
    #[derive(Default)]
    struct Batches(std::sync::Mutex<Vec<usize>>);
    impl CommitObserver for Batches {
        fn committed(&self, entries: usize, bytes: usize, _took: std::time::Duration) {
            assert_eq!(bytes, entries * 60);
            self.0.lock().unwrap().push(entries);
        }
    }
    let disk = SimDisk::default();
    let batches = Arc::new(Batches::default());
    let options = Options {
        directory: DIRECTORY.into(),
        segment_bytes: 1 << 16,
    };
    let observer = Arc::clone(&batches) as Arc<dyn CommitObserver>;
    let journal = Journal::open(options, Arc::new(disk.clone()), clock_at(1), observer).unwrap();
    append_each(&journal, [0]);
    with_lane(&journal, async |lane| {
        let first = append_held(&lane, &disk, &body(1)).await;
        let others: Vec<_> = (2..=100).map(|number| lane.append(&body(number))).collect();
        disk.release_writes();
        first.await.unwrap();
        for (other, sequence) in others.into_iter().zip(3..) {
            assert_eq!(other.await.unwrap().sequence, Sequence::new(sequence));
        }
    });
    assert_eq!(*batches.0.lock().unwrap(), [1, 1, 99]);
}

#[test]
fn a_finished_append_answers_without_its_driver() {
    let journal = open(&SimDisk::default()).unwrap();
    let (lane, _driver) = journal.lane();
    let append = lane.append(&body(1));
    journal.close();
    let mut append = std::pin::pin!(append);
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(
        append.as_mut().poll(&mut context),
        Poll::Ready(Ok(_))
    ));
}

#[test]
fn what_was_appended_is_written_although_its_driver_is_dropped() {
    let journal = open(&SimDisk::default()).unwrap();
    append_each(&journal, [1]);
    let (lane, driver) = journal.lane();
    drop(lane.append(&body(2)));
    drop(driver);
    let written = journal
        .follow()
        .beyond_blocking(Sequence::new(1), Duration::from_secs(60));
    assert_eq!(
        written.map(|position| position.sequence),
        Some(Sequence::new(2))
    );
}

#[test]
fn a_closed_journal_drains_answers_and_refuses() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    let (lane, driver) = journal.lane();
    let appends: Vec<_> = (0..50).map(|number| lane.append(&body(number))).collect();
    journal.close();
    journal.close();
    runtime().block_on(async {
        for append in appends {
            append.await.unwrap();
        }
        assert_eq!(lane.append(&body(1)).await, Err(AppendError::Closed));
        let (later, driver_of_later) = journal.lane();
        assert_eq!(later.append(&body(1)).await, Err(AppendError::Closed));
        driver.await;
        driver_of_later.await;
    });
    assert_eq!(journal.health(), ndxp_journal::Health::Closed);
    assert_eq!(numbers(&open(&disk).unwrap().reader()).len(), 50);
}

#[test]
fn a_lane_is_bounded_in_entries_and_in_bytes() {
    let disk = SimDisk::default();
    let options = Options {
        directory: DIRECTORY.into(),
        segment_bytes: 64 << 20,
    };
    let journal =
        Journal::open(options, Arc::new(disk.clone()), clock_at(1), Arc::new(())).unwrap();
    with_lane(&journal, async |lane| {
        lane.append(&body(0)).await.unwrap();
        let first = append_held(&lane, &disk, &body(1)).await;
        let mut taken: Vec<_> = (1..LANE_ENTRIES_MAX)
            .map(|_| lane.append(&body(2)))
            .collect();
        assert_eq!(lane.append(&body(3)).await, Err(AppendError::Overloaded));
        disk.release_writes();
        first.await.unwrap();
        for append in taken.drain(..) {
            append.await.unwrap();
        }

        let first = append_held(&lane, &disk, &body(1)).await;
        let large = Body::RegistryChanged(v1::RegistryChanged {
            note: "n".repeat(1 << 19),
            ..v1::RegistryChanged::default()
        });
        let fitting = LANE_BYTES_MAX / (1 << 19) - 1;
        let taken: Vec<_> = (0..fitting).map(|_| lane.append(&large)).collect();
        assert_eq!(lane.append(&large).await, Err(AppendError::Overloaded));
        disk.release_writes();
        first.await.unwrap();
        for append in taken {
            append.await.unwrap();
        }
    });
}

#[test]
fn an_entry_that_fits_into_no_segment_is_refused_and_the_largest_that_does_is_taken() {
    let journal = open(&SimDisk::default()).unwrap();
    let entry = |length| {
        Body::RegistryChanged(v1::RegistryChanged {
            note: "n".repeat(length),
            ..v1::RegistryChanged::default()
        })
    };
    with_lane(&journal, async |lane| {
        let Err(AppendError::TooLarge { limit, .. }) = lane.append(&entry(4096)).await else {
            panic!("taken");
        };
        let largest = (0..4096)
            .rev()
            .map(entry)
            .find(|body| body.encoded_len() <= limit);
        lane.append(&largest.unwrap()).await.unwrap();
        lane.append(&body(1)).await.unwrap();
    });
    assert_eq!(read_all(&journal.reader()).unwrap().len(), 2);
}

#[test]
fn a_segment_size_that_is_not_possible_is_refused() {
    for segment_bytes in [0, 4095, SEGMENT_BYTES_MAX + 1] {
        let options = Options {
            directory: DIRECTORY.into(),
            segment_bytes,
        };
        let disk = Arc::new(SimDisk::default());
        let error = Journal::open(options, disk, clock_at(1), Arc::new(())).unwrap_err();
        assert!(
            error.to_string().contains("choose 4096 to 1073741824"),
            "{error}"
        );
    }
}
