//! A lane that ends in somebody's hands instead of at the writer: whoever holds them sees each entry
//! on its way and gives the answers. By it a simulation lets an entry be answered too early, and
//! shows that this does not go unseen; by it a bench leaves the journal out.

use std::sync::Arc;

use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;
use prost::Message as _;

use crate::AppendError;
use crate::format::BODY_BYTES_MAX;
use crate::lane::{Committed, Lane, LaneDriver, LaneShared, Pending};

/// The end of a lane. Dropped, what waits is never answered.
#[derive(Debug)]
pub struct Relay(Arc<LaneShared>);

/// An entry that waits for its answer.
#[derive(Debug)]
#[must_use = "its append waits until it is answered"]
pub struct Relayed {
    slot: u32,
    pub body: Body,
}

impl Relay {
    /// A lane, what wakes its appends, and its end.
    pub fn new() -> (Lane, LaneDriver, Self) {
        let lane = Arc::new(LaneShared::new(BODY_BYTES_MAX, None));
        // Nobody sleeps at this end: waking the thread that made it wakes nobody.
        let driver = lane.driver(std::thread::current());
        let handle = Lane::new(Arc::clone(&lane));
        (handle, driver, Self(lane))
    }

    /// What was appended since it was asked last, in order.
    ///
    /// # Panics
    /// Never: a lane encodes what is decoded here.
    pub fn take(&self) -> Vec<Relayed> {
        let mut pending = Pending::default();
        self.0.take_pending(&mut pending);
        let mut bodies = pending.bodies.as_slice();
        let relayed = pending.entries.iter().map(|entry| {
            let (body, rest) = bodies
                .split_at_checked(entry.bytes)
                .expect("a lane counts the bytes that it encodes");
            bodies = rest;
            let entry_body = v1::Entry::decode(body).ok().and_then(|entry| entry.body);
            Relayed {
                slot: entry.slot,
                body: entry_body.expect("a lane encodes the bodies of entries"),
            }
        });
        relayed.collect()
    }

    pub fn answer(&self, relayed: Relayed, answer: Result<Committed, AppendError>) {
        self.0.answer(std::iter::once((relayed.slot, answer)));
    }

    /// From now on every append is answered so at once: it is neither encoded nor seen here.
    pub fn answer_all(&self, answer: Result<Committed, AppendError>) {
        self.0.forego(answer);
    }
}
