//! Bugs that are seeded on purpose, each at a seam: a part that is put around the production part and
//! misbehaves. None of them is known to the code that it wraps.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ndxp_counters::{Source, SourceError, Watermark};
use ndxp_journal::{Committed, Disk, DiskFile, DiskLock, Follow, InFlight, Journal, Lane, Relay};
use ndxp_model::Sequence;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, HubStopped, Outcome, TransactionClosed};
use ndxp_sim_disk::SimDisk;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mutation {
    /// None: the seam of the next two alone, to show that it is not what they are caught by.
    HonestRelay,
    ForwardBeforeTheOpeningIsDurable,
    SettleAfterTheTrailers,
    AcknowledgeBeforeSync,
    ForgetTheWatermark,
    CountOnOpen,
    SweepForgetsATransaction,
}

/// The disk, or one that says that it has synced a file and has not.
pub fn disk(mutation: Option<Mutation>, disk: &SimDisk) -> Arc<dyn Disk> {
    match mutation {
        Some(Mutation::AcknowledgeBeforeSync) => Arc::new(LyingDisk(disk.clone())),
        _ => Arc::new(disk.clone()),
    }
}

/// The gateway's way into the journal: the journal's own, or one that is answered by a relay.
pub fn lane(mutation: Option<Mutation>, journal: &Journal, own: &Lane) -> Lane {
    let early: fn(&Body) -> bool = match mutation {
        Some(Mutation::HonestRelay) => |_| false,
        Some(Mutation::ForwardBeforeTheOpeningIsDurable) => |body| matches!(body, Body::Opened(_)),
        Some(Mutation::SettleAfterTheTrailers) => |body| matches!(body, Body::Closed(_)),
        _ => return own.clone(),
    };
    let (lane, driver, relay) = Relay::new();
    tokio::spawn(driver);
    tokio::spawn(pass_on(
        Arc::new(relay),
        own.clone(),
        journal.clone(),
        early,
    ));
    lane
}

/// What the counters follow.
pub fn source(mutation: Option<Mutation>, follow: Follow, twice: Sequence) -> Box<dyn Source> {
    match mutation {
        Some(Mutation::ForgetTheWatermark) => Box::new(Again { follow, twice }),
        Some(Mutation::CountOnOpen) => Box::new(Openings(follow)),
        _ => Box::new(follow),
    }
}

/// Whether what the counters say is open may be relied on.
pub const fn spoils_the_counters(mutation: Option<Mutation>) -> bool {
    matches!(
        mutation,
        Some(Mutation::ForgetTheWatermark | Mutation::CountOnOpen)
    )
}

/// What a start finds open, or all of it but one.
pub fn leftover(mutation: Option<Mutation>, open: InFlight) -> InFlight {
    match mutation {
        Some(Mutation::SweepForgetsATransaction) => InFlight::new(open.open().skip(1)),
        _ => open,
    }
}

async fn pass_on(relay: Arc<Relay>, lane: Lane, journal: Journal, early: fn(&Body) -> bool) {
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        for relayed in relay.take() {
            let append = lane.append(&relayed.body);
            if early(&relayed.body) {
                let last = journal.position();
                let guessed = Committed {
                    sequence: last.sequence.next(),
                    at: last.at,
                };
                relay.answer(relayed, Ok(guessed));
                drop(append);
                continue;
            }
            let relay = Arc::clone(&relay);
            tokio::spawn(async move {
                let answer = append.await;
                relay.answer(relayed, answer);
            });
        }
    }
}

/// Its syncs of files do nothing.
#[derive(Debug)]
struct LyingDisk(SimDisk);

#[derive(Debug)]
struct LyingFile(Arc<dyn DiskFile>);

impl Disk for LyingDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        self.0.create_directory(directory)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.0.lock(file)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.0.list(directory)
    }

    fn create(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(LyingFile(self.0.create(file)?)))
    }

    fn open(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(file)
    }

    fn open_to_write(&self, file: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(LyingFile(self.0.open_to_write(file)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        self.0.remove(file)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.0.sync_directory(directory)
    }
}

impl DiskFile for LyingFile {
    fn bytes(&self) -> io::Result<u64> {
        self.0.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.0.set_bytes(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A call counts when it is opened, as if it were completed, and not when it is closed.
struct Openings(Follow);

impl Source for Openings {
    fn position(&self) -> Result<Watermark, SourceError> {
        Source::position(&self.0)
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        self.0.wait_beyond(after, timeout)
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let counted = |entry: Entry| {
            let body = match entry.body {
                Some(Body::Opened(opened)) => {
                    let call = opened.call.unwrap_or_default();
                    Some(Body::Closed(TransactionClosed {
                        transaction_id: opened.transaction_id,
                        connection: call.connection,
                        method: call.method,
                        test: call.test,
                        outcome: Outcome::Completed.into(),
                        ..TransactionClosed::default()
                    }))
                }
                Some(Body::Closed(closed)) if closed.opened_sequence > 0 => {
                    Some(Body::HubStopped(HubStopped::default()))
                }
                other => other,
            };
            Entry { body, ..entry }
        };
        let entries = Source::entries(&self.0, from, through);
        Box::new(entries.map(move |entry| entry.map(counted)))
    }
}

/// After the first restart all that was counted comes once more, under new numbers: what happens
/// when nobody remembers how far the counting had come.
struct Again {
    follow: Follow,
    /// How much of the journal comes twice.
    twice: Sequence,
}

impl Again {
    /// Where the second time begins.
    fn shift(&self) -> u64 {
        self.twice.get()
    }

    /// When it begins: time must not run back there, or the counters would stand still.
    fn since(&self) -> i64 {
        let last = self.follow.reader().entries(self.twice, self.twice).next();
        last.map_or(i64::MIN, |last| last.unwrap().committed_at_us)
    }
}

impl Source for Again {
    fn position(&self) -> Result<Watermark, SourceError> {
        let position = Source::position(&self.follow)?;
        Ok(Watermark {
            sequence: Sequence::new(position.sequence.get() + self.shift()),
            at: position.at,
        })
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        let after = Sequence::new(after.get().saturating_sub(self.shift()));
        self.follow.wait_beyond(after, timeout)
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let shift = self.shift();
        let at = |sequence: u64| Sequence::new(sequence);
        let first = Source::entries(&self.follow, from, at(through.get().min(shift)));
        let again = Source::entries(
            &self.follow,
            at(from.get().saturating_sub(shift).max(1)),
            at(through.get().saturating_sub(shift)),
        );
        let since = self.since();
        Box::new(first.chain(again.map(move |entry| {
            entry.map(|mut entry| {
                entry.sequence += shift;
                entry.committed_at_us = entry.committed_at_us.max(since);
                entry
            })
        })))
    }
}
