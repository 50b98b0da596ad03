//! The registry as the counters ask it: the one place where the two meet.

use ndxp_counters::{NameSort, Names};
use ndxp_model::{MemberClass, SystemKind};
use ndxp_registry::Registry;

/// The names of a registry as it stands, or stood.
#[derive(Clone, Copy, Debug)]
pub struct RegistryNames<'a>(pub &'a Registry);

impl Names for RegistryNames<'_> {
    fn kind(&self, system: &str) -> Option<SystemKind> {
        self.0.system_kind(system)
    }

    fn class(&self, member: &str) -> Option<MemberClass> {
        self.0.member_class(member)
    }

    fn member_successor(&self, member: &str) -> String {
        self.0.successor_of(member).to_owned()
    }

    fn system_successor(&self, system: &str) -> String {
        self.0.system_successor_of(system)
    }

    /// In Vietnamese, as the registry has it for every member.
    fn title(&self, party: &str) -> Option<String> {
        let title = match party.contains('/') {
            true => &self.0.system_item(party)?.name,
            false => &self.0.member(party)?.name_vi,
        };
        Some(title.clone()).filter(|title| !title.is_empty())
    }

    fn knows(&self, sort: NameSort, name: &str) -> bool {
        match sort {
            NameSort::Member => self.0.member(name).is_some(),
            NameSort::System => self.0.system_item(name).is_some(),
            NameSort::Service => self.0.has_service(name),
            NameSort::Method => self.all(sort).iter().any(|method| method == name),
        }
    }

    fn all(&self, sort: NameSort) -> Vec<String> {
        let registry = self.0;
        match sort {
            NameSort::Member => registry.members().into_iter().map(|it| it.code).collect(),
            NameSort::System => registry.systems().into_iter().map(|it| it.id).collect(),
            NameSort::Service => registry.services().into_iter().map(|it| it.name).collect(),
            NameSort::Method => {
                let services = registry.services().into_iter();
                services.flat_map(|it| it.methods).collect()
            }
        }
    }
}
