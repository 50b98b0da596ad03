//! Processors shared out between the measured hub and whoever loads it, so that what the one is kept
//! from by the other is not taken for what the hub does.

use anyhow::{Context as _, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Whose a processor is.
pub struct Processors {
    hub: CpuSet,
    load: CpuSet,
}

impl Processors {
    /// The first that this process may use is the hub's, with all its threads; the others are the load's,
    /// to which this thread keeps from now on, and whatever it starts.
    pub fn share_out() -> anyhow::Result<Self> {
        let all = sched_getaffinity(None)?;
        let mut own = (0..CpuSet::MAX_CPU).filter(|it| all.is_set(*it));
        let first = own.next().context("a process has a processor")?;
        let (mut hub, mut load) = (CpuSet::new(), CpuSet::new());
        hub.set(first);
        own.for_each(|it| load.set(it));
        ensure!(
            load.count() > 0,
            "there is one processor, which cannot be shared out"
        );
        sched_setaffinity(None, &load)?;
        Ok(Self { hub, load })
    }

    /// What `start` starts, from this thread, is where the hub belongs.
    pub async fn for_hub<T>(
        &self,
        start: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        sched_setaffinity(None, &self.hub)?;
        let started = start.await;
        sched_setaffinity(None, &self.load)?;
        started
    }
}
