//! The registry's keeper: the one way to change who may do what. An act is planned against what
//! stands, journaled, and only when it is durable folded and shown to routing. Acts follow each
//! other under one lock; readers never wait.

mod beside;
mod refusals;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ndxp_gateway::{Cuts, Scope};
use ndxp_journal::{AppendError, Lane, Reader};
use ndxp_model::{Clock, Connection, Party, Sequence, SystemId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged, RegistryRefused, SystemConnected};
use ndxp_proto::registry::v1::{Change, Difference, Grant, ItemKind};
use ndxp_registry::{
    Act, CatalogueErrors, CheckpointError, FoldError, HistoryError, Plan, REASON_CHARS_MAX,
    REFUSED_BYTES_MAX, Registry, cut,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tonic::Status;

use crate::role::Actor;
pub use beside::ActBeside;
use refusals::Refusals;

/// Owns the registry of this hub.
pub struct Keeper {
    shown: Arc<ArcSwap<Registry>>,
    checkpoint: PathBuf,
    /// Held from planning to showing, so that every plan is made against what stands.
    acting: Mutex<Lane>,
    /// Held while a checkpoint is written; holds the last registry that was.
    saving: Mutex<Option<Saved>>,
    clock: Arc<dyn Clock>,
    /// Where acts run to their end, whoever asked: the control plane, never a core with calls.
    runtime: Handle,
    cuts: Cuts,
    refusals: Refusals,
}

/// What the checkpoint holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Saved {
    changed: Sequence,
    watermark: Sequence,
}

/// What an act did, or would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acted {
    pub differences: Vec<Difference>,
    /// The entry that holds the change; none when nothing changed.
    pub sequence: Option<Sequence>,
    /// The grant that the act was about.
    pub grant: Option<Grant>,
}

