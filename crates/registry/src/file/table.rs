//! One item's table in the file, read key by key. A value that is not what its key wants leaves
//! an error and an empty value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::Source;
use super::when::{self, End};
use crate::check::At;
use crate::problem::{ItemKind, Problem, shown};
use crate::record::Field;
use crate::words;

pub(super) struct Table<'t, 's, 'i> {
    source: &'t mut Source<'s>,
    at: At,
    span: Range<usize>,
    fields: &'t DeTable<'i>,
}

/// Reads the items of a kind: `[[member]]` and so on.
pub(super) fn items<T: Default>(
    source: &mut Source<'_>,
    document: &DeTable<'_>,
    kind: ItemKind,
    keys: &[&'static str],
    read: impl Fn(&mut Table<'_, '_, '_>) -> T,
) -> Vec<T> {
    let Some(value) = document.get(kind.as_str()) else {
        return Vec::new();
    };
    let wrong_type = |value: &Spanned<DeValue<'_>>| Problem::WrongType {
        expected: "a table of its own under a head in double brackets, such as [[member]]",
        found: found(value.get_ref()),
    };
    let at = At { kind, index: 0 };
    let Some(elements) = value.get_ref().as_array() else {
        let problem = wrong_type(value);
        source.refuse_field(at, "", value.span(), String::new(), problem);
        return Vec::new();
    };
    let mut items = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        let at = At { kind, index };
        let span = element.span();
        source.item_stands(at, &span);
        let Some(fields) = element.get_ref().as_table() else {
            let quoted = source.quoted(span.clone());
            source.refuse_field(at, "", span, quoted, wrong_type(element));
            items.push(T::default());
            continue;
        };
        for (key, _) in fields {
            if !keys.iter().any(|known| known == key.get_ref()) {
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

impl<'t, 'i> Table<'t, '_, 'i> {
    pub fn text(&mut self, key: &'static str) -> String {
        let Some(value) = self.value(key) else {
            return String::new();
        };
        match value.get_ref() {
            DeValue::String(text) => text.to_string(),
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
        let DeValue::String(text) = value.get_ref() else {
            return self.wrong_type(key, value, "one of the known words in quotes");
        };
        let meant = words.iter().find(|(word, _)| word == text);
        meant.map_or_else(
            || {
                let expected = words::listed(words);
                let problem = Problem::UnknownWord { expected };
                self.source
                    .refuse_field(self.at, key, value.span(), shown(text), problem);
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
        let DeValue::Array(elements) = value.get_ref() else {
            return self.wrong_type(key, value, expected);
        };
        let mut texts = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let field = Field {
                name: key,
                element: Some(index),
            };
            self.source.field_stands(self.at, field, &element.span());
            texts.push(match element.get_ref() {
                DeValue::String(text) => text.to_string(),
                _ => self.wrong_type(key, element, expected),
            });
        }
        texts
    }

    pub fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else {
            return false;
        };
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
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
        let DeValue::Integer(integer) = value.get_ref() else {
            return self.wrong_type(key, value, expected);
        };
        if integer.as_str().starts_with('-') {
            let problem = Problem::WrongForm {
                expected: expected.into(),
            };
            return self.refuse(key, value, problem);
        }
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        number
            .and_then(|number| N::try_from(number).ok())
            .unwrap_or_else(|| {
                let max = max.into();
                let quoted = self.source.quoted(value.span());
                self.source.refuse_field(
                    self.at,
                    key,
                    value.span(),
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
        let (written, instant) = match value.get_ref() {
            DeValue::String(text) => (shown(text), when::instant(text, end, self.source.zone)),
            DeValue::Datetime(datetime) => {
                let text = datetime.to_string();
                let instant = when::instant(&text, end, self.source.zone);
                (text, instant)
            }
            _ => return self.wrong_type(key, value, "a date or an instant"),
        };
        instant.unwrap_or_else(|| {
            let expected = when::EXPECTED.into();
            let problem = Problem::WrongForm { expected };
            self.source
                .refuse_field(self.at, key, value.span(), written, problem);
            0
        })
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        let value = self.fields.get(key)?;
        self.source.field_stands(self.at, key, &value.span());
        Some(value)
    }

    fn require(&mut self, key: &'static str, expected: String) {
        if !self.fields.contains_key(key) {
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
        value: &Spanned<DeValue<'_>>,
        expected: &'static str,
    ) -> T {
        let problem = Problem::WrongType {
            expected,
            found: found(value.get_ref()),
        };
        self.refuse(key, value, problem)
    }

    fn refuse<T: Default>(
        &mut self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        problem: Problem,
    ) -> T {
        let quoted = self.source.quoted(value.span());
        self.source
            .refuse_field(self.at, key, value.span(), quoted, problem);
        T::default()
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
