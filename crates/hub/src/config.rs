//! The configuration file `ndxp.toml`: every key has a default, a unit in its name and bounds,
//! and the file becomes domain types, whole, before anything binds. A key that is not known
//! here is an error, because it is a wish that would not be granted.

mod address;
mod error;
mod section;
mod template;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ndxp_journal::format::{SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX};
use ndxp_model::Zone;
use toml::de::DeTable;

pub use address::Address;
pub use error::{ConfigError, ConfigErrors};
pub use template::template;

use section::{Section, Source};

/// The whole file, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it was read from.
    pub file: PathBuf,
    pub hub: Hub,
    /// Where agency systems call.
    pub exchange: Listener,
    /// Where operators, auditors and members ask.
    pub control: Listener,
    /// Where monitoring looks, without TLS.
    pub observe: Listener,
    pub tls: TlsFiles,
    pub journal: JournalStore,
    pub limits: Limits,
    pub client: Client,
}

/// `[hub]`
#[derive(Clone, Debug)]
pub struct Hub {
    /// This node's name, as it stands in its certificate and in the journal.
    pub node: String,
    /// Authority part of the URIs in certificates.
    pub trust_domain: String,
    /// Where periods are cut.
    pub zone: Zone,
    pub data_dir: PathBuf,
    /// Gateway runtimes; 0 means one for each core.
    pub cores: usize,
    /// Longest time that a stopping hub waits for calls in flight.
    pub drain_max: Duration,
}

/// `[exchange]`, `[control]`, `[observe]`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listener {
    pub listen: SocketAddr,
}

/// `[tls]`: PEM files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsFiles {
    /// Authorities whose certificates consumers, providers and operators show.
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Lists of revoked certificates; without one, none is.
    pub revoked: Option<PathBuf>,
}

/// `[journal]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JournalStore {
    pub segment_bytes: u64,
    /// Segments that are older are moved to the archive; `None` keeps all together.
    pub keep: Option<Duration>,
    pub archive_dir: PathBuf,
}

/// `[limits]`: what is refused rather than queued. The template says what each is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    pub deadline_default: Duration,
    pub deadline_max: Duration,
    pub metadata_bytes_max: usize,
    pub message_bytes_max: u64,
    pub streams_per_connection_max: u32,
    pub calls_in_flight_max: u32,
    /// 0 sets no limit; so below.
    pub calls_per_second_max: u32,
    pub consumer_calls_in_flight_max: u32,
    pub consumer_calls_per_second_per_core_max: u32,
    pub provider_calls_in_flight_max: u32,
    pub connections_max: usize,
    pub handshakes_max: usize,
    pub address_handshakes_per_second_max: u32,
    pub handshake_max: Duration,
    pub windows_bytes_max: u64,
    pub provider_connections_per_core_max: usize,
    pub provider_connect_max: Duration,
    pub control_connections_max: usize,
    pub control_streams_max: usize,
    pub scans_max: usize,
    pub observe_connections_max: usize,
}

/// `[client]`: how the commands on this machine reach the hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    pub exchange: Address,
    pub control: Address,
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

const SECTIONS: [&str; 8] = [
    "hub", "exchange", "control", "observe", "tls", "journal", "limits", "client",
];

const DAY: Duration = Duration::from_secs(86_400);
/// A hundred years.
const KEEP_DAYS_MAX: u32 = 36_500;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or holds anything that is not accepted: every
    /// fault, with its line, key, value and remedy.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let problem = format!("cannot be read: {error}");
            let remedy = "write one with `ndxp init`, or name another with --config";
            ConfigErrors::of_file(path.to_owned(), problem, remedy)
        })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a file; relative paths in it start at the file's folder.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigErrors> {
        let refuse = |errors| ConfigErrors {
            file: file.to_owned(),
            errors,
        };
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut source = Source::new(text, folder);
        let root = match DeTable::parse(text) {
            Ok(root) => root.into_inner(),
            Err(error) => return Err(refuse(vec![source.not_toml(&error)])),
        };
        let mut tables = source.tables(root, &SECTIONS);
        let mut section = |name| (name, tables.remove(name));
        let hub = Hub::read(section("hub"), &mut source);
        let placed = DEFAULT_LISTENERS
            .map(|(name, listen)| Listener::read(section(name), listen, &mut source));
        Listener::keep_apart(&placed, &mut source);
        let [exchange, control, observe] = placed.map(|placed| placed.listener);
        let tls = TlsFiles::read(section("tls"), &mut source);
        let journal = JournalStore::read(section("journal"), &mut source);
        let limits = Limits::read(section("limits"), &mut source);
        let client = Client::read(section("client"), [exchange, control], &tls, &mut source);
        let config = Self {
            file: file.to_owned(),
            hub,
            exchange,
            control,
            observe,
            tls,
            journal,
            limits,
            client,
        };
        match source.into_errors() {
            errors if errors.is_empty() => Ok(config),
            errors => Err(refuse(errors)),
        }
    }
}

