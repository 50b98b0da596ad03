//! The counters against a recount that shares no code with them: over borders of time, crashes,
//! damage and restarts. What is counted is the same every time, or the test names the seed.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: what fails here fails the test that called them"
)]

mod answers;
mod breakdowns;
mod damage;
mod directory;
mod facts;
mod imports;
mod list;
mod real_journal;
mod recount;
mod refusals;
mod restarts;
mod story;
mod waiting;
