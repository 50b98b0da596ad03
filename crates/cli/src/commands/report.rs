//! `ndxp report`: the figures of the official report, each with its definition and its proof.

use clap::Args;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{Figure, GetFiguresRequest};
use ndxp_report::{Language, render_figures, render_report};
use tonic::transport::Channel;

use crate::commands::stats::end_of_journal;
use crate::failure::Failure;
use crate::output::Output;
use crate::source::{Origin, Source};
use crate::when;

/// Prints the platform's paragraph of the monthly report, with the proof of every figure
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Report {
    /// The calendar month that is reported on [default: the month of the cut-off]
    #[arg(long, value_name = "2022-07")]
    month: Option<String>,

    /// Cut-off for every figure: the end of this month or date, or this local hour
    /// [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// Language of the report: vi or en
    #[arg(long, value_name = "LANG", default_value = "vi")]
    lang: Language,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp report
  ndxp report --month 2022-07 --as-of 2022-07-22 --lang en
  ndxp report --month 2022-07 --data /var/lib/ndxp -o json";

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
enum Form {
    /// The paragraph and the proofs
    #[default]
    Text,
    /// The figures in columns
    Table,
    /// The figures for programs
    Json,
    /// The figures for spreadsheets
    Csv,
}

impl Report {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        if let Some(month) = &self.month {
            zone.month(month)?;
        }
        let request = GetFiguresRequest {
            month: self.month.unwrap_or_default(),
            as_of_us: when::as_of_us(self.as_of.as_deref(), &zone)?,
            at_least_sequence: 0,
            by_successor: false,
        };
        let figures = match origin {
            Origin::Hub(channel) => figures(channel, request).await?,
            Origin::Data(data) => data.figures(&request)?,
        };
        let format = match self.output {
            Form::Text => None,
            Form::Table => Some(ndxp_report::Format::Table),
            Form::Json => Some(ndxp_report::Format::Json),
            Form::Csv => Some(ndxp_report::Format::Csv),
        };
        let text = match format {
            None => render_report(&figures, self.lang),
            Some(format) => render_figures(&figures, format, self.lang),
        };
        Output::open().text(&text.map_err(Failure::internal)?)
    }
}

/// The figures once the counters have reached the journal's present end.
pub async fn figures(channel: Channel, request: GetFiguresRequest) -> Result<Vec<Figure>, Failure> {
    let at_least_sequence = end_of_journal(channel.clone()).await?;
    let request = GetFiguresRequest {
        at_least_sequence,
        ..request
    };
    let answer = StatisticsServiceClient::new(channel)
        .get_figures(request)
        .await?;
    Ok(answer.into_inner().figures)
}
