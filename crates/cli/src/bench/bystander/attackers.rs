//! Who attacks: a thread that gives way to everybody else.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;

use anyhow::{Context as _, ensure};
use rustls::{ClientConfig, ServerConfig};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::abuse::{Abuse, Abuser};
use crate::bench::{echo, ill, runtime_of_one_thread};

/// The attackers' thread, and the providers on it.
pub struct Attackers {
    runtime: Handle,
    tls: Arc<ClientConfig>,
    /// In league with them.
    pub ill: SocketAddr,
    /// Answers whoever calls.
    pub crowded: SocketAddr,
}

/// An attack that goes on until it is ended.
pub struct Ongoing {
    stop: watch::Sender<bool>,
    attacking: JoinHandle<u64>,
}

impl Attackers {
    pub fn start(
        tls: Arc<ClientConfig>,
        ill: Arc<ServerConfig>,
        crowded: Arc<ServerConfig>,
    ) -> anyhow::Result<Self> {
        let (tell, told) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("attackers".to_owned())
            .spawn(move || {
                let begin = || {
                    give_way()?;
                    let runtime = runtime_of_one_thread()?;
                    let ill = runtime.block_on(ill::start(ill))?;
                    let crowded = runtime.block_on(echo::start(crowded))?;
                    anyhow::Ok((runtime, (ill, crowded)))
                };
                match begin() {
                    Ok((runtime, providers)) => {
                        let _gone = tell.send(Ok((runtime.handle().clone(), providers)));
                        runtime.block_on(std::future::pending::<()>());
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            })?;
        let (runtime, (ill, crowded)) = told.recv().context("the attackers' thread broke")??;
        Ok(Self {
            runtime,
            tls,
            ill,
            crowded,
        })
    }

    /// Attacks again and again.
    pub fn begin(&self, abuse: &'static Abuse, exchange: SocketAddr) -> Ongoing {
        let (stop, mut stopped) = watch::channel(false);
        let attacker = Abuser::new(Arc::clone(&self.tls), exchange);
        let attacking = self.runtime.spawn(async move {
            let mut attacks = 0;
            loop {
                tokio::select! {
                    // Whatever the hub does about it is right, as long as others do not feel it.
                    _repelled = attacker.make(abuse, attacks) => attacks += 1,
                    _stopped = stopped.wait_for(|stop| *stop) => return attacks,
                }
            }
        });
        Ongoing { stop, attacking }
    }
}

/// Lets this thread run only while no other wants the processor.
///
/// A thread that is merely nice keeps it for some milliseconds from those that wake meanwhile. Only
/// `chrt` of util-linux is there to say so without `unsafe`.
fn give_way() -> anyhow::Result<()> {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let told = Command::new("chrt")
        .args(["--idle", "--pid", "0", &thread])
        .output();
    let told = told.context("chrt of util-linux is needed")?;
    let why = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "chrt --idle --pid 0: {}", why.trim());
    Ok(())
}

impl Ongoing {
    /// How often it was made.
    pub async fn end(self) -> anyhow::Result<u64> {
        self.stop.send_replace(true);
        Ok(self.attacking.await?)
    }
}
