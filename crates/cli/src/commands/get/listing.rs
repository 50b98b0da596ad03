//! The registry's items as columns for people and as records for programs.

use std::collections::BTreeMap;

use comfy_table::Table;
use ndxp_model::{Instant, Zone};
use ndxp_proto::registry::v1::{
    EndpointCircuit, GetCoverageResponse, Grant, GrantState, MaintenanceWindow, Member, Service,
    System,
};
use serde_json::{Value, json};

use super::coverage;
use crate::commands::cert::EXPIRES_WITHIN_DAYS;
use crate::output::{table, trimmed, word};
use crate::when;

#[derive(Debug)]
pub enum Listing {
    Members(Vec<Member>),
    Systems(Vec<System>, Live),
    Services(Vec<Service>),
    Grants(Vec<Grant>),
    Coverage(GetCoverageResponse),
}

/// What only a hub that serves knows of systems.
#[derive(Debug, Default)]
pub struct Live {
    /// Ends of the certificates that systems have shown, microseconds since the epoch.
    pub certificates: BTreeMap<String, i64>,
    /// Endpoints that do not take every call.
    pub circuits: Vec<EndpointCircuit>,
}

impl Live {
    fn circuit(&self, system: &System, endpoint: &str) -> Option<&EndpointCircuit> {
        let mut circuits = self.circuits.iter();
        circuits.find(|it| it.system == system.id && it.endpoint == endpoint)
    }

    /// The system's endpoints, each with a word on it if it does not take every call.
    fn endpoints(&self, system: &System, zone: &Zone) -> String {
        let endpoints = system.endpoints.iter().map(|endpoint| {
            let Some(circuit) = self.circuit(system, endpoint) else {
                return endpoint.clone();
            };
            let since = when::local(circuit.since_us, zone);
            format!(
                "{endpoint} ({} since {since}: {})",
                state_of(circuit),
                circuit.why
            )
        });
        list(&endpoints.collect::<Vec<_>>())
    }
}

fn state_of(circuit: &EndpointCircuit) -> String {
    word(circuit.state().as_str_name(), "CIRCUIT_STATE_")
}

impl Listing {
    pub fn table(&self, zone: &Zone, now: Instant) -> String {
        trimmed(&match self {
            Self::Members(members) => member_table(members),
            Self::Systems(systems, live) => system_table(systems, live, zone, now),
            Self::Services(services) => service_table(services, zone),
            Self::Grants(grants) => grant_table(grants, zone),
            Self::Coverage(coverage) => return coverage::text(coverage),
        })
    }

    /// The contract's fields with the contract's names; words for enums, UTC for times.
    pub fn records(&self) -> Value {
        match self {
            Self::Members(members) => members.iter().map(member_record).collect(),
            Self::Systems(systems, live) => {
                let record = |system| system_record(system, live);
                systems.iter().map(record).collect()
            }
            Self::Services(services) => services.iter().map(service_record).collect(),
            Self::Grants(grants) => grants.iter().map(grant_record).collect(),
            Self::Coverage(coverage) => coverage::record(coverage),
        }
    }
}

fn member_table(members: &[Member]) -> Table {
    let rows = members.iter().map(|member| {
        let Member {
            code,
            name_vi,
            name_en,
            ..
        } = member.clone();
        let state = match member.successor.as_str() {
            "" => member_state(member),
            successor => format!("{}, see {successor}", member_state(member)),
        };
        [code, class(member), state, name_vi, name_en]
    });
    filled(&["CODE", "CLASS", "STATE", "NAME", "NAME (EN)"], rows)
}

fn system_table(systems: &[System], live: &Live, zone: &Zone, now: Instant) -> Table {
    let rows = systems.iter().map(|system| {
        let System { id, name, .. } = system.clone();
        let certificate = expiry(live.certificates.get(&id), zone, now);
        let endpoints = live.endpoints(system, zone);
        let state = match system.disabled {
            true => format!("{}, disabled", system_state(system)),
            false => system_state(system),
        };
        [id, kind(system), state, certificate, endpoints, name]
    });
    const HEADINGS: [&str; 6] = [
        "SYSTEM",
        "KIND",
        "STATE",
        "CERTIFICATE UNTIL",
        "ENDPOINTS",
        "NAME",
    ];
    filled(&HEADINGS, rows)
}

