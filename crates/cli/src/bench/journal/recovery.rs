//! A hub on a large journal: killed while it serves, started again, and timed until it carries a
//! call.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use ndxp_model::Zone;
use serde::Serialize;

use super::packed::{self, Packed};
use crate::bench::caller::{self, Load};
use crate::bench::catalogue::{PATH, catalogue};
use crate::bench::hub::Grounds;
use crate::bench::rows::mebibytes;
use crate::bench::runtime_of_one_thread;
use crate::bench::{echo, process};
use crate::commands::simulate::{Month, Target, simulate};

/// Systems of no nation that is simulated.
const CONSUMER: &str = "H98/bench";
const PROVIDER: &str = "G98/bench";
/// July 2022 has so many entries for so many transactions.
const ENTRIES: u64 = 20_986_318;
const TRANSACTIONS: u64 = 10_385_415;
/// How long the hub serves before it is killed.
const SERVED: Duration = Duration::from_secs(3);
/// A hub that carries nothing after so long is given up.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Recovered {
    pub entries: u64,
    pub mebibytes: f64,
    pub seconds_to_listen: f64,
    pub seconds_to_serve: f64,
    pub resident_mib: f64,
    pub packed: Packed,
}

/// Writes the journal, counts it, and lets a hub on it be killed.
pub fn measure(entries: u64, below: Option<&Path>) -> anyhow::Result<Recovered> {
    let grounds = Grounds::prepare_below(below.unwrap_or(&std::env::temp_dir()))?;
    let mut month = Month::july_2022(1, 1);
    month.transactions = Some(entries / 1_000 * TRANSACTIONS / (ENTRIES / 1_000) + 1);
    let target = Target::claim(&grounds.folder.path().join("data"));
    let target = target.map_err(|it| anyhow::anyhow!("{it}"))?;
    eprintln!("writing {entries} entries, and counting them …");
    let history = month.history(&Zone::viet_nam());
    let history = history.map_err(|it| anyhow::anyhow!("{it}"))?;
    let written = simulate(&history, &target).map_err(|it| anyhow::anyhow!("{it}"))?;
    let calls = written.outcomes.values().sum::<u64>() + written.tests;

    let runtime = runtime_of_one_thread()?;
    runtime.block_on(killed(&grounds, &target, (written.entries, calls)))
}

async fn killed(
    grounds: &Grounds,
    target: &Target,
    (entries, calls): (u64, u64),
) -> anyhow::Result<Recovered> {
    let (_, server) = grounds.system(PROVIDER)?;
    let provider = echo::start_apart(Some(server))?;
    let (tls, _) = grounds.system(CONSUMER)?;
    eprintln!("serving, and killing …");
    let hub = grounds
        .serve(catalogue(&[CONSUMER], &[(PROVIDER, provider)])?)
        .await?;
    let load = Load {
        address: hub.exchange,
        tls: Some(tls),
        path: PATH,
        calls_in_flight: 64,
        connections: 4,
        message_bytes: 256,
        pace: None,
        warm_up: Duration::ZERO,
        measured: PATIENCE,
    };
    first_call(&load).await?;
    let busy = load.clone();
    let calling = tokio::spawn(async move { caller::run(&busy, || ()).await });
    tokio::time::sleep(SERVED).await;
    // SIGKILL, in the middle of calls.
    drop(hub);
    // Every call in flight has failed, as it must.
    calling.abort();

    eprintln!("starting again …");
    let began = Instant::now();
    let hub = grounds.resume()?;
    let listening = began.elapsed();
    let load = Load {
        address: hub.exchange,
        ..load
    };
    first_call(&load).await?;
    let serving = began.elapsed();
    let resident = mebibytes(process::resident_bytes(hub.pid)?)?;
    // Which seals the last segment.
    hub.stop()?;
    let bytes = segments_bytes(&target.journal())?;
    // What the hub itself carried meanwhile is of the same kind: two entries for each call.
    let last = ndxp_journal::Reader::open(&target.journal())?
        .position()?
        .sequence;
    let further = last.get().saturating_sub(entries) / 2;
    Ok(Recovered {
        entries,
        mebibytes: mebibytes(bytes)?,
        seconds_to_listen: listening.as_secs_f64(),
        seconds_to_serve: serving.as_secs_f64(),
        resident_mib: resident,
        packed: packed::measure(&target.journal(), calls + further)?,
    })
}

/// Calls until one is carried. A hub that is not there yet refuses, or is not reached.
async fn first_call(load: &Load) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    let (request, message) = (
        caller::request(load.path),
        caller::grpc_message(load.message_bytes),
    );
    loop {
        let carried = async {
            let sender = load.connect().await?;
            caller::call(&sender, &request, &message).await
        };
        match carried.await {
            Ok(_took) => return Ok(()),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// What the segments hold on disk, however they are written; the file that stands ready for the
/// next one holds nothing.
pub fn segments_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_none_or(|it| it != "prepared") {
            bytes += entry.metadata()?.len();
        }
    }
    if bytes == 0 {
        bail!("{} holds no segment", folder.display());
    }
    Ok(bytes)
}
