//! The measured hub as a process of its own: what it costs is read from the operating system,
//! apart from the load that it is under.

use std::fs;

use anyhow::Context as _;

/// Clock ticks a second in `/proc/*/stat`: fixed at 100 for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds, user and system, that a process has used so far.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
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

/// Resident memory of a process, bytes.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    memory_bytes(pid, "VmRSS:")
}

/// The most that it has had resident, bytes.
pub fn peak_bytes(pid: u32) -> anyhow::Result<u64> {
    memory_bytes(pid, "VmHWM:")
}

fn memory_bytes(pid: u32, field: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kibibytes: u64 = kibibytes
        .with_context(|| format!("/proc/*/status has {field} in kB"))?
        .trim()
        .parse()?;
    Ok(kibibytes * 1024)
}
