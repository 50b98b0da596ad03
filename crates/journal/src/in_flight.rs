//! Transactions that are open at some place in the journal, and settling those that a stop of
//! the hub has cut off.

use std::collections::HashMap;

use ndxp_model::{Outcome, Reason, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::error::SweepError;
use crate::{Append, Lane, Reader, from_fault, from_outcome};

/// Appends that the sweep keeps on their way at once: well below a lane's bounds.
const SWEEP_AT_ONCE_MAX: usize = 1024;

/// Fold: opened and not yet closed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct InFlight {
    opened: HashMap<TransactionId, Sequence>,
}

impl InFlight {
    /// Goes on from what was open at the place where the fold starts.
    #[must_use]
    pub fn new(seed: impl IntoIterator<Item = (TransactionId, Sequence)>) -> Self {
        Self {
            opened: seed.into_iter().collect(),
        }
    }

    /// Takes in the next entry. One whose transaction id is none opens and closes nothing.
    pub fn apply(&mut self, entry: &v1::Entry) {
        match &entry.body {
            Some(Body::Opened(opened)) => {
                if let Ok(id) = TransactionId::from_slice(&opened.transaction_id) {
                    self.opened.insert(id, Sequence::new(entry.sequence));
                }
            }
            Some(Body::Closed(closed)) => {
                if let Ok(id) = TransactionId::from_slice(&closed.transaction_id) {
                    self.opened.remove(&id);
                }
            }
            _ => {}
        }
    }

    /// What is open, in the order in which it was opened.
    pub fn open(&self) -> impl Iterator<Item = (TransactionId, Sequence)> + use<> {
        let mut open: Vec<_> = self.opened.iter().map(|(id, at)| (*id, *at)).collect();
        open.sort_unstable_by_key(|(_, sequence)| *sequence);
        open.into_iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.opened.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened.is_empty()
    }
}

/// Settles what is open as interrupted, durably; says how many. The lane's driver must be
/// running.
///
/// # Errors
/// When an opening cannot be read or is not where the fold says, and when the journal does not
/// take a closing. Those settled before the error stay settled.
pub async fn sweep(lane: &Lane, reader: &Reader, open: &InFlight) -> Result<u64, SweepError> {
    let open: Vec<_> = open.open().collect();
    let mut swept = 0;
    for some in open.chunks(SWEEP_AT_ONCE_MAX) {
        let appends = some
            .iter()
            .map(|&(id, sequence)| settle(lane, reader, id, sequence))
            .collect::<Result<Vec<_>, _>>()?;
        for append in appends {
            append.await?;
            swept += 1;
        }
    }
    Ok(swept)
}

fn settle(
    lane: &Lane,
    reader: &Reader,
    transaction: TransactionId,
    sequence: Sequence,
) -> Result<Append, SweepError> {
    let opening = reader.entries(sequence, sequence).next().transpose()?;
    let Some(Body::Opened(opened)) = opening.and_then(|entry| entry.body) else {
        return Err(SweepError::NotItsOpening {
            sequence,
            transaction,
        });
    };
    if opened.transaction_id != transaction.as_bytes() {
        return Err(SweepError::NotItsOpening {
            sequence,
            transaction,
        });
    }
    let call = opened.call.unwrap_or_default();
    let meaning = Reason::EndingUnrecorded.meaning();
    let closed = v1::TransactionClosed {
        transaction_id: opened.transaction_id,
        opened_sequence: sequence.get(),
        test: call.test,
        connection: call.connection,
        method: call.method,
        outcome: from_outcome(Outcome::Interrupted).into(),
        grpc_status: meaning.status.into(),
        fault: from_fault(Some(meaning.fault)).into(),
        reason: meaning.name.to_owned(),
        ..v1::TransactionClosed::default()
    };
    Ok(lane.append(&Body::Closed(closed)))
}
