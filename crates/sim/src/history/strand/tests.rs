//! The strands' calls and measures sum to what was asked for, at any scale.

use std::collections::BTreeMap;

use super::super::volume::JULY_2022;
use super::*;

fn sum(strands: &[Strand], wanted: impl Fn(&Strand) -> bool) -> u64 {
    let chosen = strands.iter().filter(|strand| wanted(strand));
    chosen.map(|strand| strand.calls).sum()
}

fn measured(strands: &[Strand], name: &str) -> u64 {
    let measures = strands.iter().flat_map(|strand| &strand.measures);
    let named = measures.filter(|measure| measure.name == name);
    named.map(|measure| measure.total).sum()
}

#[track_caller]
fn check(volume: Volume) {
    let strands = strands(&Nation::new(), &volume);
    let ended = |outcome: Outcome| sum(&strands, |it| !it.test && it.ending.outcome() == outcome);
    assert_eq!(ended(Outcome::ProviderError), volume.provider_errors);
    assert_eq!(
        ended(Outcome::Completed) + ended(Outcome::ProviderError),
        volume.answered
    );
    assert_eq!(ended(Outcome::Refused), volume.refused);
    assert_eq!(ended(Outcome::Unreachable), volume.unreachable);
    assert_eq!(ended(Outcome::TimedOut), volume.timed_out);
    assert_eq!(ended(Outcome::Cancelled), volume.cancelled);
    assert_eq!(ended(Outcome::Interrupted), volume.interrupted);
    assert_eq!(sum(&strands, |it| it.test), volume.tests);
    assert_eq!(sum(&strands, |_| true), volume.calls());
    assert_eq!(measured(&strands, "documents_sent"), volume.documents_sent);
    assert_eq!(
        measured(&strands, "documents_received"),
        volume.documents_received
    );
}

#[test]
fn calls_and_documents_sum_to_the_volume_at_every_scale() {
    for scale in [1, 2, 7, 10, 100, 999, 1_000] {
        check(Volume::of(JULY_2022.answered / scale));
    }
    for answered in [10_000, 10_001, 123_457, 58_397_139] {
        check(Volume::of(answered));
    }
}

#[test]
fn identity_verification_is_the_largest_and_every_system_completes_a_call() {
    let nation = Nation::new();
    let strands = strands(&nation, &Volume::of(10_000));
    let mut methods = BTreeMap::<_, u64>::new();
    for strand in &strands {
        *methods.entry(strand.method.as_str()).or_default() += strand.calls;
    }
    let largest = methods.iter().max_by_key(|(_, calls)| **calls);
    assert_eq!(largest.map(|(name, _)| *name), Some("VerifyIdentity"));
    for system in nation.systems() {
        let id = system.id.as_str();
        let takes_part = |it: &&Strand| {
            it.ending == Ending::Completed
                && !it.test
                && (it.connection.consumer == id || it.connection.provider == id)
        };
        assert!(strands.iter().any(|it| takes_part(&it)), "{id}");
    }
}

#[test]
fn what_a_strands_calls_state_sums_to_its_measure_and_each_states_something() {
    for (total, unit, calls) in [(10, 1, 10), (45_000, 1, 250), (217_868_000, 1_000, 89)] {
        let measure = Measure {
            name: "records",
            total,
            unit,
            rows: true,
        };
        let values: Vec<_> = (0..calls).map(|call| measure.value(call, calls)).collect();
        assert_eq!(values.iter().sum::<u64>(), total);
        assert!(values.iter().all(|value| *value > 0 && value % unit == 0));
    }
}
