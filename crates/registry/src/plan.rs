//! What an act would change in what stands: everything that is wrong with it, or the differences
//! and the changes that the hub journals. Planning what stands gives nothing.

use std::collections::HashMap;

use ndxp_model::Instant;
use ndxp_proto::registry::v1;
use prost::Message as _;

use crate::check::{self, Request};
use crate::difference::{Fields, difference};
use crate::fold::Registry;
use crate::limits::{CHANGES_BYTES_MAX, REASON_CHARS_MAX};
use crate::problem::{CatalogueError, CatalogueErrors, Place, Problem, shown};
use crate::record::{Finding, Findings, Item};

mod beside;
mod grants;
mod prune;

use beside::Beside;
pub(crate) use grants::{is_over, overlap, terms};

/// What an act would do: members first, then systems, services and grants, each in the order of
/// their keys; what is taken away comes last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub differences: Vec<v1::Difference>,
    /// What to journal, in one entry. Empty when there is nothing to do.
    pub changes: Vec<v1::Change>,
    /// The grant's version that the act is about, as it would stand.
    pub grant: Option<v1::Grant>,
}

/// Who plans, when and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub role: &'a str,
    pub reason: &'a str,
    pub now: Instant,
}

impl Registry {
    /// Plans a catalogue as an operator does who gives a reason.
    ///
    /// # Errors
    /// Everything that is wrong with the catalogue, by itself and beside what stands.
    pub fn plan(&self, wanted: &v1::Catalogue) -> Result<Plan, CatalogueErrors> {
        let asking = Asking {
            role: "operator",
            reason: "applied",
            now: Instant::EPOCH,
        };
        self.plan_catalogue(wanted, false, asking)
    }

    pub(crate) fn plan_catalogue(
        &self,
        wanted: &v1::Catalogue,
        prune: bool,
        asking: Asking<'_>,
    ) -> Result<Plan, CatalogueErrors> {
        let wanted = check::completed(
            wanted,
            |code| self.members.get(code).map(|standing| standing.item.state),
            |id| self.systems.get(id).map(|standing| standing.item.state),
            |provider, name| self.service(provider, name).cloned(),
        );
        let mut errors = check::check(&wanted, &Request);
        errors.extend(Beside::new(self, &wanted, prune, asking).errors());
        CatalogueErrors::none_of(errors)?;

        let mut plan = self.changes(&wanted, asking);
        if prune {
            self.add_pruned(&wanted, &mut plan);
            let prunes = plan.differences.iter().any(|difference| difference.removed);
            if prunes && asking.reason.is_empty() {
                let missing = of_the_whole("note", Problem::ReasonMissing);
                return Err(CatalogueErrors::of(vec![missing]));
            }
        }
        plan.bounded()
    }

    fn changes(&self, wanted: &v1::Catalogue, asking: Asking<'_>) -> Plan {
        use v1::change::Item as Changed;
        let mut plan = Plan::default();
        let member = |item: &v1::Member| self.members.get(item.code.as_str()).map(|at| &at.item);
        plan.add(&wanted.members, member, Changed::Member);
        let system = |item: &v1::System| self.systems.get(item.id.as_str()).map(|at| &at.item);
        plan.add(&wanted.systems, system, Changed::System);
        let service = |item: &v1::Service| self.service(&item.provider, &item.name);
        plan.add(&wanted.services, service, Changed::Service);
        let mut by_key: HashMap<(&str, &str, &str), Vec<&v1::Grant>> = HashMap::new();
        for grant in &wanted.grants {
            let key = (&*grant.consumer, &*grant.provider, &*grant.service);
            by_key.entry(key).or_default().push(grant);
        }
        let mut keys: Vec<_> = by_key.into_iter().collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        for (_, versions) in keys {
            self.add_granted(&versions, asking.role, &mut plan);
        }
        plan
    }
}

impl Plan {
    fn add<'a, T: Fields + 'a>(
        &mut self,
        wanted: &[T],
        standing: impl Fn(&T) -> Option<&'a T>,
        changed: impl Fn(T) -> v1::change::Item,
    ) {
        let mut wanted = wanted.to_vec();
        wanted.sort_by_cached_key(Item::key);
        for item in wanted {
            self.add_item(standing(&item), item, &changed);
        }
    }

    /// Adds the item in place of the one that stands, if they differ.
    pub(crate) fn add_item<T: Fields>(
        &mut self,
        standing: Option<&T>,
        mut item: T,
        changed: impl Fn(T) -> v1::change::Item,
    ) {
        item.sort_lists();
        if let Some(difference) = difference(standing, &item) {
            self.differences.push(difference);
            self.push(changed(item));
        }
    }

    pub(crate) fn push(&mut self, item: v1::change::Item) {
        self.changes.push(v1::Change { item: Some(item) });
    }

    /// The plan, when it fits one entry of the journal.
    pub(crate) fn bounded(self) -> Result<Self, CatalogueErrors> {
        let bytes = self.changes.iter().map(encoded_bytes).sum();
        if bytes > CHANGES_BYTES_MAX {
            let max = CHANGES_BYTES_MAX;
            let problem = Problem::TooMuchAtOnce { bytes, max };
            return Err(CatalogueErrors::of(vec![of_the_whole("", problem)]));
        }
        Ok(self)
    }
}

/// A reason that is too long, or that the journal would not print in one line.
pub(crate) fn reason_errors(key: &'static str, reason: &str) -> Vec<CatalogueError> {
    let mut findings = Findings::default();
    findings.plain_text(key, reason, REASON_CHARS_MAX);
    let found = findings.into_vec().into_iter();
    found
        .map(|finding| finding.at(Place::Request, String::new()))
        .collect()
}

pub(crate) fn error<T: Item>(
    item: &T,
    index: usize,
    field: &'static str,
    value: &str,
    problem: Problem,
) -> CatalogueError {
    let finding = Finding {
        field: field.into(),
        value: shown(value),
        problem,
    };
    finding.at(Place::Request, check::label(item, index))
}

/// A change in a journal entry: its own bytes, its tag and at most four bytes of length.
fn encoded_bytes(change: &v1::Change) -> usize {
    change.encoded_len() + 1 + 4
}

pub(crate) fn of_the_whole(key: &str, problem: Problem) -> CatalogueError {
    CatalogueError {
        place: Place::Request,
        item: String::new(),
        key: key.to_owned(),
        value: String::new(),
        problem,
    }
}

#[cfg(test)]
mod tests;
