//! A whole month of a country: written, counted, reported, and held against the published report.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::statistics::v1::{Figure, GetReportRequest};
use serde::Serialize;

use crate::commands::simulate::{JULY_2022, Measured, Month, Target, simulate};
use crate::failure::Failure;
use crate::offline::DataDirectory;
use crate::output::{Format, Output, table, trimmed};
use crate::when;

/// Simulates July 2022, reports it, and holds the figures against the published ones
///
/// Writes some 6 GB below the folder for temporary files and removes them again.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Full {
    /// One of so many transactions, and of so many of the opening balances
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    scale: u64,

    /// Where to make the temporary folder [default: the system's]
    #[arg(long, value_name = "DIR")]
    below: Option<PathBuf>,

    /// The same seed gives the same entries
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  ndxp bench month
  ndxp bench month --scale 100 -o json

Exit status: 0 when every figure is the published one, 1 when one is not.";

/// Figures of the report of 29/7/2022 as of 22/7/2022, and whether they shrink with the scale.
const PUBLISHED: [(&str, u64, bool); 13] = [
    ("transactions_month", 10_385_415, true),
    ("transactions_since_launch", 553_969_478, true),
    ("members_connected", 90, false),
    ("systems_connected_lgsp", 85, false),
    ("systems_connected_database", 10, false),
    ("systems_connected_information_system", 8, false),
    ("coverage_lgsp_ministries", 22, false),
    ("coverage_lgsp_provinces", 63, false),
    ("documents_sent_month", 135_164, true),
    ("documents_received_month", 485_666, true),
    ("documents_sent_first_months", 760_000, true),
    ("documents_received_first_months", 2_800_000, true),
    ("transactions_previous_year", 180_919_031, true),
];

#[derive(Serialize)]
struct Record {
    scale: u64,
    seed: u64,
    simulated: Measured,
    /// Reading the registry out of the journal, from its first entry to its last.
    registry_seconds: f64,
    /// The same, and answering the whole report, its tables too; counters opened and sealed again.
    report_seconds: f64,
    anchors: Vec<Anchor>,
}

/// A published figure and the one that came out.
#[derive(Serialize)]
struct Anchor {
    figure: &'static str,
    published: u64,
    /// Absent when the report has no such figure.
    found: Option<u64>,
}

impl Full {
    pub fn run(self) -> Result<(), Failure> {
        let folder = match &self.below {
            Some(below) => tempfile::tempdir_in(below),
            None => tempfile::tempdir(),
        };
        let folder = folder.context("no temporary folder can be made")?;
        let record = self.measure(&folder)?;
        folder.close().context("the folder cannot be removed")?;

        let equal = record.anchors.iter().all(Anchor::is_met);
        let mut output = Output::open();
        match self.output {
            Format::Table => output.line(record.text())?,
            Format::Json => output.json(&record)?,
        }
        output.flush()?;
        match equal {
            true => Ok(()),
            false => Err(Failure::negative()),
        }
    }

    fn measure(&self, folder: &tempfile::TempDir) -> Result<Record, Failure> {
        let zone = Zone::viet_nam();
        let target = Target::claim(folder.path())?;
        let history = Month::july_2022(self.scale, self.seed).history(&zone)?;
        let simulated = simulate(&history, &target)?;

        let data = DataDirectory::open(folder.path(), zone.clone())?;
        let request = GetReportRequest {
            month: JULY_2022.0.to_owned(),
            as_of_us: when::as_of_us(Some(JULY_2022.1), &zone)?,
            ..GetReportRequest::default()
        };
        let began = Instant::now();
        data.registry(0)?;
        let registry_seconds = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let figures = data.report(&request)?.figures;
        let report_seconds = began.elapsed().as_secs_f64();
        let anchor = |row: &(&'static str, u64, bool)| Anchor::of(row, self.scale, &figures);
        Ok(Record {
            scale: self.scale,
            seed: self.seed,
            simulated,
            registry_seconds,
            report_seconds,
            anchors: PUBLISHED.iter().map(anchor).collect(),
        })
    }
}

impl Anchor {
    fn of(
        &(figure, value, shrinks): &(&'static str, u64, bool),
        scale: u64,
        figures: &[Figure],
    ) -> Self {
        let found = figures.iter().find(|it| it.name == figure);
        Self {
            figure,
            published: if shrinks { value / scale } else { value },
            found: found.map(|it| it.value),
        }
    }

    fn is_met(&self) -> bool {
        self.found == Some(self.published)
    }
}

impl Record {
    fn text(&self) -> String {
        let mut anchors = table(&["FIGURE", "PUBLISHED", "FOUND"], 1);
        for anchor in &self.anchors {
            let found = anchor.found.map_or("none".to_owned(), |it| it.to_string());
            let mark = if anchor.is_met() { "" } else { " DIFFERS" };
            let published = anchor.published.to_string();
            anchors.add_row([anchor.figure.to_owned(), published, found + mark]);
        }
        format!(
            "{}\nregistry      {:.2} s\nreported      {:.2} s, the registry read for it included\n\n{}",
            self.simulated.text(),
            self.registry_seconds,
            self.report_seconds,
            trimmed(&anchors)
        )
    }
}
