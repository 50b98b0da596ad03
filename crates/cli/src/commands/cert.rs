//! `ndxp cert`: certificates by which the hub knows who calls.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ndxp_hub::authority::{Authority, AuthorityError, Hosts, Issued, Validity};
use ndxp_model::{SystemClock, SystemId};

use crate::commands::init::AUTHORITY;
use crate::connect::ConfigFile;
use crate::failure::Failure;
use crate::output::Output;

/// Issues certificates with the hub's own authority
#[derive(Args, Debug)]
pub struct Cert {
    #[command(subcommand)]
    command: CertCommand,
}

#[derive(Debug, Subcommand)]
enum CertCommand {
    Issue(Issue),
}

/// Issues a certificate and its key for a system, or for a person or node
///
/// Writes cert.pem, key.pem and ca.pem, the authority to trust, into a folder.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
struct Issue {
    #[command(flatten)]
    holder: Holder,

    /// The folder to write into; it must hold no certificate yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// A name or address under which the system serves, beside localhost; may be repeated
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,

    /// How long the certificate is valid
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,

    /// The authority's folder [default: pki/authority beside the configuration]
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,

    #[command(flatten)]
    config: ConfigFile,
}

/// Who is to hold the certificate: exactly one.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Holder {
    /// A system, which calls and serves: H26/lgsp
    #[arg(long, value_name = "MEMBER/SYSTEM")]
    system: Option<SystemId>,

    /// A person who reads and changes everything on the control port
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,

    /// A person who reads everything on the control port and changes nothing
    #[arg(long, value_name = "NAME")]
    auditor: Option<String>,

    /// A hub node
    #[arg(long, value_name = "NODE")]
    hub: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  ndxp cert issue --system H26/lgsp --out H26-lgsp
  ndxp cert issue --system G01/population --out G01-population --host csdl.dancu.gov.vn
  ndxp cert issue --auditor thanh-tra --out thanh-tra --days 30";

impl Cert {
    pub fn run(self) -> Result<(), Failure> {
        let CertCommand::Issue(issue) = self.command;
        issue.run()
    }
}

impl Issue {
    fn run(self) -> Result<(), Failure> {
        let folder = match &self.authority {
            Some(folder) => folder.clone(),
            None => {
                let config = self.config.load()?;
                config
                    .file
                    .parent()
                    .map(|beside| beside.join(AUTHORITY))
                    .unwrap_or_default()
            }
        };
        let authority = Authority::load(&folder)?;
        let issued = self.issue(&authority)?;
        issued.save(&self.out).map_err(AuthorityError::from)?;
        let mut output = Output::open();
        for file in ["cert.pem", "key.pem", "ca.pem"] {
            output.line(self.out.join(file).display())?;
        }
        output.flush()
    }

    fn issue(&self, authority: &Authority) -> Result<Issued, AuthorityError> {
        let validity = Validity::days(&SystemClock, self.days);
        let hosts = Hosts::with(self.hosts.iter().cloned());
        match &self.holder {
            Holder {
                system: Some(system),
                ..
            } => authority.issue_system(system, &hosts, validity),
            Holder {
                operator: Some(name),
                ..
            } => authority.issue_operator(name, validity),
            Holder {
                auditor: Some(name),
                ..
            } => authority.issue_auditor(name, validity),
            Holder { hub, .. } => {
                authority.issue_hub(hub.as_deref().unwrap_or_default(), &hosts, validity)
            }
        }
    }
}
