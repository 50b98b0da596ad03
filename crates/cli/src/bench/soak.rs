//! `ndxp bench soak`: a hub under honest load, bad peers, crashes and restarts, for as long as one
//! likes; in the end memory, counts and journal must be as promised.

mod attacks;
mod honest;
mod ill;
mod stand;
mod verdict;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use ndxp_hub::config::Config;
use ndxp_hub::memory::MemoryBound;
use rustls::ClientConfig;
use tokio::task::JoinSet;

use super::catalogue::catalogue;
use super::hub::{Grounds, Hub};
use super::rows::Form;
use super::runtime;
use super::{echo, process};
use crate::failure::Failure;

use attacks::Attacker;
use honest::{Honest, Tally};
use stand::{Change, Stand};
use verdict::{Memory, Verdict};

const HONEST: &str = "H26/lgsp";
const ATTACKER: &str = "H40/lgsp";
const WELL: &str = "G01/population";
const ILL: &str = "G02/ill";
/// Calls in flight of the honest consumer.
const HONEST_CALLS: usize = 8;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A hub is stopped and started anew so many times in a run, by turns killed and told to stop; but
/// each serves this long at least.
const RESTARTS: u32 = 6;
const SERVES_MIN: Duration = Duration::from_secs(10);
/// Until a hub that has just begun is measured: what it holds for itself.
const SETTLES: Duration = Duration::from_secs(1);

/// Small enough that the attackers reach them: what stands in `ndxp.toml` as a default, and here.
const LIMITS: [(&str, &str, &str); 8] = [
    ("connections_max", "10_000", "200"),
    ("handshakes_max", "256", "64"),
    ("calls_in_flight_max", "20_000", "300"),
    ("consumer_calls_in_flight_max", "5_000", "200"),
    ("provider_calls_in_flight_max", "5_000", "200"),
    ("streams_per_connection_max", "1_000", "50"),
    ("windows_bytes_max", "1_073_741_824", "33_554_432"),
    ("segment_bytes", "67_108_864", "8_388_608"),
];

/// Lets bad peers, kills and restarts at a hub beside honest calls, and checks its promises: no honest
/// call fails while it serves, none that was answered is lost or counted twice, the journal verifies,
/// and its memory stays below the bound that its limits make
#[derive(Args, Debug)]
pub struct Soak {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(40..=86_400))]
    seconds: u64,

    /// Decides what the bad peers do when; another one each time unless it is given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

impl Soak {
    pub fn run(self) -> Result<(), Failure> {
        let runtime = runtime()?;
        let verdict = runtime.block_on(self.soak())?;
        runtime.shutdown_background();
        verdict.print(self.output)?;
        if verdict.holds() {
            Ok(())
        } else {
            Err(Failure::negative())
        }
    }

    async fn soak(&self) -> anyhow::Result<Verdict> {
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        eprintln!("seed {seed}");
        let grounds = Grounds::prepare()?;
        let toml = grounds.folder.path().join("ndxp.toml");
        set_limits(&toml)?;
        let (honest, well) = (grounds.system(HONEST)?.0, grounds.system(WELL)?.1);
        let (attacker, ill) = (grounds.system(ATTACKER)?.0, grounds.system(ILL)?.1);
        let providers = [
            (WELL, echo::start(well).await?),
            (ILL, ill::start(ill).await?),
        ];
        let hub = grounds
            .serve(catalogue(&[HONEST, ATTACKER], &providers)?)
            .await?;

        let stand = Stand::new();
        let mut tasks = Peers::start(&stand, seed, (honest, attacker));
        let (memory, restarts) = self.serve(&grounds, hub, &stand, &toml).await?;
        let peers = tasks.stop().await?;
        Verdict::reach(grounds.folder.path(), peers, memory, restarts)
    }

    /// Serves, stops and starts the hub until the time is over; the memory that it took, and how
    /// often it was started again.
    async fn serve(
        &self,
        grounds: &Grounds,
        mut hub: Hub,
        stand: &Stand,
        toml: &Path,
    ) -> anyhow::Result<(Memory, u32)> {
        let config = Config::load(toml)?;
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let serves = (Duration::from_secs(self.seconds) / (RESTARTS + 1)).max(SERVES_MIN);
        let mut memory = Memory::new(&MemoryBound::of(&config, 2));
        let mut restarts = 0;
        loop {
            tokio::time::sleep(SETTLES).await;
            memory.begins(process::resident_bytes(hub.pid)?);
            stand.change(Change::Serves(hub.exchange));
            let until = end.min(Instant::now() + serves);
            while Instant::now() < until {
                memory.sees(process::resident_bytes(hub.pid)?);
                tokio::time::sleep(LOOK_EVERY).await;
            }
            stand.change(Change::Stops);
            let over = Instant::now() + SERVES_MIN >= end;
            if over || restarts % 2 == 1 {
                tokio::task::spawn_blocking(move || hub.stop()).await??;
            } else {
                drop(hub);
            }
            if over {
                return Ok((memory, restarts));
            }
            restarts += 1;
            eprintln!("restart {restarts}: {memory}");
            hub = grounds.resume()?;
        }
    }
}

/// Everybody who calls.
struct Peers {
    stand: Stand,
    honest: JoinSet<Tally>,
    attackers: JoinSet<u64>,
}

impl Peers {
    fn start(
        stand: &Stand,
        seed: u64,
        (honest, ill): (Arc<ClientConfig>, Arc<ClientConfig>),
    ) -> Self {
        let mut peers = Self {
            stand: stand.clone(),
            honest: JoinSet::new(),
            attackers: JoinSet::new(),
        };
        for _ in 0..HONEST_CALLS {
            let caller = Honest::new(Arc::clone(&honest), WELL);
            peers.honest.spawn(caller.call_until_over(stand.clone()));
        }
        for (place, attack) in (0..).zip(attacks::ALL) {
            let attacker = Attacker::new(Arc::clone(&ill), ILL, seed.wrapping_add(place));
            peers.attackers.spawn(attacker.go_on(attack, stand.clone()));
        }
        peers
    }

    /// What the honest saw, and how often the attackers did what they do.
    async fn stop(&mut self) -> anyhow::Result<(Tally, u64)> {
        self.stand.change(Change::Over);
        let mut tally = Tally::default();
        while let Some(seen) = self.honest.join_next().await {
            tally.add(seen?);
        }
        let mut attacks = 0;
        while let Some(made) = self.attackers.join_next().await {
            attacks += made?;
        }
        Ok((tally, attacks))
    }
}

/// Writes the limits into the file in place of the defaults that stand there commented out.
fn set_limits(toml: &Path) -> anyhow::Result<()> {
    let mut text = std::fs::read_to_string(toml)?;
    for (key, default, value) in LIMITS {
        let default = format!("#{key} = {default}\n");
        anyhow::ensure!(text.contains(&default), "no {default:?} in the template");
        text = text.replace(&default, &format!("{key} = {value}\n"));
    }
    Ok(std::fs::write(toml, text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_soak_stands_in_the_template() {
        let grounds = Grounds::prepare().unwrap();
        let toml = grounds.folder.path().join("ndxp.toml");
        set_limits(&toml).unwrap();
        let config = Config::load(&toml).unwrap();
        assert_eq!(config.limits.connections_max, 200);
        assert_eq!(config.limits.windows_bytes_max, 32 << 20);
        assert_eq!(config.journal.segment_bytes, 8 << 20);
    }
}