/// Why an act did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    #[error(transparent)]
    Catalogue(#[from] CatalogueErrors),
    #[error("{0}")]
    NotTheirs(String),
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

/// Entries after which the checkpoint is written anew although the registry stands as it did, so
/// that no start has to look through more of the journal.
const SAVE_AFTER: u64 = 1_000_000;

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
    pub fn new(
        registry: Registry,
        lane: Lane,
        checkpoint: PathBuf,
        clock: Arc<dyn Clock>,
        runtime: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            shown: Arc::new(ArcSwap::from_pointee(registry)),
            checkpoint,
            acting: Mutex::new(lane),
            saving: Mutex::new(None),
            clock,
            runtime,
            cuts: Cuts::default(),
            refusals: Refusals::default(),
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

    /// The calls in flight that acts end.
    #[must_use]
    pub fn cuts(&self) -> Cuts {
        self.cuts.clone()
    }

    /// Does one administrative act, or says what it would do. The act is finished even if the
    /// caller goes away: what is durable must be shown. A refused attempt is journaled, too.
    ///
    /// # Errors
    /// When the act is not the actor's or not possible, or the journal does not take it.
    pub async fn act(self: &Arc<Self>, act: Act, actor: Actor) -> Result<Acted, KeeperError> {
        let keeper = Arc::clone(self);
        let acting = async move {
            if act.dry_run() {
                let plan = keeper.plan(&act, &actor)?;
                return Ok(Acted::of(plan, None));
            }
            let lane = keeper.acting.lock().await;
            let mut plan = match keeper.plan(&act, &actor) {
                Ok(plan) => plan,
                Err(error) => {
                    let refused = refusal(&act, &actor, &error.to_string());
                    keeper.append_refused(&lane, &actor, refused).await;
                    return Err(error);
                }
            };
            let changes = std::mem::take(&mut plan.changes);
            let sequence = match changes.is_empty() {
                true => None,
                false => Some(keeper.change(&lane, &act, &actor, changes).await?),
            };
            if act.cut()
                && let Some(scope) = cut_scope(&act, &keeper.current())
            {
                keeper.cuts.cut(scope);
            }
            Ok(Acted::of(plan, sequence))
        };
        let acting = self.runtime.spawn(acting);
        acting.await.map_err(|_| KeeperError::BrokeOff)?
    }

    /// Journals an attempt that was refused before it became an act: the RPC is not for the
    /// role. A dry run is no attempt.
    pub async fn refuse(self: &Arc<Self>, act: &Act, actor: Actor, refused: &str) {
        if act.dry_run() {
            return;
        }
        let refused = refusal(act, &actor, refused);
        let keeper = Arc::clone(self);
        let writing = self.runtime.spawn(async move {
            let lane = keeper.acting.lock().await;
            keeper.append_refused(&lane, &actor, refused).await;
        });
        // What broke off there has been logged by the runtime, and the attempt is refused.
        let _broke_off = writing.await;
    }

    fn plan(&self, act: &Act, actor: &Actor) -> Result<Plan, KeeperError> {
        actor.role.check_own(act).map_err(KeeperError::NotTheirs)?;
        let role = actor.role.to_string();
        Ok(self.current().plan_act(act, &role, self.clock.now())?)
    }

    async fn change(
        &self,
        lane: &Lane,
        act: &Act,
        actor: &Actor,
        changes: Vec<Change>,
    ) -> Result<Sequence, KeeperError> {
        let (items, rpc) = (changes.len(), act.rpc());
        let changed = RegistryChanged {
            actor: actor.identity.to_string(),
            note: act.reason().to_owned(),
            changes,
            role: actor.role.to_string(),
            rpc: rpc.to_owned(),
            item: act.item(),
        };
        let sequence = self.append(lane, Body::RegistryChanged(changed)).await?;
        let actor = &*actor.identity;
        tracing::info!(
            actor,
            rpc,
            items,
            sequence = sequence.get(),
            "registry changed"
        );
        Ok(sequence)
    }

    /// The attempt was refused in any case; a journal that cannot take it is logged.
    async fn append_refused(&self, lane: &Lane, actor: &Actor, refused: RegistryRefused) {
        let (actor, rpc) = (&actor.identity, refused.rpc.clone());
        if !self.refusals.admit(actor, self.clock.now()) {
            tracing::info!(actor = &**actor, rpc, "refused act not journaled: too many");
            return;
        }
        match self.append(lane, Body::RegistryRefused(refused)).await {
            Ok(sequence) => {
                let sequence = sequence.get();
                tracing::info!(actor = &**actor, rpc, sequence, "act refused");
            }
            Err(error) => {
                tracing::warn!(actor = &**actor, rpc, %error, "refused act not journaled");
            }
        }
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
        self.runtime
            .spawn(act)
            .await
            .map_err(|_| KeeperError::BrokeOff)?
    }

    /// Saves a checkpoint through the journal's end, so that the next start reads only what
    /// comes after. To be called from time to time; nobody who acts waits for it.
    pub async fn checkpoint(&self, reader: &Reader) {
        let mut saved = self.saving.lock().await;
        let Some(registry) = self.advance(reader).await else {
            return;
        };
        let (changed, watermark) = (registry.changed(), registry.watermark());
        let is_fresh = saved.is_some_and(|saved| {
            saved.changed == changed && watermark.get() < saved.watermark.get() + SAVE_AFTER
        });
        if !is_fresh && self.save(registry).await {
            *saved = Some(Saved { changed, watermark });
        }
    }

    /// The same at the hub's end, where the next start begins.
    pub async fn last_checkpoint(&self, reader: &Reader) {
        *self.saving.lock().await = None;
        self.checkpoint(reader).await;
    }

    /// Moves the watermark to the journal's end.
    async fn advance(&self, reader: &Reader) -> Option<Arc<Registry>> {
        let _lane = self.acting.lock().await;
        // Nobody acts now: whatever the journal holds of the registry is folded.
        let end = match reader.position() {
            Ok(position) => position.sequence,
            Err(error) => {
                tracing::warn!(%error, "registry checkpoint not saved");
                return None;
            }
        };
        let mut registry = Registry::clone(&self.current());
        registry.advance(end);
        let registry = Arc::new(registry);
        self.shown.store(Arc::clone(&registry));
        Some(registry)
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
    async fn save(&self, registry: Arc<Registry>) -> bool {
        let path = self.checkpoint.clone();
        let saving = tokio::task::spawn_blocking(move || registry.save(&path));
        match saving.await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::warn!(%error, "registry checkpoint not saved"),
            Err(error) => tracing::warn!(%error, "registry checkpoint broke off"),
        }
        false
    }
}

impl Acted {
    fn of(plan: Plan, sequence: Option<Sequence>) -> Self {
        Self {
            differences: plan.differences,
            sequence,
            grant: plan.grant,
        }
    }
}

/// As whoever asked is told, on either port.
impl From<KeeperError> for Status {
    fn from(error: KeeperError) -> Self {
        let text = error.to_string();
        match error {
            KeeperError::Catalogue(_) => Self::invalid_argument(text),
            KeeperError::NotTheirs(_) => Self::permission_denied(text),
            KeeperError::Append(_) => {
                tracing::warn!(error = text, "registry change not journaled");
                Self::unavailable(text)
            }
            KeeperError::Fold { .. } | KeeperError::BrokeOff => {
                tracing::error!(error = text, "registry change failed");
                Self::internal(text)
            }
        }
    }
}

/// What the journal holds of a refused attempt, within bounds.
fn refusal(act: &Act, actor: &Actor, refused: &str) -> RegistryRefused {
    RegistryRefused {
        actor: actor.identity.to_string(),
        role: actor.role.to_string(),
        rpc: act.rpc().to_owned(),
        item: act.item(),
        note: act.reason().chars().take(REASON_CHARS_MAX).collect(),
        refused: cut(refused, REFUSED_BYTES_MAX),
    }
}

/// Whose calls in flight an act ends.
fn cut_scope(act: &Act, registry: &Registry) -> Option<ndxp_gateway::Scope> {
    let system = |id: &str| Some(Scope::Party(Party::System(id.parse().ok()?)));
    match act {
        Act::Transition(request) if request.kind() == ItemKind::Member => {
            let code = registry.resolve_member(&request.key)?;
            Some(Scope::Party(Party::Member(code.parse().ok()?)))
        }
        Act::Transition(request) => system(&request.key),
        Act::RevokeAccess(request) => {
            let (consumer, offer) = request.id.split_once('>')?;
            let (provider, service) = offer.rsplit_once('/')?;
            Some(Scope::Grant(Connection {
                consumer: consumer.parse().ok()?,
                provider: provider.parse().ok()?,
                service: service.parse().ok()?,
            }))
        }
        Act::SetAvailability(request) if request.kind() == ItemKind::System => system(&request.key),
        Act::SetAvailability(request) => {
            let (provider, service) = request.key.rsplit_once('/')?;
            Some(Scope::Service {
                provider: provider.parse().ok()?,
                service: service.parse().ok()?,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
