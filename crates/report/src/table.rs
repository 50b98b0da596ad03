//! Columns set under one another for people, and rows of CSV.

use comfy_table::{CellAlignment, Table, presets};

use crate::ReportError;

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
    table.set_header(columns.iter().map(|column| column.heading));
    table.add_rows(rows);
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

/// CSV with a header.
pub(crate) fn csv_text(
    header: &[String],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer
        .into_inner()
        .expect("writing to memory does not fail");
    Ok(String::from_utf8(bytes).expect("every field was a string"))
}
