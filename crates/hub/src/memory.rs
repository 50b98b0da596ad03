//! The most memory that peers can make the hub hold, whatever they do: computed from the limits
//! that are configured, said at the start, shown as a metric, and held by `ndxp bench --soak`.
//!
//! What the hub holds for itself comes on top and is no peer's to choose: the program, the registry
//! (about 1 KB for each grant), the counters' pending rows, the page cache of sled, and the answers that
//! operators and auditors ask for on the control port.

use std::fmt;

use ndxp_gateway::{Bodies, memory};
use ndxp_journal::LANE_BYTES_MAX;
use ndxp_model::Sequence;
use ndxp_registry::Registry;
use prometheus::{IntGaugeVec, Opts};

use crate::config::Config;
use crate::limits::{cores, gateway_limits};

const MIB: u64 = 1 << 20;

/// Requests to the hub's own services, of all callers together, while they are taken in: on the
/// exchange port, and on the control port, where four catalogues of the largest size may come at once.
pub const OWN_REQUESTS_BYTES_MAX: u64 = 32 * MIB;
pub const CONTROL_REQUESTS_BYTES_MAX: u64 = 128 * MIB;
/// A request that has been read is there as bytes, as a message, and as what is made of it.
const TIMES_DECODED: u64 = 4;
/// A connection of the control port: windows and send buffers of its streams.
pub const CONTROL_WINDOW_BYTES: u32 = 1 << 20;
/// Streams of reflection at once, on the exchange port; each has descriptors of its own, which the
/// registry bounds, read and as they came.
pub const REFLECTIONS_MAX: usize = 32;
const REFLECTION_BYTES: u64 = 4 * MIB;
/// An answer that streams: a batch being made, one being sent.
const STREAMED_BYTES: u64 = 4 * MIB;

/// What each kind of thing takes at most, bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryBound {
    pub connections: u64,
    pub handshakes: u64,
    pub calls: u64,
    pub windows: u64,
    /// To the endpoints that the registry knows.
    pub providers: u64,
    /// Entries that wait for the disk.
    pub journal: u64,
    /// The control port, and the hub's own services on the exchange port.
    pub control: u64,
}

impl MemoryBound {
    /// For a hub whose registry names so many endpoints of providers.
    #[must_use]
    pub fn of(config: &Config, endpoints: usize) -> Self {
        let limits = config.limits;
        let gateway = gateway_limits(config);
        let (cores, endpoints) = (cores(config) as u64, endpoints as u64);
        let times = |count: u64, bytes: u64| count.saturating_mul(bytes);
        let requests = OWN_REQUESTS_BYTES_MAX + CONTROL_REQUESTS_BYTES_MAX;
        Self {
            connections: times(
                limits.connections_max as u64,
                memory::of_connection(&gateway),
            ),
            handshakes: times(limits.handshakes_max as u64, memory::of_handshake()),
            calls: times(
                u64::from(limits.calls_in_flight_max),
                memory::of_call(&gateway),
            )
            .saturating_add(times(cores, memory::of_refusals())),
            windows: memory::of_windows(&gateway),
            providers: times(
                cores * endpoints * gateway.connections_alive_max() as u64,
                memory::of_connection(&gateway),
            ),
            journal: cores * LANE_BYTES_MAX as u64,
            control: times(requests, TIMES_DECODED)
                + times(
                    limits.control_connections_max as u64,
                    u64::from(CONTROL_WINDOW_BYTES),
                )
                + times(limits.control_streams_max as u64, STREAMED_BYTES)
                + times(REFLECTIONS_MAX as u64, REFLECTION_BYTES),
        }
    }

    #[must_use]
    pub fn bytes(&self) -> u64 {
        let parts = self.parts().map(|(_, bytes)| bytes);
        parts.into_iter().fold(0, u64::saturating_add)
    }

    /// Each part by its name.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, u64); 7] {
        [
            ("connections", self.connections),
            ("handshakes", self.handshakes),
            ("calls", self.calls),
            ("windows", self.windows),
            ("providers", self.providers),
            ("journal", self.journal),
            ("control", self.control),
        ]
    }
}

/// The bound as a metric. It follows the registry, whose providers have endpoints.
pub struct ShownBound {
    config: Config,
    gauge: IntGaugeVec,
    /// The registry's last change that it goes by.
    as_of: Sequence,
}

impl ShownBound {
    /// Says the bound in the log, and shows it from then on.
    ///
    /// # Errors
    /// When the metric's name is taken.
    pub fn register(
        config: &Config,
        registry: &Registry,
        metrics: &prometheus::Registry,
    ) -> Result<Self, prometheus::Error> {
        let gauge = IntGaugeVec::new(
            Opts::new(
                "ndxp_memory_bound_bytes",
                "The most memory that peers can take, by what takes it",
            ),
            &["part"],
        )?;
        metrics.register(Box::new(gauge.clone()))?;
        let mut shown = Self {
            config: config.clone(),
            gauge,
            as_of: Sequence::NONE,
        };
        let bound = shown.show(registry);
        tracing::info!(%bound, "the most memory that peers can take");
        Ok(shown)
    }

