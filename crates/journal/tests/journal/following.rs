//! Projections learn how far the journal has come, on a runtime or on a thread of their own.

use std::time::Duration;

use ndxp_journal::Position;
use ndxp_model::{Instant, Sequence};

use crate::harness::{append_each, open, runtime};
use crate::sim_disk::SimDisk;

const LONG: Duration = Duration::from_secs(600);

fn at(sequence: u64) -> Option<Position> {
    Some(Position {
        sequence: Sequence::new(sequence),
        at: Instant::from_micros(1_000_000),
    })
}

#[test]
fn beyond_answers_at_once_what_is_there_and_waits_for_what_is_not() {
    let journal = open(&SimDisk::default()).unwrap();
    assert_eq!(journal.position(), Position::default());
    let follow = journal.follow();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| follow.beyond_blocking(Sequence::new(1), LONG));
        let waiting = scope.spawn(|| runtime().block_on(follow.beyond(Sequence::new(1))));
        append_each(&journal, [1]);
        append_each(&journal, [2]);
        assert_eq!(blocking.join().unwrap(), at(2));
        assert_eq!(waiting.join().unwrap(), at(2));
    });
    assert_eq!(follow.beyond_blocking(Sequence::NONE, LONG), at(2));
    assert_eq!(runtime().block_on(journal.beyond(Sequence::NONE)), at(2));
}

#[test]
fn when_the_time_is_over_the_position_is_answered_as_it_stands() {
    let journal = open(&SimDisk::default()).unwrap();
    append_each(&journal, [1]);
    let answer = journal.beyond_blocking(Sequence::new(1), Duration::ZERO);
    assert_eq!(answer, at(1));
}

#[test]
fn a_closed_journal_answers_what_is_left_and_then_none() {
    let journal = open(&SimDisk::default()).unwrap();
    append_each(&journal, [1]);
    let follow = journal.follow();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| follow.beyond_blocking(Sequence::new(1), LONG));
        let waiting = scope.spawn(|| runtime().block_on(follow.beyond(Sequence::new(1))));
        journal.close();
        assert_eq!(blocking.join().unwrap(), None);
        assert_eq!(waiting.join().unwrap(), None);
    });
    assert_eq!(follow.beyond_blocking(Sequence::NONE, LONG), at(1));
    assert_eq!(runtime().block_on(follow.beyond(Sequence::NONE)), at(1));
}

#[test]
fn what_is_answered_is_readable_at_once() {
    let journal = open(&SimDisk::default()).unwrap();
    let reader = journal.reader();
    for number in 1..=200 {
        let committed = append_each(&journal, [number])[0].unwrap();
        let position = reader.position().unwrap();
        assert_eq!(position.sequence, committed.sequence);
        let found = reader.entries(committed.sequence, committed.sequence);
        assert_eq!(found.count(), 1);
    }
}
