//! Stocks: what was connected at the cut-off. Connected means registered, active (the system and
//! its member), and at least one transaction or health handshake completed by then.

use std::collections::BTreeSet;

use ndxp_proto::registry::v1::{Member, MemberClass, State, System, SystemKind};

/// What the registry held at the cut-off, and which of its systems had answered or called.
pub(crate) struct Stock {
    /// Active members, in the order of their codes.
    members: Vec<Member>,
    /// Active systems of active members that had connected.
    connected: Vec<System>,
}

/// How many of a group are connected, and who is missing.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Coverage {
    pub connected: u64,
    pub registered: u64,
    /// Codes of the members that are missing, in order.
    pub missing: Vec<String>,
}

impl Stock {
    pub(crate) fn of(
        members: Vec<Member>,
        systems: Vec<System>,
        has_connected: impl Fn(&System) -> bool,
    ) -> Self {
        let mut members = members;
        members.retain(|member| member.state() == State::Active);
        members.sort_by(|one, other| one.code.cmp(&other.code));
        let active: BTreeSet<&str> = members.iter().map(|member| member.code.as_str()).collect();
        let mut connected = systems;
        connected.retain(|system| {
            system.state() == State::Active
                && active.contains(member_of(system))
                && has_connected(system)
        });
        Self { members, connected }
    }

    /// Connected systems of one kind.
    pub(crate) fn systems(&self, kind: SystemKind) -> u64 {
        let of_kind = self.connected.iter().filter(|it| it.kind() == kind);
        count(of_kind)
    }

    /// All members with a connected system of any kind.
    pub(crate) fn members(&self) -> Coverage {
        self.coverage(|_| true, |_| true)
    }

    /// Members of one class with a connected LGSP.
    pub(crate) fn members_with_lgsp(&self, class: MemberClass) -> Coverage {
        self.coverage(
            |member| member.class() == class,
            |system| system.kind() == SystemKind::Lgsp,
        )
    }

    fn coverage(
        &self,
        asked: impl Fn(&Member) -> bool,
        counts: impl Fn(&System) -> bool,
    ) -> Coverage {
        let with_system: BTreeSet<&str> = self
            .connected
            .iter()
            .filter(|system| counts(system))
            .map(member_of)
            .collect();
        let (connected, missing): (Vec<&Member>, Vec<&Member>) = self
            .members
            .iter()
            .filter(|member| asked(member))
            .partition(|member| with_system.contains(member.code.as_str()));
        Coverage {
            connected: count(connected.iter()),
            registered: count(connected.iter().chain(&missing)),
            missing: missing.into_iter().map(|it| it.code.clone()).collect(),
        }
    }
}

fn member_of(system: &System) -> &str {
    let id = system.id.as_str();
    id.split_once('/').map_or(id, |(member, _)| member)
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |count, _| count + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(code: &str, class: MemberClass, state: State) -> Member {
        Member {
            code: code.to_owned(),
            class: class.into(),
            state: state.into(),
            ..Member::default()
        }
    }

    fn system(id: &str, kind: SystemKind, state: State) -> System {
        System {
            id: id.to_owned(),
            kind: kind.into(),
            state: state.into(),
            ..System::default()
        }
    }

    /// Two provinces and a ministry stand; one province is suspended, another has not connected.
    fn stock() -> Stock {
        use MemberClass::{Ministry, Province};
        use State::{Active, Suspended};
        use SystemKind::{Database, InformationSystem, Lgsp};
        let members = vec![
            member("H26", Province, Active),
            member("G01", Ministry, Active),
            member("H01", Province, Active),
            member("H63", Province, Suspended),
        ];
        let systems = vec![
            system("H26/lgsp", Lgsp, Active),
            system("H26/one-stop", InformationSystem, Suspended),
            system("G01/population", Database, Active),
            system("G01/portal", InformationSystem, Active),
            system("H01/lgsp", Lgsp, Active),
            system("H01/archive", Database, Active),
            system("H63/lgsp", Lgsp, Active),
            system("H99/lgsp", Lgsp, Active),
        ];
        Stock::of(members, systems, |system| system.id != "H01/lgsp")
    }

    #[test]
    fn a_system_is_connected_when_it_and_its_member_are_active_and_it_has_connected() {
        assert_eq!(stock().systems(SystemKind::Lgsp), 1, "H26/lgsp");
        assert_eq!(stock().systems(SystemKind::Database), 2);
        assert_eq!(stock().systems(SystemKind::InformationSystem), 1);
    }

    #[test]
    fn a_member_is_connected_by_any_of_its_systems() {
        let all = stock().members();
        assert_eq!((all.connected, all.registered), (3, 3));
        assert!(all.missing.is_empty());
    }

    #[test]
    fn coverage_names_the_missing_of_its_class() {
        let provinces = stock().members_with_lgsp(MemberClass::Province);
        let wanted = Coverage {
            connected: 1,
            registered: 2,
            missing: vec!["H01".to_owned()],
        };
        assert_eq!(provinces, wanted);
        let ministries = stock().members_with_lgsp(MemberClass::Ministry);
        assert_eq!(ministries.missing, ["G01"], "a database is no LGSP");
        let none = stock().members_with_lgsp(MemberClass::Enterprise);
        assert_eq!((none.connected, none.registered), (0, 0));
    }

    #[test]
    fn nothing_registered_is_nothing_connected() {
        let empty = Stock::of(Vec::new(), Vec::new(), |_| true);
        assert_eq!(empty.members().registered, 0);
        assert_eq!(empty.systems(SystemKind::Lgsp), 0);
    }
}
