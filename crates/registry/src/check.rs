//! What can be said against a catalogue by itself, before the registry is asked: forms, limits
//! of single items, items that stand twice, certificates that two systems claim.

use std::collections::HashMap;

use ndxp_proto::registry::v1;

use crate::problem::{CatalogueError, ItemKind, Place, Problem, shown};
use crate::record::{Field, Finding, Item};

/// Tells where an item or one of its fields was written.
pub(crate) trait Locate {
    fn place(&self, item: At, field: Option<Field>) -> Place;

    /// Whether the field has an error already, so that what follows from it is not told again.
    fn is_reported(&self, _item: At, _field: &'static str) -> bool {
        false
    }
}

/// An item by its kind and its place among that kind in the catalogue.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct At {
    pub kind: ItemKind,
    pub index: usize,
}

/// A catalogue that came as a message.
pub(crate) struct Request;

impl Locate for Request {
    fn place(&self, _item: At, _field: Option<Field>) -> Place {
        Place::Request
    }
}

/// The catalogue with the fields that its author may leave to the registry: a state that is not
/// given stays as it stands, so that a suspension is lifted by saying so and not by saying
/// nothing; a new item is active. What only the registry gives is as it stands.
pub(crate) fn completed(
    catalogue: &v1::Catalogue,
    state_of_member: impl Fn(&str) -> Option<i32>,
    state_of_system: impl Fn(&str) -> Option<i32>,
    service: impl Fn(&str, &str) -> Option<v1::Service>,
) -> v1::Catalogue {
    let unspecified = i32::from(v1::State::Unspecified);
    let active = i32::from(v1::State::Active);
    let mut catalogue = catalogue.clone();
    for member in &mut catalogue.members {
        if member.state == unspecified {
            member.state = state_of_member(&member.code).unwrap_or(active);
        }
    }
    for system in &mut catalogue.systems {
        if system.state == unspecified {
            system.state = state_of_system(&system.id).unwrap_or(active);
        }
    }
    for wanted in &mut catalogue.services {
        let standing = service(&wanted.provider, &wanted.name).unwrap_or_default();
        wanted.methods = standing.methods;
        wanted.descriptors_sha256 = standing.descriptors_sha256;
    }
    for grant in &mut catalogue.grants {
        grant.version = 0;
        grant.state = v1::GrantState::Active.into();
    }
    catalogue
}

/// Everything that is wrong with a completed catalogue by itself.
pub(crate) fn check(catalogue: &v1::Catalogue, locate: &impl Locate) -> Vec<CatalogueError> {
    let mut errors = Vec::new();
    check_items(&catalogue.members, locate, &mut errors);
    check_items(&catalogue.systems, locate, &mut errors);
    check_items(&catalogue.services, locate, &mut errors);
    check_items(&catalogue.grants, locate, &mut errors);
    check_fingerprints(&catalogue.systems, locate, &mut errors);
    check_aliases(&catalogue.members, locate, &mut errors);
    errors
}

fn check_items<T: Item>(items: &[T], locate: &impl Locate, errors: &mut Vec<CatalogueError>) {
    let kind = T::KIND;
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let at = At { kind, index };
        let label = label(item, index);
        for finding in item.read().err().unwrap_or_default() {
            if !locate.is_reported(at, finding.field.name) {
                errors.push(finding.at(locate.place(at, Some(finding.field)), label.clone()));
            }
        }
        if !item.is_named() {
            continue;
        }
        let same_key = by_key.entry(item.key()).or_default();
        let excluding = same_key.iter().find_map(|other| {
            let problem = item.beside(items.get(*other)?)?;
            Some((*other, problem))
        });
        if let Some((first, problem)) = excluding {
            let first = locate.place(At { kind, index: first }, None);
            errors.push(CatalogueError {
                place: locate.place(at, None),
                item: label,
                key: String::new(),
                value: String::new(),
                problem: problem(first),
            });
        }
        same_key.push(index);
    }
}

fn check_fingerprints(
    systems: &[v1::System],
    locate: &impl Locate,
    errors: &mut Vec<CatalogueError>,
) {
    let mut holders: HashMap<&str, &str> = HashMap::new();
    for (index, system) in systems.iter().enumerate() {
        for (element, fingerprint) in system.fingerprints.iter().enumerate() {
            let holder = *holders.entry(fingerprint).or_insert(&system.id);
            if holder != system.id {
                errors.push(fingerprint_claimed(
                    (system, index),
                    element,
                    holder,
                    locate,
                ));
            }
        }
    }
}

fn check_aliases(members: &[v1::Member], locate: &impl Locate, errors: &mut Vec<CatalogueError>) {
    let kind = ItemKind::Member;
    let mut holders: HashMap<&str, &str> = HashMap::new();
    for (index, member) in members.iter().enumerate() {
        for (element, alias) in member.aliases.iter().enumerate() {
            let holder = *holders.entry(alias).or_insert(&member.code);
            if holder == member.code {
                continue;
            }
            let field = Field {
                name: "aliases",
                element: Some(element),
            };
            let holder = format!("member {holder}");
            let finding = Finding {
                field,
                value: shown(alias),
                problem: Problem::AliasClaimed { holder },
            };
            let place = locate.place(At { kind, index }, Some(field));
            errors.push(finding.at(place, label(member, index)));
        }
    }
}

/// The error of a certificate that two systems claim.
pub(crate) fn fingerprint_claimed(
    (system, index): (&v1::System, usize),
    element: usize,
    holder: &str,
    locate: &impl Locate,
) -> CatalogueError {
    let kind = ItemKind::System;
    let field = Field {
        name: "fingerprints",
        element: Some(element),
    };
    let finding = Finding {
        field,
        value: shown(system.fingerprints.get(element).map_or("", String::as_str)),
        problem: Problem::FingerprintClaimed {
            holder: holder.to_owned(),
        },
    };
    let place = locate.place(At { kind, index }, Some(field));
    finding.at(place, label(system, index))
}

/// How errors name an item: by its key, or by its number where parts of the key are missing.
pub(crate) fn label<T: Item>(item: &T, index: usize) -> String {
    // The longest key that is valid: two systems, a service and the two signs between them.
    const KEY_CHARS_MAX: usize = 99 + 1 + 99 + 1 + 255;
    if !item.is_named() {
        return format!("{} number {}", T::KIND, index + 1);
    }
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let key: String = item.key().chars().take(KEY_CHARS_MAX).map(plain).collect();
    format!("{} {key}", T::KIND)
}

/// The label of the item at a place of the catalogue.
pub(crate) fn label_at(catalogue: &v1::Catalogue, at: At) -> String {
    fn of<T: Item>(items: &[T], at: At) -> String {
        items.get(at.index).map_or_else(
            || format!("{} number {}", at.kind, at.index + 1),
            |item| label(item, at.index),
        )
    }
    match at.kind {
        ItemKind::Member => of(&catalogue.members, at),
        ItemKind::System => of(&catalogue.systems, at),
        ItemKind::Service => of(&catalogue.services, at),
        ItemKind::Grant => of(&catalogue.grants, at),
    }
}
