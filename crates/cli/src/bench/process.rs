//! The measured hub as a process of its own: what it costs is read from the operating system,
//! apart from the load that it is under.

use std::fs;
use std::process::Child;

use anyhow::{Context as _, ensure};
use ndxp_hub::memory::field_bytes;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Clock ticks a second in `/proc/*/stat`: fixed at 100 for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A child that a bench has started: killed when dropped, for there is nothing to drain for.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Raises this process's limit of open files as far as need be; what it starts inherits it.
pub fn allow_files(files: u64) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    ensure!(
        limit.maximum.is_none_or(|maximum| maximum >= files),
        "{files} open files are not allowed here: raise `ulimit -Hn`, or ask for fewer connections"
    );
    limit.current = Some(files);
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// CPU seconds, user and system, that a process has used so far.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    seconds(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

/// What was done, and the CPU seconds that this process used meanwhile: nothing else may go on in it.
pub fn cpu_of<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, f64)> {
    let pid = std::process::id();
    let before = cpu_seconds(pid)?;
    let done = work()?;
    Ok((done, cpu_seconds(pid)? - before))
}

/// CPU seconds of each thread that a process has now, by the names that it gave them.
pub fn threads(pid: u32) -> anyhow::Result<Vec<(String, f64)>> {
    let mut threads = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        let name = fs::read_to_string(task.join("comm"))?.trim().to_owned();
        threads.push((name, seconds(&fs::read_to_string(task.join("stat"))?)?));
    }
    Ok(threads)
}

fn seconds(stat: &str) -> anyhow::Result<f64> {
    // The name, in brackets, may hold anything; the fields are counted behind it.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("/proc/*/stat names the process")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || -> anyhow::Result<f64> {
        Ok(fields
            .next()
            .context("/proc/*/stat has utime and stime")?
            .parse()?)
    };
    Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// A process and all that descend from it: a proxy's master and its workers.
pub fn family(root: u32) -> anyhow::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // Who ends meanwhile belongs to nobody any more.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields);
        let parent = fields.and_then(|fields| fields.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|it| it.parse::<u32>().ok()) {
            parents.push((pid, parent));
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&one) = family.get(next) {
        let children = parents.iter().filter(|(_, parent)| *parent == one);
        family.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    Ok(family)
}

/// From now on [`peak_bytes`] is the most since now.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// Resident memory of a process, bytes.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    memory_bytes(pid, "VmRSS")
}

/// The most that it has had resident, bytes.
pub fn peak_bytes(pid: u32) -> anyhow::Result<u64> {
    memory_bytes(pid, "VmHWM")
}

fn memory_bytes(pid: u32, field: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    field_bytes(&status, field).with_context(|| format!("/proc/*/status has {field} in kB"))
}
