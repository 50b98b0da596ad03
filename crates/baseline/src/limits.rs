//! How much is taken. An import is one entry of the journal, whose body holds at most 1 MiB.

/// Bytes of one import as the journal holds it: below the 1,048,576 of a body, with room for what
/// stands around it.
pub const ENTRY_BYTES_MAX: usize = 1_000_000;

/// Of those, what a note (1,000 characters of at most 4 bytes), a file's name, its digest and the
/// actor may take.
const AROUND_BYTES_MAX: usize = 8_000;

/// Characters of a source.
pub const SOURCE_CHARS_MAX: usize = 300;

/// Characters of a note: those that other acts may give as their reason.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// Characters of a file's name.
pub const FILE_NAME_CHARS_MAX: usize = 255;

/// Bytes of a measure's name, as the registry limits them.
pub const MEASURE_NAME_BYTES_MAX: usize = 63;

/// Bytes of one row of a file: three names of at most 99, 99 and 255, a source of 1,200, the rest
/// short, and room for quotes.
pub const LINE_BYTES_MAX: usize = 4_096;

/// How much is found wrong at once: whoever gets a file wrong mostly gets it wrong the same way.
pub const FINDINGS_MAX: usize = 20;

/// Characters of a wrong value that are repeated to its sender.
pub const SHOWN_CHARS_MAX: usize = 60;

/// Balances of all imports together: 40 MB in memory, and a question that must look at each of them
/// takes some milliseconds. 10,000 connections by month for eight years.
pub const STANDING_ROWS_MAX: usize = 1_000_000;

/// Bytes of all imports together: what one answer may list.
pub const STANDING_BYTES_MAX: usize = 32 << 20;

/// What one file may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub rows_max: usize,
    /// Bytes of the rows and of what they name, as the journal holds them: 20 to 30 for each row.
    pub bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_max: 100_000,
            bytes_max: ENTRY_BYTES_MAX - AROUND_BYTES_MAX,
        }
    }
}
