//! Health handshakes: proof that a registered system really answers where the registry says,
//! with the certificate it should have. The first one is journaled and makes it "connected".

use std::sync::Arc;
use std::time::Duration;

use ndxp_gateway::Dialler;
use ndxp_model::SystemId;
use ndxp_registry::SystemRecord;
use tokio::task::JoinSet;

use crate::keeper::Keeper;

/// Between two rounds over the systems that have not answered yet.
const ROUND: Duration = Duration::from_secs(2);
/// Handshakes at once: enough for a nation in a round, few enough to go unnoticed.
const AT_ONCE: usize = 16;

/// Probes for as long as the hub runs. Systems that have answered once are left in peace; their
/// health shows in their calls.
pub async fn run(keeper: Arc<Keeper>, dialler: Arc<Dialler>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let mut probes = JoinSet::new();
        for system in waiting(&keeper) {
            if probes.len() >= AT_ONCE
                && let Some(Ok(Some(connected))) = probes.join_next().await
            {
                note(&keeper, connected).await;
            }
            probes.spawn(probe(Arc::clone(&dialler), system));
        }
        while let Some(probed) = probes.join_next().await {
            if let Ok(Some(connected)) = probed {
                note(&keeper, connected).await;
            }
        }
    }
}

/// Active systems that serve somewhere and have not completed a handshake yet.
fn waiting(keeper: &Keeper) -> Vec<Arc<SystemRecord>> {
    let registry = keeper.current();
    registry
        .system_records()
        .filter(|system| !system.endpoints.is_empty() && registry.is_active(system.id.as_str()))
        .filter(|system| registry.connected_at(&system.id).is_none())
        .cloned()
        .collect()
}

async fn probe(dialler: Arc<Dialler>, system: Arc<SystemRecord>) -> Option<SystemId> {
    for endpoint in &system.endpoints {
        match dialler.probe(&system, endpoint).await {
            Ok(()) => return Some(system.id.clone()),
            Err(error) => tracing::debug!(system = %system.id, %error, "no health handshake yet"),
        }
    }
    None
}

async fn note(keeper: &Arc<Keeper>, system: SystemId) {
    if let Err(error) = keeper.system_connected(system.clone()).await {
        tracing::warn!(%system, %error, "a health handshake was not journaled");
    }
}
