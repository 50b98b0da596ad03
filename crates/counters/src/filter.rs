//! Which lines and endings a question is about. All conditions that are set must hold.

use ndxp_model::{Fault, MemberClass, Outcome, Party, SystemKind};

use crate::line::Ending;

/// What row keys show for a name that a refusal left unknown, and for calls of no named method.
pub const DASH: &str = "-";

/// Conditions; one that is `None` matches everything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    pub consumer: Option<Side>,
    pub provider: Option<Side>,
    /// Empty matches calls to a service that nobody offers.
    pub service: Option<String>,
    /// Empty matches calls that are counted under no method's name.
    pub method: Option<String>,
    /// Of the provider's system.
    pub kind: Option<SystemKind>,
    /// Of the consumer's member.
    pub class: Option<MemberClass>,
    pub outcome: Option<Outcome>,
    /// `Some(None)` matches what is nobody's fault.
    pub fault: Option<Option<Fault>>,
}

/// One side of a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Side {
    /// A refusal left it unknown.
    Unknown,
    Party(Party),
}

impl Filter {
    /// Whether any condition is about names: what the totals over all lines cannot answer.
    #[must_use]
    pub const fn is_by_name(&self) -> bool {
        self.consumer.is_some()
            || self.provider.is_some()
            || self.service.is_some()
            || self.method.is_some()
            || self.kind.is_some()
            || self.class.is_some()
    }

    #[must_use]
    pub fn accepts_ending(&self, ending: Ending) -> bool {
        self.outcome.is_none_or(|outcome| outcome == ending.outcome)
            && self.fault.is_none_or(|fault| fault == ending.fault)
    }
}

impl Side {
    #[must_use]
    pub fn covers(&self, system: &str) -> bool {
        match self {
            Self::Unknown => system.is_empty(),
            Self::Party(party) => party.covers(system),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_must_match_both_conditions() {
        let refused = Ending {
            outcome: Outcome::Refused,
            fault: Some(Fault::Consumer),
        };
        for (outcome, fault, accepted) in [
            (None, None, true),
            (Some(Outcome::Refused), None, true),
            (None, Some(Some(Fault::Consumer)), true),
            (Some(Outcome::Refused), Some(Some(Fault::Consumer)), true),
            (Some(Outcome::Completed), None, false),
            (Some(Outcome::Refused), Some(Some(Fault::Hub)), false),
            (None, Some(None), false),
        ] {
            let filter = Filter {
                outcome,
                fault,
                ..Filter::default()
            };
            assert_eq!(filter.accepts_ending(refused), accepted, "{filter:?}");
            assert!(!filter.is_by_name());
        }
    }

    #[test]
    fn a_side_covers_its_systems_and_the_unknown_covers_none() {
        for (side, system, covers) in [
            (Side::Unknown, "", true),
            (Side::Unknown, "H26/lgsp", false),
            (Side::Party("H26".parse().unwrap()), "H26/lgsp", true),
            (Side::Party("H26".parse().unwrap()), "", false),
            (Side::Party("H26/lgsp".parse().unwrap()), "H26/other", false),
        ] {
            assert_eq!(side.covers(system), covers, "{side:?} {system}");
        }
    }
}
