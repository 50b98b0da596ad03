//! Header compression: RFC 7541. A connection has one table for what it reads and one for what it
//! writes, each of at most 4 KiB, which is what every peer starts from and no setting of ours changes.

mod decode;
mod encode;
mod huffman;
mod names;

pub use decode::Decoder;
pub use encode::Encoder;
pub use names::{Field, Pseudo};

/// Bytes of entries that a table holds at most.
const TABLE_BYTES_MAX: usize = 4_096;
/// What an entry takes beside its name and its value: section 4.1.
pub const ENTRY_BYTES: usize = 32;
/// Entries of the static table; the index behind them is the newest of the dynamic one.
const STATIC_ENTRIES: usize = 61;

/// The dynamic table can have no more entries than this.
const ENTRIES_MAX: usize = TABLE_BYTES_MAX / ENTRY_BYTES;
