//! Figures that official reports cite, each with its definition and its proof, and the forms in
//! which they and other counts are handed over: text, Markdown, HTML, workbook, table, JSON and CSV.
//!
//! [`figures()`], [`report()`] and [`count`] ask the counters and the registry. Everything that
//! renders is pure over protobuf messages, so that a command renders what came over the wire as it
//! renders its own.

// What is counted.
mod answers;
mod meaning;
mod openings;
mod registry_names;
mod request;

mod figures;
mod report;

mod amount;
mod assemble;
mod cut_off;
mod known;
mod names;
mod of_services;
mod questions;
mod stock;

// How it is handed over.
mod explain;
mod render;
mod template;

mod chart;
mod counts;
mod list;
mod series;
mod sheet;
mod tables;

mod figure_records;
mod grid;
mod proof;
mod records;
mod table;

mod change;
mod escape;
mod format;
mod language;
mod nearest;
mod numbers;
mod words;

mod error;

pub use answers::count;
pub use change::Change;
pub use counts::render_counts;
pub use error::{RenderError, ReportError};
pub use explain::{Explained, render_explanation};
pub use figures::{Sources, figures};
pub use format::{Format, UnknownFormat};
pub use language::{Language, UnknownLanguage};
pub use names::{DEFINITIONS, Definition, SERVICE_DEFINITIONS, definition};
pub use numbers::{about, grouped, percent, phrase, stock};
pub use records::dimension_name;
pub use registry_names::RegistryNames;
pub use render::{ReportForm, render_paragraph, render_report, render_report_table};
pub use report::{TOP_MAX, report, table_names};
pub use request::{Moment, RequestError, check};
pub use template::{TEMPLATE_BYTES_MAX, Templates};
