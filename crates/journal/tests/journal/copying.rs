//! A copy of a journal that is being written holds what was acknowledged before it began, is
//! sealed to its end, and is never made of damage.

use std::path::Path;
use std::sync::Arc;

use ndxp_journal::{Copied, CopyError, Disk, OpenError, Reader, copy};

use crate::harness::{
    DIRECTORY, append_as_one_batch, append_each, clock_at, numbers, open, open_on, segments,
};
use crate::sim_disk::SimDisk;

const COPY: &str = "/copy";
const HEAD: usize = 64;
const FRAME: usize = 60;

fn copied(disk: &SimDisk) -> Result<Copied, CopyError> {
    copy(disk, Path::new(DIRECTORY), Path::new(COPY), &mut |_, _| {})
}

fn reader(disk: &SimDisk) -> Result<Reader, OpenError> {
    Reader::open_on(Arc::new(disk.clone()), Path::new(COPY))
}

#[test]
fn a_copy_holds_all_that_was_acknowledged_and_goes_on_as_a_journal() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    for through in [1, 64, 65, 66, 150, 200] {
        let last = journal.position().sequence.get();
        append_each(&journal, last + 1..=through);
        let crashed = disk.killed();
        let copied = copied(&crashed).unwrap();
        assert_eq!(copied.position, journal.position());
        // Power goes as soon as it is made: it must be on the disk.
        let restored = crashed.crashed(&mut fastrand::Rng::with_seed(7));
        let all: Vec<u64> = (1..=through).collect();
        assert_eq!(numbers(&reader(&restored).unwrap()), all);
        let names: Vec<_> = copied
            .segments
            .iter()
            .map(|it| Path::new(COPY).join(&it.name))
            .collect();
        for (file, segment) in names.iter().zip(&copied.segments) {
            assert_eq!(restored.read(file).len() as u64, segment.bytes);
        }

        let journal = open_on(Arc::new(restored.clone()), Path::new(COPY), clock_at(1)).unwrap();
        assert_eq!(journal.recovery().torn_bytes, 0);
        append_each(&journal, [through + 1]);
        assert_eq!(numbers(&journal.reader()).len() as u64, through + 1);
    }
}

#[test]
fn what_is_not_whole_yet_is_left_out() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1]);
    append_as_one_batch(&journal, &disk, 2, &[3, 4, 5]);
    let disk = disk.killed();
    let file = segments(&disk)[0].clone();
    // As a writer in the middle of its write leaves it.
    let last = HEAD + 4 * FRAME;
    disk.corrupt(&file, |bytes| bytes[last..last + FRAME].fill(0));
    assert_eq!(copied(&disk).unwrap().position.sequence.get(), 2);
    assert_eq!(numbers(&reader(&disk).unwrap()), [1, 2]);
}

#[test]
fn what_was_copied_can_no_longer_be_taken_from_its_origin_by_a_power_cut() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1, 2, 3]);
    let disk = disk.killed();
    let file = segments(&disk)[0].clone();
    // The last entry as a writer leaves it between its write and its sync.
    let place = HEAD + 2 * FRAME;
    let batch = disk.read(&file)[place..place + FRAME].to_vec();
    disk.corrupt(&file, |bytes| bytes[place..place + FRAME].fill(0));
    let written = disk.open_to_write(&file).unwrap();
    written.write_at(&batch, place as u64).unwrap();
    assert_eq!(copied(&disk).unwrap().position.sequence.get(), 3);
    for seed in 0..20 {
        let crashed = disk.crashed(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(crashed.read(&file)[place..place + FRAME], batch);
    }
}

#[test]
fn every_file_is_shown_to_the_caller_as_it_is_written() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=150);
    let disk = disk.killed();
    let mut shown: std::collections::BTreeMap<String, Vec<u8>> = Default::default();
    copy(
        &disk,
        Path::new(DIRECTORY),
        Path::new(COPY),
        &mut |name, bytes| {
            shown
                .entry(name.to_owned())
                .or_default()
                .extend_from_slice(bytes);
        },
    )
    .unwrap();
    assert_eq!(shown.len(), 3);
    for (name, bytes) in shown {
        assert_eq!(disk.read(&Path::new(COPY).join(&name)), bytes);
        let origin = disk.read(&Path::new(DIRECTORY).join(&name));
        let sealed = origin.len() < 4096;
        assert_eq!(sealed, origin == bytes, "what is sealed is copied as it is");
    }
}

#[test]
fn no_copy_is_made_of_damage() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=150);
    let disk = disk.killed();
    for (segment, place) in [
        (0, HEAD + 3 * FRAME + 50),
        (1, HEAD + 9),
        (2, HEAD + 2 * FRAME),
    ] {
        let disk = disk.killed();
        let file = segments(&disk)[segment].clone();
        disk.corrupt(&file, |bytes| bytes[place] ^= 1);
        let error = copied(&disk).unwrap_err();
        let said = error.to_string();
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name) && said.contains("damaged"), "{said}");
        let named = match error {
            CopyError::Damaged { offset, .. } => offset,
            CopyError::Open(OpenError::Damaged { offset, .. }) => offset,
            other => panic!("{other}"),
        };
        assert_eq!(named as usize, HEAD + (place - HEAD) / FRAME * FRAME);
    }
}

#[test]
fn a_disk_that_fails_at_any_call_fails_the_copy() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=150);
    let disk = disk.killed();
    let whole = disk.killed();
    copied(&whole).unwrap();
    for calls in 0..whole.calls() {
        let failing = disk.killed();
        failing.die_after(calls);
        assert!(copied(&failing).is_err(), "call {calls}");
    }
}
