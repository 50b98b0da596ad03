//! A journal without threads, for simulations: nothing is written but in a turn.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ndxp_journal::{
    Append, AppendError, ByHand, Committed, Health, Journal, Options, Position, Relay,
};
use ndxp_model::{Instant, Sequence};

use crate::harness::{DIRECTORY, SEGMENT_BYTES, body, clock_at, numbers, open};
use crate::sim_disk::SimDisk;

fn open_by_hand(disk: &SimDisk) -> (Journal, ByHand) {
    let options = Options {
        directory: DIRECTORY.into(),
        segment_bytes: SEGMENT_BYTES,
    };
    let disk = Arc::new(disk.clone());
    Journal::open_by_hand(options, disk, clock_at(1_000_000), Arc::new(())).unwrap()
}

fn poll(append: &mut Append) -> Poll<Result<Committed, AppendError>> {
    let append = pin!(append);
    append.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_entry_is_durable_and_answered_in_a_turn_and_not_before() {
    let disk = SimDisk::default();
    let (journal, mut hand) = open_by_hand(&disk);
    let (lane, _driver) = journal.lane();
    let mut append = lane.append(&body(1));
    let before = disk.calls();
    assert!(poll(&mut append).is_pending());
    assert_eq!(
        (disk.calls(), journal.position()),
        (before, Position::default())
    );
    assert!(hand.turn());
    let Poll::Ready(Ok(committed)) = poll(&mut append) else {
        panic!("not answered");
    };
    assert_eq!(committed.sequence, Sequence::new(1));
    assert!(!hand.turn(), "nothing waits");
    assert_eq!(numbers(&journal.reader()), [1]);
}

#[test]
fn closed_it_takes_what_waits_and_seals_and_dropped_it_loses_it() {
    for closed in [true, false] {
        let disk = SimDisk::default();
        let (journal, mut hand) = open_by_hand(&disk);
        let (lane, _driver) = journal.lane();
        drop(lane.append(&body(1)));
        hand.turn();
        drop(lane.append(&body(2)));
        match closed {
            true => hand.close(),
            false => drop(hand),
        }
        assert_eq!(journal.health() == Health::Closed, closed);
        assert_eq!(
            journal.position().sequence.get(),
            if closed { 2 } else { 1 }
        );
        let reopened = open(&disk.killed()).unwrap();
        let found = numbers(&reopened.reader()).len();
        let sealed = reopened.recovery().sealed_segments;
        assert_eq!((found, sealed), if closed { (2, 1) } else { (1, 0) });
    }
}

#[test]
fn a_relay_sees_each_entry_and_its_answers_are_the_ones_that_count() {
    let (lane, _driver, relay) = Relay::new();
    let mut appends = [lane.append(&body(1)), lane.append(&body(2))];
    let relayed = relay.take();
    let bodies: Vec<_> = relayed.iter().map(|it| it.body.clone()).collect();
    assert_eq!(bodies, [body(1), body(2)]);
    assert!(relay.take().is_empty());
    assert!(appends.iter_mut().all(|append| poll(append).is_pending()));
    for one in relayed {
        relay.answer(one, Err(AppendError::OutOfSpace));
    }
    for append in &mut appends {
        assert_eq!(poll(append), Poll::Ready(Err(AppendError::OutOfSpace)));
    }
}

#[test]
fn a_relay_that_answers_all_sees_nothing_more() {
    let (lane, _driver, relay) = Relay::new();
    let mut before = lane.append(&body(1));
    let committed = Committed {
        sequence: Sequence::new(7),
        at: Instant::EPOCH,
    };
    relay.answer_all(Ok(committed));
    let mut after = lane.append(&body(2));
    assert_eq!(poll(&mut after), Poll::Ready(Ok(committed)));
    // What was taken over before still waits for its own answer.
    assert!(poll(&mut before).is_pending());
    let relayed = relay.take();
    let bodies: Vec<_> = relayed.iter().map(|it| it.body.clone()).collect();
    assert_eq!(bodies, [body(1)]);
}
