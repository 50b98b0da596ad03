//! Every call to the disk fails in turn: nothing acknowledged is lost, nothing that was not
//! committed is answered as committed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ndxp_journal::{AppendError, Committed, Health, Journal, OpenError, Options};
use ndxp_model::Sequence;
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{
    DIRECTORY, SEGMENT_BYTES, append_all, append_each, body, clock_at, numbers, open, read_all,
    segments,
};
use crate::sim_disk::{EIO, ENOSPC, Fault, SimDisk};

/// Enough to roll over twice.
const ENTRIES: u64 = 150;

type Answers = Vec<Result<Committed, AppendError>>;

/// A life of the journal: opened, written to, closed, opened again, written to.
fn life(disk: &SimDisk) -> Result<(Answers, Option<Journal>), OpenError> {
    let journal = open(disk)?;
    let mut answers = append_each(&journal, 0..ENTRIES / 2);
    journal.close();
    drop(journal);
    match open(disk) {
        Ok(journal) => {
            answers.extend(append_each(&journal, ENTRIES / 2..ENTRIES));
            Ok((answers, Some(journal)))
        }
        Err(OpenError::Disk(_)) => Ok((answers, None)),
        Err(error) => Err(error),
    }
}

fn calls_of_a_life() -> u64 {
    let disk = SimDisk::default();
    let (answers, journal) = life(&disk).unwrap();
    assert!(answers.iter().all(Result::is_ok));
    drop(journal);
    disk.calls()
}

/// Fails so many calls from each one on, then cuts the power, and compares.
#[track_caller]
fn check_every_call(errno: i32, calls: u64) {
    let of_a_life = calls_of_a_life();
    assert!(of_a_life > 300, "{of_a_life}");
    for first in 0..of_a_life {
        let disk = SimDisk::default();
        disk.set_fault(Some(Fault {
            first,
            calls,
            errno,
        }));
        let answers = match life(&disk) {
            Ok((answers, journal)) => {
                check_answers(&answers, journal.as_ref());
                answers
            }
            Err(OpenError::Disk(_)) => Vec::new(),
            Err(error) => panic!("call {first}: {error}"),
        };
        for seed in 0..3 {
            let crashed = disk.crashed(&mut fastrand::Rng::with_seed(first * 3 + seed));
            check_survivors(&answers, &open(&crashed).unwrap());
        }
    }
}

fn check_answers(answers: &Answers, journal: Option<&Journal>) {
    let mut poisoned = false;
    for answer in answers {
        match answer {
            Ok(_) | Err(AppendError::OutOfSpace) => {}
            Err(AppendError::Poisoned) => poisoned = true,
            Err(error) => panic!("{error}"),
        }
    }
    if let (Some(journal), Some(Err(AppendError::Poisoned))) = (journal, answers.last()) {
        assert!(poisoned && matches!(journal.health(), Health::Poisoned { .. }));
        assert_eq!(
            append_all(journal, [body(999)]),
            [Err(AppendError::Poisoned)],
            "poisoned until restart"
        );
    }
}

/// Acknowledged entries stand where they were said to stand; the others nowhere, except that a
/// poisoned append may have been written.
fn check_survivors(answers: &Answers, journal: &Journal) {
    let found = numbers(&journal.reader());
    for (number, answer) in (0..).zip(answers) {
        let place = found.iter().position(|found| *found == number);
        match answer {
            Ok(committed) => {
                assert_eq!(place.map(|p| p as u64 + 1), Some(committed.sequence.get()));
            }
            Err(AppendError::Poisoned) => {}
            Err(_) => assert_eq!(place, None, "{number} was answered as not written"),
        }
    }
    assert!(found.is_sorted_by(|one, next| one < next), "none twice");
}

#[test]
fn one_io_error_at_any_call_loses_nothing_acknowledged() {
    check_every_call(EIO, 1);
}

#[test]
fn io_errors_from_any_call_on_lose_nothing_acknowledged() {
    check_every_call(EIO, u64::MAX);
}

#[test]
fn a_disk_that_is_full_at_any_one_call_loses_nothing_acknowledged() {
    check_every_call(ENOSPC, 1);
}

#[test]
fn a_disk_that_is_full_from_any_call_on_for_a_while_loses_nothing_acknowledged() {
    check_every_call(ENOSPC, 3);
}

/// The call that the next append makes first: its write.
fn fail_next_write(disk: &SimDisk, errno: i32, calls: u64) {
    let first = disk.calls();
    disk.set_fault(Some(Fault {
        first,
        calls,
        errno,
    }));
}

#[test]
fn a_full_disk_is_said_and_the_next_append_succeeds_when_there_is_room() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1]);
    fail_next_write(&disk, ENOSPC, u64::MAX);
    let full = append_each(&journal, [2, 3]);
    assert_eq!(full, [Err(AppendError::OutOfSpace); 2]);
    assert!(matches!(journal.health(), Health::OutOfSpace { .. }));
    assert_eq!(numbers(&open(&disk.killed()).unwrap().reader()), [1]);

    disk.set_fault(None);
    let again = append_each(&journal, [4]);
    assert_eq!(again[0].unwrap().sequence, Sequence::new(2));
    assert_eq!(journal.health(), Health::Serving);
    assert_eq!(numbers(&journal.reader()), [1, 4]);
    assert_eq!(numbers(&open(&disk.killed()).unwrap().reader()), [1, 4]);
}

