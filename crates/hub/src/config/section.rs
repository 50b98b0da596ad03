//! Reads one table of the file key by key. Each key is taken at most once; what is left at the
//! end was unknown and is refused with the nearest known key. Faults are gathered, so that one
//! run names them all, and the value that was asked for is then its default.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// The file while it is read: its text, where it stands, and what was found wrong so far.
pub(super) struct Source<'a> {
    text: &'a str,
    pub(super) folder: PathBuf,
    errors: Vec<(usize, ConfigError)>,
}

/// One table, with the keys that nobody has asked for yet.
pub(super) struct Section<'a, 's> {
    source: &'s mut Source<'a>,
    name: &'static str,
    left: BTreeMap<String, (Range<usize>, Spanned<DeValue<'a>>)>,
    known: Vec<&'static str>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, folder: PathBuf) -> Self {
        Self {
            text,
            folder,
            errors: Vec::new(),
        }
    }

    /// The fault that a parser of TOML stopped at.
    pub(super) fn not_toml(&self, error: &toml::de::Error) -> ConfigError {
        let line = error.span().map(|span| line_of(self.text, span.start));
        ConfigError {
            line,
            key: String::new(),
            value: String::new(),
            problem: format!("is no TOML: {}", error.message().replace('\n', ", ")),
            remedy: "write sections as [name] and keys as name = value".to_owned(),
        }
    }

    /// Takes the tables that are known out of the root and refuses everything else.
    pub(super) fn tables(
        &mut self,
        root: DeTable<'a>,
        known: &[&'static str],
    ) -> BTreeMap<&'static str, DeTable<'a>> {
        let mut tables = BTreeMap::new();
        for (key, value) in root {
            let at = key.span().start;
            let written = shown(value.get_ref());
            match (
                known.iter().find(|name| **name == key.get_ref()),
                value.into_inner(),
            ) {
                (Some(name), DeValue::Table(table)) => {
                    tables.insert(*name, table);
                }
                (Some(name), _) => {
                    let remedy = format!("write it as a section, [{name}]");
                    self.fault(at, name, written, "is no section".to_owned(), remedy);
                }
                (None, other) => {
                    let what = if other.is_table() { "section" } else { "key" };
                    let written = if other.is_table() {
                        String::new()
                    } else {
                        written
                    };
                    let key = key.get_ref().as_ref();
                    self.fault(
                        at,
                        key,
                        written,
                        format!("unknown {what}"),
                        suggestion(key, known),
                    );
                }
            }
        }
        tables
    }

    pub(super) fn section<'s>(
        &'s mut self,
        name: &'static str,
        table: Option<DeTable<'a>>,
    ) -> Section<'a, 's> {
        let left = table
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.get_ref().to_string(), (key.span(), value)))
            .collect();
        Section {
            source: self,
            name,
            left,
            known: Vec::new(),
        }
    }

    /// The faults in the order of the file.
    pub(super) fn into_errors(mut self) -> Vec<ConfigError> {
        self.errors.sort_by_key(|(at, _)| *at);
        self.errors.into_iter().map(|(_, error)| error).collect()
    }

    pub(super) fn fault(
        &mut self,
        at: usize,
        key: &str,
        value: String,
        problem: String,
        remedy: String,
    ) {
        let error = ConfigError {
            line: Some(line_of(self.text, at)),
            key: key.to_owned(),
            value,
            problem,
            remedy,
        };
        self.errors.push((at, error));
    }
}

