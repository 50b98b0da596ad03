//! `ndxp bench steps`: what each step of a call costs, measured by leaving it out: the hub, and
//! relays made of its own parts with one step less each, side by side in interleaved rounds.

mod ladder;

mod bare;
pub mod relay;

mod alone;

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::caller::FULL;
use super::machine::Machine;
use super::peers::samples::{Sample, Samples};
use super::rows::{Form, median, print_as};
use super::runtime_of_one_thread;
use super::targets::short;
use crate::failure::Failure;
use alone::Alone;
use ladder::{Ground, LADDER};
pub use relay::Relay;

/// Leaves one step of a call out after the other, and says what each costs: TLS, counters, journal,
/// exchange, and what HTTP/2 and the sockets take without them
///
/// Every rung of the ladder is a process of its own before the same provider, under the load of
/// targets 1 and 2; rounds are interleaved. The look-up of a call's way and the digests have no seam
/// by which they could be left out: they are measured alone, in the same rounds. Every answer is
/// checked, and a run in which one fails prints no table.
#[derive(Args, Debug)]
pub struct Steps {
    /// Measured seconds of each run
    // Less than the minute after which the hub begins to pack what it has written.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=50))]
    seconds: u64,

    /// Rounds; what is printed are medians and the spread
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// What a step costs.
#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    /// CPU of the relaying process for one call.
    cpu_us: f64,
    cpu_us_least: f64,
    cpu_us_most: f64,
    found: String,
}

/// What was seen.
#[derive(Debug, Serialize)]
struct Seen {
    machine: Machine,
    load: &'static str,
    steps: Vec<Step>,
    rounds: Samples,
}

impl Steps {
    pub fn run(self) -> Result<(), Failure> {
        let runtime = runtime_of_one_thread()?;
        let machine = Machine::this()?;
        eprintln!("{}", machine.text());
        let (rounds, alone) = runtime.block_on(self.measure())?;
        let seen = Seen {
            machine,
            load: FULL,
            steps: steps(&rounds, &alone),
            rounds,
        };
        let text = || {
            let (rungs, steps) = (seen.rounds.table(), table(&seen.steps));
            format!("{rungs}\n\n{steps}\n\n{}", seen.machine.text())
        };
        Ok(print_as(self.output, &seen, text)?)
    }

    async fn measure(&self) -> anyhow::Result<(Samples, Vec<Alone>)> {
        let ground = Ground::prepare()?;
        let measured = Duration::from_secs(self.seconds);
        let (mut samples, mut alone) = (Samples::default(), Vec::new());
        for round in 0..usize::try_from(self.rounds)? {
            // Another one first in each round: what drifts with time hits none alone.
            let (behind, ahead) = LADDER.split_at(round % LADDER.len());
            for rung in ahead.iter().chain(behind) {
                eprintln!("round {} of {}: {}", round + 1, self.rounds, rung.text);
                let (way, load) = ground.start(rung, measured).await?;
                let run = way.measure(&load).await;
                let run = run.with_context(|| format!("a call failed: {}", rung.text))?;
                samples.push(Sample::of_calls(FULL, &way, round, &run));
            }
            alone.push(Alone::measure()?);
        }
        Ok((samples, alone))
    }
}

/// The middle of the rounds' own differences, each between runs of one round; what was done alone
/// stands behind the exchange, of which it is a part.
fn steps(samples: &Samples, alone: &[Alone]) -> Vec<Step> {
    let cpu = |rung: &str| samples.values(FULL, rung, |it| it.cpu_us);
    let differences = LADDER
        .iter()
        .zip(LADDER.iter().skip(1))
        .map(|(rung, below)| {
            let (with, without) = (cpu(rung.name), cpu(below.name));
            let differences = with
                .iter()
                .zip(without)
                .map(|(with, without)| with - without);
            let found = format!("{} − {}", rung.name, below.name);
            Step::of(rung.step, differences.collect(), found)
        });
    let rest = LADDER.last().map(|rung| {
        let found = "what is left".to_owned();
        Step::of(rung.step, cpu(rung.name), found)
    });
    differences.chain(parts(alone)).chain(rest).collect()
}

/// Parts of the exchange.
fn parts(alone: &[Alone]) -> [Step; 2] {
    let part = |step, of: fn(&Alone) -> f64| {
        let found = "measured alone".to_owned();
        Step::of(step, alone.iter().map(of).collect(), found)
    };
    [
        part("of it: identify and route", |it| it.look_up_us),
        part("of it: digests of both directions", |it| it.digests_us),
    ]
}

impl Step {
    fn of(step: &'static str, values: Vec<f64>, found: String) -> Self {
        let all = || values.iter().copied();
        Self {
            step,
            cpu_us: median(all()),
            cpu_us_least: all().fold(f64::INFINITY, f64::min),
            cpu_us_most: all().fold(f64::NEG_INFINITY, f64::max),
            found,
        }
    }
}

fn table(steps: &[Step]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["step", "CPU µs/call", "least", "most", "found by"]);
    for step in steps {
        table.add_row([
            step.step.to_owned(),
            short(step.cpu_us),
            short(step.cpu_us_least),
            short(step.cpu_us_most),
            step.found.clone(),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_costs_what_one_rung_takes_more_than_the_next_in_the_same_round() {
        let mut samples = Samples::default();
        // The machine was twice as slow in the second round, for all.
        for (round, slowness) in [1.0, 2.0, 1.0].into_iter().enumerate() {
            for (rung, cpu_us) in LADDER.iter().zip([31.0, 26.0, 22.0, 12.0, 7.0]) {
                samples.push(Sample {
                    load: FULL,
                    way: rung.name,
                    round,
                    cpu_us: Some(cpu_us * slowness),
                    ..Sample::default()
                });
            }
        }
        let alone = [1.0, 2.0, 1.0].map(|slowness| Alone {
            look_up_us: 0.5 * slowness,
            digests_us: slowness,
        });
        let found: Vec<_> = steps(&samples, &alone)
            .iter()
            .map(|it| (it.step, it.cpu_us, it.cpu_us_most))
            .collect();
        let wanted = [
            ("TLS", 5.0, 10.0),
            ("counters", 4.0, 8.0),
            ("journal", 10.0, 20.0),
            ("the exchange", 5.0, 10.0),
            ("of it: identify and route", 0.5, 1.0),
            ("of it: digests of both directions", 1.0, 2.0),
            ("HTTP/2 and sockets", 7.0, 14.0),
        ];
        assert_eq!(found, wanted);
    }
}
