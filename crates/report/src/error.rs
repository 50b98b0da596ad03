//! What keeps a report from being made or rendered: each names the value at fault and the remedy.

use ndxp_counters::CountersError;
use ndxp_model::{Instant, InvalidValue};

use crate::request::{Moment, RequestError};

/// A report that cannot be made truthfully, and therefore is not made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Month(#[from] InvalidValue),
    #[error(
        "the cut-off {as_of} is not on a whole hour of {time_zone}: counters are kept by the \
         hour, so name a date, a month or an hour"
    )]
    CutOffNotOnHour { as_of: Instant, time_zone: String },
    #[error(
        "month {month} had not begun at the cut-off {cut_off}: ask for an earlier month or a \
         later cut-off"
    )]
    MonthNotBegun { month: String, cut_off: Moment },
    #[error(
        "the cut-off {cut_off} lies before the platform's launch at {launched}: ask for a later \
         cut-off"
    )]
    CutOffBeforeLaunch { cut_off: Moment, launched: Moment },
    #[error(
        "month {month} was over before the platform's launch at {launched}: ask for a later month"
    )]
    MonthBeforeLaunch { month: String, launched: Moment },
    #[error("top = {0}: a table has at most {max} rows; write at most that", max = crate::TOP_MAX)]
    TopTooLarge(u32),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Opening(#[from] ndxp_baseline::TooLarge),
    #[error(transparent)]
    Counters(#[from] CountersError),
    #[error("the answer lacks {0}: ask a hub of the same version as this program")]
    Incomplete(&'static str),
}

/// An answer that cannot be rendered: it is not whole, or the form asked for cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error(transparent)]
    Value(#[from] InvalidValue),
    #[error("the answer lacks {0}: ask a hub of the same version as this program")]
    Incomplete(&'static str),
    #[error(
        "the answer holds the outcome number {0}, which this program does not know: use the \
         program of the hub's version"
    )]
    UnknownOutcome(i32),
    #[error("template {template}, line {line}: {what}")]
    Template {
        template: String,
        line: usize,
        what: String,
    },
    #[error("no template is named {name:?}; the nearest is {nearest}; there are: {known}")]
    UnknownTemplate {
        name: String,
        nearest: &'static str,
        known: String,
    },
    #[error("the report has no table {name:?}; the nearest is {nearest}; there are: {known}")]
    UnknownTable {
        name: String,
        nearest: String,
        known: String,
    },
    #[error("writing the workbook failed")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    #[error("writing JSON failed")]
    Json(#[from] serde_json::Error),
    #[error("writing CSV failed")]
    Csv(#[from] csv::Error),
}
