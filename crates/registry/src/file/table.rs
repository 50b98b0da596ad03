//! One item's table in the file, read key by key. A value that is not what its key wants leaves
//! an error and an empty value.

use std::ops::Range;

use ndxp_proto::registry::v1;

use super::source::Source;
use super::tree::{self, Node, Value};
use super::when::{self, End};
use crate::check::At;
use crate::problem::{ItemKind, Problem, shown};
use crate::record::Field;
use crate::words;

pub(super) struct Table<'t, 's> {
    source: &'t mut Source<'s>,
    at: At,
    span: Range<usize>,
    fields: &'t tree::Table,
}

/// Reads the items of a kind: `[[member]]` and so on.
pub(super) fn items<T: Default>(
    source: &mut Source<'_>,
    document: &tree::Table,
    kind: ItemKind,
    keys: &[&'static str],
    read: impl Fn(&mut Table<'_, '_>) -> T,
) -> Vec<T> {
    let Some(value) = tree::get(document, kind.as_str()) else {
        return Vec::new();
    };
    let expected = source.items_expected();
    let wrong_type = |node: &Node| Problem::WrongType {
        expected,
        found: node.value.kind(),
    };
    let at = source.at(kind, 0);
    let Value::List(elements) = &value.value else {
        let problem = wrong_type(value);
        source.refuse_field(at, "", value.span.clone(), String::new(), problem);
        return Vec::new();
    };
    let mut items = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        let at = source.at(kind, index);
        let span = element.span.clone();
        source.item_stands(at, &span);
        let Value::Table(fields) = &element.value else {
            let quoted = source.quoted(span.clone());
            source.refuse_field(at, "", span, quoted, wrong_type(element));
            items.push(T::default());
            continue;
        };
        for (key, _) in fields {
            if !keys.iter().any(|known| *known == key.text) {
                source.refuse_key(Some(at), key, keys);
            }
        }
        items.push(read(&mut Table {
            source,
            at,
            span,
            fields,
        }));
    }
    items
}

