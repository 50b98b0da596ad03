//! `ndxp apply`: brings the registry to hold what a catalogue says.

use std::path::PathBuf;

use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_proto::registry::v1::{ApplyRequest, ApplyResponse, Catalogue, Difference};
use serde::Serialize;

use crate::connect::{ConfigFile, MESSAGE_BYTES_MAX, control};
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
    config: ConfigFile,
}

const EXAMPLES: &str = "\
Examples:
  ndxp apply -f catalogue.toml --dry-run
  ndxp apply -f catalogue.toml --note 'Thanh Hóa joins, by letter 12/2022'";

impl Apply {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.config.load()?;
        let catalogue = self.read(&config.hub.zone)?;
        let channel = control(&config).await?;
        let request = ApplyRequest {
            catalogue: Some(catalogue),
            dry_run: self.dry_run,
            note: self.note,
        };
        let mut client = RegistryServiceClient::new(channel)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let response = client.apply(request).await?.into_inner();
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(text(&response, self.dry_run))?,
            Format::Json => output.json(&Applied::of(&response, self.dry_run))?,
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

/// The differences as a person reads them: what is new, what changes from what to what.
fn text(response: &ApplyResponse, dry_run: bool) -> String {
    let mut lines = Vec::new();
    for difference in &response.differences {
        lines.extend(lines_of(difference));
    }
    let added = response
        .differences
        .iter()
        .filter(|difference| difference.added)
        .count();
    let changed = response.differences.len() - added;
    lines.push(match (response.differences.is_empty(), dry_run) {
        (true, _) => "nothing to do: the registry holds all of this already".to_owned(),
        (false, true) => format!("{added} would be added, {changed} changed; nothing was done"),
        (false, false) => {
            format!(
                "{added} added, {changed} changed, at sequence {}",
                response.sequence
            )
        }
    });
    lines.join("\n")
}

fn lines_of(difference: &Difference) -> Vec<String> {
    let sign = if difference.added { '+' } else { '~' };
    let mut lines = vec![format!("{sign} {}", difference.item)];
    lines.extend(difference.fields.iter().map(|field| {
        let (name, before, after) = (&field.field, shown(&field.before), shown(&field.after));
        match difference.added {
            true => format!("    {name}: {after}"),
            false => format!("    {name}: {before} → {after}"),
        }
    }));
    lines
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "(none)" } else { value }
}

#[derive(Serialize)]
struct Applied<'a> {
    dry_run: bool,
    /// Journal entry that holds the change; absent when nothing changed.
    sequence: Option<u64>,
    differences: Vec<AppliedDifference<'a>>,
}

#[derive(Serialize)]
struct AppliedDifference<'a> {
    item: &'a str,
    added: bool,
    fields: Vec<AppliedField<'a>>,
}

#[derive(Serialize)]
struct AppliedField<'a> {
    field: &'a str,
    before: &'a str,
    after: &'a str,
}

impl<'a> Applied<'a> {
    fn of(response: &'a ApplyResponse, dry_run: bool) -> Self {
        let difference = |difference: &'a Difference| AppliedDifference {
            item: &difference.item,
            added: difference.added,
            fields: difference
                .fields
                .iter()
                .map(|field| AppliedField {
                    field: &field.field,
                    before: &field.before,
                    after: &field.after,
                })
                .collect(),
        };
        Self {
            dry_run,
            sequence: (response.sequence != 0).then_some(response.sequence),
            differences: response.differences.iter().map(difference).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndxp_proto::registry::v1::FieldDifference;

    use super::*;

    fn response() -> ApplyResponse {
        let field = |field: &str, before: &str, after: &str| FieldDifference {
            field: field.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        ApplyResponse {
            differences: vec![
                Difference {
                    item: "member H26".to_owned(),
                    added: true,
                    fields: vec![field("name_vi", "", "Hà Nội")],
                },
                Difference {
                    item: "system H26/lgsp".to_owned(),
                    added: false,
                    fields: vec![field("endpoints", "", "10.0.0.1:7000")],
                },
            ],
            sequence: 7,
        }
    }

    #[test]
    fn a_change_reads_as_what_stood_and_what_stands() {
        let wanted = "\
+ member H26
    name_vi: Hà Nội
~ system H26/lgsp
    endpoints: (none) → 10.0.0.1:7000
";
        assert_eq!(
            text(&response(), false),
            format!("{wanted}1 added, 1 changed, at sequence 7")
        );
        assert_eq!(
            text(&response(), true),
            format!("{wanted}1 would be added, 1 changed; nothing was done")
        );
        assert_eq!(
            text(&ApplyResponse::default(), false),
            "nothing to do: the registry holds all of this already"
        );
    }
}
