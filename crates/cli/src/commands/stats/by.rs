//! What counts can be broken down by, as people name it.

use ndxp_proto::statistics::v1::Dimension;

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum By {
    /// Consumer system, provider system and service
    Connection,
    /// System that calls
    Consumer,
    /// System that is called
    Provider,
    /// Member whose system calls
    ConsumerMember,
    /// Member whose system is called
    ProviderMember,
    /// gRPC service
    Service,
    /// gRPC service and method; `-` where no provider has answered such a call yet
    Method,
    /// Kind of the provider's system
    Kind,
    /// Class of the consumer's member: province, ministry, agency or enterprise
    Class,
    /// How the call ended
    Outcome,
    /// The side that an error is owed to
    Fault,
    /// Local hour
    Hour,
    /// Local day
    Day,
    /// ISO week, from Monday on
    Week,
    /// Local month
    Month,
}

impl By {
    pub fn dimension(self) -> Dimension {
        match self {
            Self::Connection => Dimension::Connection,
            Self::Consumer => Dimension::Consumer,
            Self::Provider => Dimension::Provider,
            Self::ConsumerMember => Dimension::ConsumerMember,
            Self::ProviderMember => Dimension::ProviderMember,
            Self::Service => Dimension::Service,
            Self::Method => Dimension::Method,
            Self::Kind => Dimension::Kind,
            Self::Class => Dimension::Class,
            Self::Outcome => Dimension::Outcome,
            Self::Fault => Dimension::Fault,
            Self::Hour => Dimension::Hour,
            Self::Day => Dimension::Day,
            Self::Week => Dimension::Week,
            Self::Month => Dimension::Month,
        }
    }

    /// Whether each row is a part of the period.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Day | Self::Week | Self::Month)
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// What is written in `--by` is what the output says.
    #[test]
    fn every_dimension_of_the_contract_can_be_named() {
        let mut named: Vec<i32> = Vec::new();
        for by in By::value_variants() {
            let word = by.to_possible_value().unwrap();
            let dimension = by.dimension();
            assert_eq!(
                ndxp_report::dimension_name(dimension),
                Some(word.get_name())
            );
            named.push(dimension.into());
        }
        named.sort_unstable();
        let all = (1..).take_while(|number| Dimension::try_from(*number).is_ok());
        assert_eq!(named, all.collect::<Vec<_>>());
    }
}
