//! Every target over its committed corpus and some thousand mutations of it, without libFuzzer: a
//! machine with nothing but Rust finds here what it finds.
//!
//! `NDXP_FUZZ_ROUNDS` makes it more mutations, `NDXP_FUZZ_SEED` others.

// The attribute tells the lints that helpers, too, are tests.
#[cfg(test)]
mod corpus;

#[cfg(test)]
mod mutation;

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ndxp_fuzz::{TARGETS, Target};

use corpus::{Corpus, files};

/// Some seconds for all targets, in a debug build.
const ROUNDS: u64 = 3_000;
const SEED: u64 = 5;
/// Far above what any input of some kilobytes takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(10);

/// One test for each target, by its name.
macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_test_its_corpus_and_its_dictionary() {
            check_complete(&[$(stringify!($name)),*]);
        }
    };
}

targets![
    act,
    answer_metadata,
    balances,
    catalogue_toml,
    catalogue_yaml,
    certificate,
    configuration,
    descriptors,
    framing,
    http2_client,
    http2_server,
    journal,
    journal_entry,
    period,
    request_metadata,
    request_path,
    stored_counters,
    timeout,
];

#[track_caller]
fn check(name: &str) {
    let target = ndxp_fuzz::target_named(name).expect("the target is in the table");
    let corpus = Corpus::read(&home(), name);
    for (file, input) in &corpus.inputs {
        run(target, input, file);
    }
    let (seed, rounds) = (
        number("NDXP_FUZZ_SEED", SEED),
        number("NDXP_FUZZ_ROUNDS", ROUNDS),
    );
    println!("NDXP_FUZZ_SEED={seed} NDXP_FUZZ_ROUNDS={rounds}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..rounds {
        let input = mutation::of(&corpus, &mut random);
        run(target, &input, &format!("round {round} of seed {seed}"));
    }
}

/// Runs one input; one that fails is kept for whoever mends the cause.
#[track_caller]
fn run(target: Target, input: &[u8], origin: &str) {
    let begun = Instant::now();
    let failed = catch_unwind(|| (target.run)(input)).is_err();
    let took = begun.elapsed();
    if failed || took > PATIENCE {
        let kept = std::env::temp_dir().join(format!("ndxp-fuzz-{}", target.name));
        std::fs::write(&kept, input).expect("the temporary folder takes a file");
        panic!(
            "{}, {origin}, {took:?}: {} bytes, kept in {}; when it is mended, keep them in \
             fuzz/corpus/{}: {}",
            target.name,
            input.len(),
            kept.display(),
            target.name,
            input.escape_ascii(),
        );
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().expect("it is a number"))
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn check_complete(tests: &[&str]) {
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    let tests: BTreeSet<&str> = tests.iter().copied().collect();
    assert_eq!(tests, names);
    for (folder, extension) in [("corpus", ""), ("dictionaries", ".dict")] {
        let found = files(&home().join(folder));
        let found = found.iter().map(|it| it.strip_suffix(extension));
        let found: BTreeSet<&str> = found.map(|it| it.expect("nothing else")).collect();
        assert_eq!(found, names, "fuzz/{folder}");
    }
    for name in names {
        assert!(!Corpus::read(&home(), name).inputs.is_empty(), "{name}");
    }
}
