//! Builds a store of years in minutes, for measuring what it weighs and how fast it answers: takes
//! in sums of hours instead of entries, and merges them as the projection does. No journal
//! backs such a store; nothing but `ndxp bench` makes one.

use std::collections::HashMap;
use std::path::Path;

use ndxp_model::{Instant, Sequence, Zone};

use crate::counter::Counter;
use crate::delta::{Delta, HourKey};
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
    /// Hours of the total that no batch has written yet.
    total: HashMap<HourKey, Counter>,
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
            total: HashMap::new(),
        })
    }

    /// Adds what one line counted in the hour that begins then. The hours of a line go forwards from
    /// batch to batch, and those of all lines from total to total.
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

    /// Makes what was added of lines one batch, as of the journal's time.
    ///
    /// # Errors
    /// As [`Builder::begin`], and when a sum does not fit.
    pub fn apply(&mut self, at: Instant) -> Result<Watermark, CountersError> {
        self.delta.exchange_total(&mut self.total, false);
        self.write(at)
    }

    /// Brings the total up to the lines.
    ///
    /// # Errors
    /// As [`Builder::apply`].
    pub fn apply_total(&mut self, at: Instant) -> Result<Watermark, CountersError> {
        self.delta.exchange_total(&mut self.total, true);
        self.write(at)
    }

    fn write(&mut self, at: Instant) -> Result<Watermark, CountersError> {
        let mut delta = std::mem::replace(&mut self.delta, Delta::behind(&self.store.state));
        let sequence = Sequence::new(delta.counted);
        delta.watermark = Watermark { sequence, at };
        let prepared = self.store.prepare(delta)?;
        self.store.commit(prepared)?;
        // sled uses the room of what is gone only once it was flushed, as the writer does.
        self.store.flush()?;
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
