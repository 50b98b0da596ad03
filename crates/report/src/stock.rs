//! Stocks: what was connected at the cut-off. Connected means registered, active (the system and
//! its member), and at least one transaction or health handshake completed by then.

use std::collections::BTreeSet;

use ndxp_counters::Names;
use ndxp_proto::registry::v1::{Member, MemberClass, State, System, SystemKind};

/// What the registry held at the cut-off, and which of its systems had answered or called.
pub(crate) struct Stock {
    /// Active members: code and class.
    members: BTreeSet<(String, MemberClass)>,
    /// Active systems of active members that had connected: member, id and kind.
    connected: BTreeSet<(String, String, SystemKind)>,
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
    /// `successors` maps members and systems to those who carry on for them, where that is asked.
    pub(crate) fn of(
        members: Vec<Member>,
        systems: Vec<System>,
        has_connected: impl Fn(&System) -> bool,
        successors: Option<&dyn Names>,
    ) -> Self {
        let member_name = |code: &str| {
            successors.map_or_else(|| code.to_owned(), |names| names.member_successor(code))
        };
        let system_name =
            |id: &str| successors.map_or_else(|| id.to_owned(), |names| names.system_successor(id));
        let mut members = members;
        members.retain(|member| member.state() == State::Active);
        let active: BTreeSet<&str> = members.iter().map(|member| member.code.as_str()).collect();
        let is_connected = |system: &&System| {
            system.state() == State::Active
                && active.contains(member_of(system))
                && has_connected(system)
        };
        let connected = systems.iter().filter(is_connected).map(|system| {
            let member = member_name(member_of(system));
            (member, system_name(&system.id), system.kind())
        });
        let members_of = |member: &Member| (member_name(&member.code), member.class());
        Self {
            connected: connected.collect(),
            members: members.iter().map(members_of).collect(),
        }
    }

    /// Connected systems of every kind.
    pub(crate) fn all_systems(&self) -> u64 {
        count(self.connected.iter())
    }

    /// Connected systems of one kind.
    pub(crate) fn systems(&self, kind: SystemKind) -> u64 {
        let of_kind = self.connected.iter().filter(|(_, _, found)| *found == kind);
        count(of_kind)
    }

    /// All members with a connected system of any kind.
    pub(crate) fn members(&self) -> Coverage {
        self.coverage(|_| true, |_| true)
    }

    /// Members of one class with a connected LGSP.
    pub(crate) fn members_with_lgsp(&self, class: MemberClass) -> Coverage {
        self.coverage(|found| found == class, |kind| kind == SystemKind::Lgsp)
    }

    fn coverage(
        &self,
        asked: impl Fn(MemberClass) -> bool,
        counts: impl Fn(SystemKind) -> bool,
    ) -> Coverage {
        let of_kind = self.connected.iter().filter(|(_, _, kind)| counts(*kind));
        let with_system: BTreeSet<&str> = of_kind.map(|(member, _, _)| member.as_str()).collect();
        let of_class = self.members.iter().filter(|(_, class)| asked(*class));
        let codes: BTreeSet<&str> = of_class.map(|(code, _)| code.as_str()).collect();
        let missing = codes.difference(&with_system);
        Coverage {
            connected: count(codes.intersection(&with_system)),
            registered: count(codes.iter()),
            missing: missing.map(|code| (*code).to_owned()).collect(),
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
    use ndxp_counters::{NameSort, NoNames};

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
        Stock::of(members, systems, |system| system.id != "H01/lgsp", None)
    }

    #[test]
    fn a_system_is_connected_when_it_and_its_member_are_active_and_it_has_connected() {
        assert_eq!(stock().systems(SystemKind::Lgsp), 1, "H26/lgsp");
        assert_eq!(stock().systems(SystemKind::Database), 2);
        assert_eq!(stock().systems(SystemKind::InformationSystem), 1);
        assert_eq!(stock().all_systems(), 4);
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
        let empty = Stock::of(Vec::new(), Vec::new(), |_| true, None);
        assert_eq!(empty.members().registered, 0);
        assert_eq!(empty.systems(SystemKind::Lgsp), 0);
    }

    /// H02 and H54 have closed for H26 since: asked by successor, they count as it.
    struct Merged;

    impl Names for Merged {
        fn member_successor(&self, member: &str) -> String {
            match member {
                "H02" | "H54" => "H26".to_owned(),
                other => other.to_owned(),
            }
        }

        fn system_successor(&self, system: &str) -> String {
            match system.split_once('/') {
                Some((member, name)) => format!("{}/{name}", self.member_successor(member)),
                None => system.to_owned(),
            }
        }

        fn kind(&self, system: &str) -> Option<ndxp_model::SystemKind> {
            NoNames.kind(system)
        }

        fn class(&self, member: &str) -> Option<ndxp_model::MemberClass> {
            NoNames.class(member)
        }

        fn title(&self, party: &str) -> Option<String> {
            NoNames.title(party)
        }

        fn knows(&self, sort: NameSort, name: &str) -> bool {
            NoNames.knows(sort, name)
        }

        fn all(&self, sort: NameSort) -> Vec<String> {
            NoNames.all(sort)
        }
    }

    #[test]
    fn by_successor_members_that_merged_later_are_one() {
        use SystemKind::Lgsp;
        let of = |successors: Option<&dyn Names>, connected: &'static [&str]| {
            let codes = ["H02", "H26", "H54", "H63"];
            let province = |code| member(code, MemberClass::Province, State::Active);
            let lgsp = |code| system(&format!("{code}/lgsp"), Lgsp, State::Active);
            Stock::of(
                codes.map(province).to_vec(),
                codes.map(lgsp).to_vec(),
                |system| connected.contains(&system.id.as_str()),
                successors,
            )
        };
        let two = &["H02/lgsp", "H54/lgsp"];
        let as_it_was = of(None, two).members_with_lgsp(MemberClass::Province);
        assert_eq!((as_it_was.connected, as_it_was.registered), (2, 4));
        assert_eq!(as_it_was.missing, ["H26", "H63"]);
        let merged = of(Some(&Merged), two);
        let provinces = merged.members_with_lgsp(MemberClass::Province);
        assert_eq!((provinces.connected, provinces.registered), (1, 2));
        assert_eq!(provinces.missing, ["H63"]);
        assert_eq!(merged.systems(Lgsp), 1);
    }
}
