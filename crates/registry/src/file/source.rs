//! A catalogue file as errors see it: lines, where each item and field stands, and what has been
//! found wrong so far.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use ndxp_model::Zone;
use ndxp_proto::registry::v1;

use super::CatalogueFormat;
use super::tree::{Key, SyntaxError};
use crate::check::{self, At, Locate};
use crate::problem::{CatalogueError, ItemKind, Place, Problem, shown};
use crate::record::Field;

pub(super) struct Source<'a> {
    file: Arc<str>,
    text: &'a str,
    format: CatalogueFormat,
    pub zone: &'a Zone,
    /// How many items of each kind stand in the files before this one.
    before: HashMap<ItemKind, usize>,
    /// Offset of the first byte of each line.
    line_starts: Vec<usize>,
    item_lines: HashMap<At, usize>,
    field_lines: HashMap<(At, Field), usize>,
    reported: HashSet<(At, &'static str)>,
    refused: Vec<(Option<At>, CatalogueError)>,
}

impl<'a> Source<'a> {
    pub fn new(
        file_name: &str,
        text: &'a str,
        zone: &'a Zone,
        before: HashMap<ItemKind, usize>,
    ) -> Self {
        let behind_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(behind_breaks.map(|(offset, _)| offset + 1));
        Self {
            file: file_name.into(),
            text,
            format: CatalogueFormat::of(file_name),
            zone,
            before,
            line_starts: line_starts.collect(),
            item_lines: HashMap::new(),
            field_lines: HashMap::new(),
            reported: HashSet::new(),
            refused: Vec::new(),
        }
    }

    /// What was refused, items named as the catalogue now names them.
    pub fn take_errors(&mut self, catalogue: &v1::Catalogue) -> Vec<CatalogueError> {
        let named = |(at, mut error): (Option<At>, CatalogueError)| {
            error.item = at.map_or_else(String::new, |at| check::label_at(catalogue, at));
            error
        };
        std::mem::take(&mut self.refused)
            .into_iter()
            .map(named)
            .collect()
    }

    fn line_of(&self, span: &Range<usize>) -> usize {
        self.line_starts
            .partition_point(|start| *start <= span.start)
    }

    /// Remembers where an item begins.
    pub fn item_stands(&mut self, at: At, span: &Range<usize>) {
        let line = self.line_of(span);
        self.item_lines.insert(at, line);
    }

    /// Remembers where a field or an element of its list stands.
    pub fn field_stands(&mut self, at: At, field: impl Into<Field>, span: &Range<usize>) {
        let line = self.line_of(span);
        self.field_lines.insert((at, field.into()), line);
    }

    /// The text of the file at the span, in one line.
    pub fn quoted(&self, span: Range<usize>) -> String {
        const SHOWN_CHARS_MAX: usize = 80;
        let text = self.text.get(span).unwrap_or_default();
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        text.chars().take(SHOWN_CHARS_MAX).map(plain).collect()
    }

    pub fn refuse_file(&mut self, problem: Problem) {
        self.refuse(None, 0..0, ("", String::new()), problem);
    }

    pub fn refuse_syntax(&mut self, error: SyntaxError) {
        let SyntaxError { span, message } = error;
        let written = match self.quoted(span.clone()) {
            text if text.trim().is_empty() => String::new(),
            text => shown(&text),
        };
        let (language, remedy) = self.format.language();
        let problem = Problem::Syntax {
            language,
            remedy,
            message,
        };
        self.refuse(None, span, ("", written), problem);
    }

    /// How items are written in the file's language.
    pub fn items_expected(&self) -> &'static str {
        match self.format {
            CatalogueFormat::Toml => {
                "a table of its own under a head in double brackets, such as [[member]]"
            }
            CatalogueFormat::Yaml => "a list of tables under the kind, such as member:",
        }
    }

    /// The place of an item of this file among the items of all files.
    pub fn at(&self, kind: ItemKind, index: usize) -> At {
        let before = self.before.get(&kind).copied().unwrap_or(0);
        let index = before + index;
        At { kind, index }
    }

    /// Where each item and each field stands.
    pub fn places(&self) -> impl Iterator<Item = (At, &'static str, Place)> {
        let items = self.item_lines.iter().map(|(at, line)| (*at, "", *line));
        let fields = self.field_lines.iter();
        let fields = fields.map(|((at, field), line)| (*at, field.name, *line));
        items
            .chain(fields)
            .map(|(at, key, line)| (at, key, self.at_line(line)))
    }

    pub fn holds(&self, at: At) -> bool {
        self.item_lines.contains_key(&at)
    }

    /// A key that the table does not know.
    pub fn refuse_key(&mut self, item: Option<At>, key: &Key, known: &[&'static str]) {
        let nearest = nearest(&key.text, known);
        let known = known.join(", ");
        let name = shown(&key.text);
        let problem = Problem::UnknownKey { nearest, known };
        self.refuse(item, key.span.clone(), (&name, String::new()), problem);
    }

    /// A field of an item.
    pub fn refuse_field(
        &mut self,
        at: At,
        field: &'static str,
        span: Range<usize>,
        value: String,
        problem: Problem,
    ) {
        self.reported.insert((at, field));
        self.refuse(Some(at), span, (field, value), problem);
    }

    fn refuse(
        &mut self,
        at: Option<At>,
        span: Range<usize>,
        (key, value): (&str, String),
        problem: Problem,
    ) {
        let error = CatalogueError {
            place: self.at_line(self.line_of(&span)),
            item: String::new(),
            key: key.to_owned(),
            value,
            problem,
        };
        self.refused.push((at, error));
    }

    fn at_line(&self, line: usize) -> Place {
        let file = Arc::clone(&self.file);
        Place::Line { file, line }
    }
}

impl Locate for Source<'_> {
    fn place(&self, item: At, field: Option<Field>) -> Place {
        let line = field
            .and_then(|field| {
                let whole = Field::from(field.name);
                let lines = &self.field_lines;
                lines
                    .get(&(item, field))
                    .or_else(|| lines.get(&(item, whole)))
            })
            .or_else(|| self.item_lines.get(&item));
        self.at_line(line.copied().unwrap_or(1))
    }

    fn is_reported(&self, item: At, field: &'static str) -> bool {
        // An item without a table has no fields to speak of.
        self.reported.contains(&(item, field)) || self.reported.contains(&(item, ""))
    }
}

/// The known key that a mistyped one was most likely meant to be.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    const EDITS_MAX: usize = 3;
    known
        .iter()
        .map(|known| (edits(key, known), *known))
        .filter(|(edits, known)| *edits <= EDITS_MAX && *edits < known.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

/// Levenshtein's distance, by bytes.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.bytes().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
