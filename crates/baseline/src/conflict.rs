//! What an import must not say beside what is known already: what was imported before, what this
//! hub has counted, and what is not over.

use std::fmt;

use crate::clash::ClashKind;
use crate::day::Day;
use crate::limits::{STANDING_BYTES_MAX, STANDING_ROWS_MAX};

/// Where time stands, in local days.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Calendar {
    pub today: Day,
    /// The day on which this hub began to count; none while it has counted nothing.
    pub launch: Option<Day>,
}

/// One thing that an import cannot say. Balances are counted from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Conflict {
    #[error(
        "balance {balance} ({named}): {kind} balance {other} ({other_named}) of the import at \
         sequence {sequence}; {}; see `ndxp baseline list`",
        kind.remedy()
    )]
    Imported {
        balance: usize,
        named: String,
        kind: ClashKind,
        sequence: u64,
        other: usize,
        other_named: String,
    },
    #[error(
        "balance {balance} ({named}): ends with {last}, but this hub has counted since {launch}; \
         state what was counted before {launch}"
    )]
    Counted {
        balance: usize,
        named: String,
        last: Day,
        launch: Day,
    },
    #[error(
        "balance {balance} ({named}): ends with {last}, which is not over: today is {today}; state \
         it when it is"
    )]
    NotOver {
        balance: usize,
        named: String,
        last: Day,
        today: Day,
    },
    #[error(
        "with this import, {found} balances would stand, at most {} do; state months or years \
         instead of days",
        STANDING_ROWS_MAX
    )]
    TooManyRows { found: usize },
    #[error(
        "with this import, all of them come to {found} bytes, at most {} are kept; state months or \
         years instead of days",
        STANDING_BYTES_MAX
    )]
    TooManyBytes { found: usize },
    #[error(
        "with this import, transactions in all balances come to {found}, which no counter holds; \
         look for a number with too many digits"
    )]
    TooLarge { found: u128 },
}

/// Everything that an import cannot say, up to a limit.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Conflicts(pub Vec<Conflict>);

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
