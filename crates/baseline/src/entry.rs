//! What makes an import sound by itself, whoever sent it: its names have their forms, its rows name
//! what it holds, and no number is stated twice within it.

use std::fmt;

use ndxp_model::{InvalidValue, ServiceName, SystemId};
use ndxp_proto::journal::v1::{BaselineImported, BaselineRow, Connection};
use prost::Message as _;

use crate::clash::{ClashKind, clashes};
use crate::day::Day;
use crate::limits::{
    ENTRY_BYTES_MAX, FILE_NAME_CHARS_MAX, FINDINGS_MAX, Limits, MEASURE_NAME_BYTES_MAX,
    NOTE_CHARS_MAX, SHOWN_CHARS_MAX, SOURCE_CHARS_MAX,
};
use crate::span::Span;

/// What transactions are called where other measures have their names.
pub(crate) const TRANSACTIONS: &str = "transactions";

/// What is wrong with an import. Balances and what they name are counted from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    #[error("the import holds no balance; state at least one")]
    Empty,
    #[error(
        "the import holds {found} balances, at most {rows_max} are taken at once; split it, for example by year"
    )]
    TooManyRows { found: usize, rows_max: usize },
    #[error(
        "the import is {found} bytes long, at most {bytes_max} are taken at once; split it, for example by year"
    )]
    TooLarge { found: usize, bytes_max: usize },
    #[error("{field}: {found} characters are too many; write at most {chars_max}")]
    TooLong {
        field: &'static str,
        found: usize,
        chars_max: usize,
    },
    #[error("{field}: {found:?} holds a line break or another control character; write it without")]
    Control { field: &'static str, found: String },
    #[error("file_sha256: {found} bytes; give the 32 of a SHA-256, or none")]
    Digest { found: usize },
    #[error("connections, number {place}: {source}")]
    Connection { place: usize, source: InvalidValue },
    #[error("measures, number {place}: {found:?} {MEASURE_FORM}")]
    Measure { place: usize, found: String },
    #[error("sources, number {place}: is empty; say where the numbers come from")]
    NoSource { place: usize },
    #[error(
        "balance {balance}: names number {found} of {known} {table}; name one that the import holds"
    )]
    Place {
        balance: usize,
        table: &'static str,
        found: u32,
        known: usize,
    },
    #[error(
        "balance {balance}: from day {from:?} to day {to:?} is no period; give days of 1970 to 9998, the first before the last, or leave the first away"
    )]
    Span {
        balance: usize,
        from: Option<i32>,
        to: Option<i32>,
    },
    #[error("balance {balance} ({named}): {kind} balance {other} ({other_named}); {}", kind.remedy())]
    Clash {
        balance: usize,
        named: String,
        kind: ClashKind,
        other: usize,
        other_named: String,
    },
}

pub(crate) const MEASURE_FORM: &str = "is no measure; write transactions, documents_sent, \
     documents_received, or the name that the service declares: a lower-case letter, then \
     lower-case letters, digits and underscores, at most 63";

/// Everything that is wrong with an import by itself, up to a limit.
///
/// # Errors
/// With what is wrong, at least one thing.
pub fn check(entry: &BaselineImported) -> Result<(), Vec<Malformed>> {
    let mut found = Vec::new();
    size(entry, &mut found);
    // What is too large is not looked at.
    if found.is_empty() {
        texts(entry, &mut found);
        tables(entry, &mut found);
        rows(entry, &mut found);
    }
    if found.is_empty() {
        let clashes = clashes(&[entry], FINDINGS_MAX);
        found.extend(clashes.into_iter().map(|clash| Malformed::Clash {
            balance: clash.row + 1,
            named: named(entry, clash.row),
            kind: clash.kind,
            other: clash.other.row + 1,
            other_named: named(entry, clash.other.row),
        }));
    }
    found.truncate(FINDINGS_MAX);
    match found.is_empty() {
        true => Ok(()),
        false => Err(found),
    }
}

