//! The registry's keeper: the one way to change who may do what. An act is planned against what
//! stands, journaled, and only when it is durable folded and shown to routing. Acts follow each
//! other under one lock; readers never wait.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ndxp_journal::{AppendError, Lane, Reader};
use ndxp_model::{Sequence, SystemId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged, SystemConnected};
use ndxp_proto::registry::v1::{Catalogue, Difference};
use ndxp_registry::{CatalogueErrors, CheckpointError, FoldError, HistoryError, Registry};
use tokio::sync::Mutex;

/// Owns the registry of this hub.
pub struct Keeper {
    shown: Arc<ArcSwap<Registry>>,
    checkpoint: PathBuf,
    /// Held from planning to showing, so that every plan is made against what stands.
    acting: Mutex<Lane>,
}

/// What an act did, or would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    pub differences: Vec<Difference>,
    /// The entry that holds the change; none when nothing changed.
    pub sequence: Option<Sequence>,
}

/// Why an act did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    #[error(transparent)]
    Catalogue(#[from] CatalogueErrors),
    #[error("the note has {found} characters, and the most is {max}; shorten it")]
    NoteTooLong { found: usize, max: usize },
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("entry {sequence} is durable but could not be folded: {source}; restart the hub")]
    Fold {
        sequence: Sequence,
        source: FoldError,
    },
    #[error("the act broke off; the hub's log says why")]
    BrokeOff,
}

/// Characters of an act's note, as the contract states.
const NOTE_CHARS_MAX: usize = 1_000;

/// The registry as of the journal's end: the checkpoint, and what came after it. A checkpoint
/// that cannot be used costs a fold of the whole journal, and nothing else.
///
/// # Errors
/// When the journal cannot be read or folded.
pub fn recover(checkpoint: &Path, reader: &Reader) -> Result<Registry, HistoryError> {
    let end = reader.position()?.sequence;
    let saved = match Registry::load(checkpoint) {
        Ok(registry) if registry.watermark() <= end => registry,
        Ok(registry) => {
            let watermark = registry.watermark().get();
            let end = end.get();
            tracing::warn!(
                watermark,
                end,
                "registry checkpoint is ahead of the journal: rebuilt"
            );
            Registry::empty()
        }
        Err(CheckpointError::Absent { .. }) => Registry::empty(),
        Err(error) => {
            tracing::warn!(%error, "registry checkpoint not usable: rebuilt from the journal");
            Registry::empty()
        }
    };
    let mut registry = saved;
    registry.catch_up(reader, end)?;
    for unreadable in registry.unreadable() {
        tracing::warn!(
            item = unreadable.item,
            "registry item cannot be read and denies"
        );
    }
    Ok(registry)
}

impl Keeper {
    /// Keeps a registry that was recovered through the journal's end.
    #[must_use]
    pub fn new(registry: Registry, lane: Lane, checkpoint: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            shown: Arc::new(ArcSwap::from_pointee(registry)),
            checkpoint,
            acting: Mutex::new(lane),
        })
    }

    /// What routing reads: the registry as of the last act.
    #[must_use]
    pub fn shown(&self) -> Arc<ArcSwap<Registry>> {
        Arc::clone(&self.shown)
    }

    #[must_use]
    pub fn current(&self) -> Arc<Registry> {
        self.shown.load_full()
    }

    /// Brings the registry to hold the catalogue's items. The act is finished even if the caller
    /// goes away: what is durable must be shown.
    ///
    /// # Errors
    /// When the catalogue is wrong, or the journal does not take the change.
    pub async fn apply(
        self: &Arc<Self>,
        catalogue: Catalogue,
        actor: String,
        note: String,
        dry_run: bool,
    ) -> Result<Applied, KeeperError> {
        let found = note.chars().count();
        let max = NOTE_CHARS_MAX;
        if found > max {
            return Err(KeeperError::NoteTooLong { found, max });
        }
        if dry_run {
            let plan = self.current().plan(&catalogue)?;
            return Ok(Applied {
                differences: plan.differences,
                sequence: None,
            });
        }
        let keeper = Arc::clone(self);
        let act = async move { keeper.act(&catalogue, actor, note).await };
        tokio::spawn(act).await.map_err(|_| KeeperError::BrokeOff)?
    }

    async fn act(
        &self,
        catalogue: &Catalogue,
        actor: String,
        note: String,
    ) -> Result<Applied, KeeperError> {
        let lane = self.acting.lock().await;
        let plan = self.current().plan(catalogue)?;
        if plan.changes.is_empty() {
            return Ok(Applied::default());
        }
        let items = plan.changes.len();
        let changed = RegistryChanged {
            actor: actor.clone(),
            note,
            changes: plan.changes,
            ..RegistryChanged::default()
        };
        let sequence = self.append(&lane, Body::RegistryChanged(changed)).await?;
        tracing::info!(actor, items, sequence = sequence.get(), "registry changed");
        self.save().await;
        Ok(Applied {
            differences: plan.differences,
            sequence: Some(sequence),
        })
    }

    /// Writes down the first handshake with one of the system's endpoints. `None` when it was
    /// written before, or the system does not stand.
    ///
    /// # Errors
    /// When the journal does not take it.
    pub async fn system_connected(
        self: &Arc<Self>,
        system: SystemId,
    ) -> Result<Option<Sequence>, KeeperError> {
        let keeper = Arc::clone(self);
        let act = async move {
            let lane = keeper.acting.lock().await;
            let registry = keeper.current();
            if registry.connected_at(&system).is_some()
                || registry.system(system.as_str()).is_none()
            {
                return Ok(None);
            }
            let connected = SystemConnected {
                system: system.to_string(),
            };
            let sequence = keeper
                .append(&lane, Body::SystemConnected(connected))
                .await?;
            tracing::info!(%system, sequence = sequence.get(), "system connected");
            Ok(Some(sequence))
        };
        tokio::spawn(act).await.map_err(|_| KeeperError::BrokeOff)?
    }

    /// Saves a checkpoint through the journal's end, so that the next start reads only what
    /// comes after. To be called from time to time and at the end.
    pub async fn checkpoint(&self, reader: &Reader) {
        let _lane = self.acting.lock().await;
        // Nobody acts now: whatever the journal holds of the registry is folded.
        let end = match reader.position() {
            Ok(position) => position.sequence,
            Err(error) => {
                tracing::warn!(%error, "registry checkpoint not saved");
                return;
            }
        };
        let mut registry = Registry::clone(&self.current());
        registry.advance(end);
        self.shown.store(Arc::new(registry));
        self.save().await;
    }

    /// Durable first, then shown.
    async fn append(&self, lane: &Lane, body: Body) -> Result<Sequence, KeeperError> {
        let committed = lane.append(&body).await?;
        let sequence = committed.sequence;
        let entry = Entry {
            sequence: sequence.get(),
            committed_at_us: committed.at.as_micros(),
            body: Some(body),
        };
        let mut registry = Registry::clone(&self.current());
        registry
            .apply(&entry)
            .map_err(|source| KeeperError::Fold { sequence, source })?;
        self.shown.store(Arc::new(registry));
        Ok(sequence)
    }

    /// A checkpoint that is not written costs time at the next start, and nothing else.
    async fn save(&self) {
        let (registry, path) = (self.current(), self.checkpoint.clone());
        let saving = tokio::task::spawn_blocking(move || registry.save(&path));
        match saving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "registry checkpoint not saved"),
            Err(error) => tracing::warn!(%error, "registry checkpoint broke off"),
        }
    }
}

#[cfg(test)]
mod tests;
