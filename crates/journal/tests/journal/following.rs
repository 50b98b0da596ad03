//! Projections learn how far the journal has come, on a runtime or on a thread of their own.

use std::time::Duration;

use ndxp_journal::Position;
use ndxp_model::{Instant, Sequence};

use crate::harness::{ALL, append_each, clock_at, open, open_with, runtime, segments};
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

/// As whoever counts reads: again and again, from where it was left, here one or a few at a time.
#[test]
fn outlines_are_read_on_from_where_they_were_left_each_byte_once() {
    let disk = SimDisk::default();
    let journal = open(&disk).unwrap();
    let reader = journal.reader();
    let mut next = Sequence::new(1);
    let before = disk.bytes_read();
    for number in 1..=200 {
        append_each(&journal, [number]);
        // Segments end in the middle of what is read at once, too.
        if number % 7 > 2 {
            continue;
        }
        for entry in reader.outlines(next, ALL) {
            assert_eq!(entry.unwrap().sequence, next.get());
            next = next.next();
        }
        assert_eq!(next.get(), number + 1);
    }
    let written: u64 = segments(&disk)
        .iter()
        .map(|it| disk.read(it).len() as u64)
        .sum();
    let read = disk.bytes_read() - before;
    assert!(read <= written, "{read} bytes of {written}");
}

#[test]
fn outlines_that_were_left_in_a_segment_go_on_when_it_is_packed() {
    let clock = clock_at(0);
    let journal = open_with(&SimDisk::default(), clock.clone()).unwrap();
    let reader = journal.reader();
    let (mut next, mut packed) = (Sequence::new(1), 0);
    for number in 1_u32..=200 {
        clock.set(Instant::from_micros(number.into()));
        append_each(&journal, [number.into()]);
        packed += usize::from(journal.pack(&mut || true).unwrap().is_some());
        // Left at the end of what there is, or before; in segments of some sixty entries each.
        let some = match number % 45 {
            0 => usize::MAX,
            20 => 10,
            _ => continue,
        };
        for entry in reader.outlines(next, ALL).take(some) {
            assert_eq!(entry.unwrap().sequence, next.get());
            next = next.next();
        }
        // Elsewhere, and back again.
        let again = reader.outlines(Sequence::new(3), Sequence::new(5));
        assert_eq!(again.count(), 3);
    }
    assert!(packed > 1 && next.get() == 191, "{packed} packed, {next}");
}
