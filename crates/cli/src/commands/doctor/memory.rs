//! Whether the machine has the memory that peers can make the hub take.

use std::fs;

use ndxp_hub::config::Config;
use ndxp_hub::memory::MemoryBound;

use super::finding::{Area, Findings};

/// Where a container's or a unit's own bound stands (cgroup v2).
const CGROUP: &str = "/sys/fs/cgroup/memory.max";
const MEMORY: &str = "/proc/meminfo";
const MIB: u64 = 1 << 20;

/// Before it serves, a hub knows of no provider: their connections are not in this bound.
pub fn check(config: &Config, findings: &mut Findings) {
    let bound = MemoryBound::of(config, 0);
    let subject = "memory that peers can take";
    let Some(there) = there() else {
        return findings.ok(
            Area::Memory,
            subject,
            format!("at most {bound}; this system does not tell what there is"),
        );
    };
    let value = format!("at most {bound}; there are {} MiB", there / MIB);
    if bound.bytes() <= there {
        return findings.ok(Area::Memory, subject, value);
    }
    findings.warning(
        Area::Memory,
        subject,
        value,
        "lower limits.calls_in_flight_max, limits.connections_max or limits.windows_bytes_max to \
         what this hub has to carry, or give it more memory",
    );
}

/// What this process may use at most, bytes.
fn there() -> Option<u64> {
    let machine = fs::read_to_string(MEMORY).ok();
    let machine = machine.as_deref().and_then(of_machine);
    let cgroup = fs::read_to_string(CGROUP).ok();
    // "max" sets no bound.
    let cgroup = cgroup.and_then(|text| text.trim().parse().ok());
    match (machine, cgroup) {
        (Some(machine), Some(cgroup)) => Some(u64::min(machine, cgroup)),
        (machine, cgroup) => machine.or(cgroup),
    }
}

/// `MemTotal:       24616508 kB`
fn of_machine(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_as_the_kernel_writes_it() {
        let rows = [
            (
                "MemTotal:       24616508 kB\nMemFree: 1 kB\n",
                Some(24_616_508 << 10),
            ),
            ("MemFree: 1 kB\nMemTotal: 4 kB", Some(4_096)),
            ("MemFree: 1 kB", None),
            ("MemTotal: many kB", None),
            ("MemTotal: 5 MB", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(of_machine(text), expected, "{text:?}");
        }
    }
}
