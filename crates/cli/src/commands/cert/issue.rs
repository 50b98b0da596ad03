//! `ndxp cert issue`: a certificate and its key, for somebody new.

use std::path::PathBuf;

use clap::Args;
use ndxp_hub::authority::{AuthorityError, Hosts, PeerIdentity, Validity};
use ndxp_model::{Clock as _, SystemClock, SystemId};

use super::{AuthorityArguments, sheet};
use crate::failure::Failure;
use crate::output::Format;

/// Issues a certificate and its key for a system, or for a person or node
///
/// Writes cert.pem, key.pem and ca.pem, the authority to trust, into a folder.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Issue {
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

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    authority: AuthorityArguments,
}

/// Who is to hold the certificate: exactly one.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Holder {
    /// A system, which calls and serves, and speaks for its member: H26/lgsp
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

impl Issue {
    pub fn run(self) -> Result<(), Failure> {
        let authority = self.authority.open()?;
        let hosts = Hosts::with(self.hosts);
        let validity = Validity::days(&SystemClock, self.days);
        // Nothing is issued that could then not be handed over.
        if self.out.join("cert.pem").exists() || self.out.join("key.pem").exists() {
            let what = format!("{} holds a certificate", self.out.display());
            return Err(Failure::usage(what)
                .remedy("choose another folder, or renew with `ndxp cert renew`"));
        }
        let (issued, record) = authority.issue(&self.holder.identity(), &hosts, validity)?;
        issued.save(&self.out).map_err(AuthorityError::from)?;
        sheet::written(&self.out, &record, SystemClock.now(), self.output)
    }
}

impl Holder {
    fn identity(self) -> PeerIdentity {
        match self {
            Self {
                system: Some(system),
                ..
            } => PeerIdentity::System(system),
            Self {
                operator: Some(name),
                ..
            } => PeerIdentity::Operator(name),
            Self {
                auditor: Some(name),
                ..
            } => PeerIdentity::Auditor(name),
            Self { hub, .. } => PeerIdentity::Hub(hub.unwrap_or_default()),
        }
    }
}
