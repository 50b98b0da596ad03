//! The counters behind the hub's own journal: followed while it grows, and read at rest.

use std::path::Path;
use std::sync::Arc;

use ndxp_counters::{Counters, CountersError};
use ndxp_journal::{FileDisk, InFlight, Journal, Options, Reader};
use ndxp_model::{Instant, ManualClock, Sequence, Zone};
use ndxp_proto::journal::v1::Entry;

use crate::answers::check_all;
use crate::restarts::set_aside;
use crate::story::Story;

/// Writes the story into a journal of its own, at the times that the story tells.
async fn write(journal: &Journal, clock: &ManualClock, entries: &[Entry]) {
    let (lane, driver) = journal.lane();
    let driver = tokio::spawn(driver);
    for entry in entries {
        clock.set(Instant::from_micros(entry.committed_at_us));
        let committed = lane.append(entry.body.as_ref().unwrap()).await.unwrap();
        assert_eq!(committed.sequence.get(), entry.sequence);
    }
    drop(lane);
    driver.await.unwrap();
}

fn open(directory: &Path, clock: &Arc<ManualClock>) -> Journal {
    let options = Options::new(directory.join("journal"));
    Journal::open(options, Arc::new(FileDisk), clock.clone(), Arc::new(())).unwrap()
}

fn start(directory: &Path, journal: &Journal) -> Counters {
    let path = directory.join("counters");
    Counters::start(path, Zone::viet_nam(), journal.follow(), |_, _| {}).unwrap()
}

#[tokio::test]
async fn a_journal_is_followed_across_restarts_and_read_at_rest() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let mut story = Story::new(50);
    let mut entries = Vec::new();
    for _ in 0..3 {
        let journal = open(directory.path(), &clock);
        let counters = start(directory.path(), &journal);
        let (watermark, open) = counters.open_transactions().unwrap();
        let more = story.tell(150);
        write(&journal, &clock, &more).await;
        entries.extend(more);
        counters.reached(journal.position().sequence).await.unwrap();
        check_all(&counters, &entries);

        // What the counters kept of the calls in flight, and the entries since, are all there is.
        let mut in_flight = InFlight::new(open);
        let reader = journal.reader();
        for entry in reader.entries(watermark.next(), journal.position().sequence) {
            in_flight.apply(&entry.unwrap());
        }
        let (_, open) = counters.open_transactions().unwrap();
        assert!(in_flight.open().eq(open));
        journal.close();
        counters.stop();
    }

    let more = story.tell(80);
    let journal = open(directory.path(), &clock);
    write(&journal, &clock, &more).await;
    journal.close();
    entries.extend(more);
    for _ in 0..2 {
        let reader = Reader::open(&directory.path().join("journal")).unwrap();
        let path = directory.path().join("counters");
        let counters = Counters::open_offline(path, Zone::viet_nam(), reader, |_, _| {}).unwrap();
        assert_eq!(counters.watermark().sequence, Sequence::new(530));
        check_all(&counters, &entries);
        counters.reached(Sequence::new(530)).await.unwrap();
        let error = counters.reached(Sequence::new(531)).await.unwrap_err();
        assert!(matches!(error, CountersError::NotReached { .. }), "{error}");
    }
    assert_eq!(set_aside(directory.path()), 0);
}
