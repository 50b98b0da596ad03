//! Private keys on disk: made with nobody else able to read them, never written over, and
//! refused where somebody else could have read them.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A file of keys or certificates that cannot be used as it stands.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{}: cannot be read: {source}; check the path and who may read it", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{}: is there already and is not written over; move it away first, or choose another \
         folder",
        path.display()
    )]
    AlreadyThere { path: PathBuf },
    #[error(
        "{}: others than its owner may read this private key (mode {mode:04o}); \
         run `chmod 600 {}`, and replace the key if others had access",
        path.display(),
        path.display()
    )]
    ReadableByOthers { path: PathBuf, mode: u32 },
}

/// Reads a file that anybody may see.
///
/// # Errors
/// When the file cannot be read as text.
pub fn read_public(path: &Path) -> Result<String, FileError> {
    std::fs::read_to_string(path).map_err(|source| FileError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Reads a private key. The permissions are those of the opened file, so that nothing can be
/// exchanged between the look and the reading.
///
/// # Errors
/// When the file cannot be read, or group or world have any permission on it.
pub fn read_private(path: &Path) -> Result<String, FileError> {
    let unreadable = |source| FileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileError::ReadableByOthers {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Writes a folder of new files, each with its mode; nothing is written when one is there.
///
/// # Errors
/// When a file is there already, or cannot be written.
pub(crate) fn create_all(folder: &Path, files: &[(&str, u32, &str)]) -> Result<(), FileError> {
    std::fs::create_dir_all(folder).map_err(|source| FileError::Unwritable {
        path: folder.to_owned(),
        source,
    })?;
    for (name, ..) in files {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(FileError::AlreadyThere { path });
        }
    }
    for (name, mode, text) in files {
        create(&folder.join(name), *mode, text)?;
    }
    Ok(())
}

/// Writes files in place of older ones: each beside its place first, and moved there whole.
///
/// # Errors
/// When one of them cannot be written.
pub(crate) fn replace_all(folder: &Path, files: &[(&str, u32, &str)]) -> Result<(), FileError> {
    for (name, mode, text) in files {
        let path = folder.join(name);
        let beside = folder.join(format!(".{name}.new"));
        let refuse = |source| FileError::Unwritable {
            path: path.clone(),
            source,
        };
        // What an earlier run left half written.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(refuse(error));
            }
            _ => {}
        }
        create(&beside, *mode, text)?;
        std::fs::rename(&beside, &path).map_err(refuse)?;
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| FileError::Unwritable {
            path: folder.to_owned(),
            source,
        })
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), FileError> {
    let refuse = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => FileError::AlreadyThere {
            path: path.to_owned(),
        },
        _ => FileError::Unwritable {
            path: path.to_owned(),
            source,
        },
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(path).map_err(refuse)?;
    file.write_all(text.as_bytes()).map_err(refuse)?;
    file.sync_all().map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        create(&path, 0o600, "secret").unwrap();
        assert_eq!(read_private(&path).unwrap(), "secret");
        for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let text = read_private(&path).unwrap_err().to_string();
            assert!(
                text.contains(&format!("chmod 600 {}", path.display())),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_is_written_when_one_file_is_there() {
        let folder = tempfile::tempdir().unwrap();
        create(&folder.path().join("b"), 0o600, "old").unwrap();
        let files = [("a", 0o600, "new"), ("b", 0o600, "new")];
        let error = create_all(folder.path(), &files).unwrap_err();
        assert!(matches!(error, FileError::AlreadyThere { path } if path.ends_with("b")));
        assert!(!folder.path().join("a").exists());
        assert_eq!(read_public(&folder.path().join("b")).unwrap(), "old");
    }
}
