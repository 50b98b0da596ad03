//! A report in the form that its reader asked for. Pure over the protobuf message, wherever it
//! came from.

use ndxp_proto::statistics::v1::GetReportResponse;

use crate::figure_records::{ReportRecord, TableRecord};
use crate::nearest::nearest;
use crate::template::Templates;
use crate::{Language, RenderError, counts, list, series, sheet};

/// A form that a report is handed over in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReportForm {
    /// The platform's paragraph, the tables behind it, the proofs.
    #[default]
    Text,
    /// The same for a document that is still worked on.
    Markdown,
    /// The same as one page that needs nothing else, with charts.
    Html,
    /// A workbook: a sheet for each table.
    Xlsx,
    /// The figures for spreadsheets; columns are stable and new ones come last.
    Csv,
    /// Everything for programs; keys are stable.
    Json,
    /// The figures in columns.
    Table,
}

/// The report's bytes: UTF-8, but for a workbook.
///
/// # Errors
/// When the report lacks what the form needs, or a template cannot be rendered.
pub fn render_report(
    report: &GetReportResponse,
    form: ReportForm,
    language: Language,
    templates: &Templates,
) -> Result<Vec<u8>, RenderError> {
    let whole = series::without_gaps(report)?;
    let text = match form {
        ReportForm::Text => templates.render("report.txt", &whole, language)?,
        ReportForm::Markdown => templates.render("report.md", &whole, language)?,
        ReportForm::Html => templates.render("report.html", &whole, language)?,
        ReportForm::Xlsx => return sheet::render_xlsx(&whole, language),
        ReportForm::Csv => list::csv(&report.figures)?,
        ReportForm::Json => serde_json::to_string_pretty(&ReportRecord::of(report)?)? + "\n",
        ReportForm::Table => list::table(&report.figures, language)?,
    };
    Ok(text.into_bytes())
}

/// The platform's paragraph alone, under its title.
///
/// # Errors
/// As [`render_report`].
pub fn render_paragraph(
    report: &GetReportResponse,
    language: Language,
    templates: &Templates,
) -> Result<String, RenderError> {
    templates.paragraph(report, language)
}

/// One of the report's tables as CSV.
///
/// # Errors
/// When the report has no table of that name.
pub fn render_report_table(report: &GetReportResponse, name: &str) -> Result<String, RenderError> {
    let known = || report.tables.iter().map(|it| it.name.as_str());
    let Some(table) = report.tables.iter().find(|it| it.name == name) else {
        return Err(RenderError::UnknownTable {
            name: name.to_owned(),
            nearest: nearest(name, known()).unwrap_or_default().to_owned(),
            known: known().collect::<Vec<_>>().join(", "),
        });
    };
    counts::csv(&TableRecord::of(table)?.counts)
}
