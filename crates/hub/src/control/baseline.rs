//! Opening balances at the control port: what a previous platform counted is judged beside what is
//! known, journaled whole or not at all, and listed.

use std::sync::Arc;

use ndxp_baseline::{Calendar, Conflicts, Day, Malformed};
use ndxp_counters::CountersError;
use ndxp_proto::journal::v1::BaselineImported;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::statistics::v1;
use tonic::{Request, Status};

use super::access::{Refused, asker};
use super::statistics::{Statistics, counting};
use crate::keeper::ActBeside;
use crate::role::Actor;

/// Why an import is not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{}", lines(.0))]
    Malformed(Vec<Malformed>),
    #[error(transparent)]
    Conflicts(#[from] Conflicts),
    /// The hub cannot judge it now: no verdict, and so nothing to journal.
    #[error("{}", .0.message())]
    Unable(Box<Status>),
}

/// Takes an import, or says why not. It is finished even if the caller goes away.
///
/// # Errors
/// INVALID_ARGUMENT for one that is wrong by itself, FAILED_PRECONDITION for one that says what is
/// known already.
pub async fn import(
    hub: &Statistics,
    request: Request<v1::ImportBaselineRequest>,
) -> Result<v1::ImportBaselineResponse, Status> {
    if let Some(Refused { actor, status }) = request.extensions().get().cloned() {
        let request = request.into_inner();
        if !request.dry_run {
            let act = act(&request.baseline.unwrap_or_default());
            hub.keeper
                .refuse_beside(&act, actor, status.message())
                .await;
        }
        return Err(status);
    }
    let actor = asker(&request)?.actor;
    let v1::ImportBaselineRequest { baseline, dry_run } = request.into_inner();
    let baseline = BaselineImported {
        actor: actor.identity.to_string(),
        ..baseline.unwrap_or_default()
    };
    let hub = hub.clone();
    let importing = tokio::spawn(async move { take(&hub, actor, baseline, dry_run).await });
    importing.await.map_err(|error| {
        tracing::error!(%error, "import of opening balances broke off");
        Status::internal("the import broke off; the hub's log says why, `ndxp baseline list` whether it was taken")
    })?
}

/// The imports so far, those included that were durable when the question came.
///
/// # Errors
/// When the counters cannot answer.
pub async fn list(hub: &Statistics) -> Result<v1::ListBaselinesResponse, Status> {
    hub.reach(hub.follow.position().sequence.get()).await?;
    let balances = hub.counters.balances().map_err(|error| counting(&error))?;
    let imports = balances.imports().iter();
    let baselines = imports.map(|imported| v1::ImportedBaseline {
        sequence: imported.sequence.get(),
        committed_at_us: imported.at.as_micros(),
        baseline: Some(imported.baseline.clone()),
    });
    Ok(v1::ListBaselinesResponse {
        baselines: baselines.collect(),
    })
}

async fn take(
    hub: &Statistics,
    actor: Actor,
    baseline: BaselineImported,
    dry_run: bool,
) -> Result<v1::ImportBaselineResponse, Status> {
    let (act, rows) = (act(&baseline), baseline.rows.len());
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    let baseline = Arc::new(baseline);
    let _importing = hub.importing.lock().await;
    if let Err(refusal) = judge(hub, Arc::clone(&baseline)).await {
        let text = refusal.to_string();
        let is_verdict = !matches!(refusal, Refusal::Unable(_));
        if is_verdict && !dry_run {
            hub.keeper.refuse_beside(&act, actor, &text).await;
        }
        return Err(match refusal {
            Refusal::Malformed(_) => Status::invalid_argument(text),
            Refusal::Conflicts(_) => Status::failed_precondition(text),
            Refusal::Unable(status) => *status,
        });
    }
    if dry_run {
        return Ok(v1::ImportBaselineResponse { sequence: 0, rows });
    }
    let baseline = Arc::unwrap_or_clone(baseline);
    let body = Body::BaselineImported(baseline);
    let sequence = hub.keeper.act_beside(body).await?.get();
    let actor = &*actor.identity;
    tracing::info!(actor, rows, sequence, "opening balances imported");
    Ok(v1::ImportBaselineResponse { sequence, rows })
}

/// Judges an import by itself, and beside everything that the journal holds.
async fn judge(hub: &Statistics, baseline: Arc<BaselineImported>) -> Result<(), Refusal> {
    let end = hub.follow.position().sequence;
    // No import can come behind the end while this one is judged. What is counted meanwhile is of
    // today, which no import may state.
    hub.reach(end.get()).await?;
    let (counters, zone) = (hub.counters.clone(), hub.zone.clone());
    let now = hub.clock.now();
    let judging = move || {
        ndxp_baseline::check(&baseline).map_err(Refusal::Malformed)?;
        let began = counters.began()?;
        let calendar = Calendar {
            today: Day::of(&zone, now),
            launch: began.map(|began| Day::of(&zone, began)),
        };
        Ok(counters.balances()?.conflicts(&baseline, &calendar)?)
    };
    hub.work.scan(judging).await?
}

/// As a refusal names it.
fn act(baseline: &BaselineImported) -> ActBeside {
    ActBeside {
        rpc: "ImportBaseline",
        item: baseline.file.clone(),
        note: baseline.note.clone(),
    }
}

fn lines(found: &[Malformed]) -> String {
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Unable(Box::new(status))
    }
}

impl From<CountersError> for Refusal {
    fn from(error: CountersError) -> Self {
        counting(&error).into()
    }
}

#[cfg(test)]
mod tests;
