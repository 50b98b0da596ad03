//! What counters are kept per: a line, which is a method of a connection, and an ending.

use std::fmt;

use ndxp_model::{Fault, Outcome};
use ndxp_proto::journal::v1::Connection;

/// A connection's calls of one method, or the rest of its calls.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Line {
    pub connection: Connection,
    /// Empty for calls that no method is told of: those that came before the provider first
    /// answered the method, and those beyond [`METHODS_MAX`] methods.
    pub method: String,
}

/// How a call ended, and which side that is owed to; `None` is nobody's fault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ending {
    pub outcome: Outcome,
    pub fault: Option<Fault>,
}

/// Methods counted by name on one connection. A caller can name any method; that no more than
/// so many lines follow bounds the counters, whatever callers and providers agree on.
pub const METHODS_MAX: usize = 256;
/// What a provider answers that does not know the method (gRPC's `UNIMPLEMENTED`).
pub const UNIMPLEMENTED: u32 = 12;

const FAULTS: [Option<Fault>; 4] = [
    None,
    Some(Fault::Consumer),
    Some(Fault::Hub),
    Some(Fault::Provider),
];

impl Ending {
    pub const FIRST: Self = Self {
        outcome: Outcome::Completed,
        fault: None,
    };
    pub const LAST: Self = Self {
        outcome: Outcome::Interrupted,
        fault: Some(Fault::Provider),
    };

    /// Every ending there is, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Outcome::ALL
            .into_iter()
            .flat_map(|outcome| FAULTS.map(|fault| Self { outcome, fault }))
    }

    /// Four times the contract's number of the outcome, and that of the fault on top.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.outcome.number() * 4 + fault_number(self.fault)
    }

    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        let outcome = Outcome::from_number(number / 4)?;
        let fault = FAULTS
            .into_iter()
            .find(|fault| fault_number(*fault) == number % 4)?;
        Some(Self { outcome, fault })
    }
}

impl PartialOrd for Ending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number().cmp(&other.number())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            None => write!(f, "{}", self.outcome),
            Some(fault) => write!(f, "{} by fault of the {fault}", self.outcome),
        }
    }
}

/// The number in contracts and stores.
pub const fn fault_number(fault: Option<Fault>) -> u8 {
    match fault {
        None => 0,
        Some(fault) => fault as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_numbered_in_their_order_and_come_back() {
        let numbers: Vec<u8> = Ending::all().map(Ending::number).collect();
        assert_eq!(numbers, (4..32).collect::<Vec<u8>>());
        for number in 0..=u8::MAX {
            let known = (4..32).contains(&number);
            let ending = Ending::from_number(number);
            assert_eq!(ending.map(Ending::number), known.then_some(number));
        }
        let refused = Ending {
            outcome: Outcome::Refused,
            fault: Some(Fault::Consumer),
        };
        assert_eq!(refused.number(), 13);
        assert_eq!(refused.to_string(), "refused by fault of the consumer");
    }
}
