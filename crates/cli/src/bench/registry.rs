//! `ndxp bench registry`: what a large registry costs: folding it, starting from its checkpoint,
//! changing one grant in it, and looking up the way of a call.

mod nation;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use ndxp_model::{Connection, Instant as WallInstant};
use ndxp_proto::registry::v1::{Catalogue, Grant};
use ndxp_registry::{CertificateIdentity, Registry};
use serde::Serialize;

use super::process;
use super::rows::{Form, print_as};
use crate::failure::Failure;
use nation::Nation;

/// Measures a registry of 10,000 members, 50,000 systems, 100,000 services and 1,000,000 grants:
/// start, memory, the change of one grant, and the look-up of a call
#[derive(Args, Debug)]
pub struct Scale {
    /// Percent of that size
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    percent: u32,

    /// Changes of one grant each
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    changes: u32,

    /// Look-ups, while nothing changes and while grants change all the time
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    look_ups: u32,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// One figure.
#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    value: f64,
    unit: &'static str,
}

/// Times of one kind, in the order of their lengths.
struct Times(Vec<Duration>);

impl Scale {
    pub fn run(self) -> Result<(), Failure> {
        let rows = self.measure()?;
        Ok(print_as(self.output, &rows, || table(&rows))?)
    }

    fn measure(&self) -> anyhow::Result<Vec<Row>> {
        let nation = Nation::of_percent(usize::try_from(self.percent)?);
        let mut rows = vec![
            row("members", count(nation.members), ""),
            row("systems", count(nation.systems), ""),
            row("services", count(nation.services), ""),
            row("grants", count(nation.grants), ""),
        ];
        let registry = restarted(nation, &mut rows)?;
        let shown = ArcSwap::from_pointee(registry);
        let connections = (0..nation.grants.min(100_000))
            .map(|index| nation.connection(index * (nation.grants / nation.grants.min(100_000))))
            .collect::<anyhow::Result<Vec<_>>>()?;

        eprintln!("looking up …");
        let quiet = look_ups(&shown, &connections, self.look_ups)?;
        rows.push(row("look-up, nothing changing", quiet, "ns"));
        eprintln!("changing …");
        let [plans, swaps] = changes(&shown, nation, self.changes)?;
        plans.report(
            ["plan of one grant, p50", "plan of one grant, p99"],
            &mut rows,
        );
        swaps.report(
            [
                "fold and swap of one grant, p50",
                "fold and swap of one grant, p99",
            ],
            &mut rows,
        );
        let busy = look_ups_beside_changes(&shown, nation, &connections, self.look_ups)?;
        rows.push(row("look-up, grants changing", busy, "ns"));
        Ok(rows)
    }
}

/// Folds the journal's acts, saves a checkpoint, and starts from it.
fn restarted(nation: Nation, rows: &mut Vec<Row>) -> anyhow::Result<Registry> {
    let pid = std::process::id();
    let before = process::resident_bytes(pid)?;
    eprintln!("folding …");
    let (mut registry, mut folding) = (Registry::empty(), Duration::ZERO);
    for act in nation.acts() {
        let began = Instant::now();
        registry.apply(&act)?;
        folding += began.elapsed();
    }
    rows.push(row("fold of all acts", folding.as_secs_f64(), "s"));
    let used = process::resident_bytes(pid)?.saturating_sub(before);
    rows.push(row("resident memory", mebibytes(used)?, "MiB"));

    eprintln!("saving and loading …");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("registry.checkpoint");
    let began = Instant::now();
    registry.save(&path)?;
    rows.push(row("checkpoint saved", began.elapsed().as_secs_f64(), "s"));
    let bytes = std::fs::metadata(&path)?.len();
    rows.push(row("checkpoint", mebibytes(bytes)?, "MiB"));
    let began = Instant::now();
    let loaded = Registry::load(&path)?;
    rows.push(row(
        "start from checkpoint",
        began.elapsed().as_secs_f64(),
        "s",
    ));
    anyhow::ensure!(loaded == registry, "the checkpoint holds another registry");
    Ok(loaded)
}

