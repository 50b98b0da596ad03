//! What the last stop left open: transactions that were opened and never settled. They are
//! settled as interrupted, once, behind the calls that the hub already carries again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ndxp_counters::{Counters, CountersError};
use ndxp_journal::{InFlight, Journal, Lane, ReadError, sweep};
use ndxp_model::Sequence;

use crate::telemetry::Fitness;

/// Open transactions as of a sequence, to be folded on to where this start began.
pub struct Leftover {
    known_through: Sequence,
    open: InFlight,
    end: Sequence,
}

impl Leftover {
    /// Takes the counters' set of open transactions, which is as of their watermark. To be
    /// called before anything new is opened.
    ///
    /// # Errors
    /// When the counters' store cannot be read.
    pub fn find(counters: &Counters, journal: &Journal) -> Result<Self, CountersError> {
        let end = journal.position().sequence;
        let (known_through, open) = counters.open_transactions()?;
        Ok(Self {
            known_through,
            open: InFlight::new(open),
            end,
        })
    }

    /// Settles them in the background and says so.
    pub async fn settle(self, journal: Journal, lane: Lane, fitness: Arc<Fitness>) {
        let reader = journal.reader();
        let folded = tokio::task::spawn_blocking({
            let reader = reader.clone();
            move || self.fold(&reader)
        });
        let open = match folded.await {
            Ok(Ok(open)) => open,
            Ok(Err(error)) => {
                tracing::error!(%error, "what the last stop left open cannot be read");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "what the last stop left open cannot be read");
                return;
            }
        };
        match sweep(&lane, &reader, &open).await {
            Ok(swept) => {
                tracing::info!(swept, "transactions left open by the last stop are settled");
                fitness.swept.store(true, Ordering::Relaxed);
            }
            Err(error) => tracing::error!(%error, "what the last stop left open stays open"),
        }
    }

    fn fold(mut self, reader: &ndxp_journal::Reader) -> Result<InFlight, ReadError> {
        for entry in reader.entries(self.known_through.next(), self.end) {
            self.open.apply(&entry?);
        }
        Ok(self.open)
    }
}
