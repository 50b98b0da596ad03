//! What the data plane counts for operators, in Prometheus' terms.

use ndxp_model::Outcome;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    exponential_buckets,
};

/// The gateway's metrics. Cheap to clone; shared by all cores.
#[derive(Clone, Debug)]
pub struct Metrics {
    outcomes: Vec<(Outcome, IntCounter)>,
    /// Refusals that the journal could not take, and that no counter therefore knows.
    pub unrecorded: IntCounter,
    calls_in_flight: IntGauge,
    pub connections: IntGauge,
    pub handshakes_failed: IntCounter,
    /// Seconds of a call that were not spent on the provider.
    pub added_latency: Histogram,
}

impl Metrics {
    /// # Errors
    /// When one of the names is taken in the registry.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let calls = IntCounterVec::new(
            Opts::new("ndxp_calls_total", "Calls settled, by outcome"),
            &["outcome"],
        )?;
        registry.register(Box::new(calls.clone()))?;
        let outcomes = Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, calls.with_label_values(&[outcome.as_str()])))
            .collect();
        // 50 µs to 0.8 s, doubling.
        let added_latency = Histogram::with_opts(
            HistogramOpts::new(
                "ndxp_added_latency_seconds",
                "Time of answered calls that was not spent on the provider",
            )
            .buckets(exponential_buckets(0.000_05, 2.0, 15)?),
        )?;
        registry.register(Box::new(added_latency.clone()))?;
        Ok(Self {
            outcomes,
            unrecorded: counter(
                registry,
                "ndxp_unrecorded_refusals_total",
                "Calls refused because the journal could not take them",
            )?,
            calls_in_flight: gauge(registry, "ndxp_calls_in_flight", "Calls being carried")?,
            connections: gauge(registry, "ndxp_connections", "Connections of consumers")?,
            handshakes_failed: counter(
                registry,
                "ndxp_handshakes_failed_total",
                "Connections that ended before a TLS handshake with ALPN h2 was complete",
            )?,
            added_latency,
        })
    }

    /// Counts a call until the answer is dropped.
    #[must_use]
    pub fn call_in_flight(&self) -> InFlight {
        self.calls_in_flight.inc();
        InFlight(self.calls_in_flight.clone())
    }

    pub fn settled(&self, outcome: Outcome) {
        if let Some((_, counter)) = self.outcomes.iter().find(|(it, _)| *it == outcome) {
            counter.inc();
        }
    }
}

/// A call that is being carried.
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}
