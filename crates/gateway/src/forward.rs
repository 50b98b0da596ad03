//! Forwarding: the call to the provider and its answer back, undecoded, with flow control end
//! to end, until one of the parties or the deadline ends it.

mod request;
mod status;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, Response};
use ndxp_http2::{Error, ResponseFuture};
use ndxp_model::{Connection, Fault, Outcome, Reason, Refusal, SystemId};
use ndxp_proto::journal::v1::Measure;
use tokio::time::{Instant, sleep_until};

use crate::cut::{Before, Cuts, UNWATCHED};
use crate::metadata;
use crate::meter::{Framing, FramingError, Meter};
use crate::stamp::Stamp;
use crate::stream::{ConsumerGone, Downlink, Finale, Outlet, RelayError, Uplink, UplinkError};
use crate::upstream::{DialError, Lease, Pool, Upstreams};

pub use status::grpc_status;
use status::{CANCELLED, status_of_reset};

/// Attempts after the first, and only where the provider cannot have seen the call.
const RETRIES_MAX: u32 = 2;
/// A consumer whose own timer fires breaks the call off a little before the hub's copy of that
/// timer does. A break-off this close to the deadline is the deadline.
const DEADLINE_SLACK: Duration = Duration::from_millis(50);

/// What forwarding needs to know of an opened call.
pub struct Passage<'a> {
    pub provider: &'a SystemId,
    pub pool: &'a Pool,
    pub head: &'a http::request::Parts,
    pub stamp: &'a Stamp,
    pub deadline: Instant,
    pub answer_message_bytes_max: u64,
    pub standing: Standing<'a>,
}

/// By what the call passed, and how it is asked whether it still would.
pub struct Standing<'a> {
    pub connection: &'a Connection,
    pub cuts: &'a Cuts,
    pub before: Before,
    pub permitted: &'a (dyn Fn() -> Result<(), Refusal> + Send + Sync),
}

/// How the call ended, and what the consumer is still to be sent.
#[derive(Debug)]
pub struct Ending {
    pub outcome: Outcome,
    pub status: u8,
    pub fault: Option<Fault>,
    pub refusal: Option<Refusal>,
    pub finale: Finale,
}

/// What was noticed on the way.
#[derive(Debug, Default)]
pub struct Noticed {
    pub measures: Vec<Measure>,
    pub retries: u32,
    /// When the first attempt went to a provider.
    pub provider_since: Option<Instant>,
}

enum Attempt {
    Ended(Ending),
    /// The provider cannot have seen the call.
    NotSeen(Ending, ConnectionState),
}

/// Whether the connection of an attempt takes further calls.
enum ConnectionState {
    Usable,
    Over,
}

/// Why an answer did not arrive whole.
enum Broken {
    ConsumerGone,
    Provider { error: Error, answering: bool },
}

impl From<ConsumerGone> for Broken {
    fn from(_: ConsumerGone) -> Self {
        Self::ConsumerGone
    }
}

/// Carries the call, repeating it where that is safe.
pub async fn forward(
    upstreams: &Upstreams,
    passage: &Passage<'_>,
    uplink: &mut Uplink<'_>,
    downlink: &mut Downlink,
    answer_meter: &mut Meter,
    noticed: &mut Noticed,
) -> Ending {
    let mut patience = std::pin::pin!(patience(passage));
    loop {
        let lease = match lease(upstreams, passage, patience.as_mut(), uplink, downlink).await {
            Ok(lease) => lease,
            Err(ending) => return ending,
        };
        noticed.provider_since.get_or_insert_with(Instant::now);
        let patience = patience.as_mut();
        let attempt = attempt(
            (&lease, passage),
            patience,
            uplink,
            downlink,
            answer_meter,
            noticed,
        );
        match attempt.await {
            Attempt::Ended(ending) => {
                note_health(&lease, &ending, downlink.is_behind());
                return ending;
            }
            Attempt::NotSeen(ending, state) => {
                match state {
                    ConnectionState::Over => lease.give_up_connection(),
                    // It is there, and takes nothing just now.
                    ConnectionState::Usable => lease.note_reset(),
                }
                if noticed.retries == RETRIES_MAX || !uplink.can_replay() {
                    return ending;
                }
                noticed.retries += 1;
            }
        }
    }
}

