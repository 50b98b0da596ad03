//! One item as it stands, and the versions of a grant beside each other.

use std::sync::Arc;

use ndxp_model::Connection;
use ndxp_proto::registry::v1;

use super::Unreadable;
use crate::problem::Place;
use crate::record::{Finding, GrantRecord, Item};

/// One item as the journal holds it, and what could be read of it.
#[derive(Clone, Debug)]
pub(crate) struct Standing<T: Item> {
    pub item: T,
    pub record: Result<Arc<T::Record>, Vec<Finding>>,
}

/// The versions of one grant that matter, in their order: all that are requested or active, and
/// the last one that has ended, which tells what became of it and how far the count is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Versions(Arc<[Standing<v1::Grant>]>);

impl<T: Item> Standing<T> {
    pub fn new(item: T) -> Self {
        let record = item.read().map(Arc::new);
        Self { item, record }
    }

    pub fn unreadable(&self) -> Option<Unreadable> {
        let findings = self.record.as_ref().err()?;
        let item = format!("{} {}", T::KIND, self.item.key());
        let errors = findings
            .iter()
            .map(|finding| finding.at(Place::Request, item.clone()))
            .collect();
        Some(Unreadable { item, errors })
    }
}

/// The record is made from the item alone.
impl<T: Item> PartialEq for Standing<T> {
    fn eq(&self, other: &Self) -> bool {
        self.item == other.item
    }
}

impl<T: Item> Eq for Standing<T> {}

impl Versions {
    /// With the version in place of what stood under its number. The connection, if it is given,
    /// is the grant's own, and spares another copy of its names.
    pub fn with(&self, grant: v1::Grant, connection: Option<Arc<Connection>>) -> Self {
        let others = self
            .0
            .iter()
            .filter(|other| other.item.version != grant.version);
        let mut all: Vec<_> = others.cloned().collect();
        let mut standing = Standing::new(grant);
        if let (Ok(record), Some(connection)) = (&mut standing.record, connection)
            && let Some(record) = Arc::get_mut(record)
        {
            record.connection = connection;
        }
        all.push(standing);
        all.sort_by_key(|standing| standing.item.version);
        let last_ended = all.iter().rev().find(|standing| !is_live(standing));
        let last_ended = last_ended.map(|standing| standing.item.version);
        all.retain(|standing| is_live(standing) || Some(standing.item.version) == last_ended);
        Self(all.into())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Standing<v1::Grant>> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are requested or active.
    pub fn live(&self) -> impl Iterator<Item = &Standing<v1::Grant>> {
        self.0.iter().filter(|standing| is_live(standing))
    }

    pub fn active(&self) -> impl Iterator<Item = &Standing<v1::Grant>> {
        let active = v1::GrantState::Active;
        self.0
            .iter()
            .filter(move |standing| standing.item.state() == active)
    }

    pub fn get(&self, version: u32) -> Option<&Standing<v1::Grant>> {
        self.0
            .iter()
            .find(|standing| standing.item.version == version)
    }

    /// The number of the next version.
    pub fn next(&self) -> u32 {
        let last = self.0.last().map_or(0, |standing| standing.item.version);
        last.saturating_add(1)
    }

    /// The records that can be read.
    pub fn records(&self) -> impl Iterator<Item = &Arc<GrantRecord>> {
        self.0
            .iter()
            .filter_map(|standing| standing.record.as_ref().ok())
    }
}

/// What cannot be read is kept too: it denies until somebody puts it right.
fn is_live(standing: &Standing<v1::Grant>) -> bool {
    match v1::GrantState::try_from(standing.item.state) {
        Ok(state) => matches!(state, v1::GrantState::Requested | v1::GrantState::Active),
        Err(_) => true,
    }
}
