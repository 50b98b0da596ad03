//! What `.ci/instructions` runs under callgrind: always the same calls, on one thread, without a
//! disk, so that the number of instructions says what changed.

use ndxp_workload::Workload;

/// Two entries each.
const CALLS: u64 = 5_000;

fn main() -> anyhow::Result<()> {
    let mut workload = Workload::new()?;
    for number in 0..CALLS {
        workload.call(number)?;
    }
    anyhow::ensure!(workload.counted() == CALLS, "a call was not counted");
    println!("{CALLS} calls");
    Ok(())
}
