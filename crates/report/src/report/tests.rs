//! The tables of a report: what each asks.

use ndxp_model::Zone;
use ndxp_proto::journal::v1::{Entry, RegistryChanged, entry::Body};
use ndxp_proto::registry::v1::{Change, Service, change::Item};

use super::*;
use crate::assemble::tests::{at, periods};

/// A registry in which each provider offers a service of that name with these measures.
fn registry(services: &[(&str, &str, &[&str])]) -> Registry {
    let changes = services.iter().map(|(provider, name, measures)| Change {
        item: Some(Item::Service(Service {
            provider: (*provider).to_owned(),
            name: (*name).to_owned(),
            measures: measures.iter().map(|it| (*it).to_owned()).collect(),
            ..Service::default()
        })),
    });
    let act = RegistryChanged {
        changes: changes.collect(),
        ..RegistryChanged::default()
    };
    let mut registry = Registry::empty();
    let entry = Entry {
        sequence: 1,
        committed_at_us: 1,
        body: Some(Body::RegistryChanged(act)),
    };
    registry.apply(&entry).expect("the act can be folded");
    registry
}

fn asked(name: &str, registry: &Registry) -> CountRequest {
    let plans = plans(&periods("2022-07", "2022-07-22"), true, 7, registry);
    let found = plans.into_iter().find(|plan| plan.name == name);
    found.expect("the report has the table").request
}

#[test]
fn every_table_is_of_the_month_with_balances_apart_and_one_is_of_thirteen_months() {
    let registry = registry(&[]);
    let (from, to) = (at("2022-07-01").as_micros(), at("2022-07-23").as_micros());
    for plan in plans(&periods("2022-07", "2022-07-22"), true, 7, &registry) {
        let request = &plan.request;
        let months = plan.name == "months";
        let wanted = if months {
            at("2021-07-01").as_micros()
        } else {
            from
        };
        assert_eq!(
            (request.from_us, request.to_us),
            (wanted, to),
            "{}",
            plan.name
        );
        assert!(request.with_baselines, "{}", plan.name);
        assert!(request.by_successor);
    }
    assert_eq!(
        Zone::viet_nam().days(periods("2022-07", "2022-07-22").last_months),
        387
    );
}

#[test]
fn long_tables_are_cut_and_those_by_time_or_outcome_are_whole() {
    let registry = registry(&[]);
    for (name, top) in [
        ("days", 0),
        ("months", 0),
        ("outcomes", 0),
        ("classes", 0),
        ("documents", 0),
        ("connections", 7),
        ("consumers", 7),
        ("providers", 7),
        ("databases", 7),
        ("services", 7),
    ] {
        assert_eq!(asked(name, &registry).top, top, "{name}");
    }
    let databases = asked("databases", &registry).filter.unwrap();
    assert_eq!(databases.kind(), SystemKind::Database);
}

/// Provider, service and the measures that it declares.
type Offered = (&'static str, &'static str, &'static [&'static str]);

#[test]
fn documents_are_those_of_the_service_that_declares_them() {
    const BOTH: &[&str] = &["documents_received", "documents_sent"];
    let rows: [(&[Offered], Option<&str>); 4] = [
        (
            &[
                ("G22/axis", "a.v1.Documents", BOTH),
                ("G22/x", "a.v1.X", &["records"]),
            ],
            Some("a.v1.Documents"),
        ),
        // One service at two providers is one service.
        (
            &[
                ("G22/axis", "a.v1.Documents", BOTH),
                ("H26/axis", "a.v1.Documents", BOTH),
            ],
            Some("a.v1.Documents"),
        ),
        (
            &[
                ("G22/axis", "a.v1.Documents", BOTH),
                ("G22/axis", "a.v2.Documents", BOTH),
            ],
            None,
        ),
        (&[("G22/x", "a.v1.X", &["records"])], None),
    ];
    for (services, wanted) in rows {
        let found = asked("documents", &registry(services)).filter;
        let service = found.as_ref().map(|filter| filter.service.as_str());
        assert_eq!(service, wanted, "{services:?}");
    }
}
