//! `ndxp init`: a folder from which a hub can be served at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use ndxp_hub::authority::{Authority, AuthorityError, AuthorityFolder, Hosts, Validity};
use ndxp_hub::config::{Config, template};
use ndxp_model::SystemClock;

use crate::failure::Failure;
use crate::output::Output;

/// Makes a folder with a certificate authority, certificates for the hub and its operator, a
/// configuration and an example catalogue
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Init {
    /// The folder to make; it must hold no hub yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Name of this hub node
    #[arg(long, value_name = "NAME", default_value = "hub-1")]
    node: String,

    /// Authority part of the URIs in certificates, as in spiffe://ndxp.local/member/H26/system/lgsp
    #[arg(long, value_name = "DOMAIN", default_value = "ndxp.local")]
    trust_domain: String,

    /// A name or address under which others reach the hub, beside localhost; may be repeated
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,

    /// How long the hub's and the operator's certificates are valid
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
}

const EXAMPLES: &str = "\
Examples:
  ndxp init hub
  ndxp init /etc/ndxp --node hanoi-1 --trust-domain ndxp.gov.vn --host ndxp.gov.vn

Keep pki/authority/ca-key.pem offline: whoever holds it can speak as every member.";

/// Where the authority's certificate and key lie, below the configuration's folder.
pub const AUTHORITY: &str = "pki/authority";

/// Members, systems, services and grants of a small example, to be changed and applied.
const CATALOGUE: &str = include_str!("init/catalogue.toml");

impl Init {
    pub fn run(self) -> Result<(), Failure> {
        let folder = &self.folder;
        let config_file = folder.join("ndxp.toml");
        let catalogue_file = folder.join("catalogue.toml");
        for taken in [&config_file, &catalogue_file, &folder.join("pki")] {
            if taken.exists() {
                return Err(Failure::usage(format_args!("{} exists", taken.display()))
                    .remedy("name a folder that holds no hub yet"));
            }
        }
        let config = template(&self.node, &self.trust_domain);
        Config::parse(&config_file, &config).map_err(|errors| {
            Failure::usage(errors).remedy("give --node and --trust-domain such names")
        })?;
        self.certificates().map_err(Failure::from)?;
        write(&config_file, &config)?;
        write(&catalogue_file, CATALOGUE)?;
        self.say(&config_file, &catalogue_file)
    }

    /// Everything is made before anything is written: a wrong host leaves no folder behind.
    fn certificates(&self) -> Result<(), AuthorityError> {
        let authority = Authority::create(&self.trust_domain, &SystemClock)?;
        let validity = Validity::days(&SystemClock, self.days);
        let hosts = Hosts::with(self.hosts.iter().cloned());
        let hub = authority.issue_hub(&self.node, &hosts, validity)?;
        let operator = authority.issue_operator("operator", validity)?;
        let folder = self.folder.join(AUTHORITY);
        authority.save(&folder)?;
        let authority = AuthorityFolder::open(&folder, Arc::new(SystemClock))?;
        for (issued, into) in [(hub, "pki/hub"), (operator, "pki/operator")] {
            authority.adopt(&issued.certificate_pem)?;
            issued.save(&self.folder.join(into))?;
        }
        Ok(())
    }

    fn say(&self, config_file: &Path, catalogue_file: &Path) -> Result<(), Failure> {
        let mut output = Output::open();
        for made in ["pki/authority", "pki/hub", "pki/operator"] {
            output.line(self.folder.join(made).display())?;
        }
        output.line(config_file.display())?;
        output.line(catalogue_file.display())?;
        output.flush()?;
        let (config, catalogue) = (config_file.display(), catalogue_file.display());
        eprintln!(
            "\nNext:\n  ndxp serve --config {config}\n  ndxp cert issue --config {config} --system \
             H26/lgsp --out {}\n  ndxp apply --config {config} -f {catalogue} --dry-run",
            self.folder.join("H26-lgsp").display()
        );
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        Failure::usage(format_args!(
            "{}: cannot be written: {error}",
            path.display()
        ))
    })
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Making(_) | AuthorityError::NoRandomness => Self::internal(error),
            _ => Self::usage(error),
        }
    }
}
