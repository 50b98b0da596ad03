//! From a file to an import. docs/baseline.md is the same for those who write such files.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Read;

use ndxp_model::{InvalidValue, ServiceName, SystemId};
use ndxp_proto::journal::v1::{BaselineImported, BaselineRow, Connection};
use prost::Message as _;

use crate::clash::clashes;
use crate::day::Day;
use crate::entry::{TRANSACTIONS, is_blank, is_measure, named, shown};
use crate::limits::{FINDINGS_MAX, Limits, SOURCE_CHARS_MAX};
use crate::line::Lines;
use crate::number::number;
use crate::problem::{Finding, Findings, ParseError, Problem};
use crate::record::fields;
use crate::span::Span;

/// The columns, in this order; none is left out.
pub const COLUMNS: [&str; 7] = [
    "period", "consumer", "provider", "service", "measure", "value", "source",
];

/// The first row of a file.
pub const HEADER: &str = "period,consumer,provider,service,measure,value,source";

/// A file that holds an import. Who imports it, and why, is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub baseline: BaselineImported,
    /// In which row of the file each balance stands; the header is row 1.
    pub rows: Vec<u64>,
}

/// Reads a file to its end, or until it is clear that it is not one that can be imported: at the
/// first limit, or when enough is found wrong.
///
/// # Errors
/// Everything that is wrong, by row and column, up to [`FINDINGS_MAX`].
pub fn parse(reader: impl Read, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut lines = Lines::new(reader);
    header(&mut lines)?;
    let mut builder = Builder::new(*limits);
    while let Some((row, line)) = lines.next()? {
        let ended = match line {
            Ok([]) => None,
            Ok(line) => builder.row(row, line),
            Err(problem @ Problem::TooLongRow) => Some(problem),
            Err(problem) => {
                builder.find(Finding::of_row(row, problem));
                None
            }
        };
        if let Some(problem) = ended {
            builder.find(Finding::of_row(row, problem));
            return Err(builder.refused(false));
        }
        if builder.found.len() >= FINDINGS_MAX {
            return Err(builder.refused(false));
        }
    }
    builder.finish()
}

fn header<R: Read>(lines: &mut Lines<R>) -> Result<(), ParseError> {
    let problem = match lines.next()? {
        None => Some(Problem::Empty),
        Some((_, Err(problem))) => Some(problem),
        Some((_, Ok(line))) => header_problem(line),
    };
    let of_row = |problem| match problem {
        Problem::Empty | Problem::Utf16 => Finding::of_file(problem),
        _ => Finding::of_row(1, problem),
    };
    match problem {
        None => Ok(()),
        Some(problem) => Err(Findings {
            is_all: problem == Problem::Empty,
            found: vec![of_row(problem)],
        }
        .into()),
    }
}

fn header_problem(line: &[u8]) -> Option<Problem> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(not_utf8(line));
    };
    if text == HEADER || fields(text).is_ok_and(|found| found == COLUMNS) {
        return None;
    }
    let separators = [(';', "semicolons"), ('\t', "tabs"), ('|', "strokes (|)")];
    let other = separators
        .into_iter()
        .find(|(mark, _)| text.contains(*mark) && !text.contains(','));
    Some(match other {
        Some((_, found)) => Problem::Separator { found },
        None => Problem::Header { found: shown(text) },
    })
}

fn not_utf8(line: &[u8]) -> Problem {
    let byte = std::str::from_utf8(line).map_or_else(|error| error.valid_up_to(), |_| 0);
    Problem::NotUtf8 {
        byte: byte + 1,
        value: line.get(byte).copied().unwrap_or_default(),
    }
}

/// An import while its rows come in.
struct Builder {
    limits: Limits,
    entry: BaselineImported,
    connections: HashMap<Connection, u32>,
    measures: HashMap<String, u32>,
    sources: HashMap<String, u32>,
    rows: Vec<u64>,
    bytes: usize,
    found: Vec<Finding>,
}

/// Bytes around a message or a text in a repeated field: a tag, and a length of up to 4,096.
const AROUND_BYTES: usize = 3;

