//! The hot pieces of a call, one by one: looking up its way, measuring its messages, encoding its
//! two entries, counting them. The same numbers make the same calls, so that what one version costs
//! can be held against what another does. Measured as seconds by `benches/`, as instructions by
//! `examples/counted.rs`.

mod calls;
mod country;

use ndxp_counters::Fold;
use ndxp_journal::{Append, Lane, Relay};
use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::Entry;
use ndxp_proto::journal::v1::entry::Body;

pub use calls::{closed, entry, measured, message, opened};
pub use country::Country;

/// Everything that a call passes, without sockets, disk, threads or clock.
pub struct Workload {
    country: Country,
    lane: Lane,
    relay: Relay,
    fold: Fold,
    message: Vec<u8>,
    sequence: u64,
}

/// What is sent both ways.
const MESSAGE_BYTES: u32 = 256;

impl Workload {
    /// # Errors
    /// When the country cannot be registered.
    pub fn new() -> anyhow::Result<Self> {
        let (lane, _driver, relay) = Relay::new();
        Ok(Self {
            country: Country::new()?,
            lane,
            relay,
            fold: Fold::new(Zone::viet_nam()),
            message: message(MESSAGE_BYTES),
            sequence: 0,
        })
    }

    /// Passes one call from its look-up to its counting.
    ///
    /// # Errors
    /// When a piece refuses it: then what is measured is not what was meant.
    pub fn call(&mut self, number: u64) -> anyhow::Result<()> {
        let now = self.now();
        let route = self.country.look_up(number, now)?;
        let request = measured(&self.message)?;
        let response = measured(&self.message)?;
        let opening = self.append(opened(number, now, &route));
        let closing = self.append(closed(number, opening, &route, (request, response)));
        anyhow::ensure!(closing == opening + 1, "entries follow each other");
        let relayed = self.relay.take();
        anyhow::ensure!(relayed.len() == 2, "a call has two entries");
        for (sequence, relayed) in (opening..).zip(relayed) {
            let entry: Entry = entry(sequence, self.now(), relayed.body);
            self.fold.fold(&entry)?;
        }
        Ok(())
    }

    /// How far the counting is: entries.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.fold.counted()
    }

    fn append(&mut self, body: Body) -> u64 {
        self.sequence += 1;
        // Nobody waits for it; it is taken out on the other side.
        let _on_its_way: Append = self.lane.append(&body);
        self.sequence
    }

    fn now(&self) -> Instant {
        calls::at(self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_looked_up_written_and_counted() {
        let mut workload = Workload::new().unwrap();
        for number in 0..500 {
            workload.call(number).unwrap();
        }
        assert_eq!(workload.counted(), 500);
    }
}
