//! The directory that the store lives in: who holds it, whether it was left in order, and where
//! a damaged one goes.
//!
//! ```text
//! counters.lock          locked by the process that holds the counters
//! counters/store/        sled's own files
//! counters/past/         what rests, see `past.rs`
//! counters/round         the last round, see `round.rs`
//! counters/sealed        only after a clean stop: the watermark, and of each of these files its
//!                        length, time of change and path. Removed before the store is opened
//! counters.damaged-<n>/  a whole `counters/` that was set aside
//! ```

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ndxp_model::Sequence;

/// Directories that were set aside are kept for whoever looks into the damage, but not so many
/// that they fill the disk: the oldest goes.
const SET_ASIDE_MAX: usize = 3;
/// The first line of a seal, up to the watermark.
const SEAL_HEAD: &str = "ndxp-counters seal 1, watermark ";

/// How a store was left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seal {
    /// Stopped cleanly at the watermark, and nobody has touched it since.
    Holds { watermark: Sequence },
    /// Stopped cleanly at the watermark, and copied or touched since.
    Touched { watermark: Sequence },
    /// Stopped cleanly, and no longer what it was then.
    Harmed {
        file: String,
        expected_bytes: u64,
        found_bytes: Option<u64>,
    },
    /// Not stopped cleanly, or never there.
    Absent,
}

/// The claimed directory. The claim ends when this is dropped.
#[derive(Debug)]
pub struct Home {
    directory: PathBuf,
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("another process holds the counters in {}; stop the hub, or ask the running hub instead", directory.display())]
    InUse { directory: PathBuf },
    #[error("{} has no name of its own; name a directory such as data/counters", directory.display())]
    Nameless { directory: PathBuf },
}

impl Home {
    /// Makes the directory where there is none, and claims it for this process.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be made.
    pub fn claim(directory: &Path) -> Result<Self, HomeError> {
        fs::create_dir_all(directory).map_err(at("create", directory))?;
        let directory = directory.canonicalize().map_err(at("find", directory))?;
        let path = sibling(&directory, ".lock")?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(at("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                directory,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(HomeError::InUse { directory }),
            Err(TryLockError::Error(source)) => Err(HomeError::Io {
                action: "lock",
                path,
                source,
            }),
        }
    }

    /// Where all of it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where sled keeps its files.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// Where a round is written before sled takes it in.
    #[must_use]
    pub fn round(&self) -> PathBuf {
        self.directory.join("round")
    }

    /// Takes the seal away, and tells how the store was left.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn break_seal(&self) -> Result<Seal, HomeError> {
        let path = self.seal_path();
        let seal = match fs::read_to_string(&path) {
            Ok(seal) => seal,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seal::Absent),
            // A seal that is no text is as good as none.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(source) => {
                return Err(HomeError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        fs::remove_file(&path).map_err(at("remove", &path))?;
        sync(&self.directory)?;
        let sealed = seal
            .strip_prefix(SEAL_HEAD)
            .and_then(|rest| rest.split_once('\n'));
        let Some((Ok(watermark), files)) = sealed.map(|(head, files)| (head.parse(), files)) else {
            return Ok(Seal::Absent);
        };
        let watermark = Sequence::new(watermark);
        if files == self.listing()? {
            return Ok(Seal::Holds { watermark });
        }
        let harmed = files.lines().find_map(|line| self.harm(line));
        Ok(harmed.unwrap_or(Seal::Touched { watermark }))
    }

    /// Holds one line of the seal against the file that it tells of. A changed time alone may be
    /// a copy's; sealed files that are gone or of another length were not left so.
    fn harm(&self, line: &str) -> Option<Seal> {
        let mut fields = line.splitn(3, ' ');
        let expected_bytes: u64 = fields.next()?.parse().ok()?;
        let file = fields.nth(1)?;
        let metadata = fs::metadata(self.directory.join(file)).ok();
        let found_bytes = metadata
            .filter(fs::Metadata::is_file)
            .map(|found| found.len());
        (found_bytes != Some(expected_bytes)).then(|| Seal::Harmed {
            file: file.to_owned(),
            expected_bytes,
            found_bytes,
        })
    }

    /// Seals a store that nobody has open any more.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn seal(&self, watermark: Sequence) -> Result<(), HomeError> {
        self.sync_store()?;
        let path = self.seal_path();
        let seal = format!("{SEAL_HEAD}{watermark}\n{}", self.listing()?);
        fs::write(&path, seal).map_err(at("write", &path))?;
        sync(&path)?;
        sync(&self.directory)
    }

