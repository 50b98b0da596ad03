//! What makes a backup, and what is none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use ndxp_journal::{Journal, Options};
use ndxp_model::ManualClock;
use ndxp_proto::journal::v1::SystemConnected;
use ndxp_proto::journal::v1::entry::Body;
use tempfile::TempDir;

use super::*;

const NOW: Instant = Instant::from_micros(1_658_448_000_000_000);

/// A data directory with a journal of three entries, open, and a key.
fn data() -> (TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        directory: folder.path().join("journal"),
        segment_bytes: 1 << 20,
    };
    let clock = Arc::new(ManualClock::at(NOW));
    let journal = Journal::open(options, Arc::new(FileDisk), clock, Arc::new(())).unwrap();
    let (lane, driver) = journal.lane();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.spawn(driver);
    for system in ["H26/a", "H26/b", "H26/c"] {
        let body = Body::SystemConnected(SystemConnected {
            system: system.to_owned(),
        });
        runtime.block_on(lane.append(&body)).unwrap();
    }
    salt_file::load_or_create(folder.path()).unwrap();
    (folder, journal)
}

/// A whole backup of it.
fn backup() -> TempDir {
    let (data, _journal) = data();
    let into = tempfile::tempdir().unwrap();
    take(data.path(), into.path(), NOW).unwrap();
    into
}

#[test]
fn a_backup_holds_the_journal_and_the_key_and_says_so() {
    let (data, journal) = data();
    let beside = tempfile::tempdir().unwrap();
    let into = beside.path().join("new/backup");
    let manifest = take(data.path(), &into, NOW).unwrap();
    assert_eq!(manifest.last_sequence, 3);
    let paths: Vec<_> = manifest.files.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["journal/00000000000000000001.segment", "salt.key"]);
    let mode = |path: &str| into.join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("journal"), mode("salt.key")),
        (0o700, 0o700, 0o600)
    );
    let key = |folder: &Path| fs::read(folder.join("salt.key")).unwrap();
    assert_eq!(key(&into), key(data.path()));

    let (read, differences) = check(&into).unwrap();
    assert_eq!((read, differences), (manifest, vec![]));
    drop(journal);
}

#[test]
fn a_backup_goes_into_a_folder_of_its_own() {
    let (data, _journal) = data();
    let into = backup();
    let refused = |into: &Path| take(data.path(), into, NOW).unwrap_err().to_string();
    assert!(refused(into.path()).contains("is not empty"));
    assert!(refused(data.path()).contains("is not empty"));
    assert!(refused(&data.path().join("salt.key")).contains("cannot be looked into"));
    let nowhere = tempfile::tempdir().unwrap();
    let error = take(nowhere.path(), &nowhere.path().join("x"), NOW).unwrap_err();
    assert!(matches!(error, BackupError::NoJournal { .. }), "{error}");
    assert!(!nowhere.path().join("x").exists());
}

#[test]
fn what_was_broken_off_is_no_backup() {
    let into = backup();
    fs::rename(into.path().join("journal"), into.path().join(INCOMPLETE)).unwrap();
    for error in [
        refuse_incomplete(into.path()).unwrap_err(),
        check(into.path()).unwrap_err(),
        take(into.path(), &into.path().join("again"), NOW).unwrap_err(),
    ] {
        assert!(matches!(error, BackupError::Incomplete { .. }), "{error}");
    }
}

#[test]
fn every_changed_byte_and_every_missing_file_shows() {
    let segment = "journal/00000000000000000001.segment";
    type Befall<'a> = &'a dyn Fn(&Path);
    let rows: [(&str, &str, Befall<'_>, &str); 5] = [
        (
            "a flipped bit",
            segment,
            &|path| flip(path),
            "its bytes are not those",
        ),
        (
            "another key",
            "salt.key",
            &|path| flip(path),
            "its bytes are not those",
        ),
        ("cut", segment, &|path| cut(path), "bytes instead of"),
        (
            "gone",
            segment,
            &|path| fs::remove_file(path).unwrap(),
            "is missing",
        ),
        (
            "no key",
            "salt.key",
            &|path| fs::remove_file(path).unwrap(),
            "is missing",
        ),
    ];
    for (what, path, befall, wanted) in rows {
        let into = backup();
        befall(&into.path().join(path));
        let (_, differences) = check(into.path()).unwrap();
        let said: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 1, "{what}: {said:?}");
        assert!(
            said[0].starts_with(path) && said[0].contains(wanted),
            "{what}: {said:?}"
        );
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
}

#[test]
fn a_manifest_that_is_none_or_leads_elsewhere_is_refused() {
    let whole = fs::read_to_string(backup().path().join(MANIFEST)).unwrap();
    let rows = [
        ("", "no manifest"),
        ("{}", "no manifest"),
        (&whole[..whole.len() / 2], "no manifest"),
        (&whole.replace("\"format\": 1", "\"format\": 2"), "format 2"),
        (
            &whole.replace("salt.key", "../salt.key"),
            "names \"../salt.key\"",
        ),
        (&whole.replace("journal/0", "journal/../0"), "it names"),
        (&whole.replace("journal/0", "/0"), "it names"),
    ];
    for (text, wanted) in rows {
        let error = Manifest::parse(MANIFEST.into(), text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
    assert!(Manifest::parse(MANIFEST.into(), &whole).is_ok());
}
