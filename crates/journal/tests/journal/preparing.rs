//! The next segment is filled as the present one fills, and not in one go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_journal::{Journal, Options};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{DIRECTORY, append_all, clock_at, segments};
use crate::sim_disk::SimDisk;

const PIECE_BYTES: usize = 1 << 18;
const SEGMENT_BYTES: usize = 16 * PIECE_BYTES;

fn entry() -> Body {
    Body::RegistryChanged(v1::RegistryChanged {
        note: "n".repeat(PIECE_BYTES / 8),
        ..v1::RegistryChanged::default()
    })
}

fn bytes(disk: &SimDisk, file: &Path) -> usize {
    match disk.files().iter().any(|it| it == file) {
        true => disk.read(file).len(),
        false => 0,
    }
}

/// Where the frames of the active segment end.
fn end(disk: &SimDisk, active: &Path) -> usize {
    let zeros = disk
        .read(active)
        .into_iter()
        .rev()
        .take_while(|it| *it == 0);
    SEGMENT_BYTES - zeros.count()
}

#[test]
fn the_next_segment_is_there_in_time_and_never_far_ahead() {
    let disk = SimDisk::default();
    let options = Options {
        directory: PathBuf::from(DIRECTORY),
        segment_bytes: SEGMENT_BYTES as u64,
    };
    let journal =
        Journal::open(options, Arc::new(disk.clone()), clock_at(1), Arc::new(())).unwrap();
    append_all(&journal, [entry()])[0].unwrap();
    let [active] = segments(&disk).try_into().unwrap();
    let next = ["next.preparing", "next.prepared"].map(|name| Path::new(DIRECTORY).join(name));
    let filled = || next.iter().map(|file| bytes(&disk, file)).max().unwrap();
    let (half, full_at) = (SEGMENT_BYTES / 2, SEGMENT_BYTES / 6 * 5);
    let mut written = end(&disk, &active);
    append_all(&journal, [entry()])[0].unwrap();
    // Each is as long as the other.
    let step = end(&disk, &active) - written;
    written += step;
    while written < full_at {
        let ahead = filled();
        let due = written.checked_sub(half).map_or(0, |it| 3 * it);
        let first = if written < half { 0 } else { PIECE_BYTES };
        assert!(ahead <= due + first, "{ahead} at {written}");
        while filled() < due / PIECE_BYTES * PIECE_BYTES {
            std::thread::yield_now();
        }
        append_all(&journal, [entry()])[0].unwrap();
        written += step;
    }
    assert_eq!(end(&disk, &active), written);
    while bytes(&disk, &next[1]) < SEGMENT_BYTES {
        std::thread::yield_now();
    }
    assert_eq!(segments(&disk), [active]);
}
