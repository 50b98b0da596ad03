//! What stood before the month began: the hub's start, the registry of the nation, and which
//! systems the hub has greeted.

use ndxp_model::{Connection, GrantId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::registry::v1::change::Item;
use ndxp_proto::registry::v1::{Catalogue, Change, Grant, GrantState};

use super::scribe::HUB_NODE;
use crate::nation::Nation;

/// Who administered the simulated hub.
pub(super) const ACTOR: &str = "spiffe://ndxp.local/operator/simulate";
pub(super) const ROLE: &str = "operator";

/// Items of one act: a few hundred bytes each, so that an entry stays far below its bound.
const ITEMS_OF_AN_ACT: usize = 500;

/// The entries, in their order.
pub(super) fn entries(nation: &Nation) -> Vec<Body> {
    let mut entries = vec![started()];
    let catalogue = nation.catalogue(&|system| {
        // A name under the domain for examples, one for each member.
        let (name, member) = (system.name(), system.member());
        let member = member.as_str().to_ascii_lowercase();
        vec![format!("{name}.{member}.example:443")]
    });
    let greeted = nation
        .systems()
        .iter()
        .filter(|system| !system.services.is_empty())
        .map(|system| {
            let system = system.id.to_string();
            Body::SystemConnected(v1::SystemConnected { system })
        });
    entries.extend(acts(catalogue));
    entries.extend(greeted);
    entries
}

pub(super) fn started() -> Body {
    Body::HubStarted(v1::HubStarted {
        hub_node: HUB_NODE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

pub(super) fn stopped() -> Body {
    Body::HubStopped(v1::HubStopped {
        hub_node: HUB_NODE.to_owned(),
    })
}

/// The catalogue as the registry writes down what was applied: members first, grants last.
fn acts(catalogue: Catalogue) -> Vec<Body> {
    let changes = [
        items(catalogue.members, "members", Item::Member),
        items(catalogue.systems, "systems", Item::System),
        items(catalogue.services, "services", Item::Service),
        items(catalogue.grants, "grants", |grant| {
            Item::Grant(standing(grant))
        }),
    ];
    changes.into_iter().flatten().collect()
}

fn items<T>(all: Vec<T>, what: &str, item: impl Fn(T) -> Item) -> Vec<Body> {
    let changes: Vec<_> = all
        .into_iter()
        .map(|it| Change {
            item: Some(item(it)),
        })
        .collect();
    changes
        .chunks(ITEMS_OF_AN_ACT)
        .map(|changes| {
            Body::RegistryChanged(v1::RegistryChanged {
                actor: ACTOR.to_owned(),
                role: ROLE.to_owned(),
                rpc: "Apply".to_owned(),
                note: format!("the {what} of the simulated nation"),
                changes: changes.to_vec(),
                item: String::new(),
            })
        })
        .collect()
}

/// A grant with what the registry gives it: its id, its first version, its state.
fn standing(grant: Grant) -> Grant {
    const FORM: &str = "the nation's names have the form of the registry";
    let connection = Connection {
        consumer: grant.consumer.parse().expect(FORM),
        provider: grant.provider.parse().expect(FORM),
        service: grant.service.parse().expect(FORM),
    };
    Grant {
        id: GrantId::of(&connection).to_string(),
        version: 1,
        state: GrantState::Active.into(),
        requested_by: ROLE.to_owned(),
        decided_by: ROLE.to_owned(),
        ..grant
    }
}
