//! How many are connected of those who could be, and who is missing. Pure: the registry as of an
//! instant, and whether a system had completed a transaction by then.

use std::collections::BTreeSet;

use ndxp_model::SystemId;
use ndxp_proto::registry::v1;

use crate::fold::Registry;
use crate::words;

impl Registry {
    /// Connected means registered, active (the system and its member), and at least one health
    /// handshake, which the registry knows, or transaction, which the caller knows.
    #[must_use]
    pub fn coverage(&self, has_transacted: &dyn Fn(&SystemId) -> bool) -> v1::GetCoverageResponse {
        let active = |member: &v1::Member| member.state() == v1::State::Active;
        let members: Vec<v1::Member> = self.members().into_iter().filter(active).collect();
        let systems: Vec<v1::System> = self
            .systems()
            .into_iter()
            .filter(|system| self.is_active(&system.id))
            .collect();
        let connected: BTreeSet<&str> = systems
            .iter()
            .filter_map(|system| {
                let id: SystemId = system.id.parse().ok()?;
                let is_connected = self.connected_at(&id).is_some() || has_transacted(&id);
                is_connected.then_some(system.id.as_str())
            })
            .collect();
        let with_system: BTreeSet<&str> = connected
            .iter()
            .filter_map(|id| Some(id.split_once('/')?.0))
            .collect();
        let class_coverage = |class: v1::MemberClass| {
            let any = class == v1::MemberClass::Unspecified;
            let of_class = members
                .iter()
                .filter(|member| any || member.class() == class);
            let codes = of_class.map(|member| member.code.as_str());
            let (registered, missing) = counted(codes, &with_system);
            v1::ClassCoverage {
                class: class.into(),
                registered,
                connected: registered - missing.len() as u64,
                missing,
            }
        };
        let kind_coverage = |kind: v1::SystemKind| {
            let of_kind = systems.iter().filter(|system| system.kind() == kind);
            let ids = of_kind.map(|system| system.id.as_str());
            let (registered, missing) = counted(ids, &connected);
            v1::KindCoverage {
                kind: kind.into(),
                registered,
                connected: registered - missing.len() as u64,
                missing,
            }
        };
        v1::GetCoverageResponse {
            classes: words::CLASSES
                .map(|(_, class)| class_coverage(class))
                .to_vec(),
            kinds: words::KINDS.map(|(_, kind)| kind_coverage(kind)).to_vec(),
            total: Some(class_coverage(v1::MemberClass::Unspecified)),
            watermark: self.watermark().get(),
        }
    }
}

/// How many there are, and those that are not among the connected, in order.
fn counted<'k>(
    keys: impl Iterator<Item = &'k str>,
    connected: &BTreeSet<&str>,
) -> (u64, Vec<String>) {
    let (mut registered, mut missing) = (0, Vec::new());
    for key in keys {
        registered += 1;
        if !connected.contains(key) {
            missing.push(key.to_owned());
        }
    }
    (registered, missing)
}

#[cfg(test)]
mod tests;
