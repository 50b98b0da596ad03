//! Targets: what was measured against what it must be. One that could not be measured says so and
//! is neither met nor missed.

use std::fmt::Display;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::machine::Machine;
use super::rows::{Form, print_as};

/// One line of the list of targets.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub id: &'static str,
    pub name: String,
    pub value: Option<f64>,
    pub bound: Option<f64>,
    /// Whether the bound is the most or the least.
    pub sense: Sense,
    pub unit: &'static str,
    pub met: Option<bool>,
    /// Why nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum Sense {
    #[serde(rename = "at most")]
    AtMost,
    #[serde(rename = "less than")]
    LessThan,
    #[serde(rename = "at least")]
    AtLeast,
}

/// What a program reads of a bench.
#[derive(Debug, Serialize)]
pub struct Record<T> {
    pub machine: Machine,
    pub targets: Vec<Target>,
    pub rounds: T,
}

impl Target {
    pub fn new(
        (id, name): (&'static str, impl Into<String>),
        value: f64,
        sense: Sense,
        bound: f64,
        unit: &'static str,
    ) -> Self {
        let met = match sense {
            Sense::AtMost => value <= bound,
            Sense::LessThan => value < bound,
            Sense::AtLeast => value >= bound,
        };
        Self {
            id,
            name: name.into(),
            value: Some(value),
            bound: Some(bound),
            sense,
            unit,
            // No figure, no verdict.
            met: (value.is_finite() && bound.is_finite()).then_some(met),
            not_measured: None,
        }
    }

    /// One that this machine or this run cannot answer.
    pub fn not_measured(
        (id, name): (&'static str, impl Into<String>),
        sense: Sense,
        bound: Option<f64>,
        unit: &'static str,
        why: impl Into<String>,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            value: None,
            bound,
            sense,
            unit,
            met: None,
            not_measured: Some(why.into()),
        }
    }
}

impl<T: Serialize> Record<T> {
    /// All of it for programs; for people what was said of the rounds, the targets, the machine.
    pub fn print(&self, form: Form, rounds: impl Display) -> anyhow::Result<()> {
        print_as(form, self, || {
            let (targets, machine) = (table(&self.targets), self.machine.text());
            format!("{rounds}\n\n{targets}\n\n{machine}")
        })
    }
}

/// The targets, for people.
fn table(targets: &[Target]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["target", "what", "value", "bound", "unit", "met"]);
    for target in targets {
        let met = match (target.met, &target.not_measured) {
            (Some(true), _) => "met".to_owned(),
            (Some(false), _) => "NOT MET".to_owned(),
            (None, Some(why)) => format!("not measured: {why}"),
            (None, None) => "no figure".to_owned(),
        };
        let sign = match target.sense {
            Sense::AtMost => "≤",
            Sense::LessThan => "<",
            Sense::AtLeast => "≥",
        };
        let bound = target.bound.map(|it| format!("{sign} {}", short(it)));
        table.add_row([
            target.id.to_owned(),
            target.name.clone(),
            target.value.map(short).unwrap_or_default(),
            bound.unwrap_or_default(),
            target.unit.to_owned(),
            met,
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Digits that say something.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, sense: Sense, bound: f64, met: Option<bool>) {
        let target = Target::new(("1", "a target"), value, sense, bound, "");
        assert_eq!(target.met, met, "{value} {sense:?} {bound}");
    }

    #[test]
    fn a_bound_is_met_on_its_own_side_and_never_by_no_figure() {
        check(1.25, Sense::AtMost, 1.25, Some(true));
        check(1.26, Sense::AtMost, 1.25, Some(false));
        check(200.0, Sense::LessThan, 200.0, Some(false));
        check(0.85, Sense::AtLeast, 0.85, Some(true));
        check(0.84, Sense::AtLeast, 0.85, Some(false));
        check(f64::NAN, Sense::AtMost, 1.0, None);
        check(1.0, Sense::AtLeast, f64::INFINITY, None);
    }

    #[test]
    fn what_was_not_measured_has_no_value_and_says_why() {
        let target = Target::not_measured(
            ("1", "a target"),
            Sense::AtMost,
            Some(1.0),
            "",
            "no nginx here",
        );
        let json = serde_json::to_value(&target).unwrap();
        assert!(json["value"].is_null() && json["met"].is_null(), "{json}");
        assert!(table(&[target]).to_string().contains("no nginx here"));
    }
}
