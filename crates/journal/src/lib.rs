//! The journal: the only source of truth, append-only and totally ordered. Everything else in
//! the hub is a fold over it.
//!
//! Embedded in the process: segment files with one writer and group commit. [`mod@format`] specifies
//! them to the byte. The way of an entry: a caller encodes it
//! into its [`Lane`]; the writer numbers it, writes it behind the others and syncs once for all
//! that had collected; its [`Append`] resolves. From then on every [`Reader`] sees it and every
//! [`Follow`]er is woken.
//!
//! What this crate does not know: routing, counters, and who reads.

// The way of an entry.
mod kind;
mod lane;
mod prepare;
mod relay;
mod tail;
mod writer;

// Opening and recovery.
mod directory;
mod journal;
mod recover;
mod scan;

// Reading.
mod cursor;
mod follow;
mod in_flight;
mod reader;
mod segments;
mod transaction;

// For those who keep it safe, and for those who find it damaged.
mod archive;
mod copy;
mod inspect;

// What is sealed is packed.
mod compress;
mod pack;
mod packed;

// What all of these rest on.
mod convert;
mod disk;
mod error;
pub mod format;

pub use archive::{ArchiveError, archive_of, set_archive};
pub use compress::{PackError, Packed};
pub use convert::{from_connection, from_fault, from_outcome, to_connection, to_fault, to_outcome};
pub use copy::{Copied, CopiedSegment, CopyError, copy};
pub use disk::{Disk, DiskFile, DiskLock, FileDisk};
pub use error::{AppendError, DiskError, OpenError, ReadError, SweepError};
pub use follow::{Follow, Position};
pub use format::{
    BODY_BYTES_MAX, JournalId, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN,
};
pub use in_flight::{InFlight, sweep};
pub use inspect::{
    Fault, Inspected, Inspection, Missing, Part, Seal, What, inspect_directory, inspect_file,
};
pub use journal::{Journal, Options, Recovery};
pub use kind::Kind;
pub use lane::{Append, Committed, LANE_BYTES_MAX, LANE_ENTRIES_MAX, Lane, LaneDriver};
pub use reader::{Entries, Reader};
pub use relay::{Relay, Relayed};
pub use transaction::{CLOCK_SLACK, TRANSACTION_LASTS_MAX};
pub use writer::{ByHand, CommitObserver, Health};
