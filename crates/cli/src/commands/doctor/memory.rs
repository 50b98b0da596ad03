//! Whether the machine has the memory that peers can make the hub take.

use std::fs;

use ndxp_hub::config::Config;
use ndxp_hub::memory::{MemoryBound, field_bytes};

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
    let machine = machine.and_then(|text| field_bytes(&text, "MemTotal"));
    let cgroup = fs::read_to_string(CGROUP).ok();
    // "max" sets no bound.
    let cgroup = cgroup.and_then(|text| text.trim().parse().ok());
    match (machine, cgroup) {
        (Some(machine), Some(cgroup)) => Some(u64::min(machine, cgroup)),
        (machine, cgroup) => machine.or(cgroup),
    }
}
