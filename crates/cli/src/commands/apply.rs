//! `ndxp apply`: brings the registry to hold what a catalogue says.

use std::path::PathBuf;

use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_proto::registry::v1::{ApplyRequest, Catalogue};

use crate::changes::Changes;
use crate::colour::Colours;
use crate::connect::{MESSAGE_BYTES_MAX, Remote, control};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Registers members, systems, services and grants from a catalogue, and prints what changes
///
/// Items that the catalogue does not name stay as they are. All of it takes effect, or none.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Apply {
    /// The catalogue, TOML; `ndxp init` writes an example
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Why; written into the journal with the change
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    remote: Remote,
}

const EXAMPLES: &str = "\
Examples:
  ndxp apply -f catalogue.toml --dry-run
  ndxp apply -f catalogue.toml --note 'Thanh Hóa joins, by letter 12/2022'";

impl Apply {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.remote.load()?;
        let catalogue = self.read(&config.hub.zone)?;
        let channel = control(&config).await?;
        let request = ApplyRequest {
            catalogue: Some(catalogue),
            dry_run: self.dry_run,
            note: self.note,
            prune: false,
        };
        let mut client = RegistryServiceClient::new(channel)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let response = client.apply(request).await?.into_inner();
        let changes = Changes {
            differences: &response.differences,
            sequence: response.sequence,
            dry_run: self.dry_run,
        };
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(changes.text(Colours::of_stdout()))?,
            Format::Json => output.json(&changes.record())?,
        }
        output.flush()
    }

    /// Everything that the file alone shows to be wrong is said before the hub is asked.
    fn read(&self, zone: &Zone) -> Result<Catalogue, Failure> {
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file).map_err(|error| {
            Failure::usage(format_args!("{name}: cannot be read: {error}"))
                .remedy("name a catalogue with -f; `ndxp init` writes an example")
        })?;
        ndxp_registry::parse_catalogue(&name, &text, zone).map_err(Failure::usage)
    }
}
