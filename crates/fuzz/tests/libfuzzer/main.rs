//! libFuzzer's one door to all targets: `NDXP_FUZZ_TARGET` says to which it leads. One program, because
//! linking sixteen would take longer than running them. `fuzz/run` builds and runs it.

#![no_main]

use std::sync::LazyLock;

/// Names the target.
const TARGET: &str = "NDXP_FUZZ_TARGET";

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var(TARGET).expect("NDXP_FUZZ_TARGET names a target");
    let target = ndxp_fuzz::target_named(&name).expect("NDXP_FUZZ_TARGET names a target");
    target.run
});

libfuzzer_sys::fuzz_target!(init: LazyLock::force(&RUN), |data: &[u8]| (*RUN)(data));
