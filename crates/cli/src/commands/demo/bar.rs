//! The progress bar: how fast it goes, what the hub adds to a call, what it refused.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ndxp_model::Outcome;
use ndxp_sim::Progress;

/// On standard error, and only where somebody looks at it.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(seconds: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:16} {pos:>3}/{len} s  {wide_msg}")
            .expect("the template is fixed");
        Self(ProgressBar::new(seconds).with_style(style))
    }

    pub fn show(&self, progress: &Progress) {
        self.0.set_position(progress.elapsed.as_secs());
        self.0.set_message(message(progress));
    }

    /// Leaves the last state on the screen.
    pub fn finish(&self) {
        self.0.abandon();
        if !self.0.is_hidden() {
            eprintln!();
        }
    }
}

fn message(progress: &Progress) -> String {
    let refused = progress
        .outcomes
        .get(&Outcome::Refused)
        .copied()
        .unwrap_or(0);
    // Short enough for a terminal of 80 columns.
    format!(
        "{:.0}/s  hub adds {}/{} ms p50/p99  {refused} refused",
        progress.rate_per_second,
        milliseconds(progress.added.p50),
        milliseconds(progress.added.p99),
    )
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1_000.0)
}
