//! A table on its way to a reader: typed cells under headings in one language. Every form of a
//! report is written from the same grids, so that no two forms can differ in a number.

use crate::Language;
use crate::change::Change;
use crate::numbers::{grouped, percent};
use crate::table::{Column, aligned};

/// One table of a report.
#[derive(Debug)]
pub(crate) struct Grid {
    /// Stable name, such as `connections`.
    pub name: String,
    pub title: String,
    pub columns: Vec<Heading>,
    pub rows: Vec<Vec<Cell>>,
    /// How many of the last rows are sums of those above.
    pub sums: usize,
    /// What has to be said about the numbers, a sentence each.
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Heading {
    pub text: String,
    /// Numbers stand right.
    pub number: bool,
}

impl Heading {
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            number: false,
        }
    }

    pub(crate) fn number(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            number: true,
        }
    }
}

/// One value. Spreadsheets get it typed, everyone else as text.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Nothing,
    Words(String),
    /// A local date, `2022-07-22`, with the words for it.
    Day {
        iso: String,
        words: String,
    },
    Number(u128),
    /// Microseconds, shown as milliseconds.
    Duration(u64),
    Share {
        part: u128,
        whole: u128,
    },
    ChangePercent(Change),
    Ratio(Change),
}

impl Cell {
    /// Of nothing there is no share, no change and no ratio: a dash.
    pub(crate) fn text(&self, language: Language) -> String {
        let dash = || "–".to_owned();
        match self {
            Self::Nothing => String::new(),
            Self::Words(text) => text.clone(),
            Self::Day { words, .. } => words.clone(),
            Self::Number(value) => grouped(*value, language),
            Self::Duration(micros) => milliseconds(*micros, language),
            Self::Share { part, whole } => share(*part, *whole, language).unwrap_or_else(dash),
            Self::ChangePercent(change) => change.percent(language).unwrap_or_else(dash),
            Self::Ratio(change) => change.ratio(language).unwrap_or_else(dash),
        }
    }
}

/// Little is not nothing: a share that rounds down to it is said to be less than a tenth.
fn share(part: u128, whole: u128, language: Language) -> Option<String> {
    let nothing = percent(0_u8, 1_u8, language)?;
    let share = percent(part, whole, language)?;
    Some(match part > 0 && share == nothing {
        true => format!("<0{}1%", language.decimal_mark()),
        false => share,
    })
}

impl Grid {
    /// The table for a terminal or a letter, columns set under one another.
    pub(crate) fn aligned(&self, language: Language) -> String {
        let columns = self.columns.iter().map(|it| match it.number {
            true => Column::number(&it.text),
            false => Column::words(&it.text),
        });
        let columns: Vec<_> = columns.collect();
        let texts = |row: &Vec<Cell>| row.iter().map(|cell| cell.text(language)).collect();
        aligned(&columns, self.rows.iter().map(texts))
    }
}

/// Microseconds as milliseconds with one decimal, rounded to the nearest.
pub(crate) fn milliseconds(micros: u64, language: Language) -> String {
    let tenths = micros / 100 + u64::from(micros % 100 >= 50);
    let whole = grouped(tenths / 10, language);
    format!("{whole}{}{}", language.decimal_mark(), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_in_milliseconds() {
        let rows = [
            (0, "0,0"),
            (49, "0,0"),
            (50, "0,1"),
            (999_949, "999,9"),
            (999_950, "1.000,0"),
            (u64::MAX, "18.446.744.073.709.551,6"),
        ];
        for (micros, wanted) in rows {
            assert_eq!(milliseconds(micros, Language::Vietnamese), wanted);
        }
    }
}
