//! The fold: what stands, after every entry of the journal up to the watermark.
//!
//! The maps are persistent: a clone shares everything, and putting one item in place copies the
//! path to it. They are keyed so that every look-up of the request path goes by borrowed
//! strings: services by name, then provider; grants by consumer, then service, then provider.
//! An item that cannot be read stands as unreadable, in place of what stood before, and denies.

use std::sync::Arc;

use ndxp_model::{Instant, Sequence, SystemId, SystemKind};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged};
use ndxp_proto::registry::v1;
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};

use crate::problem::{CatalogueError, Place};
use crate::record::{Finding, Item, MemberRecord, SystemRecord};

/// The registry as of a sequence. Cheap to clone; a clone is a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registry {
    watermark: Sequence,
    changed: Sequence,
    pub(crate) members: HashTrieMapSync<Arc<str>, Standing<v1::Member>>,
    pub(crate) systems: HashTrieMapSync<Arc<str>, Standing<v1::System>>,
    /// By service name, then provider.
    pub(crate) services: HashTrieMapSync<Arc<str>, Providers<v1::Service>>,
    /// By consumer, then service, then provider.
    pub(crate) grants: HashTrieMapSync<Arc<str>, Services<v1::Grant>>,
    /// The systems that claim a certificate. More than one cannot be planned; it denies.
    pub(crate) fingerprints: HashTrieMapSync<[u8; 32], Arc<[SystemId]>>,
    connected: HashTrieMapSync<Arc<str>, Instant>,
}

pub(crate) type Providers<T> = RedBlackTreeMapSync<Arc<str>, Standing<T>>;
pub(crate) type Services<T> = RedBlackTreeMapSync<Arc<str>, Providers<T>>;

/// One item as the journal holds it, and what could be read of it.
#[derive(Clone, Debug)]
pub(crate) struct Standing<T: Item> {
    pub item: T,
    pub record: Result<Arc<T::Record>, Vec<Finding>>,
}

/// An item that stands and cannot be read. Whatever it concerns is denied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreadable {
    /// Such as `system H26/lgsp`.
    pub item: String,
    pub errors: Vec<CatalogueError>,
}

/// Why an entry could not be folded. The registry stands as before.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FoldError {
    #[error(
        "entry {found} cannot follow {watermark}: entries are folded once, in their order; \
         rebuild the registry from the journal"
    )]
    OutOfOrder {
        watermark: Sequence,
        found: Sequence,
    },
    #[error(
        "entry {sequence} is of a kind that this version does not know; run the version of ndxp \
         that wrote it, or a later one"
    )]
    UnknownEntry { sequence: Sequence },
    #[error(
        "entry {sequence} holds a change (number {number} in it) of a kind that this version \
         does not know; run the version of ndxp that wrote it, or a later one"
    )]
    UnknownChange { sequence: Sequence, number: usize },
}

impl<T: Item> Standing<T> {
    fn new(item: T) -> Self {
        let record = item.read().map(Arc::new);
        Self { item, record }
    }

    fn unreadable(&self) -> Option<Unreadable> {
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

impl Registry {
    /// The registry before the first entry.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            watermark: Sequence::NONE,
            changed: Sequence::NONE,
            members: HashTrieMapSync::new_sync(),
            systems: HashTrieMapSync::new_sync(),
            services: HashTrieMapSync::new_sync(),
            grants: HashTrieMapSync::new_sync(),
            fingerprints: HashTrieMapSync::new_sync(),
            connected: HashTrieMapSync::new_sync(),
        }
    }

    /// The last sequence that the registry includes.
    #[must_use]
    pub fn watermark(&self) -> Sequence {
        self.watermark
    }

    /// The last entry that concerned the registry. Between it and the watermark nothing changed.
    #[must_use]
    pub fn changed(&self) -> Sequence {
        self.changed
    }

