//! Settling: the ending is durable before the consumer sees it.

use std::sync::Arc;
use std::time::Duration;

use ndxp_journal::AppendError;
use ndxp_model::{Outcome, Reason, Refusal, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;
use tokio::time::Instant;

use crate::answer::{self, Parties};
use crate::core::Core;
use crate::exchange::{Facts, Incoming, Opened, parties};
use crate::forward::{Ending, Noticed};
use crate::metadata;
use crate::meter::Measured;
use crate::peer::Peer;
use crate::record;
use crate::stream::{Downlink, Finale};

/// Between two tries to write down an ending that the journal did not take.
const BETWEEN_LATE_CLOSINGS: Duration = Duration::from_secs(1);

/// What is written down of an opened call's end. The call's texts go from the facts into it.
pub fn closing(
    facts: &mut Facts,
    opened: &Opened,
    ending: &Ending,
    noticed: Noticed,
    (request, answer): (Measured, Measured),
) -> Body {
    let call = std::mem::take(&mut facts.call);
    let provider = noticed
        .provider_since
        .map_or(Duration::ZERO, |since| since.elapsed());
    Body::Closed(v1::TransactionClosed {
        transaction_id: opened.id.as_bytes().to_vec(),
        opened_sequence: opened.sequence.get(),
        connection: call.connection,
        method: call.method,
        outcome: record::outcome(ending.outcome),
        grpc_status: u32::from(ending.status),
        fault: record::fault(ending.fault),
        reason: reason_name(ending.refusal.as_ref()),
        request_bytes: request.bytes,
        response_bytes: answer.bytes,
        request_messages: request.messages,
        response_messages: answer.messages,
        request_digest: request.digest,
        response_digest: answer.digest,
        total_us: micros(facts.arrived.elapsed()),
        provider_us: micros(provider),
        retries: noticed.retries,
        measures: noticed.measures,
        test: call.test,
        refused_call: None,
    })
}

/// Writes down how an opened call ended, then ends the consumer's answer.
///
/// # Errors
/// When the journal did not take the ending; the consumer has been told so.
pub async fn settle(
    core: &Core,
    opened: &Opened,
    ending: &mut Ending,
    entry: &Body,
    downlink: &mut Downlink,
) -> Result<(), AppendError> {
    let id = opened.id;
    let appended = core.lane.append(entry).await;
    let finale = match appended {
        Ok(_) => {
            note_settled(core, id, ending.outcome, entry);
            finale(ending, id, entry)
        }
        // What the provider answered is not passed on as if it were on record.
        Err(error) => {
            tracing::debug!(%error, transaction = %id, "the journal did not take an ending");
            let refusal = Refusal::new(Reason::EndingUnrecorded, error.to_string());
            refusal_finale(&refusal, id, parties_of(entry))
        }
    };
    downlink.finish(finale, opened.deadline()).await;
    appended.map(drop)
}

/// Whether the journal may take an entry later that it does not take now. Where it will not, the
/// next start closes what is open.
pub fn passes(error: AppendError) -> bool {
    matches!(error, AppendError::OutOfSpace | AppendError::Overloaded)
}

/// The ending of a transaction that is closed late: interrupted, which is what its consumer was told.
/// What was `unsent` by then is never sent.
pub fn late(ending: Body, unsent: bool) -> Body {
    let Body::Closed(mut closed) = ending else {
        return ending;
    };
    if unsent {
        closed.response_bytes = 0;
        closed.response_messages = 0;
        closed.response_digest.clear();
    }
    let meaning = Reason::EndingUnrecorded.meaning();
    Body::Closed(v1::TransactionClosed {
        outcome: record::outcome(meaning.outcome),
        grpc_status: u32::from(meaning.status),
        fault: record::fault(Some(meaning.fault)),
        reason: meaning.name.to_owned(),
        ..closed
    })
}

/// Closes a transaction as soon as the journal takes entries again. The call keeps its place until
/// then, so that there are never more of these than calls may be in flight.
pub async fn close_late(core: Arc<Core>, opened: Opened, late: Body) {
    let meaning = Reason::EndingUnrecorded.meaning();
    loop {
        tokio::time::sleep(BETWEEN_LATE_CLOSINGS).await;
        match core.lane.append(&late).await {
            Ok(_) => {
                core.metrics.settled(meaning.outcome);
                tracing::info!(transaction = %opened.id, "closed late, as interrupted");
                return;
            }
            Err(error) if passes(error) => {}
            Err(_) => return,
        }
    }
}

/// Writes down a call that is refused before it was opened, then answers it: at once, unless the
/// consumer does nothing but collect refusals.
pub async fn refuse(core: &Core, peer: &Peer, facts: Facts, refusal: Refusal, incoming: Incoming) {
    let Incoming {
        head,
        inlet,
        mut downlink,
        in_flight: _in_flight,
    } = incoming;
    // What it would have carried need not wait with it.
    drop((head, inlet));
    let meaning = refusal.reason.meaning();
    let entry = Body::Closed(v1::TransactionClosed {
        transaction_id: facts.id.as_bytes().to_vec(),
        connection: Some(counted_connection(core, &facts.call)),
        method: facts.call.method.clone(),
        outcome: record::outcome(meaning.outcome),
        grpc_status: u32::from(meaning.status),
        fault: record::fault(Some(meaning.fault)),
        reason: meaning.name.to_owned(),
        total_us: micros(facts.arrived.elapsed()),
        test: facts.call.test,
        refused_call: Some(Box::new(facts.call.clone())),
        ..v1::TransactionClosed::default()
    });
    // A flood of refusals must not take the journal from the calls that are carried. Refused it is
    // either way; that nobody can look it up later shows in the metric.
    let recorded = match core.refusals.try_acquire() {
        Ok(_turn) => core.lane.append(&entry).await.is_ok(),
        Err(_) => false,
    };
    if recorded {
        core.metrics.settled(meaning.outcome);
    } else {
        core.metrics.unrecorded.inc();
    }
    let parties = parties(facts.call.connection.as_ref());
    tracing::info!(
        transaction = %facts.id,
        consumer = parties.consumer,
        provider = parties.provider,
        service = parties.service,
        method = facts.call.method,
        reason = meaning.name,
        detail = refusal.detail,
        "refused"
    );
    let wait = peer.gate().refusal_wait(core.clock.now());
    let place = match wait.is_zero() {
        true => None,
        false => core.held_back.try_acquire().ok(),
    };
    let gone = match place {
        Some(_place) => {
            let held_back = downlink.unless_gone(tokio::time::sleep(wait));
            held_back.await.is_err()
        }
        None => downlink.is_gone().await,
    };
    if gone {
        peer.conduct.note_reset();
        return;
    }
    let finale = refusal_finale(&refusal, facts.id, parties);
    downlink.finish(finale, Instant::now()).await;
}

/// The connection that counters keep a refusal under. A service that nobody offers is a name that
/// the caller made up, and callers must not make up counters: the record alone repeats it.
fn counted_connection(core: &Core, call: &v1::Call) -> v1::Connection {
    let mut connection = call.connection.clone().unwrap_or_default();
    if !core.registry.load().offers(&connection.service) {
        connection.service.clear();
    }
    connection
}

/// Between whom a call was, by what is written down of its end.
fn parties_of(entry: &Body) -> Parties<'_> {
    match entry {
        Body::Closed(closed) => parties(closed.connection.as_ref()),
        _ => Parties::default(),
    }
}

