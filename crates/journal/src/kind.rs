//! What an entry is, known without decoding it.

use std::fmt;

use ndxp_proto::journal::v1::entry::Body;

/// The set member of `Entry.body`; the number is its tag in the contract and in frames.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Kind {
    Opened = 3,
    Closed = 4,
    RegistryChanged = 5,
    SystemConnected = 6,
    HubStarted = 7,
    HubStopped = 8,
    RegistryRefused = 9,
    BaselineImported = 10,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Opened,
        Self::Closed,
        Self::RegistryChanged,
        Self::SystemConnected,
        Self::HubStarted,
        Self::HubStopped,
        Self::RegistryRefused,
        Self::BaselineImported,
    ];

    #[must_use]
    pub const fn of(body: &Body) -> Self {
        match body {
            Body::Opened(_) => Self::Opened,
            Body::Closed(_) => Self::Closed,
            Body::RegistryChanged(_) => Self::RegistryChanged,
            Body::SystemConnected(_) => Self::SystemConnected,
            Body::HubStarted(_) => Self::HubStarted,
            Body::HubStopped(_) => Self::HubStopped,
            Body::RegistryRefused(_) => Self::RegistryRefused,
            Body::BaselineImported(_) => Self::BaselineImported,
        }
    }

    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::RegistryChanged => "registry_changed",
            Self::SystemConnected => "system_connected",
            Self::HubStarted => "hub_started",
            Self::HubStopped => "hub_stopped",
            Self::RegistryRefused => "registry_refused",
            Self::BaselineImported => "baseline_imported",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1;

    use super::*;

    #[test]
    fn a_kinds_number_is_the_tag_of_its_member() {
        let bodies = [
            Body::Opened(v1::TransactionOpened::default()),
            Body::Closed(v1::TransactionClosed::default()),
            Body::RegistryChanged(v1::RegistryChanged::default()),
            Body::SystemConnected(v1::SystemConnected::default()),
            Body::HubStarted(v1::HubStarted::default()),
            Body::HubStopped(v1::HubStopped::default()),
            Body::RegistryRefused(v1::RegistryRefused::default()),
            Body::BaselineImported(v1::BaselineImported::default()),
        ];
        for (body, kind) in bodies.iter().zip(Kind::ALL) {
            let mut bytes = Vec::new();
            body.encode(&mut bytes);
            assert_eq!(Kind::of(body), kind);
            assert_eq!(Kind::from_number(bytes[0] >> 3), Some(kind), "{kind}");
        }
        assert_eq!(Kind::from_number(2), None);
        assert_eq!(Kind::from_number(11), None);
    }
}
