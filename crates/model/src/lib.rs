//! The names of the house as types: one meaning each, checked where they enter, so that
//! everything behind the edge can rely on them. No I/O and no async.

mod clock;
mod compare;
pub mod expression;
mod id;
mod instant;
mod outcome;
mod period;
mod reason;
mod text;

pub use clock::{Clock, ManualClock, SystemClock};
pub use compare::Within;
pub use id::{
    Connection, GrantId, MemberClass, MemberCode, Party, ServiceName, SystemId, SystemKind,
    TransactionId,
};
pub use instant::Instant;
pub use outcome::{Fault, Outcome};
pub use period::{Granularity, Period, Zone};
pub use reason::{Meaning, Reason, Refusal};
pub use text::InvalidValue;

/// Place of an entry in the journal's total order; the first entry is 1, and 0 means "none".
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sequence(u64);

impl Sequence {
    pub const NONE: Self = Self(0);

    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
