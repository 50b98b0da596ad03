//! A world from its seed to its end: step after step, and after each of them all that must hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use ndxp_counters::{CountQuery, NoNames};
use ndxp_gateway::Circuit;
use ndxp_journal::Health;
use ndxp_model::{Granularity, Instant, Sequence, Zone};
use ndxp_proto::journal::v1::Entry;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_registry::parse_catalogue;
use ndxp_sim_disk::SimDisk;
use prost::Message as _;
use tempfile::TempDir;

use crate::clock::WorldClock;
use crate::invariant::{Invariant, Violation};
use crate::ledger::Ledger;
use crate::life::{CONSUMERS, Ground, Life, TURNS};
use crate::mutation::Mutation;
use crate::outside::Outside;
use crate::recount::Count;
use crate::trace::{Met, Trace};

/// What a seed decides in one world: as many as a debug build does in a few tenths of a second.
const STEPS: usize = 24;
/// More than one segment holds.
const CALLS_TO_FILL: usize = 40;
/// Longer than a circuit's longest pause.
const RESUMES_MS: u64 = 15_000;
/// Between two turns of the journal's writer while its disk is quick.
pub const TURN_MS: u64 = 2;

pub struct World {
    pub random: fastrand::Rng,
    pub ground: Ground,
    pub life: Option<Life>,
    pub trace: Trace,
    pub calls: u64,
    zone: Zone,
    frozen: BTreeMap<(i64, i32), [u64; 3]>,
    /// Of the counters' store, as it was at an earlier stop.
    earlier: Option<TempDir>,
    pub tally: Tally,
}

/// How much a world has seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub calls: u64,
    pub completed: u64,
    pub entries: u64,
    pub crashes: u64,
    pub recounts: u64,
    pub met: Met,
}

/// What came of a seed.
pub struct Report {
    pub digest: u64,
    pub trace: Vec<String>,
    pub violation: Option<Violation>,
    pub tally: Tally,
}

pub fn run(seed: u64, mutation: Option<Mutation>) -> Report {
    // Ids and pauses of the hub's own choosing follow from the seed, too.
    fastrand::seed(seed);
    let mut world = World::new(seed, mutation);
    world.begin();
    for _ in 0..STEPS {
        if world.is_over() {
            break;
        }
        world.step();
        world.check();
    }
    if !world.is_over() {
        world.finish();
    }
    world.report()
}

