//! The figures alone, without the paragraph: a table for people, JSON for programs, CSV for
//! spreadsheets.

use ndxp_proto::statistics::v1::Figure;

use crate::names::definition;
use crate::numbers::{grouped, percent};
use crate::records::{FigureRecord, FiguresRecord, ProofRecord};
use crate::table::{Column, aligned, csv_text};
use crate::{Format, Language, ReportError};

/// The figures in the form that the reader asked for. The language is that of the table; JSON
/// and CSV are the same in both.
///
/// # Errors
/// When a figure comes without its proof.
pub fn render_figures(
    figures: &[Figure],
    format: Format,
    language: Language,
) -> Result<String, ReportError> {
    let records = figures.iter().map(FigureRecord::of);
    let records = records.collect::<Result<Vec<_>, _>>()?;
    match format {
        Format::Table => Ok(table(&records, language)),
        Format::Json => {
            Ok(serde_json::to_string_pretty(&FiguresRecord { figures: records })? + "\n")
        }
        Format::Csv => csv(&records),
    }
}

fn table(records: &[FigureRecord<'_>], language: Language) -> String {
    let columns = [
        Column::words(language.pick("số liệu", "figure")),
        Column::number(language.pick("giá trị", "value")),
        Column::number(language.pick("trên", "out of")),
        Column::number(language.pick("tỷ lệ", "share")),
        Column::words(language.pick("kỳ", "state")),
    ];
    let rows = records.iter().map(|record| {
        let title = definition(record.name).map_or(record.name, |known| {
            language.pick(known.title_vi, known.title_en)
        });
        let out_of = record.out_of.map(|whole| grouped(whole, language));
        let share = percent(record.value, record.out_of.unwrap_or(0), language);
        let state = match record.proof.closed {
            true => language.pick("đã đóng", "closed"),
            false => language.pick("chưa đóng", "open"),
        };
        vec![
            title.to_owned(),
            grouped(record.value, language),
            out_of.unwrap_or_default(),
            share.unwrap_or_default(),
            state.to_owned(),
        ]
    });
    aligned(&columns, rows)
}

fn csv(records: &[FigureRecord<'_>]) -> Result<String, ReportError> {
    let header = [
        "name",
        "value",
        "out_of",
        "missing",
        "from",
        "to",
        "time_zone",
        "watermark",
        "watermark_at",
        "first_sequence",
        "last_sequence",
        "closed",
    ];
    let rows = records.iter().map(|record| {
        let mut row = vec![
            record.name.to_owned(),
            record.value.to_string(),
            record
                .out_of
                .map_or_else(String::new, |whole| whole.to_string()),
            record.missing.join(" "),
        ];
        row.extend(proof_fields(&record.proof));
        row
    });
    csv_text(&header.map(str::to_owned), rows)
}

fn proof_fields(proof: &ProofRecord<'_>) -> [String; 8] {
    [
        proof.from.clone().unwrap_or_default(),
        proof.to.clone().unwrap_or_default(),
        proof.time_zone.to_owned(),
        proof.watermark.to_string(),
        proof.watermark_at.clone().unwrap_or_default(),
        proof.first_sequence.to_string(),
        proof.last_sequence.to_string(),
        proof.closed.to_string(),
    ]
}
