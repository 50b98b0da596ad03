//! Values as templates see them: records with named fields. A field that does not exist is an
//! error that lists those that do, instead of nothing in the middle of a sentence.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object};
use minijinja::{Error, ErrorKind, Value};

use crate::nearest::nearest;

/// A thing with named fields.
#[derive(Debug)]
pub(crate) struct Record {
    /// What it is, for errors: `figure transactions_month`.
    what: String,
    fields: BTreeMap<&'static str, Value>,
    /// Why a field may be missing that other records of its kind have.
    remedy: Option<&'static str>,
}

impl Record {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fields: BTreeMap::new(),
            remedy: None,
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.insert(name, value.into());
        self
    }

    /// A value that may not be there; templates ask with `{% if … %}`.
    #[must_use]
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        let value = value.map_or(Value::from(()), Into::into);
        self.with(name, value)
    }

    #[must_use]
    pub(crate) fn remedy(self, remedy: &'static str) -> Self {
        Self {
            remedy: Some(remedy),
            ..self
        }
    }

    pub(crate) fn into_value(self) -> Value {
        Value::from_object(self)
    }

    fn unknown(&self, field: &str) -> Value {
        let known = || self.fields.keys().copied();
        let remedy = match (self.remedy, nearest(field, known())) {
            (Some(remedy), _) => format!("; {remedy}"),
            (None, Some(near)) => {
                let all: Vec<_> = known().collect();
                format!("; the nearest is {near}; it has: {}", all.join(", "))
            }
            (None, None) => String::new(),
        };
        let detail = format!("{} has no {field:?}{remedy}", self.what);
        Value::from(Error::new(ErrorKind::InvalidOperation, detail))
    }
}

impl Object for Record {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let found = self.fields.get(key).cloned();
        Some(found.unwrap_or_else(|| self.unknown(key)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let keys = self.fields.keys().map(|key| Value::from(*key));
        Enumerator::Values(keys.collect())
    }
}
