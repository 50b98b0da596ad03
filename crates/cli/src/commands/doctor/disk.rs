//! The disk under the data directory: room for the journal to grow, and how long it takes until
//! something is durable, which every call waits for twice.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ndxp_hub::config::Config;

use super::finding::{Area, Findings, State};

/// Syncs that are measured: enough for a median, done in a second on a slow disk.
const SYNCS: u64 = 32;
/// What a batch of a busy hub has: some dozen entries.
const BATCH_BYTES: u64 = 4 << 10;
/// A disk that is slower than this is not measured to the end.
const MEASURE_MAX: Duration = Duration::from_secs(5);
/// Two of these are on the way of every call; at 20 ms they are what its caller notices.
const SYNC_SLOW: Duration = Duration::from_millis(10);

/// The next segment is prepared while the present one fills; one more for the counters.
const SEGMENTS_LEAST: u64 = 3;
/// Of 64 MiB and 100,000 transactions: a day of a hub that carries 1.6 million.
const SEGMENTS_WANTED: u64 = 16;

/// What to do about a disk that fills up.
const MAKE_ROOM: &str = "make room: without it calls are refused as JOURNAL_UNAVAILABLE";

pub fn check(config: &Config, findings: &mut Findings) {
    let Some(folder) = nearest(&config.hub.data_dir) else {
        return;
    };
    let segment_bytes = config.journal.segment_bytes;
    space("hub.data_dir", MAKE_ROOM, &folder, segment_bytes, findings);
    syncs(&folder, findings);
}

/// The folder, or that in which it will be made.
pub fn nearest(folder: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(folder).ok()?;
    let there = whole.ancestors().find(|folder| folder.is_dir());
    there.map(Path::to_owned)
}

/// Whether there is room for the journal under the folder that `key` names to grow; `remedy` is for
/// when there is none.
pub fn space(key: &str, remedy: &str, folder: &Path, segment_bytes: u64, findings: &mut Findings) {
    let subject = format!("space on {}", folder.display());
    let found = match rustix::fs::statvfs(folder) {
        Ok(found) => found,
        Err(error) => {
            let remedy = "look at the disk and its mount";
            findings.failure(Area::Disk, subject, error.to_string(), remedy);
            return;
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let whole = found.f_blocks.saturating_mul(found.f_frsize);
    match judge_space(free, whole, segment_bytes) {
        (State::Failure, value) => findings.failure(Area::Disk, subject, value, remedy),
        (State::Warning, value) => {
            let remedy = format!("make room, or move {key} to a larger disk");
            findings.warning(Area::Disk, subject, value, remedy);
        }
        (State::Ok, value) => findings.ok(Area::Disk, subject, value),
    }
}

fn judge_space(free: u64, whole: u64, segment_bytes: u64) -> (State, String) {
    const MIB: u64 = 1 << 20;
    let segments = free.checked_div(segment_bytes).unwrap_or_default();
    let value = format!(
        "{} MiB free of {}, room for {segments} segments of the journal",
        free / MIB,
        whole / MIB
    );
    let state = if segments < SEGMENTS_LEAST {
        State::Failure
    } else if segments < SEGMENTS_WANTED || free < whole / 20 {
        State::Warning
    } else {
        State::Ok
    };
    (state, value)
}

/// Whether the hub's user may write there.
///
/// # Errors
/// Why not.
pub fn writable(folder: &Path) -> io::Result<()> {
    Probe::make(folder).map(drop)
}

fn syncs(folder: &Path, findings: &mut Findings) {
    let subject = format!("sync in {}", folder.display());
    match measure(folder) {
        Ok(times) => judge_syncs(subject, times, findings),
        Err(error) => {
            let remedy = "let the hub's user write there, and look at the disk in the system's log";
            findings.failure(Area::Disk, subject, error.to_string(), remedy);
        }
    }
}

fn judge_syncs(subject: String, mut times: Vec<Duration>, findings: &mut Findings) {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let value = format!(
        "median {:.2} ms, longest {:.2} ms of {}",
        ms(median),
        ms(longest),
        times.len()
    );
    if median > SYNC_SLOW {
        let remedy = "use a disk with power-loss protection, and no network between: every call \
                      waits for two syncs";
        findings.warning(Area::Disk, subject, value, remedy);
    } else {
        findings.ok(Area::Disk, subject, value);
    }
}

/// As the journal writes: into a file whose blocks are there already, one fdatasync each.
fn measure(folder: &Path) -> io::Result<Vec<Duration>> {
    let probe = Probe::make(folder)?;
    probe.file.set_len(0)?;
    let batch = vec![0x5a; usize::try_from(BATCH_BYTES).unwrap_or_default()];
    for number in 0..SYNCS {
        probe.file.write_all_at(&batch, number * BATCH_BYTES)?;
    }
    probe.file.sync_all()?;
    let began = Instant::now();
    let mut times = Vec::new();
    for number in 0..SYNCS {
        let started = Instant::now();
        probe.file.write_all_at(&batch, number * BATCH_BYTES)?;
        probe.file.sync_data()?;
        times.push(started.elapsed());
        if began.elapsed() > MEASURE_MAX {
            break;
        }
    }
    Ok(times)
}

/// A file that is gone when it is dropped.
struct Probe {
    file: File,
    path: PathBuf,
}

impl Probe {
    fn make(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!(".ndxp-doctor-{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&path)?;
        Ok(Self { file, path })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // There is nothing to be done about one that cannot go; its name says whose it was.
        let _gone = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_judged_by_the_segments_for_which_there_is_room() {
        const SEGMENT: u64 = 64 << 20;
        let rows = [
            (0, 100, State::Failure),
            (2, 100, State::Failure),
            (3, 20, State::Warning),
            (15, 20, State::Warning),
            (16, 20, State::Ok),
            (16, 1_000, State::Warning),
            (50, 1_000, State::Ok),
        ];
        for (free, whole, wanted) in rows {
            let (state, value) = judge_space(free * SEGMENT, whole * SEGMENT, SEGMENT);
            assert_eq!(state, wanted, "{free} of {whole}: {value}");
        }
    }

    #[test]
    fn syncs_are_judged_by_their_median() {
        let ms = Duration::from_millis;
        let rows = [
            (
                vec![ms(1), ms(1), ms(900)],
                State::Ok,
                "median 1.00 ms, longest 900.00 ms of 3",
            ),
            (
                vec![ms(30), ms(11), ms(1)],
                State::Warning,
                "median 11.00 ms, longest 30.00 ms of 3",
            ),
        ];
        for (times, wanted, value) in rows {
            let mut findings = Findings::default();
            judge_syncs("x".to_owned(), times, &mut findings);
            assert_eq!(findings.seen(), [(wanted, "x", value)]);
        }
    }

    #[test]
    fn measuring_leaves_nothing_behind_and_says_when_it_may_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let times = measure(folder.path()).unwrap();
        assert!((1..=SYNCS as usize).contains(&times.len()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("nowhere")).is_err());
    }
}
