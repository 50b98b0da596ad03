//! What fuzzing calls: for each parser of outside data one function that takes any bytes, has them
//! parsed, and panics when the parser's promise is broken.
//!
//! Both callers use the same functions: libFuzzer through its door in `tests/libfuzzer`, and this
//! crate's own test, which needs nothing but `cargo test` (docs/decisions/0026-fuzzing.md).
//!
//! What holds for all: no panic, and an error's text is bounded whatever came in. What holds for
//! one stands at its function.

// What the network brings.
mod call;
mod certificate;
mod http2;

// What the disk brings.
mod journal;
mod stored;

// What people write.
mod balances;
mod catalogue;
mod configuration;
mod period;

use std::fmt::Display;

/// A parser of outside data.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Of its corpus and its dictionary, too.
    pub name: &'static str,
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 18] = [
    target("act", catalogue::act),
    target("answer_metadata", call::answer_metadata),
    target("balances", balances::file),
    target("catalogue_toml", catalogue::toml),
    target("catalogue_yaml", catalogue::yaml),
    target("certificate", certificate::identity),
    target("configuration", configuration::file),
    target("descriptors", catalogue::descriptors),
    target("framing", call::framing),
    target("http2_client", http2::client),
    target("http2_server", http2::server),
    target("journal", journal::segment),
    target("journal_entry", journal::entry),
    target("period", period::expression),
    target("request_metadata", call::request_metadata),
    target("request_path", call::path),
    target("stored_counters", stored::pair),
    target("timeout", call::timeout),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// The target with this name.
#[must_use]
pub fn target_named(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// One error's text: some wrong values, each cut by its error and escaped.
const ERROR_BYTES_MAX: usize = 16 << 10;

/// The text of an error that somebody is shown.
#[track_caller]
fn check_error(error: &impl Display) {
    let text = error.to_string();
    assert!(!text.is_empty(), "an error without words");
    assert!(
        text.len() <= ERROR_BYTES_MAX,
        "{} bytes of error",
        text.len()
    );
}
