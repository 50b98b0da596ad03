//! `ndxp backup`: copies a hub's data directory while it serves, and compares a backup with its
//! manifest.

use std::path::PathBuf;

use clap::Args;
use ndxp_hub::backup::{self, BackupError, Difference, Manifest};
use ndxp_model::{Clock as _, SystemClock};
use serde::Serialize;

use crate::connect::ConfigFile;
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Copies the journal and the salt key into a new folder while the hub serves
///
/// Run it on the hub's machine, as somebody who may read the data directory. The hub is not asked and
/// need not run. The copy holds every transaction that was settled before the command began; counters
/// and checkpoints are left out, because they are made again from the journal. The configuration and
/// the certificates are not copied.
///
/// To restore, put the folder in the place of the data directory and start the hub. A backup that was
/// broken off is refused there, and by every command.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Backup {
    /// The backup: a folder that is empty or is not there yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Compare a backup, or what was restored from it, with its manifest instead of taking one
    #[arg(long, conflicts_with = "data")]
    check: bool,

    /// The data directory to copy [default: the configuration's hub.data_dir]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    config: ConfigFile,
}

const EXAMPLES: &str = "\
Examples:
  ndxp backup /backup/2026-07-22 --config /etc/ndxp/ndxp.toml
  ndxp backup --check /backup/2026-07-22
  ndxp verify --data /backup/2026-07-22

Exit status: 0 when the backup is whole and on the disk, 1 when --check finds a difference.";

#[derive(Serialize)]
struct Record<'a> {
    folder: String,
    #[serde(flatten)]
    manifest: &'a Manifest,
    differences: Vec<String>,
}

impl Backup {
    pub fn run(self) -> Result<(), Failure> {
        let (manifest, differences) = if self.check {
            backup::check(&self.folder)?
        } else {
            let data = match &self.data {
                Some(data) => data.clone(),
                None => self.config.load()?.hub.data_dir,
            };
            (
                backup::take(&data, &self.folder, SystemClock.now())?,
                Vec::new(),
            )
        };
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(text(&manifest, &differences))?,
            Format::Json => output.json(&Record {
                folder: self.folder.display().to_string(),
                manifest: &manifest,
                differences: differences.iter().map(ToString::to_string).collect(),
            })?,
        }
        output.flush()?;
        match differences.is_empty() {
            true => Ok(()),
            false => Err(Failure::negative()),
        }
    }
}

fn text(manifest: &Manifest, differences: &[Difference]) -> String {
    let mut lines = vec![
        format!(
            "journal   sequences 1 to {}, until {}",
            manifest.last_sequence, manifest.last_committed_at
        ),
        format!(
            "files     {} of {} bytes, taken {}",
            manifest.files.len(),
            manifest.bytes(),
            manifest.taken_at
        ),
    ];
    lines.extend(differences.iter().map(|it| format!("NOT WHOLE {it}")));
    if differences.is_empty() {
        lines.push("whole: every file is what the manifest says".to_owned());
    }
    lines.join("\n")
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::NotEmpty { .. } | BackupError::NoJournal { .. } => Self::usage(error),
            BackupError::Manifest(_) => Self::usage(error),
            _ => Self::internal(error),
        }
    }
}
