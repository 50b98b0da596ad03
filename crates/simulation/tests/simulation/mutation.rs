//! Bugs that are seeded on purpose, each at a seam: a part that is put around the production part and
//! misbehaves. None of them is known to the code that it wraps.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use ndxp_counters::{Source, SourceError, Watermark};
use ndxp_journal::{
    AppendError, Committed, Disk, DiskFile, DiskLock, Follow, InFlight, Journal, Lane, ReadError,
    Relay, Relayed,
};
use ndxp_model::Sequence;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, HubStopped, Outcome, TransactionClosed};
use ndxp_registry::Registry;
use ndxp_sim_disk::SimDisk;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mutation {
    /// None: the seam of the next four alone, to show that it is not what they are caught by.
    HonestRelay,
    ForwardBeforeTheOpeningIsDurable,
    SettleAfterTheTrailers,
    SettleTwice,
    StayClosedAfterAFullDisk,
    AcknowledgeBeforeSync,
    ForgetTheWatermark,
    CountOnOpen,
    SweepForgetsATransaction,
    RebuildForgetsWhatWasReported,
    ReadPassesOverAStart,
    ReadGivesTheTimeOfAClockThatIsSetBack,
    CheckpointSaysThatItIsNewer,
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
    let bug = match mutation {
        Some(
            bug @ (Mutation::HonestRelay
            | Mutation::ForwardBeforeTheOpeningIsDurable
            | Mutation::SettleAfterTheTrailers
            | Mutation::SettleTwice
            | Mutation::StayClosedAfterAFullDisk),
        ) => bug,
        _ => return own.clone(),
    };
    let (lane, driver, relay) = Relay::new();
    tokio::spawn(driver);
    let passing = Passing {
        relay,
        lane: own.clone(),
        journal: journal.clone(),
        bug,
        full: AtomicBool::new(false),
    };
    tokio::spawn(pass_on(Arc::new(passing)));
    lane
}

/// What the counters follow; some bugs begin with the first restart, or with a later one, and are
/// about what was in the journal by then.
pub fn source(mutation: Option<Mutation>, follow: Follow, since: Sequence) -> Box<dyn Source> {
    match mutation {
        Some(Mutation::ForgetTheWatermark) => Box::new(Again {
            follow,
            twice: since,
        }),
        Some(Mutation::CountOnOpen) => Box::new(Openings(follow)),
        Some(Mutation::RebuildForgetsWhatWasReported) => Box::new(Late { follow, since }),
        _ => Box::new(follow),
    }
}

/// How many entries more than there are the counters follow.
pub fn counted_twice(mutation: Option<Mutation>, since: Sequence) -> u64 {
    match mutation {
        Some(Mutation::ForgetTheWatermark) => since.get(),
        _ => 0,
    }
}

/// Whether what the counters say is open may be relied on.
pub const fn spoils_the_counters(mutation: Option<Mutation>) -> bool {
    matches!(
        mutation,
        Some(
            Mutation::ForgetTheWatermark
                | Mutation::CountOnOpen
                | Mutation::RebuildForgetsWhatWasReported
        )
    )
}

/// What a start finds open, or all of it but one.
pub fn leftover(mutation: Option<Mutation>, open: InFlight) -> InFlight {
    match mutation {
        Some(Mutation::SweepForgetsATransaction) => InFlight::new(open.open().skip(1)),
        _ => open,
    }
}

/// What the journal's reader gives, or what one gives that is wrong.
pub fn read(
    mutation: Option<Mutation>,
    entries: impl Iterator<Item = Result<Entry, ReadError>>,
) -> impl Iterator<Item = Result<Entry, ReadError>> {
    let passed_over = move |entry: &Entry| {
        mutation == Some(Mutation::ReadPassesOverAStart)
            && entry.sequence > 1
            && matches!(entry.body, Some(Body::HubStarted(_)))
    };
    let set_back = mutation == Some(Mutation::ReadGivesTheTimeOfAClockThatIsSetBack);
    entries
        .filter(move |entry| !entry.as_ref().is_ok_and(passed_over))
        .map(move |entry| {
            let mut entry = entry?;
            if set_back && entry.sequence % 30 == 0 {
                entry.committed_at_us -= 3_600_000_000;
            }
            Ok(entry)
        })
}

/// What is saved of the registry: as it is, or as it was at the start, under the same name.
pub fn checkpoint(mutation: Option<Mutation>, begun: &Registry, current: &Registry) -> Registry {
    match mutation {
        Some(Mutation::CheckpointSaysThatItIsNewer) => begun.clone(),
        _ => current.clone(),
    }
}

/// A relay between the gateway and the journal, and what is wrong with it.
struct Passing {
    relay: Relay,
    lane: Lane,
    journal: Journal,
    bug: Mutation,
    /// The journal has refused an entry for want of room.
    full: AtomicBool,
}

async fn pass_on(passing: Arc<Passing>) {
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        for relayed in passing.relay.take() {
            passing.pass(relayed);
        }
    }
}

impl Passing {
    fn pass(self: &Arc<Self>, relayed: Relayed) {
        let opens = matches!(relayed.body, Body::Opened(_));
        let closes = matches!(relayed.body, Body::Closed(_));
        if opens && self.bug == Mutation::StayClosedAfterAFullDisk && self.full.load(Relaxed) {
            return self.relay.answer(relayed, Err(AppendError::OutOfSpace));
        }
        let append = self.lane.append(&relayed.body);
        match self.bug {
            Mutation::ForwardBeforeTheOpeningIsDurable if opens => self.answer_early(relayed),
            Mutation::SettleAfterTheTrailers if closes => self.answer_early(relayed),
            bug => {
                if bug == Mutation::SettleTwice && closes {
                    drop(self.lane.append(&relayed.body));
                }
                let passing = Arc::clone(self);
                tokio::spawn(async move {
                    let answer = append.await;
                    let full = matches!(answer, Err(AppendError::OutOfSpace));
                    passing.full.fetch_or(full, Relaxed);
                    passing.relay.answer(relayed, answer);
                });
            }
        }
    }

    fn answer_early(&self, relayed: Relayed) {
        let last = self.journal.position();
        let guessed = Committed {
            sequence: last.sequence.next(),
            at: last.at,
        };
        self.relay.answer(relayed, Ok(guessed));
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

/// Calls of the journal's beginning are passed over: what happens when it has been moved elsewhere and
/// a rebuild does not look there.
struct Late {
    follow: Follow,
    /// The last entry of what is passed over.
    since: Sequence,
}

impl Source for Late {
    fn position(&self) -> Result<Watermark, SourceError> {
        Source::position(&self.follow)
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        self.follow.wait_beyond(after, timeout)
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let entries = Source::entries(&self.follow, from, through);
        Box::new(entries.map(|entry| {
            entry.map(|mut entry| {
                if entry.sequence <= self.since.get() {
                    entry.body = Some(Body::HubStopped(HubStopped::default()));
                }
                entry
            })
        }))
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
