//! The registry's items as columns for people and as records for programs.

use comfy_table::Table;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::{Grant, Member, Service, System};
use serde_json::{Value, json};

use crate::output::{table, trimmed, word};
use crate::when;

#[derive(Debug)]
pub enum Listing {
    Members(Vec<Member>),
    Systems(Vec<System>),
    Services(Vec<Service>),
    Grants(Vec<Grant>),
}

impl Listing {
    pub fn table(&self, zone: &Zone) -> String {
        trimmed(&match self {
            Self::Members(members) => member_table(members),
            Self::Systems(systems) => system_table(systems),
            Self::Services(services) => service_table(services),
            Self::Grants(grants) => grant_table(grants, zone),
        })
    }

    /// The contract's fields with the contract's names; words for enums, UTC for times.
    pub fn records(&self) -> Vec<Value> {
        match self {
            Self::Members(members) => members.iter().map(member_record).collect(),
            Self::Systems(systems) => systems.iter().map(system_record).collect(),
            Self::Services(services) => services.iter().map(service_record).collect(),
            Self::Grants(grants) => grants.iter().map(grant_record).collect(),
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
        [code, class(member), member_state(member), name_vi, name_en]
    });
    filled(&["CODE", "CLASS", "STATE", "NAME", "NAME (EN)"], rows)
}

fn system_table(systems: &[System]) -> Table {
    let rows = systems.iter().map(|system| {
        let System {
            id,
            name,
            endpoints,
            ..
        } = system.clone();
        [
            id,
            kind(system),
            system_state(system),
            list(&endpoints),
            name,
        ]
    });
    filled(&["SYSTEM", "KIND", "STATE", "ENDPOINTS", "NAME"], rows)
}

fn service_table(services: &[Service]) -> Table {
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
        [name, provider, state.to_owned(), list(&measures), notice]
    });
    filled(
        &["SERVICE", "PROVIDER", "STATE", "MEASURES", "NOTICE"],
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
            validity(grant, zone),
            limits(grant),
        ]
    });
    filled(
        &[
            "CONSUMER", "PROVIDER", "SERVICE", "METHODS", "VALID", "LIMITS",
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
    })
}

fn system_record(system: &System) -> Value {
    json!({
        "id": system.id,
        "kind": kind(system),
        "name": system.name,
        "endpoints": system.endpoints,
        "fingerprints": system.fingerprints,
        "state": system_state(system),
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
    })
}

fn grant_record(grant: &Grant) -> Value {
    json!({
        "id": grant.id,
        "consumer": grant.consumer,
        "provider": grant.provider,
        "service": grant.service,
        "methods": grant.methods,
        "valid_from": when::utc(grant.valid_from_us),
        "valid_until": when::utc(grant.valid_until_us),
        "rate_per_second_max": grant.rate_per_second_max,
        "concurrency_max": grant.concurrency_max,
    })
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

fn list(items: &[String]) -> String {
    items.join(", ")
}

fn validity(grant: &Grant, zone: &Zone) -> String {
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
    if grant.concurrency_max != 0 {
        limits.push(format!("{} at once", grant.concurrency_max));
    }
    if limits.is_empty() {
        limits.push("none".to_owned());
    }
    limits.join(", ")
}

#[cfg(test)]
mod tests {
    use ndxp_proto::registry::v1::{MemberClass, State, SystemKind};

    use super::*;

    #[track_caller]
    fn check(listing: &Listing, wanted: &str) {
        assert_eq!(listing.table(&Zone::viet_nam()), wanted);
    }

    #[test]
    fn items_stand_in_columns() {
        check(
            &Listing::Members(vec![Member {
                code: "H26".to_owned(),
                name_vi: "Hà Nội".to_owned(),
                name_en: "Ha Noi".to_owned(),
                class: MemberClass::Province.into(),
                state: State::Active.into(),
            }]),
            "\
CODE  CLASS     STATE   NAME    NAME (EN)
H26   province  active  Hà Nội  Ha Noi",
        );
        check(
            &Listing::Systems(vec![System {
                id: "G01/population".to_owned(),
                kind: SystemKind::InformationSystem.into(),
                endpoints: vec!["a:1".to_owned(), "b:2".to_owned()],
                state: State::Suspended.into(),
                ..System::default()
            }]),
            "\
SYSTEM          KIND                STATE      ENDPOINTS  NAME
G01/population  information_system  suspended  a:1, b:2",
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
CONSUMER  PROVIDER        SERVICE  METHODS  VALID                          LIMITS
H26/lgsp  G01/population  a.v1.B   all      until 2022-07-22 07:00:00.000  5/s, 2 at once",
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
        let record = records.first().unwrap();
        assert_eq!(record["valid_from"], "2022-07-22T00:00:00Z");
        assert_eq!(record["valid_until"], Value::Null);
    }
}