fn finale(ending: &mut Ending, id: TransactionId, entry: &Body) -> Finale {
    if let Some(refusal) = &ending.refusal {
        return refusal_finale(refusal, id, parties_of(entry));
    }
    let mut finale = std::mem::replace(&mut ending.finale, Finale::Nothing);
    if let Some(fault) = ending.fault {
        match &mut finale {
            Finale::Trailers(trailers) => answer::insert_fault(trailers, fault),
            Finale::TrailersOnly(head) => answer::insert_fault(head.headers_mut(), fault),
            _ => {}
        }
    }
    finale
}

fn refusal_finale(refusal: &Refusal, id: TransactionId, parties: Parties<'_>) -> Finale {
    let mut trailers = answer::trailers(refusal, parties);
    if let Ok(id) = http::HeaderValue::try_from(id.to_string()) {
        trailers.insert(metadata::TRANSACTION_ID, id);
    }
    Finale::Refused(trailers)
}

fn note_settled(core: &Core, id: TransactionId, outcome: Outcome, entry: &Body) {
    core.metrics.settled(outcome);
    if let Body::Closed(closed) = entry {
        if outcome.is_transaction() {
            let added = closed.total_us.saturating_sub(closed.provider_us);
            let added = Duration::from_micros(added);
            core.metrics.added_latency.observe(added.as_secs_f64());
        }
        let parties = parties_of(entry);
        tracing::debug!(
            transaction = %id,
            consumer = parties.consumer,
            provider = parties.provider,
            service = parties.service,
            method = closed.method,
            outcome = closed.outcome().as_str_name(),
            grpc_status = closed.grpc_status,
            reason = closed.reason,
            request_bytes = closed.request_bytes,
            response_bytes = closed.response_bytes,
            total_us = closed.total_us,
            provider_us = closed.provider_us,
            retries = closed.retries,
            "settled"
        );
    }
}

fn reason_name(refusal: Option<&Refusal>) -> String {
    refusal.map_or_else(String::new, |refusal| {
        refusal.reason.meaning().name.to_owned()
    })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
