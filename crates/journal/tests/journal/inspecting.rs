//! What can still be read of a damaged journal, and what is lost, is said by file, offset,
//! sequence and time; and looking changes nothing.

use std::path::Path;

use ndxp_journal::{Fault, Inspected, Seal, What, inspect_directory, inspect_file};
use ndxp_model::ManualClock;

use crate::harness::{
    DIRECTORY, append_as_one_batch, append_each, clock_at, open, open_with, segments,
};
use crate::sim_disk::SimDisk;

const HEAD: usize = 64;
const FRAME: usize = 60;

/// Entry n was committed at n milliseconds: 65 entries in each of two sealed segments, then 20 in
/// an active one.
fn journal() -> SimDisk {
    let disk = SimDisk::default();
    let clock = clock_at(0);
    let journal = open_with(&disk, std::sync::Arc::<ManualClock>::clone(&clock)).unwrap();
    for number in 1..=150 {
        clock.set(ndxp_model::Instant::from_micros(number * 1_000));
        append_each(&journal, [number.cast_unsigned()]);
    }
    let disk = disk.killed();
    assert_eq!(segments(&disk).len(), 3);
    disk
}

/// One line for each part: `file: what offset+bytes first..last from..to`, times in milliseconds,
/// and what is wrong with the file.
fn lines(found: &Inspected) -> Vec<String> {
    let number = |value: Option<u64>| value.map_or("?".to_owned(), |value| value.to_string());
    let ms = |at: Option<ndxp_model::Instant>| {
        at.map_or("?".to_owned(), |at| (at.as_micros() / 1_000).to_string())
    };
    let mut lines = Vec::new();
    for (index, segment) in found.segments.iter().enumerate() {
        for (_, it) in found.missing.iter().filter(|(place, _)| *place == index) {
            let (from, to) = (ms(it.from), ms(it.to));
            lines.push(format!("missing {}..{} {from}..{to}", it.first, it.last));
        }
        for part in &segment.parts {
            let what = match part.what {
                What::Readable => "readable",
                What::Lost { zeros: false } => "lost",
                What::Lost { zeros: true } => "zeros",
                What::Torn => "torn",
            };
            let (first, last) = (part.first.map(|it| it.get()), part.last.map(|it| it.get()));
            lines.push(format!(
                "{index}: {what} {}+{} {}..{} {}..{}",
                part.offset,
                part.bytes,
                number(first),
                number(last),
                ms(part.from),
                ms(part.to)
            ));
        }
        for fault in &segment.faults {
            lines.push(format!("{index}: {fault:?}"));
        }
    }
    lines
}

/// What is said of the whole directory after this has befallen one of its segments.
#[track_caller]
fn check(segment: usize, befall: impl FnOnce(&mut Vec<u8>), wanted: &[&str]) -> Inspected {
    let disk = journal();
    let file = segments(&disk)[segment].clone();
    disk.corrupt(&file, befall);
    let before: Vec<_> = disk.files().iter().map(|file| disk.read(file)).collect();
    let found = inspect_directory(&disk, Path::new(DIRECTORY)).unwrap();
    assert_eq!(lines(&found), wanted);
    let after: Vec<_> = disk.files().iter().map(|file| disk.read(file)).collect();
    assert!(before == after, "looking changed something");
    let alone = inspect_file(&disk, &file).unwrap();
    assert_eq!(alone.segments.len(), 1);
    found
}

const FIRST: &str = "0: readable 64+3900 1..65 1..65";
const SECOND: &str = "1: readable 64+3900 66..130 66..130";
const THIRD: &str = "2: readable 64+1200 131..150 131..150";

#[test]
fn a_whole_journal_is_said_to_be_whole() {
    let found = check(0, |_| {}, &[FIRST, SECOND, THIRD]);
    assert!(found.is_whole());
    assert_eq!((found.readable(), found.lost()), (150, Some(0)));
    let seals: Vec<_> = found.segments.iter().map(|it| it.seal).collect();
    assert_eq!(seals, [Seal::Sealed, Seal::Sealed, Seal::Active]);
}

#[test]
fn a_flipped_bit_loses_one_entry_wherever_in_it_the_bit_is() {
    for place in HEAD + 10 * FRAME..HEAD + 11 * FRAME {
        let found = check(
            1,
            |bytes| bytes[place] ^= 1,
            &[
                FIRST,
                "1: readable 64+600 66..75 66..75",
                "1: lost 664+60 76..76 75..77",
                "1: readable 724+3240 77..130 77..130",
                THIRD,
            ],
        );
        assert!(!found.is_whole());
        assert_eq!((found.readable(), found.lost()), (149, Some(1)));
    }
}

#[test]
fn a_hole_of_zeros_is_called_so_at_the_beginning_in_the_middle_and_at_the_end() {
    let hole = |from: usize, to: usize| {
        move |bytes: &mut Vec<u8>| bytes[HEAD + from * FRAME..HEAD + to * FRAME].fill(0)
    };
    check(
        1,
        hole(0, 3),
        &[
            FIRST,
            "1: zeros 64+180 66..68 ?..69",
            "1: readable 244+3720 69..130 69..130",
            THIRD,
        ],
    );
    check(
        2,
        hole(2, 7),
        &[
            FIRST,
            SECOND,
            "2: readable 64+120 131..132 131..132",
            "2: zeros 184+300 133..137 132..138",
            "2: readable 484+780 138..150 138..150",
        ],
    );
    check(
        0,
        hole(60, 65),
        &[
            "0: readable 64+3600 1..60 1..60",
            "0: zeros 3664+300 61..65 60..65",
            SECOND,
            THIRD,
        ],
    );
}

