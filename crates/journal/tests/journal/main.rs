//! The journal from outside: what it promises of crashes, faults, order and reading, as rules.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by stopping there"
)]

mod archiving;
mod by_hand;
mod concurrency;
mod copying;
mod damage;
mod faults;
mod fixture;
mod following;
mod harness;
mod inspecting;
mod model;
mod packing;
mod preparing;
mod reading;
mod sweeping;
mod tearing;

use ndxp_sim_disk as sim_disk;
