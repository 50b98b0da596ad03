//! What the rows of a breakdown are keyed by.

use std::fmt;

use ndxp_model::{Granularity, Instant, Zone};
use ndxp_proto::statistics::v1;

/// What rows are keyed by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Dimension {
    Connection,
    Consumer,
    Provider,
    Service,
    /// Of the provider's system.
    Kind,
    Outcome,
    Hour,
    Day,
    Month,
    /// Service and method.
    Method,
    Fault,
    /// Of the consumer's member.
    Class,
    /// ISO week.
    Week,
    ConsumerMember,
    ProviderMember,
}

impl Dimension {
    pub const ALL: [Self; 15] = [
        Self::Connection,
        Self::Consumer,
        Self::Provider,
        Self::Service,
        Self::Kind,
        Self::Outcome,
        Self::Hour,
        Self::Day,
        Self::Month,
        Self::Method,
        Self::Fault,
        Self::Class,
        Self::Week,
        Self::ConsumerMember,
        Self::ProviderMember,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Consumer => "consumer",
            Self::Provider => "provider",
            Self::Service => "service",
            Self::Kind => "kind",
            Self::Outcome => "outcome",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Method => "method",
            Self::Fault => "fault",
            Self::Class => "class",
            Self::Week => "week",
            Self::ConsumerMember => "consumer-member",
            Self::ProviderMember => "provider-member",
        }
    }

    /// The contract's dimension; `None` where it asks for the total alone.
    #[must_use]
    pub const fn of(dimension: v1::Dimension) -> Option<Self> {
        Some(match dimension {
            v1::Dimension::Unspecified => return None,
            v1::Dimension::Connection => Self::Connection,
            v1::Dimension::Consumer => Self::Consumer,
            v1::Dimension::Provider => Self::Provider,
            v1::Dimension::Service => Self::Service,
            v1::Dimension::Kind => Self::Kind,
            v1::Dimension::Outcome => Self::Outcome,
            v1::Dimension::Hour => Self::Hour,
            v1::Dimension::Day => Self::Day,
            v1::Dimension::Month => Self::Month,
            v1::Dimension::Method => Self::Method,
            v1::Dimension::Fault => Self::Fault,
            v1::Dimension::Class => Self::Class,
            v1::Dimension::Week => Self::Week,
            v1::Dimension::ConsumerMember => Self::ConsumerMember,
            v1::Dimension::ProviderMember => Self::ProviderMember,
        })
    }

    /// Whether rows are stretches of time.
    #[must_use]
    pub const fn is_by_time(self) -> bool {
        self.size().is_some()
    }

    /// Whether rows are ways in which calls ended.
    #[must_use]
    pub const fn is_by_ending(self) -> bool {
        matches!(self, Self::Outcome | Self::Fault)
    }

    /// Whether rows are named by who took part.
    #[must_use]
    pub const fn is_by_name(self) -> bool {
        !self.is_by_time() && !self.is_by_ending()
    }

    /// The largest size of bucket of which rows of a breakdown by time can be made.
    pub(crate) const fn size(self) -> Option<Granularity> {
        match self {
            Self::Hour => Some(Granularity::Hour),
            Self::Day | Self::Week => Some(Granularity::Day),
            Self::Month => Some(Granularity::Month),
            _ => None,
        }
    }

    /// Where the row of an instant begins, in a breakdown by time.
    pub(crate) fn start(self, zone: &Zone, at: Instant) -> Option<Instant> {
        match self {
            Self::Week => Some(zone.week(at).from),
            _ => Some(zone.bucket(self.size()?, at).from),
        }
    }

    /// The key of a row that begins there, in a breakdown by time.
    pub(crate) fn label(self, zone: &Zone, start: Instant) -> String {
        match (self, self.size()) {
            (Self::Week, _) => zone.week_label(start),
            (_, size) => zone.label(size.unwrap_or(Granularity::All), start),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
