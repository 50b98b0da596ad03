//! Who calls what with which ending how often in the month: the nation's traffic cut into
//! strands, exactly.

use ndxp_model::{Connection, Fault, GrantId, Outcome, Reason, ServiceName, SystemId};
use ndxp_proto::journal::v1;

use super::shape::Shape;
use super::share::Spread;
use super::volume::Volume;
use crate::Method;
use crate::mixed::mixed;
use crate::nation::{Link, Nation};

mod documents;
mod refusals;
mod split;

/// How a strand's calls end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    Completed,
    ProviderError,
    Cancelled,
    /// The hub ended it, for this reason.
    Hub(Reason),
}

/// Calls of one method on one connection that end alike.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    /// As the call names it; parts that it does not name are empty.
    pub connection: v1::Connection,
    /// Whether somebody offers the service: what nobody offers is told and not counted.
    pub offered: bool,
    pub method: String,
    /// Empty when the call was refused before it had one.
    pub grant: String,
    /// Code of the consumer's member.
    pub member: String,
    pub ending: Ending,
    pub test: bool,
    pub shape: Shape,
    /// In the whole month.
    pub calls: u64,
    pub measures: Vec<Measure>,
}

/// What a strand's calls declare in sum. Each call states its part.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    pub name: &'static str,
    pub total: u64,
    /// Every value is a multiple of it.
    pub unit: u64,
    /// The value is among the call's rows.
    pub rows: bool,
}

impl Ending {
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Completed => Outcome::Completed,
            Self::ProviderError => Outcome::ProviderError,
            Self::Cancelled => Outcome::Cancelled,
            Self::Hub(reason) => reason.meaning().outcome,
        }
    }

    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Completed => None,
            Self::ProviderError => Some(Fault::Provider),
            Self::Cancelled => Some(Fault::Consumer),
            Self::Hub(reason) => Some(reason.meaning().fault),
        }
    }

    /// Refused calls are closed without having been opened.
    pub fn is_opened(self) -> bool {
        self.outcome() != Outcome::Refused
    }
}

impl Strand {
    fn of(link: &Link, ending: Ending, calls: u64) -> Self {
        let connection = Connection {
            consumer: link.consumer.clone(),
            provider: link.provider.clone(),
            service: link.method.service(),
        };
        Self {
            grant: GrantId::of(&connection).to_string(),
            connection: v1::Connection {
                consumer: connection.consumer.to_string(),
                provider: connection.provider.to_string(),
                service: connection.service.to_string(),
            },
            offered: true,
            method: link.method.name().to_owned(),
            member: link.consumer.member().to_string(),
            ending,
            test: false,
            shape: Shape::of(link.method),
            calls,
            measures: Vec::new(),
        }
    }

    /// A call that was refused before it had a grant, as far as it told whom it was for.
    fn refused(
        consumer: &SystemId,
        provider: Option<&SystemId>,
        service: &ServiceName,
        method: &str,
        reason: Reason,
    ) -> Self {
        Self {
            connection: v1::Connection {
                consumer: consumer.to_string(),
                provider: provider.map(ToString::to_string).unwrap_or_default(),
                service: service.to_string(),
            },
            offered: reason != Reason::UnknownService,
            method: method.to_owned(),
            grant: String::new(),
            member: consumer.member().to_string(),
            ending: Ending::Hub(reason),
            test: false,
            shape: Shape::of(Method::GetList),
            calls: 0,
            measures: Vec::new(),
        }
    }
}

impl Measure {
    /// What call number `call` of `calls` states, from 0: near the average, the sum of all being
    /// the total.
    pub fn value(&self, call: u64, calls: u64) -> u64 {
        (self.before(call + 1, calls) - self.before(call, calls)) * self.unit
    }

    /// What the calls before this one state together, in units.
    fn before(&self, call: u64, calls: u64) -> u64 {
        let units = self.total / self.unit.max(1);
        let even = Spread {
            total: units,
            whole: calls,
            offset: 0,
        };
        // An even run, brought out of step by less than the average, so that it never falls.
        let play = (units / calls.max(1)).saturating_sub(1);
        let inside = call > 0 && call < calls;
        even.before(call)
            + if inside {
                mixed(units, call) % (play + 1)
            } else {
                0
            }
    }
}

/// All strands that have calls. Their calls sum to the volume, ending by ending.
pub(super) fn strands(nation: &Nation, volume: &Volume) -> Vec<Strand> {
    let mut strands = documents::strands(nation, volume);
    strands.extend(split::paid_and_declared(nation, volume));
    let taken: u64 = strands.iter().map(|strand| strand.calls).sum();
    let completed = (volume.answered - volume.provider_errors).saturating_sub(taken);
    strands.extend(split::ordinary(nation, completed));
    strands.extend(split::unanswered(nation, volume));
    strands.extend(refusals::strands(nation, volume.refused));
    strands.retain(|strand| strand.calls > 0);
    strands
}

#[cfg(test)]
mod tests;
