//! `ndxp verify`: recounts the journal and compares every counter.

use clap::Args;
use comfy_table::Table;
use jiff::tz::TimeZone;
use ndxp_model::expression::{self, OpenPeriod};
use ndxp_model::{Clock as _, Granularity, Instant, Period, SystemClock, Zone};
use ndxp_proto::journal::v1::journal_service_client::JournalServiceClient;
use ndxp_proto::journal::v1::{Entry, GetPositionRequest, ReadEntriesRequest};
use ndxp_proto::statistics::v1::DumpCountersRequest;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use serde::Serialize;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::commands::baseline::listed;
use crate::failure::Failure;
use crate::offline::DataDirectory;
use crate::output::{Format, Output, table, trimmed};
use crate::source::{Origin, Source};
use crate::verify::{Check, Finding, Findings, Summary, Verdict};

/// Recounts the journal, and compares every counter with what the recount says
///
/// Reads every entry of the journal with code of its own, checks that the sequence has no gap,
/// that time never runs backwards and that every transaction is opened and closed once, and
/// compares every counter, by connection, method, outcome, side at fault, hour, day, month and all
/// time, and every import of opening balances.
///
/// With `--period` only the entries of that period are read, and only counters of hours, days and
/// months within it are compared. Since when a method is counted by name is then taken from what
/// is stored, because it follows from the journal's beginning; and a transaction that was opened
/// before the period is not looked up.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Verify {
    /// Only this period, in the words of `ndxp stats --period`: `2022-07`, `yesterday`,
    /// `2022-07-01..2022-07-22`, …
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,

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
  ndxp verify --period 2022-07

Exit status: 0 when everything agrees, 1 when anything differs.";

impl Verify {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let period = match &self.period {
            Some(text) => period(&zone, text)?,
            None => None,
        };
        let verdict = match origin {
            Origin::Hub(channel) => check_hub_within(channel, &zone, period).await?,
            Origin::Data(data) => check_data(&data, &zone, period)?,
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
    check_hub_within(channel, zone, None).await
}

async fn check_hub_within(
    channel: Channel,
    zone: &Zone,
    period: Option<Period>,
) -> Result<Verdict, Failure> {
    let mut journal = Journal(JournalServiceClient::new(channel.clone()));
    let mut statistics = StatisticsServiceClient::new(channel.clone());
    let mut check = begin(zone, period)?;

    let position = journal.0.get_position(GetPositionRequest {}).await?;
    let at_least_sequence = position.into_inner().last_sequence;
    let bounds = period.map_or((0, 0), bounds);
    let request = DumpCountersRequest {
        at_least_sequence,
        from_us: bounds.0,
        to_us: bounds.1,
    };
    let mut counters = statistics.dump_counters(request).await?.into_inner();
    while let Some(counter) = counters.message().await? {
        check.stored(counter);
    }
    for imported in listed(channel).await? {
        check.told(&imported);
    }
    // A dump without counters tells no watermark; the counters have then reached what was asked.
    let watermark = check.watermark().unwrap_or(at_least_sequence);
    let (first, through) = match period {
        None => (1, watermark),
        Some(period) => {
            let first = journal.first_at_or_after(period.from, watermark).await?;
            let behind = journal.first_at_or_after(period.to, watermark).await?;
            (first, behind - 1)
        }
    };
    check.begin(first);
    if first <= through {
        let mut entries = journal.read(first, through).await?;
        while let Some(entry) = entries.message().await? {
            check.entry(&entry);
        }
    }
    let now_us = journal.committed_at_us(watermark).await?;
    Ok(check.finish(through, now_us))
}

/// The journal of a running hub.
struct Journal(JournalServiceClient<Channel>);

impl Journal {
    async fn read(
        &mut self,
        first_sequence: u64,
        last_sequence: u64,
    ) -> Result<Streaming<Entry>, Failure> {
        let request = ReadEntriesRequest {
            first_sequence,
            last_sequence,
        };
        Ok(self.0.read_entries(request).await?.into_inner())
    }

