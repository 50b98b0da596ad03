//! A last write that did not survive whole costs nothing that was acknowledged.

use std::path::Path;

use ndxp_journal::Reader;

use crate::harness::{DIRECTORY, append_as_one_batch, append_each, numbers, open, segments};
use crate::sim_disk::SimDisk;

const HEAD: usize = 64;
/// Frame head, tag and length of the oneof member, tag and length of its string, the string.
const FRAME: usize = 40 + 2 + 2 + 16;

/// Three batches: entries 1 and 2 alone, then 3, 4 and 5 as one; not closed.
fn torn_disk() -> SimDisk {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1]);
    append_as_one_batch(&journal, &disk, 2, &[3, 4, 5]);
    assert_eq!(numbers(&journal.reader()), [1, 2, 3, 4, 5]);
    disk.killed()
}

/// Changes the active segment, reopens, and says what is left; the journal must go on.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<u8>), kept: &[u64]) {
    let disk = torn_disk();
    let file = &segments(&disk)[0];
    disk.corrupt(file, change);
    let last = disk.read(file).iter().rposition(|byte| *byte != 0);
    let torn_bytes = (last.unwrap() + 1).saturating_sub(HEAD + kept.len() * FRAME);

    let offline = Reader::open_on(std::sync::Arc::new(disk.clone()), Path::new(DIRECTORY));
    assert_eq!(numbers(&offline.unwrap()), kept, "without a writer");

    let journal = open(&disk).unwrap();
    assert_eq!(journal.recovery().torn_bytes, torn_bytes as u64);
    assert_eq!(numbers(&journal.reader()), kept);
    append_each(&journal, [77]);

    let journal = open(&disk.killed()).unwrap();
    assert_eq!(journal.recovery().torn_bytes, 0, "nothing was left of it");
    assert_eq!(numbers(&journal.reader()), [kept, &[77]].concat());
}

#[test]
fn an_untouched_journal_is_not_torn() {
    check(|_| {}, &[1, 2, 3, 4, 5]);
}

#[test]
fn a_last_batch_zero_from_any_byte_on_leaves_all_before_it() {
    for cut in HEAD + 2 * FRAME..HEAD + 5 * FRAME {
        check(|bytes| bytes[cut..].fill(0), &[1, 2]);
    }
}

#[test]
fn a_file_cut_at_any_byte_of_the_last_batch_leaves_all_before_it() {
    for cut in HEAD + 2 * FRAME..HEAD + 5 * FRAME {
        let disk = torn_disk();
        disk.corrupt(&segments(&disk)[0], |bytes| bytes.truncate(cut));
        let journal = open(&disk).unwrap();
        assert_eq!(numbers(&journal.reader()), [1, 2], "cut at {cut}");
        append_each(&journal, [77]);
        journal.close();
        assert_eq!(numbers(&open(&disk).unwrap().reader()), [1, 2, 77]);
    }
}

#[test]
fn any_flipped_byte_of_the_last_batch_leaves_all_before_it() {
    for place in HEAD + 2 * FRAME..HEAD + 5 * FRAME {
        check(|bytes| bytes[place] ^= 0xff, &[1, 2]);
    }
}

#[test]
fn noise_behind_the_last_batch_is_blanked() {
    check(|bytes| bytes[3000..3100].fill(0xa5), &[1, 2, 3, 4, 5]);
}

#[test]
fn a_seal_that_was_not_finished_is_undone() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=3);
    let active = disk.killed();
    journal.close();
    let file = &segments(&disk)[0];
    let sealed = disk.read(file);
    // The footer went down in any part, and the file was not cut yet.
    for written in HEAD + 3 * FRAME..=sealed.len() {
        let crashed = active.killed();
        crashed.corrupt(file, |bytes| {
            bytes[..written].copy_from_slice(&sealed[..written])
        });
        let journal = open(&crashed).unwrap();
        append_each(&journal, [4]);
        assert_eq!(numbers(&journal.reader()), [1, 2, 3, 4], "{written} bytes");
    }
}
