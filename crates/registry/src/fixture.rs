//! For tests: registries made the way real ones are, from a catalogue, a plan and an entry.

use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged, SystemConnected};
use ndxp_proto::registry::v1;

use crate::{Registry, parse_catalogue};

/// Two provinces, a population database that both may call, and what else refusals need.
pub const SMALL: &str = include_str!("fixture/small.toml");

#[track_caller]
pub fn parse(text: &str) -> v1::Catalogue {
    parse_catalogue("catalogue.toml", text, &Zone::viet_nam()).unwrap_or_else(|e| panic!("{e}"))
}

/// The error lines of a text that must not parse.
#[track_caller]
pub fn refused(text: &str) -> Vec<String> {
    let refused = parse_catalogue("c.toml", text, &Zone::viet_nam()).unwrap_err();
    refused.to_string().lines().map(str::to_owned).collect()
}

/// Plans and folds the catalogues one after the other.
#[track_caller]
pub fn registry(texts: &[&str]) -> Registry {
    let mut registry = Registry::empty();
    for text in texts {
        apply(&mut registry, &parse(text));
    }
    registry
}

#[track_caller]
pub fn apply(registry: &mut Registry, wanted: &v1::Catalogue) {
    let plan = registry.plan(wanted).unwrap_or_else(|e| panic!("{e}"));
    let next = registry.watermark().next().get();
    registry.apply(&changed(next, plan.changes)).unwrap();
}

/// An entry whose commit time is its sequence, in seconds.
pub fn entry(sequence: u64, body: Body) -> Entry {
    let committed_at_us = i64::try_from(sequence).unwrap() * 1_000_000;
    Entry {
        sequence,
        committed_at_us,
        body: Some(body),
    }
}

pub fn changed(sequence: u64, changes: Vec<v1::Change>) -> Entry {
    let body = RegistryChanged {
        actor: "spiffe://ndxp.local/operator/an".to_owned(),
        note: String::new(),
        changes,
        ..Default::default()
    };
    entry(sequence, Body::RegistryChanged(body))
}

pub fn connected(sequence: u64, system: &str) -> Entry {
    let system = system.to_owned();
    entry(sequence, Body::SystemConnected(SystemConnected { system }))
}

/// An instant of the year 2026, by its day in January.
pub fn january(day: i64) -> Instant {
    const MIDNIGHT_2026_01_01_US: i64 = 1_767_225_600_000_000;
    Instant::from_micros(MIDNIGHT_2026_01_01_US + (day - 1) * 86_400_000_000)
}