/// The exchange port serves the network; the other two stay on the machine unless told.
const DEFAULT_LISTENERS: [(&str, SocketAddr); 3] = [
    (
        "exchange",
        SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 7443),
    ),
    (
        "control",
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7444),
    ),
    (
        "observe",
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7445),
    ),
];

/// A listener and where the file names it.
struct Placed {
    name: &'static str,
    place: Option<usize>,
    listener: Listener,
}

type Table<'a> = (&'static str, Option<DeTable<'a>>);

impl Hub {
    fn read<'a>((name, table): Table<'a>, source: &mut Source<'a>) -> Self {
        let mut keys = source.section(name, table);
        let hub = Self {
            node: keys.text(
                "node",
                "hub-1",
                is_node,
                "1 to 63 lower-case letters, digits and hyphens",
            ),
            trust_domain: keys.text(
                "trust_domain",
                "ndxp.local",
                is_trust_domain,
                "lower-case labels joined by dots, such as ndxp.gov.vn",
            ),
            zone: keys.parsed("time_zone", Zone::viet_nam()),
            data_dir: keys.path("data_dir", "data"),
            cores: keys.number("cores", 0, 0..=1_024),
            drain_max: Duration::from_secs(keys.number("drain_seconds_max", 30, 1..=600)),
        };
        keys.finish();
        hub
    }
}

impl Listener {
    fn read<'a>((name, table): Table<'a>, default: SocketAddr, source: &mut Source<'a>) -> Placed {
        let mut keys = source.section(name, table);
        let place = keys.place("listen");
        let listen = keys.parsed("listen", address::Listen(default)).0;
        keys.finish();
        Placed {
            name,
            place,
            listener: Self { listen },
        }
    }

    /// Two listeners on one port would fail at the second, after the first has bound.
    fn keep_apart(placed: &[Placed], source: &mut Source<'_>) {
        for (index, one) in placed.iter().enumerate() {
            for other in placed.iter().skip(index + 1) {
                if !one.listener.overlaps(other.listener) {
                    continue;
                }
                let (at_fault, with) = if one.place.is_some() {
                    (one, other)
                } else {
                    (other, one)
                };
                source.fault(
                    at_fault.place.unwrap_or_default(),
                    &format!("{}.listen", at_fault.name),
                    at_fault.listener.listen.to_string(),
                    format!("is also the address of {}.listen", with.name),
                    "give each listener a port of its own".to_owned(),
                );
            }
        }
    }

    fn overlaps(self, other: Self) -> bool {
        let (one, other) = (self.listen, other.listen);
        let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
        one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
    }
}

impl TlsFiles {
    fn read<'a>((name, table): Table<'a>, source: &mut Source<'a>) -> Self {
        let mut keys = source.section(name, table);
        let files = Self {
            authority: keys.path("authority", "pki/hub/ca.pem"),
            certificate: keys.path("certificate", "pki/hub/cert.pem"),
            key: keys.path("key", "pki/hub/key.pem"),
            revoked: keys.optional_path("revoked"),
        };
        keys.finish();
        files
    }
}

impl JournalStore {
    fn read<'a>((name, table): Table<'a>, source: &mut Source<'a>) -> Self {
        let mut keys = source.section(name, table);
        let segment_bytes = keys.number(
            "segment_bytes",
            SEGMENT_BYTES_DEFAULT,
            MIB..=SEGMENT_BYTES_MAX,
        );
        let days = keys.number("keep_days", 0, 0..=KEEP_DAYS_MAX);
        let archive_dir = keys.path("archive_dir", "archive");
        keys.finish();
        Self {
            segment_bytes,
            keep: (days > 0).then(|| DAY.saturating_mul(days)),
            archive_dir,
        }
    }
}

