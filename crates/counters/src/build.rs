//! Builds a store of years in minutes, for measuring what it weighs and how fast it answers: takes
//! in sums of hours instead of entries, and merges them as the projection does. No journal
//! backs such a store; nothing but `ndxp bench` makes one.

use std::collections::BTreeMap;
use std::path::Path;

use ndxp_model::{Instant, Sequence, Zone};
use ndxp_proto::journal::v1::Entry;

use crate::counter::Counter;
use crate::delta::{Delta, FoldError};
use crate::error::CountersError;
use crate::home::Home;
use crate::key::LineId;
use crate::line::{Ending, Line};
use crate::state::{State, Watermark};
use crate::store::Store;

/// The fold alone, without a store: what it costs to take an entry in.
#[derive(Debug)]
pub struct Fold {
    state: State,
    delta: Delta,
    zone: Zone,
}

impl Fold {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        let state = State::default();
        Self {
            delta: Delta::behind(&state),
            state,
            zone,
        }
    }

    /// Takes in the next entry, from the first one on.
    ///
    /// # Errors
    /// As the projection: when the entry is not the next one, or cannot be understood.
    pub fn fold(&mut self, entry: &Entry) -> Result<(), FoldError> {
        self.delta.fold(&self.state, &self.zone, entry)
    }

    /// Closings so far.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.delta.counted
    }
}

/// A store being built.
#[derive(Debug)]
pub struct Builder {
    home: Home,
    store: Store,
    delta: Delta,
    /// What lines count until the total is told.
    total: BTreeMap<(Instant, Ending), Counter>,
}

impl Builder {
    /// Begins in a directory that holds nothing yet.
    ///
    /// # Errors
    /// When another process holds it, or sled cannot work.
    pub fn begin(directory: &Path, zone: &Zone) -> Result<Self, CountersError> {
        let home = Home::claim(directory)?;
        let store = Store::open(home.directory(), zone)?;
        let delta = Delta::behind(&store.state);
        Ok(Self {
            home,
            store,
            delta,
            total: BTreeMap::new(),
        })
    }

    /// Adds what one line counted in the hour that begins then. The hours of a line go forwards, and
    /// none lies behind the month, or where days are to be kept the day, of the next [`Builder::apply`].
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
        let state = &self.store.state;
        let (first_sequence, last_sequence) =
            self.delta.add_hour(state, line, hour, ending, counter)?;
        let counter = Counter {
            first_sequence,
            last_sequence,
            ..counter.clone()
        };
        let total = self.total.entry((hour, ending)).or_default();
        Ok(total.merge(&counter)?)
    }

    /// Makes what was added part of the store, as of the journal's time.
    ///
    /// # Errors
    /// As [`Builder::begin`], and when a sum does not fit.
    pub fn apply(&mut self, at: Instant) -> Result<Watermark, CountersError> {
        self.store.lay_to_rest(at)?;
        for ((hour, ending), counter) in std::mem::take(&mut self.total) {
            self.delta.add(LineId::TOTAL, hour, ending, &counter)?;
        }
        let mut delta = std::mem::take(&mut self.delta);
        let sequence = Sequence::new(delta.counted);
        delta.watermark = Watermark { sequence, at };
        self.store.take_in(delta)?;
        self.store.prune()?;
        self.delta = Delta::behind(&self.store.state);
        Ok(self.store.state.watermark)
    }

    /// Bytes of all keys and values of the store, without what sled adds.
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
        self.store.close()?;
        Ok(self.home.sync_store()?)
    }
}
