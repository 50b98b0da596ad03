//! The ways between consumer and provider: straight, through each proxy that is installed, and
//! through the hub. All start side by side, before one provider, with one authority.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::proxies::{KINDS, prepare_pki};
use crate::bench::caller::{self, Load, Run};
use crate::bench::catalogue::catalogue;
use crate::bench::hub::Grounds;
use crate::bench::steps::relay;
use crate::bench::{echo, process};

pub const CONSUMER: &str = "H26/lgsp";
pub const PROVIDER: &str = "G01/population";
pub const HUB: &str = "hub";
pub const DIRECT: &str = "direct";
/// HTTP/2 passed on to HTTP/2, with TLS and nothing else: what there is before the exchange.
pub const RELAY: &str = "h2 relay";

/// One way, served while this lives.
pub struct Way {
    pub name: &'static str,
    pub version: String,
    pub address: SocketAddr,
    /// What stands in between; nothing on the direct way.
    process: Option<u32>,
    /// Stopped with it.
    _serving: Box<dyn Send>,
}

/// Everything that a part of the comparison needs.
pub struct Ways {
    pub all: Vec<Way>,
    /// What the consumer shows and trusts.
    pub tls: Arc<ClientConfig>,
    pub grounds: Grounds,
}

/// What one run showed.
pub struct Measured {
    pub run: Run,
    pub cpu_us_per_call: Option<f64>,
    pub resident_mib: Option<f64>,
}

impl Ways {
    /// Starts those of the names that are installed, for messages of such a size; further consumers
    /// are known to the hub.
    pub async fn start(
        wanted: &[&str],
        further: &[&str],
        message_bytes: usize,
    ) -> anyhow::Result<Self> {
        let grounds = Grounds::prepare()?;
        let (_, server) = grounds.system(PROVIDER)?;
        let provider = echo::start_apart(Some(server))?;
        let (tls, _) = grounds.system(CONSUMER)?;
        let pki = grounds.folder.path().join("pki/hub");
        prepare_pki(&pki)?;
        let mut all = Vec::new();
        if wanted.contains(&DIRECT) {
            all.push(Way {
                name: DIRECT,
                version: "no proxy".to_owned(),
                address: provider,
                process: None,
                _serving: Box::new(()),
            });
        }
        for kind in KINDS.iter().filter(|kind| wanted.contains(&kind.name)) {
            let Some(version) = kind.installed() else {
                eprintln!("{}: not installed, left out", kind.name);
                continue;
            };
            let proxy = kind.start((grounds.folder.path(), &pki), provider, message_bytes)?;
            let (address, pid) = (proxy.address, proxy.pid);
            all.push(Way::through((kind.name, version), address, pid, proxy));
        }
        if wanted.contains(&RELAY) {
            let config = grounds.config_file();
            let (address, relay) = relay::start("bare", &config, provider, &["--secured"])?;
            let (pid, version) = (relay.0.id(), "no exchange".to_owned());
            all.push(Way::through((RELAY, version), address, pid, relay));
        }
        if wanted.contains(&HUB) {
            let consumers = [&[CONSUMER], further].concat();
            let catalogue = catalogue(&consumers, &[(PROVIDER, provider)])?;
            let hub = grounds.serve(catalogue).await?;
            let version = format!("ndxp {}", env!("CARGO_PKG_VERSION"));
            let (address, pid) = (hub.exchange, hub.pid);
            all.push(Way::through((HUB, version), address, pid, hub));
        }
        Ok(Self { all, tls, grounds })
    }

    pub fn named(&self, name: &str) -> Option<&Way> {
        self.all.iter().find(|way| way.name == name)
    }

    /// All of them, another one first in each round: what drifts with time hits none alone.
    pub fn in_turn(&self, round: usize) -> impl Iterator<Item = &Way> {
        let first = round % self.all.len().max(1);
        let (behind, ahead) = self.all.split_at(first);
        ahead.iter().chain(behind)
    }

    /// What the disk that the hub writes to takes for a sync now.
    pub fn fdatasync(&self) -> anyhow::Result<Duration> {
        crate::bench::machine::fdatasync(self.grounds.folder.path())
    }
}

impl Way {
    /// Through a process, which is stopped when what serves it is dropped.
    pub fn through(
        (name, version): (&'static str, String),
        address: SocketAddr,
        process: u32,
        serving: impl Send + 'static,
    ) -> Self {
        Self {
            name,
            version,
            address,
            process: Some(process),
            _serving: Box::new(serving),
        }
    }

    /// CPU seconds so far of all that stands in between.
    pub fn cpu_seconds(&self) -> anyhow::Result<Option<f64>> {
        let Some(root) = self.process else {
            return Ok(None);
        };
        let family = process::family(root)?;
        let seconds: anyhow::Result<f64> = family.into_iter().map(process::cpu_seconds).sum();
        seconds.map(Some)
    }

    pub fn resident_bytes(&self) -> anyhow::Result<Option<u64>> {
        let Some(root) = self.process else {
            return Ok(None);
        };
        let family = process::family(root)?;
        let bytes: anyhow::Result<u64> = family.into_iter().map(process::resident_bytes).sum();
        bytes.map(Some)
    }

    /// The one process of it, where there is one.
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// Runs a load on this way.
    pub async fn measure(&self, load: &Load) -> anyhow::Result<Measured> {
        let load = Load {
            address: self.address,
            ..load.clone()
        };
        let mut cpu = Vec::with_capacity(2);
        let run = caller::run(&load, || cpu.push(self.cpu_seconds())).await?;
        let cpu = cpu.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let used = match cpu.as_slice() {
            &[Some(before), Some(after)] => Some(after - before),
            _ => None,
        };
        let resident = self.resident_bytes()?;
        Ok(Measured {
            cpu_us_per_call: used.map(|seconds| seconds * 1e6 / run.calls as f64),
            resident_mib: resident.map(|bytes| bytes as f64 / 1_048_576.0),
            run,
        })
    }
}