impl World {
    fn new(seed: u64, mutation: Option<Mutation>) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let clock = Arc::new(WorldClock::new());
        let trace = Trace::new(Arc::clone(&clock));
        let ledger = Arc::new(Mutex::new(Ledger::new(mutation)));
        let outside = Outside::new(trace.clone(), ledger, random.fork());
        Self {
            random,
            ground: Ground {
                clock,
                disk: new_disk(SimDisk::default()),
                folder: folder(),
                outside,
                mutation,
                turn_ms: Arc::new(AtomicU64::new(TURN_MS)),
                spoilt: Sequence::NONE,
            },
            life: None,
            trace,
            calls: 0,
            zone: Zone::viet_nam(),
            frozen: BTreeMap::new(),
            earlier: None,
            tally: Tally::default(),
        }
    }

    fn begin(&mut self) {
        self.start();
        let text = include_str!("catalogue.toml");
        let catalogue = parse_catalogue("catalogue.toml", text, &self.zone).unwrap();
        self.live(|life| {
            life.act(crate::steps::apply(catalogue));
            life.pass(50);
        });
        self.check();
    }

    pub fn is_over(&self) -> bool {
        self.life.is_none() || self.ground.outside.ledger().violation().is_some()
    }

    pub fn live(&self, act: impl FnOnce(&Life)) {
        if let Some(life) = &self.life {
            act(life);
        }
    }

    /// The hub starts on what there is.
    pub fn start(&mut self) {
        if self.ground.outside.ledger().violation().is_none() {
            self.life = Life::start(&self.ground);
        }
    }

    /// The hub's process is gone, and the disk is left as it says. What it kept beside the journal is
    /// there as it was, or older, or not at all.
    pub fn restart(&mut self, disk: SimDisk) {
        if let Some(life) = self.life.take() {
            life.end(&self.ground);
        }
        self.ground.disk = new_disk(disk);
        self.tally.crashes += 1;
        self.meddle();
        self.spoil();
        self.start();
    }

    /// Sets what is beside the journal back.
    fn meddle(&mut self) {
        let counters = self.ground.folder.path().join("counters");
        match self.random.u8(..6) {
            0 => {
                let copy = folder();
                copy_folder(&counters, copy.path());
                self.earlier = Some(copy);
            }
            1 => {
                if let Some(earlier) = &self.earlier {
                    self.trace.note("counters are set back");
                    self.trace.meet("counters set back");
                    fs::remove_dir_all(&counters).unwrap();
                    copy_folder(earlier.path(), &counters);
                }
            }
            2 => {
                self.trace.note("the registry's checkpoint is gone");
                drop(fs::remove_file(
                    self.ground.folder.path().join("registry.checkpoint"),
                ));
            }
            _ => {}
        }
    }

    /// What the mutations of the counters' source are about, from this restart on.
    fn spoil(&mut self) {
        let ledger = self.ground.outside.ledger();
        match self.ground.mutation {
            Some(Mutation::ForgetTheWatermark) if self.ground.spoilt == Sequence::NONE => {
                self.ground.spoilt = ledger.end();
            }
            Some(Mutation::RebuildForgetsWhatWasReported) => {
                let Some(((hour, _), _)) = self.frozen.last_key_value() else {
                    return;
                };
                let hour = self
                    .zone
                    .bucket(Granularity::Hour, Instant::from_micros(*hour));
                let over = |entry: &&Entry| entry.committed_at_us < hour.to.as_micros();
                let over = ledger.log.iter().take_while(over).count();
                self.ground.spoilt = Sequence::new(over as u64);
                drop(fs::remove_dir_all(
                    self.ground.folder.path().join("counters"),
                ));
            }
            _ => {}
        }
    }

    /// All that must hold at any time.
    pub fn check(&mut self) {
        let Some(life) = &self.life else { return };
        life.turns(TURNS);
        self.look_at(life);
        let mut ledger = self.ground.outside.ledger();
        ledger.catch_up();
        let mut shown = life.keeper.current().as_ref().clone();
        let end = shown.watermark().max(ledger.registry.watermark());
        let mut folded = ledger.registry.clone();
        shown.advance(end);
        folded.advance(end);
        if shown != folded {
            let detail = format!("as of {end}: {shown:?} is shown, and folded is {folded:?}");
            ledger.violate(Invariant::RegistryEqualsAFoldOfTheJournal, detail);
        }
    }

    /// In which states the hub is met.
    fn look_at(&self, life: &Life) {
        match life.health() {
            Health::Poisoned { .. } => self.trace.meet("a poisoned journal"),
            Health::OutOfSpace { .. } => self.trace.meet("a full disk"),
            Health::Serving | Health::Closed => {}
        }
        let shown = life.shared.healths.shown();
        if shown.iter().any(|it| matches!(it.state, Circuit::Open(_))) {
            self.trace.meet("an open circuit");
        }
    }

    /// What the counters say, against a recount.
    pub fn recount(&mut self) {
        let Some(life) = &self.life else { return };
        let mut ledger = self.ground.outside.ledger();
        ledger.catch_up();
        let invariant = Invariant::CountersEqualRecount;
        let mut counted = Count::default();
        let total = match life.counted() {
            Ok(counters) => counters
                .dump(&mut |counter| counted.add_dumped(&counter))
                .and_then(|_| counters.count(&CountQuery::since_launch(), &NoNames)),
            Err(error) => return ledger.violate(invariant, error),
        };
        let total = match total {
            Ok(answer) => answer.total,
            Err(error) => return ledger.violate(invariant, error.to_string()),
        };
        let recounted = Count::of_log(&ledger.log, &self.zone);
        // First what is said of less: a change of what was reported is more than a wrong count.
        let now = ledger.log.last().map_or(0, |entry| entry.committed_at_us);
        let over = counted.hours_before(Instant::from_micros(now), &self.zone);
        let thawed = self
            .frozen
            .iter()
            .find(|(hour, was)| over.get(*hour) != Some(was));
        if let Some((hour, was)) = thawed {
            let detail = format!("hour {hour:?} was {was:?} and is {:?}", over.get(hour));
            ledger.violate(Invariant::ClosedPeriodsAreFrozen, detail);
        }
        if let Some(difference) = recounted.difference(&counted) {
            ledger.violate(invariant, difference);
        }
        let of_outcomes: u64 = total.outcomes().map(|(_, count)| count).sum();
        if [total.attempts(), of_outcomes] != [recounted.attempts(); 2] {
            let detail = format!("{} of {of_outcomes}", total.attempts());
            ledger.violate(Invariant::AttemptsAreTheSumOfOutcomes, detail);
        }
        self.frozen = over;
        self.tally.recounts += 1;
    }

    /// Everything is made sound: then the hub serves again, nothing stays open, and all agrees.
    fn finish(&mut self) {
        if self.random.bool() {
            self.fill_and_free();
        }
        self.trace.note("all is made sound");
        self.ground.outside.set_misbehaving(0);
        self.soothe();
        let disk = self.ground.disk.killed();
        self.restart(disk);
        self.live(|life| {
            life.pass(200);
            crate::steps::restore()
                .into_iter()
                .for_each(|act| life.act(act));
            life.pass(100);
        });
        let carried = self.serve();
        self.expect_served(carried, "at the end");
        let mut ledger = self.ground.outside.ledger();
        if ledger.calls_open() > 0 {
            let invariant = Invariant::AttemptsAreTheSumOfOutcomes;
            ledger.violate(invariant, "openings stay open for ever");
        }
        drop(ledger);
        self.check();
        self.recount();
        if let Some(life) = self.life.take() {
            life.stop(&self.ground);
        }
        self.start();
        self.check();
    }

    /// The disk is full for a while. Once there is room again the hub serves, without a restart.
    fn fill_and_free(&mut self) {
        self.trace.note("the disk is full for a while");
        self.ground.outside.set_misbehaving(0);
        self.soothe();
        self.ground.disk.set_full(true);
        for _ in 0..CALLS_TO_FILL {
            let plan = self.sound_plan();
            self.live(|life| {
                life.call(0, plan);
                life.pass(100);
            });
        }
        self.ground.disk.set_full(false);
        self.live(|life| {
            life.pass(RESUMES_MS);
            crate::steps::restore()
                .into_iter()
                .for_each(|act| life.act(act));
            life.pass(RESUMES_MS);
        });
        let carried = self.serve();
        let broken = self.life.as_ref().map(Life::health);
        // What an earlier step had the disk fail is final for a life.
        if !matches!(broken, Some(Health::Poisoned { .. })) {
            self.expect_served(carried, "after the disk was full");
        }
    }

    /// A call of each consumer that may call; how many were carried.
    fn serve(&mut self) -> u64 {
        let before = self.ground.outside.ledger().completed;
        for consumer in 0..CONSUMERS.len() - 1 {
            let plan = self.sound_plan();
            self.live(|life| life.call(consumer, plan));
        }
        self.live(|life| life.pass(2_000));
        self.ground.outside.ledger().completed - before
    }

    fn expect_served(&self, carried: u64, when: &str) {
        let mut ledger = self.ground.outside.ledger();
        if ledger.violation().is_none() && carried + 1 != CONSUMERS.len() as u64 {
            let detail = format!("{carried} calls were carried {when}");
            ledger.violate(Invariant::WhatIsSoundServesAgain, detail);
        }
    }

    fn report(mut self) -> Report {
        if let Some(life) = self.life.take() {
            life.end(&self.ground);
        }
        let ledger = self.ground.outside.ledger();
        for entry in &ledger.log {
            if let Some(Body::Closed(closed)) = &entry.body {
                self.trace.meet(closed.outcome().as_str_name());
            }
            let bytes = entry.encode_to_vec();
            self.trace.note(format!("{} {bytes:x?}", entry.sequence));
        }
        Report {
            digest: self.trace.digest(),
            trace: self.trace.lines(),
            violation: ledger.violation(),
            tally: Tally {
                calls: self.calls,
                completed: ledger.completed,
                entries: ledger.end().get(),
                met: self.trace.met(),
                ..self.tally
            },
        }
    }
}

/// Faults are for what the hub writes: the counters' thread reads when it likes.
fn new_disk(disk: SimDisk) -> SimDisk {
    disk.spare_reads();
    disk
}

/// In memory where the machine has files there: a world is not about how fast this disk is.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
