//! Old sealed segments can lie in another directory, on a larger and slower disk, and stay part of
//! the journal: whoever reads the journal's directory finds them by a file in it, and rebuilds,
//! verifies and copies from both places. Nothing is ever dropped.

use std::io;
use std::path::{Path, PathBuf};

use ndxp_model::{Instant, Sequence};

use crate::copy::{CopyError, copy_segment};
use crate::directory::{ARCHIVE, segment_name};
use crate::disk::{Disk, DiskFile};
use crate::error::DiskError;
use crate::segments::Segments;

/// A path of Linux.
const PATH_BYTES_MAX: usize = 4_096;

/// Behind the name of a segment that is being copied.
const PARTIAL: &str = ".partial";

/// Why segments were not archived. Whatever was not, lies where it lay.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(
        "{} says that segments are archived in {}, and not in {}; move them to the new \
         directory and remove that file, or name the old one",
        file.display(),
        found.display(),
        given.display()
    )]
    Another {
        file: PathBuf,
        found: PathBuf,
        given: PathBuf,
    },
    #[error("{} is no absolute path in UTF-8 of at most 4,096 bytes", given.display())]
    NotAPath { given: PathBuf },
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Makes `archive` the place of archived segments of the journal in `directory`, for ever: every
/// reader looks there from now on. Says so again without effect.
///
/// # Errors
/// When another place is in use, or the disk fails.
pub fn set_archive(disk: &dyn Disk, directory: &Path, archive: &Path) -> Result<(), ArchiveError> {
    let given = || archive.to_owned();
    let text = archive.to_str().filter(|_| archive.is_absolute());
    let text = text.filter(|text| text.len() < PATH_BYTES_MAX);
    let Some(text) = text else {
        return Err(ArchiveError::NotAPath { given: given() });
    };
    for made in [directory, archive] {
        disk.create_directory(made)
            .map_err(DiskError::at("create", made))?;
    }
    let file = directory.join(ARCHIVE);
    match archive_of(disk, directory)? {
        Some(found) if found == archive => return Ok(()),
        Some(found) => {
            return Err(ArchiveError::Another {
                file,
                found,
                given: given(),
            });
        }
        None => {}
    }
    let beside = directory.join(format!("{ARCHIVE}{PARTIAL}"));
    let made = disk
        .create(&beside)
        .map_err(DiskError::at("create", &beside))?;
    made.write_at(text.as_bytes(), 0)
        .map_err(DiskError::at("write", &beside))?;
    made.sync_data().map_err(DiskError::at("sync", &beside))?;
    disk.rename(&beside, &file)
        .map_err(DiskError::at("rename", &beside))?;
    disk.sync_directory(directory)
        .map_err(DiskError::at("sync", directory))?;
    Ok(())
}

/// Where archived segments of the journal in `directory` lie, if there are any.
///
/// # Errors
/// When the file that says so cannot be read, or names no place.
pub fn archive_of(disk: &dyn Disk, directory: &Path) -> Result<Option<PathBuf>, DiskError> {
    let file = directory.join(ARCHIVE);
    let open = match disk.open(&file) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DiskError::at("open", &file)(error)),
    };
    let mut bytes = vec![0; PATH_BYTES_MAX];
    let filled = open
        .read_at(&mut bytes, 0)
        .map_err(DiskError::at("read", &file))?;
    bytes.truncate(filled);
    let path = String::from_utf8(bytes).ok().map(PathBuf::from);
    match path.filter(|path| path.is_absolute()) {
        Some(path) => Ok(Some(path)),
        None => Err(DiskError::at("take a path from", &file)(
            io::ErrorKind::InvalidData.into(),
        )),
    }
}

/// Opens a segment where it was last seen, or in the archive, should it have been moved since.
pub(crate) fn open_wherever(
    disk: &dyn Disk,
    file: &Path,
    archive: Option<&Path>,
) -> io::Result<std::sync::Arc<dyn DiskFile>> {
    match (disk.open(file), archive, file.file_name()) {
        (Err(error), Some(archive), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            disk.open(&archive.join(name))
        }
        (open, ..) => open,
    }
}

/// Moves sealed segments of which every entry is older than `before`, the oldest first, and never
/// the last one: copied, synced, read back, and only then removed. A crash in between leaves both,
/// which are the same. Says which ones by their first sequences.
pub(crate) fn move_older(
    disk: &dyn Disk,
    seed: u32,
    segments: &Segments,
    directory: &Path,
    archive: &Path,
    before: Instant,
) -> Result<Vec<Sequence>, ArchiveError> {
    let mut moved = Vec::new();
    for segment in segments.older_than(before, directory) {
        let name = segment_name(segment.first);
        let (file, partial) = (archive.join(&name), archive.join(name + PARTIAL));
        copy_segment(disk, seed, &segment, None, &partial, &mut |_| {})?;
        disk.rename(&partial, &file)
            .map_err(DiskError::at("rename", &partial))?;
        disk.sync_directory(archive)
            .map_err(DiskError::at("sync", archive))?;
        segments.moved(segment.first, file.into());
        disk.remove(&segment.file)
            .map_err(DiskError::at("remove", &segment.file))?;
        disk.sync_directory(directory)
            .map_err(DiskError::at("sync", directory))?;
        moved.push(segment.first);
    }
    Ok(moved)
}
