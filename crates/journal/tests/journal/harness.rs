//! Opens journals, appends and waits, reads everything back: the words of the tests.

use std::path::Path;
use std::sync::Arc;

use ndxp_journal::{
    Append, AppendError, Committed, Disk, Journal, Lane, OpenError, Options, ReadError, Reader,
};
use ndxp_model::{Clock, Instant, ManualClock, Sequence};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::sim_disk::SimDisk;

pub const DIRECTORY: &str = "/journal";
/// The smallest: holds about sixty of the entries that [`body`] makes.
pub const SEGMENT_BYTES: u64 = 4096;
pub const ALL: Sequence = Sequence::new(u64::MAX);

/// A small entry that says its number.
pub fn body(number: u64) -> Body {
    Body::SystemConnected(v1::SystemConnected {
        system: format!("H26/system-{number:05}"),
    })
}

pub fn clock_at(micros: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Instant::from_micros(micros)))
}

pub fn open(disk: &SimDisk) -> Result<Journal, OpenError> {
    open_with(disk, clock_at(1_000_000))
}

pub fn open_with(disk: &SimDisk, clock: Arc<dyn Clock>) -> Result<Journal, OpenError> {
    open_on(Arc::new(disk.clone()), Path::new(DIRECTORY), clock)
}

pub fn open_on(
    disk: Arc<dyn Disk>,
    directory: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Journal, OpenError> {
    let options = Options {
        directory: directory.to_owned(),
        segment_bytes: SEGMENT_BYTES,
    };
    Journal::open(options, disk, clock, Arc::new(()))
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

/// Runs a future beside the driver of a lane of its own.
pub fn with_lane<T>(journal: &Journal, act: impl AsyncFnOnce(Lane) -> T) -> T {
    let (lane, driver) = journal.lane();
    runtime().block_on(async {
        let driver = tokio::spawn(driver);
        let result = act(lane).await;
        driver.await.unwrap();
        result
    })
}

/// Appends an entry, and returns when its write has begun, which is held until told otherwise.
pub async fn append_held(lane: &Lane, disk: &SimDisk, body: &Body) -> Append {
    disk.hold_writes();
    let append = lane.append(body);
    let held = disk.clone();
    // Waited for elsewhere, as the lane's driver needs this thread.
    let begun = tokio::task::spawn_blocking(move || held.wait_for_held_write());
    begun.await.unwrap();
    append
}

/// Appends all at once, then waits for all.
pub fn append_all(
    journal: &Journal,
    bodies: impl IntoIterator<Item = Body>,
) -> Vec<Result<Committed, AppendError>> {
    with_lane(journal, async |lane| {
        let appends: Vec<_> = bodies.into_iter().map(|body| lane.append(&body)).collect();
        let mut answers = Vec::new();
        for append in appends {
            answers.push(append.await);
        }
        answers
    })
}

/// Appends one by one: every entry is a batch.
pub fn append_each(
    journal: &Journal,
    numbers: impl IntoIterator<Item = u64>,
) -> Vec<Result<Committed, AppendError>> {
    with_lane(journal, async |lane| {
        let mut answers = Vec::new();
        for number in numbers {
            answers.push(lane.append(&body(number)).await);
        }
        answers
    })
}

/// Makes one entry a batch and the others the next, while the disk holds the first back.
pub fn append_as_one_batch(journal: &Journal, disk: &SimDisk, first: u64, others: &[u64]) {
    with_lane(journal, async |lane| {
        let first = append_held(&lane, disk, &body(first)).await;
        let others: Vec<_> = others.iter().map(|n| lane.append(&body(*n))).collect();
        disk.release_writes();
        first.await.unwrap();
        for other in others {
            other.await.unwrap();
        }
    });
}

pub fn read_all(reader: &Reader) -> Result<Vec<v1::Entry>, ReadError> {
    reader.entries(Sequence::new(1), ALL).collect()
}

/// The numbers that entries made by [`body`] say, in order, their sequences checked.
#[track_caller]
pub fn numbers(reader: &Reader) -> Vec<u64> {
    let entries = read_all(reader).unwrap();
    let mut numbers = Vec::new();
    for (entry, sequence) in entries.into_iter().zip(1..) {
        assert_eq!(entry.sequence, sequence, "gapless");
        let Some(Body::SystemConnected(connected)) = entry.body else {
            panic!("{entry:?} was not appended");
        };
        let number = connected.system.rsplit('-').next().unwrap();
        numbers.push(number.parse().unwrap());
    }
    numbers
}

pub fn segments(disk: &SimDisk) -> Vec<std::path::PathBuf> {
    let mut files = disk.files();
    files.retain(|file| file.extension().is_some_and(|e| e == "segment"));
    files
}
