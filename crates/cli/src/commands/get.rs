//! `ndxp get`: what stands in the registry, now or as it stood.

mod coverage;
pub mod listing;

use clap::Args;
use ndxp_model::{Clock as _, SystemClock, Zone};
use ndxp_proto::registry::v1::{GetCoverageRequest, ListRequest};
use tonic::transport::Channel;

use crate::act::registry_client;
use crate::concern::Concern;
use crate::failure::Failure;
use crate::offline::DataDirectory;
use crate::output::{Format, Output};
use crate::source::{Origin, Source};
use crate::when;

use listing::{Listing, Live};

/// Lists members, systems, services or grants, or says who is connected and who is missing
///
/// Registered means active. Connected means active, and with a system that has completed a health
/// handshake or a transaction.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Get {
    /// What to list
    #[arg(value_enum)]
    items: Items,

    /// The registry as it stood at the end of this month or date, or at this local hour
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// Only what concerns this member: its systems, their services, and grants to and from them
    ///
    /// The member's code, or an old form of it such as 000.00.00.H26.
    #[arg(
        long,
        value_name = "CODE",
        default_value = "",
        hide_default_value = true
    )]
    member: String,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp get systems
  ndxp get grants -o json
  ndxp get members --as-of 2022-07-22
  ndxp get coverage --as-of 2022-07-22
  ndxp get grants --member H26
  ndxp get services --data /var/lib/ndxp";

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Items {
    /// Organisations
    Members,
    /// What they run: LGSPs, databases, information systems
    Systems,
    /// gRPC services that systems offer
    Services,
    /// Who may call what
    Grants,
    /// How many are connected of those who could be, by class and kind, and who is missing
    Coverage,
}

impl Get {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let request = ListRequest {
            as_of_us: when::as_of_us(self.as_of.as_deref(), &zone)?,
            member: self.member,
        };
        let listing = match origin {
            Origin::Hub(channel) => ask(channel, self.items, request).await?,
            Origin::Data(data) => fold(&data, self.items, &request)?,
        };
        print(&listing, self.output, &zone)
    }
}

async fn ask(channel: Channel, items: Items, request: ListRequest) -> Result<Listing, Failure> {
    let mut client = registry_client(channel);
    Ok(match items {
        Items::Members => {
            Listing::Members(client.list_members(request).await?.into_inner().members)
        }
        Items::Systems => {
            let response = client.list_systems(request).await?.into_inner();
            let live = Live {
                certificates: response.certificates_valid_until_us,
                circuits: response.circuits,
            };
            Listing::Systems(response.systems, live)
        }
        Items::Services => {
            Listing::Services(client.list_services(request).await?.into_inner().services)
        }
        Items::Grants => Listing::Grants(client.list_grants(request).await?.into_inner().grants),
        Items::Coverage => {
            let as_of_us = request.as_of_us;
            let request = GetCoverageRequest { as_of_us };
            Listing::Coverage(client.get_coverage(request).await?.into_inner())
        }
    })
}

fn fold(data: &DataDirectory, items: Items, request: &ListRequest) -> Result<Listing, Failure> {
    let registry = data.registry(request.as_of_us)?;
    let concern = Concern::of(&registry, &request.member)?;
    Ok(match items {
        Items::Members => Listing::Members(concern.members(registry.members())),
        Items::Systems => Listing::Systems(concern.systems(registry.systems()), Live::default()),
        Items::Services => Listing::Services(concern.services(registry.services())),
        Items::Grants => Listing::Grants(concern.grants(registry.grants())),
        Items::Coverage => Listing::Coverage(data.coverage(&registry, request.as_of_us)?),
    })
}

fn print(listing: &Listing, format: Format, zone: &Zone) -> Result<(), Failure> {
    let mut output = Output::open();
    match format {
        Format::Table => output.line(listing.table(zone, SystemClock.now()))?,
        Format::Json => output.json(&listing.records())?,
    }
    output.flush()
}
