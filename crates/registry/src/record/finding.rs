//! What reading an item finds wrong with it, collected field by field.

use std::collections::HashSet;
use std::hash::Hash;
use std::str::FromStr;

use ndxp_model::{Instant, MemberCode, ServiceName, SystemId};
use ndxp_proto::registry::v1;

use super::form;
use crate::problem::{CatalogueError, Place, Problem, shown};
use crate::words;

/// A field, or one element of a list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Field {
    pub name: &'static str,
    pub element: Option<usize>,
}

/// One thing wrong with one item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    pub field: Field,
    /// As a file would write it.
    pub value: String,
    pub problem: Problem,
}

/// Collects findings while the fields of an item are read.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl From<&'static str> for Field {
    fn from(name: &'static str) -> Self {
        Self {
            name,
            element: None,
        }
    }
}

impl Finding {
    /// The finding as an error of the item at the place.
    pub fn at(&self, place: Place, item: String) -> CatalogueError {
        CatalogueError {
            place,
            item,
            key: self.field.name.to_owned(),
            value: self.value.clone(),
            problem: self.problem.clone(),
        }
    }
}

impl Findings {
    pub fn add(&mut self, field: impl Into<Field>, value: String, problem: Problem) {
        self.0.push(Finding {
            field: field.into(),
            value,
            problem,
        });
    }

    /// The record, when nothing was found.
    pub fn into_result<R>(self, record: impl FnOnce() -> Option<R>) -> Result<R, Vec<Finding>> {
        if !self.0.is_empty() {
            return Err(self.0);
        }
        Ok(record().expect("a field that has no value left a finding"))
    }

    pub fn member_code(&mut self, field: &'static str, text: &str) -> Option<MemberCode> {
        let expected = "a code such as H26 or H26.12: a letter, two digits, then groups of digits \
                        and capitals behind full stops; at most 35 characters";
        let new = form::new_member_code(text);
        self.parsed(field, text, expected, new)
    }

    pub fn system(&mut self, field: &'static str, text: &str) -> Option<SystemId> {
        let expected = "member/system such as H26/lgsp; behind the stroke lower-case letters, \
                        digits and hyphens, at most 63 characters";
        let new = text
            .split_once('/')
            .and_then(|(code, name)| Some(format!("{}/{name}", form::new_member_code(code)?)));
        self.parsed(field, text, expected, new)
    }

    pub fn service(&mut self, field: &'static str, text: &str) -> Option<ServiceName> {
        let expected = "the full name of the gRPC service, such as \
                        ndxp.example.population.v1.PopulationService; at most 255 characters";
        self.parsed(field, text, expected, None)
    }

    fn parsed<T: FromStr>(
        &mut self,
        field: &'static str,
        text: &str,
        expected: &'static str,
        new: Option<String>,
    ) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            let problem = match new {
                Some(new) => Problem::OldCode { new },
                None => Problem::WrongForm {
                    expected: expected.into(),
                },
            };
            self.add(field, shown(text), problem);
        }
        value
    }

    pub fn plain_text(&mut self, field: &'static str, text: &str, chars_max: usize) {
        let chars = text.chars().count();
        if chars > chars_max {
            let max = chars_max;
            self.add(field, shown(text), Problem::TooLong { chars, max });
        }
        if text.chars().any(char::is_control) {
            self.add(field, shown(text), Problem::ControlCharacter);
        }
    }

    pub fn word<E: Copy + Into<i32>>(
        &mut self,
        field: &'static str,
        words: &[(&'static str, E)],
        number: i32,
    ) {
        if words::word_of(words, number).is_empty() {
            let expected = words::listed(words);
            self.add(field, number.to_string(), Problem::UnknownWord { expected });
        }
    }

    pub fn active(&mut self, state: i32) -> bool {
        self.word("state", &words::STATES, state);
        state == i32::from(v1::State::Active)
    }

    /// Reads every element of a list; the list is bounded and holds no element twice.
    pub fn list<T: Clone + Eq + Hash>(
        &mut self,
        name: &'static str,
        elements: &[String],
        max: usize,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        if elements.len() > max {
            let found = elements.len();
            self.add(name, String::new(), Problem::TooMany { found, max });
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let mut values = Vec::with_capacity(elements.len());
        for (index, text) in elements.iter().enumerate() {
            let field = Field {
                name,
                element: Some(index),
            };
            match read(text) {
                Some(value) if seen.insert(value.clone()) => values.push(value),
                Some(_) => self.add(field, shown(text), Problem::ListedTwice),
                None => {
                    let expected = expected.into();
                    self.add(field, shown(text), Problem::WrongForm { expected });
                }
            }
        }
        values
    }

    /// The ends of a grant's time; 0 leaves an end open.
    pub fn validity(&mut self, grant: &v1::Grant) -> (Option<Instant>, Option<Instant>) {
        let from = self.instant("valid_from", grant.valid_from_us);
        let until = self.instant("valid_until", grant.valid_until_us);
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            let problem = Problem::EndNotAfterStart {
                from: from.to_string(),
                until: until.to_string(),
            };
            self.add("valid_until", String::new(), problem);
        }
        (from, until)
    }

    fn instant(&mut self, field: &'static str, micros: i64) -> Option<Instant> {
        if !(0..=form::INSTANT_US_MAX).contains(&micros) {
            let expected = form::INSTANT.into();
            self.add(field, micros.to_string(), Problem::WrongForm { expected });
        }
        (micros != 0).then(|| Instant::from_micros(micros))
    }
}
