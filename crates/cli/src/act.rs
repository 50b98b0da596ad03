//! What every command has in common that changes the registry at a running hub: it can be tried
//! first, it can say why, and it answers with what it changed.

use std::future::Future;

use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::ActResponse;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::changes::Changes;
use crate::colour::Colours;
use crate::commands::get::listing::grant_record;
use crate::connect::{MESSAGE_BYTES_MAX, Remote, control};
use crate::failure::Failure;
use crate::output::{Format, Output};

pub type RegistryClient = RegistryServiceClient<Channel>;

#[derive(Args, Debug)]
pub struct Act {
    /// Print what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    remote: Remote,
}

/// A reason that may be left out.
#[derive(Args, Debug)]
pub struct Note {
    /// Why; written into the journal with the change
    #[arg(
        long = "reason",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub text: String,
}

/// A reason that must be given: the act takes something away from somebody.
#[derive(Args, Debug)]
pub struct Why {
    /// Why; written into the journal with the change
    #[arg(long = "reason", value_name = "TEXT")]
    pub text: String,
}

#[derive(Args, Debug)]
pub struct Cut {
    /// End calls in flight too, instead of letting them finish
    #[arg(long = "cut")]
    pub now: bool,
}

impl Act {
    /// Connects, asks, and prints the answer. The request is made in the hub's time zone.
    pub async fn ask<T, F>(
        &self,
        request: impl FnOnce(&Zone) -> Result<T, Failure>,
        rpc: impl FnOnce(RegistryClient, T) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Response<ActResponse>, Status>>,
    {
        let config = self.remote.load()?;
        // What is wrong with the arguments is said before the hub is asked.
        let request = request(&config.hub.zone)?;
        let client = registry_client(control(&config).await?);
        let response = rpc(client, request).await.map_err(refused)?;
        self.print(&response.into_inner())
    }

    fn print(&self, response: &ActResponse) -> Result<(), Failure> {
        let changes = Changes {
            differences: &response.differences,
            sequence: response.sequence,
            dry_run: self.dry_run,
        };
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(changes.text(Colours::of_stdout()))?,
            Format::Json => {
                let mut record = changes.record();
                if let (Some(record), Some(grant)) = (record.as_object_mut(), &response.grant) {
                    record.insert("grant".to_owned(), grant_record(grant));
                }
                output.json(&record)?;
            }
        }
        output.flush()
    }
}

fn refused(status: Status) -> Failure {
    let failure = Failure::from(status);
    let what: Vec<&str> = failure.what.lines().map(of_the_request).collect();
    Failure {
        what: what.join("\n"),
        ..failure
    }
}

/// The hub names the request where it would name a file. There is one, and nobody needs its name.
pub fn of_the_request(line: &str) -> &str {
    line.strip_prefix("catalogue: ").unwrap_or(line)
}

/// A client that takes and gives a whole registry.
pub fn registry_client(channel: Channel) -> RegistryClient {
    RegistryServiceClient::new(channel)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
}
