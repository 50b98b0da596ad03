//! A disk in memory that keeps what was synced apart from what was not, so that a test can cut
//! the power, fail any call in turn, fill up, and hold the writer back. Only for tests: it panics
//! where they are wrong.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by stopping there"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use ndxp_journal::{Disk, DiskFile, DiskLock};

pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;

#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Shared>);

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Number of the first call that fails, counted from the disk's beginning.
    pub first: u64,
    pub calls: u64,
    pub errno: i32,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Contents>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    name_changes: Vec<NameChange>,
    locked: BTreeSet<PathBuf>,
    calls: u64,
    fault: Option<Fault>,
    /// Writes wait while this is set.
    held: bool,
    writes_waiting: usize,
    bytes_read: u64,
    /// Calls that only read neither count nor fail: others than the one under test make them.
    reads_spared: bool,
    /// Whatever takes room fails.
    full: bool,
    /// The next sync fails so.
    sync_fault: Option<i32>,
}

/// What a call is to the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Call {
    Reads,
    /// May need a block that is not there.
    TakesRoom,
    Syncs,
    Other,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Clone, Debug)]
struct SimFile {
    disk: SimDisk,
    number: usize,
}

#[derive(Debug)]
struct SimLock(SimDisk, PathBuf);

impl SimDisk {
    /// Calls that could have failed so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    pub fn bytes_read(&self) -> u64 {
        self.lock().bytes_read
    }

    pub fn set_fault(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    /// From the call after so many more on, every one fails.
    pub fn die_after(&self, calls: u64) {
        let mut state = self.lock();
        state.fault = Some(Fault {
            first: state.calls + calls,
            calls: u64::MAX,
            errno: EIO,
        });
    }

    /// From now on calls that only read neither count nor fail.
    pub fn spare_reads(&self) {
        self.lock().reads_spared = true;
    }

    /// While it is full, whatever takes room fails with `ENOSPC`; syncs and reads do not.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// The next sync of a file or directory fails, and what it was to make durable is lost to
    /// every later one.
    pub fn fail_next_sync(&self, errno: i32) {
        self.lock().sync_fault = Some(errno);
    }

    /// Holds writes back, and waits until one is held.
    pub fn hold_writes(&self) {
        self.lock().held = true;
    }

    pub fn wait_for_held_write(&self) {
        let state = self.lock();
        let waiting = self.0.released.wait_while(state, |s| s.writes_waiting == 0);
        drop(waiting.unwrap());
    }

    pub fn release_writes(&self) {
        self.lock().held = false;
        self.0.released.notify_all();
    }

    /// The disk after a power cut: what was synced, and any part of what was not.
    pub fn crashed(&self, random: &mut fastrand::Rng) -> Self {
        let state = self.lock();
        let mut names = state.durable_names.clone();
        let survived = random.usize(..=state.name_changes.len());
        for change in &state.name_changes[..survived] {
            change.apply(&mut names);
        }
        let files = state.files.iter().map(|file| file.crashed(random));
        Self::with(files.collect(), names)
    }

    /// The disk as a killed process leaves it: the system still has all that was written.
    pub fn killed(&self) -> Self {
        let state = self.lock();
        Self::with(state.files.clone(), state.names.clone())
    }

    pub fn files(&self) -> Vec<PathBuf> {
        self.lock().names.keys().cloned().collect()
    }

    pub fn read(&self, file: &Path) -> Vec<u8> {
        let state = self.lock();
        state.files[state.names[file]].now.clone()
    }

    /// Changes a file behind the journal's back.
    pub fn corrupt(&self, file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        let number = state.names[file];
        let contents = &mut state.files[number];
        change(&mut contents.now);
        contents.durable = contents.now.clone();
    }

    pub fn forget(&self, file: &Path) {
        let mut state = self.lock();
        state.names.remove(file);
        state.durable_names.remove(file);
    }

    fn with(files: Vec<Contents>, names: BTreeMap<PathBuf, usize>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                files,
                durable_names: names.clone(),
                names,
                ..State::default()
            }),
            released: Condvar::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Counts a call, and fails it if it is its turn.
    fn call(&self, call: Call) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if call == Call::Reads && state.reads_spared {
            return Ok(state);
        }
        if call == Call::TakesRoom && state.full {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        if call == Call::Syncs
            && let Some(errno) = state.sync_fault.take()
        {
            return Err(io::Error::from_raw_os_error(errno));
        }
        let number = state.calls;
        state.calls += 1;
        match state.fault {
            Some(fault) if number >= fault.first && number - fault.first < fault.calls => {
                Err(io::Error::from_raw_os_error(fault.errno))
            }
            _ => Ok(state),
        }
    }

    fn file(&self, number: usize) -> Arc<dyn DiskFile> {
        Arc::new(SimFile {
            disk: self.clone(),
            number,
        })
    }
}

