//! Hundreds of worlds in each run of the tests, and any one of them again.

use std::thread;
use std::time::Instant;

use crate::world::{Report, Tally, run};

/// How many, unless NDXP_SIMULATION_SEEDS says otherwise.
const SEEDS: u64 = 200;
/// At once: a world waits for the counters' disk more than it works.
const AT_ONCE: usize = 6;
/// What so many worlds must have met, or they are tamer than they look.
const MET: [&str; 21] = [
    "OUTCOME_COMPLETED",
    "OUTCOME_PROVIDER_ERROR",
    "OUTCOME_REFUSED",
    "OUTCOME_UNREACHABLE",
    "OUTCOME_TIMED_OUT",
    "OUTCOME_CANCELLED",
    "OUTCOME_INTERRUPTED",
    "JOURNAL_UNAVAILABLE",
    "ENDING_UNRECORDED",
    "RATE_LIMITED",
    "PROVIDER_OVERLOADED",
    "HUB_OVERLOADED",
    "SYSTEM_SUSPENDED",
    "SERVICE_DISABLED",
    "a poisoned journal",
    "a full disk",
    "a torn tail",
    "sealed segments",
    "packed segments",
    "an open circuit",
    "counters set back",
];
/// Names the seed to be replayed.
const SEED: &str = "NDXP_SIMULATION_SEED";
/// Worlds that are run twice: which of them differs every time.
const TWICE: u64 = 8;

#[test]
fn in_hundreds_of_worlds_all_that_must_hold_holds() {
    let seeds = std::env::var("NDXP_SIMULATION_SEEDS");
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().expect("a number"));
    let first = fastrand::u64(..);
    let began = Instant::now();
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|worker| {
            let own = (0..seeds).skip(worker).step_by(AT_ONCE);
            let own = own.map(move |index| first.wrapping_add(index));
            thread::spawn(move || own.map(sound).fold(Tally::default(), add))
        })
        .collect();
    let seen = workers.into_iter().map(|worker| worker.join());
    let seen = seen.map(|seen| seen.expect("a seed has failed, see above"));
    let seen = seen.fold(Tally::default(), add);
    println!(
        "{seeds} seeds from {first}: {seen:?} in {:?}",
        began.elapsed()
    );
    if seeds >= SEEDS {
        let tame: Vec<_> = MET
            .iter()
            .filter(|it| !seen.met.contains_key(**it))
            .collect();
        assert!(tame.is_empty(), "never met: {tame:?}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    let seeds = std::env::var("NDXP_SIMULATION_TWICE");
    let seeds = seeds.map_or(TWICE, |seeds| seeds.parse().expect("a number"));
    let first = fastrand::u64(..);
    for seed in (0..seeds).map(|index| first.wrapping_add(index)) {
        let (one, other) = (run(seed, None), run(seed, None));
        for (one, other) in one.trace.iter().zip(&other.trace) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(one.digest, other.digest, "seed {seed}");
        assert_ne!(one.digest, run(!seed, None).digest);
    }
}

/// `NDXP_SIMULATION_SEED=42 cargo test -p ndxp-simulation a_given_seed -- --nocapture`
#[test]
fn a_given_seed_is_replayed() {
    let seed = std::env::var(SEED).map_or(42, |seed| seed.parse().expect("a number"));
    let report = run(seed, None);
    for line in &report.trace {
        println!("{line}");
    }
    println!(
        "seed {seed}: digest {:016x}, {:?}",
        report.digest, report.tally
    );
    check(seed, &report);
}

fn sound(seed: u64) -> Tally {
    let report = run(seed, None);
    check(seed, &report);
    report.tally
}

fn check(seed: u64, report: &Report) {
    if let Some(violation) = &report.violation {
        panic!(
            "{violation}\nreplay it with: {SEED}={seed} cargo test -p ndxp-simulation \
             a_given_seed_is_replayed -- --nocapture"
        );
    }
}

fn add(one: Tally, other: Tally) -> Tally {
    Tally {
        calls: one.calls + other.calls,
        completed: one.completed + other.completed,
        entries: one.entries + other.entries,
        crashes: one.crashes + other.crashes,
        recounts: one.recounts + other.recounts,
        met: other
            .met
            .into_iter()
            .fold(one.met, |mut met, (what, times)| {
                *met.entry(what).or_default() += times;
                met
            }),
    }
}
