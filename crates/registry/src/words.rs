//! The words for the contract's enumerations, as catalogue files and differences write them.

use ndxp_model::{MemberClass, SystemKind};
use ndxp_proto::registry::v1;

pub(crate) const CLASSES: [(&str, v1::MemberClass); 4] = [
    ("province", v1::MemberClass::Province),
    ("ministry", v1::MemberClass::Ministry),
    ("agency", v1::MemberClass::Agency),
    ("enterprise", v1::MemberClass::Enterprise),
];

pub(crate) const STATES: [(&str, v1::State); 5] = [
    ("active", v1::State::Active),
    ("suspended", v1::State::Suspended),
    ("proposed", v1::State::Proposed),
    ("declined", v1::State::Declined),
    ("closed", v1::State::Closed),
];

pub(crate) const GRANT_STATES: [(&str, v1::GrantState); 5] = [
    ("requested", v1::GrantState::Requested),
    ("active", v1::GrantState::Active),
    ("declined", v1::GrantState::Declined),
    ("revoked", v1::GrantState::Revoked),
    ("replaced", v1::GrantState::Replaced),
];

pub(crate) const ACTIONS: [(&str, v1::Action); 5] = [
    ("approve", v1::Action::Approve),
    ("decline", v1::Action::Decline),
    ("suspend", v1::Action::Suspend),
    ("resume", v1::Action::Resume),
    ("close", v1::Action::Close),
];

pub(crate) const KINDS: [(&str, v1::SystemKind); 3] = [
    ("lgsp", v1::SystemKind::Lgsp),
    ("database", v1::SystemKind::Database),
    ("information_system", v1::SystemKind::InformationSystem),
];

/// The word for an enumeration's number; empty for one that has none.
pub(crate) fn word_of<E: Copy + Into<i32>>(
    words: &[(&'static str, E)],
    number: i32,
) -> &'static str {
    words
        .iter()
        .find(|(_, value)| (*value).into() == number)
        .map_or("", |(word, _)| word)
}

/// `province, ministry or agency`.
pub(crate) fn listed<E>(words: &[(&'static str, E)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => words.concat(),
    }
}

pub(crate) fn system_kind(number: i32) -> Option<SystemKind> {
    match v1::SystemKind::try_from(number).ok()? {
        v1::SystemKind::Unspecified => None,
        v1::SystemKind::Lgsp => Some(SystemKind::Lgsp),
        v1::SystemKind::Database => Some(SystemKind::Database),
        v1::SystemKind::InformationSystem => Some(SystemKind::InformationSystem),
    }
}

pub(crate) fn member_class(number: i32) -> Option<MemberClass> {
    match v1::MemberClass::try_from(number).ok()? {
        v1::MemberClass::Unspecified => None,
        v1::MemberClass::Province => Some(MemberClass::Province),
        v1::MemberClass::Ministry => Some(MemberClass::Ministry),
        v1::MemberClass::Agency => Some(MemberClass::Agency),
        v1::MemberClass::Enterprise => Some(MemberClass::Enterprise),
    }
}
