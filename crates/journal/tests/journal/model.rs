//! Random lives of a journal against a list: appends, closes, kills, power cuts, full disks and
//! a clock that jumps. A failure names its seed.

use std::collections::HashMap;
use std::sync::Arc;

use ndxp_journal::{AppendError, Committed, Journal};
use ndxp_model::{Instant, ManualClock};
use ndxp_proto::journal::v1::Entry;

use crate::harness::{append_all, body, clock_at, open_with, read_all};
use crate::sim_disk::{ENOSPC, Fault, SimDisk};

/// How many, unless NDXP_JOURNAL_LIVES says otherwise.
const LIVES: u64 = 60;
const STEPS: usize = 40;

struct Life {
    random: fastrand::Rng,
    disk: SimDisk,
    clock: Arc<ManualClock>,
    journal: Option<Journal>,
    /// What must be in the journal, in order.
    committed: Vec<(Entry, Committed)>,
    /// What may be: appended, and nobody knows.
    unknown: Vec<Entry>,
    appended: u64,
}

#[test]
fn random_lives_agree_with_a_list() {
    let lives = std::env::var("NDXP_JOURNAL_LIVES");
    let lives = lives.map_or(LIVES, |lives| lives.parse().expect("a number"));
    let first = fastrand::u64(..);
    for seed in (0..lives).map(|index| first.wrapping_add(index)) {
        run(seed);
    }
}

#[test]
fn a_given_seed_is_replayed() {
    let seed = std::env::var("NDXP_JOURNAL_SEED");
    run(seed.map_or(42, |seed| seed.parse().expect("a number")));
}

fn run(seed: u64) {
    println!("NDXP_JOURNAL_SEED={seed}");
    let mut life = Life {
        random: fastrand::Rng::with_seed(seed),
        disk: SimDisk::default(),
        clock: clock_at(1_000_000),
        journal: None,
        committed: Vec::new(),
        unknown: Vec::new(),
        appended: 0,
    };
    for _ in 0..STEPS {
        match life.random.u8(..10) {
            0..=3 => life.append(),
            4 => life.step_clock(),
            5 => life.append_on_a_full_disk(),
            6 => life.close(),
            7 => life.kill(),
            _ => life.cut_power(),
        }
        life.check();
    }
}

impl Life {
    fn open(&mut self) -> Journal {
        let (disk, clock) = (&self.disk, &self.clock);
        let open = || open_with(disk, Arc::clone(clock) as _).expect("nothing is damaged");
        self.journal.get_or_insert_with(open).clone()
    }

    fn append(&mut self) {
        let journal = self.open();
        let from = self.appended;
        self.appended += self.random.u64(1..30);
        let answers = append_all(&journal, (from..self.appended).map(body));
        for (number, answer) in (from..).zip(answers) {
            let body = Some(body(number));
            let entry = Entry {
                body,
                ..Entry::default()
            };
            match answer {
                Ok(committed) => self.committed.push((entry, committed)),
                Err(AppendError::Poisoned) => self.unknown.push(entry),
                Err(AppendError::OutOfSpace) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn append_on_a_full_disk(&mut self) {
        self.open();
        self.disk.set_fault(Some(Fault {
            first: self.disk.calls() + self.random.u64(..4),
            calls: self.random.u64(1..4),
            errno: ENOSPC,
        }));
        self.append();
        self.disk.set_fault(None);
    }

    fn step_clock(&mut self) {
        let step = self.random.i64(-5_000_000..20_000_000);
        let now = ndxp_model::Clock::now(&*self.clock).as_micros();
        self.clock.set(Instant::from_micros(now + step));
    }

    fn close(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.close();
        }
    }

    fn kill(&mut self) {
        let killed = self.disk.killed();
        self.journal = None;
        self.disk = killed;
    }

    /// Somewhere within a burst of appends the disk dies.
    fn cut_power(&mut self) {
        self.open();
        self.disk.die_after(self.random.u64(..12));
        self.append();
        let crashed = self.disk.crashed(&mut self.random);
        self.journal = None;
        self.disk = crashed;
    }

    /// Everything committed is there, in its place and with its time; what is there besides was
    /// appended, and not answered, and is there once.
    fn check(&mut self) {
        let journal = self.open();
        let found = read_all(&journal.reader()).unwrap();
        let mut committed: HashMap<_, _> = std::mem::take(&mut self.committed)
            .into_iter()
            .map(|(entry, committed)| (committed.sequence.get(), (entry, committed)))
            .collect();
        let mut before = i64::MIN;
        for (mut entry, sequence) in found.into_iter().zip(1..) {
            assert_eq!(entry.sequence, sequence);
            assert!(entry.committed_at_us >= before);
            before = entry.committed_at_us;
            let stands = Committed {
                sequence: ndxp_model::Sequence::new(sequence),
                at: Instant::from_micros(before),
            };
            (entry.sequence, entry.committed_at_us) = (0, 0);
            match committed.remove(&sequence) {
                Some(promised) => assert_eq!((&entry, stands), (&promised.0, promised.1)),
                None => {
                    let place = self.unknown.iter().position(|unknown| *unknown == entry);
                    self.unknown.remove(place.expect("nothing is invented"));
                }
            }
            self.committed.push((entry, stands));
        }
        assert!(committed.is_empty(), "lost: {committed:?}");
        if !matches!(
            journal.health(),
            ndxp_journal::Health::Serving | ndxp_journal::Health::OutOfSpace { .. }
        ) {
            self.kill();
        }
    }
}
