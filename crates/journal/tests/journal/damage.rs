//! What was acknowledged and no longer holds is refused by name, never skipped.

use std::path::Path;

use ndxp_journal::{OpenError, ReadError, Reader};
use ndxp_model::Sequence;

use crate::harness::{
    ALL, DIRECTORY, append_each, clock_at, numbers, open, open_on, read_all, segments,
};
use crate::sim_disk::SimDisk;

const HEAD: usize = 64;
const FRAME: usize = 60;

/// Two sealed segments and an active one, not closed.
fn three_segments() -> SimDisk {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=150);
    let disk = disk.killed();
    assert_eq!(segments(&disk).len(), 3);
    disk
}

fn frames_in(disk: &SimDisk, file: &Path) -> usize {
    // Footer with one mark.
    (disk.read(file).len() - 96 - HEAD) / FRAME
}

#[test]
fn any_flipped_bit_of_a_sealed_segments_frames_is_refused_on_reading() {
    let disk = three_segments();
    let file = segments(&disk)[1].clone();
    let before = frames_in(&disk, &segments(&disk)[0]);
    let end = HEAD + frames_in(&disk, &file) * FRAME;
    for place in (HEAD..end).step_by(7) {
        let disk = disk.killed();
        disk.corrupt(&file, |bytes| bytes[place] ^= 1 << (place % 8));
        let reader = open(&disk).unwrap().reader();
        let frame = (place - HEAD) / FRAME;
        let lost = before + frame + 1;

        let mut entries = reader.entries(Sequence::new(1), ALL);
        assert_eq!(entries.by_ref().take_while(Result::is_ok).count(), lost - 1);
        assert!(entries.next().is_none(), "nothing is shown behind damage");
        let Err(ReadError::Damaged {
            file: named,
            offset,
            sequence,
        }) = read_all(&reader)
        else {
            panic!("byte {place} passed");
        };
        let expected = (file.clone(), HEAD + frame * FRAME, lost);
        assert_eq!(named, expected.0);
        assert_eq!(offset, expected.1 as u64);
        assert_eq!(sequence.get(), expected.2 as u64);
    }
}

#[test]
fn any_flipped_bit_of_a_head_or_footer_is_refused_at_opening() {
    let disk = three_segments();
    for file in &segments(&disk)[..2] {
        let bytes = disk.read(file).len();
        let footer = HEAD + frames_in(&disk, file) * FRAME;
        for place in (0..HEAD).chain(footer..bytes) {
            let disk = disk.killed();
            disk.corrupt(file, |bytes| bytes[place] ^= 1 << (place % 8));
            refused(&disk, file, |error| {
                matches!(
                    error,
                    OpenError::DamagedHead { .. }
                        | OpenError::UnknownVersion { .. }
                        | OpenError::DamagedFooter { .. }
                )
            });
        }
    }
}

#[test]
fn any_flipped_bit_of_the_last_footer_is_refused_too() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, 1..=3);
    journal.close();
    let file = segments(&disk)[0].clone();
    for place in HEAD + 3 * FRAME..disk.read(&file).len() {
        let disk = disk.killed();
        disk.corrupt(&file, |bytes| bytes[place] ^= 1 << (place % 8));
        refused(&disk, &file, |e| {
            matches!(e, OpenError::DamagedFooter { .. })
        });
    }
}

#[test]
fn any_flipped_bit_of_an_earlier_batch_in_the_active_segment_is_refused_at_opening() {
    let disk = three_segments();
    let file = segments(&disk)[2].clone();
    let before = 150 - active_frames(&disk, &file);
    for place in HEAD..HEAD + (active_frames(&disk, &file) - 1) * FRAME {
        let disk = disk.killed();
        disk.corrupt(&file, |bytes| bytes[place] ^= 1 << (place % 8));
        let frame = (place - HEAD) / FRAME;
        let lost = (before + frame + 1) as u64;
        refused(&disk, &file, |error| {
            matches!(error, OpenError::Damaged { offset, sequence, witness, .. }
                if *offset == (HEAD + frame * FRAME) as u64
                    && sequence.get() == lost
                    && witness.get() == lost + 1)
        });
    }
}

