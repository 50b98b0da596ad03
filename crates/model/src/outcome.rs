//! How a transaction ends: a closed set, and which side the ending is owed to.

use std::fmt;
use std::str::FromStr;

use crate::InvalidValue;

/// The ending of a transaction. Attempts are always the sum over these.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Outcome {
    /// The provider answered OK.
    Completed = 1,
    /// The provider answered with another status.
    ProviderError = 2,
    /// The hub refused the call.
    Refused = 3,
    /// The provider could not be reached, or broke off without an answer.
    Unreachable = 4,
    /// The deadline passed before the provider had answered.
    TimedOut = 5,
    /// The consumer broke off.
    Cancelled = 6,
    /// The hub stopped between open and settle.
    Interrupted = 7,
}

impl Outcome {
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::ProviderError,
        Self::Refused,
        Self::Unreachable,
        Self::TimedOut,
        Self::Cancelled,
        Self::Interrupted,
    ];

    /// Whether reports count it as a transaction carried out through the platform: the call
    /// reached a provider and was answered.
    #[must_use]
    pub const fn is_transaction(self) -> bool {
        matches!(self, Self::Completed | Self::ProviderError)
    }

    /// The number in contracts and stores.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.number() == number)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ProviderError => "provider_error",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "completed, provider_error, refused, unreachable, timed_out, cancelled or \
                      interrupted";
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| InvalidValue::new("outcome", text, wanted))
    }
}

/// The side that an ending other than OK is owed to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Fault {
    Consumer = 1,
    Hub = 2,
    Provider = 3,
}

impl Fault {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Hub => "hub",
            Self::Provider => "provider",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
