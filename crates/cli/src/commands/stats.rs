//! `ndxp stats`: how many calls, of which outcome, how long, on which connections.

use clap::Args;
use ndxp_proto::journal::v1::GetPositionRequest;
use ndxp_proto::journal::v1::journal_service_client::JournalServiceClient;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, Dimension};
use ndxp_report::{Format, Language, render_counts};
use tonic::transport::Channel;

use crate::connect::MESSAGE_BYTES_MAX;
use crate::failure::Failure;
use crate::output::Output;
use crate::source::{Origin, Source};
use crate::when::Window;

/// Counts calls over a period, broken down by connection, party, outcome or time
///
/// A transaction is a call that reached a provider and was answered; attempts are all calls.
/// The figures include everything in the journal at the moment of asking.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Stats {
    #[command(flatten)]
    window: Window,

    /// What to break the counts down by; without it, the total alone
    #[arg(long, value_enum)]
    by: Option<By>,

    /// Add the rows of members that have closed to their successors'
    ///
    /// Successors are those that the registry names now. It concerns --by connection, consumer
    /// and provider; the total is the same. Without it, the figures are as they were.
    #[arg(long)]
    by_successor: bool,

    /// Language of the table's headings: vi or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Language,

    /// Form of the output: table, json or csv
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Format,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp stats --by connection
  ndxp stats --from 2022-07-01 --to 2022-07-22 --by day -o csv > july.csv
  ndxp stats --from 2022-07 --to 2022-07 --by outcome
  ndxp stats --by consumer --by-successor
  ndxp stats --by consumer --data /var/lib/ndxp -o json";

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    /// Consumer system, provider system and service
    Connection,
    /// System that calls
    Consumer,
    /// System that is called
    Provider,
    /// gRPC service
    Service,
    /// Kind of the provider's system
    Kind,
    /// How the call ended
    Outcome,
    /// Local hour
    Hour,
    /// Local day
    Day,
    /// Local month
    Month,
}

impl By {
    fn dimension(self) -> Dimension {
        match self {
            Self::Connection => Dimension::Connection,
            Self::Consumer => Dimension::Consumer,
            Self::Provider => Dimension::Provider,
            Self::Service => Dimension::Service,
            Self::Kind => Dimension::Kind,
            Self::Outcome => Dimension::Outcome,
            Self::Hour => Dimension::Hour,
            Self::Day => Dimension::Day,
            Self::Month => Dimension::Month,
        }
    }
}

impl Stats {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let (from_us, to_us) = self.window.bounds_us(&zone)?;
        let by = self.by.map_or(Dimension::Unspecified, By::dimension);
        let request = CountRequest {
            from_us,
            to_us,
            by: by.into(),
            at_least_sequence: 0,
            by_successor: self.by_successor,
            ..CountRequest::default()
        };
        let response = match origin {
            Origin::Hub(channel) => count(channel, request).await?,
            Origin::Data(data) => data.count(&request)?,
        };
        let text =
            render_counts(&response, by, self.output, self.lang).map_err(Failure::internal)?;
        Output::open().text(&text)
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
