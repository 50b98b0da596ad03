//! The fold: what stands, after every entry of the journal up to the watermark.
//!
//! The maps are persistent: a clone shares everything, and putting one item in place copies the
//! path to it. They are keyed so that every look-up of the request path goes by borrowed
//! strings: services by name, then provider; grants by consumer, then service, then provider,
//! with their versions beside each other.
//! An item that cannot be read stands as unreadable, in place of what stood before, and denies.

use std::sync::Arc;

use ndxp_model::{Connection, Instant, Sequence, SystemId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged};
use ndxp_proto::registry::v1;
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};

use crate::descriptors::Descriptors;
use crate::problem::CatalogueError;

mod standing;
mod stands;

pub(crate) use standing::{Standing, Versions};
pub(crate) use stands::with_id;

/// A map of which a clone is a snapshot. Its hash is a fast one, and need not withstand whoever would choose
/// the keys: operators alone do.
pub(crate) type Map<K, V> = HashTrieMapSync<K, V, foldhash::fast::RandomState>;

/// The registry as of a sequence. Cheap to clone; a clone is a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registry {
    watermark: Sequence,
    changed: Sequence,
    pub(crate) members: Map<Arc<str>, Standing<v1::Member>>,
    pub(crate) systems: Map<Arc<str>, Standing<v1::System>>,
    /// By service name, then provider.
    pub(crate) services: Map<Arc<str>, Providers<v1::Service>>,
    /// By consumer, then service, then provider.
    pub(crate) grants: Map<Arc<str>, Granted>,
    /// By `provider/service`.
    pub(crate) descriptors: Map<Arc<str>, Arc<Descriptors>>,
    /// Members by the old forms of their codes.
    pub(crate) aliases: Map<Arc<str>, Arc<str>>,
    /// The systems that claim a certificate. More than one cannot be planned; it denies.
    pub(crate) fingerprints: Map<[u8; 32], Arc<[SystemId]>>,
    connected: Map<Arc<str>, Instant>,
    /// Kept beside the maps, so that a plan need not count them.
    pub(crate) services_count: usize,
    pub(crate) grants_count: usize,
}

pub(crate) type Providers<T> = RedBlackTreeMapSync<Arc<str>, Standing<T>>;
/// By service, then provider.
pub(crate) type Granted = RedBlackTreeMapSync<Arc<str>, RedBlackTreeMapSync<Arc<str>, Versions>>;

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

impl Registry {
    /// The registry before the first entry.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            watermark: Sequence::NONE,
            changed: Sequence::NONE,
            members: Map::default(),
            systems: Map::default(),
            services: Map::default(),
            grants: Map::default(),
            descriptors: Map::default(),
            aliases: Map::default(),
            fingerprints: Map::default(),
            connected: Map::default(),
            services_count: 0,
            grants_count: 0,
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

    /// Puts an item in place of what stood under its key, or takes one away; false when the
    /// change is of no kind that is known.
    pub(crate) fn put(&mut self, change: &v1::Change) -> bool {
        use v1::change::Item as Changed;
        match &change.item {
            None => return false,
            Some(Changed::Member(member)) => self.put_member(member),
            Some(Changed::System(system)) => self.put_system(system),
            Some(Changed::Service(service)) => self.put_service(service),
            Some(Changed::Grant(grant)) => self.put_grant(grant.clone()),
            Some(Changed::Descriptors(descriptors)) => {
                let key = format!("{}/{}", descriptors.provider, descriptors.service);
                let descriptors = Descriptors::of(&descriptors.file_descriptor_set);
                self.descriptors
                    .insert_mut(key.into(), Arc::new(descriptors));
            }
            Some(Changed::Removed(removed)) => return self.remove(removed),
        }
        true
    }

    fn put_member(&mut self, member: &v1::Member) {
        self.remove_aliases(&member.code);
        let code: Arc<str> = member.code.as_str().into();
        for alias in &member.aliases {
            self.aliases
                .insert_mut(alias.as_str().into(), Arc::clone(&code));
        }
        self.members.insert_mut(code, Standing::new(member.clone()));
    }

    fn remove_aliases(&mut self, code: &str) {
        let standing = self
            .members
            .get(code)
            .map(|standing| standing.item.aliases.clone());
        for alias in standing.unwrap_or_default() {
            if self
                .aliases
                .get(alias.as_str())
                .is_some_and(|holder| &**holder == code)
            {
                self.aliases.remove_mut(alias.as_str());
            }
        }
    }

    fn put_system(&mut self, system: &v1::System) {
        self.remove_claims(&system.id);
        let standing = Standing::new(system.clone());
        if let Ok(record) = &standing.record {
            for fingerprint in &record.fingerprints {
                self.claim(fingerprint, &record.id, true);
            }
        }
        self.systems.insert_mut(system.id.as_str().into(), standing);
    }

