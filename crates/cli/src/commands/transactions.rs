//! `ndxp transactions`: what was carried, one line for each call.

mod filter;
mod line;
mod sheet;

use clap::Args;
use ndxp_model::{TransactionId, Zone};
use ndxp_proto::journal::v1::journal_service_client::JournalServiceClient;
use ndxp_proto::journal::v1::{
    GetTransactionRequest, ListTransactionsRequest, Transaction, WatchTransactionsRequest,
};
use tonic::Streaming;
use tonic::transport::Channel;

use crate::failure::{Exit, Failure};
use crate::offline::DataDirectory;
use crate::output::{Format, Output};
use crate::source::{Origin, Source};
use crate::when::Window;

use filter::Filter;

/// Shows transactions: one by its id, a range of time, or all as they happen
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Transactions {
    /// The transaction with this id, as the metadata `ndxp-transaction-id` gave it, in full
    #[arg(long, conflicts_with_all = ["consumer", "provider", "service", "outcome", "from", "to", "limit", "follow"])]
    id: Option<TransactionId>,

    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    window: Window,

    /// At most so many, oldest first; 1 to 100,000
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,

    /// Show transactions as they are settled, until Ctrl-C
    #[arg(long, conflicts_with_all = ["from", "to", "limit", "data"])]
    follow: bool,

    /// Form of the output; JSON is one object on each line
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp transactions --from 2022-07-22 --consumer H26
  ndxp transactions --outcome refused --follow
  ndxp transactions --id 01890a5d-ac96-774b-bcce-b302099a8057
  ndxp transactions --provider G01/population --limit 100000 -o json > calls.jsonl";

impl Transactions {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let mut printer = Printer::new(self.output, zone.clone());
        if let Some(id) = self.id {
            let transaction = match origin {
                Origin::Hub(channel) => get(channel, id).await?,
                Origin::Data(data) => data.transaction(id)?.ok_or_else(|| unknown(id))?,
            };
            return printer.sheet(&transaction);
        }
        let (from_us, to_us) = self.window.bounds_us(&zone)?;
        let filter = Some(self.filter.to_proto());
        match origin {
            Origin::Hub(channel) if self.follow => {
                let request = WatchTransactionsRequest {
                    filter,
                    after_sequence: 0,
                };
                let mut client = JournalServiceClient::new(channel);
                let stream = client.watch_transactions(request).await?.into_inner();
                printer.stream(stream, true).await
            }
            Origin::Hub(channel) => {
                let limit = self.limit;
                let request = ListTransactionsRequest {
                    filter,
                    from_us,
                    to_us,
                    limit,
                };
                let mut client = JournalServiceClient::new(channel);
                let stream = client.list_transactions(request).await?.into_inner();
                printer.stream(stream, false).await
            }
            Origin::Data(data) => self.print_from(&data, (from_us, to_us), &mut printer),
        }
    }

    fn print_from(
        &self,
        data: &DataDirectory,
        bounds_us: (i64, i64),
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let wanted = |connection: &_, outcome| self.filter.matches(connection, outcome);
        for transaction in data.transactions(bounds_us, wanted)?.take(limit) {
            printer.transaction(&transaction?)?;
        }
        printer.output.flush()
    }
}

async fn get(channel: Channel, id: TransactionId) -> Result<Transaction, Failure> {
    let transaction_id = id.to_string();
    let request = GetTransactionRequest { transaction_id };
    let answer = JournalServiceClient::new(channel)
        .get_transaction(request)
        .await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| match status.code() {
            tonic::Code::NotFound => unknown(id),
            _ => status.into(),
        })
}

fn unknown(id: TransactionId) -> Failure {
    let made_at = id.made_at();
    Failure::new(
        Exit::Negative,
        format_args!("the journal holds no transaction {id}"),
    )
    .remedy(format!(
        "check the id; by what it says, it was made at {made_at}"
    ))
}

/// Prints transactions as they come, without waiting for the last.
struct Printer {
    output: Output,
    format: Format,
    zone: Zone,
    begun: bool,
}

impl Printer {
    fn new(format: Format, zone: Zone) -> Self {
        let output = Output::open();
        Self {
            output,
            format,
            zone,
            begun: false,
        }
    }

    async fn stream(
        &mut self,
        mut stream: Streaming<Transaction>,
        at_once: bool,
    ) -> Result<(), Failure> {
        while let Some(transaction) = stream.message().await? {
            self.transaction(&transaction)?;
            if at_once {
                self.output.flush()?;
            }
        }
        self.output.flush()
    }

    fn transaction(&mut self, transaction: &Transaction) -> Result<(), Failure> {
        if self.format == Format::Json {
            return self.output.json_line(&sheet::Sheet::of(transaction));
        }
        if !self.begun {
            self.output.line(line::HEADING)?;
            self.begun = true;
        }
        self.output.line(line::line(transaction, &self.zone))
    }

    fn sheet(&mut self, transaction: &Transaction) -> Result<(), Failure> {
        let sheet = sheet::Sheet::of(transaction);
        match self.format {
            Format::Json => self.output.json(&sheet)?,
            Format::Table => self.output.line(sheet.lines(&self.zone))?,
        }
        self.output.flush()
    }
}
