//! Makes a directory as it was found ready to be written: what an earlier run may have left to
//! the system's cache is finished. A sync that failed there is not made good by a later one:
//! what it left behind has to be written again.

use std::path::Path;
use std::sync::Arc;

use crate::directory::{self, Found};
use crate::disk::Disk;
use crate::error::DiskError;
use crate::tail::Active;

/// All that was found is durable when this returns; the active segment takes the next frame.
pub(crate) fn recover(
    disk: &dyn Disk,
    directory: &Path,
    found: &Found,
) -> Result<Option<Active>, DiskError> {
    for (file, bytes) in &found.uncut {
        let open = disk.open_to_write(file);
        let open = open.map_err(DiskError::at("open", file))?;
        open.set_bytes(*bytes).map_err(DiskError::at("cut", file))?;
        open.sync_data().map_err(DiskError::at("sync", file))?;
    }
    let active = found.active.as_ref();
    let active = active.map(|active| go_on(disk, active)).transpose()?;
    disk.sync_directory(directory)
        .map_err(DiskError::at("sync", directory))?;
    Ok(active)
}

/// Makes an active segment ready to go on: nothing behind its frames, the whole length, and all
/// of it durable. Only of the last batch no later one says that it is.
fn go_on(disk: &dyn Disk, found: &directory::Active) -> Result<Active, DiskError> {
    let segment = &found.scan.segment;
    let file = Arc::clone(&segment.file);
    let open = disk
        .open_to_write(&file)
        .map_err(DiskError::at("open", &file))?;
    let from = found.scan.last_batch;
    let bytes = |count: u64| vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
    let mut batch = bytes(segment.end - from);
    let read = open
        .read_at(&mut batch, from)
        .map_err(DiskError::at("read", &file))?;
    batch.truncate(read);
    batch.append(&mut bytes(found.scan.torn_bytes));
    if !batch.is_empty() {
        open.write_at(&batch, from)
            .map_err(DiskError::at("settle", &file))?;
    }
    if found.bytes != found.capacity {
        open.set_bytes(found.capacity)
            .map_err(DiskError::at("lengthen", &file))?;
    }
    open.sync_data().map_err(DiskError::at("sync", &file))?;
    Ok(Active {
        open,
        file,
        capacity: found.capacity,
        frames: segment.frames,
        end: segment.end,
    })
}
