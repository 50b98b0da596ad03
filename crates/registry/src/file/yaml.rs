//! YAML 1.2 as a tree: one document of plain values by the core schema. What lets a short text
//! stand for a long one, or means more than it says, is refused: anchors, aliases, tags, merge
//! keys. The parser's events are walked with a list of our own, so that no depth of nesting
//! exhausts the stack.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::tree::{Key, Node, SyntaxError, Table, Value};

/// Nesting of a catalogue: the document, a kind, an item, a list of windows, a window.
const DEPTH_MAX: usize = 8;

/// # Errors
/// The first place at which the text is not such YAML.
pub(super) fn read(text: &str) -> Result<Table, Vec<SyntaxError>> {
    Reader::new(text).read().map_err(|error| vec![error])
}

struct Reader<'t> {
    text: &'t str,
    /// Byte offset of each character, and of the end: the parser counts characters.
    offsets: Vec<usize>,
    open: Vec<Open>,
    document: Option<Node>,
}

/// A list or table that has begun.
struct Open {
    from: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Table { fields: Table, key: Option<Key> },
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let offsets = text.char_indices().map(|(offset, _)| offset);
        Self {
            text,
            offsets: offsets.chain([text.len()]).collect(),
            open: Vec::new(),
            document: None,
        }
    }

    fn read(mut self) -> Result<Table, SyntaxError> {
        for event in Parser::new_from_str(self.text) {
            let (event, span) = event.map_err(|error| {
                let at = self.offset(error.marker().index());
                SyntaxError {
                    span: at..at,
                    message: error.info().to_owned(),
                }
            })?;
            let span = self.span(span);
            self.take(event, span)?;
        }
        match self.document {
            None => Ok(Table::new()),
            Some(Node {
                value: Value::Table(table),
                ..
            }) => Ok(table),
            // A file of comments alone, or with nothing under its mark.
            Some(Node {
                value: Value::Nothing,
                ..
            }) => Ok(Table::new()),
            Some(node) => Err(SyntaxError {
                message: format!(
                    "the document is {}, not a table of kinds",
                    node.value.kind()
                ),
                span: node.span,
            }),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), SyntaxError> {
        match event {
            Event::Alias(_) => refuse(span, "aliases are not taken: write the value out"),
            Event::Scalar(text, style, anchor, tag) => {
                refuse_marks(anchor, tag.as_ref(), &span)?;
                let value = match (style, tag.is_some()) {
                    (ScalarStyle::Plain, false) => plain(&text),
                    _ => Value::Text(text.into_owned()),
                };
                self.put(Node { value, span })
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_marks(anchor, tag.as_ref(), &span)?;
                self.begin(span, Kind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                refuse_marks(anchor, tag.as_ref(), &span)?;
                let (fields, key) = (Table::new(), None);
                self.begin(span, Kind::Table { fields, key })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::DocumentStart(_) if self.document.is_some() => {
                refuse(span, "a second document begins: write one document a file")
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, span: Range<usize>, kind: Kind) -> Result<(), SyntaxError> {
        if self.open.len() >= DEPTH_MAX {
            return refuse(span, "lists and tables nest too deeply");
        }
        let from = span.start;
        self.open.push(Open { from, kind });
        Ok(())
    }

    fn end(&mut self, span: &Range<usize>) -> Result<(), SyntaxError> {
        let Some(Open { from, kind }) = self.open.pop() else {
            return refuse(span.clone(), "something ends that has not begun");
        };
        let value = match kind {
            Kind::List(nodes) => Value::List(nodes),
            Kind::Table { fields, .. } => Value::Table(fields),
        };
        let span = from..span.end.max(from);
        self.put(Node { value, span })
    }

    /// Puts a finished value where it belongs: as a key, under the key, into the list.
    fn put(&mut self, node: Node) -> Result<(), SyntaxError> {
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.document = Some(node),
            Some(Kind::List(nodes)) => nodes.push(node),
            Some(Kind::Table { fields, key }) => match key.take() {
                Some(key) => fields.push((key, node)),
                None => {
                    let Value::Text(text) = node.value else {
                        return refuse(node.span, "a key is a text");
                    };
                    if fields.iter().any(|(known, _)| known.text == text) {
                        return refuse(node.span, "duplicate key");
                    }
                    let span = node.span;
                    *key = Some(Key { text, span });
                }
            },
        }
        Ok(())
    }

    fn span(&self, span: Span) -> Range<usize> {
        let (start, end) = (
            self.offset(span.start.index()),
            self.offset(span.end.index()),
        );
        start..end.max(start)
    }

    fn offset(&self, chars: usize) -> usize {
        self.offsets.get(chars).copied().unwrap_or(self.text.len())
    }
}

fn refuse(span: Range<usize>, message: &str) -> Result<(), SyntaxError> {
    let message = message.to_owned();
    Err(SyntaxError { span, message })
}

/// An anchor, or a tag other than that of a text.
fn refuse_marks(
    anchor: usize,
    tag: Option<&Cow<'_, Tag>>,
    span: &Range<usize>,
) -> Result<(), SyntaxError> {
    if anchor != 0 {
        return refuse(span.clone(), "anchors are not taken: write the value out");
    }
    match tag {
        Some(tag) if tag.suffix != "str" => refuse(span.clone(), "tags are not taken"),
        _ => Ok(()),
    }
}

/// A scalar without quotes, by the core schema. `no` is a text, as YAML 1.2 has it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Nothing,
        "true" | "True" | "TRUE" => return Value::Flag(true),
        "false" | "False" | "FALSE" => return Value::Flag(false),
        _ => {}
    }
    let integer = |digits: &str, radix: u32| {
        let is_whole = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        let digits = digits.to_owned();
        is_whole.then_some(Value::Integer { digits, radix })
    };
    let whole = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => integer(digits, 16),
        (_, Some(digits)) => integer(digits, 8),
        _ => match text.strip_prefix('-') {
            Some(digits) => integer(digits, 10).map(|_| Value::Integer {
                digits: text.to_owned(),
                radix: 10,
            }),
            None => integer(text.strip_prefix('+').unwrap_or(text), 10),
        },
    };
    whole.unwrap_or_else(|| {
        let begins_as_number = text
            .trim_start_matches(['-', '+', '.'])
            .starts_with(|first: char| first.is_ascii_digit());
        if begins_as_number && text.parse::<f64>().is_ok() {
            Value::Float
        } else {
            Value::Text(text.to_owned())
        }
    })
}