fn size(entry: &BaselineImported, found: &mut Vec<Malformed>) {
    let (rows, bytes) = (entry.rows.len(), entry.encoded_len());
    let rows_max = Limits::default().rows_max;
    if rows == 0 {
        found.push(Malformed::Empty);
    }
    if rows > rows_max {
        let found_rows = rows;
        found.push(Malformed::TooManyRows {
            found: found_rows,
            rows_max,
        });
    }
    if bytes > ENTRY_BYTES_MAX {
        found.push(Malformed::TooLarge {
            found: bytes,
            bytes_max: ENTRY_BYTES_MAX,
        });
    }
}

fn texts(entry: &BaselineImported, found: &mut Vec<Malformed>) {
    let sources = entry.sources.iter();
    let sources = sources.map(|source| ("source", source, SOURCE_CHARS_MAX));
    for (field, text, chars_max) in [
        ("note", &entry.note, NOTE_CHARS_MAX),
        ("file", &entry.file, FILE_NAME_CHARS_MAX),
    ]
    .into_iter()
    .chain(sources)
    {
        let chars = text.chars().count();
        if chars > chars_max {
            found.push(Malformed::TooLong {
                field,
                found: chars,
                chars_max,
            });
        }
        if text.chars().any(char::is_control) {
            let found_text = shown(text);
            found.push(Malformed::Control {
                field,
                found: found_text,
            });
        }
    }
    let digest = entry.file_sha256.len();
    if ![0, 32].contains(&digest) {
        found.push(Malformed::Digest { found: digest });
    }
}

fn tables(entry: &BaselineImported, found: &mut Vec<Malformed>) {
    for (place, connection) in (1..).zip(&entry.connections) {
        if let Err(source) = connection_form(connection) {
            found.push(Malformed::Connection { place, source });
        }
    }
    for (place, measure) in (1..).zip(&entry.measures) {
        if measure == TRANSACTIONS || !is_measure(measure) {
            let found_text = shown(measure);
            found.push(Malformed::Measure {
                place,
                found: found_text,
            });
        }
    }
    let unsaid = (1..).zip(&entry.sources).filter(|(_, it)| is_blank(it));
    found.extend(unsaid.map(|(place, _)| Malformed::NoSource { place }));
}

fn rows(entry: &BaselineImported, found: &mut Vec<Malformed>) {
    for (balance, row) in (1..).zip(&entry.rows) {
        if found.len() >= FINDINGS_MAX {
            return;
        }
        let named_by = [
            ("connections", row.connection, entry.connections.len(), 0),
            ("measures", row.measure, entry.measures.len(), 0),
            ("sources", row.source, entry.sources.len(), 1),
        ];
        for (table, place, known, first) in named_by {
            if place < first || usize::try_from(place).map_or(true, |place| place > known) {
                found.push(Malformed::Place {
                    balance,
                    table,
                    found: place,
                    known,
                });
            }
        }
        if !is_sound(row) {
            found.push(Malformed::Span {
                balance,
                from: row.from_day,
                to: row.to_day,
            });
        }
    }
}

fn is_sound(row: &BaselineRow) -> bool {
    let known = |day: &i32| (Day::FIRST..=Day::BEHIND_LAST).contains(&Day::new(*day));
    let within = [row.from_day, row.to_day].iter().flatten().all(known);
    let forwards = match (row.from_day, row.to_day) {
        (Some(from), Some(to)) => from < to,
        (Some(_), None) => false,
        (None, _) => true,
    };
    within && forwards
}

/// One number of an import, with what it names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance<'a> {
    pub span: Span,
    /// None for the total of all.
    pub connection: Option<&'a Connection>,
    pub measure: &'a str,
    pub value: u64,
    pub source: &'a str,
}

/// The numbers of an import in their order.
pub fn balances(entry: &BaselineImported) -> impl Iterator<Item = Balance<'_>> {
    entry.rows.iter().map(|row| Balance {
        span: span(row),
        connection: connection(entry, row),
        measure: measure(entry, row),
        value: row.value,
        source: place(row.source)
            .and_then(|place| entry.sources.get(place))
            .map_or("", String::as_str),
    })
}

/// A connection's names, each by its form.
pub(crate) fn connection_form(connection: &Connection) -> Result<(), InvalidValue> {
    connection.consumer.parse::<SystemId>()?;
    connection.provider.parse::<SystemId>()?;
    connection.service.parse::<ServiceName>()?;
    Ok(())
}

