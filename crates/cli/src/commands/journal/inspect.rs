//! `ndxp journal inspect`: what of a damaged journal can be read, and what is lost.

use std::path::{Path, PathBuf};

use clap::Args;
use ndxp_journal::{DiskError, FileDisk, inspect_directory, inspect_file};

use super::sheet;
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Says what of a damaged journal can be read and what is lost, by sequence and time
///
/// Checks every frame of a segment file, or of all segments of a folder, and goes on behind damage at
/// the next place where a whole frame stands. Only reads: it repairs nothing, and a hub may be at
/// work meanwhile. What is called torn is a last write that did not survive whole; nobody was told
/// that it was committed, and the next start blanks it.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Inspect {
    /// A segment file, the folder of a journal, or a data directory
    #[arg(value_name = "FILE_OR_DIR")]
    path: PathBuf,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  ndxp journal inspect /var/lib/ndxp
  ndxp journal inspect /var/lib/ndxp/journal/00000000000000000001.segment -o json

Exit status: 0 when nothing that was acknowledged is lost, 1 when anything is.";

impl Inspect {
    pub fn run(self) -> Result<(), Failure> {
        let path = self.folder_or_file()?;
        let found = match path.is_dir() {
            true => inspect_directory(&FileDisk, &path),
            false => inspect_file(&FileDisk, &path),
        };
        let found = found?;
        if found.segments.is_empty() {
            let what = format!("{} holds no segment", path.display());
            return Err(Failure::usage(what)
                .remedy("name a .segment file, or the folder journal of a data directory"));
        }
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(sheet::text(&found))?,
            Format::Json => output.json(&sheet::record(&found))?,
        }
        output.flush()?;
        match found.is_whole() {
            true => Ok(()),
            false => Err(Failure::negative()),
        }
    }

    fn folder_or_file(&self) -> Result<PathBuf, Failure> {
        let below = self.path.join("journal");
        if below.is_dir() {
            return Ok(below);
        }
        match Path::new(&self.path).symlink_metadata() {
            Ok(_) => Ok(self.path.clone()),
            Err(error) => Err(Failure::usage(format_args!(
                "{}: cannot be read: {error}",
                self.path.display()
            ))
            .remedy("name a .segment file, or the folder journal of a data directory")),
        }
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::internal(error)
    }
}
