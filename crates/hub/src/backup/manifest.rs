//! `backup.json`: what a backup holds, for those who keep it and for `ndxp backup --check`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ndxp_journal::{Copied, CopiedSegment};
use ndxp_model::Instant;
use ring::digest;
use serde::{Deserialize, Serialize};

use crate::salt_file;

pub(super) const MANIFEST: &str = "backup.json";
/// The journal's folder, in a data directory and in a backup.
pub(super) const SEGMENTS: &str = "journal";

/// The form of this file that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// 200 bytes for each segment of 64 MiB: 5 TB of journal.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the program that took the backup.
    pub ndxp: String,
    pub taken_at: String,
    /// Absent when nothing had been written yet.
    pub journal: Option<String>,
    /// The journal's last entry in the backup.
    pub last_sequence: u64,
    pub last_committed_at: String,
    pub files: Vec<BackupFile>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BackupFile {
    /// Below the backup's folder.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sequence: Option<u64>,
}

/// Why a folder's manifest says nothing.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{}: cannot be read: {source}; name the folder of a backup", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: is no manifest of a backup: {problem}; use another backup", path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error(
        "{}: has format {found}, and this program reads format {FORMAT}; use the version of ndxp \
         that wrote it",
        path.display()
    )]
    UnknownFormat { path: PathBuf, found: u32 },
}

impl Manifest {
    pub(super) fn new(copied: &Copied, files: Vec<BackupFile>, now: Instant) -> Self {
        Self {
            format: FORMAT,
            ndxp: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: now.to_string(),
            journal: copied.journal.map(|journal| journal.to_string()),
            last_sequence: copied.position.sequence.get(),
            last_committed_at: copied.position.at.to_string(),
            files,
        }
    }

    /// Of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("numbers and texts are always JSON") + "\n"
    }

    pub(super) fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(MANIFEST);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| {
            let mut bounded = file.take(MANIFEST_BYTES_MAX);
            bounded.read_to_string(&mut text)
        });
        match read {
            Ok(_) => Self::parse(path, &text),
            Err(source) => Err(ManifestError::Unreadable { path, source }),
        }
    }

    /// The format is judged first: another one may have other fields. Files are looked for below
    /// the backup's folder and nowhere else, whatever the manifest says.
    pub(super) fn parse(path: PathBuf, text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let damaged = |problem: String| ManifestError::Damaged {
            path: path.clone(),
            problem,
        };
        let Form { format: found } =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if found != FORMAT {
            return Err(ManifestError::UnknownFormat { path, found });
        }
        let manifest: Self =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        match manifest.files.iter().find(|file| !file.is_a_backups()) {
            Some(strange) => Err(damaged(format!("it names {:?}", strange.path))),
            None => Ok(manifest),
        }
    }
}

impl BackupFile {
    pub(super) fn of_segment(segment: &CopiedSegment, sha256: &[u8]) -> Self {
        Self {
            path: format!("{SEGMENTS}/{}", segment.name),
            bytes: segment.bytes,
            sha256: hex(sha256),
            first_sequence: Some(segment.first.get()),
            last_sequence: Some(segment.last.get()),
        }
    }

    pub(super) fn of_bytes(path: &str, bytes: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            sha256: hex(digest::digest(&digest::SHA256, bytes).as_ref()),
            first_sequence: None,
            last_sequence: None,
        }
    }

    fn is_a_backups(&self) -> bool {
        let segment = self.path.strip_prefix(SEGMENTS);
        let name = segment.and_then(|rest| rest.strip_prefix('/')?.strip_suffix(".segment"));
        let digits = |name: &str| name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit());
        self.path == salt_file::NAME || name.is_some_and(digits)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
