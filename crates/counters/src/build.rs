//! Builds a store of years in minutes, for measuring what it weighs and how fast it answers: takes
//! in sums of hours instead of entries, and merges them as the projection does. No journal
//! backs such a store; nothing but `ndxp bench` makes one.

use std::path::Path;

use ndxp_model::{Instant, Sequence, Zone};

use crate::counter::Counter;
use crate::delta::Delta;
use crate::error::CountersError;
use crate::home::Home;
use crate::line::{Ending, Line};
use crate::state::Watermark;
use crate::store::Store;

/// A store being built.
#[derive(Debug)]
pub struct Builder {
    _home: Home,
    store: Store,
    delta: Delta,
}

impl Builder {
    /// Begins in a directory that holds nothing yet.
    ///
    /// # Errors
    /// When another process holds it, or sled cannot work.
    pub fn begin(directory: &Path, zone: &Zone) -> Result<Self, CountersError> {
        let home = Home::claim(directory)?;
        let store = Store::open(&home.store(), zone)?;
        let delta = Delta::behind(&store.state);
        Ok(Self {
            _home: home,
            store,
            delta,
        })
    }

    /// Adds what one line counted in the hour that begins then. Hours go forwards from batch to
    /// batch.
    ///
    /// # Errors
    /// When a sum does not fit, or there are too many lines.
    pub fn add(
        &mut self,
        line: &Line,
        hour: Instant,
        ending: Ending,
        counter: &Counter,
    ) -> Result<(), CountersError> {
        Ok(self
            .delta
            .add_hour(&self.store.state, line, hour, ending, counter)?)
    }

    /// Makes what was added one batch, as of the journal's time.
    ///
    /// # Errors
    /// As [`Builder::begin`], and when a sum does not fit.
    pub fn apply(&mut self, at: Instant) -> Result<Watermark, CountersError> {
        let mut delta = std::mem::replace(&mut self.delta, Delta::behind(&self.store.state));
        let sequence = Sequence::new(delta.counted);
        delta.watermark = Watermark { sequence, at };
        let prepared = self.store.prepare(delta)?;
        self.store.commit(prepared)?;
        self.delta = Delta::behind(&self.store.state);
        Ok(self.store.state.watermark)
    }

    /// Bytes of all keys and values, without what sled adds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn raw_bytes(&self) -> Result<u64, CountersError> {
        let mut bytes = 0_u64;
        self.store.scan(|key, value| {
            let pair = key.encode().len() + value.len();
            bytes += u64::try_from(pair).unwrap_or(u64::MAX);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Hands everything to the operating system, and closes the store.
    ///
    /// # Errors
    /// When sled cannot write.
    pub fn finish(self) -> Result<(), CountersError> {
        self.store.flush()?;
        Ok(self.store.close()?)
    }
}