impl Builder {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            entry: BaselineImported::default(),
            connections: HashMap::new(),
            measures: HashMap::new(),
            sources: HashMap::new(),
            rows: Vec::new(),
            bytes: 0,
            found: Vec::new(),
        }
    }

    fn find(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Takes one row. Answers the limit that it has passed.
    fn row(&mut self, row: u64, line: &[u8]) -> Option<Problem> {
        let problem = match std::str::from_utf8(line).map(fields) {
            Err(_) => {
                self.find(Finding {
                    row: Some(row),
                    column: column_of(line),
                    problem: not_utf8(line),
                });
                return None;
            }
            Ok(Err(problem)) => problem.into(),
            Ok(Ok(found)) => match <&[_; 7]>::try_from(found.as_slice()) {
                Ok(fields) => return self.fields(row, fields.each_ref().map(|it| &**it)),
                Err(_) => Problem::Columns {
                    found: found.len(),
                    wanted: COLUMNS.len(),
                },
            },
        };
        self.find(Finding::of_row(row, problem));
        None
    }

    fn fields(&mut self, row: u64, fields: [&str; 7]) -> Option<Problem> {
        let [period, consumer, provider, service, measure, value, source] = fields;
        let mut sound = true;
        let mut wrong = |column, problem| {
            sound = false;
            self.found.push(Finding {
                row: Some(row),
                column: Some(column),
                problem,
            });
        };
        let span = span_of(period).map_err(|problem| wrong("period", problem));
        let names = [consumer, provider, service];
        let in_total = names.iter().all(|name| name.is_empty());
        if !in_total {
            for (column, name) in ["consumer", "provider", "service"].into_iter().zip(names) {
                if let Err(problem) = name_form(column, name) {
                    wrong(column, problem);
                }
            }
        }
        if let Err(problem) = measure_form(measure) {
            wrong("measure", problem);
        }
        let number = number(value).map_err(|problem| wrong("value", problem));
        if let Err(problem) = source_form(source) {
            wrong("source", problem);
        }
        let (Ok(span), Ok(value), true) = (span, number, sound) else {
            return None;
        };
        let connection = (!in_total).then(|| Connection {
            consumer: consumer.to_owned(),
            provider: provider.to_owned(),
            service: service.to_owned(),
        });
        self.take(row, span, connection, measure, value, source)
    }

    fn take(
        &mut self,
        row: u64,
        span: Span,
        connection: Option<Connection>,
        measure: &str,
        value: u64,
        source: &str,
    ) -> Option<Problem> {
        let Limits {
            rows_max,
            bytes_max,
        } = self.limits;
        if self.rows.len() >= rows_max {
            return Some(Problem::TooManyRows { rows_max });
        }
        let connection = connection.map_or(0, |connection| {
            let bytes = connection.encoded_len();
            let list = &mut self.entry.connections;
            numbered(
                list,
                &mut self.connections,
                connection,
                bytes,
                &mut self.bytes,
            )
        });
        let measure = match measure {
            TRANSACTIONS => 0,
            name => {
                let list = &mut self.entry.measures;
                let (name, bytes) = (name.to_owned(), name.len());
                numbered(list, &mut self.measures, name, bytes, &mut self.bytes)
            }
        };
        let list = &mut self.entry.sources;
        let (text, bytes) = (source.to_owned(), source.len());
        let balance = BaselineRow {
            from_day: span.from.map(Day::number),
            to_day: span.to.map(Day::number),
            connection,
            measure,
            value,
            source: numbered(list, &mut self.sources, text, bytes, &mut self.bytes),
        };
        self.bytes += AROUND_BYTES + balance.encoded_len();
        self.entry.rows.push(balance);
        self.rows.push(row);
        (self.bytes > bytes_max).then_some(Problem::TooManyBytes { bytes_max })
    }

    fn finish(mut self) -> Result<Parsed, ParseError> {
        let place = |row: usize| self.rows.get(row).copied().unwrap_or_default();
        let clashing = clashes(&[&self.entry], FINDINGS_MAX);
        let clashing = clashing.into_iter().map(|clash| {
            let problem = Problem::Clash {
                named: named(&self.entry, clash.row),
                kind: clash.kind,
                other: place(clash.other.row),
                other_named: named(&self.entry, clash.other.row),
            };
            Finding::of_row(place(clash.row), problem)
        });
        let clashing: Vec<_> = clashing.collect();
        self.found.extend(clashing);
        if self.found.is_empty() && self.rows.is_empty() {
            self.find(Finding::of_file(Problem::NoRows));
        }
        if !self.found.is_empty() {
            return Err(self.refused(true));
        }
        Ok(Parsed {
            baseline: self.entry,
            rows: self.rows,
        })
    }

    fn refused(mut self, read_all: bool) -> ParseError {
        self.found.sort_by_key(|finding| finding.row);
        let is_all = read_all && self.found.len() <= FINDINGS_MAX;
        self.found.truncate(FINDINGS_MAX);
        Findings {
            found: self.found,
            is_all,
        }
        .into()
    }
}

/// The number of an item in its list, which takes it in when it is new.
fn numbered<T: Clone + Eq + Hash>(
    list: &mut Vec<T>,
    known: &mut HashMap<T, u32>,
    item: T,
    item_bytes: usize,
    bytes: &mut usize,
) -> u32 {
    if let Some(number) = known.get(&item) {
        return *number;
    }
    list.push(item.clone());
    *bytes += AROUND_BYTES + item_bytes;
    let number = u32::try_from(list.len()).expect("bounded by the bytes of an import");
    known.insert(item, number);
    number
}

/// In which column the first byte stands that is not UTF-8, as far as commas tell.
fn column_of(line: &[u8]) -> Option<&'static str> {
    let valid = std::str::from_utf8(line).map_or_else(|error| error.valid_up_to(), |_| 0);
    let before = line.get(..valid)?.iter().filter(|byte| **byte == b',');
    COLUMNS.get(before.count()).copied()
}

fn span_of(text: &str) -> Result<Span, Problem> {
    if text.is_empty() {
        let wanted = "a year, a month, a day, all before one of these, or before-launch";
        return Err(Problem::Missing { wanted });
    }
    text.parse().map_err(|source| Problem::Period {
        found: shown(text),
        source,
    })
}

fn name_form(column: &str, name: &str) -> Result<(), Problem> {
    if name.is_empty() {
        return Err(Problem::HalfConnection);
    }
    let checked: Result<(), InvalidValue> = match column {
        "service" => name.parse::<ServiceName>().map(drop),
        _ => name.parse::<SystemId>().map(drop),
    };
    checked.map_err(Problem::Name)
}

fn measure_form(text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        let wanted = "transactions, documents_sent, documents_received or a declared measure";
        return Err(Problem::Missing { wanted });
    }
    match is_measure(text) {
        true => Ok(()),
        false => Err(Problem::Measure { found: shown(text) }),
    }
}

fn source_form(text: &str) -> Result<(), Problem> {
    if is_blank(text) {
        let wanted = "where the number comes from, such as a report's number and date";
        return Err(Problem::Missing { wanted });
    }
    let (found, chars_max) = (text.chars().count(), SOURCE_CHARS_MAX);
    if found > chars_max {
        return Err(Problem::TooLong { found, chars_max });
    }
    match text.chars().any(char::is_control) {
        true => Err(Problem::Control { found: shown(text) }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
