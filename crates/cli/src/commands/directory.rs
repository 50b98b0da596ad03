//! `ndxp directory`: what an agency's system may call and could ask for, as the hub tells it on
//! the exchange port.

mod listing;

use clap::{Args, Subcommand};
use ndxp_model::Zone;
use ndxp_proto::exchange::v1::directory_service_client::DirectoryServiceClient;
use ndxp_proto::exchange::v1::{
    ListCallableRequest, ListOfferedRequest, ListOfferedResponse, Offered, WhoAmIRequest,
};
use tonic::transport::Channel;

use crate::connect::{MESSAGE_BYTES_MAX, Remote, control_at};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Shows a system what it may call, what it could ask for, and who the hub takes it for
///
/// Asks on the exchange port, as the system's own programs do, with the system's certificate
/// (--as).
#[derive(Args, Debug)]
pub struct Directory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the services that the system holds a grant for: who offers them, their state, limits
    #[command(after_long_help = CALLABLE)]
    Callable(Callable),
    /// Lists the services that others offer and that the system holds no grant for
    #[command(after_long_help = OFFERED)]
    Offered(OfferedArguments),
    /// Says which system the hub takes the holder of the certificate for
    #[command(after_long_help = WHOAMI)]
    Whoami(Asking),
}

const CALLABLE: &str = "\
Examples:
  ndxp directory callable --as H26-lgsp
  ndxp directory callable --as H26-lgsp --service vn.gov.population.v1.PopulationService -o json";

const OFFERED: &str = "\
Examples:
  ndxp directory offered --as H26-lgsp
  ndxp directory offered --as H26-lgsp --provider G01/population

Ask for one of them with `ndxp access request`.";

const WHOAMI: &str = "\
Examples:
  ndxp directory whoami --as H26-lgsp";

#[derive(Args, Debug)]
struct Callable {
    /// Only this service, by its full name
    #[arg(
        long,
        value_name = "SERVICE",
        default_value = "",
        hide_default_value = true
    )]
    service: String,

    #[command(flatten)]
    asking: Asking,
}

#[derive(Args, Debug)]
struct OfferedArguments {
    /// Only services whose full name begins so
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true
    )]
    service: String,

    /// Only what this system offers
    #[arg(
        long,
        value_name = "MEMBER/SYSTEM",
        default_value = "",
        hide_default_value = true
    )]
    provider: String,

    #[command(flatten)]
    asking: Asking,
}

#[derive(Args, Debug)]
struct Asking {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    remote: Remote,
}

type Client = DirectoryServiceClient<Channel>;

impl Directory {
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Callable(callable) => callable.run().await,
            Command::Offered(offered) => offered.run().await,
            Command::Whoami(asking) => whoami(&asking).await,
        }
    }
}

impl Asking {
    /// A client on the exchange port, and the zone in which times are shown.
    async fn open(&self) -> Result<(Client, Zone), Failure> {
        let config = self.remote.load()?;
        let channel = control_at(&config.client.exchange, &config.client).await?;
        let client =
            DirectoryServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok((client, config.hub.zone))
    }
}

impl Callable {
    async fn run(self) -> Result<(), Failure> {
        let (mut client, zone) = self.asking.open().await?;
        let service = self.service;
        let request = ListCallableRequest { service };
        let services = client.list_callable(request).await?.into_inner().services;
        let mut output = Output::open();
        match self.asking.output {
            Format::Table => output.line(listing::callable_text(&services, &zone))?,
            Format::Json => output.json(&listing::callable_records(&services))?,
        }
        output.flush()
    }
}

impl OfferedArguments {
    async fn run(self) -> Result<(), Failure> {
        let (client, zone) = self.asking.open().await?;
        let services = self.pages(client).await?;
        let mut output = Output::open();
        match self.asking.output {
            Format::Table => output.line(listing::offered_text(&services, &zone))?,
            Format::Json => output.json(&listing::offered_records(&services))?,
        }
        output.flush()
    }

    /// Page after page, to the last.
    async fn pages(&self, mut client: Client) -> Result<Vec<Offered>, Failure> {
        const PAGE_SIZE: u32 = 1_000;
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListOfferedRequest {
                service: self.service.clone(),
                provider: self.provider.clone(),
                page_size: PAGE_SIZE,
                page_token,
            };
            let ListOfferedResponse {
                services,
                next_page_token,
            } = client.list_offered(request).await?.into_inner();
            // A page with nothing on it ends the list, whatever it says of a next one.
            if next_page_token.is_empty() || services.is_empty() {
                all.extend(services);
                return Ok(all);
            }
            all.extend(services);
            page_token = next_page_token;
        }
    }
}

async fn whoami(asking: &Asking) -> Result<(), Failure> {
    let (mut client, zone) = asking.open().await?;
    let answer = client.who_am_i(WhoAmIRequest {}).await?.into_inner();
    let mut output = Output::open();
    match asking.output {
        Format::Table => output.line(listing::whoami_text(&answer, &zone))?,
        Format::Json => output.json(&listing::whoami_record(&answer))?,
    }
    output.flush()
}
