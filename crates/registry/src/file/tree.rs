//! A file as a tree of values that know their places, whatever language it was written in.

use std::ops::Range;

/// A value and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub value: Value,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// Digits of a whole number, with its sign, in the radix.
    Integer {
        digits: String,
        radix: u32,
    },
    Float,
    Flag(bool),
    /// A date or time that the language knows, as it was written.
    Moment(String),
    /// A value that says that there is none.
    Nothing,
    List(Vec<Node>),
    Table(Table),
}

/// Keys in the order of the file, each once.
pub(super) type Table = Vec<(Key, Node)>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub text: String,
    pub span: Range<usize>,
}

/// What is wrong with the language of a file.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub span: Range<usize>,
    pub message: String,
}

/// The value under the key.
pub(super) fn get<'t>(table: &'t Table, key: &str) -> Option<&'t Node> {
    table
        .iter()
        .find(|(known, _)| known.text == key)
        .map(|(_, node)| node)
}

impl Value {
    /// What was found, where something else was wanted.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer { .. } => "a number",
            Self::Float => "a number with a fraction",
            Self::Flag(_) => "a truth value",
            Self::Moment(_) => "a date or time",
            Self::Nothing => "nothing",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}