fn service_table(services: &[Service], zone: &Zone) -> Table {
    let rows = services.iter().map(|service| {
        let Service {
            name,
            provider,
            measures,
            notice,
            ..
        } = service.clone();
        let state = if service.disabled {
            "disabled"
        } else {
            "enabled"
        };
        let planned = planned(&service.maintenance, zone);
        let state = state.to_owned();
        [name, provider, state, planned, list(&measures), notice]
    });
    filled(
        &[
            "SERVICE",
            "PROVIDER",
            "STATE",
            "MAINTENANCE",
            "MEASURES",
            "NOTICE",
        ],
        rows,
    )
}

fn grant_table(grants: &[Grant], zone: &Zone) -> Table {
    let rows = grants.iter().map(|grant| {
        let Grant {
            consumer,
            provider,
            service,
            methods,
            ..
        } = grant.clone();
        let methods = if methods.is_empty() {
            "all".to_owned()
        } else {
            list(&methods)
        };
        [
            consumer,
            provider,
            service,
            methods,
            grant_state(grant),
            validity(grant, zone),
            limits(grant),
        ]
    });
    filled(
        &[
            "CONSUMER", "PROVIDER", "SERVICE", "METHODS", "STATE", "VALID", "LIMITS",
        ],
        rows,
    )
}

fn member_record(member: &Member) -> Value {
    json!({
        "code": member.code,
        "name_vi": member.name_vi,
        "name_en": member.name_en,
        "class": class(member),
        "state": member_state(member),
        "aliases": member.aliases,
        "successor": given(&member.successor),
    })
}

fn system_record(system: &System, live: &Live) -> Value {
    let valid_until = live.certificates.get(&system.id).copied();
    let circuits = system
        .endpoints
        .iter()
        .filter_map(|it| live.circuit(system, it));
    let circuits = circuits.map(|it| {
        json!({
            "endpoint": it.endpoint,
            "state": state_of(it),
            "since": when::utc(it.since_us),
            "why": it.why,
        })
    });
    json!({
        "id": system.id,
        "kind": kind(system),
        "name": system.name,
        "endpoints": system.endpoints,
        // Those that do not take every call, as the hub that answers sees them.
        "circuits": circuits.collect::<Vec<_>>(),
        "fingerprints": system.fingerprints,
        "state": system_state(system),
        // Of the certificate that it showed last since the hub's start.
        "certificate_valid_until": valid_until.and_then(when::utc),
        "disabled": system.disabled,
        "notice": system.notice,
        "maintenance": maintenance_records(&system.maintenance),
        "successor": given(&system.successor),
        "rate_per_second_max": system.rate_per_second_max,
        "burst_max": system.burst_max,
        "concurrency_max": system.concurrency_max,
        "message_bytes_max": system.message_bytes_max,
        "metadata_bytes_max": system.metadata_bytes_max,
        "deadline_ms_max": system.deadline_ms_max,
    })
}

fn service_record(service: &Service) -> Value {
    json!({
        "name": service.name,
        "provider": service.provider,
        "disabled": service.disabled,
        "notice": service.notice,
        "measures": service.measures,
        "deadline_ms_max": service.deadline_ms_max,
        "maintenance": maintenance_records(&service.maintenance),
        "methods": service.methods,
        "descriptors_sha256": given(&hexadecimal(&service.descriptors_sha256)),
    })
}

