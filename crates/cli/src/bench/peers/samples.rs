//! What was seen, run by run, and what is said of it: medians, spread and ratios.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::ways::{Measured, Way};
use crate::bench::rows;
use crate::bench::targets::short;

/// One run of one load on one way. What a load does not show is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sample {
    pub load: &'static str,
    pub way: &'static str,
    pub version: String,
    pub round: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mib_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    /// CPU of what stands in between, all its processes: of a call, or of a handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_mib: Option<f64>,
    /// Connections that stand, or sessions that were resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<f64>,
    /// What the disk took for a sync before this round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fdatasync_us: Option<f64>,
}

/// All runs of one invocation.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Samples(Vec<Sample>);

/// A column of the table.
type Column = (&'static str, fn(&Sample) -> Option<f64>);

const COLUMNS: [Column; 8] = [
    ("count", |it| it.count),
    ("calls/s", |it| it.calls_per_second),
    ("MiB/s", |it| it.mib_per_second),
    ("p50 µs", |it| it.p50_us),
    ("p99 µs", |it| it.p99_us),
    ("proxy CPU µs", |it| it.cpu_us),
    ("proxy RSS MiB", |it| it.resident_mib),
    ("fdatasync µs", |it| it.fdatasync_us),
];

impl Sample {
    pub fn of(load: &'static str, way: &Way, round: usize) -> Self {
        Self {
            load,
            way: way.name,
            version: way.version.clone(),
            round,
            ..Self::default()
        }
    }

    /// One of unary calls.
    pub fn of_calls(load: &'static str, way: &Way, round: usize, measured: &Measured) -> Self {
        let run = &measured.run;
        Self {
            calls_per_second: Some(run.calls_per_second()),
            p50_us: Some(f64::from(run.quantile_us(0.5))),
            p99_us: Some(f64::from(run.quantile_us(0.99))),
            cpu_us: measured.cpu_us_per_call,
            resident_mib: measured.resident_mib,
            ..Self::of(load, way, round)
        }
    }
}

impl Samples {
    pub fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The middle one of a way's runs; `None` where the way was not there.
    pub fn median(
        &self,
        load: &str,
        way: &str,
        of: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        let values = self.values(load, way, of);
        (!values.is_empty()).then(|| rows::median(values.into_iter()))
    }

    /// How many times as much one way shows as another: the middle of the rounds' own ratios, in
    /// each of which both ran one after the other.
    pub fn ratio(
        &self,
        load: &str,
        (way, other): (&str, &str),
        of: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        let one = self.values(load, way, &of);
        let others = self.values(load, other, &of);
        let ratios: Vec<f64> = one.iter().zip(&others).map(|(a, b)| a / b).collect();
        (!ratios.is_empty()).then(|| rows::median(ratios.into_iter()))
    }

    /// What a way showed, round by round.
    pub fn values(&self, load: &str, way: &str, of: impl Fn(&Sample) -> Option<f64>) -> Vec<f64> {
        let own = self.0.iter().filter(|it| it.load == load && it.way == way);
        own.filter_map(of).collect()
    }

    /// Medians of each load and way, with the spread of the rounds behind them.
    pub fn table(&self) -> Table {
        let used: Vec<&Column> = COLUMNS
            .iter()
            .filter(|(_, of)| self.0.iter().any(|it| of(it).is_some()))
            .collect();
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let names = used.iter().map(|(name, _)| *name);
        table.set_header(["load", "way"].into_iter().chain(names));
        let mut seen = Vec::new();
        for sample in &self.0 {
            let key = (sample.load, sample.way);
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let cells = used.iter().map(|(_, of)| self.cell(key, of));
            let names = [sample.load.to_owned(), sample.version_or_way()];
            table.add_row(names.into_iter().chain(cells));
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn cell(&self, (load, way): (&str, &str), of: &fn(&Sample) -> Option<f64>) -> String {
        let values = self.values(load, way, of);
        let Some((least, most)) = values
            .iter()
            .fold(None, |seen: Option<(f64, f64)>, &value| {
                Some(seen.map_or((value, value), |(low, high)| {
                    (low.min(value), high.max(value))
                }))
            })
        else {
            return String::new();
        };
        let middle = short(rows::median(values.iter().copied()));
        match values.len() {
            1 => middle,
            _ => format!("{middle} ({}–{})", short(least), short(most)),
        }
    }
}

impl Sample {
    fn version_or_way(&self) -> String {
        match self.version.starts_with(self.way) {
            true => self.version.clone(),
            false => format!("{} ({})", self.way, self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(rows: &[(&'static str, f64)]) -> Samples {
        let sample = |(round, &(way, cpu)): (usize, &(&'static str, f64))| Sample {
            load: "calls",
            way,
            round: round / 2,
            cpu_us: Some(cpu),
            ..Sample::default()
        };
        Samples(rows.iter().enumerate().map(sample).collect())
    }

    #[test]
    fn ways_are_compared_round_by_round() {
        // The machine was twice as slow in the second round, for both.
        let all = samples(&[
            ("hub", 10.0),
            ("haproxy", 20.0),
            ("hub", 20.0),
            ("haproxy", 40.0),
            ("hub", 15.0),
            ("haproxy", 20.0),
        ]);
        let cpu = |it: &Sample| it.cpu_us;
        assert_eq!(all.ratio("calls", ("hub", "haproxy"), cpu), Some(0.5));
        assert_eq!(all.median("calls", "hub", cpu), Some(15.0));
        assert_eq!(all.ratio("calls", ("hub", "nginx"), cpu), None);
        assert_eq!(all.median("streams", "hub", cpu), None);
        assert!(all.table().to_string().contains("15.0 (10.0–20.0)"));
    }
}
