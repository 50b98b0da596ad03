//! Entries by sequence, by time, by kind and by transaction; opening reads what it must.

use std::path::Path;
use std::sync::Arc;

use ndxp_journal::{CLOCK_SLACK, Journal, Kind, Options, Reader, TRANSACTION_LASTS_MAX};
use ndxp_model::{Instant, ManualClock, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{
    ALL, DIRECTORY, append_all, append_each, body, clock_at, numbers, open_with, read_all, segments,
};
use crate::sim_disk::SimDisk;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const START: i64 = 1_700_000_000 * SECOND;

/// 300 entries over several segments, three to a second.
fn journal() -> (SimDisk, Journal, Arc<ManualClock>) {
    let disk = SimDisk::default();
    let clock = clock_at(START);
    let journal = open_with(&disk, Arc::clone(&clock) as _).unwrap();
    for second in 0..100 {
        clock.set(Instant::from_micros(START + second as i64 * SECOND));
        append_each(&journal, second * 3 + 1..=second * 3 + 3);
    }
    assert!(segments(&disk).len() > 4);
    (disk, journal, clock)
}

/// Readers of the same journal: beside its writer, and offline before and after its close.
fn readers() -> Vec<Reader> {
    let (disk, journal, _) = journal();
    let offline = || Reader::open_on(Arc::new(disk.clone()), Path::new(DIRECTORY)).unwrap();
    let mut readers = vec![journal.reader(), offline()];
    journal.close();
    readers.push(offline());
    readers
}

#[test]
fn a_range_of_sequences_is_read_both_ends_included() {
    let rows = [
        (1, 300, 1..=300),
        (0, u64::MAX, 1..=300),
        (60, 70, 60..=70),
        (300, 300, 300..=300),
        (64, 64, 64..=64),
        #[expect(clippy::reversed_empty_ranges, reason = "nothing is expected")]
        (301, 400, 1..=0),
        #[expect(clippy::reversed_empty_ranges, reason = "nothing is expected")]
        (10, 9, 1..=0),
    ];
    for reader in readers() {
        for (from, through, expected) in rows.clone() {
            let entries = reader.entries(Sequence::new(from), Sequence::new(through));
            let found: Vec<_> = entries.map(|entry| entry.unwrap().sequence).collect();
            assert_eq!(found, expected.collect::<Vec<_>>(), "{from} to {through}");
        }
        assert_eq!(numbers(&reader), (1..=300).collect::<Vec<_>>());
    }
}

#[test]
fn the_first_entry_at_or_after_any_instant_is_found() {
    for reader in readers() {
        for (micros, expected) in [(i64::MIN, Some(1)), (START, Some(1))] {
            let found = reader.first_at_or_after(Instant::from_micros(micros));
            assert_eq!(found.unwrap().map(Sequence::get), expected);
        }
        for second in 0..100 {
            for before in [0, 1, SECOND - 1] {
                let at = Instant::from_micros(START + second * SECOND - before);
                let found = reader.first_at_or_after(at).unwrap();
                assert_eq!(found, Some(Sequence::new(second as u64 * 3 + 1)), "{at}");
            }
        }
        let behind = Instant::from_micros(START + 99 * SECOND + 1);
        assert_eq!(reader.first_at_or_after(behind).unwrap(), None);
    }
}

#[test]
fn an_empty_directory_reads_as_an_empty_journal() {
    let directory = tempfile::tempdir().unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.position().unwrap().sequence, Sequence::NONE);
    assert_eq!(read_all(&reader).unwrap(), []);
    assert_eq!(reader.first_at_or_after(Instant::EPOCH).unwrap(), None);
    let id = TransactionId::new(Instant::EPOCH, 1);
    assert_eq!(reader.transaction(id).unwrap(), None);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    assert!(Reader::open(&directory.path().join("absent")).is_err());
}

