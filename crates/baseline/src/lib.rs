//! Opening balances: what a previous platform counted before this hub took over, as a file that a
//! person writes, as an entry of the journal, and as sums that stand beside what was counted.
//!
//! The rules, each with a test (docs/baseline.md tells them to those who write the files):
//!
//! - A number is stated once: for one measure no two balances of one connection overlap, nor of the
//!   total, and no period is stated both in total and by connection.
//! - A period that this hub has counted is not stated, nor one that is not over.
//! - An import is one entry of the journal: whole, or not at all.
//! - A balance belongs to a period when it lies within it; one that overlaps it is told, never shared
//!   out.
//! - Whatever bytes come in, memory is bounded, and reading ends at the first limit.
//!
//! Pure: nothing is read but what the caller hands over, and no clock is asked.

// When: days of the hub's local calendar.
mod day;

mod span;

// What: an entry's balances, and what makes an entry sound.
mod limits;

mod entry;

mod clash;

// Where it comes from: the file.
mod problem;

mod line;

mod record;

mod number;

mod file;

// What it comes to: all imports together, and what of them belongs to a question.
mod conflict;

mod balances;

mod window;

mod sum;

#[cfg(test)]
mod sample;

pub use balances::{Balances, Imported};
pub use clash::ClashKind;
pub use conflict::{Calendar, Conflict, Conflicts};
pub use day::Day;
pub use entry::{Balance, Malformed, balances, check};
pub use file::{COLUMNS, HEADER, Parsed, parse};
pub use limits::{
    ENTRY_BYTES_MAX, FILE_NAME_CHARS_MAX, FINDINGS_MAX, Limits, NOTE_CHARS_MAX, SOURCE_CHARS_MAX,
    STANDING_BYTES_MAX, STANDING_ROWS_MAX,
};
pub use problem::{Finding, Findings, ParseError, Problem};
pub use span::{NotASpan, Span};
pub use sum::{InTotal, NO_KEY, OpeningSum, Question, Sums, TooLarge};
pub use window::Window;
