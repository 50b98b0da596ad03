//! What a question needs to know of names, and the counters do not: whoever asks brings it.

use ndxp_model::{MemberClass, SystemKind};

/// The names of the registry, as of the asker's choice.
pub trait Names {
    /// Kind of a system (`member/system`), in whatever state it is.
    fn kind(&self, system: &str) -> Option<SystemKind>;

    /// Class of a member, in whatever state it is.
    fn class(&self, member: &str) -> Option<MemberClass>;

    /// Who carries on for the member through all successions; itself while nobody does.
    fn member_successor(&self, member: &str) -> String;

    /// Which system carries on through all successions: by its own, or else the one of the same
    /// name under its member's successor; itself while none does.
    fn system_successor(&self, system: &str) -> String;

    /// Display name of a member or system.
    fn title(&self, party: &str) -> Option<String>;

    /// Whether the name stands, in whatever state.
    fn knows(&self, sort: NameSort, name: &str) -> bool;

    /// Every name of the sort, to find near ones for a name that is not known.
    fn all(&self, sort: NameSort) -> Vec<String>;
}

/// What a name names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NameSort {
    Member,
    System,
    Service,
    /// Within any service.
    Method,
}

impl NameSort {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::System => "system",
            Self::Service => "service",
            Self::Method => "method",
        }
    }
}

/// No registry: no name is known, no class and no kind, and nobody succeeds anybody.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

impl Names for NoNames {
    fn kind(&self, _system: &str) -> Option<SystemKind> {
        None
    }

    fn class(&self, _member: &str) -> Option<MemberClass> {
        None
    }

    fn member_successor(&self, member: &str) -> String {
        member.to_owned()
    }

    fn system_successor(&self, system: &str) -> String {
        system.to_owned()
    }

    fn title(&self, _party: &str) -> Option<String> {
        None
    }

    fn knows(&self, _sort: NameSort, _name: &str) -> bool {
        false
    }

    fn all(&self, _sort: NameSort) -> Vec<String> {
        Vec::new()
    }
}
