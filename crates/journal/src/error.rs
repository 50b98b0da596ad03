//! What can go wrong with a journal, one family per operation, with the values that tell where
//! and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use ndxp_model::{Sequence, TransactionId};

use crate::format::{JournalId, VERSION};

/// One call to the disk that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", file.display())]
pub struct DiskError {
    pub operation: &'static str,
    pub file: PathBuf,
    pub source: io::Error,
}

impl DiskError {
    pub(crate) fn at<'a>(
        operation: &'static str,
        file: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self {
            operation,
            file: file.to_owned(),
            source,
        }
    }

    /// Whether the disk has no room, and nothing else is wrong with it.
    pub(crate) fn is_out_of_space(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// Why a journal cannot be opened. None of these is repaired silently.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("a segment of {given} bytes is not possible: choose {min} to {max}")]
    SegmentBytes { given: u64, min: u64, max: u64 },

    #[error(
        "{} is in use by another process: stop it, or choose another directory",
        directory.display()
    )]
    Locked { directory: PathBuf },

    #[error(
        "{} has format version {found}, and this program reads no later one than {VERSION}: \
         use the program that wrote it",
        file.display()
    )]
    UnknownVersion { file: PathBuf, found: u32 },

    #[error("{} is not a whole segment: its head is damaged; restore the file", file.display())]
    DamagedHead { file: PathBuf },

    #[error("{} is sealed and its footer is damaged; restore the file", file.display())]
    DamagedFooter { file: PathBuf },

    #[error(
        "{} begins with sequence {first}, which its name does not say; restore the file's name",
        file.display()
    )]
    Misnamed { file: PathBuf, first: Sequence },

    #[error(
        "{} belongs to journal {found}, and the others here to {expected}; move it away",
        file.display()
    )]
    Foreign {
        file: PathBuf,
        expected: JournalId,
        found: JournalId,
    },

    #[error(
        "the segment that begins with sequence {expected} is missing before {} (sequence \
         {found}); restore it, or make the archive available that holds it",
        file.display()
    )]
    MissingSegment {
        file: PathBuf,
        expected: Sequence,
        found: Sequence,
    },

    #[error(
        "{} at offset {offset}: the acknowledged entry {sequence} is damaged (entry {witness} \
         says that it was durable); restore the file",
        file.display()
    )]
    Damaged {
        file: PathBuf,
        offset: u64,
        sequence: Sequence,
        witness: Sequence,
    },

    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why entries cannot be read. The reader stops there and never skips.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(
        "{} at offset {offset}: entry {sequence} is damaged; restore the file",
        file.display()
    )]
    Damaged {
        file: PathBuf,
        offset: u64,
        sequence: Sequence,
    },

    #[error(
        "{} at offset {offset}: entry {sequence} has kind {kind}, which this program does not \
         know; use the program that wrote it",
        file.display()
    )]
    UnknownKind {
        file: PathBuf,
        offset: u64,
        sequence: Sequence,
        kind: u8,
    },

    #[error(
        "{} at offset {offset}: entry {sequence} does not decode: {source}",
        file.display()
    )]
    Undecodable {
        file: PathBuf,
        offset: u64,
        sequence: Sequence,
        source: prost::DecodeError,
    },

    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why an entry was not committed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// Not written. The lane holds as much as it may; repeat later.
    #[error("the journal has no room for another waiting entry: repeat later")]
    Overloaded,
    /// Not written. A later append tries again.
    #[error("the journal's disk is full: make room; appends succeed again by themselves")]
    OutOfSpace,
    /// Perhaps written: after a failed write or sync nobody knows before the next start.
    #[error("the journal's disk has failed: check it, then restart the hub")]
    Poisoned,
    /// Not written.
    #[error("the journal is closed")]
    Closed,
    /// Not written. No later attempt can succeed.
    #[error("an entry of {bytes} bytes is over the limit of {limit}: make it smaller")]
    TooLarge { bytes: usize, limit: usize },
}

/// Why transactions in flight at the last stop could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("entry {sequence} does not open transaction {transaction}: rebuild the projections")]
    NotItsOpening {
        sequence: Sequence,
        transaction: TransactionId,
    },
}
