//! `ndxp verify`: recounts the journal and compares every counter.

use clap::Args;
use comfy_table::Table;
use jiff::tz::TimeZone;
use ndxp_model::Zone;
use ndxp_proto::journal::v1::journal_service_client::JournalServiceClient;
use ndxp_proto::journal::v1::{GetPositionRequest, ReadEntriesRequest};
use ndxp_proto::statistics::v1::DumpCountersRequest;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use serde::Serialize;
use tonic::transport::Channel;

use crate::failure::Failure;
use crate::offline::DataDirectory;
use crate::output::{Format, Output, table, trimmed};
use crate::source::{Origin, Source};
use crate::verify::{Check, Finding, Findings, Summary, Verdict};

/// Recounts the journal, and compares every counter with what the recount says
///
/// Reads every entry of the journal with code of its own, checks that the sequence has no gap,
/// that time never runs backwards and that every transaction is opened and closed once, and
/// compares every counter, by connection, outcome, hour, day, month and all time.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Verify {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp verify
  ndxp verify --data /var/lib/ndxp -o json

Exit status: 0 when everything agrees, 1 when anything differs.";

impl Verify {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let verdict = match origin {
            Origin::Hub(channel) => check_hub(channel, &zone).await?,
            Origin::Data(data) => check_data(&data, &zone)?,
        };
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(text(&verdict))?,
            Format::Json => output.json(&Record::of(&verdict))?,
        }
        output.flush()?;
        match verdict.summary.clean {
            true => Ok(()),
            false => Err(Failure::negative()),
        }
    }
}

/// Checks a running hub: the counters as of the journal's present end, or a little beyond it,
/// and every entry up to where those counters stand.
pub async fn check_hub(channel: Channel, zone: &Zone) -> Result<Verdict, Failure> {
    let mut journal = JournalServiceClient::new(channel.clone());
    let mut statistics = StatisticsServiceClient::new(channel);
    let mut check = Check::new(time_zone(zone)?);

    let position = journal
        .get_position(GetPositionRequest {})
        .await?
        .into_inner();
    let at_least_sequence = position.last_sequence;
    let request = DumpCountersRequest { at_least_sequence };
    let mut counters = statistics.dump_counters(request).await?.into_inner();
    while let Some(counter) = counters.message().await? {
        check.stored(counter);
    }
    // A dump without counters tells no watermark; the counters have then reached what was asked.
    let through = check.watermark().unwrap_or(at_least_sequence);
    if through > 0 {
        let request = ReadEntriesRequest {
            first_sequence: 1,
            last_sequence: through,
        };
        let mut entries = journal.read_entries(request).await?.into_inner();
        while let Some(entry) = entries.message().await? {
            check.entry(&entry);
        }
    }
    Ok(check.finish(through))
}

fn check_data(data: &DataDirectory, zone: &Zone) -> Result<Verdict, Failure> {
    let mut check = Check::new(time_zone(zone)?);
    let through = data.dump(&mut |counter| check.stored(counter))?;
    for entry in data.entries(through) {
        check.entry(&entry?);
    }
    Ok(check.finish(through.get()))
}

/// The checker cuts time by its own means: all that it takes over is the zone's name.
fn time_zone(zone: &Zone) -> Result<TimeZone, Failure> {
    TimeZone::get(zone.name()).map_err(Failure::internal)
}

fn text(verdict: &Verdict) -> String {
    let summary = &verdict.summary;
    let mut lines = vec![
        format!(
            "journal   sequences 1 to {}: {} opened, {} closed, {} turned away, {} in flight",
            summary.last_sequence,
            summary.opened,
            summary.closed,
            summary.turned_away,
            summary.in_flight
        ),
        format!(
            "counters  {} compared, on {} connections; {} attempts, {} tests not counted",
            summary.counters, summary.connections, summary.attempts, summary.tests
        ),
        String::new(),
        trimmed(&outcomes(summary)),
        String::new(),
    ];
    for finding in verdict.findings.kept() {
        lines.push(format!("{}: {}", finding.rule, finding.detail));
    }
    lines.push(conclusion(&verdict.findings));
    lines.join("\n")
}

fn outcomes(summary: &Summary) -> Table {
    let mut table = table(&["OUTCOME", "RECOUNT", "COUNTERS"], 1);
    for line in &summary.outcomes {
        let (recounted, stored) = (line.recounted.to_string(), line.stored.to_string());
        table.add_row([line.outcome.to_owned(), recounted, stored]);
    }
    table
}

fn conclusion(findings: &Findings) -> String {
    if findings.is_empty() {
        return "clean: every counter is what the journal says".to_owned();
    }
    let counts = findings.counts().iter();
    let counts: Vec<_> = counts
        .map(|(rule, count)| format!("{rule}: {count}"))
        .collect();
    format!("NOT CLEAN: {}", counts.join("; "))
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    /// How many findings of each rule there are.
    broken: &'a std::collections::BTreeMap<crate::verify::Rule, u64>,
    /// The first findings of each rule.
    findings: &'a [Finding],
}

impl<'a> Record<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        Self {
            summary: &verdict.summary,
            broken: verdict.findings.counts(),
            findings: verdict.findings.kept(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1::Entry;
    use ndxp_proto::journal::v1::entry::Body;

    use super::*;

    #[track_caller]
    fn check(entries: &[Entry], through: u64, wanted: &str) {
        let mut check = Check::new(TimeZone::UTC);
        for entry in entries {
            check.entry(entry);
        }
        assert_eq!(text(&check.finish(through)), wanted);
    }

    #[test]
    fn an_empty_hub_is_clean() {
        check(
            &[],
            0,
            "\
journal   sequences 1 to 0: 0 opened, 0 closed, 0 turned away, 0 in flight
counters  0 compared, on 0 connections; 0 attempts, 0 tests not counted

OUTCOME         RECOUNT  COUNTERS
completed             0         0
provider_error        0         0
refused               0         0
unreachable           0         0
timed_out             0         0
cancelled             0         0
interrupted           0         0

clean: every counter is what the journal says",
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_counted() {
        let entry = Entry {
            sequence: 2,
            committed_at_us: 0,
            body: Some(Body::HubStopped(Default::default())),
        };
        check(
            &[entry],
            3,
            "\
journal   sequences 1 to 2: 0 opened, 0 closed, 0 turned away, 0 in flight
counters  0 compared, on 0 connections; 0 attempts, 0 tests not counted

OUTCOME         RECOUNT  COUNTERS
completed             0         0
provider_error        0         0
refused               0         0
unreachable           0         0
timed_out             0         0
cancelled             0         0
interrupted           0         0

gap in the sequence: sequence 2 where 1 was due
gap in the sequence: the journal ends at sequence 2 where 3 was due
NOT CLEAN: gap in the sequence: 2",
        );
    }
}
