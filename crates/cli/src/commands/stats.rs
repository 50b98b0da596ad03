//! `ndxp stats`: how many calls, of which outcome, how long, on which connections.

mod asked;
mod by;
mod compare;
mod filters;

use clap::Args;
use ndxp_model::{Clock as _, SystemClock};
use ndxp_proto::journal::v1::GetPositionRequest;
use ndxp_proto::journal::v1::journal_service_client::JournalServiceClient;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, Dimension};
use ndxp_report::{Format, Language, render_counts, render_explanation};
use tonic::transport::Channel;

use crate::connect::MESSAGE_BYTES_MAX;
use crate::failure::Failure;
use crate::output::Output;
use crate::source::{Origin, Source};

use asked::Asked;
use compare::With;

pub use by::By;
pub use filters::Filters;

/// Counts calls over a period, broken down by connection, party, outcome or time
///
/// A transaction is a call that reached a provider and was answered; attempts are all calls.
/// The figures include everything in the journal at the moment of asking.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Stats {
    /// What to break the counts down by; without it, the total alone
    #[arg(long, value_enum)]
    by: Option<By>,

    /// Only the N rows with the most transactions, and the sum of the others
    #[arg(long, value_name = "N", requires = "by", value_parser = clap::value_parser!(u32).range(1..=TOP_MAX))]
    top: Option<u32>,

    /// Add the rows of members that have closed to their successors'
    ///
    /// Successors are those that the registry names now; filters and rows go by them. Without it,
    /// the figures are as they were.
    #[arg(long)]
    by_successor: bool,

    /// Also show what a previous platform had counted, apart
    ///
    /// These are the opening balances that `ndxp baseline` has imported, as far as they lie wholly
    /// within the period.
    #[arg(long)]
    with_baselines: bool,

    /// Also count the distinct systems and members that took part
    #[arg(long, conflicts_with = "compare")]
    distinct: bool,

    /// Show another period beside it: the previous one, or the same a year before
    ///
    /// Each row with its transactions in both, the change in percent and the ratio. The beginning
    /// of a month is compared with as many days of the month before, the beginning of a year with
    /// that of the year before, and any other window with the one of equal length before it. What
    /// is not over yet is cut at the beginning of today, or of this hour, on both sides.
    #[arg(long, value_enum, value_name = "WITH")]
    compare: Option<With>,

    /// Say what was counted, and prove it: definition, period, journal range, state
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    asked: Asked,

    #[command(flatten)]
    filters: Filters,

    /// Language of the table's headings: vi or en
    #[arg(
        long,
        value_name = "LANG",
        default_value = "en",
        help_heading = "Output"
    )]
    lang: Language,

    /// Form of the output: table, json or csv
    #[arg(
        short,
        long,
        value_name = "FORM",
        default_value = "table",
        help_heading = "Output"
    )]
    output: Format,

    #[command(flatten, next_help_heading = "Where to ask")]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp stats --by connection --top 20
  ndxp stats --period 2022-07 --as-of 2022-07-22 --by day -o csv > july.csv
  ndxp stats --period 2022-01..2022-07 --by class --outcome refused
  ndxp stats --period 2022-07-01..2022-07-22 --compare year-before --by service
  ndxp stats --consumer H26 --by method --period yesterday
  ndxp stats --period since-launch --with-baselines --explain
  ndxp stats --by consumer --by-successor
  ndxp stats --by consumer --data /var/lib/ndxp -o json";

/// More rows than anybody reads; without --top, all are answered.
const TOP_MAX: i64 = 100_000;

impl Stats {
    pub async fn run(self) -> Result<(), Failure> {
        self.check()?;
        let zone = self.source.zone()?;
        let now = SystemClock.now();
        let period = self.asked.period(now, &zone)?;
        if let Some(with) = self.compare {
            let two = with.periods(period, now, &zone)?;
            let origin = self.source.open().await?.0;
            return self.compared(&origin, two, &zone).await;
        }
        let (from_us, to_us) = period.counted.bounds_us();
        let request = self.request(from_us, to_us);
        let response = ask(&self.source.open().await?.0, request).await?;
        let text = render_counts(&response, self.dimension(), self.output, self.lang);
        let text = text.map_err(Failure::internal)?;
        self.print(text, &response)
    }

    /// What no parser of a single option sees.
    fn check(&self) -> Result<(), Failure> {
        let Some(by) = self.by.filter(|by| by.is_time()) else {
            return Ok(());
        };
        let by = ndxp_report::dimension_name(by.dimension()).unwrap_or_default();
        if let Some(top) = self.top {
            let what = format!("--top {top} with --by {by}: a series in time has no busiest rows");
            return Err(Failure::usage(what).remedy("leave one of the two out"));
        }
        if self.compare.is_some() {
            let what = format!("--compare with --by {by}: the other period has other rows");
            return Err(Failure::usage(what).remedy("leave one of the two out"));
        }
        Ok(())
    }

    fn dimension(&self) -> Dimension {
        self.by.map_or(Dimension::Unspecified, By::dimension)
    }

    fn request(&self, from_us: i64, to_us: i64) -> CountRequest {
        CountRequest {
            from_us,
            to_us,
            by: self.dimension().into(),
            by_successor: self.by_successor,
            filter: self.filters.to_proto(),
            top: self.top.unwrap_or(0),
            with_baselines: self.with_baselines,
            with_distinct: self.distinct,
            ..CountRequest::default()
        }
    }

    /// Prints the data, and below it, or beside it where programs read the data, what explains it.
    fn print(&self, mut text: String, response: &CountResponse) -> Result<(), Failure> {
        if self.explain {
            let lines = render_explanation(response, self.lang).map_err(Failure::internal)?;
            if self.output == Format::Table {
                // A table ends with the first lines of the proof already.
                let new = |line: &&str| !text.lines().any(|shown| shown == *line);
                let lines: Vec<&str> = lines.lines().filter(new).collect();
                text.push_str(&lines.join("\n"));
                text.push('\n');
            } else {
                eprint!("{lines}");
            }
        }
        Output::open().text(&text)
    }
}

async fn ask(origin: &Origin, request: CountRequest) -> Result<CountResponse, Failure> {
    match origin {
        Origin::Hub(channel) => count(channel.clone(), request).await,
        Origin::Data(data) => data.count(&request),
    }
}

/// Asks once the counters have reached the journal's present end, so that the answer includes
/// everything that has happened.
pub async fn count(channel: Channel, request: CountRequest) -> Result<CountResponse, Failure> {
    let at_least_sequence = end_of_journal(channel.clone()).await?;
    let request = CountRequest {
        at_least_sequence,
        ..request
    };
    let mut client =
        StatisticsServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    Ok(client.count(request).await?.into_inner())
}

pub async fn end_of_journal(channel: Channel) -> Result<u64, Failure> {
    let position = JournalServiceClient::new(channel)
        .get_position(GetPositionRequest {})
        .await?;
    Ok(position.into_inner().last_sequence)
}
