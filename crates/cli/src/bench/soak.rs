//! `ndxp bench soak`: a hub under honest load, bad peers, crashes and restarts, for as long as one
//! likes; in the end memory, counts and journal must be as promised.

mod honest;
mod stand;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use fastrand::Rng;
use ndxp_hub::config::Config;
use ndxp_hub::memory::MemoryBound;
use rustls::ClientConfig;
use tokio::task::JoinSet;

use super::attacks::{Attack, Attacker};
use super::catalogue::catalogue;
use super::hub::{Grounds, Hub};
use super::rows::Form;
use super::runtime;
use super::{attacks, echo, ill, process};
use crate::failure::Failure;

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

/// How long an attack is kept up, milliseconds: at least, and less than.
const HELD_MS: (u64, u64) = (200, 3_000);

/// Small enough that the attackers reach them.
const LIMITS: [(&str, &str); 8] = [
    ("connections_max", "200"),
    ("handshakes_max", "64"),
    ("calls_in_flight_max", "300"),
    ("consumer_calls_in_flight_max", "200"),
    ("provider_calls_in_flight_max", "200"),
    ("streams_per_connection_max", "50"),
    ("windows_bytes_max", "33_554_432"),
    ("segment_bytes", "8_388_608"),
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
        grounds.configure(&LIMITS)?;
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
        let (memory, restarts) = self.serve(&grounds, hub, &stand).await?;
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
    ) -> anyhow::Result<(Memory, u32)> {
        let config = Config::load(&grounds.config_file())?;
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
            let attacker = Attacker::new(Arc::clone(&ill), ILL);
            let random = Rng::with_seed(seed.wrapping_add(place));
            peers
                .attackers
                .spawn(go_on(attacker, attack, random, stand.clone()));
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

/// Attacks again and again; how often.
async fn go_on(attacker: Attacker, attack: Attack, mut random: Rng, stand: Stand) -> u64 {
    let mut made = 0;
    while let Some(serving) = stand.serving().await {
        let (least, most) = HELD_MS;
        let held = Duration::from_millis(random.u64(least..most));
        // Whatever the hub does about it is right, as long as others do not feel it.
        let _repelled = attacker.make(attack, serving.exchange, held).await;
        made += 1;
        tokio::time::sleep(Duration::from_millis(random.u64(0..least))).await;
    }
    made
}