    /// Folds one entry. Kinds that do not concern the registry move the watermark alone, and
    /// may be left out; the order may not change.
    ///
    /// # Errors
    /// When the entry is not behind the watermark, or cannot be understood. Nothing of it is
    /// folded then.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let sequence = Sequence::new(entry.sequence);
        if sequence <= self.watermark {
            return Err(FoldError::OutOfOrder {
                watermark: self.watermark,
                found: sequence,
            });
        }
        match &entry.body {
            None => return Err(FoldError::UnknownEntry { sequence }),
            Some(Body::RegistryChanged(act)) => {
                *self = self.with_act(act, sequence)?;
                self.changed = sequence;
            }
            Some(Body::SystemConnected(connected)) => {
                let at = Instant::from_micros(entry.committed_at_us);
                self.connect(&connected.system, at);
                self.changed = sequence;
            }
            Some(_) => {}
        }
        self.watermark = sequence;
        Ok(())
    }

    /// Moves the watermark over entries that are known not to concern the registry.
    pub fn advance(&mut self, through: Sequence) {
        self.watermark = self.watermark.max(through);
    }

    /// The registry as of the sequence; `None` when something changed behind it.
    pub(crate) fn back_at(&self, through: Sequence) -> Option<Self> {
        let watermark = self.watermark.min(through);
        (self.changed <= through).then(|| Self {
            watermark,
            ..self.clone()
        })
    }

    /// A registry without items, as of the two sequences, for a checkpoint to fill.
    pub(crate) fn as_of_checkpoint(watermark: Sequence, changed: Sequence) -> Self {
        Self {
            watermark,
            changed,
            ..Self::empty()
        }
    }

    /// One administrative act, whole: the registry after all of its changes, or an error.
    fn with_act(&self, act: &RegistryChanged, sequence: Sequence) -> Result<Self, FoldError> {
        let mut next = self.clone();
        for (index, change) in act.changes.iter().enumerate() {
            if !next.put(change) {
                let number = index + 1;
                return Err(FoldError::UnknownChange { sequence, number });
            }
        }
        Ok(next)
    }

    /// Puts an item in place of what stood under its key; false when there is none to put.
    pub(crate) fn put(&mut self, change: &v1::Change) -> bool {
        use v1::change::Item as Changed;
        match &change.item {
            None | Some(Changed::Descriptors(_) | Changed::Removed(_)) => return false,
            Some(Changed::Member(member)) => {
                let standing = Standing::new(member.clone());
                self.members
                    .insert_mut(member.code.as_str().into(), standing);
            }
            Some(Changed::System(system)) => self.put_system(system),
            Some(Changed::Service(service)) => {
                let providers = self.services.get(service.name.as_str()).cloned();
                let providers = providers.unwrap_or_default().insert(
                    service.provider.as_str().into(),
                    Standing::new(service.clone()),
                );
                self.services
                    .insert_mut(service.name.as_str().into(), providers);
            }
            Some(Changed::Grant(grant)) => self.put_grant(grant.clone()),
        }
        true
    }

    fn put_system(&mut self, system: &v1::System) {
        if let Some(record) = self.system(&system.id).cloned() {
            for fingerprint in &record.fingerprints {
                self.claim(fingerprint, &record.id, false);
            }
        }
        let standing = Standing::new(system.clone());
        if let Ok(record) = &standing.record {
            for fingerprint in &record.fingerprints {
                self.claim(fingerprint, &record.id, true);
            }
        }
        self.systems.insert_mut(system.id.as_str().into(), standing);
    }

    /// The journal may leave out a grant's id, which follows from its fields.
    fn put_grant(&mut self, mut grant: v1::Grant) {
        if grant.id.is_empty() {
            grant.id = grant.key();
        }
        let (consumer, service) = (grant.consumer.clone(), grant.service.clone());
        let services = self.grants.get(consumer.as_str()).cloned();
        let services = services.unwrap_or_default();
        let providers = services.get(service.as_str()).cloned();
        let providers = providers
            .unwrap_or_default()
            .insert(grant.provider.as_str().into(), Standing::new(grant));
        let services = services.insert(service.into(), providers);
        self.grants.insert_mut(consumer.into(), services);
    }

    /// Adds the system to those that claim the fingerprint, or takes it from them.
    fn claim(&mut self, fingerprint: &[u8; 32], system: &SystemId, claims: bool) {
        let mut holders: Vec<SystemId> = self
            .fingerprints
            .get(fingerprint)
            .map(|holders| holders.to_vec())
            .unwrap_or_default();
        holders.retain(|holder| holder != system);
        if claims {
            holders.push(system.clone());
            holders.sort_unstable();
        }
        if holders.is_empty() {
            self.fingerprints.remove_mut(fingerprint);
        } else {
            self.fingerprints.insert_mut(*fingerprint, holders.into());
        }
    }

    /// Only the first handshake counts.
    pub(crate) fn connect(&mut self, system: &str, at: Instant) {
        if !self.connected.contains_key(system) {
            self.connected.insert_mut(system.into(), at);
        }
    }
}