pub fn grant_record(grant: &Grant) -> Value {
    json!({
        "id": grant.id,
        "version": grant.version.max(1),
        "state": grant_state(grant),
        "consumer": grant.consumer,
        "provider": grant.provider,
        "service": grant.service,
        "methods": grant.methods,
        "valid_from": when::utc(grant.valid_from_us),
        "valid_until": when::utc(grant.valid_until_us),
        "rate_per_second_max": grant.rate_per_second_max,
        "burst_max": grant.burst_max,
        "concurrency_max": grant.concurrency_max,
        "message_bytes_max": grant.message_bytes_max,
        "metadata_bytes_max": grant.metadata_bytes_max,
        "deadline_ms_max": grant.deadline_ms_max,
        "purpose": grant.purpose,
        "legal_basis": grant.legal_basis,
        "on_behalf_of": given(&grant.on_behalf_of),
        "requested_by": given(&grant.requested_by),
        "decided_by": given(&grant.decided_by),
        "replaces": (grant.replaces != 0).then_some(grant.replaces),
    })
}

fn maintenance_records(windows: &[MaintenanceWindow]) -> Vec<Value> {
    let record = |window: &MaintenanceWindow| {
        json!({
            "from": when::utc(window.from_us),
            "until": when::utc(window.until_us),
            "notice": window.notice,
        })
    };
    windows.iter().map(record).collect()
}

/// Absent rather than empty.
fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn filled<const N: usize>(headings: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = table(headings, N);
    table.add_rows(rows);
    table
}

fn class(member: &Member) -> String {
    word(member.class().as_str_name(), "MEMBER_CLASS_")
}

fn member_state(member: &Member) -> String {
    word(member.state().as_str_name(), "STATE_")
}

fn kind(system: &System) -> String {
    word(system.kind().as_str_name(), "SYSTEM_KIND_")
}

fn system_state(system: &System) -> String {
    word(system.state().as_str_name(), "STATE_")
}

/// Grants of the time before requests hold no state, and are active.
pub fn grant_state(grant: &Grant) -> String {
    match grant.state() {
        GrantState::Unspecified => "active".to_owned(),
        state => word(state.as_str_name(), "GRANT_STATE_"),
    }
}

fn list(items: &[String]) -> String {
    items.join(", ")
}

/// The last day of a certificate, with a word to whoever must renew it; `-` for one that the hub
/// has not seen since its start.
fn expiry(until_us: Option<&i64>, zone: &Zone, now: Instant) -> String {
    const DAY_US: i64 = 86_400_000_000;
    let Some(until_us) = until_us else {
        return "-".to_owned();
    };
    let local = when::local(*until_us, zone);
    let day = local.split(' ').next().unwrap_or_default();
    match until_us.saturating_sub(now.as_micros()) {
        ..=0 => format!("{day}, expired"),
        left if left < EXPIRES_WITHIN_DAYS * DAY_US => {
            format!("{day}, in {} days", left / DAY_US)
        }
        _ => day.to_owned(),
    }
}

