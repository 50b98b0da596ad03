//! What keeps a report from being made: each names the value at fault and the remedy.

use ndxp_counters::CountersError;
use ndxp_model::{Instant, InvalidValue};

use crate::request::RequestError;

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
    MonthNotBegun { month: String, cut_off: Instant },
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Counters(#[from] CountersError),
    #[error("the answer lacks {0}: ask a hub of the same version as this program")]
    Incomplete(&'static str),
    #[error("the answer lacks the figure {0}: ask a hub of the same version as this program")]
    MissingFigure(&'static str),
    #[error(
        "the answer holds the outcome number {0}, which this program does not know: use the \
         program of the hub's version"
    )]
    UnknownOutcome(i32),
    #[error("writing JSON failed")]
    Json(#[from] serde_json::Error),
    #[error("writing CSV failed")]
    Csv(#[from] csv::Error),
}
