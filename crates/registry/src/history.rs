//! The registry's history: what stood at an instant is the fold of a prefix of the journal.

use ndxp_journal::{Kind, ReadError, Reader};
use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::Entry;

use crate::fold::{FoldError, Registry};

/// Why the registry could not be folded from the journal.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Fold(#[from] FoldError),
    #[error(
        "the registry was folded through entry {watermark}, and the journal ends at {end}: they \
         are not of the same hub, or the journal lost its end; remove the registry's checkpoint"
    )]
    BeyondJournal { watermark: Sequence, end: Sequence },
}

/// The registry as it stood at the instant: every entry that was committed before it. `None`
/// takes the whole journal.
///
/// # Errors
/// When the journal cannot be read or folded.
pub fn registry_at(reader: &Reader, at: Option<Instant>) -> Result<Registry, HistoryError> {
    Registry::empty().as_of(reader, at)
}

impl Registry {
    /// As [`registry_at`], beginning at this registry where that is right: when nothing changed
    /// between the instant and its watermark. A present registry answers for the recent past
    /// without a fold of the whole journal.
    ///
    /// # Errors
    /// When the journal cannot be read or folded, or ends before the watermark.
    pub fn as_of(&self, reader: &Reader, at: Option<Instant>) -> Result<Self, HistoryError> {
        let end = reader.position()?.sequence;
        let watermark = self.watermark();
        if watermark > end {
            return Err(HistoryError::BeyondJournal { watermark, end });
        }
        let first_after = match at {
            Some(at) => reader.first_at_or_after(at)?,
            None => None,
        };
        let through = first_after.map_or(end, |first| Sequence::new(first.get().saturating_sub(1)));
        let mut registry = self.back_at(through).unwrap_or_else(Self::empty);
        registry.catch_up(reader, through)?;
        Ok(registry)
    }

    /// Folds what the journal holds behind the watermark, through the sequence.
    ///
    /// # Errors
    /// When the journal cannot be read or folded, or ends before the watermark.
    pub fn catch_up(&mut self, reader: &Reader, through: Sequence) -> Result<(), HistoryError> {
        let end = reader.position()?.sequence;
        let watermark = self.watermark();
        if watermark > end {
            return Err(HistoryError::BeyondJournal { watermark, end });
        }
        let from = watermark.next();
        if through < from {
            return Ok(());
        }
        let changes = reader.entries_of(Kind::RegistryChanged, from, through);
        let handshakes = reader.entries_of(Kind::SystemConnected, from, through);
        self.fold_merged(changes, handshakes)?;
        self.advance(through.min(end));
        Ok(())
    }

    /// Folds two ordered runs of entries in their common order.
    fn fold_merged(
        &mut self,
        changes: impl Iterator<Item = Result<Entry, ReadError>>,
        handshakes: impl Iterator<Item = Result<Entry, ReadError>>,
    ) -> Result<(), HistoryError> {
        let mut changes = changes.peekable();
        let mut handshakes = handshakes.peekable();
        loop {
            let change_is_next = match (changes.peek(), handshakes.peek()) {
                (Some(Ok(change)), Some(Ok(handshake))) => change.sequence < handshake.sequence,
                (Some(_), _) => true,
                (None, Some(_)) => false,
                (None, None) => return Ok(()),
            };
            let next = if change_is_next {
                changes.next()
            } else {
                handshakes.next()
            };
            if let Some(entry) = next {
                self.apply(&entry?)?;
            }
        }
    }
}

#[cfg(test)]
mod tests;
