//! What peers can make the data plane hold, whatever they do: the limits, multiplied out. Bytes of
//! content are counted once, in the windows that they came by; what stands here beside them is what
//! each connection and each call needs for itself at worst.

use ndxp_http2::PAYLOAD_BYTES_MAX;

use crate::core::REFUSALS_HELD_BACK_MAX;
use crate::limits::{Limits, http2};
use crate::{stream, windows};

const KIB: u64 = 1 << 10;

/// Records that are gathered and unwound: what rustls keeps of each direction.
const TLS_BYTES: u64 = 2 * 64 * KIB;
/// A frame of which not all has come, in a buffer at most twice as large; and, in buffers that grow by
/// doubling, what waits for the socket.
const FRAMES_BYTES: u64 = 2 * PAYLOAD_BYTES_MAX as u64 + 2 * ndxp_http2::WAITING_BYTES_MAX as u64;
/// Header tables of both directions: 4 KiB of text each, and 128 records at most.
const TABLES_BYTES: u64 = 2 * (4 * KIB + 128 * 128);
/// The number of a stream that was reset and may still hear of it.
const RESET_BYTES: u64 = 8;
/// The future of a call, its facts, two streams' records and the entries of its opening and closing.
const CALL_BYTES: u64 = 16 * KIB;
/// A refused call: its facts, its stream's record and its answer.
const REFUSAL_BYTES: u64 = 8 * KIB;

/// A connection of either side: its own window, twice because what waits in it may stand in buffers
/// of that size, the header list that it is reading and the frames that this stands in, TLS, what it reads
/// and writes, its header tables, and the numbers of streams that were reset.
#[must_use]
pub fn of_connection(limits: &Limits) -> u64 {
    let resets = u64::from(limits.streams_per_connection_max).max(http2::RESET_STREAMS_MAX as u64);
    2 * u64::from(windows::OWN_BYTES)
        + 2 * u64::from(limits.header_list_bytes_max())
        + TLS_BYTES
        + FRAMES_BYTES
        + TABLES_BYTES
        + resets * RESET_BYTES
}

/// A connection that has proved nobody yet.
#[must_use]
pub fn of_handshake() -> u64 {
    TLS_BYTES
}

/// A call: its metadata, as it is read and as it waits for the socket, the answer's two header lists; and, each
/// in buffers at most twice as large, what is kept to repeat it, what of its answer waits for the ending to be
/// on record, and in each direction the piece that is on its way.
#[must_use]
pub fn of_call(limits: &Limits) -> u64 {
    2 * limits.metadata_bytes_max as u64
        + 2 * u64::from(limits.header_list_bytes_max())
        + 2 * stream::REPLAY_BYTES_MAX as u64
        + 2 * stream::HELD_BYTES_MAX as u64
        + 2 * 2 * PAYLOAD_BYTES_MAX as u64
        + CALL_BYTES
}

/// Refusals that are held back, on one core: their facts and what is still to be said.
#[must_use]
pub fn of_refusals() -> u64 {
    REFUSALS_HELD_BACK_MAX as u64 * REFUSAL_BYTES
}

/// What is lent to windows; twice, as above.
#[must_use]
pub fn of_windows(limits: &Limits) -> u64 {
    limits.windows_bytes_max.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_what_its_limits_say() {
        let limits = Limits::default();
        assert_eq!(of_connection(&limits) / KIB, 127 + 128 + 128 + 544 + 40 + 8);
        assert_eq!(of_refusals() / KIB, 32_000);
        assert_eq!(of_handshake() / KIB, 128);
        assert_eq!(of_call(&limits) / KIB, 32 + 128 + 128 + 64 + 64 + 16);
        assert_eq!(of_windows(&limits), 2 << 30);
    }
}
