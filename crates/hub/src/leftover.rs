//! What the last stop left open: transactions that were opened and never settled. They are
//! settled as interrupted, once, behind the calls that the hub already carries again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ndxp_counters::{Counters, CountersError};
use ndxp_journal::{AppendError, InFlight, Journal, Lane, ReadError, Reader, SweepError, sweep};
use ndxp_model::Sequence;

use crate::telemetry::Fitness;

/// Between two tries to settle what was left open.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(5);

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

    /// Settles them in the background and says so. A full disk is waited for.
    pub async fn settle(mut self, journal: Journal, lane: Lane, fitness: Arc<Fitness>) {
        let reader = journal.reader();
        loop {
            let through = journal.position().sequence;
            let folding = tokio::task::spawn_blocking({
                let reader = reader.clone();
                move || self.folded(&reader, through)
            });
            self = match folding.await {
                Ok(Ok(folded)) => folded,
                Ok(Err(error)) => return unreadable(&error),
                Err(error) => return unreadable(&error),
            };
            match sweep(&lane, &reader, &self.open).await {
                Ok(swept) => {
                    tracing::info!(swept, "transactions left open by the last stop are settled");
                    fitness.swept.store(true, Ordering::Relaxed);
                    return;
                }
                Err(SweepError::Append(AppendError::OutOfSpace | AppendError::Overloaded)) => {
                    tracing::warn!("what the last stop left open waits for the journal");
                    tokio::time::sleep(BETWEEN_SWEEPS).await;
                }
                Err(error) => {
                    tracing::error!(%error, "what the last stop left open stays open");
                    return;
                }
            }
        }
    }

    /// Folds on to a sequence: to where this start began at first, later over what a sweep has
    /// closed. What was opened since this start began is not leftover.
    fn folded(mut self, reader: &Reader, through: Sequence) -> Result<Self, ReadError> {
        for entry in reader.entries(self.known_through.next(), through) {
            self.open.apply(&entry?);
        }
        let end = self.end;
        self.open = InFlight::new(self.open.open().filter(|(_, opened)| *opened <= end));
        self.known_through = through;
        Ok(self)
    }
}

fn unreadable(error: &dyn std::fmt::Display) {
    tracing::error!(%error, "what the last stop left open cannot be read");
}
