//! `ndxp baseline list`: what was taken over, when, by whom and from where.

use clap::Args;
use ndxp_baseline::{Balance, balances};
use ndxp_model::Zone;
use ndxp_proto::journal::v1::BaselineImported;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{ImportedBaseline, ListBaselinesRequest};
use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::connect::MESSAGE_BYTES_MAX;
use crate::failure::Failure;
use crate::output::{Format, Output, table, trimmed};
use crate::source::{Origin, Source};
use crate::when;

/// Lists what was imported: one line for each number, under its import
///
/// An import is one entry of the journal, and is named by its sequence.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct List {
    /// Only the imports, without their numbers
    #[arg(long)]
    brief: bool,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp baseline list --brief
  ndxp baseline list -o json
  ndxp baseline list --data /var/lib/ndxp";

impl List {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let imports = match origin {
            Origin::Hub(channel) => listed(channel).await?,
            Origin::Data(data) => data.baselines()?,
        };
        let mut output = Output::open();
        if self.output == Format::Json {
            let records: Vec<_> = imports.iter().map(|it| self.record(it)).collect();
            output.json(&records)?;
            return output.flush();
        }
        for (place, imported) in imports.iter().enumerate() {
            if place > 0 && !self.brief {
                output.line("")?;
            }
            let baseline = imported.baseline.clone().unwrap_or_default();
            output.line(head(imported, &baseline, &zone))?;
            if !self.brief {
                output.line(numbers(&baseline))?;
            }
        }
        output.flush()
    }

    fn record(&self, imported: &ImportedBaseline) -> Value {
        let baseline = imported.baseline.clone().unwrap_or_default();
        let digest = baseline.file_sha256.iter().map(|it| format!("{it:02x}"));
        let mut record = json!({
            "sequence": imported.sequence,
            "at": when::utc(imported.committed_at_us),
            "actor": baseline.actor,
            "note": baseline.note,
            "file": baseline.file,
            "file_sha256": digest.collect::<String>(),
            "count": baseline.rows.len(),
        });
        if let (false, Some(record)) = (self.brief, record.as_object_mut()) {
            let balances = balances(&baseline)
                .map(|balance| number(&balance))
                .collect();
            record.insert("balances".to_owned(), balances);
        }
        record
    }
}

/// The hub's imports, those of the last moment included.
pub async fn listed(channel: Channel) -> Result<Vec<ImportedBaseline>, Failure> {
    let mut client =
        StatisticsServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let response = client.list_baselines(ListBaselinesRequest {}).await?;
    Ok(response.into_inner().baselines)
}

/// `7 2022-07-01 00:00:00.000 operator/a · before.csv · 3 balances: why`.
fn head(imported: &ImportedBaseline, baseline: &BaselineImported, zone: &Zone) -> String {
    let rows = baseline.rows.len();
    let plural = if rows == 1 { "" } else { "s" };
    let mut head = format!(
        "{} {} {} · {} · {rows} balance{plural}",
        imported.sequence,
        when::local(imported.committed_at_us, zone),
        baseline.actor,
        baseline.file,
    );
    if !baseline.note.is_empty() {
        head.push_str(&format!("\n  because: {}", baseline.note));
    }
    head
}

fn numbers(baseline: &BaselineImported) -> String {
    let headings = [
        "PERIOD", "CONSUMER", "PROVIDER", "SERVICE", "MEASURE", "SOURCE", "VALUE",
    ];
    let mut table = table(&headings, headings.len() - 1);
    for balance in balances(baseline) {
        let names = balance.connection.cloned().unwrap_or_default();
        let dash = |name: String| {
            if name.is_empty() {
                "-".to_owned()
            } else {
                name
            }
        };
        table.add_row([
            balance.span.to_string(),
            dash(names.consumer),
            dash(names.provider),
            dash(names.service),
            balance.measure.to_owned(),
            balance.source.to_owned(),
            balance.value.to_string(),
        ]);
    }
    trimmed(&table)
}

fn number(balance: &Balance<'_>) -> Value {
    let mut record = json!({
        "period": balance.span.to_string(),
        "from": balance.span.from.map(|day| day.to_string()),
        "through": balance.span.to.map(|day| day.before().to_string()),
        "measure": balance.measure,
        "value": balance.value,
        "source": balance.source,
    });
    if let (Some(names), Some(record)) = (balance.connection, record.as_object_mut()) {
        for (name, value) in [
            ("consumer", &names.consumer),
            ("provider", &names.provider),
            ("service", &names.service),
        ] {
            record.insert(name.to_owned(), value.as_str().into());
        }
    }
    record
}
