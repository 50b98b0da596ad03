//! `ndxp report`: the official report of a month, in the form that its reader asked for.

mod files;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{GetReportRequest, GetReportResponse};
use ndxp_report::{
    Language, RenderError, ReportForm, Templates, render_report, render_report_table,
};
use tonic::transport::Channel;

use crate::commands::stats::end_of_journal;
use crate::connect::MESSAGE_BYTES_MAX;
use crate::failure::Failure;
use crate::output::Output;
use crate::source::{Origin, Source};
use crate::when;

/// Prints the monthly report: the platform's paragraph, the tables behind it, and the proof of
/// every figure
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

    /// Count what members that have closed did as their successors'
    ///
    /// Successors are those that the registry names now; a comparison counts both its sides so.
    #[arg(long)]
    by_successor: bool,

    /// Rows of the tables of connections, systems and services [default: 20]
    #[arg(long, value_name = "ROWS")]
    top: Option<u32>,

    /// Language of the report: vi or en
    #[arg(long, value_name = "LANG", default_value = "vi")]
    lang: Language,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,

    /// Only this table of the report, with `-o csv`: days, months, connections and so on
    #[arg(long, value_name = "NAME")]
    table: Option<String>,

    /// Write to this file instead of standard output; it is replaced as a whole or not at all
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Folder of templates that take the place of the program's own of the same names
    #[arg(long, value_name = "DIR", env = "NDXP_REPORT_TEMPLATES")]
    templates: Option<PathBuf>,

    /// Write the program's own templates into this folder, and nothing else
    #[arg(long, value_name = "DIR")]
    export_templates: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp report
  ndxp report --month 2022-07 --as-of 2022-07-22 --lang en
  ndxp report --month 2022-07 -o html --out july.html
  ndxp report --month 2022-07 -o xlsx --out july.xlsx
  ndxp report --month 2022-07 -o csv --table connections
  ndxp report --month 2022-07 --data /var/lib/ndxp -o json
  ndxp report --export-templates templates
  ndxp report --templates templates";

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
enum Form {
    /// The paragraph, the tables and the proofs
    #[default]
    Text,
    /// The same as Markdown
    Markdown,
    /// The same as one page with charts that needs nothing else
    Html,
    /// A workbook: a sheet for each table
    Xlsx,
    /// The figures for spreadsheets, or one table of them
    Csv,
    /// Everything for programs: figures, tables, proofs
    Json,
    /// The figures in columns
    Table,
}

impl From<Form> for ReportForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Markdown => Self::Markdown,
            Form::Html => Self::Html,
            Form::Xlsx => Self::Xlsx,
            Form::Csv => Self::Csv,
            Form::Json => Self::Json,
            Form::Table => Self::Table,
        }
    }
}

impl Report {
    pub async fn run(self) -> Result<(), Failure> {
        if let Some(folder) = &self.export_templates {
            return files::export_templates(folder);
        }
        self.check()?;
        // Wrong templates are found before the hub is asked.
        let templates = match &self.templates {
            Some(folder) => files::read_templates(folder)?,
            None => Templates::built_in(),
        };
        let (origin, zone) = self.source.open().await?;
        if let Some(month) = &self.month {
            zone.month(month)?;
        }
        let request = GetReportRequest {
            month: self.month.clone().unwrap_or_default(),
            as_of_us: when::as_of_us(self.as_of.as_deref(), &zone)?,
            at_least_sequence: 0,
            by_successor: self.by_successor,
            top: self.top.unwrap_or(0),
        };
        let report = match origin {
            Origin::Hub(channel) => report(channel, request).await?,
            Origin::Data(data) => data.report(&request)?,
        };
        let bytes = match &self.table {
            Some(name) => render_report_table(&report, name).map(String::into_bytes),
            None => render_report(&report, self.output.into(), self.lang, &templates),
        };
        let bytes = bytes.map_err(not_rendered)?;
        match &self.out {
            Some(file) => files::write_whole(file, &bytes),
            None => Output::open().bytes(&bytes),
        }
    }

    /// What the arguments promise each other.
    fn check(&self) -> Result<(), Failure> {
        if self.top == Some(0) {
            return Err(Failure::usage("--top 0 leaves no row").remedy("name 1 or more"));
        }
        if self.table.is_some() && self.output != Form::Csv {
            let what = "--table prints one table, and only as CSV";
            return Err(Failure::usage(what).remedy("add -o csv, or leave --table out"));
        }
        if self.output == Form::Xlsx && self.out.is_none() && std::io::stdout().is_terminal() {
            let what = "a workbook is no text for a terminal";
            return Err(Failure::usage(what).remedy("name a file: --out report.xlsx"));
        }
        Ok(())
    }
}

/// A template or table that the reader named wrongly is theirs to mend; the rest is not.
fn not_rendered(error: RenderError) -> Failure {
    match error {
        RenderError::Template { .. }
        | RenderError::UnknownTemplate { .. }
        | RenderError::UnknownTable { .. } => Failure::usage(error),
        _ => Failure::internal(error),
    }
}

/// The report once the counters have reached the journal's present end.
pub async fn report(
    channel: Channel,
    request: GetReportRequest,
) -> Result<GetReportResponse, Failure> {
    let at_least_sequence = end_of_journal(channel.clone()).await?;
    let request = GetReportRequest {
        at_least_sequence,
        ..request
    };
    let answer = StatisticsServiceClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .get_report(request)
        .await?;
    Ok(answer.into_inner())
}
