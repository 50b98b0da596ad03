//! Columns set under one another for people, and rows of CSV.

use comfy_table::{CellAlignment, Table, presets};

use crate::RenderError;
use crate::escape::{self, plain};

/// Space behind every column.
const GAP_CHARS: u16 = 2;

/// A column of a table: words stand left, numbers right.
pub(crate) struct Column<'a> {
    heading: &'a str,
    alignment: CellAlignment,
}

impl<'a> Column<'a> {
    pub(crate) fn words(heading: &'a str) -> Self {
        Self {
            heading,
            alignment: CellAlignment::Left,
        }
    }

    pub(crate) fn number(heading: &'a str) -> Self {
        Self {
            heading,
            alignment: CellAlignment::Right,
        }
    }
}

/// The table as text, one line a row, without trailing spaces.
pub(crate) fn aligned(
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(columns.iter().map(|column| plain(column.heading)));
    let rows = rows.into_iter();
    table.add_rows(rows.map(|row| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>()));
    for (column, wanted) in table.column_iter_mut().zip(columns) {
        column.set_cell_alignment(wanted.alignment);
        column.set_padding((0, GAP_CHARS));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// CSV with a header. No cell is a formula, whoever wrote its text: a cell that is none of our
/// numbers keeps to [`escape::csv`].
pub(crate) fn csv_text(
    header: &[String],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String, RenderError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header.iter().map(|name| escape::csv(name)))?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| match is_number(cell) {
            true => cell.clone(),
            false => escape::csv(cell),
        }))?;
    }
    let bytes = writer
        .into_inner()
        .expect("writing to memory does not fail");
    Ok(String::from_utf8(bytes).expect("every field was a string"))
}

/// Whether a cell is a plain decimal number, such as a change of `-16.6`.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}
