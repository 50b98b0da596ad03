//! Writing and counting, measured.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ndxp_counters::Counters;
use ndxp_journal::Reader;
use ndxp_model::{Outcome, Zone};
use ndxp_sim::history::{History, HistoryError, Written};
use serde::Serialize;

use super::target::{Target, bytes_below};
use crate::bench::process;
use crate::failure::Failure;

/// What was written, and what it cost.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Answered calls: completed and provider_error, tests left out.
    pub transactions: u64,
    /// Calls of each ending, tests left out.
    pub outcomes: BTreeMap<&'static str, u64>,
    pub tests: u64,
    pub entries: u64,
    pub write_seconds: f64,
    pub entries_written_per_second: f64,
    pub count_seconds: f64,
    pub entries_counted_per_second: f64,
    /// Of this process, while writing and while counting. Absent where the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes_peak: Option<u64>,
    pub journal_bytes: u64,
    /// Journal bytes for each call of any ending, tests included.
    pub journal_bytes_per_transaction: f64,
    pub counters_bytes: u64,
}

/// Writes the month, then counts it.
pub fn simulate(history: &History, target: &Target) -> Result<Measured, Failure> {
    let bar = Bar::new(history.entries());
    let began = Instant::now();
    let written = history
        .write(&target.journal(), &mut |day, entries| {
            bar.show(&format!("{day} written"), entries);
        })
        .map_err(failure)?;
    let writing = began.elapsed();

    let began = Instant::now();
    let reader = Reader::open(&target.journal()).map_err(Failure::internal)?;
    let progress = bar.clone();
    let counters = Counters::open_offline(
        target.counters(),
        Zone::viet_nam(),
        reader,
        move |sequence, _| progress.show("counted", sequence.get()),
    )?;
    counters.stop();
    let counting = began.elapsed();
    bar.finish();
    Ok(Measured::of(&written, writing, counting, target))
}

fn failure(error: HistoryError) -> Failure {
    match error {
        HistoryError::Answered { .. } | HistoryError::NotEmpty { .. } => Failure::usage(error),
        _ => Failure::internal(error).remedy(
            "what is written so far is sound; make room if the disk is full, and simulate into \
             another folder",
        ),
    }
}

impl Measured {
    fn of(written: &Written, writing: Duration, counting: Duration, target: &Target) -> Self {
        let of = |outcome: &(Outcome, u64)| (outcome.0.as_str(), outcome.1);
        let answered = written.outcomes.iter().filter(|it| it.0.is_transaction());
        let calls: u64 = written.outcomes.iter().map(|it| it.1).sum();
        let rate = |duration: Duration| float(written.entries) / duration.as_secs_f64();
        let journal_bytes = target.segment_bytes();
        Self {
            transactions: answered.map(|it| it.1).sum(),
            outcomes: written.outcomes.iter().map(of).collect(),
            tests: written.tests,
            entries: written.entries,
            write_seconds: writing.as_secs_f64(),
            entries_written_per_second: rate(writing),
            count_seconds: counting.as_secs_f64(),
            entries_counted_per_second: rate(counting),
            memory_bytes_peak: process::peak_bytes(std::process::id()).ok(),
            journal_bytes,
            journal_bytes_per_transaction: float(journal_bytes) / float(calls + written.tests),
            counters_bytes: bytes_below(&target.counters()),
        }
    }

    pub fn text(&self) -> String {
        let outcomes = self.outcomes.iter();
        let outcomes: Vec<_> = outcomes
            .map(|(name, calls)| format!("{calls} {name}"))
            .collect();
        let memory = match self.memory_bytes_peak {
            Some(bytes) => format!("{:.0} MB at most", float(bytes) / 1e6),
            None => "not known".to_owned(),
        };
        format!(
            "transactions  {}\n\
             calls         {}, {} tests\n\
             entries       {}\n\
             written       {:.1} s, {:.0} entries a second\n\
             counted       {:.1} s, {:.0} entries a second\n\
             memory        {memory}\n\
             journal       {:.2} GB, {:.0} bytes a call\n\
             counters      {:.1} MB",
            self.transactions,
            outcomes.join(", "),
            self.tests,
            self.entries,
            self.write_seconds,
            self.entries_written_per_second,
            self.count_seconds,
            self.entries_counted_per_second,
            gigabytes(self.journal_bytes),
            self.journal_bytes_per_transaction,
            float(self.counters_bytes) / 1e6,
        )
    }
}

pub fn gigabytes(bytes: u64) -> f64 {
    float(bytes) / 1e9
}

/// Good to fifteen digits.
fn float(value: u64) -> f64 {
    value as f64
}

/// On standard error, and only where somebody looks at it.
#[derive(Clone)]
struct Bar(ProgressBar);

impl Bar {
    fn new(entries: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{bar:16} {human_pos}/{human_len}  {wide_msg}")
            .expect("the template is fixed");
        Self(ProgressBar::new(entries).with_style(style))
    }

    fn show(&self, what: &str, entries: u64) {
        self.0.set_position(entries);
        self.0.set_message(what.to_owned());
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
