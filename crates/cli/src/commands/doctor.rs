//! `ndxp doctor`: everything that keeps a hub from serving, looked at before it does.

mod archive;
mod certificates;
mod clock;
mod data;
mod descriptors;
mod disk;
mod files;
mod finding;
mod memory;
mod ports;

use std::sync::Arc;

use clap::Args;
use ndxp_hub::config::Config;
use ndxp_hub::tls::Tls;
use ndxp_model::SystemClock;

use crate::connect::ConfigFile;
use crate::failure::Failure;
use crate::output::{Format, Output};

use finding::{Area, Findings};

/// Looks for everything that keeps a hub from serving, and says what to do about it
///
/// Checks the configuration and every file that it names, permissions, certificates, the data
/// directory and the archive, the journal's ends, disk space, how long a sync takes, the clock, the
/// limit of open files, the memory that peers can take, and the ports. Needs no hub, and tells a
/// running one from a stranger on its ports. Run it on the hub's machine as the user that the hub
/// runs as. It writes one small file into the data directory and into the archive, and removes it.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Doctor {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    config: ConfigFile,
}

const EXAMPLES: &str = "\
Examples:
  ndxp doctor --config /etc/ndxp/ndxp.toml
  ndxp doctor -o json

Exit status: 0 without a failure, also with warnings; 1 with one.";

impl Doctor {
    pub async fn run(self) -> Result<(), Failure> {
        let findings = self.examine().await;
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(findings.text())?,
            Format::Json => output.json(&findings.record())?,
        }
        output.flush()?;
        match findings.failures() {
            0 => Ok(()),
            _ => Err(Failure::negative()),
        }
    }

    async fn examine(&self) -> Findings {
        let mut findings = Findings::default();
        let file = &self.config.config;
        let config = match Config::load(file) {
            Ok(config) => config,
            Err(errors) => {
                for error in errors.errors {
                    let line = error
                        .line
                        .map(|line| format!(":{line}"))
                        .unwrap_or_default();
                    let subject = format!("{}{line}", file.display());
                    let value = match error.key.is_empty() {
                        true => error.problem,
                        false => format!("{} = {}: {}", error.key, error.value, error.problem),
                    };
                    findings.failure(Area::Configuration, subject, value, error.remedy);
                }
                return findings;
            }
        };
        let subject = file.display().to_string();
        findings.ok(
            Area::Configuration,
            subject,
            "every key is known and within its bounds",
        );

        // What the others are asked of must be there first.
        let usable = files::check(&config, &mut findings);
        let hub = usable
            .hub
            .then(|| Tls::load(&config, Arc::new(SystemClock)));
        let client = usable
            .client
            .then(|| Tls::load_client(&config, Arc::new(SystemClock)));
        let (hub, client) = certificates::check(&config, hub, client, &mut findings);
        let last = data::check(&config, &mut findings);
        disk::check(&config, &mut findings);
        archive::check(&config, &mut findings);
        clock::check(last, hub.as_ref(), &mut findings);
        let holder = ports::check(&config, client.as_ref(), &mut findings).await;
        descriptors::check(&config, holder, &mut findings);
        memory::check(&config, &mut findings);
        findings
    }
}