impl Limits {
    fn read<'a>((name, table): Table<'a>, source: &mut Source<'a>) -> Self {
        let mut keys = source.section(name, table);
        let (deadline_default, deadline_max) = Self::deadlines(&mut keys);
        let limits = Self {
            deadline_default,
            deadline_max,
            metadata_bytes_max: keys.number("metadata_bytes_max", 16_384, 1_024..=1_048_576),
            message_bytes_max: keys.number("message_bytes_max", 64 * MIB, KIB..=KIB * MIB),
            streams_per_connection_max: keys.number(
                "streams_per_connection_max",
                1_000,
                1..=10_000,
            ),
            calls_in_flight_max: keys.number("calls_in_flight_max", 20_000, 1..=1_000_000),
            calls_per_second_max: keys.number("calls_per_second_max", 0, 0..=1_000_000),
            consumer_calls_in_flight_max: keys.number(
                "consumer_calls_in_flight_max",
                5_000,
                0..=1_000_000,
            ),
            consumer_calls_per_second_per_core_max: keys.number(
                "consumer_calls_per_second_per_core_max",
                1_250,
                0..=1_000_000,
            ),
            provider_calls_in_flight_max: keys.number(
                "provider_calls_in_flight_max",
                5_000,
                0..=1_000_000,
            ),
            connections_max: keys.number("connections_max", 10_000, 1..=100_000),
            handshakes_max: keys.number("handshakes_max", 256, 1..=10_000),
            address_handshakes_per_second_max: keys.number(
                "address_handshakes_per_second_max",
                50,
                0..=1_000_000,
            ),
            handshake_max: keys.milliseconds("handshake_ms_max", 10_000, 100..=60_000),
            windows_bytes_max: keys.number("windows_bytes_max", KIB * MIB, MIB..=MIB * MIB),
            provider_connections_per_core_max: keys.number(
                "provider_connections_per_core_max",
                4,
                1..=16,
            ),
            provider_connect_max: keys.milliseconds("provider_connect_ms_max", 5_000, 10..=60_000),
            control_connections_max: keys.number("control_connections_max", 256, 1..=10_000),
            control_streams_max: keys.number("control_streams_max", 128, 1..=10_000),
            scans_max: keys.number("scans_max", 4, 1..=64),
            observe_connections_max: keys.number("observe_connections_max", 64, 1..=1_024),
        };
        keys.finish();
        limits
    }

    fn deadlines(keys: &mut Section<'_, '_>) -> (Duration, Duration) {
        const HOUR_MS: u64 = 3_600_000;
        let place = keys.place("deadline_ms_default");
        let place = place.or_else(|| keys.place("deadline_ms_max"));
        let default = keys.milliseconds("deadline_ms_default", 60_000, 1..=HOUR_MS);
        let most = keys.milliseconds("deadline_ms_max", HOUR_MS, 1..=HOUR_MS);
        if default > most {
            keys.refuse(
                place,
                "deadline_ms_default",
                default.as_millis().to_string(),
                format!("is above deadline_ms_max, {}", most.as_millis()),
                "write a default that is at most the maximum",
            );
        }
        (default, most)
    }
}

impl Client {
    fn read<'a>(
        (name, table): Table<'a>,
        listeners: [Listener; 2],
        tls: &TlsFiles,
        source: &mut Source<'a>,
    ) -> Self {
        let [exchange, control] = listeners.map(|listener| Address::of_listener(listener.listen));
        let mut keys = source.section(name, table);
        let client = Self {
            exchange: keys.parsed("exchange", exchange),
            control: keys.parsed("control", control),
            authority: keys.path_or("authority", tls.authority.clone()),
            certificate: keys.path("certificate", "pki/operator/cert.pem"),
            key: keys.path("key", "pki/operator/key.pem"),
        };
        keys.finish();
        client
    }
}

/// Whether the text may name a hub node: it stands in a URI, in logs and in metrics.
fn is_node(text: &str) -> bool {
    address::is_label(text)
}

fn is_trust_domain(text: &str) -> bool {
    text.len() <= 255 && text.split('.').all(address::is_label)
}

#[cfg(test)]
mod tests;
