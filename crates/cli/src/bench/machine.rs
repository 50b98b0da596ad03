//! The machine that figures are of, and what its disk takes for one sync.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

/// A small record, such as one of the journal's.
const APPEND_BYTES: usize = 200;
const SYNCS: usize = 200;

#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: String,
    pub kernel: String,
    pub memory_gib: f64,
    /// Whether this program was built to be measured.
    pub optimised: bool,
}

impl Machine {
    pub fn this() -> anyhow::Result<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        let kibibytes = field(&memory, "MemTotal").context("/proc/meminfo has MemTotal")?;
        let kibibytes: f64 = kibibytes.trim_end_matches("kB").trim().parse()?;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: field(&cpus, "model name").unwrap_or("unknown").to_owned(),
            kernel: kernel.trim().to_owned(),
            memory_gib: (kibibytes / 104_857.6).round() / 10.0,
            optimised: !cfg!(debug_assertions),
        })
    }

    pub fn text(&self) -> String {
        let built = match self.optimised {
            true => "",
            false => "; a DEBUG build: no figure of it means anything",
        };
        format!(
            "{} cores ({}), {} GiB of memory, Linux {}{built}",
            self.cores, self.cpu, self.memory_gib, self.kernel
        )
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

/// What `fdatasync` takes after a small append in a folder: the middle of many.
pub fn fdatasync(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0x5a; APPEND_BYTES])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times
        .get(SYNCS / 2)
        .copied()
        .context("some syncs were measured")
}
