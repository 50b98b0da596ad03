//! `ndxp cert renew`: a new certificate and key under the same names.

use std::path::PathBuf;

use clap::Args;
use ndxp_hub::authority::{AuthorityError, Validity};
use ndxp_model::{Clock as _, SystemClock};

use super::{AuthorityArguments, sheet};
use crate::failure::Failure;
use crate::output::Format;

/// Issues a new certificate with a new key to the holder of an old one
///
/// The new one has the same holder and hosts, and takes the old one's place in the folder; a hub
/// reads its own files again by itself. The old one stays valid until it ends or is revoked.
/// Grants bind the system and not its certificate: none has to be made anew.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Renew {
    /// The folder with the certificate, as `ndxp cert issue` writes it
    #[arg(value_name = "CERT_DIR")]
    folder: PathBuf,

    /// Write into this folder instead, which must hold no certificate yet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// How long the new certificate is valid
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    authority: AuthorityArguments,
}

const EXAMPLES: &str = "\
Examples:
  ndxp cert renew H26-lgsp
  ndxp cert renew pki/hub --days 365
  ndxp cert renew H26-lgsp --out H26-lgsp-2027";

impl Renew {
    pub fn run(self) -> Result<(), Failure> {
        let authority = self.authority.open()?;
        let file = self.folder.join("cert.pem");
        let old = std::fs::read_to_string(&file).map_err(|error| {
            Failure::usage(format_args!("{}: cannot be read: {error}", file.display()))
                .remedy("name a folder that `ndxp cert issue` has written")
        })?;
        // What was issued before the index was kept is taken into it now.
        let old = authority.adopt(&old)?;
        let validity = Validity::days(&SystemClock, self.days);
        let (issued, record) = authority.renew(&old.serial, validity)?;
        let folder = self.out.as_ref().unwrap_or(&self.folder);
        match &self.out {
            Some(folder) => issued.save(folder),
            None => issued.replace(folder),
        }
        .map_err(AuthorityError::from)?;
        sheet::written(folder, &record, SystemClock.now(), self.output)
    }
}
