//! Old segments that were moved to another directory stay part of the journal for everybody who
//! reads it, whatever happens while they are moved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_journal::{
    ArchiveError, Journal, OpenError, Reader, copy, inspect_directory, set_archive,
};
use ndxp_model::{Instant, ManualClock, Sequence};

use crate::harness::{DIRECTORY, append_each, clock_at, numbers, open, open_with, segments};
use crate::sim_disk::SimDisk;

const ARCHIVE: &str = "/archive";
const MS: i64 = 1_000;

/// Entry n is of millisecond n: 1 to 65, 66 to 130 and 131 to 195 are sealed, and 196 to 200 active.
fn journal() -> (SimDisk, Journal) {
    let disk = SimDisk::default();
    set_archive(&disk, Path::new(DIRECTORY), Path::new(ARCHIVE)).unwrap();
    let clock = clock_at(0);
    let journal = open_with(&disk, Arc::<ManualClock>::clone(&clock)).unwrap();
    for number in 1..=200 {
        clock.set(Instant::from_micros(number * MS));
        append_each(&journal, [number.cast_unsigned()]);
    }
    assert_eq!(segments(&disk).len(), 4);
    (disk, journal)
}

/// First sequences of the segments that lie there.
fn lying_in(disk: &SimDisk, place: &str) -> Vec<u64> {
    let here = |file: &PathBuf| file.parent() == Some(Path::new(place));
    let files = segments(disk).into_iter().filter(here);
    files
        .map(|file| file.file_stem().unwrap().to_str().unwrap().parse().unwrap())
        .collect()
}

fn offline(disk: &SimDisk) -> Result<Reader, OpenError> {
    Reader::open_on(Arc::new(disk.clone()), Path::new(DIRECTORY))
}

/// Everything is there for every kind of reader, and the journal goes on.
#[track_caller]
fn check_whole(disk: &SimDisk) {
    let all: Vec<u64> = (1..=200).collect();
    assert_eq!(numbers(&offline(disk).unwrap()), all);
    let (from, to) = (Path::new(DIRECTORY), Path::new("/copy"));
    let copied = copy(disk, from, to, &mut |_, _| {}).unwrap();
    assert_eq!(copied.position.sequence.get(), 200);
    let inspected = inspect_directory(disk, from).unwrap();
    assert!(inspected.is_whole());
    assert_eq!(inspected.readable(), 200);
    let journal = open(disk).unwrap();
    assert_eq!(numbers(&journal.reader()), all);
    append_each(&journal, [201]);
    assert_eq!(numbers(&journal.reader()).len(), 201);
}

#[test]
fn segments_are_moved_when_their_last_entry_is_old_enough() {
    // Entries before this millisecond are old, and these are then archived.
    let rows: [(i64, &[u64]); 7] = [
        (0, &[]),
        (65, &[]),
        (66, &[1]),
        (130, &[1]),
        (131, &[1, 66]),
        (196, &[1, 66, 131]),
        (10_000, &[1, 66, 131]),
    ];
    for (before, archived) in rows {
        let (disk, journal) = journal();
        let early = journal.reader();
        let moved = journal.archive(Instant::from_micros(before * MS)).unwrap();
        let moved: Vec<u64> = moved.into_iter().map(Sequence::get).collect();
        assert_eq!(moved, archived, "before {before} ms");
        assert_eq!(lying_in(&disk, ARCHIVE), archived);
        let left = [1, 66, 131, 196]
            .into_iter()
            .filter(|first| !archived.contains(first));
        assert_eq!(lying_in(&disk, DIRECTORY), left.collect::<Vec<_>>());
        assert_eq!(numbers(&early).len(), 200);
        let again = journal.archive(Instant::from_micros(before * MS)).unwrap();
        assert_eq!(again, []);
        check_whole(&disk.killed());
    }
}

#[test]
fn a_reader_that_began_before_the_move_reads_on_behind_it() {
    let (disk, journal) = journal();
    let early = offline(&disk).unwrap();
    let mut half_way = early.entries(Sequence::new(1), Sequence::new(u64::MAX));
    assert!(half_way.by_ref().take(10).all(|entry| entry.is_ok()));
    journal.archive(Instant::from_micros(10_000 * MS)).unwrap();
    assert_eq!(half_way.filter(Result::is_ok).count(), 190);
    assert_eq!(numbers(&early).len(), 200);
}

#[test]
fn a_crash_or_a_failing_disk_at_any_call_of_a_move_loses_nothing() {
    let (disk, journal) = journal();
    let before = disk.calls();
    journal.archive(Instant::from_micros(10_000 * MS)).unwrap();
    let calls = disk.calls() - before;
    let mut random = fastrand::Rng::with_seed(11);
    for call in 0..calls {
        let (disk, journal) = self::journal();
        disk.die_after(call);
        let failed = journal.archive(Instant::from_micros(10_000 * MS));
        assert!(failed.is_err(), "call {call}");
        check_whole(&disk.killed());
        check_whole(&disk.crashed(&mut random));
        // The disk comes back: the same journal goes on, and moves the rest.
        disk.set_fault(None);
        journal.archive(Instant::from_micros(10_000 * MS)).unwrap();
        assert_eq!(lying_in(&disk, ARCHIVE), [1, 66, 131]);
        check_whole(&disk.killed());
    }
}

#[test]
fn damage_is_not_archived() {
    let (disk, journal) = journal();
    let file = segments(&disk)[0].clone();
    disk.corrupt(&file, |bytes| bytes[500] ^= 1);
    let error = journal
        .archive(Instant::from_micros(10_000 * MS))
        .unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(lying_in(&disk, DIRECTORY).len(), 4, "it lies where it lay");
}

#[test]
fn an_archive_that_is_not_there_is_missed_and_never_skipped() {
    let (disk, journal) = journal();
    journal.archive(Instant::from_micros(100 * MS)).unwrap();
    let disk = disk.killed();
    disk.forget(&Path::new(ARCHIVE).join("00000000000000000001.segment"));
    for refused in [open(&disk).map(drop), offline(&disk).map(drop)] {
        let error = refused.unwrap_err();
        let missing =
            matches!(&error, OpenError::MissingSegment { expected, .. } if expected.get() == 1);
        assert!(missing, "{error}");
        assert!(error.to_string().contains("archive"), "{error}");
    }
}

#[test]
fn there_is_one_archive_and_it_is_named_in_full() {
    let disk = SimDisk::default();
    let directory = Path::new(DIRECTORY);
    let set = |archive: &str| set_archive(&disk, directory, Path::new(archive));
    let relative = set("archive").unwrap_err();
    assert!(
        matches!(relative, ArchiveError::NotAPath { .. }),
        "{relative}"
    );
    let endless = format!("/{}", "x".repeat(5_000));
    let endless = set(&endless).unwrap_err();
    assert!(
        matches!(endless, ArchiveError::NotAPath { .. }),
        "{endless}"
    );
    set(ARCHIVE).unwrap();
    set(ARCHIVE).unwrap();
    let other = set("/other").unwrap_err();
    assert!(matches!(other, ArchiveError::Another { .. }), "{other}");
    // One that says nothing that can be followed is refused, too.
    for garbled in [&b""[..], b"relative", b"/\xff"] {
        let disk = disk.killed();
        let file = directory.join("archive");
        disk.corrupt(&file, |bytes| *bytes = garbled.to_vec());
        assert!(offline(&disk).is_err());
    }
}
