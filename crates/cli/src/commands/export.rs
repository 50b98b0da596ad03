//! `ndxp export`: what stands, as a file that `ndxp apply` takes back.

use clap::Args;
use ndxp_proto::registry::v1::{Catalogue, ExportRequest};
use ndxp_registry::{CatalogueFormat, write_catalogue};
use serde_json::{Value, json};

use crate::act::registry_client;
use crate::commands::get::listing::{Listing, Live};
use crate::failure::Failure;
use crate::output::Output;
use crate::source::{Origin, Source};
use crate::when;

/// Writes what stands in the registry as a catalogue: applying it again changes nothing
///
/// Members, systems and services, and the grants that are active. What has been asked for or has
/// ended stays in the journal: see `ndxp access list` and `ndxp audit`.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Export {
    /// The registry as it stood at the end of this month or date, or at this local hour
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// Form of the file
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp export > catalogue.toml
  ndxp export -o yaml --as-of 2022-07-22
  ndxp export | ndxp apply --dry-run -f -";

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
enum Form {
    #[default]
    Toml,
    Yaml,
    /// The records of `ndxp get -o json`, for programs
    Json,
}

impl Export {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let as_of_us = when::as_of_us(self.as_of.as_deref(), &zone)?;
        let (catalogue, watermark) = match origin {
            Origin::Hub(channel) => {
                let request = ExportRequest { as_of_us };
                let response = registry_client(channel).export(request).await?.into_inner();
                (response.catalogue.unwrap_or_default(), response.watermark)
            }
            Origin::Data(data) => {
                let registry = data.registry(as_of_us)?;
                (registry.export(), registry.watermark().get())
            }
        };
        let format = match self.output {
            Form::Toml => CatalogueFormat::Toml,
            Form::Yaml => CatalogueFormat::Yaml,
            Form::Json => {
                let mut output = Output::open();
                output.json(&record(catalogue, watermark))?;
                return output.flush();
            }
        };
        let heading = format!("# The registry as of sequence {watermark} of the journal.\n\n");
        Output::open().text(&(heading + &write_catalogue(&catalogue, format)))
    }
}

fn record(catalogue: Catalogue, watermark: u64) -> Value {
    let Catalogue {
        members,
        systems,
        services,
        grants,
    } = catalogue;
    json!({
        "members": Listing::Members(members).records(),
        "systems": Listing::Systems(systems, Live::default()).records(),
        "services": Listing::Services(services).records(),
        "grants": Listing::Grants(grants).records(),
        "watermark": watermark,
    })
}
