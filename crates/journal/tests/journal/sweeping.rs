//! What was open when the hub stopped is settled at the next start, and only that.

use ndxp_journal::{InFlight, Kind, SweepError, sweep};
use ndxp_model::{Instant, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{ALL, append_all, open, read_all, with_lane};
use crate::sim_disk::SimDisk;

pub fn id(number: u128) -> TransactionId {
    TransactionId::new(Instant::from_micros(1_000_000), number << 64)
}

pub fn opened(number: u128) -> Body {
    Body::Opened(v1::TransactionOpened {
        transaction_id: id(number).as_bytes().to_vec(),
        call: Some(v1::Call {
            connection: Some(v1::Connection {
                consumer: "H26/lgsp".into(),
                provider: "G01/population".into(),
                service: "vn.Population".into(),
            }),
            method: format!("Method{number}"),
            test: number % 2 == 1,
            ..v1::Call::default()
        }),
    })
}

pub fn closed(number: u128, opened_sequence: u64) -> Body {
    Body::Closed(v1::TransactionClosed {
        transaction_id: id(number).as_bytes().to_vec(),
        opened_sequence,
        outcome: v1::Outcome::Completed.into(),
        ..v1::TransactionClosed::default()
    })
}

fn fold(journal: &ndxp_journal::Journal) -> InFlight {
    let mut fold = InFlight::new([]);
    for entry in read_all(&journal.reader()).unwrap() {
        fold.apply(&entry);
    }
    fold
}

#[test]
fn what_is_open_is_told_in_the_order_of_opening_from_any_seed() {
    let journal = open(&SimDisk::default()).unwrap();
    append_all(&journal, [opened(3), opened(1), opened(2), closed(1, 2)]);
    let open: Vec<_> = fold(&journal).open().collect();
    assert_eq!(open, [(id(3), Sequence::new(1)), (id(2), Sequence::new(3))]);

    let mut later = InFlight::new(open);
    append_all(&journal, [closed(3, 1), opened(4)]);
    for entry in journal.reader().entries(Sequence::new(5), ALL) {
        later.apply(&entry.unwrap());
    }
    assert_eq!(later, fold(&journal));
    assert_eq!((later.len(), later.is_empty()), (2, false));
}

#[test]
fn a_sweep_settles_every_open_transaction_as_interrupted_once() {
    let disk = SimDisk::default();
    append_all(
        &open(&disk).unwrap(),
        [opened(1), opened(2), closed(2, 2), opened(4)],
    );
    let journal = open(&disk).unwrap();
    let open = fold(&journal);
    let swept = with_lane(&journal, async |lane| {
        sweep(&lane, &journal.reader(), &open).await
    });
    assert_eq!(swept.unwrap(), 2);
    assert!(fold(&journal).is_empty());

    let closings: Vec<_> = journal
        .reader()
        .entries_of(Kind::Closed, Sequence::new(4), ALL)
        .map(|entry| match entry.unwrap().body {
            Some(Body::Closed(closed)) => closed,
            other => panic!("{other:?}"),
        })
        .collect();
    for (closing, (number, sequence)) in closings.iter().zip([(1, 1), (4, 4)]) {
        assert_eq!(closing.transaction_id, id(number).as_bytes());
        assert_eq!(closing.opened_sequence, sequence);
        assert_eq!(closing.outcome(), v1::Outcome::Interrupted);
        assert_eq!(closing.fault(), v1::Fault::Hub);
        assert_eq!(closing.reason, "ENDING_UNRECORDED");
        assert_eq!(closing.test, number == 1);
        assert_eq!(closing.connection.as_ref().unwrap().consumer, "H26/lgsp");
    }
    assert_eq!(closings.len(), 2);
}

#[test]
fn a_fold_that_does_not_agree_with_the_journal_is_refused() {
    let journal = open(&SimDisk::default()).unwrap();
    append_all(&journal, [opened(1), closed(1, 1)]);
    for (number, sequence) in [(1, 2), (2, 1), (1, 3)] {
        let open = InFlight::new([(id(number), Sequence::new(sequence))]);
        let result = with_lane(&journal, async |lane| {
            sweep(&lane, &journal.reader(), &open).await
        });
        assert!(
            matches!(result, Err(SweepError::NotItsOpening { .. })),
            "transaction {number} at {sequence}: {result:?}"
        );
    }
    assert_eq!(journal.position().sequence, Sequence::new(2));
}
