//! The data directory: whose it is, and whether the journal in it can be opened.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ndxp_hub::backup::refuse_incomplete;
use ndxp_hub::config::Config;
use ndxp_journal::{Position, Reader};
use ndxp_model::Sequence;

use super::finding::{Area, Findings};

pub const NOT_THERE_YET: &str = "is not there yet: the first start makes it";

/// What became of looking for a folder.
pub enum Found {
    There,
    /// Under this name; whether that is wrong is for others to say.
    NotThere(String),
    /// The findings say why.
    Unusable,
}

/// The journal's last entry, if there is one.
pub fn check(config: &Config, findings: &mut Findings) -> Option<Position> {
    let data = &config.hub.data_dir;
    match folder("hub.data_dir", data, findings) {
        Found::There => journal(data, findings),
        Found::NotThere(subject) => {
            findings.ok(Area::Data, subject, NOT_THERE_YET);
            None
        }
        Found::Unusable => None,
    }
}

/// A folder that holds part of the journal: whether it is one, and who may open it.
pub fn folder(key: &str, path: &Path, findings: &mut Findings) -> Found {
    let subject = format!("{key} {}", path.display());
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Found::NotThere(subject);
        }
        Err(error) => {
            let remedy = "let the hub's user into the folders above it";
            findings.failure(Area::Data, subject, error.to_string(), remedy);
            return Found::Unusable;
        }
    };
    if !found.is_dir() {
        findings.failure(Area::Data, subject, "is no folder", "name a folder");
        return Found::Unusable;
    }
    open_to(path, found.permissions().mode() & 0o777, subject, findings);
    Found::There
}

fn open_to(folder: &Path, mode: u32, subject: String, findings: &mut Findings) {
    let remedy = format!("run `chmod o-rwx {}`", folder.display());
    if mode & 0o002 != 0 {
        let value = format!("mode {mode:04o}: everybody on this machine may change it");
        findings.failure(Area::Data, subject, value, remedy);
    } else if mode & 0o005 != 0 {
        let value = format!("mode {mode:04o}: everybody on this machine may read it");
        findings.warning(Area::Data, subject, value, remedy);
    } else {
        findings.ok(Area::Data, subject, format!("mode {mode:04o}"));
    }
}

fn journal(data: &Path, findings: &mut Findings) -> Option<Position> {
    let subject = "journal".to_owned();
    if let Err(error) = refuse_incomplete(data) {
        let remedy = "put a whole backup in its place, or name another hub.data_dir";
        findings.failure(Area::Data, subject, error.to_string(), remedy);
        return None;
    }
    let directory = data.join("journal");
    if !directory.exists() {
        findings.ok(Area::Data, subject, NOT_THERE_YET);
        return None;
    }
    let position = Reader::open(&directory)
        .map_err(|error| error.to_string())
        .and_then(|reader| reader.position().map_err(|error| error.to_string()));
    match position {
        Ok(Position { sequence, at }) if sequence > Sequence::new(0) => {
            let value = format!("opens; its last entry is {sequence}, of {at}");
            findings.ok(Area::Data, subject, value);
            Some(Position { sequence, at })
        }
        Ok(_) => {
            findings.ok(Area::Data, subject, "opens, and has no entry yet");
            None
        }
        Err(error) => {
            let remedy = format!(
                "see what is lost with `ndxp journal inspect {}`, and restore a backup",
                directory.display()
            );
            findings.failure(Area::Data, subject, error, remedy);
            None
        }
    }
}
