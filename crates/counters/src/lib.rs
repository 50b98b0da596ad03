//! Counters: how many transactions, how large, how long, per connection, method, outcome, fault and
//! month and all time. A projection of the journal, kept in sled and rebuilt at need.
//!
//! Invariants, each with a test:
//!
//! - The watermark is written in the same round as the counts that it tells of, and a round as a
//!   whole or not at all: nothing is counted twice and nothing is left out, after any crash.
//! - An answer holds what is stored and what is counted behind it, up to one entry, and says which.
//! - What is over rests: the months and days of lines are files that are written once.
//! - Rows sum to the total; days add up to months; connections to the total of all.
//! - A store that is missing, damaged, of another time zone, version or journal is set aside
//!   and rebuilt. Nothing that cannot be read is skipped.
//! - No sum wraps: one that does not fit stops the projection, and health says so.
//! - `counters` does not know `gateway` or `registry`. It writes nothing but its own directory.
//!
//! The format is specified to the byte at the head of `home.rs`, `key.rs`, `value.rs`, `codec.rs`,
//! `past.rs` and `round.rs`.

// What is stored: numbers, and the keys and values that they become.
mod histogram;
mod line;

mod counter;
mod imported;
mod row;

mod key;
mod value;
mod varint;

mod columns;

mod codec;

// What the journal adds to it.
mod source;

mod delta;
mod hours;
mod ids;
mod state;

// Where it is stored, and whether that can be trusted.
mod home;

mod damage;
mod past;
mod round;
mod store;

mod merge;
mod view;

mod commit;

mod check;
mod opening;

// Who writes it, and who may read it meanwhile.
mod shared;

mod writer;

mod projection;

// What is only measured.
mod build;

#[doc(hidden)]
pub mod fuzz;

// What it answers.
mod dump;
mod read;

mod counts;
mod dimension;
mod names;

mod filter;
mod known;
mod lens;
mod nearest;
mod plan;
mod rows;
mod top;

mod query;

mod error;

#[cfg(test)]
mod sample;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use ndxp_baseline::Balances;
use ndxp_journal::Reader;
use ndxp_model::{Instant, Period, Sequence, TransactionId, Zone};
use ndxp_proto::statistics::v1;

pub use build::{Builder, Fold};
pub use counter::{Counter, Overflow};
pub use counts::{Absent, Counts};
pub use damage::{Damage, StoreError};
pub use delta::FoldError;
pub use dimension::Dimension;
pub use error::CountersError;
pub use filter::{DASH, Filter, Side};
pub use histogram::Histogram;
pub use home::HomeError;
pub use lens::{Lens, Seen, row_of_period};
pub use line::{Ending, Line};
pub use names::{NameSort, Names, NoNames};
pub use plan::HOURS_MAX;
pub use query::{Answer, CountQuery, Distinct};
pub use shared::Health;
pub use source::{Source, SourceError};
pub use state::Watermark;
pub use top::{Rank, Top, top};

use home::Home;
use key::LineId;
use projection::Projection;
use shared::{Shared, Stop};
use view::View;

/// A handle on the counters. When the last one goes without [`Counters::stop`], the projection
/// ends as it stands, and the next start checks the store.
#[derive(Clone)]
pub struct Counters {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    keeper: Mutex<Option<Keeper>>,
    /// Nobody follows the journal: a sequence that is not reached never will be.
    offline: bool,
}

/// Who holds the store.
enum Keeper {
    Thread(JoinHandle<()>),
    Offline(Box<Projection>),
}

impl Counters {
    /// Opens and checks the store, blocking, then follows the journal on a thread of its own.
    /// Until it has caught up, `progress` is told now and then how far it is and where the journal
    /// ends.
    ///
    /// # Errors
    /// When another process holds the directory, or it or the journal cannot be read.
    pub fn start(
        directory: impl AsRef<Path>,
        zone: Zone,
        journal: impl Source + 'static,
        progress: impl Fn(Sequence, Sequence) + Send + 'static,
    ) -> Result<Self, CountersError> {
        let projection = open(
            directory.as_ref(),
            zone,
            Box::new(journal),
            Box::new(progress),
        )?;
        let shared = Arc::clone(&projection.writer.shared);
        let thread = std::thread::Builder::new()
            .name("counters".to_owned())
            .spawn(move || projection.run())
            .map_err(CountersError::Thread)?;
        Ok(Self::new(shared, Keeper::Thread(thread)))
    }

    /// Opens the store of a hub that is stopped, catches up with the journal at rest, blocking,
    /// and answers from there. Writes to the directory as the hub would.
    ///
    /// # Errors
    /// As [`Counters::start`], and when the journal cannot be counted.
    pub fn open_offline(
        directory: impl AsRef<Path>,
        zone: Zone,
        reader: Reader,
        progress: impl Fn(Sequence, Sequence) + Send + 'static,
    ) -> Result<Self, CountersError> {
        let mut projection = open(
            directory.as_ref(),
            zone,
            Box::new(reader),
            Box::new(progress),
        )?;
        match projection.catch_up() {
            Ok(()) => {
                let shared = Arc::clone(&projection.writer.shared);
                Ok(Self::new(shared, Keeper::Offline(Box::new(projection))))
            }
            Err(error) => {
                projection.finish(Stop::Abandon);
                Err(error)
            }
        }
    }

    /// The last sequence that questions are answered from now.
    #[must_use]
    pub fn watermark(&self) -> Watermark {
        self.shared().notice().watermark
    }