/// A place on a connection to the provider.
async fn lease(
    upstreams: &Upstreams,
    passage: &Passage<'_>,
    patience: Pin<&mut impl Future<Output = Ending>>,
    uplink: &mut Uplink<'_>,
    downlink: &mut Downlink,
) -> Result<Lease, Ending> {
    // An opening that waited for the disk may have used up the time.
    if Instant::now() >= passage.deadline {
        return Err(timed_out(passage));
    }
    // So may its consumer have gone; then the provider is spared a call that nobody awaits.
    if downlink.is_gone().await {
        return Err(consumer_gone(passage));
    }
    let mut leased = std::pin::pin!(upstreams.lease(passage.pool));
    let mut leased = std::pin::pin!(downlink.unless_gone(leased.as_mut()));
    let leased = uplink.inlet.while_waiting(leased.as_mut());
    tokio::select! {
        biased;
        leased = leased => match leased {
            Err(ConsumerGone) => Err(consumer_gone(passage)),
            Ok(Err(error)) => Err(not_reached(&error)),
            Ok(Ok(lease)) => Ok(lease),
        },
        ending = patience => Err(ending),
    }
}

/// What the ending of a call says of the endpoint. A refusal of the hub's own, a consumer that has
/// gone, or one that was behind with reading when the time was over, says nothing.
fn note_health(lease: &Lease, ending: &Ending, behind: bool) {
    match (ending.outcome, &ending.finale) {
        (Outcome::ProviderError, Finale::Reset(reason))
            if *reason != ndxp_http2::Reason::CANCEL =>
        {
            lease.note_reset();
        }
        (Outcome::Completed | Outcome::ProviderError, _) => lease.note_answer(),
        (Outcome::TimedOut, _) if !behind => lease.note_timeout(),
        (Outcome::Unreachable, _) => lease.note_lost(),
        _ => {}
    }
}