#[test]
fn a_torn_tail_is_no_loss() {
    // The last entry went down by half, which ends in zeros; then all of it but its last byte.
    for (kept, told) in [(30, 25), (59, 59)] {
        let found = check(
            2,
            |bytes| bytes[HEAD + 19 * FRAME + kept..].fill(0),
            &[
                FIRST,
                SECOND,
                "2: readable 64+1140 131..149 131..149",
                &format!("2: torn 1204+{told} ?..? ?..?"),
            ],
        );
        assert!(found.is_whole(), "nobody was told of it");
    }
}

#[test]
fn a_last_segment_that_was_cut_says_so() {
    let found = check(
        2,
        |bytes| bytes.truncate(HEAD + 5 * FRAME + 9),
        &[
            FIRST,
            SECOND,
            "2: readable 64+300 131..135 131..135",
            "2: torn 364+9 ?..? ?..?",
            "2: Cut",
        ],
    );
    assert!(!found.is_whole());
}

#[test]
fn a_torn_batch_is_no_loss_whatever_part_of_it_is_there() {
    // Entries 1 and 2 alone, then 3, 4 and 5 as one batch.
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    append_each(&journal, [1]);
    append_as_one_batch(&journal, &disk, 2, &[3, 4, 5]);
    for lost in 2..5 {
        let disk = disk.killed();
        let file = segments(&disk)[0].clone();
        let place = HEAD + lost * FRAME;
        disk.corrupt(&file, |bytes| bytes[place..place + FRAME].fill(0));
        let found = inspect_file(&disk, &file).unwrap();
        let torn = if lost == 4 { 2 * FRAME } else { 3 * FRAME };
        let wanted = [
            "0: readable 64+120 1..2 1000..1000".to_owned(),
            format!("0: torn 184+{torn} ?..? ?..?"),
        ];
        assert_eq!(lines(&found), wanted, "entry {}", lost + 1);
    }
}

#[test]
fn a_missing_segment_is_told_by_the_sequences_and_times_that_it_held() {
    for (missing, wanted) in [
        (
            0,
            ["missing 1..65 ?..66", "0: readable 64+3900 66..130 66..130"],
        ),
        (
            1,
            ["0: readable 64+3900 1..65 1..65", "missing 66..130 65..131"],
        ),
    ] {
        let disk = journal();
        disk.forget(&segments(&disk)[missing]);
        let found = inspect_directory(&disk, Path::new(DIRECTORY)).unwrap();
        let third = "1: readable 64+1200 131..150 131..150";
        assert_eq!(lines(&found), [wanted[0], wanted[1], third]);
        assert_eq!(found.lost(), Some(65));
    }
}

#[test]
fn a_damaged_head_is_made_good_by_the_names_and_the_files_beside() {
    check(
        1,
        |bytes| bytes[20] ^= 1,
        &[FIRST, SECOND, "1: Head", THIRD],
    );
    check(
        1,
        |bytes| bytes[8] = 9,
        &[FIRST, SECOND, "1: Version(9)", THIRD],
    );
    // A head alone in its directory: no frame can be checked.
    let disk = journal();
    let files = segments(&disk);
    disk.corrupt(&files[0], |bytes| bytes[20] ^= 1);
    disk.forget(&files[1]);
    disk.forget(&files[2]);
    let found = inspect_file(&disk, &files[0]).unwrap();
    assert_eq!(
        lines(&found),
        ["0: lost 0+4060 1..? ?..?", "0: Head", "0: Unknown"]
    );
    assert_eq!(found.lost(), None);
}

#[test]
fn a_damaged_footer_loses_no_entry() {
    for place in 3964..4060 {
        check(
            0,
            |bytes| bytes[place] ^= 1,
            &[FIRST, "0: Footer", SECOND, THIRD],
        );
    }
    // Nor does a segment that was cut short lose more than what is gone.
    check(
        0,
        |bytes| bytes.truncate(HEAD + 60 * FRAME + 7),
        &[
            "0: readable 64+3600 1..60 1..60",
            "0: lost 3664+7 61..65 60..66",
            "0: Footer",
            SECOND,
            THIRD,
        ],
    );
}

#[test]
fn noise_is_taken_apart_and_nothing_of_it_is_taken_for_an_entry() {
    let mut random = fastrand::Rng::with_seed(3);
    let disk = journal();
    for _ in 0..300 {
        let disk = disk.killed();
        for file in segments(&disk) {
            disk.corrupt(&file, |bytes| {
                for _ in 0..random.usize(..30) {
                    let place = random.usize(..bytes.len());
                    bytes[place] = random.u8(..);
                }
                bytes.truncate(random.usize(bytes.len() / 2..=bytes.len()));
            });
        }
        let found = inspect_directory(&disk, Path::new(DIRECTORY)).unwrap();
        assert!(found.readable() <= 150);
        let mut before = 0;
        for segment in &found.segments {
            assert!(!segment.faults.contains(&Fault::Foreign));
            let mut offset = 0;
            for part in &segment.parts {
                assert!(part.offset >= offset, "parts do not overlap");
                offset = part.offset + part.bytes;
                if part.what == What::Readable {
                    let (first, last) = (part.first.unwrap().get(), part.last.unwrap().get());
                    assert!(before < first && first <= last && last <= 150);
                    before = last;
                }
            }
            assert!(offset <= segment.bytes);
        }
    }
}