    /// The first sequence whose entry was committed at the instant or later, one behind the last
    /// when there is none: by halves, since time never runs backwards in a journal.
    async fn first_at_or_after(&mut self, instant: Instant, last: u64) -> Result<u64, Failure> {
        let (mut low, mut high) = (1, last + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.committed_at_us(middle).await? >= instant.as_micros() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// When the entry was committed; 0 for no entry.
    async fn committed_at_us(&mut self, sequence: u64) -> Result<i64, Failure> {
        if sequence == 0 {
            return Ok(0);
        }
        let entry = self.read(sequence, sequence).await?.message().await?;
        Ok(entry.map_or(0, |entry| entry.committed_at_us))
    }
}

fn check_data(
    data: &DataDirectory,
    zone: &Zone,
    period: Option<Period>,
) -> Result<Verdict, Failure> {
    let mut check = begin(zone, period)?;
    let watermark = data.dump_within(period, &mut |counter| check.stored(counter))?;
    for imported in data.balances()? {
        check.told(&imported);
    }
    let range = data.sequences(period, watermark.sequence)?;
    check.begin(range.start().get());
    for entry in data.entries_of(&range) {
        check.entry(&entry?);
    }
    Ok(check.finish(range.end().get(), watermark.at.as_micros()))
}

fn begin(zone: &Zone, period: Option<Period>) -> Result<Check, Failure> {
    let zone = time_zone(zone)?;
    Ok(match period.map(bounds) {
        None => Check::new(zone),
        Some((from_us, to_us)) => Check::of_period(zone, from_us, to_us),
    })
}

fn bounds(period: Period) -> (i64, i64) {
    (period.from.as_micros(), period.to.as_micros())
}

/// `2022-07`, or from the start of one to the end of another: `2022-07-01..2022-07-22`.
/// The period in the words that counts are asked with; `None` is all of the journal.
fn period(zone: &Zone, text: &str) -> Result<Option<Period>, Failure> {
    let now = SystemClock.now();
    let named = expression::period(text, now, zone)
        .map_err(|error| Failure::usage(format_args!("--period {error}")).remedy(error.remedy()))?;
    if named == OpenPeriod::default() {
        return Ok(None);
    }
    let until_now = zone.bucket(Granularity::Hour, now).to;
    Ok(Some(Period {
        from: named.from.unwrap_or(Instant::EPOCH),
        to: named.to.unwrap_or(until_now),
    }))
}

/// The checker cuts time by its own means: all that it takes over is the zone's name.
fn time_zone(zone: &Zone) -> Result<TimeZone, Failure> {
    TimeZone::get(zone.name()).map_err(Failure::internal)
}

fn text(verdict: &Verdict) -> String {
    let summary = &verdict.summary;
    let mut lines = vec![
        format!(
            "journal   sequences {} to {}: {} opened, {} closed, {} turned away, {} in flight",
            summary.first_sequence,
            summary.last_sequence,
            summary.opened,
            summary.closed,
            summary.turned_away,
            summary.in_flight
        ),
        format!(
            "counters  {} compared, on {} lines of {} connections; {} attempts, {} tests not counted",
            summary.counters, summary.lines, summary.connections, summary.attempts, summary.tests
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
    use ndxp_proto::journal::v1::entry::Body;

    use super::*;

    #[track_caller]
    fn check(entries: &[Entry], through: u64, wanted: &str) {
        let mut check = Check::new(TimeZone::UTC);
        for entry in entries {
            check.entry(entry);
        }
        assert_eq!(text(&check.finish(through, 0)), wanted);
    }

    #[test]
    fn an_empty_hub_is_clean() {
        check(
            &[],
            0,
            "\
journal   sequences 0 to 0: 0 opened, 0 closed, 0 turned away, 0 in flight
counters  0 compared, on 0 lines of 0 connections; 0 attempts, 0 tests not counted

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
    fn a_period_is_a_moment_or_from_one_to_another() {
        let zone = Zone::viet_nam();
        let shown = |text: &str| {
            let Period { from, to } = period(&zone, text).unwrap().unwrap();
            format!("{from} {to}")
        };
        let july = "2022-06-30T17:00:00Z 2022-07-31T17:00:00Z";
        assert_eq!(shown("2022-07"), july);
        assert_eq!(shown("2022-07-01..2022-07-31"), july);
        assert_eq!(shown("2022-07-01T00..2022-07"), july);
        assert!(shown("..2022-07-31").ends_with("2022-07-31T17:00:00Z"));
        assert_eq!(period(&zone, "since-launch").unwrap(), None);
        for text in ["", "..", "2022-07-02..2022-07-01", "2022-07-22..x"] {
            assert!(period(&zone, text).is_err(), "{text}");
        }
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
counters  0 compared, on 0 lines of 0 connections; 0 attempts, 0 tests not counted

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
