//! Which transactions are wanted: the same conditions for a hub and for a data directory.

use clap::Args;
use ndxp_model::{Outcome, Party, ServiceName};
use ndxp_proto::journal::v1::{self as wire, Connection, TransactionFilter};

/// All conditions that are given must hold.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only calls of this system (H26/lgsp), or of all systems of this member (H26)
    #[arg(long, value_name = "MEMBER[/SYSTEM]")]
    consumer: Option<Party>,

    /// Only calls to this system (G01/population), or to all systems of this member (G01)
    #[arg(long, value_name = "MEMBER[/SYSTEM]")]
    provider: Option<Party>,

    /// Only calls of this gRPC service, by its full name
    #[arg(long, value_name = "SERVICE")]
    service: Option<ServiceName>,

    /// Only calls that ended so: completed, provider_error, refused, unreachable, timed_out,
    /// cancelled or interrupted
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Outcome>,
}

impl Filter {
    pub fn to_proto(&self) -> TransactionFilter {
        TransactionFilter {
            consumer: self.consumer.as_ref().map(text).unwrap_or_default(),
            provider: self.provider.as_ref().map(text).unwrap_or_default(),
            service: self
                .service
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            outcome: self
                .outcome
                .map_or(0, |outcome| i32::from(outcome.number())),
        }
    }

    /// Whether a settled transaction is wanted.
    pub fn matches(&self, connection: &Connection, outcome: wire::Outcome) -> bool {
        let covers = |party: &Option<Party>, system: &str| {
            party.as_ref().is_none_or(|party| party.covers(system))
        };
        let service = self.service.as_ref();
        covers(&self.consumer, &connection.consumer)
            && covers(&self.provider, &connection.provider)
            && service.is_none_or(|service| service.as_str() == connection.service)
            && self
                .outcome
                .is_none_or(|wanted| i32::from(wanted.number()) == i32::from(outcome))
    }
}

fn text(party: &Party) -> String {
    match party {
        Party::Member(code) => code.to_string(),
        Party::System(id) => id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_that_is_given_must_hold() {
        let connection = Connection {
            consumer: "H26/lgsp".to_owned(),
            provider: "G01/population".to_owned(),
            service: "a.v1.Population".to_owned(),
        };
        let rows: [(&str, &str, &str, &str, bool); 9] = [
            ("", "", "", "", true),
            ("H26", "", "", "", true),
            (
                "H26/lgsp",
                "G01/population",
                "a.v1.Population",
                "refused",
                true,
            ),
            ("H27", "", "", "", false),
            ("H26/other", "", "", "", false),
            ("", "G02", "", "", false),
            ("", "", "a.v1.Other", "", false),
            ("", "", "", "completed", false),
            ("H26", "G01", "a.v1.Population", "completed", false),
        ];
        for (consumer, provider, service, outcome, wanted) in rows {
            let filter = Filter {
                consumer: consumer.parse().ok(),
                provider: provider.parse().ok(),
                service: service.parse().ok(),
                outcome: outcome.parse().ok(),
            };
            let matches = filter.matches(&connection, wire::Outcome::Refused);
            assert_eq!(matches, wanted, "{consumer} {provider} {service} {outcome}");
            assert_eq!(filter.to_proto().consumer, consumer);
        }
    }
}
