//! `ndxp cert revoke`: certificates that nobody may show any more.

use clap::Args;
use ndxp_hub::authority::{AuthorityFolder, Record};
use ndxp_model::{Clock as _, Instant, SystemClock};

use super::{AuthorityArguments, sheet};
use crate::failure::{Exit, Failure};
use crate::output::{Format, Output};

/// Revokes certificates: hubs that load the authority's crl.pem refuse them
///
/// Names one certificate by its serial number, or all that a holder has. Hubs read the list again
/// by themselves when it changes, and take no connection with a revoked certificate; to shut out a
/// system that is connected, suspend it too (`ndxp system suspend`).
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Revoke {
    /// A serial number, or a holder as `ndxp cert list` prints it: H26/lgsp, 'operator le.van.a'
    #[arg(value_name = "SERIAL|HOLDER", required = true)]
    what: Vec<String>,

    /// Where a holder has several certificates: revoke all of them
    #[arg(long)]
    all: bool,

    /// Why; kept in the authority's index
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Print what would be revoked, and revoke nothing
    #[arg(long)]
    dry_run: bool,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    authority: AuthorityArguments,
}

const EXAMPLES: &str = "\
Examples:
  ndxp cert revoke 41d3c0ffee0000000000000000000000 --reason 'replaced'
  ndxp cert revoke H26/lgsp --all --reason 'key of the LGSP lost' --dry-run";

impl Revoke {
    pub fn run(self) -> Result<(), Failure> {
        let authority = self.authority.open()?;
        let now = SystemClock.now();
        let records = authority.list()?;
        let trust_domain = authority.authority().trust_domain();
        let mut serials = Vec::new();
        for text in &self.what {
            serials.extend(self.meant_by(text, &records, trust_domain, now)?);
        }
        serials.sort();
        serials.dedup();
        let revoked = match self.dry_run {
            true => chosen(records, &serials),
            false => authority.revoke(&serials, &self.reason)?,
        };
        self.print(&authority, &revoked, now)
    }

    /// Serial numbers of what the text means.
    fn meant_by(
        &self,
        text: &str,
        records: &[Record],
        trust_domain: &str,
        now: Instant,
    ) -> Result<Vec<String>, Failure> {
        let meant = records
            .iter()
            .filter(|record| record.is_meant_by(text, trust_domain));
        let (by_serial, by_holder): (Vec<&Record>, Vec<&Record>) =
            meant.partition(|record| record.serial == normalised(text));
        if let [record] = by_serial.as_slice() {
            return Ok(vec![record.serial.clone()]);
        }
        let valid: Vec<String> = by_holder
            .iter()
            .filter(|record| record.is_valid_at(now))
            .map(|record| record.serial.clone())
            .collect();
        match (by_holder.len(), valid.len()) {
            (0, _) => Err(Failure::new(
                Exit::Negative,
                format_args!("the authority has issued no certificate {text:?}"),
            )
            .remedy("see `ndxp cert list` for serial numbers and holders")),
            (_, 0) => Err(Failure::new(
                Exit::Negative,
                format_args!("no certificate of {text} is valid any more"),
            )
            .remedy("see `ndxp cert list --all`")),
            (_, 1) => Ok(valid),
            _ if self.all => Ok(valid),
            (_, several) => Err(Failure::usage(format_args!(
                "{text} has {several} valid certificates: {}",
                valid.join(", ")
            ))
            .remedy("name one by its serial number, or revoke all of them with --all")),
        }
    }

    fn print(
        &self,
        authority: &AuthorityFolder,
        revoked: &[Record],
        now: Instant,
    ) -> Result<(), Failure> {
        let mut output = Output::open();
        match self.output {
            Format::Table => {
                let done = if self.dry_run {
                    "would be revoked"
                } else {
                    "revoked"
                };
                for record in revoked {
                    output.line(format_args!("{} {} {done}", record.serial, record.holder))?;
                }
            }
            Format::Json => {
                let records: Vec<_> = revoked.iter().map(|it| sheet::record(it, now)).collect();
                output.json(&records)?;
            }
        }
        output.flush()?;
        if !self.dry_run {
            eprintln!(
                "\nNext: hubs refuse them that name this list under tls.revoked in ndxp.toml:\n  {}",
                authority.crl_file().display()
            );
        }
        Ok(())
    }
}

fn chosen(records: Vec<Record>, serials: &[String]) -> Vec<Record> {
    let chosen = |record: &Record| serials.contains(&record.serial);
    records.into_iter().filter(chosen).collect()
}

/// Serial numbers are also written with colons and capitals.
fn normalised(text: &str) -> String {
    text.to_ascii_lowercase().replace(':', "")
}
