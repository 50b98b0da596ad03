//! The next segment is filled as the present one fills, and not in one go.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndxp_journal::{Journal, Options};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{DIRECTORY, append_all, clock_at, read_all, segments};
use crate::sim_disk::SimDisk;

const PIECE_BYTES: usize = 1 << 18;
const SEGMENT_BYTES: usize = 16 * PIECE_BYTES;

fn open(disk: &SimDisk, segment_bytes: usize) -> Journal {
    let options = Options {
        directory: PathBuf::from(DIRECTORY),
        segment_bytes: segment_bytes as u64,
    };
    Journal::open(options, Arc::new(disk.clone()), clock_at(1), Arc::new(())).unwrap()
}

/// An eighth of a piece.
fn append(journal: &Journal) {
    let entry = Body::RegistryChanged(v1::RegistryChanged {
        note: "n".repeat(PIECE_BYTES / 8),
        ..v1::RegistryChanged::default()
    });
    append_all(journal, [entry])[0].unwrap();
}

fn bytes(disk: &SimDisk, file: &Path) -> usize {
    match disk.files().iter().any(|it| it == file) {
        true => disk.read(file).len(),
        false => 0,
    }
}

/// How much there is of the next segment, and whether that is all.
fn filled(disk: &SimDisk) -> (usize, bool) {
    let [preparing, prepared] = ["next.preparing", "next.prepared"]
        .map(|name| bytes(disk, &Path::new(DIRECTORY).join(name)));
    (preparing.max(prepared), prepared > 0)
}

#[track_caller]
fn wait_until(mut seen: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !seen() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never seen");
        std::thread::yield_now();
    }
}

/// Where the frames of the active segment end.
fn end(disk: &SimDisk) -> usize {
    let active = segments(disk).pop();
    let written = active.map_or_else(Vec::new, |active| disk.read(&active));
    written
        .iter()
        .rposition(|it| *it != 0)
        .map_or(0, |it| it + 1)
}

#[test]
fn the_next_segment_is_there_in_time_and_never_far_ahead() {
    let disk = SimDisk::default();
    let journal = open(&disk, SEGMENT_BYTES);
    append(&journal);
    let (half, full_at) = (SEGMENT_BYTES / 2, SEGMENT_BYTES / 6 * 5);
    let mut written = end(&disk);
    append(&journal);
    // Each is as long as the other.
    let step = end(&disk) - written;
    written += step;
    while written < full_at {
        let (ahead, _) = filled(&disk);
        let due = written.checked_sub(half).map_or(0, |it| 3 * it);
        let first = if written < half { 0 } else { PIECE_BYTES };
        assert!(ahead <= due + first, "{ahead} at {written}");
        wait_until(|| filled(&disk).0 >= due / PIECE_BYTES * PIECE_BYTES);
        append(&journal);
        written += step;
    }
    assert_eq!(end(&disk), written);
    wait_until(|| filled(&disk) == (SEGMENT_BYTES, true));
    assert_eq!(segments(&disk).len(), 1);
}

/// Appends until some of the next segment is there, and not all; the entries so far.
fn append_until_some(journal: &Journal, disk: &SimDisk) -> usize {
    let mut entries = 0;
    while end(disk) < SEGMENT_BYTES / 8 * 5 {
        append(journal);
        entries += 1;
    }
    wait_until(|| filled(disk).0 >= 2 * PIECE_BYTES);
    let (some, all) = filled(disk);
    assert!(some < SEGMENT_BYTES && !all, "{some}");
    entries
}

/// Appends until the next segment has become the present one.
fn append_until_rolled(journal: &Journal, disk: &SimDisk) -> usize {
    let (begun_in, mut entries) = (segments(disk).len(), 0);
    while segments(disk).len() == begun_in {
        append(journal);
        entries += 1;
    }
    entries
}

#[test]
fn what_a_stop_a_kill_or_a_power_cut_leaves_of_it_does_no_harm() {
    let disk = SimDisk::default();
    let journal = open(&disk, SEGMENT_BYTES);
    let entries = append_until_some(&journal, &disk);
    let mut left = vec![disk.killed()];
    left.extend((0..4).map(|seed| disk.crashed(&mut fastrand::Rng::with_seed(seed))));
    // Whoever prepares waits for what is due next, and is not waited for.
    journal.close();
    left.push(disk);
    for disk in left {
        let journal = open(&disk, SEGMENT_BYTES);
        let more = append_until_rolled(&journal, &disk);
        assert_eq!(read_all(&journal.reader()).unwrap().len(), entries + more);
    }
}

#[test]
fn a_disk_that_was_full_meanwhile_is_tried_again() {
    let disk = SimDisk::default();
    let journal = open(&disk, SEGMENT_BYTES);
    let mut entries = append_until_some(&journal, &disk);
    // One of these writes of zeros finds no room.
    while filled(&disk).0 > 0 {
        append(&journal);
        entries += 1;
        disk.set_full(true);
        std::thread::yield_now();
        disk.set_full(false);
        if filled(&disk).1 {
            break;
        }
    }
    entries += append_until_rolled(&journal, &disk);
    assert_eq!(read_all(&journal.reader()).unwrap().len(), entries);
}

#[test]
fn a_next_segment_that_is_to_be_larger_is_there_in_time_too() {
    const TIMES: usize = 4;
    let disk = SimDisk::default();
    let journal = open(&disk, SEGMENT_BYTES);
    append_until_some(&journal, &disk);
    let disk = disk.killed();
    let journal = open(&disk, TIMES * SEGMENT_BYTES);
    while end(&disk) < SEGMENT_BYTES / 8 * 7 {
        append(&journal);
    }
    wait_until(|| filled(&disk) == (TIMES * SEGMENT_BYTES, true));
    assert_eq!(segments(&disk).len(), 1);
}
