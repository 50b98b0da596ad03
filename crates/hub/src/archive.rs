//! Moves segments that are old enough to the archive, from time to time, beside everything else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ndxp_journal::{ArchiveError, DiskError, FileDisk, Journal, set_archive};
use ndxp_model::Clock;

use crate::config::JournalStore;

/// Between two looks: a busy hub fills one segment in that time.
const ROUND: Duration = Duration::from_secs(3_600);

/// Names the archive in the journal's directory, so that whoever reads that finds the rest. To be
/// called before the journal is opened. Without days to keep, nothing is named, and what was named
/// before holds on.
///
/// # Errors
/// When another archive is in use, or the disk fails.
pub fn prepare(store: &JournalStore, journal: &Path) -> Result<(), ArchiveError> {
    if store.keep.is_none() {
        return Ok(());
    }
    let absolute = std::path::absolute(&store.archive_dir).map_err(|source| DiskError {
        operation: "find",
        file: store.archive_dir.clone(),
        source,
    })?;
    set_archive(&FileDisk, journal, &absolute)
}

/// Archives for as long as the hub runs. What fails is tried again in the next round.
pub async fn run(journal: Journal, keep: Duration, clock: Arc<dyn Clock>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let before = clock.now().saturating_sub(keep);
        let journal = journal.clone();
        match tokio::task::spawn_blocking(move || journal.archive(before)).await {
            Ok(Ok(moved)) if moved.is_empty() => {}
            Ok(Ok(moved)) => tracing::info!(segments = moved.len(), "old segments archived"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "old segments not archived: they stay where they are");
            }
            Err(error) => tracing::warn!(%error, "archiving broke off"),
        }
    }
}
