//! `ndxp access list`: requests and grants as a matter between two parties.

use clap::Args;
use comfy_table::Table;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::{Grant, GrantState, ListRequest};

use crate::act::registry_client;
use crate::commands::get::listing::{grant_record, grant_state, validity};
use crate::concern::Concern;
use crate::failure::Failure;
use crate::output::{Format, Output, table, trimmed};
use crate::source::{Origin, Source};
use crate::when;

pub const EXAMPLES: &str = "\
Examples:
  ndxp access list --state requested --as G01-population
  ndxp access list --member H26 --as-of 2022-07-22
  ndxp access list --data /var/lib/ndxp -o json";

#[derive(Args, Debug)]
pub struct List {
    /// Only what one of this member's systems is a side of
    #[arg(
        long,
        value_name = "CODE",
        default_value = "",
        hide_default_value = true
    )]
    member: String,

    /// Only what is in this state; may be repeated
    #[arg(long = "state", value_name = "STATE", value_enum)]
    states: Vec<State>,

    /// As it stood at the end of this month or date, or at this local hour
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum State {
    /// Asked for, not yet decided
    Requested,
    /// Permits calls within its time of validity
    Active,
    /// Asked for and turned down
    Declined,
    /// Ended by one of its sides, or by an operator
    Revoked,
    /// Ended because a later version took its place
    Replaced,
}

impl State {
    fn is(self, state: GrantState) -> bool {
        let own = match self {
            Self::Requested => GrantState::Requested,
            Self::Active => GrantState::Active,
            Self::Declined => GrantState::Declined,
            Self::Revoked => GrantState::Revoked,
            Self::Replaced => GrantState::Replaced,
        };
        own == standing(state)
    }
}

/// Grants of the time before requests hold no state, and are active.
fn standing(state: GrantState) -> GrantState {
    match state {
        GrantState::Unspecified => GrantState::Active,
        state => state,
    }
}

impl List {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let as_of_us = when::as_of_us(self.as_of.as_deref(), &zone)?;
        let request = ListRequest {
            as_of_us,
            member: self.member.clone(),
        };
        let mut grants = match origin {
            Origin::Hub(channel) => {
                let response = registry_client(channel).list_grants(request).await?;
                response.into_inner().grants
            }
            Origin::Data(data) => {
                let registry = data.registry(as_of_us)?;
                Concern::of(&registry, &self.member)?.grants(registry.grants())
            }
        };
        grants.retain(|grant| {
            self.states.is_empty() || self.states.iter().any(|state| state.is(grant.state()))
        });
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(trimmed(&columns(&grants, &zone)))?,
            Format::Json => {
                let records: Vec<_> = grants.iter().map(grant_record).collect();
                output.json(&records)?;
            }
        }
        output.flush()
    }
}

fn columns(grants: &[Grant], zone: &Zone) -> Table {
    const HEADINGS: [&str; 7] = [
        "GRANT",
        "VERSION",
        "STATE",
        "VALID",
        "PURPOSE",
        "REQUESTED BY",
        "DECIDED BY",
    ];
    let mut table = table(&HEADINGS, HEADINGS.len());
    table.add_rows(grants.iter().map(|grant| {
        [
            grant.id.clone(),
            grant.version.max(1).to_string(),
            grant_state(grant),
            validity(grant, zone),
            grant.purpose.clone(),
            grant.requested_by.clone(),
            grant.decided_by.clone(),
        ]
    }));
    table
}
