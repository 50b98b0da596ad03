//! What a file can have wrong, each with the value found and what to write instead, at its row and
//! column.

use std::fmt;
use std::io;

use ndxp_model::InvalidValue;

use crate::clash::ClashKind;
use crate::entry::MEASURE_FORM;
use crate::file::HEADER;
use crate::limits::LINE_BYTES_MAX;
use crate::record::QuoteError;
use crate::span::NotASpan;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The row as an editor or a spreadsheet numbers it: the header is row 1.
    pub row: Option<u64>,
    pub column: Option<&'static str>,
    pub problem: Problem,
}

/// Everything that is wrong with a file, by row, up to a limit.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", lines(found, *.is_all))]
pub struct Findings {
    pub found: Vec<Finding>,
    /// Whether the file was read to its end; if not, more may be wrong.
    pub is_all: bool,
}

/// Why a file gives no import.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Wrong(#[from] Findings),
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    #[error("the file is empty; its first row is {HEADER}")]
    Empty,
    #[error("the file holds no row but the header; write one row for each number")]
    NoRows,
    #[error("the file is UTF-16; save it as UTF-8 (a spreadsheet calls it \"CSV UTF-8\")")]
    Utf16,
    #[error("columns are separated by {found}; separate them by commas")]
    Separator { found: &'static str },
    #[error("rows end with CR alone, or one holds a CR; end them with LF or CR LF")]
    LoneCr,
    #[error("the header is {found:?}; the first row is exactly {HEADER}")]
    Header { found: String },
    #[error(
        "byte {byte} of the row, {value:#04x}, is not UTF-8; save the file as UTF-8 (a spreadsheet calls it \"CSV UTF-8\")"
    )]
    NotUtf8 { byte: usize, value: u8 },
    #[error("the row is longer than {LINE_BYTES_MAX} bytes; end each row with a line break")]
    TooLongRow,
    #[error(transparent)]
    Quote(#[from] QuoteError),
    #[error(
        "{found} columns instead of {wanted}; write all of {HEADER}, and put quotes around what holds a comma (a number has none: 10385415)"
    )]
    Columns { found: usize, wanted: usize },
    #[error("is empty; write {wanted}")]
    Missing { wanted: &'static str },
    #[error("{found:?} {source}")]
    Period { found: String, source: NotASpan },
    #[error("{0}")]
    Name(InvalidValue),
    #[error(
        "is empty, though others of consumer, provider and service are given; give all three for one connection, or none for the total"
    )]
    HalfConnection,
    #[error("{found:?} {MEASURE_FORM}")]
    Measure { found: String },
    #[error("{found:?} has blanks or separators; write digits only: {plain}")]
    Grouped { found: String, plain: String },
    #[error("{found:?} is negative; counts are 0 or more, in digits only")]
    Negative { found: String },
    #[error(
        "{found:?} is no whole number in digits; write it without point, comma, exponent or sign, such as 10385415"
    )]
    NotDigits { found: String },
    #[error(
        "{found:?} is above {}, the largest that is kept; state it in parts",
        u64::MAX
    )]
    TooLarge { found: String },
    #[error("{found} characters are too many; write at most {chars_max}")]
    TooLong { found: usize, chars_max: usize },
    #[error("{found:?} holds a control character; write it without")]
    Control { found: String },
    #[error("{named}: {kind} row {other} ({other_named}); {}", kind.remedy())]
    Clash {
        named: String,
        kind: ClashKind,
        other: u64,
        other_named: String,
    },
    #[error(
        "the file holds more than {rows_max} numbers, which one import can take; split it, for example by year, and import the parts one by one"
    )]
    TooManyRows { rows_max: usize },
    #[error(
        "up to here the file comes to more than {bytes_max} bytes, which one import can take; split it, for example by year, and import the parts one by one"
    )]
    TooManyBytes { bytes_max: usize },
}

impl Finding {
    pub(crate) const fn of_file(problem: Problem) -> Self {
        Self {
            row: None,
            column: None,
            problem,
        }
    }

    pub(crate) const fn of_row(row: u64, problem: Problem) -> Self {
        Self {
            row: Some(row),
            column: None,
            problem,
        }
    }
}

/// `row 3, column value: "1e6" is …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}")?;
            if let Some(column) = self.column {
                write!(f, ", column {column}")?;
            }
            f.write_str(": ")?;
        }
        self.problem.fmt(f)
    }
}

fn lines(found: &[Finding], is_all: bool) -> String {
    let mut lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    if !is_all {
        lines.push("the rest of the file was not looked at".to_owned());
    }
    lines.join("\n")
}