impl<'a> Section<'a, '_> {
    /// A text of the form that the type demands.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str, default: T) -> T
    where
        T::Err: std::fmt::Display,
    {
        self.read(key, default, |value| {
            let text = value.as_str().ok_or_else(|| not_a("a text in quotes"))?;
            text.parse().map_err(|error: T::Err| {
                (error.to_string(), "write a value of that form".to_owned())
            })
        })
    }

    /// A text that the check accepts; `expected` says which form that is.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        default: &str,
        check: fn(&str) -> bool,
        expected: &str,
    ) -> String {
        self.read(key, default.to_owned(), |value| {
            let text = value.as_str().ok_or_else(|| not_a("a text in quotes"))?;
            match check(text) {
                true => Ok(text.to_owned()),
                false => Err(("is not valid".to_owned(), format!("write {expected}"))),
            }
        })
    }

    /// A path; a relative one starts at the file's folder.
    pub(super) fn path(&mut self, key: &'static str, default: &str) -> PathBuf {
        let default = self.source.folder.join(default);
        self.path_or(key, default)
    }

    /// A path that may be left out.
    pub(super) fn optional_path(&mut self, key: &'static str) -> Option<PathBuf> {
        let place = self.place(key);
        let path = self.path_or(key, PathBuf::new());
        place.is_some().then_some(path)
    }

    /// The same with a default that has been read before and starts at no folder any more.
    pub(super) fn path_or(&mut self, key: &'static str, default: PathBuf) -> PathBuf {
        let folder = self.source.folder.clone();
        self.read(key, default, |value| match value.as_str() {
            Some("") => Err(("is empty".to_owned(), "write a path".to_owned())),
            Some(text) => Ok(folder.join(text)),
            None => Err(not_a("a path in quotes")),
        })
    }

    /// A whole number within bounds, both ends included.
    pub(super) fn number<T>(
        &mut self,
        key: &'static str,
        default: T,
        bounds: RangeInclusive<T>,
    ) -> T
    where
        T: TryFrom<u64> + PartialOrd + std::fmt::Display + Copy,
    {
        self.read(key, default, |value| {
            let number = value.as_integer().ok_or_else(|| not_a("a whole number"))?;
            let digits = number.as_str().replace('_', "");
            u64::from_str_radix(&digits, number.radix())
                .ok()
                .and_then(|number| T::try_from(number).ok())
                .filter(|number| bounds.contains(number))
                .ok_or_else(|| {
                    let (least, most) = (bounds.start(), bounds.end());
                    (
                        format!("is not between {least} and {most}"),
                        format!("write a whole number from {least} to {most}"),
                    )
                })
        })
    }

    /// A duration that the file gives in whole milliseconds.
    pub(super) fn milliseconds(
        &mut self,
        key: &'static str,
        default: u64,
        bounds: RangeInclusive<u64>,
    ) -> Duration {
        Duration::from_millis(self.number(key, default, bounds))
    }

    /// Records a fault of a key that was read, found by comparing it with another.
    pub(super) fn refuse(
        &mut self,
        at: Option<usize>,
        key: &str,
        value: String,
        problem: String,
        remedy: &str,
    ) {
        let key = format!("{}.{key}", self.name);
        self.source.fault(
            at.unwrap_or_default(),
            &key,
            value,
            problem,
            remedy.to_owned(),
        );
    }

    /// Where a key stands that has not been read yet.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        self.left.get(key).map(|(span, _)| span.start)
    }

    /// Refuses the keys that nobody asked for.
    pub(super) fn finish(self) {
        for (key, (span, value)) in self.left {
            let full = format!("{}.{key}", self.name);
            let remedy = suggestion(&key, &self.known);
            let written = shown(value.get_ref());
            self.source
                .fault(span.start, &full, written, "unknown key".to_owned(), remedy);
        }
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, (String, String)>,
    ) -> T {
        self.known.push(key);
        let Some((span, value)) = self.left.remove(key) else {
            return default;
        };
        match read(value.get_ref()) {
            Ok(value) => value,
            Err((problem, remedy)) => {
                let full = format!("{}.{key}", self.name);
                self.source
                    .fault(span.start, &full, shown(value.get_ref()), problem, remedy);
                default
            }
        }
    }
}

fn not_a(wanted: &str) -> (String, String) {
    (format!("is not {wanted}"), format!("write {wanted}"))
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// The value as somebody would write it, cut to a printable length.
fn shown(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "[…]".to_owned(),
        DeValue::Table(_) => "{…}".to_owned(),
    };
    text.chars().take(80).collect()
}

/// The nearest known name when one is near enough to be meant, else all of them.
fn suggestion(found: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|name| (distance(found, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => {
            format!("did you mean {name}?")
        }
        _ => format!("known here: {}", known.join(", ")),
    }
}

/// Levenshtein's distance, in characters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (b, cell) in right.chars().zip(row.iter_mut().skip(1)) {
            let cost = (diagonal + usize::from(a != b))
                .min(before + 1)
                .min(*cell + 1);
            diagonal = *cell;
            before = cost;
            *cell = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        let rows = [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("listn", "listen", 1),
        ];
        for (left, right, expected) in rows {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
        assert_eq!(
            suggestion("listn", &["node", "listen"]),
            "did you mean listen?"
        );
        assert_eq!(
            suggestion("zzz", &["node", "listen"]),
            "known here: node, listen"
        );
    }
}