    /// Brings the metric up to date where the registry has changed.
    pub fn sample(&mut self, registry: &Registry) {
        if self.as_of != registry.changed() {
            self.show(registry);
        }
    }

    fn show(&mut self, registry: &Registry) -> MemoryBound {
        self.as_of = registry.changed();
        let systems = registry.systems();
        let endpoints = systems.iter().map(|it| it.endpoints.len()).sum();
        let bound = MemoryBound::of(&self.config, endpoints);
        for (part, bytes) in bound.parts() {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.gauge.with_label_values(&[part]).set(bytes);
        }
        bound
    }
}

impl fmt::Display for MemoryBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.bytes() / MIB)?;
        for (place, (part, bytes)) in self.parts().into_iter().enumerate() {
            let before = if place == 0 { ": " } else { ", " };
            write!(f, "{before}{part} {}", bytes / MIB)?;
        }
        Ok(())
    }
}

/// What this process has resident; 0 where the system does not tell.
#[must_use]
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    field_bytes(&status, "VmRSS").unwrap_or(0)
}

/// A field as the kernel writes it below `/proc`: `MemTotal:       24616508 kB`.
#[must_use]
pub fn field_bytes(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// The room for requests on the exchange port.
#[must_use]
pub fn own_requests() -> Bodies {
    Bodies::new(OWN_REQUESTS_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ndxp_proto::journal::v1::{Entry, RegistryChanged, entry::Body};
    use ndxp_proto::registry::v1;

    use super::*;

    fn config(limits: &str) -> Config {
        let text = format!("[hub]\ncores = 2\n[limits]\n{limits}");
        Config::parse(Path::new("ndxp.toml"), &text).unwrap()
    }

    #[track_caller]
    fn check(limits: &str, expected: &str) {
        assert_eq!(MemoryBound::of(&config(limits), 10).to_string(), expected);
    }

    /// A database with two endpoints.
    fn catalogue() -> v1::Catalogue {
        v1::Catalogue {
            members: vec![v1::Member {
                code: "G01".to_owned(),
                name_vi: "Bộ Công an".to_owned(),
                class: v1::MemberClass::Ministry.into(),
                state: v1::State::Active.into(),
                ..Default::default()
            }],
            systems: vec![v1::System {
                id: "G01/population".to_owned(),
                kind: v1::SystemKind::Database.into(),
                endpoints: vec!["10.0.1.1:9001".to_owned(), "10.0.1.2:9001".to_owned()],
                state: v1::State::Active.into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn the_metric_follows_the_endpoints_that_are_registered() {
        let (config, mut registry) = (config(""), Registry::empty());
        let metrics = prometheus::Registry::new();
        let mut shown = ShownBound::register(&config, &registry, &metrics).unwrap();
        let gauge = shown.gauge.clone();
        let providers = || gauge.with_label_values(&["providers"]).get();
        assert_eq!(providers(), 0);
        let changed = RegistryChanged {
            changes: registry.plan(&catalogue()).unwrap().changes,
            ..Default::default()
        };
        let entry = Entry {
            sequence: 1,
            committed_at_us: 1,
            body: Some(Body::RegistryChanged(changed)),
        };
        registry.apply(&entry).unwrap();
        shown.sample(&registry);
        let expected = MemoryBound::of(&config, 2).providers;
        assert_eq!(u64::try_from(providers()), Ok(expected));
        assert!(expected > 0);
    }

    #[test]
    fn the_bound_follows_the_limits() {
        check(
            "",
            "21984 MiB: connections 9531, handshakes 32, calls 8500, windows 2048, providers 304, \
             journal 32, control 1536",
        );
        check(
            "calls_in_flight_max = 2_000\nconnections_max = 1_000\nwindows_bytes_max = 268_435_456",
            "4276 MiB: connections 953, handshakes 32, calls 906, windows 512, providers 304, \
             journal 32, control 1536",
        );
        check(
            "metadata_bytes_max = 65_536",
            "35229 MiB: connections 13281, handshakes 32, calls 17875, windows 2048, providers 424, \
             journal 32, control 1536",
        );
    }

    #[test]
    fn a_field_is_read_as_the_kernel_writes_it() {
        let rows = [
            (
                "MemTotal:       24616508 kB\nMemFree: 1 kB\n",
                Some(24_616_508 << 10),
            ),
            ("MemFree: 1 kB\nMemTotal: 4 kB", Some(4_096)),
            ("MemFree: 1 kB", None),
            ("MemTotalled: 4 kB", None),
            ("MemTotal: many kB", None),
            ("MemTotal: 5 MB", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(field_bytes(text, "MemTotal"), expected, "{text:?}");
        }
    }
}