async fn attempt(
    (lease, passage): (&Lease, &Passage<'_>),
    mut patience: Pin<&mut impl Future<Output = Ending>>,
    uplink: &mut Uplink<'_>,
    downlink: &mut Downlink,
    answer_meter: &mut Meter,
    noticed: &mut Noticed,
) -> Attempt {
    let mut sender = lease.sender();
    let ready = downlink.unless_gone(poll_fn(|cx| sender.poll_ready(cx)));
    let ready = uplink.inlet.while_waiting(ready);
    let ready = tokio::select! {
        biased;
        ready = ready => ready,
        ending = &mut patience => return Attempt::Ended(ending),
    };
    match ready {
        Err(ConsumerGone) => return Attempt::Ended(consumer_gone(passage)),
        Ok(Err(error)) => return not_sent(&error),
        Ok(Ok(())) => {}
    }
    let ends_here = uplink.is_empty();
    let timeout = (metadata::GRPC_TIMEOUT, request::told_timeout(passage));
    let sent = sender.send_request(
        request::target(passage, lease),
        request::headers(passage, &timeout),
        ends_here,
    );
    let (answer, mut to_provider) = match sent {
        Ok((answer, stream)) => (answer, Outlet::new(stream)),
        Err(error) => return not_sent(&error),
    };

    let ended = {
        let mut answered = std::pin::pin!(receive(
            answer,
            lease,
            passage,
            downlink,
            (answer_meter, Framing::new(passage.answer_message_bytes_max)),
            &mut noticed.measures
        ));
        let mut sent = std::pin::pin!(uplink.pump(&mut to_provider));
        let mut sending = !ends_here;
        loop {
            tokio::select! {
                biased;
                answered = &mut answered => break judge(answered, passage),
                sent = &mut sent, if sending => match sent {
                    Ok(()) => sending = false,
                    Err(UplinkError::Consumer) => break Attempt::Ended(consumer_gone(passage)),
                    Err(UplinkError::Framing(error)) => break Attempt::Ended(framing(error)),
                },
                ending = &mut patience => break Attempt::Ended(ending),
            }
        }
    };
    if downlink.is_unanswered()
        && let Attempt::Ended(Ending {
            outcome: Outcome::Cancelled | Outcome::TimedOut,
            ..
        }) = ended
    {
        lease.break_off(to_provider);
    }
    ended
}

fn not_sent(error: &Error) -> Attempt {
    Attempt::NotSeen(unreachable(error.to_string()), ConnectionState::Over)
}

/// Waits until the hub ends the call: its deadline has passed, or it was cut.
async fn patience(passage: &Passage<'_>) -> Ending {
    let watched = Instant::now() + UNWATCHED;
    sleep_until(watched.min(passage.deadline)).await;
    // Apart, because few calls come to it, and all would keep room for it.
    Box::pin(watched_patience(passage)).await
}

async fn watched_patience(passage: &Passage<'_>) -> Ending {
    let Standing {
        connection,
        cuts,
        before,
        permitted,
    } = &passage.standing;
    tokio::select! {
        biased;
        () = sleep_until(passage.deadline) => timed_out(passage),
        refusal = cuts.wait(*before, connection, permitted) => refused(refusal),
    }
}

/// Passes the answer to the consumer up to, and without, its end.
async fn receive(
    answer: ResponseFuture,
    lease: &Lease,
    passage: &Passage<'_>,
    downlink: &mut Downlink,
    (meter, mut framing): (&mut Meter, Framing),
    measures: &mut Vec<Measure>,
) -> Result<Ending, Broken> {
    let broken = |answering| move |error| Broken::Provider { error, answering };
    let answer = downlink.unless_gone(answer).await?.map_err(broken(false))?;
    lease.note_alive();
    let (mut head, mut body) = answer.into_parts();
    let http_status = head.status;
    take_measures(
        measures,
        metadata::annotate_answer(&mut head.headers, passage.stamp),
    );
    if body.is_end_stream() {
        let status = grpc_status(&head.headers, http_status);
        return Ok(answered(
            status,
            Finale::TrailersOnly(Response::from_parts(head, ())),
        ));
    }
    downlink.begin(Response::from_parts(head, ()));
    let mut framed = true;
    let judge = |piece: &[u8]| match framing.pass(piece) {
        Err(error @ FramingError::MessageTooLarge { .. }) if framed => Err(error),
        // A provider that breaks the framing harms its own answer only; the bytes pass as they
        // are, and the consumer's gRPC library is the judge of them.
        passed => {
            framed &= passed.is_ok();
            Ok(())
        }
    };
    let relayed = downlink.relay(&mut body, judge, meter);
    match relayed.await {
        Ok(()) => {}
        Err(RelayError::Refused(error)) => return Ok(answer_too_large(error)),
        Err(RelayError::ConsumerGone) => return Err(Broken::ConsumerGone),
        Err(RelayError::Provider(error)) => return Err(broken(true)(error)),
    }
    let trailers = downlink
        .unless_gone(body.trailers())
        .await?
        .map_err(broken(true))?;
    downlink.measure_held(meter);
    Ok(match trailers {
        Some(mut trailers) => {
            take_measures(measures, metadata::take_answered(&mut trailers));
            answered(
                grpc_status(&trailers, http_status),
                Finale::Trailers(trailers),
            )
        }
        None => answered(
            grpc_status(&HeaderMap::new(), http_status),
            Finale::EndOfStream,
        ),
    })
}

/// A value stated later replaces one stated earlier: the provider knows best what it did.
fn take_measures(measures: &mut Vec<Measure>, stated: Vec<Measure>) {
    for measure in stated {
        match measures.iter_mut().find(|it| it.name == measure.name) {
            Some(known) => known.value = measure.value,
            None => measures.push(measure),
        }
    }
}

fn judge(answered: Result<Ending, Broken>, passage: &Passage<'_>) -> Attempt {
    let (error, answering) = match answered {
        Ok(ending) => return Attempt::Ended(ending),
        Err(Broken::ConsumerGone) => return Attempt::Ended(consumer_gone(passage)),
        Err(Broken::Provider { error, answering }) => (error, answering),
    };
    let reason = error.reason();
    if error.is_reset() && error.is_remote() {
        let reason = reason.unwrap_or(ndxp_http2::Reason::INTERNAL_ERROR);
        return match (reason, answering) {
            (ndxp_http2::Reason::REFUSED_STREAM, false) => {
                Attempt::NotSeen(reset_by_provider(reason), ConnectionState::Usable)
            }
            (reason, _) => Attempt::Ended(reset_by_provider(reason)),
        };
    }
    let ending = unreachable(format!("the provider broke off: {error}"));
    // A provider that shuts down in order names the last stream it has seen: those behind it
    // fail with this error, and the others finish.
    let shut_down =
        error.is_go_away() && error.is_remote() && reason == Some(ndxp_http2::Reason::NO_ERROR);
    if shut_down && !answering {
        Attempt::NotSeen(ending, ConnectionState::Over)
    } else {
        Attempt::Ended(ending)
    }
}

fn answered(status: u8, finale: Finale) -> Ending {
    let completed = status == 0;
    Ending {
        outcome: if completed {
            Outcome::Completed
        } else {
            Outcome::ProviderError
        },
        status,
        fault: (!completed).then_some(Fault::Provider),
        refusal: None,
        finale,
    }
}

fn reset_by_provider(reason: ndxp_http2::Reason) -> Ending {
    Ending {
        finale: Finale::Reset(reason),
        ..answered(status_of_reset(reason), Finale::Nothing)
    }
}

fn consumer_gone(passage: &Passage<'_>) -> Ending {
    if Instant::now() + DEADLINE_SLACK >= passage.deadline {
        return Ending {
            finale: Finale::Nothing,
            ..timed_out(passage)
        };
    }
    Ending {
        outcome: Outcome::Cancelled,
        status: CANCELLED,
        fault: Some(Fault::Consumer),
        refusal: None,
        finale: Finale::Nothing,
    }
}

fn timed_out(passage: &Passage<'_>) -> Ending {
    let detail = format!(
        "{} had not answered when the deadline passed",
        passage.provider
    );
    refused(Refusal::new(Reason::ProviderTimeout, detail))
}

fn unreachable(detail: String) -> Ending {
    refused(Refusal::new(Reason::ProviderUnreachable, detail))
}

fn not_reached(error: &DialError) -> Ending {
    let refusal = Refusal::new(Reason::ProviderUnreachable, error.to_string());
    refused(Refusal {
        retry_after: error.wait(),
        ..refusal
    })
}

fn framing(error: FramingError) -> Ending {
    let reason = match error {
        FramingError::MessageTooLarge { .. } => Reason::MessageTooLarge,
        FramingError::Truncated { .. } | FramingError::UnknownFlags { .. } => {
            Reason::MalformedRequest
        }
    };
    refused(Refusal::new(reason, error.to_string()))
}

/// What the provider announces is more than the hub carries: the answer stops here, before a
/// consumer makes room for it.
fn answer_too_large(error: FramingError) -> Ending {
    refused(Refusal::new(Reason::AnswerTooLarge, error.to_string()))
}

/// An ending of the hub's own making; the caller turns the refusal into trailers.
fn refused(refusal: Refusal) -> Ending {
    let meaning = refusal.reason.meaning();
    Ending {
        outcome: meaning.outcome,
        status: meaning.status,
        fault: Some(meaning.fault),
        refusal: Some(refusal),
        finale: Finale::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_measure_replaces_an_earlier_one() {
        let measure = |name: &str, value| Measure {
            name: name.to_owned(),
            value,
        };
        let mut measures = vec![measure("records", 1)];
        take_measures(
            &mut measures,
            vec![measure("records", 2), measure("amount_vnd", 3)],
        );
        assert_eq!(measures, [measure("records", 2), measure("amount_vnd", 3)]);
    }
}
