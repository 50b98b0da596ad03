//! The figures alone, without the paragraph: a table for people, CSV for spreadsheets.

use ndxp_proto::statistics::v1::Figure;

use crate::figure_records::{ComparisonRecord, FigureRecord, change_of};
use crate::numbers::{grouped, percent};
use crate::records::ProofRecord;
use crate::table::{Column, aligned, csv_text};
use crate::{Language, RenderError};

pub(crate) fn table(figures: &[Figure], language: Language) -> Result<String, RenderError> {
    let columns = [
        Column::words(language.pick("số liệu", "figure")),
        Column::number(language.pick("giá trị", "value")),
        Column::number(language.pick("trên", "out of")),
        Column::number(language.pick("tỷ lệ", "share")),
        Column::number(language.pick("tăng, giảm", "change")),
        Column::words(language.pick("kỳ", "state")),
    ];
    let rows = figures.iter().map(|figure| {
        let record = FigureRecord::of(figure)?;
        let out_of = record.out_of.map(|whole| grouped(whole, language));
        let share = percent(record.value, record.out_of.unwrap_or(0), language);
        let comparison = figure.comparison.as_ref();
        let change = comparison.map(|it| {
            let change = change_of(it, record.value).and_then(|it| it.percent(language));
            change.unwrap_or_else(|| "–".to_owned())
        });
        let state = match record.proof.closed {
            true => language.pick("đã đóng", "closed"),
            false => language.pick("chưa đóng", "open"),
        };
        Ok(vec![
            language.pick(record.title_vi, record.title_en).to_owned(),
            grouped(record.value, language),
            out_of.unwrap_or_default(),
            share.unwrap_or_default(),
            change.unwrap_or_default(),
            state.to_owned(),
        ])
    });
    let rows = rows.collect::<Result<Vec<_>, RenderError>>()?;
    Ok(aligned(&columns, rows))
}

/// New columns come last.
const HEADER: [&str; 24] = [
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
    "cut_off",
    "unit",
    "days",
    "opening",
    "opening_sources",
    "opening_left_out",
    "comparison",
    "base_value",
    "base_opening",
    "change_percent",
    "ratio",
    "unavailable",
];

pub(crate) fn csv(figures: &[Figure]) -> Result<String, RenderError> {
    let rows = figures.iter().map(|figure| {
        let record = FigureRecord::of(figure)?;
        let number = |value: Option<u64>| value.map_or_else(String::new, |it| it.to_string());
        let mut row = vec![
            record.name.to_owned(),
            record.value.to_string(),
            number(record.out_of),
            record.missing.join(" "),
        ];
        row.extend(proof_fields(&record.proof));
        row.extend([
            record.unit.to_owned(),
            number(record.days),
            record.opening.to_string(),
            record.opening_sources.join("; "),
            record.opening_left_out.to_string(),
        ]);
        row.extend(comparison_fields(record.comparison.as_ref()));
        Ok(row)
    });
    let rows = rows.collect::<Result<Vec<_>, RenderError>>()?;
    csv_text(&HEADER.map(str::to_owned), rows)
}

fn proof_fields(proof: &ProofRecord<'_>) -> [String; 9] {
    [
        proof.from.clone().unwrap_or_default(),
        proof.to.clone().unwrap_or_default(),
        proof.time_zone.to_owned(),
        proof.watermark.to_string(),
        proof.watermark_at.clone().unwrap_or_default(),
        proof.first_sequence.to_string(),
        proof.last_sequence.to_string(),
        proof.closed.to_string(),
        proof.cut_off.clone().unwrap_or_default(),
    ]
}

fn comparison_fields(comparison: Option<&ComparisonRecord<'_>>) -> [String; 6] {
    let Some(it) = comparison else {
        return Default::default();
    };
    let decimal = |value: Option<f64>| value.map_or_else(String::new, |it| it.to_string());
    [
        it.kind.to_owned(),
        it.base_value.map_or_else(String::new, |it| it.to_string()),
        it.base_opening
            .map_or_else(String::new, |it| it.to_string()),
        decimal(it.change_percent),
        decimal(it.ratio),
        it.unavailable_en.to_owned(),
    ]
}