impl<'t> Table<'t, '_> {
    pub fn text(&mut self, key: &'static str) -> String {
        let Some(value) = self.value(key) else {
            return String::new();
        };
        match &value.value {
            Value::Text(text) => text.clone(),
            _ => self.wrong_type(key, value, "a text in quotes"),
        }
    }

    pub fn required_text(&mut self, key: &'static str, expected: &'static str) -> String {
        self.require(key, expected.to_owned());
        self.text(key)
    }

    /// An enumeration's number; 0 when the key is not there.
    pub fn word<E: Copy + Into<i32>>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, E)],
    ) -> i32 {
        let Some(value) = self.value(key) else {
            return 0;
        };
        let Value::Text(text) = &value.value else {
            return self.wrong_type(key, value, "one of the known words in quotes");
        };
        let meant = words.iter().find(|(word, _)| word == text);
        meant.map_or_else(
            || {
                let expected = words::listed(words);
                let problem = Problem::UnknownWord { expected };
                self.source
                    .refuse_field(self.at, key, value.span.clone(), shown(text), problem);
                0
            },
            |(_, number)| (*number).into(),
        )
    }

    pub fn required_word<E: Copy + Into<i32>>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, E)],
    ) -> i32 {
        self.require(key, words::listed(words));
        self.word(key, words)
    }

    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let expected = "a list of texts, such as [\"a\", \"b\"]";
        let Value::List(elements) = &value.value else {
            return self.wrong_type(key, value, expected);
        };
        let mut texts = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let field = Field {
                name: key,
                element: Some(index),
            };
            self.source.field_stands(self.at, field, &element.span);
            texts.push(match &element.value {
                Value::Text(text) => text.clone(),
                _ => self.wrong_type(key, element, expected),
            });
        }
        texts
    }

    pub fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else {
            return false;
        };
        match value.value {
            Value::Flag(flag) => flag,
            _ => self.wrong_type(key, value, "true or false"),
        }
    }

    /// A whole number from 0 to the largest that the contract carries.
    pub fn number<N: TryFrom<u64> + Into<u64> + Default>(
        &mut self,
        key: &'static str,
        max: N,
    ) -> N {
        let Some(value) = self.value(key) else {
            return N::default();
        };
        let expected = "a whole number, 0 or more";
        let Value::Integer { digits, radix } = &value.value else {
            return self.wrong_type(key, value, expected);
        };
        if digits.starts_with('-') {
            let problem = Problem::WrongForm {
                expected: expected.into(),
            };
            return self.refuse(key, value, problem);
        }
        let number = u64::from_str_radix(digits, *radix).ok();
        number
            .and_then(|number| N::try_from(number).ok())
            .unwrap_or_else(|| {
                let max = max.into();
                let quoted = self.source.quoted(value.span.clone());
                self.source.refuse_field(
                    self.at,
                    key,
                    value.span.clone(),
                    quoted,
                    Problem::TooHigh { max },
                );
                N::default()
            })
    }

    /// Microseconds since the epoch; 0 when the key is not there.
    pub fn instant(&mut self, key: &'static str, end: End) -> i64 {
        let Some(value) = self.value(key) else {
            return 0;
        };
        let (written, text) = match &value.value {
            Value::Text(text) => (shown(text), text),
            Value::Moment(text) => (text.clone(), text),
            _ => return self.wrong_type(key, value, "a date or an instant"),
        };
        let instant = when::instant(text, end, self.source.zone);
        instant.unwrap_or_else(|| {
            let expected = when::EXPECTED.into();
            let problem = Problem::WrongForm { expected };
            self.source
                .refuse_field(self.at, key, value.span.clone(), written, problem);
            0
        })
    }

    /// Windows of maintenance: tables with both ends and a notice.
    pub fn windows(&mut self, key: &'static str) -> Vec<v1::MaintenanceWindow> {
        const KEYS: &[&str] = &["from", "until", "notice"];
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let expected = "a list of tables with from, until and notice";
        let Value::List(elements) = &value.value else {
            return self.wrong_type(key, value, expected);
        };
        let mut windows = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let field = Field {
                name: key,
                element: Some(index),
            };
            self.source.field_stands(self.at, field, &element.span);
            let Value::Table(fields) = &element.value else {
                windows.push(self.wrong_type(key, element, expected));
                continue;
            };
            for (known, _) in fields {
                if !KEYS.contains(&known.text.as_str()) {
                    self.source.refuse_key(Some(self.at), known, KEYS);
                }
            }
            let mut window = Table {
                source: self.source,
                at: self.at,
                span: element.span.clone(),
                fields,
            };
            windows.push(v1::MaintenanceWindow {
                from_us: window.instant("from", End::From),
                until_us: window.instant("until", End::Until),
                notice: window.text("notice"),
            });
        }
        windows
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Node> {
        let value = tree::get(self.fields, key)?;
        self.source.field_stands(self.at, key, &value.span);
        Some(value)
    }

    fn require(&mut self, key: &'static str, expected: String) {
        if tree::get(self.fields, key).is_none() {
            let expected = expected.into();
            let problem = Problem::Missing { expected };
            let span = self.span.clone();
            self.source
                .refuse_field(self.at, key, span, String::new(), problem);
        }
    }

    fn wrong_type<T: Default>(
        &mut self,
        key: &'static str,
        value: &Node,
        expected: &'static str,
    ) -> T {
        let problem = Problem::WrongType {
            expected,
            found: value.value.kind(),
        };
        self.refuse(key, value, problem)
    }

    fn refuse<T: Default>(&mut self, key: &'static str, value: &Node, problem: Problem) -> T {
        let quoted = self.source.quoted(value.span.clone());
        self.source
            .refuse_field(self.at, key, value.span.clone(), quoted, problem);
        T::default()
    }
}
