//! `ndxp baseline import`: a file is read whole, everything that it shows to be wrong is said before
//! the hub is asked, and what the hub finds is told by the rows of the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use ndxp_baseline::{FILE_NAME_CHARS_MAX, Limits, ParseError, Parsed, parse};
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{ImportBaselineRequest, ImportBaselineResponse};
use ring::digest::{Context, SHA256};
use serde_json::json;

use crate::connect::{Remote, control};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Journals the numbers of a CSV file: all of them, or none
///
/// The file is UTF-8 with commas, and its first row is
/// period,consumer,provider,service,measure,value,source. A period is a year, a month, a day, all
/// before one of these, or before-launch; consumer, provider and service are given for one
/// connection and left empty for the total. What was imported or counted already is refused.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Import {
    /// The file; - for standard input. docs/baseline.md tells its form to the letter
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Why; written into the journal with the numbers
    #[arg(
        long,
        visible_alias = "reason",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,

    /// Check everything, and import nothing
    #[arg(long)]
    dry_run: bool,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    remote: Remote,
}

const EXAMPLES: &str = "\
A file:
  period,consumer,provider,service,measure,value,source
  before 2021,,,,transactions,12345678,\"Báo cáo năm 2020\"
  2021,,,,transactions,180919031,\"Báo cáo 105/BC-BTTTT, 29/7/2022\"
  2022-06,H26/lgsp,G01/population,vn.gov.v1.Verify,records,51234,\"Biên bản bàn giao\"

Examples:
  ndxp baseline import before-2022.csv --dry-run
  ndxp baseline import before-2022.csv --note 'handed over by letter 12/2022'";

impl Import {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.remote.load()?;
        let read = read(&self.file)?;
        let mut baseline = read.parsed.baseline;
        baseline.note.clone_from(&self.note);
        baseline.file.clone_from(&read.name);
        baseline.file_sha256 = read.digest;
        let request = ImportBaselineRequest {
            baseline: Some(baseline),
            dry_run: self.dry_run,
        };
        let mut client = StatisticsServiceClient::new(control(&config).await?);
        let answered = client.import_baseline(request).await.map_err(|status| {
            let failure = Failure::from(status);
            let what = placed(&failure.what, &read.name, &read.parsed.rows);
            Failure { what, ..failure }
        })?;
        self.print(&answered.into_inner())
    }

    fn print(&self, answer: &ImportBaselineResponse) -> Result<(), Failure> {
        let ImportBaselineResponse { sequence, rows } = *answer;
        let mut output = Output::open();
        match (self.output, self.dry_run) {
            (Format::Table, true) => {
                output.line(format_args!("{rows} can be imported; nothing was done"))?;
            }
            (Format::Table, false) => {
                output.line(format_args!("{rows} imported, at sequence {sequence}"))?;
            }
            (Format::Json, dry_run) => output.json(&json!({
                "sequence": (!dry_run).then_some(sequence),
                "balances": rows,
                "dry_run": dry_run,
            }))?,
        }
        output.flush()
    }
}

/// A file that was read whole.
#[derive(Debug)]
struct FileRead {
    name: String,
    parsed: Parsed,
    digest: Vec<u8>,
}

fn read(path: &Path) -> Result<FileRead, Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = match path.file_name() {
        Some(name) if !is_stdin => name.to_string_lossy().into_owned(),
        _ => "-".to_owned(),
    };
    let source: Box<dyn Read> = match is_stdin {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(|error| unreadable(path, &error))?),
    };
    let mut digested = Digested {
        source,
        context: Context::new(&SHA256),
    };
    let parsed = parse(&mut digested, &Limits::default()).map_err(|error| match error {
        ParseError::Read(error) => unreadable(path, &error),
        ParseError::Wrong(findings) => {
            let lines = findings.to_string();
            let lines: Vec<_> = lines
                .lines()
                .map(|line| format!("{name}: {line}"))
                .collect();
            Failure::usage(lines.join("\n")).remedy(
                "correct the file and import it again: nothing was imported; docs/baseline.md \
                 tells its form",
            )
        }
    })?;
    Ok(FileRead {
        name: name.chars().take(FILE_NAME_CHARS_MAX).collect(),
        parsed,
        digest: digested.context.finish().as_ref().to_vec(),
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!("{}: cannot be read: {error}", path.display()))
        .remedy("name a CSV file, or - for standard input")
}

/// What goes by, digested.
struct Digested<R> {
    source: R,
    context: Context,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        if let Some(read) = buffer.get(..length) {
            self.context.update(read);
        }
        Ok(length)
    }
}

/// What the hub says of `balance 3`, said of its row in the file.
fn placed(what: &str, name: &str, rows: &[u64]) -> String {
    let place = |line: &str| {
        let rest = line.strip_prefix("balance ")?;
        let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
        let number: usize = digits.parse().ok()?;
        let row = rows.get(number.checked_sub(1)?)?;
        Some(format!("{name}: row {row}{}", rest.strip_prefix(digits)?))
    };
    let lines = what.lines();
    let lines: Vec<_> = lines
        .map(|line| place(line).unwrap_or_else(|| line.to_owned()))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_hub_says_of_a_balance_is_said_of_its_row() {
        let what = "balance 1 (2021, in total, transactions): overlaps balance 2 (2021)\n\
                    balance 2: no\nbalance 3: beyond\nbalances\nother";
        let wanted = "a.csv: row 2 (2021, in total, transactions): overlaps balance 2 (2021)\n\
                      a.csv: row 5: no\nbalance 3: beyond\nbalances\nother";
        assert_eq!(placed(what, "a.csv", &[2, 5]), wanted);
    }

    #[test]
    fn what_is_read_is_digested_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        let text = format!("{}\n2021,,,,transactions,5,x\n", ndxp_baseline::HEADER);
        std::fs::write(&file, &text).unwrap();
        let read = read(&file).unwrap();
        let wanted = ring::digest::digest(&SHA256, text.as_bytes());
        assert_eq!(
            (read.name.as_str(), read.digest.as_slice()),
            ("a.csv", wanted.as_ref())
        );
        assert_eq!(read.parsed.rows, [2]);
    }
}
