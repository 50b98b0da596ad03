//! Where the projection takes its entries from: a journal that is being written, one at rest,
//! or a list in a test.

use std::error::Error;
use std::time::Duration;

use ndxp_journal::{Follow, Reader};
use ndxp_model::Sequence;
use ndxp_proto::journal::v1::Entry;

use crate::state::Watermark;

/// The journal as a projection needs it.
pub trait Source: Send {
    /// The last durable entry; all zero when there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn position(&self) -> Result<Watermark, SourceError>;

    /// Waits until the position is behind `after`, or until the time is over. `false` when
    /// nothing will ever come: the journal is closed and ends there.
    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool;

    /// Every entry from `from` to `through`, both included, in order; openings may come without their
    /// calls, which nobody counts.
    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_>;
}

/// The journal could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be read: {0}")]
pub struct SourceError(#[source] Box<dyn Error + Send + Sync>);

impl SourceError {
    pub fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }
}

impl Source for Follow {
    fn position(&self) -> Result<Watermark, SourceError> {
        let position = Self::position(self);
        Ok(Watermark {
            sequence: position.sequence,
            at: position.at,
        })
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        self.beyond_blocking(after, timeout).is_some()
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        Source::entries(self.reader(), from, through)
    }
}

impl Source for Reader {
    fn position(&self) -> Result<Watermark, SourceError> {
        let position = Self::position(self).map_err(SourceError::new)?;
        Ok(Watermark {
            sequence: position.sequence,
            at: position.at,
        })
    }

    fn wait_beyond(&self, _after: Sequence, _timeout: Duration) -> bool {
        false
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        Box::new(Self::outlines(self, from, through).map(|entry| entry.map_err(SourceError::new)))
    }
}

/// A journal at rest, for tests within the crate.
#[cfg(test)]
impl Source for Vec<Entry> {
    fn position(&self) -> Result<Watermark, SourceError> {
        Ok(self
            .last()
            .map_or_else(Watermark::default, |entry| Watermark {
                sequence: Sequence::new(entry.sequence),
                at: ndxp_model::Instant::from_micros(entry.committed_at_us),
            }))
    }

    fn wait_beyond(&self, _after: Sequence, _timeout: Duration) -> bool {
        false
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let wanted = from.get()..=through.get();
        let found = self
            .iter()
            .filter(move |entry| wanted.contains(&entry.sequence));
        Box::new(found.cloned().map(Ok))
    }
}