    /// Makes what sled has written durable, which its own flush does not do.
    ///
    /// # Errors
    /// When a file cannot be synced.
    pub fn sync_store(&self) -> Result<(), HomeError> {
        for path in files(self.store())? {
            match sync(&path) {
                // sled removes files that it needs no more at any time.
                Err(HomeError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Moves the whole directory out of the way and makes an empty one.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn set_aside(&self) -> Result<PathBuf, HomeError> {
        let mut taken = self.set_aside_before()?;
        let number = taken
            .last()
            .map_or(1, |(number, _)| number.saturating_add(1));
        let aside = sibling(&self.directory, &format!(".damaged-{number}"))?;
        fs::rename(&self.directory, &aside).map_err(at("set aside", &self.directory))?;
        fs::create_dir(&self.directory).map_err(at("create", &self.directory))?;
        taken.push((number, aside.clone()));
        let surplus = taken.len().saturating_sub(SET_ASIDE_MAX);
        for (_, path) in taken.into_iter().take(surplus) {
            fs::remove_dir_all(&path).map_err(at("remove", &path))?;
        }
        if let Some(parent) = self.directory.parent() {
            sync(parent)?;
        }
        Ok(aside)
    }

    fn seal_path(&self) -> PathBuf {
        self.directory.join("sealed")
    }

    /// What was set aside earlier, by number.
    fn set_aside_before(&self) -> Result<Vec<(u32, PathBuf)>, HomeError> {
        let prefix = sibling(&self.directory, ".damaged-")?;
        let Some(parent) = self.directory.parent() else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(parent).map_err(at("list", parent))? {
            let path = entry.map_err(at("list", parent))?.path();
            let number = path
                .to_string_lossy()
                .strip_prefix(&*prefix.to_string_lossy())
                .and_then(|number| number.parse().ok());
            found.extend(number.map(|number| (number, path)));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn listing(&self) -> Result<String, HomeError> {
        let mut listing = String::new();
        for path in files(self.directory.clone())? {
            let Ok(metadata) = fs::metadata(&path) else {
                // Listed as what it is: gone. No seal was ever written over such a line.
                let _ = writeln!(listing, "gone {}", path.display());
                continue;
            };
            if metadata.is_dir() || path == self.seal_path() {
                continue;
            }
            let changed = metadata.modified().map_err(at("examine", &path))?;
            let changed = changed
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_nanos();
            let shown = path
                .strip_prefix(&self.directory)
                .unwrap_or(&path)
                .display();
            writeln!(listing, "{} {changed} {shown}", metadata.len()).expect("a string grows");
        }
        Ok(listing)
    }
}

/// A directory's files and directories, sorted.
fn files(directory: PathBuf) -> Result<Vec<PathBuf>, HomeError> {
    let mut pending = vec![directory];
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(at("list", &path))? {
                pending.push(entry.map_err(at("list", &path))?.path());
            }
        }
        found.push(path);
    }
    found.sort_unstable();
    Ok(found)
}

fn sync(path: &Path) -> Result<(), HomeError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(at("sync", path))
}

/// `…/counters` with something behind its name.
fn sibling(directory: &Path, suffix: &str) -> Result<PathBuf, HomeError> {
    let mut name = directory
        .file_name()
        .ok_or_else(|| HomeError::Nameless {
            directory: directory.to_owned(),
        })?
        .to_owned();
    name.push(suffix);
    Ok(directory.with_file_name(name))
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    move |source| HomeError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to the store's log.
    type Change = fn(&Path);

    fn home(parent: &Path) -> Home {
        let home = Home::claim(&parent.join("counters")).unwrap();
        fs::create_dir_all(home.store().join("blobs")).unwrap();
        fs::write(home.store().join("db"), "one").unwrap();
        home
    }

    #[test]
    fn one_process_holds_the_counters() {
        let parent = tempfile::tempdir().unwrap();
        let first = home(parent.path());
        let second = Home::claim(&parent.path().join("counters"));
        assert!(matches!(second, Err(HomeError::InUse { .. })), "{second:?}");
        drop(first);
        assert!(Home::claim(&parent.path().join("counters")).is_ok());
    }

    #[test]
    fn a_seal_tells_how_the_store_was_left() {
        let parent = tempfile::tempdir().unwrap();
        let home = home(parent.path());
        let db = home.store().join("db");
        let watermark = Sequence::new(7);
        assert_eq!(home.break_seal().unwrap(), Seal::Absent, "never sealed");
        home.seal(watermark).unwrap();
        assert_eq!(home.break_seal().unwrap(), Seal::Holds { watermark });
        assert_eq!(home.break_seal().unwrap(), Seal::Absent, "broken before");
        let touched = || Seal::Touched { watermark };
        let harmed = |found_bytes| Seal::Harmed {
            file: "store/db".to_owned(),
            expected_bytes: 3,
            found_bytes,
        };
        let rows: [(Change, Seal); 6] = [
            (|db| fs::write(db, "two").unwrap(), touched()),
            (
                |db| fs::write(db.with_file_name("snap"), "").unwrap(),
                touched(),
            ),
            (|db| fs::write(db, "three").unwrap(), harmed(Some(5))),
            (|db| fs::remove_file(db).unwrap(), harmed(None)),
            (
                |db| fs::write(db.with_file_name("../sealed"), [0xff]).unwrap(),
                Seal::Absent,
            ),
            (
                |db| fs::write(db.with_file_name("../sealed"), "seal 2").unwrap(),
                Seal::Absent,
            ),
        ];
        for (change, expected) in rows {
            fs::write(&db, "one").unwrap();
            home.seal(watermark).unwrap();
            change(&db);
            assert_eq!(home.break_seal().unwrap(), expected);
        }
    }

    #[test]
    fn what_is_set_aside_is_numbered_and_the_newest_three_are_kept() {
        let parent = tempfile::tempdir().unwrap();
        let home = home(parent.path());
        for number in 1..=5 {
            fs::create_dir_all(home.store()).unwrap();
            let aside = home.set_aside().unwrap();
            assert!(aside.ends_with(format!("counters.damaged-{number}")));
            assert!(aside.join("store").is_dir() && !home.store().exists());
        }
        let mut left: Vec<_> = fs::read_dir(parent.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort_unstable();
        let expected = ["damaged-3", "damaged-4", "damaged-5", "lock"];
        let expected = expected.map(|suffix| format!("counters.{suffix}"));
        assert_eq!(left, [&["counters".to_owned()][..], &expected].concat());
    }
}
