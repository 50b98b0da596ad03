//! Why the store fails: damage, which a rebuild mends, or the machine, which it does not.

use std::io;

use ndxp_model::{Instant, Sequence};

use crate::counter::Overflow;
use crate::value::ValueError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The store may be sound; the machine is not.
    #[error("its files cannot be kept: {0}; free space or mend the disk's rights")]
    Machine(io::Error),
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// Why a store must be set aside and rebuilt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Damage {
    #[error("sled: {0}")]
    Sled(sled::Error),
    #[error("sled panicked: {message}")]
    Panicked { message: String },
    #[error("a file cannot be read: {message}")]
    Read { message: String },
    #[error("past/{file} has another {what} than was written")]
    Past { file: String, what: &'static str },
    #[error("past/{file} is gone")]
    PastGone { file: String },
    #[error(
        "a round goes from sequence {base} to {through}, and the store has reached {watermark}"
    )]
    Round {
        base: Sequence,
        through: Sequence,
        watermark: Sequence,
    },
    #[error("{file} had {expected_bytes} bytes when it was sealed, and has {found_bytes:?} now")]
    File {
        file: String,
        expected_bytes: u64,
        found_bytes: Option<u64>,
    },
    #[error("it was sealed at sequence {expected}, and has sequence {found} now")]
    SealedWatermark { expected: Sequence, found: Sequence },
    #[error("no key is {key}")]
    Key { key: String },
    #[error("the value of {key} is {source}")]
    Value { key: String, source: ValueError },
    #[error("counters are stored, but no head")]
    Headless,
    #[error("the store holds {found} {what}, its head says {expected}")]
    Amount {
        what: &'static str,
        expected: u64,
        found: u64,
    },
    #[error("line {found} is stored where {expected} was due")]
    LineOrder { expected: u64, found: u32 },
    #[error("counters of line {id} are stored, but not its names")]
    Nameless { id: u32 },
    #[error("{counter} does not agree with the counters it sums up")]
    Sum { counter: String },
    #[error("{key} is of sequence {sequence}, beyond the watermark")]
    BeyondWatermark { key: String, sequence: Sequence },
    #[error("it is cut in time zone {found}, the hub in {expected}")]
    Zone { expected: String, found: String },
    #[error("it has counted up to sequence {watermark}, where the journal ends at {end}")]
    BeyondJournal { watermark: Sequence, end: Sequence },
    #[error(
        "it has counted another journal: sequence {sequence} was committed at {found} there, at {expected} here"
    )]
    OtherJournal {
        sequence: Sequence,
        expected: Instant,
        found: Instant,
    },
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(io) if is_of_machine(&io) => Self::Machine(io),
            error => Self::Damage(Damage::Sled(error)),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match is_of_machine(&error) {
            true => Self::Machine(error),
            false => Self::Damage(Damage::Read {
                message: error.to_string(),
            }),
        }
    }
}

/// What only the machine can be blamed for is no damage: to rebuild would not mend it.
fn is_of_machine(error: &io::Error) -> bool {
    use io::ErrorKind::{
        OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let machine = [
        OutOfMemory,
        PermissionDenied,
        QuotaExceeded,
        ReadOnlyFilesystem,
        StorageFull,
    ];
    machine.contains(&error.kind()) || is_out_of_files(error) || tells_lock(error)
}

/// This process, or the machine, has as many files open as it may: a flood of connections does that.
fn is_out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// sled tells a lock that is held only in words.
pub fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if tells_lock(io))
}

fn tells_lock(error: &io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lacks_is_no_damage() {
        use io::{Error, ErrorKind};
        let rows = [
            (ErrorKind::StorageFull, false),
            (ErrorKind::PermissionDenied, false),
            (ErrorKind::UnexpectedEof, true),
            (ErrorKind::Other, true),
        ];
        for (kind, damage) in rows {
            let error = StoreError::from(sled::Error::Io(Error::from(kind)));
            assert_eq!(matches!(error, StoreError::Damage(_)), damage, "{kind}");
        }
        for too_many_files in [23, 24] {
            let error = StoreError::from(Error::from_raw_os_error(too_many_files));
            assert!(matches!(error, StoreError::Machine(_)), "{error}");
        }
    }
}
