//! The data directory that is written: made if need be, and never one that holds something.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// An empty directory.
#[derive(Clone, Debug)]
pub struct Target(PathBuf);

impl Target {
    /// The directory, if it is empty or can be made.
    pub fn claim(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let failed = |error: std::io::Error| {
            Failure::usage(format_args!("--out {shown}: {error}"))
                .remedy("name a folder that can be made, or an empty one")
        };
        let mut entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(failed)?;
                return Ok(Self(path.to_owned()));
            }
            Err(error) => return Err(failed(error)),
        };
        match entries.next() {
            None => Ok(Self(path.to_owned())),
            Some(_) => Err(Failure::usage(format_args!("--out {shown} is not empty"))
                .remedy("name a new folder: what is there is not written over")),
        }
    }

    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// Bytes of the journal's segments. The file that stands ready for the next one holds nothing.
    pub fn segment_bytes(&self) -> u64 {
        let Ok(entries) = fs::read_dir(self.journal()) else {
            return 0;
        };
        let is_segment = |entry: &fs::DirEntry| {
            let extension = entry.path().extension().map(ToOwned::to_owned);
            extension.is_some_and(|it| it == "segment")
        };
        let segments = entries.flatten().filter(is_segment);
        segments
            .flat_map(|it| it.metadata())
            .map(|it| it.len())
            .sum()
    }

    pub fn counters(&self) -> PathBuf {
        self.0.join("counters")
    }
}

/// Bytes of all files below a folder; those that vanish meanwhile are not counted.
pub fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_or_must_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("a/b");
        assert!(Target::claim(&wanted).is_ok(), "made");
        assert!(Target::claim(&wanted).is_ok(), "empty");
        fs::write(wanted.join("file"), "12345").unwrap();
        let refused = Target::claim(&wanted).unwrap_err();
        assert!(refused.what.ends_with("is not empty"), "{refused}");
        assert!(Target::claim(&wanted.join("file")).is_err(), "no folder");
        assert_eq!(bytes_below(folder.path()), 5);
    }
}