/// What stands.
impl Registry {
    /// In the order of the codes.
    #[must_use]
    pub fn members(&self) -> Vec<v1::Member> {
        let mut members: Vec<_> = items(self.members.values()).collect();
        members.sort_by(|a, b| a.code.cmp(&b.code));
        members
    }

    /// In the order of the ids.
    #[must_use]
    pub fn systems(&self) -> Vec<v1::System> {
        let mut systems: Vec<_> = items(self.systems.values()).collect();
        systems.sort_by(|a, b| a.id.cmp(&b.id));
        systems
    }

    /// In the order of the providers, then the names.
    #[must_use]
    pub fn services(&self) -> Vec<v1::Service> {
        let by_name = self.services.values();
        let mut services: Vec<_> = by_name
            .flat_map(|providers| items(providers.values()))
            .collect();
        services.sort_by(|a, b| (&a.provider, &a.name).cmp(&(&b.provider, &b.name)));
        services
    }

    /// In the order of consumers, providers, services.
    #[must_use]
    pub fn grants(&self) -> Vec<v1::Grant> {
        let by_service = self.grants.values().flat_map(|services| services.values());
        let mut grants: Vec<_> = by_service
            .flat_map(|providers| items(providers.values()))
            .collect();
        grants.sort_by(|a, b| {
            (&a.consumer, &a.provider, &a.service).cmp(&(&b.consumer, &b.provider, &b.service))
        });
        grants
    }

    #[must_use]
    pub fn member(&self, code: &str) -> Option<&v1::Member> {
        self.members.get(code).map(|standing| &standing.item)
    }

    /// The system, if it stands and can be read.
    #[must_use]
    pub fn system(&self, id: &str) -> Option<&Arc<SystemRecord>> {
        self.systems.get(id)?.record.as_ref().ok()
    }

    /// Every system that can be read, in no order: for those who watch over endpoints.
    pub fn system_records(&self) -> impl Iterator<Item = &Arc<SystemRecord>> {
        self.systems
            .values()
            .filter_map(|standing| standing.record.as_ref().ok())
    }

    #[must_use]
    pub fn system_kind(&self, id: &str) -> Option<SystemKind> {
        self.system(id).map(|system| system.kind)
    }

    /// Whether the system and its member stand, can be read and are not suspended.
    #[must_use]
    pub fn is_active(&self, system: &str) -> bool {
        self.system(system).is_some_and(|record| record.active)
            && self
                .member_record(system)
                .is_some_and(|record| record.active)
    }

    /// When the hub first shook hands with one of the system's endpoints.
    #[must_use]
    pub fn connected_at(&self, system: &SystemId) -> Option<Instant> {
        self.connected.get(system.as_str()).copied()
    }

    /// Items that this version cannot read, in the order of their names.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        let services = self.services.values().flat_map(|by| by.values());
        let grants = self.grants.values().flat_map(|by| by.values());
        let grants = grants.flat_map(|by| by.values());
        let mut unreadable: Vec<_> = (self.members.values().filter_map(Standing::unreadable))
            .chain(self.systems.values().filter_map(Standing::unreadable))
            .chain(services.filter_map(Standing::unreadable))
            .chain(grants.filter_map(Standing::unreadable))
            .collect();
        unreadable.sort_by(|a, b| a.item.cmp(&b.item));
        unreadable
    }

    /// First handshakes, in the order of the systems.
    pub(crate) fn connections(&self) -> Vec<(Arc<str>, Instant)> {
        let mut connected: Vec<_> = self
            .connected
            .iter()
            .map(|(system, at)| (Arc::clone(system), *at))
            .collect();
        connected.sort_unstable();
        connected
    }

    /// The member that runs the system, if it stands and can be read.
    pub(crate) fn member_record(&self, system: &str) -> Option<&Arc<MemberRecord>> {
        let (code, _) = system.split_once('/')?;
        self.members.get(code)?.record.as_ref().ok()
    }

    pub(crate) fn standing_service(
        &self,
        provider: &str,
        name: &str,
    ) -> Option<&Standing<v1::Service>> {
        self.services.get(name)?.get(provider)
    }

    pub(crate) fn standing_grant(
        &self,
        consumer: &str,
        provider: &str,
        service: &str,
    ) -> Option<&Standing<v1::Grant>> {
        self.grants.get(consumer)?.get(service)?.get(provider)
    }
}

fn items<'a, T: Item + 'a>(
    standing: impl Iterator<Item = &'a Standing<T>>,
) -> impl Iterator<Item = T> {
    standing.map(|standing| standing.item.clone())
}

#[cfg(test)]
mod tests;
