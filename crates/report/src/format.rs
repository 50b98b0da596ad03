//! The forms in which commands print data.

use std::str::FromStr;

/// A form of output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// For people; its layout may change.
    #[default]
    Table,
    /// For programs; keys are stable.
    Json,
    /// For spreadsheets; columns are stable and new ones come last.
    Csv,
}

/// A form that no command prints.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("format {0:?} is not known: say table, json or csv")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}
