//! The archive of old segments, where there is to be one: as much part of the journal as what lies in
//! the data directory, and without it the hub does not start.

use std::path::Path;

use ndxp_hub::config::Config;
use ndxp_journal::{FileDisk, archive_of};

use super::data::{Found, NOT_THERE_YET, folder};
use super::disk::{nearest, space, writable};
use super::finding::{Area, Findings};

const KEY: &str = "journal.archive_dir";
/// What to do about a disk that fills up: nothing is lost meanwhile.
const MAKE_ROOM: &str = "make room: until then old segments stay in the data directory";

pub fn check(config: &Config, findings: &mut Findings) {
    if config.journal.keep.is_none() {
        // What was archived before is looked at with the journal.
        return;
    }
    let given = &config.journal.archive_dir;
    let Some(in_use) = agrees(&config.hub.data_dir.join("journal"), given, findings) else {
        return;
    };
    match folder(KEY, given, findings) {
        Found::There => {}
        Found::NotThere(subject) if in_use => {
            let remedy =
                "mount its disk, or bring its files back: the hub does not start without it";
            let value = "is not there, and the journal has an archive there";
            findings.failure(Area::Data, subject, value, remedy);
            return;
        }
        Found::NotThere(subject) => findings.ok(Area::Data, subject, NOT_THERE_YET),
        Found::Unusable => return,
    }
    let Some(nearest) = nearest(given) else {
        return;
    };
    let subject = format!("write in {}", nearest.display());
    match writable(&nearest) {
        Ok(()) => findings.ok(Area::Disk, subject, "the hub's user may"),
        Err(error) => {
            let remedy = "let the hub's user write there: its owner, its mode, ReadWritePaths of the \
                          unit or the container's volume, and the mount";
            findings.failure(Area::Disk, subject, error.to_string(), remedy);
        }
    }
    space(
        KEY,
        MAKE_ROOM,
        &nearest,
        config.journal.segment_bytes,
        findings,
    );
}

/// Whether the journal has an archive already; `None` when it is not the one that is given.
fn agrees(journal: &Path, given: &Path, findings: &mut Findings) -> Option<bool> {
    let subject = format!("{KEY} {}", given.display());
    let remedy = format!(
        "name the archive that is in use, or move it: stop the hub, move its files, remove {}, start",
        journal.join("archive").display()
    );
    let found = match archive_of(&FileDisk, journal) {
        Ok(found) => found,
        Err(error) => {
            findings.failure(Area::Data, subject, error.to_string(), remedy);
            return None;
        }
    };
    let given = std::path::absolute(given).ok();
    match found {
        Some(found) if given.as_ref() != Some(&found) => {
            let value = format!("the journal's archive is in {}", found.display());
            findings.failure(Area::Data, subject, value, remedy);
            None
        }
        found => Some(found.is_some()),
    }
}
