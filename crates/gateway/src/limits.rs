//! The bounds of the data plane, each with its unit in its name. The hub's configuration fills
//! them; nothing here grows without one.

use std::time::Duration;

use crate::admission::Allowance;

#[derive(Clone, Debug)]
pub struct Limits {
    /// Deadline of a call that states none.
    pub deadline_default: Duration,
    /// Longest deadline; a longer `grpc-timeout` is cut to it.
    pub deadline_max: Duration,
    /// Names and values of a request's metadata, plus 32 bytes each, as HTTP/2 counts them.
    pub metadata_bytes_max: usize,
    /// One gRPC message, in either direction.
    pub message_bytes_max: u64,
    /// What one consumer may use in all, unless the registry says otherwise of it.
    pub consumer: Allowance,
    /// What all consumers together may have in flight with one provider.
    pub provider: Allowance,
    /// Calls in flight on one connection of a consumer.
    pub streams_per_connection_max: u32,
    /// Open connections of consumers over the whole hub; more are closed unheard.
    pub connections_max: usize,
    /// TLS handshakes at once over the whole hub; for the next one, the oldest of the address
    /// that has most of them gives way.
    pub handshakes_max: usize,
    /// TLS handshakes that one address may have made in a second, four seconds' worth of them at once;
    /// more wait their turn, or are turned away. 0 for as many as come.
    pub address_handshakes_per_second_max: u32,
    /// TCP accept, or its turn, to the end of the TLS handshake and HTTP/2's first words.
    pub handshake_max: Duration,
    /// Dialling a provider: TCP, TLS and HTTP/2 together.
    pub connect_max: Duration,
    /// What connections' windows may take in all beyond the 64 KiB that each has: half of it is for
    /// connections of consumers, half for those to providers.
    pub windows_bytes_max: u64,
    /// Connections to one endpoint of a provider, per core.
    pub provider_connections_max: usize,
    /// From the signal to stop until calls in flight are cut.
    pub drain_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline_default: Duration::from_secs(60),
            deadline_max: Duration::from_secs(3_600),
            metadata_bytes_max: 16 * 1024,
            message_bytes_max: 64 * 1024 * 1024,
            consumer: Allowance::default(),
            provider: Allowance::default(),
            streams_per_connection_max: 1_000,
            connections_max: 10_000,
            handshakes_max: 256,
            address_handshakes_per_second_max: 50,
            handshake_max: Duration::from_secs(10),
            connect_max: Duration::from_secs(5),
            windows_bytes_max: 1 << 30,
            provider_connections_max: 4,
            drain_max: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Connections of one holder of a certificate: a quarter of the hub's, so that one who loses
    /// count leaves room for the others.
    #[must_use]
    pub fn connections_per_holder_max(&self) -> usize {
        (self.connections_max / 4).max(1)
    }

    /// What is lent to the windows of either kind of connections.
    #[must_use]
    pub fn windows_bytes_each(&self) -> u64 {
        self.windows_bytes_max / 2
    }

    /// Connections to one endpoint from one core that are alive: a few take no more calls and end
    /// with those that they have.
    #[must_use]
    pub fn connections_alive_max(&self) -> usize {
        4 * self.provider_connections_max
    }

    /// Header lists are read up to this many bytes, so that a list over the metadata limit but
    /// under this one is answered in gRPC's terms and not by HTTP/2's 431.
    #[must_use]
    pub fn header_list_bytes_max(&self) -> u32 {
        let four_times = self.metadata_bytes_max.saturating_mul(4);
        u32::try_from(four_times).unwrap_or(u32::MAX)
    }
}

/// What the HTTP/2 machinery is told, derived from measurements of proxies (ADR 0009).
pub mod http2 {
    /// Flow-control window of one stream: what the hub buffers at most of one direction.
    pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
    /// Widest flow-control window of one consumer's connection: room for 64 requests that providers
    /// have stalled, before they hold up the others of the same consumer.
    pub const CONNECTION_WINDOW_BYTES: u32 = 64 * STREAM_WINDOW_BYTES;
    /// Widest flow-control window of a provider's connection. Many consumers share it, and one that
    /// reads slowly must not use it up: room for 256 streams that are stalled at once.
    pub const PROVIDER_CONNECTION_WINDOW_BYTES: u32 = 256 * STREAM_WINDOW_BYTES;
    /// Header fields that a request has room for at first, those that the hub adds included, and an answer's
    /// head or trailers.
    pub const REQUEST_FIELDS: usize = 12;
    pub const ANSWER_FIELDS: usize = 6;
    /// Streams that were reset here but whose last frames may still arrive.
    pub const RESET_STREAMS_MAX: usize = 1_024;
    /// Streams of one connection that may be reset here because they broke the protocol, over
    /// its whole life; a peer that does so more often is told to go.
    pub const ERROR_RESETS_MAX: usize = 1_024;
    /// Calls that a consumer may break off on one connection: at first, and a second. A call that
    /// is broken off costs about as much as one that is carried, 100 µs of CPU and two entries of
    /// the journal: a hundred a second are a hundredth of a core. Calls whose time was over are
    /// none.
    pub const RESETS_BURST: u64 = 1_000;
    pub const RESETS_PER_SECOND: u64 = 100;
    /// Frames of a peer that carry nothing of a call (PING, SETTINGS, PRIORITY, RST_STREAM,
    /// WINDOW_UPDATE, empty DATA, HEADERS of calls that are not taken): at first, and a second. At
    /// about 1 µs each they are a hundredth of a core. A gRPC library that measures its link sends
    /// one PING in each round trip: 10,000 a second on a link of 100 µs. At once there are fewer: a
    /// consumer that stops breaks off a thousand calls, and what others meanwhile wait for a flood is
    /// what it may bring before it is known as one.
    pub const CONTROL_FRAMES_BURST: u64 = 2_000;
    pub const CONTROL_FRAMES_PER_SECOND: u64 = 10_000;
    /// For so many bytes written to it, a peer may send one control frame more: the window of a
    /// stream and that of the connection are given back in pieces of at least 8 KiB.
    pub const WRITTEN_BYTES_PER_CONTROL_FRAME: u64 = 4 * 1024;
}