    /// Waits until questions include the sequence, which is counted at once for it. One that the
    /// journal does not hold yet is waited for: bound the wait by a deadline.
    ///
    /// # Errors
    /// When the projection has failed or was stopped before.
    pub async fn reached(&self, sequence: Sequence) -> Result<Watermark, CountersError> {
        let mut notices = self.shared().notices();
        let _waiting = self.shared().wait();
        loop {
            let notice = notices.borrow_and_update().clone();
            let watermark = notice.watermark;
            match notice.health {
                _ if watermark.sequence >= sequence => return Ok(watermark),
                Health::Failed { reason } => return Err(CountersError::Failed { reason }),
                Health::Stopped => return Err(CountersError::Stopped),
                _ if self.inner.offline => {
                    let watermark = watermark.sequence;
                    return Err(CountersError::NotReached {
                        wanted: sequence,
                        watermark,
                    });
                }
                Health::Serving | Health::CatchingUp { .. } => {}
            }
            notices
                .changed()
                .await
                .map_err(|_| CountersError::Stopped)?;
        }
    }

    /// Answers a question. Reads the disk: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the period does not lie on whole hours, the rows are too many, or there is no sound
    /// store to ask.
    pub fn count(&self, query: &CountQuery, names: &dyn Names) -> Result<Answer, CountersError> {
        let shared = self.shared();
        shared.ask(|store| query::count(store, shared, query, names))
    }

    /// When the platform began: the commit time of the journal's first entry. `None` while it has
    /// none.
    ///
    /// # Errors
    /// When there is no store to ask.
    pub fn launched(&self) -> Result<Option<Instant>, CountersError> {
        self.shared().view(|view| view.pending.launched)
    }

    /// When each system first took part, as consumer or provider, in a transaction that was
    /// answered. Sorted by system.
    ///
    /// # Errors
    /// When there is no store to ask.
    pub fn first_transaction_of(&self) -> Result<Vec<(String, Instant)>, CountersError> {
        self.shared().view(|view| {
            let stored = view.store.state.first_transactions.iter();
            let firsts: BTreeMap<_, _> = stored.chain(&view.pending.first_transactions).collect();
            let firsts = firsts.into_iter();
            firsts
                .map(|(system, first)| (system.clone(), first.at()))
                .collect()
        })
    }

    /// What a previous platform counted, as of the watermark: at least what an earlier answer
    /// includes.
    ///
    /// # Errors
    /// When there is no store to ask.
    pub fn balances(&self) -> Result<Balances, CountersError> {
        self.shared().view(|view| view.balances())
    }

    /// The hour in which counting began, by its start; none while nothing is counted.
    ///
    /// # Errors
    /// When there is no store to ask.
    pub fn began(&self) -> Result<Option<Instant>, CountersError> {
        self.shared().view(|view| view.pending.began)
    }

    /// The transactions that were opened and not closed as of the watermark, by sequence.
    ///
    /// # Errors
    /// When there is no store to ask.
    pub fn open_transactions(
        &self,
    ) -> Result<(Sequence, Vec<(TransactionId, Sequence)>), CountersError> {
        self.shared().view(|view| {
            let pending = view.pending;
            let stored = view.store.state.open.iter();
            let stored = stored.filter(|(sequence, _)| !pending.settled.contains(sequence));
            let open = stored.chain(&pending.opened);
            let open = open.map(|(sequence, id)| (*id, *sequence)).collect();
            (view.watermark().sequence, open)
        })
    }

    /// Visits every counter: by size of bucket, the total before the lines. No round is written
    /// meanwhile, so the visitor must not dawdle, and must not ask the counters again.
    ///
    /// # Errors
    /// When there is no sound store to ask.
    pub fn dump(&self, visit: &mut dyn FnMut(v1::Counter)) -> Result<Watermark, CountersError> {
        self.dump_within(None, visit)
    }

    /// The same, only of counters whose bucket lies within the period.
    ///
    /// # Errors
    /// As [`Counters::dump`].
    pub fn dump_within(
        &self,
        within: Option<Period>,
        visit: &mut dyn FnMut(v1::Counter),
    ) -> Result<Watermark, CountersError> {
        let shared = self.shared();
        shared.ask(|store| {
            let ids: Vec<LineId> = store.state.lines().map(|(id, _)| id).collect();
            let pending = shared.excerpt(store, Some(ids));
            dump::dump(&View::new(store, &pending), within, visit)?;
            Ok(pending.watermark)
        })
    }

    #[must_use]
    pub fn health(&self) -> Health {
        self.shared().notice().health
    }

    /// Writes everything that is counted to disk and seals it. Blocks; a second call
    /// does nothing. Later questions are answered with an error.
    pub fn stop(&self) {
        self.inner.end(Stop::Clean);
    }

    fn new(shared: Arc<Shared>, keeper: Keeper) -> Self {
        let offline = matches!(keeper, Keeper::Offline(_));
        Self {
            inner: Arc::new(Inner {
                shared,
                keeper: Mutex::new(Some(keeper)),
                offline,
            }),
        }
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }
}

impl Inner {
    fn end(&self, stop: Stop) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        match keeper.take() {
            Some(Keeper::Thread(thread)) => {
                self.shared.request_stop(stop);
                // The thread tells its own failures, and catches its panics.
                let _ = thread.join();
            }
            Some(Keeper::Offline(projection)) => projection.finish(Stop::Clean),
            None => {}
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end(Stop::Abandon);
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters")
            .field("notice", &self.shared().notice())
            .finish_non_exhaustive()
    }
}

fn open(
    directory: &Path,
    zone: Zone,
    source: Box<dyn Source>,
    progress: writer::Progress,
) -> Result<Projection, CountersError> {
    let home = Home::claim(directory)?;
    let store = opening::open(&home, &zone, &*source)?;
    let (done, end) = (store.state.watermark.sequence, source.position()?.sequence);
    let shared = Arc::new(Shared::new(zone, store, Health::CatchingUp { done, end }));
    Ok(Projection::new(shared, home, source, end, progress))
}
