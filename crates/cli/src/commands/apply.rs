//! `ndxp apply`: brings the registry to hold what catalogue files say.

mod files;

use std::path::PathBuf;

use clap::Args;
use ndxp_proto::registry::v1::ApplyRequest;
use ndxp_registry::Parsed;

use crate::act::registry_client;
use crate::changes::Changes;
use crate::colour::Colours;
use crate::connect::{Remote, control};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Registers members, systems, services and grants from catalogues, and prints what changes
///
/// Items that the catalogues do not name stay as they are, unless --prune takes them away. All of
/// it takes effect, or none; what stands already is left alone, so that applying twice changes
/// nothing.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Apply {
    /// A catalogue, TOML or YAML; a folder with such files; or - for TOML on standard input. May
    /// be repeated; `ndxp init` writes an example, `ndxp export` what stands
    #[arg(short, long = "file", value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,

    /// Take away members, systems, services and active grants that the catalogues do not name
    #[arg(long)]
    prune: bool,

    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Why; written into the journal with the change. Needed to suspend, close, revoke or prune
    #[arg(
        long,
        visible_alias = "reason",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
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
  ndxp apply -f catalogue.toml --note 'Thanh Hóa joins, by letter 12/2022'
  ndxp apply -f registry/ --prune --note 'as in the repository' --dry-run
  ndxp export --as-of 2022-07-21 | ndxp apply -f - --note 'back to yesterday'";

impl Apply {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.remote.load()?;
        // Everything that the files alone show to be wrong is said before the hub is asked.
        let Parsed { catalogue, lines } = files::read(&self.files, &config.hub.zone)?;
        let request = ApplyRequest {
            catalogue: Some(catalogue),
            dry_run: self.dry_run,
            note: self.note,
            prune: self.prune,
        };
        let mut client = registry_client(control(&config).await?);
        // What the hub finds wrong beside what stands has its place in the files too.
        let response = client.apply(request).await.map_err(|status| {
            let failure = Failure::from(status);
            let what = lines.placed(&failure.what);
            Failure { what, ..failure }
        })?;
        let response = response.into_inner();
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
}
