//! The contracts of `proto/` as Rust: generated code and descriptors, nothing by hand.

// Generated code answers to its generator, not to this workspace's lints.
#![allow(clippy::all, missing_docs)]

mod contracts {
    include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
}

pub use contracts::google;
pub use contracts::ndxp::{example, exchange, journal, registry, statistics};

/// The encoded `FileDescriptorSet` of every contract, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
