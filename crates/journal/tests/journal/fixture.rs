//! One directory per format version is committed and must read the same for ever.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_journal::{FileDisk, Journal, Kind, Reader};
use ndxp_model::{Instant, ManualClock, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{SEGMENT_BYTES, append_all, clock_at, open_on, read_all};

const START: i64 = 1_658_448_000_000_000;
const ENTRIES: u64 = 90;

/// Version 1: segments as they are written. Version 2: the sealed one packed.
const VERSIONS: [&str; 2] = ["v1", "v2"];

fn directory(version: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(version)
}

/// Every kind in turn; transaction n is opened at sequence n and closed at the next.
fn body(sequence: u64) -> Body {
    let id = |of: u64| {
        let made_at = Instant::from_micros(START + of.cast_signed() * 1_000);
        let id = TransactionId::new(made_at, u128::from(of) << 64);
        id.as_bytes().to_vec()
    };
    match sequence % 6 {
        1 => Body::Opened(v1::TransactionOpened {
            transaction_id: id(sequence),
            call: Some(v1::Call {
                method: "Find".into(),
                case: "H26-2022-000123".into(),
                ..v1::Call::default()
            }),
        }),
        2 => Body::Closed(v1::TransactionClosed {
            transaction_id: id(sequence - 1),
            opened_sequence: sequence - 1,
            outcome: v1::Outcome::Completed.into(),
            response_bytes: sequence * 1000,
            ..v1::TransactionClosed::default()
        }),
        3 => Body::RegistryChanged(v1::RegistryChanged {
            actor: "spiffe://ndxp.local/operator/an".into(),
            note: "Cấp quyền".into(),
            ..v1::RegistryChanged::default()
        }),
        4 => Body::SystemConnected(v1::SystemConnected {
            system: "G01/population".into(),
        }),
        5 => Body::HubStarted(v1::HubStarted {
            hub_node: "hub-1".into(),
            version: "0.1.0".into(),
        }),
        _ => Body::HubStopped(v1::HubStopped {
            hub_node: "hub-1".into(),
        }),
    }
}

fn entries() -> Vec<v1::Entry> {
    (1..=ENTRIES)
        .map(|sequence| v1::Entry {
            sequence,
            committed_at_us: START + sequence.cast_signed() * 1_000,
            body: Some(body(sequence)),
        })
        .collect()
}

fn write(directory: &Path) -> Journal {
    let clock = Arc::new(ManualClock::default());
    let journal = open_on(Arc::new(FileDisk), directory, Arc::clone(&clock) as _).unwrap();
    for entry in entries() {
        clock.set(Instant::from_micros(entry.committed_at_us));
        append_all(&journal, entry.body)[0].unwrap();
    }
    journal
}

/// Sealed segments and an active one, as a killed process leaves them.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|e| e == "segment") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
#[ignore = "writes the fixture of format version 2; run once, when the version is born"]
fn write_the_fixture() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = write(scratch.path());
    while journal.pack(&mut || true).unwrap().is_some() {}
    std::fs::create_dir_all(directory("v2")).unwrap();
    copy(scratch.path(), &directory("v2"));
    journal.close();
}

#[test]
fn a_journal_of_every_format_version_reads_as_it_was_written() {
    for version in VERSIONS {
        let reader = Reader::open(&directory(version)).unwrap();
        assert_eq!(read_all(&reader).unwrap(), entries(), "{version}");
        let middle = Instant::from_micros(START + 45_000);
        assert_eq!(
            reader.first_at_or_after(middle).unwrap(),
            Some(Sequence::new(45))
        );
        let opened = reader.entries_of(Kind::Opened, Sequence::new(1), Sequence::new(ENTRIES));
        assert_eq!(opened.count() as u64, ENTRIES / 6);
        for opening in [31, 67] {
            let made_at = Instant::from_micros(START + opening * 1_000);
            let id = TransactionId::new(made_at, u128::from(opening.unsigned_abs()) << 64);
            let found = reader.transaction(id).unwrap().unwrap();
            let opening = opening.unsigned_abs();
            assert_eq!(
                (found.opened_sequence, found.closed_sequence),
                (opening, opening + 1)
            );
        }
    }
}

#[test]
fn a_journal_of_every_format_version_reopens_and_goes_on() {
    for version in VERSIONS {
        let scratch = tempfile::tempdir().unwrap();
        copy(&directory(version), scratch.path());
        let segments = std::fs::read_dir(scratch.path()).unwrap().count();
        let journal = open_on(Arc::new(FileDisk), scratch.path(), clock_at(1)).unwrap();
        assert_eq!(journal.recovery().sealed_segments, segments - 1);
        assert_eq!(journal.recovery().torn_bytes, 0);
        let next = append_all(&journal, [body(1)])[0].unwrap();
        assert_eq!(next.sequence, Sequence::new(ENTRIES + 1));
        assert_eq!(
            next.at,
            Instant::from_micros(START + ENTRIES.cast_signed() * 1_000)
        );
        // What an earlier program left plain is packed by this one.
        let packed = journal.pack(&mut || true).unwrap();
        assert_eq!(packed.is_some(), version == "v1");
        journal.close();
        let read = read_all(&Reader::open(scratch.path()).unwrap()).unwrap();
        assert_eq!(read[..read.len() - 1], entries());
    }
}

/// The writer of today writes the same bytes, apart from the journal's id and what it seeds.
#[test]
fn the_writer_still_writes_format_version_1() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = write(scratch.path());
    for entry in std::fs::read_dir(directory("v1")).unwrap() {
        let name = entry.unwrap().file_name();
        let (kept, written) = (
            std::fs::read(directory("v1").join(&name)).unwrap(),
            std::fs::read(scratch.path().join(&name)).unwrap(),
        );
        assert_eq!(kept.len(), written.len(), "{name:?}");
        assert_eq!(kept[32..64], written[32..64], "{name:?}: head");
        let first = 72..104 + usize::from(kept[64]);
        assert_eq!(kept[first.clone()], written[first], "{name:?}: first frame");
    }
    assert_eq!(SEGMENT_BYTES, 4096, "as in the fixture");
    journal.close();
}
