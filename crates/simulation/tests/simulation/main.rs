//! The hub's own code in a world that one seed decides: journal, registry and its keeper, counters
//! and gateway run as in service, over a clock, a disk and peers that are simulated. Whatever happens
//! follows from the seed, so that a failure is replayed by naming it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by stopping there"
)]

// What must hold, and who finds out.
mod invariant;
mod ledger;
mod recount;
mod trace;

// The world around the hub.
mod clock;
mod consumer;
mod outside;
mod provider;

// The hub in it, and how it may be wrong.
mod life;
mod mutation;
mod shared;

// What a seed decides.
mod steps;
mod world;

// The tests.
mod mutations;
mod seeds;
