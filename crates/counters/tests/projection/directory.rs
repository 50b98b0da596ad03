//! A registry for questions: who is what, and who carries on for whom.

use ndxp_counters::{NameSort, Names};
use ndxp_model::{MemberClass, SystemKind};

use crate::recount::kind_of;

/// A province that has merged into another, an enterprise without class, systems of every kind.
pub struct Directory;

impl Names for Directory {
    fn kind(&self, system: &str) -> Option<SystemKind> {
        kind_of(system)
    }

    fn class(&self, member: &str) -> Option<MemberClass> {
        match member {
            "H26" | "H27" => Some(MemberClass::Province),
            "G15" => Some(MemberClass::Ministry),
            _ => None,
        }
    }

    fn member_successor(&self, member: &str) -> String {
        match member {
            "H26.12" | "H26" => "H27",
            other => other,
        }
        .to_owned()
    }

    /// One system has a successor of its own, of another name.
    fn system_successor(&self, system: &str) -> String {
        match system.split_once('/') {
            _ if system == "H26/one-stop" => "H27/portal".to_owned(),
            Some((member, name)) => format!("{}/{name}", self.member_successor(member)),
            None => system.to_owned(),
        }
    }

    fn title(&self, _party: &str) -> Option<String> {
        None
    }

    fn knows(&self, sort: NameSort, name: &str) -> bool {
        self.all(sort).iter().any(|known| known == name)
    }

    fn all(&self, sort: NameSort) -> Vec<String> {
        let names: &[&str] = match sort {
            NameSort::Member => &["H26", "H26.12", "H27", "H63", "G15", "G01", "G24"],
            NameSort::System => &[
                "H26/lgsp",
                "H27/lgsp",
                "H27/portal",
                "G15/civil-status",
                "G24/insurance",
            ],
            NameSort::Service => &["gov.Land", "gov.Card"],
            NameSort::Method => &["Find", "Check"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}
