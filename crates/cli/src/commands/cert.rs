//! `ndxp cert`: certificates by which the hub knows who calls.

mod issue;
mod list;
mod renew;
mod revoke;
mod sheet;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use ndxp_hub::authority::AuthorityFolder;
use ndxp_model::SystemClock;

pub use sheet::EXPIRES_WITHIN_DAYS;

use crate::commands::init::AUTHORITY;
use crate::connect::ConfigFile;
use crate::failure::Failure;

/// Issues, renews, revokes and lists certificates of the hub's own authority
///
/// Works on the authority's folder, without a hub: it can be kept on a machine of its own. The
/// folder remembers what was issued (issued.jsonl) and revoked (crl.pem).
#[derive(Args, Debug)]
pub struct Cert {
    #[command(subcommand)]
    command: CertCommand,
}

#[derive(Debug, Subcommand)]
enum CertCommand {
    Issue(issue::Issue),
    Renew(renew::Renew),
    Revoke(revoke::Revoke),
    List(list::List),
}

/// Which authority.
#[derive(Args, Debug)]
struct AuthorityArguments {
    /// The authority's folder [default: pki/authority beside the configuration]
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,

    #[command(flatten)]
    config: ConfigFile,
}

impl Cert {
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            CertCommand::Issue(issue) => issue.run(),
            CertCommand::Renew(renew) => renew.run(),
            CertCommand::Revoke(revoke) => revoke.run(),
            CertCommand::List(list) => list.run(),
        }
    }
}

impl AuthorityArguments {
    fn open(&self) -> Result<AuthorityFolder, Failure> {
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
        Ok(AuthorityFolder::open(&folder, Arc::new(SystemClock))?)
    }
}
