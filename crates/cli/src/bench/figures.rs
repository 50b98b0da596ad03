//! `ndxp bench figures`: what years of counters weigh, and how long a figure takes to be read
//! from them: built and asked through the code that the hub counts and answers with.

mod dice;
mod questions;
mod years;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use ndxp_counters::{Builder, Counters, NoNames, Source, SourceError, Watermark};
use ndxp_model::{Instant as WallInstant, Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, HubStarted};

use super::process;
use super::rows::{Form, Row, count, mebibytes, print, row};
use crate::failure::Failure;
use questions::{Asker, QUESTIONS};
use years::{Years, day_of};

/// The first day that is counted.
const FIRST: Date = Date::constant(2019, 3, 12);

/// Measures the counters of ten years of 10,000 connections, each of them used every day: bytes on
/// disk, and the time of single figures
#[derive(Args, Debug)]
pub struct Figures {
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,

    /// Years
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=20))]
    years: u32,

    /// How often each question is asked, of other connections and days each time
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    asked: u32,

    /// Builds the store here, and leaves it; where one is left already, only asks it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// A journal that holds nothing but the entry which the counters have come to.
struct Nothing(Watermark);

impl Figures {
    pub fn run(self) -> Result<(), Failure> {
        let rows = self.measure()?;
        Ok(print(self.output, &rows)?)
    }

    fn measure(&self) -> anyhow::Result<Vec<Row>> {
        let zone = Zone::viet_nam();
        let temporary = tempfile::tempdir()?;
        let directory = self.keep.as_deref().unwrap_or(temporary.path());
        let counters = directory.join("counters");
        let mut rows = vec![
            row("connections", f64::from(self.connections), ""),
            row("years", f64::from(self.years), ""),
        ];
        let days = i64::from(self.years) * 365 + i64::from(self.years) / 4;
        let end = FIRST.checked_add(jiff::Span::new().days(days))?;
        if !counters.exists() {
            self.build(&counters, &zone, days, &mut rows)?;
        }
        let sled = bytes_of(&counters.join("store"))?;
        let past = bytes_of(&counters.join("past"))?;
        rows.push(row("sled on disk", mebibytes(sled)?, "MiB"));
        rows.push(row("months and days at rest", mebibytes(past)?, "MiB"));

        eprintln!("opening …");
        let before = process::resident_bytes(std::process::id())?;
        let watermark = Watermark {
            sequence: Sequence::new(std::fs::read_to_string(directory.join("sequence"))?.parse()?),
            at: zone.moment(&format!("{}T23", end.yesterday()?))?.from,
        };
        let began = Instant::now();
        let counters = Counters::start(counters, zone.clone(), Nothing(watermark), |_, _| {})?;
        rows.push(row(
            "opened and checked",
            began.elapsed().as_secs_f64(),
            "s",
        ));
        let used = process::resident_bytes(std::process::id())?.saturating_sub(before);
        rows.push(row("resident memory", mebibytes(used)?, "MiB"));
        eprintln!("asking …");
        self.ask(&counters, &zone, end, &mut rows)?;
        counters.stop();
        Ok(rows)
    }

    fn build(
        &self,
        directory: &Path,
        zone: &Zone,
        days: i64,
        rows: &mut Vec<Row>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let connections = usize::try_from(self.connections)?;
        let mut years = Years::new(zone, connections, FIRST, days);
        let mut builder = Builder::begin(directory, zone)?;
        let watermark = years.count(&mut builder, &|day| eprintln!("counting {day} …"))?;
        rows.push(row("built", began.elapsed().as_secs_f64(), "s"));
        let transactions = watermark.sequence.get();
        rows.push(row("attempts", count(transactions), ""));
        let raw = mebibytes(builder.raw_bytes()?)?;
        rows.push(row("keys and values in sled", raw, "MiB"));
        builder.finish()?;
        let parent = directory.parent().context("it was joined to one")?;
        Ok(std::fs::write(
            parent.join("sequence"),
            transactions.to_string(),
        )?)
    }

    /// Asks single figures of other days and connections each time.
    fn ask(
        &self,
        counters: &Counters,
        zone: &Zone,
        end: Date,
        rows: &mut Vec<Row>,
    ) -> anyhow::Result<()> {
        let connections = usize::try_from(self.connections)?;
        let mut asker = Asker::new(zone, connections, FIRST, end)?;
        for (what, question) in QUESTIONS {
            let mut times = Vec::new();
            for _ in 0..self.asked {
                let query = question(&mut asker)?;
                let began = Instant::now();
                let answer = counters.count(&query, &NoNames);
                times.push(began.elapsed());
                let answer = answer
                    .with_context(|| format!("{what}: from {}", day_of(zone, query.period.from)))?;
                std::hint::black_box(answer);
            }
            rows.extend(percentiles(what, times));
        }
        Ok(())
    }
}

/// The middle and the 99th in a hundred, milliseconds.
fn percentiles(what: &str, mut times: Vec<Duration>) -> [Row; 2] {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = times.len() * percent / 100;
        let time = times.get(place).or(times.last());
        time.map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    [
        row(format!("{what}, p50"), at(50), "ms"),
        row(format!("{what}, p99"), at(99), "ms"),
    ]
}

/// What the files of a directory hold.
fn bytes_of(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += match metadata.is_dir() {
            true => bytes_of(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(bytes)
}

impl Source for Nothing {
    fn position(&self) -> Result<Watermark, SourceError> {
        Ok(self.0)
    }

    fn wait_beyond(&self, _after: Sequence, _timeout: Duration) -> bool {
        false
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let held = (from..=through).contains(&self.0.sequence);
        let entry = Entry {
            sequence: self.0.sequence.get(),
            committed_at_us: WallInstant::as_micros(self.0.at),
            body: Some(Body::HubStarted(HubStarted::default())),
        };
        Box::new(held.then_some(Ok(entry)).into_iter())
    }
}