#[test]
fn one_kind_is_read_without_the_others() {
    let (_, journal, _) = journal();
    let started = Body::HubStarted(v1::HubStarted::default());
    append_all(&journal, [body(301), started.clone(), body(302), started]);
    let of = |kind| -> Vec<_> {
        let entries = journal.reader().entries_of(kind, Sequence::new(300), ALL);
        entries.map(|entry| entry.unwrap().sequence).collect()
    };
    assert_eq!(of(Kind::SystemConnected), [300, 301, 303]);
    assert_eq!(of(Kind::HubStarted), [302, 304]);
    assert_eq!(of(Kind::Closed), [0_u64; 0]);
}

#[test]
fn opening_reads_heads_footers_and_the_active_segment_only() {
    let (disk, journal, _) = journal();
    journal.close();
    let files = segments(&disk).len() as u64;
    let disk = disk.killed();
    let reader = Reader::open_on(Arc::new(disk.clone()), Path::new(DIRECTORY)).unwrap();
    assert_eq!(reader.position().unwrap().sequence, Sequence::new(300));
    // The head again when its turn comes: it may have been packed meanwhile.
    assert_eq!(disk.bytes_read(), files * (64 + 64 + 24 + 96));
}

#[test]
fn a_look_up_in_a_large_segment_reads_from_a_mark_near_by() {
    let disk = SimDisk::default();
    let options = Options {
        directory: DIRECTORY.into(),
        segment_bytes: 2 << 20,
    };
    let clock = clock_at(START);
    let journal = Journal::open(
        options,
        Arc::new(disk.clone()),
        Arc::clone(&clock) as _,
        Arc::new(()),
    )
    .unwrap();
    for thousand in 0..20 {
        clock.set(Instant::from_micros(START + thousand as i64));
        append_all(&journal, (0..1000).map(|n| body(thousand * 1000 + n)));
    }
    let offline = Reader::open_on(Arc::new(disk.killed()), Path::new(DIRECTORY)).unwrap();
    journal.close();
    let sealed = Reader::open_on(Arc::new(disk.clone()), Path::new(DIRECTORY)).unwrap();
    for reader in [journal.reader(), offline, sealed] {
        for sequence in [1, 512, 513, 1024, 1025, 19_999, 20_000] {
            let before = disk.bytes_read();
            let sequence = Sequence::new(sequence);
            let found: Vec<_> = reader.entries(sequence, sequence).collect();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].as_ref().unwrap().sequence, sequence.get());
            assert!(disk.bytes_read() - before <= 64 + (256 << 10));
        }
        for thousand in 0..20 {
            let found = reader.first_at_or_after(Instant::from_micros(START + thousand));
            let expected = Sequence::new(thousand as u64 * 1000 + 1);
            assert_eq!(found.unwrap(), Some(expected));
        }
    }
}

struct Exchange {
    journal: Journal,
    clock: Arc<ManualClock>,
}

impl Exchange {
    fn new() -> Self {
        let clock = clock_at(START);
        let journal = open_with(&SimDisk::default(), Arc::clone(&clock) as _).unwrap();
        Self { journal, clock }
    }

    /// Commits something at so many microseconds behind the start.
    fn at(&self, micros: i64, body: Body) -> u64 {
        self.clock.set(Instant::from_micros(START + micros));
        append_all(&self.journal, [body])[0].unwrap().sequence.get()
    }

    fn find(&self, id: TransactionId) -> Option<v1::Transaction> {
        self.journal.reader().transaction(id).unwrap()
    }
}

fn id_at(micros: i64, random: u128) -> TransactionId {
    TransactionId::new(Instant::from_micros(START + micros), random << 64)
}

fn opened(id: TransactionId) -> Body {
    Body::Opened(v1::TransactionOpened {
        transaction_id: id.as_bytes().to_vec(),
        call: Some(call()),
    })
}

fn closed(id: TransactionId, opened_sequence: u64) -> Body {
    Body::Closed(v1::TransactionClosed {
        transaction_id: id.as_bytes().to_vec(),
        opened_sequence,
        total_us: 17,
        refused_call: (opened_sequence == 0).then(|| Box::new(call())),
        ..v1::TransactionClosed::default()
    })
}

