//! That the invariants can fail: each bug that is seeded on purpose is caught, by the one that is
//! meant for it.

use crate::invariant::Invariant;
use crate::mutation::Mutation;
use crate::world::run;

/// Worlds in which a bug may hide before the test says that nothing catches it.
const SEEDS: u64 = 400;
/// Worlds in which what is no bug must not be taken for one.
const SEEDS_OF_NONE: u64 = 10;

/// The bug, and what catches it. In some worlds something else does so first: what is forwarded before a
/// full disk refuses its opening is closed without having been open, too.
const TABLE: [(Mutation, Option<Invariant>); 13] = [
    (Mutation::HonestRelay, None),
    (
        Mutation::AcknowledgeBeforeSync,
        Some(Invariant::AcknowledgedIsDurable),
    ),
    (
        Mutation::ForgetTheWatermark,
        Some(Invariant::CountersEqualRecount),
    ),
    (Mutation::CountOnOpen, Some(Invariant::CountersEqualRecount)),
    (
        Mutation::ForwardBeforeTheOpeningIsDurable,
        Some(Invariant::NothingReachesAProviderUnrecorded),
    ),
    (
        Mutation::SettleAfterTheTrailers,
        Some(Invariant::NothingEndsUnrecorded),
    ),
    (
        Mutation::SweepForgetsATransaction,
        Some(Invariant::OpenTransactionsAreSweptAsInterruptedAfterACrash),
    ),
    (
        Mutation::SettleTwice,
        Some(Invariant::AttemptsAreTheSumOfOutcomes),
    ),
    (
        Mutation::RebuildForgetsWhatWasReported,
        Some(Invariant::ClosedPeriodsAreFrozen),
    ),
    (
        Mutation::ReadPassesOverAStart,
        Some(Invariant::SequenceIsContiguousAndTimeNeverRunsBackwards),
    ),
    (
        Mutation::ReadGivesTheTimeOfAClockThatIsSetBack,
        Some(Invariant::SequenceIsContiguousAndTimeNeverRunsBackwards),
    ),
    (
        Mutation::CheckpointSaysThatItIsNewer,
        Some(Invariant::RegistryEqualsAFoldOfTheJournal),
    ),
    (
        Mutation::StayClosedAfterAFullDisk,
        Some(Invariant::WhatIsSoundServesAgain),
    ),
];

#[test]
fn each_seeded_bug_is_caught_by_the_invariant_that_is_meant_for_it() {
    let first = fastrand::u64(..);
    for (mutation, expected) in TABLE {
        let seeds = match expected {
            Some(_) => SEEDS,
            None => SEEDS_OF_NONE,
        };
        let mut violations = Vec::new();
        for seed in (0..seeds).map(|index| first.wrapping_add(index)) {
            violations.extend(run(seed, Some(mutation)).violation.map(|it| it.invariant));
            if expected.is_some_and(|expected| violations.contains(&expected)) {
                break;
            }
        }
        println!("{mutation:?}: {violations:?}");
        let by = violations.last().copied();
        assert_eq!(
            by, expected,
            "{mutation:?}, seeds from {first}: {violations:?}"
        );
    }
}
