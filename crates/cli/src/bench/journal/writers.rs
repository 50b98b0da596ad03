//! Writers that append one entry after another, each waiting until it is durable.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ndxp_journal::{FileDisk, Journal, Lane, Options, Reader};
use ndxp_model::{Sequence, SystemClock, Zone};
use ndxp_proto::journal::v1::entry::Body;
use serde::Serialize;

use crate::bench::rows::median;
use crate::bench::{machine, process};
use crate::commands::simulate::Month;

/// A thousandth of a month: some 20,000 entries of every kind and size that the hub writes.
const SCALE: u64 = 1_000;

/// What one round showed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rate {
    pub entries_per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// The disk's own, measured just before.
    pub fdatasync_us: f64,
    /// Of the whole process: encoding, numbering, writing.
    pub cpu_us_per_entry: f64,
    pub bytes_per_entry: f64,
}

/// What one thread has seen.
#[derive(Default)]
struct Waited {
    micros: Vec<u32>,
}

impl Rate {
    pub fn median(rates: &[Self], of: impl Fn(&Self) -> f64) -> f64 {
        median(rates.iter().map(of))
    }
}

/// Entries as the hub writes them, out of a simulated month.
pub fn bodies(folder: &Path) -> anyhow::Result<Arc<[Body]>> {
    let history = Month::july_2022(SCALE, 1).history(&Zone::viet_nam());
    let history = history.map_err(|it| anyhow::anyhow!("{it}"))?;
    let written = history.write(folder, &mut |_, _| ())?;
    let reader = Reader::open(folder)?;
    let entries = reader.entries(Sequence::new(1), written.last_sequence);
    let bodies = entries.filter_map(|entry| match entry.map(|it| it.body) {
        Ok(Some(body @ (Body::Opened(_) | Body::Closed(_)))) => Some(Ok(body)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let bodies: Vec<Body> = bodies.collect::<Result<_, _>>()?;
    Ok(bodies.into())
}

/// So many writers, spread over a thread for each core as the hub's calls are.
pub fn measure(
    folder: &Path,
    bodies: &Arc<[Body]>,
    writers: u32,
    seconds: u64,
) -> anyhow::Result<Rate> {
    std::fs::create_dir_all(folder)?;
    let fdatasync = machine::fdatasync(folder)?;
    let options = Options::new(folder.join("journal"));
    let journal = Journal::open(
        options,
        Arc::new(FileDisk),
        Arc::new(SystemClock),
        Arc::new(()),
    )?;
    let threads = u32::try_from(std::thread::available_parallelism()?.get())?;
    let pid = std::process::id();
    let cpu = process::cpu_seconds(pid)?;
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let running: Vec<_> = (0..threads)
        .map(|thread| {
            let (journal, bodies) = (journal.clone(), Arc::clone(bodies));
            let own = writers / threads + u32::from(thread < writers % threads);
            std::thread::spawn(move || on_thread(&journal, &bodies, own, until))
        })
        .collect();
    let mut micros = Vec::new();
    for thread in running {
        let mut waited = thread.join().ok().context("a thread of writers broke")??;
        micros.append(&mut waited.micros);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = process::cpu_seconds(pid)? - cpu;
    journal.close();
    micros.sort_unstable();
    let at = |percent: usize| {
        let place = micros.len() * percent / 100;
        micros.get(place).map_or(f64::NAN, |it| f64::from(*it))
    };
    let entries = micros.len() as f64;
    Ok(Rate {
        entries_per_second: entries / elapsed,
        p50_us: at(50),
        p99_us: at(99),
        fdatasync_us: fdatasync.as_secs_f64() * 1e6,
        cpu_us_per_entry: cpu * 1e6 / entries,
        bytes_per_entry: super::recovery::segments_bytes(&folder.join("journal"))? as f64 / entries,
    })
}

fn on_thread(
    journal: &Journal,
    bodies: &Arc<[Body]>,
    writers: u32,
    until: Instant,
) -> anyhow::Result<Waited> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        let writers: Vec<_> = (0..writers)
            .map(|place| {
                let first = bodies.len() * usize::try_from(place).unwrap_or(0) / 10_000;
                tokio::spawn(write(lane.clone(), Arc::clone(bodies), first, until))
            })
            .collect();
        let mut all = Waited::default();
        for writer in writers {
            all.micros.append(&mut writer.await??.micros);
        }
        Ok(all)
    })
}

async fn write(
    lane: Lane,
    bodies: Arc<[Body]>,
    first: usize,
    until: Instant,
) -> anyhow::Result<Waited> {
    let mut waited = Waited::default();
    for body in bodies.iter().cycle().skip(first) {
        let began = Instant::now();
        if began >= until {
            break;
        }
        lane.append(body).await?;
        let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        waited.micros.push(micros);
    }
    Ok(waited)
}