    fn remove_claims(&mut self, system: &str) {
        if let Some(record) = self.system(system).cloned() {
            for fingerprint in &record.fingerprints {
                self.claim(fingerprint, &record.id, false);
            }
        }
    }

    fn put_service(&mut self, service: &v1::Service) {
        let providers = self.services.get(service.name.as_str()).cloned();
        let providers = providers.unwrap_or_default();
        self.services_count -= providers.size();
        let providers = providers.insert(
            service.provider.as_str().into(),
            Standing::new(service.clone()),
        );
        self.services_count += providers.size();
        self.services
            .insert_mut(service.name.as_str().into(), providers);
    }

    /// Entries of the time before versions hold version 0 and no state: the first version,
    /// active. The id follows from the other fields and is not kept.
    fn put_grant(&mut self, mut grant: v1::Grant) {
        grant.id = String::new();
        grant.version = grant.version.max(1);
        if grant.state == i32::from(v1::GrantState::Unspecified) {
            grant.state = v1::GrantState::Active.into();
        }
        let (consumer, provider) = (grant.consumer.clone(), grant.provider.clone());
        let service = grant.service.clone();
        let versions = self
            .versions(&consumer, &provider, &service)
            .cloned()
            .unwrap_or_default();
        let with = versions.with(
            grant,
            self.shared_connection(&consumer, &provider, &service),
        );
        self.grants_count = self.grants_count - versions.len() + with.len();
        let services = self
            .grants
            .get(consumer.as_str())
            .cloned()
            .unwrap_or_default();
        let providers = services.get(service.as_str()).cloned().unwrap_or_default();
        let providers = providers.insert(shared(&self.systems, &provider), with);
        let services = services.insert(shared(&self.services, &service), providers);
        let consumer = shared(&self.systems, &consumer);
        self.grants.insert_mut(consumer, services);
    }

    /// The connection out of names that stand already: a million grants name few systems.
    fn shared_connection(
        &self,
        consumer: &str,
        provider: &str,
        service: &str,
    ) -> Option<Arc<Connection>> {
        let standing = self.versions(consumer, provider, service);
        let standing = standing.and_then(|versions| versions.records().next());
        if let Some(record) = standing {
            return Some(Arc::clone(&record.connection));
        }
        let service = self.standing_service(provider, service)?;
        Some(Arc::new(Connection {
            consumer: self.system(consumer)?.id.clone(),
            provider: self.system(provider)?.id.clone(),
            service: service.record.as_ref().ok()?.name.clone(),
        }))
    }

    /// False when the kind is not known. What does not stand is no error.
    pub(crate) fn remove(&mut self, removed: &v1::Removed) -> bool {
        let key = removed.key.as_str();
        match removed.kind() {
            v1::ItemKind::Unspecified => return false,
            v1::ItemKind::Member => {
                self.remove_aliases(key);
                self.members.remove_mut(key);
            }
            v1::ItemKind::System => {
                self.remove_claims(key);
                self.systems.remove_mut(key);
            }
            v1::ItemKind::Service => {
                if let Some((provider, service)) = key.rsplit_once('/') {
                    self.remove_service(provider, service);
                }
                self.descriptors.remove_mut(key);
            }
            v1::ItemKind::Grant => {
                if let Some((consumer, offer)) = key.split_once('>')
                    && let Some((provider, service)) = offer.rsplit_once('/')
                {
                    self.remove_grant(consumer, provider, service);
                }
            }
        }
        true
    }

    fn remove_service(&mut self, provider: &str, service: &str) {
        let Some(providers) = self.services.get(service).cloned() else {
            return;
        };
        self.services_count -= providers.size();
        let providers = providers.remove(provider);
        self.services_count += providers.size();
        if providers.is_empty() {
            self.services.remove_mut(service);
        } else {
            self.services.insert_mut(service.into(), providers);
        }
    }

    fn remove_grant(&mut self, consumer: &str, provider: &str, service: &str) {
        let Some(versions) = self.versions(consumer, provider, service).cloned() else {
            return;
        };
        self.grants_count -= versions.len();
        let services = self.grants.get(consumer).cloned().unwrap_or_default();
        let providers = services.get(service).cloned().unwrap_or_default();
        let providers = providers.remove(provider);
        let services = if providers.is_empty() {
            services.remove(service)
        } else {
            services.insert(service.into(), providers)
        };
        if services.is_empty() {
            self.grants.remove_mut(consumer);
        } else {
            self.grants.insert_mut(consumer.into(), services);
        }
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

/// The name as the map's own key, where it stands there.
fn shared<T>(map: &Map<Arc<str>, T>, name: &str) -> Arc<str> {
    map.get_key_value(name)
        .map_or_else(|| name.into(), |(key, _)| Arc::clone(key))
}

#[cfg(test)]
mod tests;
