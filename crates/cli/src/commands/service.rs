//! `ndxp service`: whether a service can be called, and its contract.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ndxp_proto::registry::v1::{Descriptors, GetDescriptorsRequest, PutDescriptorsRequest};
use ndxp_registry::DESCRIPTORS_BYTES_MAX;

use crate::act::{Act, Note, registry_client};
use crate::commands::availability::{Disable, Enable, Maintenance};
use crate::commands::key::{Key as _, ServiceKey};
use crate::connect::{Remote, control};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::when;

/// Switches services off and on, plans their maintenance, and keeps their protobuf descriptors
#[derive(Args, Debug)]
pub struct ServiceArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Refuses calls to a service, with a notice, until it is enabled
    #[command(after_long_help = DISABLE)]
    Disable(Disable<ServiceKey>),
    /// Lets a disabled service be called again
    #[command(after_long_help = ENABLE)]
    Enable(Enable<ServiceKey>),
    /// Plans or ends maintenance of a service
    #[command(after_long_help = MAINTENANCE)]
    Maintenance(Maintenance<ServiceKey>),
    /// Puts or gets a service's protobuf descriptors
    #[command(subcommand)]
    Descriptors(DescriptorsCommand),
}

const DISABLE: &str = "\
Examples:
  ndxp service disable G01/population/vn.gov.population.v1.PopulationService \\
      --notice 'use v2: letter 34/2026'";

const ENABLE: &str = "\
Examples:
  ndxp service enable G01/population/vn.gov.population.v1.PopulationService";

const MAINTENANCE: &str = "\
Examples:
  ndxp service maintenance G01/population/vn.gov.population.v1.PopulationService \\
      --from 2026-12-31T22:00 --until 2027-01-01T06:00 --notice 'new index'
  ndxp service maintenance G01/population/vn.gov.population.v1.PopulationService --end";

#[derive(Debug, Subcommand)]
enum DescriptorsCommand {
    /// Sets a service's descriptors, so that consumers can fetch them from the hub
    ///
    /// What would break callers is refused with the list of what breaks, unless
    /// --allow-incompatible says that it may.
    #[command(after_long_help = PUT)]
    Put(Put),
    /// Writes a service's descriptors into a file, for grpcurl, protoc and code generators
    #[command(after_long_help = GET)]
    Get(Get),
}

const PUT: &str = "\
Examples:
  protoc --include_imports --descriptor_set_out=population.binpb population.proto
  ndxp service descriptors put G01/population/vn.gov.population.v1.PopulationService \\
      -f population.binpb --as G01-population";

const GET: &str = "\
Examples:
  ndxp service descriptors get G01/population/vn.gov.population.v1.PopulationService \\
      --out population.binpb
  grpcurl -protoset population.binpb list";

#[derive(Args, Debug)]
struct Put {
    #[command(flatten)]
    key: ServiceKey,

    /// An encoded google.protobuf.FileDescriptorSet with the service and all that it imports
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Take them although callers break
    #[arg(long)]
    allow_incompatible: bool,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

#[derive(Args, Debug)]
struct Get {
    #[command(flatten)]
    key: ServiceKey,

    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The descriptors as they stood at the end of this month or date, or at this local hour
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    #[command(flatten)]
    remote: Remote,
}

impl ServiceArguments {
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Disable(disable) => disable.run().await,
            Command::Enable(enable) => enable.run().await,
            Command::Maintenance(maintenance) => maintenance.run().await,
            Command::Descriptors(DescriptorsCommand::Put(put)) => put.run().await,
            Command::Descriptors(DescriptorsCommand::Get(get)) => get.run().await,
        }
    }
}

impl Put {
    async fn run(self) -> Result<(), Failure> {
        let id = self.key.id();
        let request = PutDescriptorsRequest {
            descriptors: Some(Descriptors {
                provider: id.provider.to_string(),
                service: id.service.to_string(),
                file_descriptor_set: read(&self.file)?,
            }),
            allow_incompatible: self.allow_incompatible,
            reason: self.note.text,
            dry_run: self.act.dry_run,
        };
        self.act
            .ask(
                |_| Ok(request),
                async |mut client, request| client.put_descriptors(request).await,
            )
            .await
    }
}

/// No more than the registry takes is read.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    const REMEDY: &str =
        "name a file that `protoc --include_imports --descriptor_set_out=FILE` has written";
    let limit = u64::try_from(DESCRIPTORS_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = File::open(file)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|error| {
        Failure::usage(format_args!("{}: cannot be read: {error}", file.display())).remedy(REMEDY)
    })?;
    match bytes.len() {
        0 => {
            let what = format!("{}: is empty", file.display());
            Err(Failure::usage(what).remedy(REMEDY))
        }
        1..=DESCRIPTORS_BYTES_MAX => Ok(bytes),
        _ => {
            let what = format!("{}: is larger than {limit} bytes", file.display());
            Err(Failure::usage(what)
                .remedy("leave out what the service does not need, such as source information"))
        }
    }
}

impl Get {
    async fn run(self) -> Result<(), Failure> {
        if self.out.exists() {
            let what = format!("{} exists", self.out.display());
            return Err(Failure::usage(what).remedy("name a file that is not there yet"));
        }
        let config = self.remote.load()?;
        let id = self.key.id();
        let request = GetDescriptorsRequest {
            provider: id.provider.to_string(),
            service: id.service.to_string(),
            as_of_us: when::as_of_us(self.as_of.as_deref(), &config.hub.zone)?,
        };
        let mut client = registry_client(control(&config).await?);
        let response = client.get_descriptors(request).await?.into_inner();
        let descriptors = response.descriptors.unwrap_or_default();
        if descriptors.file_descriptor_set.is_empty() {
            let what = format!("{} has no descriptors", self.key.text());
            return Err(Failure::new(Exit::Negative, what)
                .remedy("its provider puts them with `ndxp service descriptors put`"));
        }
        std::fs::write(&self.out, &descriptors.file_descriptor_set).map_err(|error| {
            Failure::usage(format_args!(
                "{}: cannot be written: {error}",
                self.out.display()
            ))
        })?;
        let mut output = Output::open();
        output.line(self.out.display())?;
        output.flush()
    }
}
