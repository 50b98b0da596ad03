//! What the data plane counts for operators, in Prometheus' terms.

use ndxp_model::Outcome;

use crate::conduct::Excess;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    exponential_buckets,
};

/// The gateway's metrics. Cheap to clone; shared by all cores.
#[derive(Clone, Debug)]
pub struct Metrics {
    outcomes: Vec<(Outcome, IntCounter)>,
    /// Refusals that the journal could not take, and that no counter therefore knows.
    pub unrecorded: IntCounter,
    /// Calls that their consumer took back before the hub looked at them.
    pub withdrawn: IntCounter,
    calls_in_flight: IntGauge,
    pub connections: IntGauge,
    /// By core.
    core_connections: IntGaugeVec,
    /// Calls a second that each consumer is given while the hub cannot keep up; 0 while it can.
    pub overload_share: IntGauge,
    pub handshakes_failed: IntCounter,
    pub handshakes_paced: IntCounter,
    shed: Vec<(Shed, IntCounter)>,
    /// Of endpoints whose circuit was ever opened: 0 closed, 1 half-open, 2 open.
    pub circuits: IntGaugeVec,
    /// Seconds of a call that were not spent on the provider.
    pub added_latency: Histogram,
}

/// Why a connection was ended that its peer would have kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shed {
    /// The hub has as many as it may.
    Connections,
    /// One holder of a certificate has as many as one may.
    ConnectionsOfOne,
    /// Its handshake made room for newer ones.
    Handshakes,
    /// The peer did too much beside its calls.
    Conduct(Excess),
    /// The HTTP/2 machinery took it for an attack, or did not understand it.
    Protocol,
}

impl Shed {
    fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::Connections,
            Self::ConnectionsOfOne,
            Self::Handshakes,
            Self::Protocol,
        ];
        let conduct = Excess::ALL.into_iter().map(Self::Conduct);
        others.into_iter().chain(conduct)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsOfOne => "connections_of_one",
            Self::Handshakes => "handshakes",
            Self::Conduct(excess) => excess.as_str(),
            Self::Protocol => "protocol",
        }
    }
}

impl Metrics {
    /// # Errors
    /// When one of the names is taken in the registry.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let calls = counters(
            registry,
            Opts::new("ndxp_calls_total", "Calls settled, by outcome"),
            "outcome",
        )?;
        let outcomes = Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, calls.with_label_values(&[outcome.as_str()])))
            .collect();
        let connections_shed = counters(
            registry,
            Opts::new(
                "ndxp_connections_shed_total",
                "Connections of consumers that the hub ended, by cause",
            ),
            "cause",
        )?;
        let circuits = gauges(
            registry,
            "ndxp_provider_circuit",
            "Circuit of a provider's endpoint: 0 closed, 1 half-open, 2 open",
            &["provider", "endpoint"],
        )?;
        let core_connections = gauges(
            registry,
            "ndxp_core_connections",
            "Connections of consumers, by the core that carries them",
            &["core"],
        )?;
        let shed = Shed::all()
            .map(|why| (why, connections_shed.with_label_values(&[why.as_str()])))
            .collect();
        Ok(Self {
            outcomes,
            shed,
            circuits,
            unrecorded: counter(
                registry,
                "ndxp_unrecorded_refusals_total",
                "Calls refused because the journal could not take them",
            )?,
            withdrawn: counter(
                registry,
                "ndxp_withdrawn_calls_total",
                "Calls reset by their consumer before the hub looked at them; in no record",
            )?,
            calls_in_flight: gauge(registry, "ndxp_calls_in_flight", "Calls being carried")?,
            overload_share: gauge(
                registry,
                "ndxp_overload_share_calls_per_second",
                "Calls a second that each consumer is given while the hub cannot keep up; 0 while it can",
            )?,
            connections: gauge(registry, "ndxp_connections", "Connections of consumers")?,
            core_connections,
            handshakes_paced: counter(
                registry,
                "ndxp_handshakes_paced_total",
                "TLS handshakes of consumers that waited, or were turned away: their address had more made than it may",
            )?,
            handshakes_failed: counter(
                registry,
                "ndxp_handshakes_failed_total",
                "Connections that ended before a TLS handshake with ALPN h2 was complete",
            )?,
            added_latency: added_latency(registry)?,
        })
    }

    /// Counts a call until the answer is dropped.
    #[must_use]
    pub fn call_in_flight(&self) -> InFlight {
        self.calls_in_flight.inc();
        InFlight(self.calls_in_flight.clone())
    }

    /// How many connections each of so many cores carries, in their order.
    pub fn core_connections(&self, cores: usize) -> impl Iterator<Item = IntGauge> {
        let of_core = |core: usize| {
            self.core_connections
                .with_label_values(&[&core.to_string()])
        };
        (0..cores).map(of_core)
    }

    pub fn shed(&self, why: Shed) {
        if let Some((_, counter)) = self.shed.iter().find(|(it, _)| *it == why) {
            counter.inc();
        }
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

fn added_latency(registry: &Registry) -> Result<Histogram, prometheus::Error> {
    let of = HistogramOpts::new(
        "ndxp_added_latency_seconds",
        "Time of answered calls that was not spent on the provider",
    );
    // 50 µs to 0.8 s, doubling.
    let added_latency = Histogram::with_opts(of.buckets(exponential_buckets(0.000_05, 2.0, 15)?))?;
    registry.register(Box::new(added_latency.clone()))?;
    Ok(added_latency)
}

/// One counter for each value of a label.
fn counters(
    registry: &Registry,
    of: Opts,
    label: &str,
) -> Result<IntCounterVec, prometheus::Error> {
    let counters = IntCounterVec::new(of, &[label])?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

/// One gauge for each value of the labels.
fn gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntGaugeVec, prometheus::Error> {
    let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
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
