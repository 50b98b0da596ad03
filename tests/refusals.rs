//! Every refusal of design section 3, each with its status, its reason, its fault and its parties,
//! as the consumer is told and as the journal says afterwards.

mod permission;

mod form;
mod smuggling;

mod capacity;

mod registered;

use bytes::Bytes;

use registered::Registered;

use crate::support::call::Call;
use crate::support::consumer::Consumer;
use crate::support::refusal::{Refusal, check, check_journaled};

/// The answer is a refusal for this reason, says this among others, and is journaled.
async fn refused(
    world: &Registered,
    consumer: &Consumer,
    (call, body): (&Call, Bytes),
    (reason, says): (&str, &str),
    parties: [&str; 3],
) -> Refusal {
    let answer = consumer.call(call, body).await;
    let refusal = check(&answer, reason, parties);
    let said = &refusal.status.message;
    assert!(
        said.contains(says),
        "{reason} does not say {says:?}: {said}"
    );
    check_journaled(
        &world.hub.settled(answer.transaction_id()).await,
        reason,
        parties,
    );
    refusal
}
