//! The stable shape of a report and its figures as data: what JSON and CSV print, every key in
//! every figure, whether or not it has a value.

use ndxp_model::Instant;
use ndxp_proto::statistics::v1::{
    Comparison, ComparisonKind, Figure, GetReportResponse, ReportTable,
};
use serde::Serialize;

use crate::RenderError;
use crate::change::Change;
use crate::names::definition;
use crate::numbers::wide;
use crate::records::{CountsRecord, ProofRecord};

/// A `GetReportResponse`.
#[derive(Serialize)]
pub(crate) struct ReportRecord<'a> {
    pub month: &'a str,
    pub cut_off: Option<String>,
    pub launched_at: Option<String>,
    pub time_zone: &'a str,
    pub by_successor: bool,
    pub figures: Vec<FigureRecord<'a>>,
    pub tables: Vec<TableRecord<'a>>,
}

/// A `ReportTable`.
#[derive(Serialize)]
pub(crate) struct TableRecord<'a> {
    pub name: &'a str,
    pub title_vi: &'a str,
    pub title_en: &'a str,
    #[serde(flatten)]
    pub counts: CountsRecord<'a>,
}

/// A `Figure`.
#[derive(Serialize)]
pub(crate) struct FigureRecord<'a> {
    pub name: &'a str,
    /// Full digits: a sum may pass 2^64.
    pub value: u128,
    pub out_of: Option<u64>,
    pub missing: &'a [String],
    pub definition_vi: &'a str,
    pub definition_en: &'a str,
    pub proof: ProofRecord<'a>,
    pub title_vi: &'a str,
    pub title_en: &'a str,
    pub unit: &'a str,
    /// Of the value, what a previous platform counted.
    pub opening: u64,
    pub opening_sources: &'a [String],
    pub opening_left_out: u64,
    /// For an average per day: the days that it was divided by.
    pub days: Option<u64>,
    pub comparison: Option<ComparisonRecord<'a>>,
}

/// A `Comparison`; what cannot be compared has `null` for its numbers and says why.
#[derive(Serialize)]
pub(crate) struct ComparisonRecord<'a> {
    pub kind: &'static str,
    pub base_value: Option<u128>,
    pub base_opening: Option<u64>,
    /// To the nearest tenth; `null` where the base is 0.
    pub change_percent: Option<f64>,
    /// Rounded down to hundredths; `null` where the base is 0.
    pub ratio: Option<f64>,
    pub base_proof: Option<ProofRecord<'a>>,
    pub unavailable_vi: &'a str,
    pub unavailable_en: &'a str,
}

impl<'a> ReportRecord<'a> {
    pub(crate) fn of(report: &'a GetReportResponse) -> Result<Self, RenderError> {
        let instant = |micros| (micros != 0).then(|| Instant::from_micros(micros).to_string());
        let figures = report.figures.iter().map(FigureRecord::of);
        let tables = report.tables.iter().map(TableRecord::of);
        Ok(Self {
            month: &report.month,
            cut_off: instant(report.cut_off_us),
            launched_at: instant(report.launched_at_us),
            time_zone: &report.time_zone,
            by_successor: report.by_successor,
            figures: figures.collect::<Result<_, RenderError>>()?,
            tables: tables.collect::<Result<_, RenderError>>()?,
        })
    }
}

impl<'a> TableRecord<'a> {
    pub(crate) fn of(table: &'a ReportTable) -> Result<Self, RenderError> {
        let counts = table.counts.as_ref();
        let counts = counts.ok_or(RenderError::Incomplete("a table's counts"))?;
        Ok(Self {
            name: &table.name,
            title_vi: &table.title_vi,
            title_en: &table.title_en,
            counts: CountsRecord::of(counts, table.by())?,
        })
    }
}

impl<'a> FigureRecord<'a> {
    pub(crate) fn of(figure: &'a Figure) -> Result<Self, RenderError> {
        let value = wide(figure.value_high, figure.value);
        let comparison = figure.comparison.as_ref();
        let [title_vi, title_en] = titles(figure);
        Ok(Self {
            name: &figure.name,
            value,
            out_of: (figure.out_of > 0).then_some(figure.out_of),
            missing: &figure.missing,
            definition_vi: &figure.definition_vi,
            definition_en: &figure.definition_en,
            proof: ProofRecord::of(figure.proof.as_ref())?,
            title_vi,
            title_en,
            unit: &figure.unit,
            opening: figure.opening,
            opening_sources: &figure.opening_sources,
            opening_left_out: figure.opening_left_out,
            days: (figure.days > 0).then_some(figure.days),
            comparison: comparison
                .map(|it| ComparisonRecord::of(it, value))
                .transpose()?,
        })
    }
}

impl<'a> ComparisonRecord<'a> {
    fn of(comparison: &'a Comparison, value: u128) -> Result<Self, RenderError> {
        let change = change_of(comparison, value);
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let proof = comparison.base_proof.as_ref();
        Ok(Self {
            kind: match comparison.kind() {
                ComparisonKind::Unspecified => "unspecified",
                ComparisonKind::Previous => "previous",
                ComparisonKind::YearBefore => "year_before",
            },
            base_value: change.map(|it| it.base),
            base_opening: change.map(|_| comparison.base_opening),
            change_percent: number(change.and_then(Change::percent_number)),
            ratio: number(change.and_then(Change::ratio_number)),
            base_proof: proof.map(|it| ProofRecord::of(Some(it))).transpose()?,
            unavailable_vi: &comparison.unavailable_vi,
            unavailable_en: &comparison.unavailable_en,
        })
    }
}

/// A figure's number beside that of the other period. `None` where that one cannot be told.
pub(crate) fn change_of(comparison: &Comparison, value: u128) -> Option<Change> {
    let told = comparison.unavailable_vi.is_empty() && comparison.unavailable_en.is_empty();
    told.then(|| Change {
        value,
        base: wide(comparison.base_value_high, comparison.base_value),
    })
}

/// A figure's titles in Vietnamese and English: its own, else those of the definition that this
/// program knows, else its name.
pub(crate) fn titles(figure: &Figure) -> [&str; 2] {
    let known = definition(&figure.name).map(|it| [it.title_vi, it.title_en]);
    let [known_vi, known_en] = known.unwrap_or([&figure.name; 2]);
    [(&figure.title_vi, known_vi), (&figure.title_en, known_en)]
        .map(|(own, known)| if own.is_empty() { known } else { own.as_str() })
}
