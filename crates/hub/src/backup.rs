//! Backups of a data directory: the journal and the salt key, copied while the hub serves and
//! without asking it. Everything else in the directory is a projection and is made again.
//!
//! | in a backup | what |
//! |---|---|
//! | `backup.json` | what was copied, with the digest of each file |
//! | `journal/` | its segments, sealed to the last |
//! | `salt.key` | the key of digest salts, if there is one |
//!
//! Until everything is on the disk, the journal's folder is called `journal.incomplete`; a
//! directory that holds such a folder is refused by whoever opens it. So nothing but a whole backup
//! can be served, verified, or taken for one.

mod manifest;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use ndxp_journal::{CopyError, FileDisk, OpenError, ReadError, Reader};
use ndxp_model::Instant;
use ring::digest;

use crate::salt_file;
use crate::secret::{self, FileError};

pub use manifest::{BackupFile, Manifest, ManifestError};
use manifest::{MANIFEST, SEGMENTS};

/// The journal's folder in a backup that is not finished.
const INCOMPLETE: &str = "journal.incomplete";

/// Nobody else's business: the journal says who asked for what.
const FOLDER_MODE: u32 = 0o700;

/// One read of a file that is digested.
const PIECE_BYTES: usize = 1 << 20;

/// Why there is no backup, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(
        "{} is not empty; name a folder that is empty or is not there yet",
        folder.display()
    )]
    NotEmpty { folder: PathBuf },
    #[error(
        "{} holds no journal to back up; name the folder that hub.data_dir names",
        folder.display()
    )]
    NoJournal { folder: PathBuf },
    #[error(
        "{} is an incomplete backup: it was broken off; remove it, and use or take another one",
        folder.display()
    )]
    Incomplete { folder: PathBuf },
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: io::Error,
    },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("journal: {0}")]
    Open(#[from] OpenError),
    #[error("journal: {0}")]
    Read(#[from] ReadError),
}

/// Something of a backup that is not what its manifest says.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Difference {
    #[error("{path}: is missing")]
    Missing { path: String },
    #[error("{path}: has {found} bytes instead of {expected}")]
    Length {
        path: String,
        expected: u64,
        found: u64,
    },
    #[error(
        "{path}: its bytes are not those that were copied (SHA-256 {found} instead of {expected})"
    )]
    Digest {
        path: String,
        expected: String,
        found: String,
    },
    #[error("the journal ends at sequence {found} instead of {expected}")]
    Sequence { expected: u64, found: u64 },
}

/// Refuses a directory that is a backup which was broken off.
///
/// # Errors
/// When it is one.
pub fn refuse_incomplete(data: &Path) -> Result<(), BackupError> {
    match data.join(INCOMPLETE).symlink_metadata() {
        Ok(_) => Err(BackupError::Incomplete {
            folder: data.to_owned(),
        }),
        Err(_) => Ok(()),
    }
}

/// Copies a data directory into a new or empty folder. A hub may be at work in it.
///
/// # Errors
/// When the folder is in use, or anything cannot be read whole or written durably. What there is of
/// the backup is then refused as incomplete.
pub fn take(data: &Path, into: &Path, now: Instant) -> Result<Manifest, BackupError> {
    refuse_incomplete(data)?;
    let journal = data.join(SEGMENTS);
    if !journal.is_dir() {
        return Err(BackupError::NoJournal {
            folder: data.to_owned(),
        });
    }
    let incomplete = into.join(INCOMPLETE);
    make_folder(into)?;
    make(&incomplete)?;
    sync(into)?;

    let mut digests: Vec<(String, digest::Context)> = Vec::new();
    let copied = ndxp_journal::copy(&FileDisk, &journal, &incomplete, &mut |name, bytes| {
        if digests.last().is_none_or(|(last, _)| last != name) {
            digests.push((name.to_owned(), digest::Context::new(&digest::SHA256)));
        }
        if let Some((_, digest)) = digests.last_mut() {
            digest.update(bytes);
        }
    })?;
    let digests = digests.into_iter().map(|(_, digest)| digest.finish());
    let segments = copied.segments.iter().zip(digests);
    let mut files: Vec<_> = segments
        .map(|(segment, digest)| BackupFile::of_segment(segment, digest.as_ref()))
        .collect();
    files.extend(copy_salt_key(data, into)?);

    let manifest = Manifest::new(&copied, files, now);
    secret::create_all(into, &[(MANIFEST, 0o600, &manifest.to_json())])?;
    sync(into)?;
    let finished = into.join(SEGMENTS);
    fs::rename(&incomplete, &finished).map_err(failed(&finished, "be put in its place"))?;
    sync(into)?;
    Ok(manifest)
}

