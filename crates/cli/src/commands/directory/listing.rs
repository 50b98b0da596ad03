//! The directory's answers as columns for people and as records for programs.

use ndxp_model::Zone;
use ndxp_proto::exchange::v1::{
    Callable, MaintenanceWindow, Offered, ServiceState, WhoAmIResponse,
};
use serde_json::{Value, json};

use crate::output::{table, trimmed, word};
use crate::when;

pub fn callable_text(services: &[Callable], zone: &Zone) -> String {
    const HEADINGS: [&str; 6] = ["SERVICE", "PROVIDER", "METHODS", "STATE", "UNTIL", "NOTICE"];
    let mut table = table(&HEADINGS, HEADINGS.len());
    table.add_rows(services.iter().map(|service| {
        let methods = match service.methods.is_empty() {
            true => "all".to_owned(),
            false => service.methods.join(", "),
        };
        [
            service.service.clone(),
            service.provider.clone(),
            methods,
            state(service.state()),
            when::local(service.valid_until_us, zone),
            notice(&service.notice, &service.maintenance, zone),
        ]
    }));
    trimmed(&table)
}

pub fn callable_records(services: &[Callable]) -> Vec<Value> {
    let record = |service: &Callable| {
        json!({
            "service": service.service,
            "provider": service.provider,
            "methods": service.methods,
            "state": state(service.state()),
            "notice": service.notice,
            "maintenance": windows(&service.maintenance),
            "version": service.version,
            "valid_from": when::utc(service.valid_from_us),
            "valid_until": when::utc(service.valid_until_us),
            "rate_per_second_max": service.rate_per_second_max,
            "burst_max": service.burst_max,
            "concurrency_max": service.concurrency_max,
            "message_bytes_max": service.message_bytes_max,
            "metadata_bytes_max": service.metadata_bytes_max,
            "deadline_ms_max": service.deadline_ms_max,
            "on_behalf_of": service.on_behalf_of,
            "measures": service.measures,
            "has_descriptors": service.has_descriptors,
        })
    };
    services.iter().map(record).collect()
}

pub fn offered_text(services: &[Offered], zone: &Zone) -> String {
    const HEADINGS: [&str; 6] = [
        "SERVICE",
        "PROVIDER",
        "MEMBER",
        "STATE",
        "REQUESTED",
        "NOTICE",
    ];
    let mut table = table(&HEADINGS, HEADINGS.len());
    table.add_rows(services.iter().map(|service| {
        let requested = match service.requested_version {
            0 => String::new(),
            version => format!("version {version}"),
        };
        [
            service.service.clone(),
            service.provider.clone(),
            service.member_vi.clone(),
            state(service.state()),
            requested,
            notice(&service.notice, &service.maintenance, zone),
        ]
    }));
    trimmed(&table)
}

pub fn offered_records(services: &[Offered]) -> Vec<Value> {
    let record = |service: &Offered| {
        json!({
            "service": service.service,
            "provider": service.provider,
            "member_vi": service.member_vi,
            "member_en": service.member_en,
            "state": state(service.state()),
            "notice": service.notice,
            "maintenance": windows(&service.maintenance),
            "methods": service.methods,
            "measures": service.measures,
            "deadline_ms_max": service.deadline_ms_max,
            // Of the system's own request that waits for a decision.
            "requested_version": match service.requested_version {
                0 => None,
                version => Some(version),
            },
        })
    };
    services.iter().map(record).collect()
}

pub fn whoami_text(answer: &WhoAmIResponse, zone: &Zone) -> String {
    let WhoAmIResponse {
        system,
        proof,
        certificate_valid_until_us,
    } = answer;
    let until = when::local(*certificate_valid_until_us, zone);
    format!("system             {system}\nproof              {proof}\ncertificate until  {until}")
}

pub fn whoami_record(answer: &WhoAmIResponse) -> Value {
    json!({
        "system": answer.system,
        "proof": answer.proof,
        "certificate_valid_until": when::utc(answer.certificate_valid_until_us),
    })
}

fn state(state: ServiceState) -> String {
    word(state.as_str_name(), "SERVICE_STATE_")
}

/// What is said of the state, and when maintenance is next.
fn notice(notice: &str, maintenance: &[MaintenanceWindow], zone: &Zone) -> String {
    let Some(window) = maintenance.first() else {
        return notice.to_owned();
    };
    let (from, until) = (window.from_us, window.until_us);
    let (from, until) = (when::local(from, zone), when::local(until, zone));
    let planned = format!("maintenance {from} until {until}");
    match notice {
        "" => planned,
        notice => format!("{notice}; {planned}"),
    }
}

fn windows(windows: &[MaintenanceWindow]) -> Vec<Value> {
    let record = |window: &MaintenanceWindow| {
        json!({
            "from": when::utc(window.from_us),
            "until": when::utc(window.until_us),
            "notice": window.notice,
        })
    };
    windows.iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_in_maintenance_says_why_and_until_when() {
        let service = Callable {
            service: "a.v1.B".to_owned(),
            provider: "G01/population".to_owned(),
            state: ServiceState::InMaintenance.into(),
            notice: "new index".to_owned(),
            maintenance: vec![MaintenanceWindow {
                from_us: 1_658_448_000_000_000,
                until_us: 1_658_451_600_000_000,
                notice: "new index".to_owned(),
            }],
            ..Callable::default()
        };
        assert_eq!(
            callable_text(&[service], &Zone::viet_nam()),
            "\
SERVICE  PROVIDER        METHODS  STATE           UNTIL  NOTICE
a.v1.B   G01/population  all      in_maintenance         new index; maintenance \
2022-07-22 07:00:00.000 until 2022-07-22 08:00:00.000"
        );
    }

    #[test]
    fn a_request_that_waits_is_shown() {
        let service = Offered {
            service: "a.v1.B".to_owned(),
            provider: "G01/population".to_owned(),
            member_vi: "Bộ Công an".to_owned(),
            state: ServiceState::Active.into(),
            requested_version: 2,
            ..Offered::default()
        };
        assert_eq!(
            offered_text(&[service], &Zone::viet_nam()),
            "\
SERVICE  PROVIDER        MEMBER      STATE   REQUESTED  NOTICE
a.v1.B   G01/population  Bộ Công an  active  version 2"
        );
    }
}
