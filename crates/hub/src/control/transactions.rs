//! Reads settled transactions out of the journal a batch at a time. A closing tells what a
//! filter asks; the call stands in the opening, which mostly lies shortly before: openings that
//! went by are remembered, and one that did not is looked up.

use std::collections::BTreeMap;

use ndxp_journal::{ReadError, Reader};
use ndxp_model::{Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use super::filter::Filter;

/// Goes through the journal, remembering where it is.
pub struct TransactionScan {
    reader: Reader,
    filter: Filter,
    next: Sequence,
    openings: BTreeMap<u64, Opening>,
}

/// What the transaction's reader wants of an opening.
struct Opening {
    call: Option<v1::Call>,
    at_us: i64,
}

/// Entries read in one go: some milliseconds of one thread.
const BATCH_ENTRIES: u64 = 1_024;

/// Openings remembered for closings to come: at some 400 bytes, a few megabytes a scan.
const OPENINGS_MAX: usize = 4_096;

impl TransactionScan {
    #[must_use]
    pub fn new(reader: Reader, filter: Filter, from: Sequence) -> Self {
        Self {
            reader,
            filter,
            next: from.max(Sequence::NONE.next()),
            openings: BTreeMap::new(),
        }
    }

    /// Whether everything through this sequence has been read.
    #[must_use]
    pub fn is_beyond(&self, through: Sequence) -> bool {
        self.next > through
    }

    /// The next batch, no further than `through`; may be empty before the end.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn batch(&mut self, through: Sequence) -> Result<Vec<v1::Transaction>, ReadError> {
        let last = self.next.get().saturating_add(BATCH_ENTRIES - 1);
        let last = Sequence::new(last).min(through);
        let mut found = Vec::new();
        for entry in self.reader.entries(self.next, last) {
            let v1::Entry {
                sequence,
                committed_at_us,
                body,
            } = entry?;
            match body {
                Some(Body::Opened(opened)) => self.remember(sequence, committed_at_us, opened.call),
                Some(Body::Closed(closed)) => {
                    let opening = self.openings.remove(&closed.opened_sequence);
                    if self.filter.matches(&closed) {
                        found.push(self.settled(sequence, committed_at_us, closed, opening)?);
                    }
                }
                _ => {}
            }
        }
        self.next = last.next();
        Ok(found)
    }

    fn remember(&mut self, sequence: u64, at_us: i64, call: Option<v1::Call>) {
        if self.openings.len() >= OPENINGS_MAX {
            self.openings.pop_first();
        }
        self.openings.insert(sequence, Opening { call, at_us });
    }

    fn settled(
        &self,
        sequence: u64,
        at_us: i64,
        closed: v1::TransactionClosed,
        opening: Option<Opening>,
    ) -> Result<v1::Transaction, ReadError> {
        let opening = match opening {
            Some(opening) => opening,
            None => self.look_up(&closed)?,
        };
        Ok(v1::Transaction {
            transaction_id: TransactionId::from_slice(&closed.transaction_id)
                .map(|id| id.to_string())
                .unwrap_or_default(),
            call: opening.call,
            opened_sequence: closed.opened_sequence,
            opened_at_us: opening.at_us,
            closed_sequence: sequence,
            closed_at_us: at_us,
            closed: Some(closed),
        })
    }

    /// A refusal carries its call itself.
    fn look_up(&self, closed: &v1::TransactionClosed) -> Result<Opening, ReadError> {
        let sequence = Sequence::new(closed.opened_sequence);
        let entry = match sequence {
            Sequence::NONE => None,
            _ => self.reader.entries(sequence, sequence).next().transpose()?,
        };
        Ok(match entry {
            Some(v1::Entry {
                committed_at_us,
                body: Some(Body::Opened(opened)),
                ..
            }) => Opening {
                call: opened.call,
                at_us: committed_at_us,
            },
            _ => Opening {
                call: closed.refused_call.as_deref().cloned(),
                at_us: 0,
            },
        })
    }
}
