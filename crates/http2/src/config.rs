//! What a connection allows its peer. Everything that a peer can make grow has a bound here, or is a
//! constant beside the code that it bounds.

/// The bounds of one connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// Window of one stream, in bytes: what a peer may send that nobody has taken yet. 65,535 at least, which
    /// is what a peer may take for granted until it has read otherwise.
    pub stream_window_bytes: u32,
    /// A header list, uncompressed, as RFC 9113 counts it (section 6.5.2).
    pub header_list_bytes_max: u32,
    /// Fields that a header list has room for from the beginning, those included that are added to it later.
    pub fields: usize,
    /// Streams that the peer may have open at once; meaningless for a client.
    pub streams_max: u32,
    /// Streams that may be reset here because the peer broke the protocol or began more than it may, over the
    /// connection's life.
    pub error_resets_max: usize,
    /// Streams that were reset here and whose last frames may still arrive.
    pub reset_streams_max: usize,
}
