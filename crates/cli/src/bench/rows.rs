//! Figures of a measurement, one to a row, for people and for programs.

use std::fmt::Display;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Form {
    Table,
    Json,
}

/// One figure.
#[derive(Debug, Serialize)]
pub struct Row {
    what: String,
    value: f64,
    unit: &'static str,
}

pub fn row(what: impl Into<String>, value: f64, unit: &'static str) -> Row {
    let what = what.into();
    Row { what, value, unit }
}

/// A count as a figure, exactly up to 2^53.
pub fn count(of: u64) -> f64 {
    let high = u32::try_from(of >> 32).map_or(f64::INFINITY, f64::from);
    let low = u32::try_from(of & 0xffff_ffff).map_or(f64::INFINITY, f64::from);
    high * 4_294_967_296.0 + low
}

/// The middle one; of an even number, the upper of the two.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values.collect(), 0.5)
}

/// The value at a share of the way through the sorted ones.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    let value = values.get(place).or(values.last());
    value.copied().unwrap_or(f64::NAN)
}

pub fn mebibytes(bytes: u64) -> anyhow::Result<f64> {
    Ok(f64::from(u32::try_from(bytes >> 10)?) / 1_024.0)
}

pub fn print(form: Form, rows: &[Row]) -> anyhow::Result<()> {
    print_as(form, rows, || table(rows))
}

/// For programs all there is, for people what is made of it.
pub fn print_as<T: Display>(
    form: Form,
    found: &(impl Serialize + ?Sized),
    text: impl FnOnce() -> T,
) -> anyhow::Result<()> {
    match form {
        Form::Json => {
            let json = serde_json::to_string_pretty(found).context("figures are plain data")?;
            println!("{json}");
        }
        Form::Table => println!("{}", text()),
    }
    Ok(())
}

pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["WHAT", "VALUE", "UNIT"]);
    table.add_rows(rows.iter().map(|row| {
        let value = match row.value {
            whole if whole.fract() == 0.0 => format!("{whole:.0}"),
            value if value < 10.0 => format!("{value:.3}"),
            value => format!("{value:.1}"),
        };
        [row.what.clone(), value, row.unit.to_owned()]
    }));
    if let Some(values) = table.column_mut(1) {
        values.set_cell_alignment(CellAlignment::Right);
    }
    table
}
