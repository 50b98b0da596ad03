//! `ndxp get`: what stands in the registry, now or as it stood.

mod listing;

use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::ListRequest;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use tonic::transport::Channel;

use crate::connect::MESSAGE_BYTES_MAX;
use crate::failure::Failure;
use crate::offline::DataDirectory;
use crate::output::{Format, Output};
use crate::source::{Origin, Source};
use crate::when;

use listing::Listing;

/// Lists members, systems, services or grants
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Get {
    /// What to list
    #[arg(value_enum)]
    items: Items,

    /// The registry as it stood at the end of this month or date, or at this local hour
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

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
}

impl Get {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let as_of_us = when::as_of_us(self.as_of.as_deref(), &zone)?;
        let listing = match origin {
            Origin::Hub(channel) => ask(channel, self.items, as_of_us).await?,
            Origin::Data(data) => fold(&data, self.items, as_of_us)?,
        };
        print(&listing, self.output, &zone)
    }
}

async fn ask(channel: Channel, items: Items, as_of_us: i64) -> Result<Listing, Failure> {
    let mut client =
        RegistryServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let request = ListRequest {
        as_of_us,
        ..ListRequest::default()
    };
    Ok(match items {
        Items::Members => {
            Listing::Members(client.list_members(request).await?.into_inner().members)
        }
        Items::Systems => {
            Listing::Systems(client.list_systems(request).await?.into_inner().systems)
        }
        Items::Services => {
            Listing::Services(client.list_services(request).await?.into_inner().services)
        }
        Items::Grants => Listing::Grants(client.list_grants(request).await?.into_inner().grants),
    })
}

fn fold(data: &DataDirectory, items: Items, as_of_us: i64) -> Result<Listing, Failure> {
    let registry = data.registry(as_of_us)?;
    Ok(match items {
        Items::Members => Listing::Members(registry.members()),
        Items::Systems => Listing::Systems(registry.systems()),
        Items::Services => Listing::Services(registry.services()),
        Items::Grants => Listing::Grants(registry.grants()),
    })
}

fn print(listing: &Listing, format: Format, zone: &Zone) -> Result<(), Failure> {
    let mut output = Output::open();
    match format {
        Format::Table => output.line(listing.table(zone))?,
        Format::Json => output.json(&listing.records())?,
    }
    output.flush()
}
