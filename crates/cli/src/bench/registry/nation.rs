//! A registry of a given size: members with systems, systems with services, and grants spread
//! over them evenly. The same numbers always make the same items.

use ndxp_model::{Connection, SystemId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged};
use ndxp_proto::registry::v1::change::Item;
use ndxp_proto::registry::v1::{
    Change, Grant, GrantState, Member, MemberClass, Service, State, System, SystemKind,
};

/// Changes of one act: some 200 KiB, well within an entry of the journal.
const CHANGES_PER_ACT: usize = 1_000;
/// Kinds of services; several systems offer each, as provinces do.
const NAMES: usize = 1_000;
/// How far apart the services lie that one consumer calls: a prime, so that nobody comes round to
/// the same one or to its own.
const STRIDE: usize = 7_919;

/// How many of each.
#[derive(Clone, Copy, Debug)]
pub struct Nation {
    pub members: usize,
    pub systems: usize,
    pub services: usize,
    pub grants: usize,
}

impl Nation {
    /// The whole is a national hub for a decade: 1,000,000 grants.
    pub fn of_percent(percent: usize) -> Self {
        Self {
            members: 100 * percent,
            systems: 500 * percent,
            services: 1_000 * percent,
            grants: 10_000 * percent,
        }
    }

    /// The acts that bring it about, in the order of the journal.
    pub fn acts(self) -> impl Iterator<Item = Entry> {
        let members = (0..self.members).map(|index| Item::Member(member(index)));
        let systems = (0..self.systems).map(move |index| Item::System(self.system(index)));
        let services = (0..self.services).map(move |index| Item::Service(self.service(index)));
        let grants = (0..self.grants).map(move |index| Item::Grant(self.grant(index)));
        let mut items = members.chain(systems).chain(services).chain(grants);
        (1..).map_while(move |sequence| {
            let changes: Vec<_> = items
                .by_ref()
                .take(CHANGES_PER_ACT)
                .map(|item| Change { item: Some(item) })
                .collect();
            (!changes.is_empty()).then(|| act(sequence, changes))
        })
    }

    pub fn system_id(self, index: usize) -> String {
        format!("{}/system-{index}", code(index % self.members))
    }

    /// The grant's terms, as an operator writes them.
    pub fn grant(self, index: usize) -> Grant {
        let consumer = index % self.systems;
        let round = index / self.systems;
        let service = (consumer + 1 + round * STRIDE) % self.services;
        let Service { provider, name, .. } = self.service(service);
        Grant {
            consumer: self.system_id(consumer),
            provider,
            service: name,
            rate_per_second_max: 100,
            state: GrantState::Active.into(),
            version: 1,
            ..Grant::default()
        }
    }

    pub fn connection(self, index: usize) -> anyhow::Result<Connection> {
        let grant = self.grant(index);
        let consumer: SystemId = grant.consumer.parse()?;
        Ok(Connection {
            consumer,
            provider: grant.provider.parse()?,
            service: grant.service.parse()?,
        })
    }

    fn system(self, index: usize) -> System {
        System {
            id: self.system_id(index),
            kind: SystemKind::InformationSystem.into(),
            endpoints: vec![format!("system-{index}.example.vn:8443")],
            state: State::Active.into(),
            ..System::default()
        }
    }

    /// Systems offer services in turn; no two of one system have the same name.
    fn service(self, index: usize) -> Service {
        let name = (index + index / self.systems) % NAMES.min(self.services);
        Service {
            provider: self.system_id(index % self.systems),
            name: format!("vn.gov.bench.s{name}.v1.BenchService"),
            measures: vec!["records".to_owned()],
            ..Service::default()
        }
    }
}

/// One act as it stands in the journal.
pub fn act(sequence: u64, changes: Vec<Change>) -> Entry {
    let changed = RegistryChanged {
        actor: "spiffe://ndxp.local/operator/bench".to_owned(),
        note: "bench".to_owned(),
        changes,
        ..RegistryChanged::default()
    };
    Entry {
        sequence,
        committed_at_us: 1_658_448_000_000_000,
        body: Some(Body::RegistryChanged(changed)),
    }
}

fn member(index: usize) -> Member {
    Member {
        code: code(index),
        name_vi: format!("Cơ quan {index}"),
        class: MemberClass::Agency.into(),
        state: State::Active.into(),
        ..Member::default()
    }
}

/// `H00` to `H99`, each with as many units as are needed.
fn code(index: usize) -> String {
    format!("H{:02}.{}", index % 100, index / 100)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_item_has_a_key_of_its_own() {
        let nation = Nation::of_percent(1);
        let grants: HashSet<_> = (0..nation.grants)
            .map(|index| nation.connection(index).expect("it is well formed"))
            .collect();
        assert_eq!(grants.len(), nation.grants);
        let to_oneself = grants.iter().find(|it| it.consumer == it.provider);
        assert_eq!(to_oneself, None);
        let services: HashSet<_> = (0..nation.services)
            .map(|index| nation.service(index))
            .map(|service| (service.provider, service.name))
            .collect();
        assert_eq!(services.len(), nation.services);
    }
}
