//! What must hold in every world, by name.

use std::fmt;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Invariant {
    /// What anybody saw acknowledged is in the journal, after any crash, in its place.
    AcknowledgedIsDurable,
    /// A provider saw a call: its opening is durable.
    NothingReachesAProviderUnrecorded,
    /// A consumer saw the end of an opened call: its closing is durable, and says the same.
    NothingEndsUnrecorded,
    /// Every opening has one closing, and what the counters call attempts are these and the refusals.
    AttemptsAreTheSumOfOutcomes,
    /// Caught up, the counters say what a naive recount of the journal says.
    CountersEqualRecount,
    /// What was counted in an hour that is over stays as it was.
    ClosedPeriodsAreFrozen,
    SequenceIsContiguousAndTimeNeverRunsBackwards,
    OpenTransactionsAreSweptAsInterruptedAfterACrash,
    RegistryEqualsAFoldOfTheJournal,
    /// With a sound disk and sound providers the hub carries calls again.
    WhatIsSoundServesAgain,
}

/// The first thing found wrong in a world.
#[derive(Clone, Debug)]
pub struct Violation {
    pub invariant: Invariant,
    pub detail: String,
}

impl Invariant {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcknowledgedIsDurable => "acknowledged_is_durable",
            Self::NothingReachesAProviderUnrecorded => "nothing_reaches_a_provider_unrecorded",
            Self::NothingEndsUnrecorded => "nothing_ends_unrecorded",
            Self::AttemptsAreTheSumOfOutcomes => "attempts_are_the_sum_of_outcomes",
            Self::CountersEqualRecount => "counters_equal_recount",
            Self::ClosedPeriodsAreFrozen => "closed_periods_are_frozen",
            Self::SequenceIsContiguousAndTimeNeverRunsBackwards => {
                "sequence_is_contiguous_and_time_never_runs_backwards"
            }
            Self::OpenTransactionsAreSweptAsInterruptedAfterACrash => {
                "open_transactions_are_swept_as_interrupted_after_a_crash"
            }
            Self::RegistryEqualsAFoldOfTheJournal => "registry_equals_a_fold_of_the_journal",
            Self::WhatIsSoundServesAgain => "what_is_sound_serves_again",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant.as_str(), self.detail)
    }
}
