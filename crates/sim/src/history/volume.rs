//! How many calls of each ending a month has, and what they carry.

use super::share::scaled;

/// Calls of a month by their ending, and the documents among them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Answered by a provider: `completed` and `provider_error`. What reports call transactions.
    pub answered: u64,
    /// Of those, the ones that were answered with an error.
    pub provider_errors: u64,
    pub refused: u64,
    pub unreachable: u64,
    pub timed_out: u64,
    pub cancelled: u64,
    pub interrupted: u64,
    /// Marked as tests: journaled, and counted nowhere.
    pub tests: u64,
    /// Sums of the declared measures `documents_sent` and `documents_received`.
    pub documents_sent: u64,
    pub documents_received: u64,
}

/// July 2022 up to the 22nd. Transactions and documents are those of Report 105/BC-BTTTT of
/// 29/7/2022 (rows 1 and 8 of the figures); of what was not answered no report tells, and about
/// one per cent stands for it.
pub(super) const JULY_2022: Volume = Volume {
    answered: 10_385_415,
    provider_errors: 311_562,
    refused: 52_338,
    unreachable: 21_417,
    timed_out: 8_203,
    cancelled: 31_776,
    interrupted: 37,
    tests: 20_119,
    documents_sent: 135_164,
    documents_received: 485_666,
};

impl Volume {
    /// As many answered calls, and all else in the proportions of July 2022, rounded down. One
    /// call at least is interrupted, so that every ending occurs.
    #[must_use]
    pub fn of(answered: u64) -> Self {
        let like = |value| scaled(value, answered, JULY_2022.answered);
        Self {
            answered,
            provider_errors: like(JULY_2022.provider_errors),
            refused: like(JULY_2022.refused),
            unreachable: like(JULY_2022.unreachable),
            timed_out: like(JULY_2022.timed_out),
            cancelled: like(JULY_2022.cancelled),
            interrupted: like(JULY_2022.interrupted).max(1),
            tests: like(JULY_2022.tests),
            documents_sent: like(JULY_2022.documents_sent),
            documents_received: like(JULY_2022.documents_received),
        }
    }

    /// Calls of every ending, tests among them.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let beside = [
            self.refused,
            self.unreachable,
            self.timed_out,
            self.cancelled,
            self.interrupted,
            self.tests,
        ];
        self.answered + beside.iter().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn july_at_full_size_is_july_and_a_hundredth_is_a_hundredth() {
        assert_eq!(Volume::of(10_385_415), JULY_2022);
        let hundredth = Volume::of(103_854);
        assert_eq!(hundredth.documents_sent, 1_351);
        assert_eq!(hundredth.documents_received, 4_856);
        assert_eq!((hundredth.refused, hundredth.interrupted), (523, 1));
    }
}