/// Compares a backup, or the data directory that was restored from it, with its manifest: every
/// byte of every file that was copied, and how far the journal goes.
///
/// # Errors
/// When it is incomplete, or its manifest or journal cannot be read at all.
pub fn check(folder: &Path) -> Result<(Manifest, Vec<Difference>), BackupError> {
    refuse_incomplete(folder)?;
    let manifest = Manifest::read(folder)?;
    let mut differences = Vec::new();
    for file in &manifest.files {
        differences.extend(file.compare(folder)?);
    }
    // What was copied is there to the last byte; a journal that has gone on since may be longer.
    if differences.is_empty() {
        let reader = Reader::open(&folder.join(SEGMENTS))?;
        let (expected, found) = (manifest.last_sequence, reader.position()?.sequence.get());
        if found < expected {
            differences.push(Difference::Sequence { expected, found });
        }
    }
    Ok((manifest, differences))
}

/// The key is refused where others could read it, as at a start.
fn copy_salt_key(data: &Path, into: &Path) -> Result<Option<BackupFile>, BackupError> {
    let text = match secret::read_private(&data.join(salt_file::NAME)) {
        Ok(text) => text,
        Err(FileError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    secret::create_all(into, &[(salt_file::NAME, 0o600, &text)])?;
    Ok(Some(BackupFile::of_bytes(salt_file::NAME, text.as_bytes())))
}

fn make_folder(folder: &Path) -> Result<(), BackupError> {
    match fs::read_dir(folder) {
        Ok(mut held) => match held.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::NotEmpty {
                folder: folder.to_owned(),
            }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder),
        Err(error) => Err(failed(folder, "be looked into")(error)),
    }
}

fn make(folder: &Path) -> Result<(), BackupError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(FOLDER_MODE);
    builder.create(folder).map_err(failed(folder, "be made"))?;
    let beside = folder.canonicalize().map_err(failed(folder, "be found"))?;
    beside.parent().map_or(Ok(()), sync)
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed(folder, "be synced"))
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io {
        path,
        action,
        source,
    }
}

impl BackupFile {
    /// What of the file is not as it was copied; the first thing that is not.
    fn compare(&self, folder: &Path) -> Result<Option<Difference>, BackupError> {
        let path = folder.join(&self.path);
        let mut open = match File::open(&path) {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = self.path.clone();
                return Ok(Some(Difference::Missing { path }));
            }
            Err(error) => return Err(failed(&path, "be opened")(error)),
        };
        let mut digest = digest::Context::new(&digest::SHA256);
        let mut piece = vec![0; PIECE_BYTES];
        let mut bytes = 0;
        loop {
            let filled = open.read(&mut piece).map_err(failed(&path, "be read"))?;
            if filled == 0 {
                break;
            }
            digest.update(piece.get(..filled).unwrap_or_default());
            bytes += filled as u64;
        }
        let found = manifest::hex(digest.finish().as_ref());
        let path = self.path.clone();
        Ok(if bytes != self.bytes {
            let (expected, found) = (self.bytes, bytes);
            Some(Difference::Length {
                path,
                expected,
                found,
            })
        } else if found != self.sha256 {
            let expected = self.sha256.clone();
            Some(Difference::Digest {
                path,
                expected,
                found,
            })
        } else {
            None
        })
    }
}

#[cfg(test)]
mod tests;