/// The first window of maintenance, and how many are planned behind it.
fn planned(windows: &[MaintenanceWindow], zone: &Zone) -> String {
    let Some((first, others)) = windows.split_first() else {
        return String::new();
    };
    let end = |at_us| when::local(at_us, zone);
    let first = format!("{} until {}", end(first.from_us), end(first.until_us));
    match others.len() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

pub fn validity(grant: &Grant, zone: &Zone) -> String {
    let end = |at_us| when::local(at_us, zone);
    match (grant.valid_from_us, grant.valid_until_us) {
        (0, 0) => "always".to_owned(),
        (from, 0) => format!("from {}", end(from)),
        (0, until) => format!("until {}", end(until)),
        (from, until) => format!("{} until {}", end(from), end(until)),
    }
}

fn limits(grant: &Grant) -> String {
    let mut limits = Vec::new();
    if grant.rate_per_second_max != 0 {
        limits.push(format!("{}/s", grant.rate_per_second_max));
    }
    if grant.burst_max != 0 {
        limits.push(format!("bursts of {}", grant.burst_max));
    }
    if grant.concurrency_max != 0 {
        limits.push(format!("{} at once", grant.concurrency_max));
    }
    if grant.deadline_ms_max != 0 {
        limits.push(format!("{} ms", grant.deadline_ms_max));
    }
    if limits.is_empty() {
        limits.push("none".to_owned());
    }
    limits.join(", ")
}

#[cfg(test)]
mod tests {
    use ndxp_proto::registry::v1::{CircuitState, MemberClass, State, SystemKind};

    use super::*;

    #[track_caller]
    fn check(listing: &Listing, wanted: &str) {
        let now = Instant::from_micros(1_658_448_000_000_000);
        assert_eq!(listing.table(&Zone::viet_nam(), now), wanted);
    }

    fn member(code: &str, name: &str, state: State, successor: &str) -> Member {
        Member {
            code: code.to_owned(),
            name_vi: name.to_owned(),
            class: MemberClass::Province.into(),
            state: state.into(),
            successor: successor.to_owned(),
            ..Member::default()
        }
    }

    /// With certificates that end so many days from now, and one that has shown none.
    fn systems(ends: &[(&str, i64)]) -> Listing {
        let system = |id: &str, disabled| System {
            id: id.to_owned(),
            kind: SystemKind::InformationSystem.into(),
            endpoints: vec!["a:1".to_owned(), "b:2".to_owned()],
            state: State::Suspended.into(),
            disabled,
            ..System::default()
        };
        let shown = ends.iter().map(|(id, _)| system(id, false));
        let until = |days: i64| 1_658_448_000_000_000 + days * 86_400_000_000;
        let certificates = ends
            .iter()
            .map(|(id, days)| ((*id).to_owned(), until(*days)));
        Listing::Systems(
            shown.chain([system("G01/d", true)]).collect(),
            Live {
                certificates: certificates.collect(),
                circuits: vec![EndpointCircuit {
                    system: "G01/d".to_owned(),
                    endpoint: "b:2".to_owned(),
                    state: CircuitState::Open.into(),
                    since_us: until(0),
                    why: "it does not answer in time".to_owned(),
                }],
            },
        )
    }

    #[test]
    fn items_stand_in_columns() {
        check(
            &Listing::Members(vec![
                member("H02", "Hà Giang", State::Closed, "H05"),
                member("H26", "Hà Nội", State::Active, ""),
            ]),
            "\
CODE  CLASS     STATE            NAME      NAME (EN)
H02   province  closed, see H05  Hà Giang
H26   province  active           Hà Nội",
        );
        check(
            &systems(&[("G01/a", 29), ("G01/b", 31), ("G01/c", -1)]),
            "\
SYSTEM  KIND                STATE                CERTIFICATE UNTIL       ENDPOINTS                                                                  NAME
G01/a   information_system  suspended            2022-08-20, in 29 days  a:1, b:2
G01/b   information_system  suspended            2022-08-22              a:1, b:2
G01/c   information_system  suspended            2022-07-21, expired     a:1, b:2
G01/d   information_system  suspended, disabled  -                       a:1, b:2 (open since 2022-07-22 07:00:00.000: it does not answer in time)",
        );
        check(
            &Listing::Grants(vec![Grant {
                consumer: "H26/lgsp".to_owned(),
                provider: "G01/population".to_owned(),
                service: "a.v1.B".to_owned(),
                valid_until_us: 1_658_448_000_000_000,
                rate_per_second_max: 5,
                concurrency_max: 2,
                ..Grant::default()
            }]),
            "\
CONSUMER  PROVIDER        SERVICE  METHODS  STATE   VALID                          LIMITS
H26/lgsp  G01/population  a.v1.B   all      active  until 2022-07-22 07:00:00.000  5/s, 2 at once",
        );
    }

    #[test]
    fn records_have_words_and_utc() {
        let grant = Grant {
            id: "x".to_owned(),
            valid_from_us: 1_658_448_000_000_000,
            ..Grant::default()
        };
        let records = Listing::Grants(vec![grant]).records();
        let record = &records[0];
        assert_eq!(record["valid_from"], "2022-07-22T00:00:00Z");
        assert_eq!(record["valid_until"], Value::Null);
    }
}
