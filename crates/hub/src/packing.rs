//! Packs sealed segments, from time to time, behind everything else.

use std::io;
use std::time::{Duration, Instant};

use ndxp_journal::{Journal, PackError};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval_at};

/// Between two looks. A start is left alone for so long, too.
const ROUND: Duration = Duration::from_secs(60);

/// For each stretch of work so many of rest: at most a fifth of one core, and of what a disk carries.
const RESTS: u32 = 4;

/// A stop waits for the rest under way. One that other work has held up counts as long, and no work was done.
const REST_MAX: Duration = Duration::from_millis(250);

/// What Linux lets every other thread go before.
const LEAST_PRIORITY: i32 = 19;

/// Packs for as long as the hub runs. What fails is tried again in the next round, and a segment that
/// is damaged at the next start.
pub async fn run(journal: Journal) {
    let mut rounds = interval_at(tokio::time::Instant::now() + ROUND, ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let journal = journal.clone();
        match behind_all_else(move || round(&journal, RESTS)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a segment not packed: it stays as it is"),
            Err(error) => tracing::warn!(%error, "packing broke off"),
        }
    }
}

/// Works on a thread that is made for it: one that has given way never gets its priority back.
async fn behind_all_else<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    let work = move || {
        give_way();
        // A hub that stops does not wait for it.
        drop(done.send(work()));
    };
    std::thread::Builder::new()
        .name("packing".to_owned())
        .spawn(work)?;
    result.await.map_err(io::Error::other)
}

fn give_way() {
    // Elsewhere this would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LEAST_PRIORITY) {
        tracing::info!(%error, "packing has the priority of all else");
    }
}

/// All that can be packed now.
fn round(journal: &Journal, rests: u32) -> Result<(), PackError> {
    let mut worked_from = Instant::now();
    let mut rest = || {
        std::thread::park_timeout((worked_from.elapsed() * rests).min(REST_MAX));
        worked_from = Instant::now();
        true
    };
    while let Some(packed) = journal.pack(&mut rest)? {
        let (first, bytes_before, bytes) = (packed.first.get(), packed.bytes_before, packed.bytes);
        tracing::info!(first, bytes_before, bytes, "segment packed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndxp_journal::{FileDisk, Options, Reader};
    use ndxp_model::{Instant, ManualClock, Sequence};
    use ndxp_proto::journal::v1::SystemConnected;
    use ndxp_proto::journal::v1::entry::Body;

    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn packing_gives_way_to_all_others_and_they_not_to_it() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let within = behind_all_else(priority).await.unwrap();
        assert_eq!((within, priority()), (LEAST_PRIORITY, before));
        let broken = behind_all_else(|| panic!("as it is meant to")).await;
        assert!(broken.is_err());
    }

    #[tokio::test]
    async fn a_round_packs_all_that_is_sealed_and_nothing_is_lost() {
        const ENTRIES: u64 = 300;
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            directory: folder.path().into(),
            segment_bytes: 4_096,
        };
        let clock = Arc::new(ManualClock::at(Instant::EPOCH));
        let journal = Journal::open(options, Arc::new(FileDisk), clock, Arc::new(())).unwrap();
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        for number in 0..ENTRIES {
            let system = format!("H26/system-{number:05}");
            let body = Body::SystemConnected(SystemConnected { system });
            lane.append(&body).await.unwrap();
        }
        let stored = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let files = files.map(Result::unwrap).filter(|file| {
                let name = file.file_name().into_string().unwrap();
                name.ends_with(".segment")
            });
            files
                .map(|file| file.metadata().unwrap().len())
                .sum::<u64>()
        };
        let before = stored();
        round(&journal, 0).unwrap();
        assert!(stored() < before / 2, "{before} bytes became {}", stored());
        let offline = Reader::open(folder.path()).unwrap();
        let all = offline.entries(Sequence::new(1), Sequence::new(u64::MAX));
        assert_eq!(all.filter(Result::is_ok).count() as u64, ENTRIES);
    }
}
