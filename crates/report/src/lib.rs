//! Figures that official reports cite, each with its definition and its proof, and the forms in
//! which they and other counts are handed over: text, table, JSON and CSV.
//!
//! [`figures()`] and [`count`] ask the counters and the registry. Everything that renders is pure over protobuf
//! messages, so that a command renders what came over the wire as it renders its own.

// What is counted.
mod answers;
mod cut_off;
mod figures;
mod meaning;
mod names;
mod registry_names;
mod request;
mod stock;

// How it is handed over.
mod explain;
mod text;

mod counts;
mod list;
mod proof;
mod records;
mod table;

mod change;
mod format;
mod language;
mod numbers;

mod error;

pub use answers::count;
pub use change::Change;
pub use counts::render_counts;
pub use error::ReportError;
pub use explain::{Explained, render_explanation};
pub use figures::figures;
pub use format::{Format, UnknownFormat};
pub use language::{Language, UnknownLanguage};
pub use list::render_figures;
pub use names::{DEFINITIONS, Definition, SERVICE_DEFINITIONS, definition};
pub use numbers::{about, grouped, percent, phrase, stock};
pub use records::dimension_name;
pub use registry_names::RegistryNames;
pub use request::{Moment, RequestError, check};
pub use text::render_report;
