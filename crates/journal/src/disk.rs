//! What the journal asks of a disk, as one small trait, so that a test can make each call fail
//! in turn; and the real disk.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::Path;
use std::sync::Arc;

/// A file system.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes the directory and its parents, durably; one that is there already is fine.
    fn create_directory(&self, directory: &Path) -> io::Result<()>;
    /// Locks the file, made if need be, against every other holder until the value is dropped.
    /// `WouldBlock` when somebody else holds it.
    fn lock(&self, file: &Path) -> io::Result<Box<dyn DiskLock>>;
    /// Names of the files in the directory, in any order.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// An empty file to read and write, whatever stood there before.
    fn create(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// A file that is there, to read only.
    fn open(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// A file that is there, to read and write.
    fn open_to_write(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Durable after [`Disk::sync_directory`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Durable after [`Disk::sync_directory`].
    fn remove(&self, file: &Path) -> io::Result<()>;
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    fn bytes(&self) -> io::Result<u64>;
    /// Fills as much of the buffer as the file holds behind the offset; says how much.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of it, or fails having written any part but the whole.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file, or extends it with zeros. Durable after [`DiskFile::sync_data`].
    fn set_bytes(&self, bytes: u64) -> io::Result<()>;
    /// Contents and length are durable after this.
    fn sync_data(&self) -> io::Result<()>;
}

/// Holds a lock while it lives.
pub trait DiskLock: fmt::Debug + Send + Sync {}

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileDisk;

#[derive(Debug)]
struct LockedFile {
    _held: File,
}

impl DiskLock for LockedFile {}

impl Disk for FileDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        if directory.is_dir() {
            return Ok(());
        }
        // Nobody else's business: the journal says who asked for what.
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
        directory.canonicalize()?.parent().map_or(Ok(()), sync)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut options = File::options();
        let held = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(file)?;
        match held.try_lock() {
            Ok(()) => Ok(Box::new(LockedFile { _held: held })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is not one of the journal's.
        fs::read_dir(directory)?
            .map(|entry| entry.map(|entry| entry.file_name().into_string().ok()))
            .filter_map(Result::transpose)
            .collect()
    }

    fn create(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true);
        Ok(Arc::new(options.open(file)?))
    }

    fn open(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::open(file)?))
    }

    fn open_to_write(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::options().read(true).write(true).open(file)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        sync(directory)
    }
}

impl DiskFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match std::os::unix::fs::FileExt::read_at(self, rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
