//! The file that `ndxp init` writes: every key with its default, commented out, and what it is
//! for. A test holds it to the defaults and to the list of keys.

/// The text of a new `ndxp.toml`. A line `#key = value` states a default; take the `#` away to
/// change it.
#[must_use]
pub fn template(node: &str, trust_domain: &str) -> String {
    TEMPLATE
        .replace("{node}", node)
        .replace("{trust_domain}", trust_domain)
}

const TEMPLATE: &str = r#"# Configuration of ndxp. Lines of the form `#key = value` state the defaults.
# Relative paths start at this file's folder. A key that is not known is an error.

[hub]
# This node's name: lower-case letters, digits, hyphens. It stands in the journal and must be
# the name in the node's certificate.
node = "{node}"
# Authority part of the URIs in certificates: spiffe://<trust domain>/member/H26/system/lgsp.
trust_domain = "{trust_domain}"
# Where hours, days and months are cut. Fixed once counting has begun.
#time_zone = "Asia/Ho_Chi_Minh"
# Holds the journal and everything that is derived from it.
#data_dir = "data"
# Runtimes that carry calls; 0 means one for each core.
#cores = 0
# Longest time that a stopping hub waits for calls in flight. Give the service manager more.
#drain_seconds_max = 30

[exchange]
# Where agency systems call. A client certificate is demanded of everyone.
#listen = "0.0.0.0:7443"

[control]
# Where operators, auditors and members ask. A client certificate is demanded of everyone.
#listen = "127.0.0.1:7444"

[observe]
# /metrics, /live and /ready over plain HTTP: keep it inside the machine or the cluster.
#listen = "127.0.0.1:7445"

[tls]
# Authorities whose certificates consumers, providers and operators show; one PEM file.
#authority = "pki/hub/ca.pem"
# The hub's own certificate with its chain, and its key (readable by its owner alone).
#certificate = "pki/hub/cert.pem"
#key = "pki/hub/key.pem"
# Certificates that were revoked, as PEM lists signed by the authorities. Without one, none is.
# All files of this section are looked at every second and taken over without a restart.
revoked = "pki/authority/crl.pem"

[journal]
# Size of one segment file, 1 MiB to 1 GiB. 64 MiB hold about a hundred thousand transactions.
#segment_bytes = 67_108_864
# Segments whose entries are all older than so many days are moved to archive_dir, which may be on
# a larger and slower disk. They stay part of the journal: the hub does not start without them.
# 0 moves nothing. Nothing is ever deleted.
#keep_days = 0
#archive_dir = "archive"

[limits]
# Time that a call has when it names none in grpc-timeout, and the most that it may have.
#deadline_ms_default = 60_000
#deadline_ms_max = 3_600_000
# Metadata of one call in one direction, counted as HTTP/2 counts it (each pair + 32 bytes).
#metadata_bytes_max = 16_384
# One gRPC message. Messages pass through in pieces, so this bounds a call, not memory.
#message_bytes_max = 67_108_864
# Calls at once on one connection of a consumer. More connections may be opened.
#streams_per_connection_max = 1_000
# Calls at once on this node; 20,000 calls of 100 ms are 200,000 a second, far above what one
# node carries, so that only a stuck provider reaches it.
#calls_in_flight_max = 20_000
# Calls a second on this node, with as many at once; 0 sets no limit.
#calls_per_second_max = 0
# What one consumer may use, all its grants together, unless the registry says otherwise of that
# system; 0 sets no limit. A quarter of the node, so that no consumer takes it from the others: a slow
# core carries 5,000 calls a second. Of a second's calls, a quarter may come at once.
#consumer_calls_in_flight_max = 5_000
#consumer_calls_per_second_per_core_max = 1_250
# Calls at once with one provider, of all consumers together; 0 sets no limit. A quarter of the
# node, so that a provider that does not answer keeps no more of it busy.
#provider_calls_in_flight_max = 5_000
# Connections of consumers at once, a quarter of them at most for one certificate's holder. Each
# takes one file descriptor: LimitNOFILE must be above this number, plus the provider connections,
# plus 1,000.
#connections_max = 10_000
# TLS handshakes at once for each port, and how long each may take. On the exchange port, the
# oldest handshake of the address that has most of them gives way to one above the number.
#handshakes_max = 256
#handshake_ms_max = 10_000
# TLS handshakes that consumers at one address may have made in a second, four seconds' worth of them
# at once; more wait their turn, for two seconds at most, and are closed then. A connection that was
# ended for abuse counts as a second's worth. 0 sets no limit: where a proxy stands before the hub, all
# share its address.
#address_handshakes_per_second_max = 50
# What all connections may have received and not passed on yet, beside the 64 KiB that each may: a
# connection with many calls is lent more of it. It is the greater part of what stalled calls cost.
#windows_bytes_max = 1_073_741_824
# Connections to one endpoint of a provider from one runtime; each carries many calls at once.
#provider_connections_per_core_max = 4
# Time to reach a provider, TLS included.
#provider_connect_ms_max = 5_000
# Connections, and streamed answers at once, on the control port.
#control_connections_max = 256
#control_streams_max = 128
# Scans of the journal at once; each keeps one thread and one disk queue busy.
#scans_max = 4
# Connections on the observe port.
#observe_connections_max = 64

[client]
# How the commands on this machine reach the hub: host:port, a name for which the hub's
# certificate was issued. By default the listeners above.
#exchange = "localhost:7443"
#control = "127.0.0.1:7444"
# Whom the commands trust (by default as under [tls]), and the certificate that they show.
#authority = "pki/hub/ca.pem"
#certificate = "pki/operator/cert.pem"
#key = "pki/operator/key.pem"
"#;