/// The form that the registry gives the names of declared measures.
pub(crate) fn is_measure(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= MEASURE_NAME_BYTES_MAX
        && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

pub(crate) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

pub(crate) fn span(row: &BaselineRow) -> Span {
    Span {
        from: row.from_day.map(Day::new),
        to: row.to_day.map(Day::new),
    }
}

/// The connection that a row is about; none for the total of all.
pub(crate) fn connection<'a>(
    entry: &'a BaselineImported,
    row: &BaselineRow,
) -> Option<&'a Connection> {
    entry.connections.get(place(row.connection)?)
}

/// The measure's name.
pub(crate) fn measure<'a>(entry: &'a BaselineImported, row: &BaselineRow) -> &'a str {
    let named = place(row.measure).and_then(|place| entry.measures.get(place));
    named.map_or(TRANSACTIONS, String::as_str)
}

/// Where in its table: places are counted from 1, and 0 is none.
pub(crate) fn place(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

/// A balance in words: `2021-07, in total, transactions`.
pub(crate) fn named(entry: &BaselineImported, row: usize) -> String {
    let Some(row) = entry.rows.get(row) else {
        return String::new();
    };
    let scope = Scope(connection(entry, row));
    format!("{}, {scope}, {}", span(row), measure(entry, row))
}

/// What a balance is about, in words.
pub(crate) struct Scope<'a>(pub(crate) Option<&'a Connection>);

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("in total"),
            Some(Connection {
                consumer,
                provider,
                service,
            }) => write!(f, "{consumer}>{provider}/{service}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{connection as names, entry, row};

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut BaselineImported), part: &str) {
        let mut import = entry(&["2021", "before 2021"]);
        check(&import).unwrap();
        change(&mut import);
        let found = check(&import).unwrap_err();
        let text: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert!(text.iter().any(|it| it.contains(part)), "{text:#?}");
        assert!(found.len() <= FINDINGS_MAX);
    }

    #[test]
    fn an_import_that_is_not_sound_is_refused_with_what_is_wrong() {
        check_refused(|import| import.rows.clear(), "holds no balance");
        check_refused(|import| import.note = "x".repeat(1_001), "note: 1001");
        check_refused(|import| import.file = "a\nb".to_owned(), "file: ");
        check_refused(
            |import| import.file_sha256 = vec![1],
            "file_sha256: 1 bytes",
        );
        check_refused(
            |import| import.connections.push(names("h26/lgsp")),
            "number 1: system",
        );
        check_refused(
            |import| import.measures.push("Records".to_owned()),
            "Records",
        );
        check_refused(
            |import| import.measures.push(TRANSACTIONS.to_owned()),
            "transactions",
        );
        check_refused(
            |import| import.sources.push(" ".to_owned()),
            "sources, number 2",
        );
        check_refused(
            |import| import.rows[1].source = 0,
            "balance 2: names number 0",
        );
        check_refused(|import| import.rows[1].source = 2, "number 2 of 1 sources");
        check_refused(|import| import.rows[1].measure = u32::MAX, "of 0 measures");
        check_refused(|import| import.rows[1].connection = 1, "of 0 connections");
        check_refused(|import| import.rows[0].to_day = None, "is no period");
        check_refused(
            |import| import.rows[0].to_day = import.rows[0].from_day,
            "is no period",
        );
        check_refused(|import| import.rows[0].from_day = Some(-1), "is no period");
        check_refused(
            |import| import.rows[0].to_day = Some(i32::MAX),
            "is no period",
        );
        check_refused(
            |import| import.rows.push(row("2021")),
            "balance 3 (2021, in total, transactions): is the same as balance 1",
        );
        check_refused(
            |import| import.sources[0] = "x".repeat(301),
            "source: 301 characters",
        );
        check_refused(
            |import| import.sources = vec!["x".repeat(300); 4_000],
            "bytes long",
        );
        let too_many = Limits::default().rows_max + 1;
        check_refused(
            |import| import.rows = vec![BaselineRow::default(); too_many],
            "100001 balances",
        );
    }

    #[test]
    fn no_more_is_told_than_the_limit() {
        let mut import = entry(&["2021"]);
        import.rows = vec![BaselineRow::default(); 1_000];
        assert_eq!(check(&import).unwrap_err().len(), FINDINGS_MAX);
    }
}