#[test]
fn a_failed_write_or_sync_poisons_until_restart() {
    for call in 0..2 {
        let disk = SimDisk::default();
        let journal = open(&disk).unwrap();
        append_each(&journal, [1]);
        disk.set_fault(Some(Fault {
            first: disk.calls() + call,
            calls: 1,
            errno: EIO,
        }));
        let failed = append_each(&journal, [2, 3]);
        assert_eq!(failed, [Err(AppendError::Poisoned); 2], "call {call}");
        let Health::Poisoned { error, .. } = journal.health() else {
            panic!("{:?}", journal.health());
        };
        assert!(error.contains(segments(&disk)[0].to_str().unwrap()));
        assert_eq!(numbers(&journal.reader()), [1], "readable all the same");
        journal.close();
        assert!(matches!(journal.health(), Health::Poisoned { .. }));

        let journal = open(&disk).unwrap();
        append_each(&journal, [4]);
        let found = numbers(&journal.reader());
        assert!(found == [1, 4] || found == [1, 2, 4], "{found:?}");
    }
}

#[test]
fn a_name_whose_sync_failed_is_durable_before_the_next_start_builds_on_it() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    let prepared = Path::new(DIRECTORY).join("next.prepared");
    while !disk.files().contains(&prepared) {
        std::thread::yield_now();
    }
    // The first segment's head, its sync and its name; then the directory's sync.
    disk.set_fault(Some(Fault {
        first: disk.calls() + 3,
        calls: 1,
        errno: EIO,
    }));
    assert_eq!(append_each(&journal, [1]), [Err(AppendError::Poisoned)]);
    journal.close();

    let journal = open(&disk).unwrap();
    append_each(&journal, [2])[0].unwrap();
    for seed in 0..20 {
        let crashed = disk.crashed(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(numbers(&open(&crashed).unwrap().reader()), [2]);
    }
}

#[test]
fn a_full_disk_at_a_sync_poisons_too() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1]);
    disk.set_fault(Some(Fault {
        first: disk.calls() + 1,
        calls: 1,
        errno: ENOSPC,
    }));
    assert_eq!(append_each(&journal, [2]), [Err(AppendError::Poisoned)]);
}

#[test]
fn a_disk_that_cannot_be_read_is_an_error_of_reading_only() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1, 2]);
    fail_next_write(&disk, EIO, 1);
    let error = read_all(&journal.reader()).unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
    append_each(&journal, [3])[0].unwrap();
    assert_eq!(numbers(&journal.reader()), [1, 2, 3]);
}

#[test]
fn a_writer_that_breaks_leaves_nobody_waiting() {
    struct Breaks;
    impl ndxp_journal::CommitObserver for Breaks {
        fn committed(&self, _: usize, _: usize, _: std::time::Duration) {
            panic!("as this test wants");
        }
    }
    let disk = SimDisk::default();
    let options = Options::new(DIRECTORY);
    let journal = Journal::open(
        Options {
            segment_bytes: SEGMENT_BYTES,
            ..options
        },
        Arc::new(disk.clone()),
        clock_at(1),
        Arc::new(Breaks),
    )
    .unwrap();
    let answers = append_each(&journal, [1, 2]);
    assert_eq!(answers, [Err(AppendError::Poisoned); 2]);
    assert!(matches!(journal.health(), Health::Poisoned { .. }));
    assert_eq!(
        journal.beyond_blocking(Sequence::new(1), Duration::MAX),
        None
    );
    journal.close();
    assert_eq!(numbers(&open(&disk).unwrap().reader()), [1]);
}

#[test]
fn an_empty_segment_too_small_for_an_entry_is_replaced_by_a_larger_one() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=65);
    assert_eq!(segments(&disk).len(), 1, "full to the last frame");
    let prepared = Path::new(DIRECTORY).join("next.prepared");
    while !disk.files().contains(&prepared) {
        std::thread::yield_now();
    }
    // Sealing takes five calls, the next segment's head, name and syncs four; then the write.
    disk.set_fault(Some(Fault {
        first: disk.calls() + 9,
        calls: u64::MAX,
        errno: ENOSPC,
    }));
    assert_eq!(append_each(&journal, [66]), [Err(AppendError::OutOfSpace)]);
    assert_eq!(segments(&disk).len(), 2);
    let disk = disk.killed();
    let options = Options {
        directory: DIRECTORY.into(),
        segment_bytes: 4 * SEGMENT_BYTES,
    };
    let large = Body::RegistryChanged(v1::RegistryChanged {
        note: "n".repeat(5000),
        ..v1::RegistryChanged::default()
    });
    let reopened = Journal::open(options, Arc::new(disk.clone()), clock_at(1), Arc::new(()));
    let journal = reopened.unwrap();
    let committed = append_all(&journal, [large])[0].unwrap();
    assert_eq!(committed.sequence, Sequence::new(66));
    assert_eq!(segments(&disk).len(), 2);
    assert_eq!(
        journal.reader().first_at_or_after(committed.at).unwrap(),
        Some(Sequence::new(1)),
        "the clock stood still"
    );
    let read = || read_all(&journal.reader()).unwrap().len() as u64;
    assert_eq!(read(), 66);
    journal.close();
    assert_eq!(read(), 66);
    drop(open(&disk).unwrap());
}
