//! What operators watch beside the gateway's own metrics: the journal's commits, how far the
//! counters are behind it, and whether the hub is fit to take calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ndxp_counters::Counters;
use ndxp_journal::{CommitObserver, Journal};
use prometheus::{Histogram, HistogramOpts, IntGauge, Registry, exponential_buckets};

use crate::memory::resident_bytes;
use crate::observe::Readiness;

/// A projection that is further behind than this is too far behind to be asked.
const LAG_MAX: Duration = Duration::from_secs(10);

/// The journal's commits, observed on the writer's thread.
pub struct CommitMetrics {
    seconds: Histogram,
    entries: Histogram,
}

impl CommitMetrics {
    /// # Errors
    /// When a name is taken in the registry.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        // 20 µs to 1.3 s, and 1 to 32,768 entries, both doubling.
        let seconds = Histogram::with_opts(
            HistogramOpts::new(
                "ndxp_journal_commit_seconds",
                "Time to write and sync one batch of entries",
            )
            .buckets(exponential_buckets(0.000_02, 2.0, 17)?),
        )?;
        let entries = Histogram::with_opts(
            HistogramOpts::new(
                "ndxp_journal_batch_entries",
                "Entries committed with one sync",
            )
            .buckets(exponential_buckets(1.0, 2.0, 16)?),
        )?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(entries.clone()))?;
        Ok(Self { seconds, entries })
    }
}

impl CommitObserver for CommitMetrics {
    fn committed(&self, entries: usize, _bytes: usize, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
        self.entries
            .observe(u32::try_from(entries).map_or(f64::INFINITY, f64::from));
    }
}

/// The hub's fitness, asked at `/ready` and at every scrape.
pub struct Fitness {
    journal: Journal,
    counters: Counters,
    /// Set once what a crash left open has been settled.
    pub swept: AtomicBool,
    pub stopping: AtomicBool,
    sequence: IntGauge,
    lag_entries: IntGauge,
    ready: IntGauge,
    resident: IntGauge,
}

impl Fitness {
    /// # Errors
    /// When a name is taken in the registry.
    pub fn register(
        registry: &Registry,
        journal: Journal,
        counters: Counters,
    ) -> Result<Arc<Self>, prometheus::Error> {
        let gauge = |name, help| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Arc::new(Self {
            journal,
            counters,
            swept: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            sequence: gauge(
                "ndxp_journal_sequence",
                "Last durable sequence of the journal",
            )?,
            lag_entries: gauge(
                "ndxp_projection_lag_entries",
                "Entries that the counters have not applied yet",
            )?,
            ready: gauge(
                "ndxp_ready",
                "1 while the hub takes calls, 0 while it does not",
            )?,
            resident: gauge(
                "ndxp_memory_resident_bytes",
                "Memory that the hub has resident; 0 where the system does not tell",
            )?,
        }))
    }

    /// Brings the gauges up to date. Called about once a second.
    pub fn sample(&self) {
        let end = self.journal.position().sequence.get();
        let applied = self.counters.watermark().sequence.get();
        self.sequence.set(i64::try_from(end).unwrap_or(i64::MAX));
        self.lag_entries
            .set(i64::try_from(end.saturating_sub(applied)).unwrap_or(i64::MAX));
        self.ready.set(i64::from(self.reasons().is_empty()));
        self.resident
            .set(i64::try_from(resident_bytes()).unwrap_or(i64::MAX));
    }

    fn lag_reason(&self) -> Option<String> {
        let end = self.journal.position();
        let applied = self.counters.watermark();
        let behind = applied.at.saturating_add(LAG_MAX) < end.at;
        (behind && applied.sequence < end.sequence).then(|| {
            format!(
                "counters are at sequence {} of {}: more than {LAG_MAX:?} behind",
                applied.sequence, end.sequence
            )
        })
    }
}

impl Readiness for Fitness {
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        reasons.extend(journal_reason(self.journal.health()));
        reasons.extend(counters_reason(self.counters.health()));
        reasons.extend(self.lag_reason());
        if !self.swept.load(Ordering::Relaxed) {
            reasons.push("transactions that the last stop left open are being settled".to_owned());
        }
        if self.stopping.load(Ordering::Relaxed) {
            reasons.push("the hub is stopping".to_owned());
        }
        reasons
    }
}

fn journal_reason(health: ndxp_journal::Health) -> Option<String> {
    match health {
        ndxp_journal::Health::Serving => None,
        ndxp_journal::Health::OutOfSpace { since, error } => Some(format!(
            "the journal has had no space since {since}: {error}; free some"
        )),
        ndxp_journal::Health::Poisoned { since, error } => Some(format!(
            "the journal has failed at {since}: {error}; restart the hub"
        )),
        ndxp_journal::Health::Closed => Some("the journal is closed".to_owned()),
    }
}

fn counters_reason(health: ndxp_counters::Health) -> Option<String> {
    match health {
        ndxp_counters::Health::Serving | ndxp_counters::Health::CatchingUp { .. } => None,
        ndxp_counters::Health::Failed { reason } => Some(format!(
            "the counters stand still: {reason}; room on the disk is noticed within seconds, anything \
             else needs a restart of the hub"
        )),
        ndxp_counters::Health::Stopped => Some("the counters are stopped".to_owned()),
    }
}