fn active_frames(disk: &SimDisk, file: &Path) -> usize {
    let bytes = disk.read(file);
    (bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1 - HEAD) / FRAME
}

#[test]
fn a_missing_segment_is_refused_by_name_wherever_it_is_missing() {
    let disk = three_segments();
    for missing in 0..2 {
        let disk = disk.killed();
        let files = segments(&disk);
        disk.forget(&files[missing]);
        refused(&disk, &files[missing + 1], |error| {
            matches!(error, OpenError::MissingSegment { expected, .. }
                if files[missing].ends_with(format!("{:020}.segment", expected.get())))
        });
    }
}

#[test]
fn a_segment_before_the_last_is_refused_without_its_footer() {
    let disk = three_segments();
    let file = segments(&disk)[1].clone();
    let end = HEAD + frames_in(&disk, &file) * FRAME;
    for kept in [95, 1, 0] {
        disk.corrupt(&file, |bytes| {
            bytes[end + kept..].fill(0);
            bytes.resize(4096, 0);
        });
        refused(&disk, &file, |e| {
            matches!(e, OpenError::DamagedFooter { .. })
        });
    }
}

#[test]
fn a_sealed_segment_whose_cut_was_undone_by_a_power_cut_is_cut_again() {
    let disk = three_segments();
    let file = segments(&disk)[1].clone();
    let sealed = disk.read(&file);
    disk.corrupt(&file, |bytes| bytes.resize(4096, 0));
    let offline = Reader::open_on(std::sync::Arc::new(disk.clone()), Path::new(DIRECTORY));
    assert_eq!(numbers(&offline.unwrap()).len(), 150);
    assert_eq!(disk.read(&file).len(), 4096, "a reader changes nothing");
    assert_eq!(numbers(&open(&disk).unwrap().reader()).len(), 150);
    assert_eq!(disk.read(&file), sealed);
}

#[test]
fn an_unknown_version_is_refused_by_name() {
    let disk = three_segments();
    let file = segments(&disk)[2].clone();
    disk.corrupt(&file, |bytes| bytes[8] = 3);
    refused(&disk, &file, |error| {
        matches!(error, OpenError::UnknownVersion { found: 3, .. })
            && error.to_string().contains("version 3")
    });
}

#[test]
fn a_segment_of_another_journal_is_refused() {
    let (disk, other) = (three_segments(), three_segments());
    let file = segments(&disk)[2].clone();
    let foreign = other.read(&file);
    disk.corrupt(&file, |bytes| *bytes = foreign);
    refused(&disk, &file, |e| matches!(e, OpenError::Foreign { .. }));
}

#[test]
fn a_segment_under_a_wrong_name_is_refused() {
    let disk = three_segments();
    let files = segments(&disk);
    let contents = disk.read(&files[1]);
    disk.corrupt(&files[2], |bytes| *bytes = contents);
    refused(&disk, &files[2], |e| {
        matches!(e, OpenError::Misnamed { .. })
    });
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let disk = std::sync::Arc::new(ndxp_journal::FileDisk);
        open_on(disk, directory.path(), clock_at(1))
    };
    let journal = open().unwrap();
    append_each(&journal, 1..=100);
    let Err(OpenError::Locked { directory: named }) = open() else {
        panic!("two writers");
    };
    assert_eq!(named, directory.path());
    let offline = Reader::open(directory.path()).unwrap();
    assert_eq!(numbers(&offline), (1..=100).collect::<Vec<_>>());
    journal.close();
    assert_eq!(numbers(&offline), (1..=100).collect::<Vec<_>>());
    drop(open().unwrap());
}

/// Both doors stay shut, and the message names the file.
#[track_caller]
fn refused(disk: &SimDisk, file: &Path, expected: impl Fn(&OpenError) -> bool) {
    let disk_of_reader = std::sync::Arc::new(disk.clone());
    let reader = Reader::open_on(disk_of_reader, Path::new(DIRECTORY)).map(drop);
    for result in [open(disk).map(drop), reader] {
        let error = result.expect_err("opened");
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(error.to_string().contains(name), "{error}");
        assert!(expected(&error), "{error:?}");
    }
}