/// Identify and route, as the gateway asks for each call: nanoseconds of one.
fn look_ups(
    shown: &ArcSwap<Registry>,
    connections: &[Connection],
    count: u32,
) -> anyhow::Result<f64> {
    let now = WallInstant::from_micros(1_658_448_000_000_000);
    let began = Instant::now();
    for connection in connections.iter().cycle().take(usize::try_from(count)?) {
        let registry = shown.load();
        let identity = CertificateIdentity {
            system: Some(connection.consumer.clone()),
            fingerprint: [0; 32],
        };
        let consumer = registry.identify(&identity).map_err(refused)?;
        let (service, provider) = (connection.service.as_str(), connection.provider.as_str());
        let route = registry.route(&consumer.id, service, "Call", Some(provider), now);
        std::hint::black_box(route.map_err(refused)?);
    }
    Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(count))
}

/// The same while another thread changes grants without a pause.
fn look_ups_beside_changes(
    shown: &ArcSwap<Registry>,
    nation: Nation,
    connections: &[Connection],
    count: u32,
) -> anyhow::Result<f64> {
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| -> anyhow::Result<()> {
            while !enough.load(Ordering::Relaxed) {
                changes(shown, nation, 1)?;
            }
            Ok(())
        });
        let busy = look_ups(shown, connections, count);
        enough.store(true, Ordering::Relaxed);
        match changing.join() {
            Ok(changed) => changed?,
            Err(_) => anyhow::bail!("the changes broke off"),
        }
        busy
    })
}

/// New terms for one grant after the other: the time to plan, and the time to fold and show.
fn changes(shown: &ArcSwap<Registry>, nation: Nation, count: u32) -> anyhow::Result<[Times; 2]> {
    let (mut plans, mut swaps) = (Vec::new(), Vec::new());
    for index in 0..usize::try_from(count)? {
        let registry = shown.load_full();
        let sequence = registry.watermark().get() + 1;
        let grant = Grant {
            // Other terms than any that stood before.
            rate_per_second_max: 1_000 + u32::try_from(sequence)?,
            version: 0,
            ..nation.grant(index * nation.grants / usize::try_from(count)?)
        };
        let wanted = Catalogue {
            grants: vec![grant],
            ..Catalogue::default()
        };
        let began = Instant::now();
        let plan = registry.plan(&wanted)?;
        plans.push(began.elapsed());
        anyhow::ensure!(!plan.changes.is_empty(), "the terms are no new ones");

        let act = nation::act(sequence, plan.changes);
        let began = Instant::now();
        let mut next = Registry::clone(&registry);
        next.apply(&act)?;
        shown.store(Arc::new(next));
        // What is shown no more is given back by whoever holds it last: here.
        drop(registry);
        swaps.push(began.elapsed());
    }
    Ok([plans, swaps].map(Times::of))
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn report(&self, [p50, p99]: [&'static str; 2], rows: &mut Vec<Row>) {
        let at = |percent: usize| {
            let place = self.0.len() * percent / 100;
            let time = self.0.get(place).or(self.0.last());
            time.map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        rows.push(row(p50, at(50), "µs"));
        rows.push(row(p99, at(99), "µs"));
    }
}

fn refused(refusal: ndxp_model::Refusal) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", refusal.reason, refusal.detail)
}

fn row(what: &'static str, value: f64, unit: &'static str) -> Row {
    Row { what, value, unit }
}

fn count(of: usize) -> f64 {
    u32::try_from(of).map_or(f64::INFINITY, f64::from)
}

fn mebibytes(bytes: u64) -> anyhow::Result<f64> {
    Ok(f64::from(u32::try_from(bytes >> 10)?) / 1_024.0)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["WHAT", "VALUE", "UNIT"]);
    table.add_rows(rows.iter().map(|row| {
        let value = match row.value {
            whole if whole.fract() == 0.0 => format!("{whole:.0}"),
            value if value < 10.0 => format!("{value:.3}"),
            value => format!("{value:.1}"),
        };
        [row.what.to_owned(), value, row.unit.to_owned()]
    }));
    if let Some(values) = table.column_mut(1) {
        values.set_cell_alignment(CellAlignment::Right);
    }
    table
}
