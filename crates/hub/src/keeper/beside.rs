//! Administrative acts that are not about the registry: they take the same lane, so that all acts
//! stand in one order, and refused attempts at them have the same bounds.

use std::sync::Arc;

use ndxp_model::Sequence;
use ndxp_proto::journal::v1::RegistryRefused;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_registry::{ITEM_BYTES_MAX, REASON_CHARS_MAX, REFUSED_BYTES_MAX, cut};

use super::{Keeper, KeeperError};
use crate::role::Actor;

/// An act as a refusal names it.
#[derive(Clone, Debug)]
pub struct ActBeside {
    pub rpc: &'static str,
    /// What it is about, as the request says it.
    pub item: String,
    /// Why, in the actor's words.
    pub note: String,
}

impl Keeper {
    /// Journals an act that leaves the registry as it stands. It is finished even if the caller
    /// goes away.
    ///
    /// # Errors
    /// When the journal does not take it.
    pub async fn act_beside(self: &Arc<Self>, body: Body) -> Result<Sequence, KeeperError> {
        let keeper = Arc::clone(self);
        let acting = self.runtime.spawn(async move {
            let lane = keeper.acting.lock().await;
            keeper.append(&lane, body).await
        });
        acting.await.map_err(|_| KeeperError::BrokeOff)?
    }

    /// Journals an attempt that was refused.
    pub async fn refuse_beside(self: &Arc<Self>, act: &ActBeside, actor: Actor, refused: &str) {
        let refused = RegistryRefused {
            actor: actor.identity.to_string(),
            role: actor.role.to_string(),
            rpc: act.rpc.to_owned(),
            item: cut(&act.item, ITEM_BYTES_MAX),
            note: act.note.chars().take(REASON_CHARS_MAX).collect(),
            refused: cut(refused, REFUSED_BYTES_MAX),
        };
        let keeper = Arc::clone(self);
        let writing = self.runtime.spawn(async move {
            let lane = keeper.acting.lock().await;
            keeper.append_refused(&lane, &actor, refused).await;
        });
        // What broke off there has been logged by the runtime, and the attempt is refused.
        let _broke_off = writing.await;
    }
}