impl Contents {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    fn crashed(&self, random: &mut fastrand::Rng) -> Self {
        let mut survived = self.durable.clone();
        for change in &self.unsynced {
            match change {
                Change::Length(_) if random.bool() => change.apply(&mut survived),
                Change::Length(_) => {}
                Change::Write(offset, bytes) => {
                    let piece = [1, 64, 512, 4096, usize::MAX][random.usize(..5)];
                    let odds = random.u8(..=2);
                    for (index, part) in bytes.chunks(piece.min(bytes.len().max(1))).enumerate() {
                        if random.u8(..2) < odds {
                            let place = offset + index * piece;
                            Change::Write(place, part.to_vec()).apply(&mut survived);
                        }
                    }
                }
            }
        }
        Self {
            now: survived.clone(),
            durable: survived,
            unsynced: Vec::new(),
        }
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Self::Length(bytes) => contents.resize(*bytes, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if contents.len() < end {
                    contents.resize(end, 0);
                }
                contents[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Create(name, number) => names.insert(name.clone(), *number),
            Self::Rename(from, to) => names
                .remove(from)
                .and_then(|number| names.insert(to.clone(), number)),
            Self::Remove(name) => names.remove(name),
        };
    }
}

impl State {
    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl Disk for SimDisk {
    fn create_directory(&self, _directory: &Path) -> io::Result<()> {
        self.call(Call::Other).map(drop)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.call(Call::Other)?;
        if state.locked.insert(file.to_owned()) {
            Ok(Box::new(SimLock(self.clone(), file.to_owned())))
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.call(Call::Reads)?;
        let names = state
            .names
            .keys()
            .filter(|name| name.parent() == Some(directory));
        Ok(names
            .map(|name| name.file_name().unwrap().to_str().unwrap().to_owned())
            .collect())
    }

    fn create(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.call(Call::TakesRoom)?;
        let number = state.files.len();
        state.files.push(Contents::default());
        state.change_name(NameChange::Create(file.to_owned(), number));
        drop(state);
        Ok(self.file(number))
    }

    fn open(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.call(Call::Reads)?;
        let number = state.names.get(file).copied();
        drop(state);
        let number = number.ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(number))
    }

    fn open_to_write(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.call(Call::TakesRoom)?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        self.call(Call::Other)?
            .change_name(NameChange::Remove(file.to_owned()));
        Ok(())
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        let mut state = self.call(Call::Syncs)?;
        state.durable_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.call(Call::Reads)?.files[self.number].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.call(Call::Reads)?;
        let contents = &state.files[self.number].now;
        let behind = contents.get(usize::try_from(offset).unwrap()..);
        let behind = behind.unwrap_or_default();
        let filled = behind.len().min(buffer.len());
        buffer[..filled].copy_from_slice(&behind[..filled]);
        state.bytes_read += filled as u64;
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.writes_waiting += 1;
        self.disk.0.released.notify_all();
        let mut state = self.disk.0.released.wait_while(state, |s| s.held).unwrap();
        state.writes_waiting -= 1;
        drop(state);

        let offset = usize::try_from(offset).unwrap();
        match self.disk.call(Call::TakesRoom) {
            Ok(mut state) => {
                let change = Change::Write(offset, bytes.to_vec());
                state.files[self.number].change(change);
                Ok(())
            }
            Err(error) => {
                // All but the last byte went down before it failed: the worst that may be.
                let part = bytes[..bytes.len() - 1].to_vec();
                let change = Change::Write(offset, part);
                self.disk.lock().files[self.number].change(change);
                Err(error)
            }
        }
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        let change = Change::Length(usize::try_from(bytes).unwrap());
        self.disk.call(Call::TakesRoom)?.files[self.number].change(change);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.disk.call(Call::Syncs) {
            Ok(mut state) => {
                state.files[self.number].sync();
                Ok(())
            }
            Err(error) => {
                // What a failed sync left behind, a later one reports as clean.
                self.disk.lock().files[self.number].unsynced.clear();
                Err(error)
            }
        }
    }
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.lock().locked.remove(&self.1);
    }
}
