//! What reading an item finds wrong with it, collected field by field.

use std::collections::HashSet;
use std::hash::Hash;
use std::str::FromStr;

use std::num::NonZeroU32;
use std::time::Duration;

use ndxp_model::{Instant, MemberCode, ServiceName, SystemId};
use ndxp_proto::registry::v1;

use super::{Window, form};
use crate::limits::{DEADLINE_MS_MAX, NOTICE_CHARS_MAX, WINDOWS_MAX};
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
pub(crate) struct Findings(Vec<Finding>);

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

    pub fn into_vec(self) -> Vec<Finding> {
        self.0
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

    pub fn state(&mut self, state: i32) -> v1::State {
        self.word("state", &words::STATES, state);
        v1::State::try_from(state).unwrap_or_default()
    }

    /// Entries of the time before requests leave the state out.
    pub fn grant_state(&mut self, state: i32) -> Option<v1::GrantState> {
        match v1::GrantState::try_from(state) {
            Ok(v1::GrantState::Unspecified) => Some(v1::GrantState::Active),
            Ok(state) => Some(state),
            Err(_) => {
                self.word("state", &words::GRANT_STATES, state);
                None
            }
        }
    }

    /// Who carries on: only for what is closed, and never itself.
    pub fn successor(&mut self, successor: &str, state: v1::State, is_itself: bool) {
        if state != v1::State::Closed {
            self.add("successor", shown(successor), Problem::SuccessorOfOpen);
        }
        if is_itself {
            let through = successor.to_owned();
            self.add(
                "successor",
                shown(successor),
                Problem::SuccessorCycle { through },
            );
        }
    }

    pub fn deadline(&mut self, milliseconds: u64) -> Option<Duration> {
        if milliseconds > DEADLINE_MS_MAX {
            let max = DEADLINE_MS_MAX;
            self.add(
                "deadline_ms_max",
                milliseconds.to_string(),
                Problem::TooHigh { max },
            );
        }
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// A burst without a rate would limit nothing.
    pub fn burst(&mut self, burst: u32, rate: u32) -> Option<NonZeroU32> {
        if burst > 0 && rate == 0 {
            self.add("burst_max", burst.to_string(), Problem::BurstWithoutRate);
        }
        NonZeroU32::new(burst)
    }

    /// Windows of maintenance: bounded in number, each with its end after its start, none over
    /// another, ordered by their starts.
    pub fn windows(&mut self, windows: &[v1::MaintenanceWindow]) -> Vec<Window> {
        const NAME: &str = "maintenance";
        if windows.len() > WINDOWS_MAX {
            let (found, max) = (windows.len(), WINDOWS_MAX);
            self.add(NAME, String::new(), Problem::TooMany { found, max });
            return Vec::new();
        }
        let mut read: Vec<Window> = Vec::with_capacity(windows.len());
        for (index, window) in windows.iter().enumerate() {
            let field = Field {
                name: NAME,
                element: Some(index),
            };
            self.plain_text(NAME, &window.notice, NOTICE_CHARS_MAX);
            let ends = [window.from_us, window.until_us];
            if !ends
                .iter()
                .all(|end| (1..=form::INSTANT_US_MAX).contains(end))
            {
                let expected = "both ends, from and until".into();
                self.add(field, String::new(), Problem::WrongForm { expected });
                continue;
            }
            let [from, until] = ends.map(Instant::from_micros);
            let window = Window {
                from,
                until,
                notice: window.notice.clone(),
            };
            let (shown_from, shown_until) = (from.to_string(), until.to_string());
            if until <= from {
                let problem = Problem::WindowEndNotAfterStart {
                    from: shown_from,
                    until: shown_until,
                };
                self.add(field, String::new(), problem);
            } else if read
                .iter()
                .any(|other| from < other.until && other.from < until)
            {
                let problem = Problem::WindowsOverlap {
                    from: shown_from,
                    until: shown_until,
                };
                self.add(field, String::new(), problem);
            } else {
                read.push(window);
            }
        }
        read.sort_by_key(|window| window.from);
        read
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