fn call() -> v1::Call {
    v1::Call {
        method: "Find".into(),
        ..v1::Call::default()
    }
}

#[test]
fn a_transaction_is_found_in_flight_settled_and_refused() {
    let exchange = Exchange::new();
    let (id, other, refused) = (id_at(5, 1), id_at(5, 2), id_at(6, 3));
    let opening = exchange.at(10, opened(id));
    exchange.at(11, opened(other));

    let found = exchange.find(id).unwrap();
    assert_eq!(found.transaction_id, id.to_string());
    assert_eq!(
        (found.opened_sequence, found.opened_at_us),
        (opening, START + 10)
    );
    assert_eq!(found.call, Some(call()));
    assert_eq!((found.closed_sequence, found.closed), (0, None));

    exchange.at(12, closed(other, 2));
    let closing = exchange.at(13, closed(id, opening));
    let found = exchange.find(id).unwrap();
    assert_eq!(
        (found.opened_sequence, found.opened_at_us),
        (opening, START + 10)
    );
    assert_eq!(
        (found.closed_sequence, found.closed_at_us),
        (closing, START + 13)
    );
    assert_eq!(found.closed.unwrap().total_us, 17);

    let refusal = exchange.at(14, closed(refused, 0));
    let found = exchange.find(refused).unwrap();
    assert_eq!((found.opened_sequence, found.opened_at_us), (0, 0));
    assert_eq!(found.closed_sequence, refusal);
    assert_eq!(found.call, Some(call()));
    assert_eq!(
        found.closed.unwrap().refused_call,
        None,
        "the call is told once"
    );

    assert_eq!(exchange.find(id_at(5, 4)), None);
}

#[test]
fn a_transaction_is_found_although_the_clock_was_set_by_the_slack() {
    let slack = i64::try_from(CLOCK_SLACK.as_micros()).unwrap();
    for made_at in [-slack, slack] {
        let exchange = Exchange::new();
        let id = id_at(made_at, 1);
        let opening = exchange.at(0, opened(id));
        exchange.at(SECOND, closed(id, opening));
        assert!(exchange.find(id).unwrap().closed.is_some(), "{made_at}");
    }
}

#[test]
fn a_closing_is_found_for_as_long_as_a_transaction_may_last() {
    let longest = i64::try_from(TRANSACTION_LASTS_MAX.as_micros()).unwrap();
    for (lasted, found) in [(longest, true), (longest + 30 * SECOND, false)] {
        let exchange = Exchange::new();
        let id = id_at(0, 1);
        let opening = exchange.at(0, opened(id));
        for tick in (30 * SECOND..lasted).step_by(30 * SECOND as usize) {
            exchange.at(tick, body(1));
        }
        exchange.at(lasted, closed(id, opening));
        assert_eq!(
            exchange.find(id).unwrap().closed.is_some(),
            found,
            "{lasted}"
        );
    }
}

#[test]
fn the_closing_of_a_sweep_is_found_however_long_the_hub_stood_still() {
    let exchange = Exchange::new();
    let id = id_at(0, 1);
    let opening = exchange.at(0, opened(id));
    exchange.at(90 * 24 * HOUR, closed(id, opening));
    assert!(exchange.find(id).unwrap().closed.is_some());
}

#[test]
fn the_same_bytes_in_another_field_are_not_the_transaction() {
    let exchange = Exchange::new();
    let id = id_at(0, 1);
    let mut decoy = call();
    decoy.trace_id = id.as_bytes().to_vec();
    exchange.at(
        0,
        Body::Opened(v1::TransactionOpened {
            transaction_id: id_at(0, 2).as_bytes().to_vec(),
            call: Some(decoy),
        }),
    );
    assert_eq!(exchange.find(id), None);
    let opening = exchange.at(1, opened(id));
    assert_eq!(exchange.find(id).unwrap().opened_sequence, opening);
}
