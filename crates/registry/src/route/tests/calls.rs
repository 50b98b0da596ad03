//! Where a call goes and whether it may: one row for each refusal, and what denies.

use std::num::NonZeroU32;
use std::time::Duration;

use ndxp_model::SystemKind;

use super::*;
use crate::fixture::january;
use crate::record::Limits;

struct Call {
    consumer: &'static str,
    service: &'static str,
    method: &'static str,
    provider: Option<&'static str>,
    at: Instant,
}

/// Permitted as it stands; each row of the tables says what is different in it.
fn call() -> Call {
    Call {
        consumer: "H26/lgsp",
        service: "test.Population",
        method: "Verify",
        provider: None,
        at: january(15),
    }
}

#[track_caller]
fn check_route(registry: &Registry, call: &Call, expected: &str) {
    let consumer = call.consumer.parse().unwrap();
    let route = registry.route(&consumer, call.service, call.method, call.provider, call.at);
    let answer = match route {
        Ok(route) => route.grant.id.to_string(),
        Err(refusal) => told(&refusal),
    };
    assert_eq!(answer, expected);
}

#[test]
fn a_permitted_call_is_told_its_route_whole() {
    let route = registry(&[SMALL])
        .route(
            &"H26/lgsp".parse().unwrap(),
            "test.Population",
            "Assign",
            Some("G01/population"),
            january(15),
        )
        .unwrap();
    let connection = Connection {
        consumer: "H26/lgsp".parse().unwrap(),
        provider: "G01/population".parse().unwrap(),
        service: "test.Population".parse().unwrap(),
    };
    assert_eq!(*route.connection, connection);
    let provider = SystemRecord {
        id: connection.provider.clone(),
        kind: SystemKind::Database,
        endpoints: vec!["127.0.0.1:9001".to_owned(), "127.0.0.1:9002".to_owned()],
        fingerprints: Vec::new(),
        active: true,
        state: v1::State::Active,
        disabled: false,
        notice: String::new(),
        maintenance: Vec::new(),
        limits: Limits::default(),
    };
    assert_eq!(*route.provider, provider);
    let service = ServiceRecord {
        provider: connection.provider.clone(),
        name: connection.service.clone(),
        disabled: false,
        notice: String::new(),
        measures: vec!["records".to_owned()],
        deadline_max: Some(Duration::from_secs(30)),
        maintenance: Vec::new(),
        methods: Vec::new(),
    };
    assert_eq!(*route.service, service);
    let grant = GrantRecord {
        id: "H26/lgsp>G01/population/test.Population".parse().unwrap(),
        version: 1,
        state: v1::GrantState::Active,
        connection: Arc::new(connection),
        methods: vec!["Assign".to_owned(), "Verify".to_owned()],
        valid_from: Some(january(10)),
        valid_until: Some(january(20)),
        rate_per_second_max: NonZeroU32::new(100),
        concurrency_max: NonZeroU32::new(10),
        limits: Limits {
            rate_per_second_max: NonZeroU32::new(100),
            concurrency_max: NonZeroU32::new(10),
            ..Limits::default()
        },
        on_behalf_of: None,
    };
    assert_eq!(*route.grant, grant);
}

#[test]
fn a_call_goes_to_the_one_provider_or_to_the_named_one() {
    let registry = registry(&[SMALL]);
    check_route(
        &registry,
        &call(),
        "H26/lgsp>G01/population/test.Population",
    );
    let shared = Call {
        service: "test.Shared",
        provider: Some("G01/population"),
        method: "Anything",
        ..call()
    };
    check_route(&registry, &shared, "H26/lgsp>G01/population/test.Shared");
}

#[test]
fn a_call_that_may_not_pass_is_refused_with_the_reason() {
    let registry = registry(&[SMALL]);
    let rows = [
        (
            Call {
                service: "test.Nothing",
                ..call()
            },
            "UNKNOWN_SERVICE: no system offers a service test.Nothing",
        ),
        (
            Call {
                provider: Some("G24/insurance"),
                ..call()
            },
            "UNKNOWN_SERVICE: G24/insurance offers no service test.Population",
        ),
        (
            Call {
                provider: Some("G99/unknown"),
                ..call()
            },
            "UNKNOWN_SERVICE: G99/unknown offers no service test.Population",
        ),
        (
            Call {
                provider: Some("G01"),
                ..call()
            },
            "MALFORMED_REQUEST: the metadata ndxp-provider names no system: system \"G01\" is not \
             valid: a member code, a stroke and a name of lower-case letters, digits and hyphens, \
             such as H26/lgsp",
        ),
        (
            Call {
                service: "test.Shared",
                ..call()
            },
            "AMBIGUOUS_PROVIDER: several systems offer test.Shared: G01/population, G24/insurance",
        ),
        (
            Call {
                service: "test.Cards",
                ..call()
            },
            "SERVICE_DISABLED: the service test.Cards of G24/insurance is disabled: bảo trì đến \
             22 giờ",
        ),
        (
            Call {
                service: "test.Births",
                ..call()
            },
            "SERVICE_DISABLED: the service test.Births of G24/insurance is disabled: the operator \
             gave no reason",
        ),
        (
            Call {
                service: "test.OfSuspendedSystem",
                ..call()
            },
            "SERVICE_DISABLED: the system H26/closed is suspended",
        ),
        (
            Call {
                service: "test.OfSuspendedMember",
                ..call()
            },
            "SERVICE_DISABLED: the member H53 is suspended",
        ),
        (
            Call {
                consumer: "H29/lgsp",
                ..call()
            },
            "NO_GRANT: H29/lgsp holds no grant to call test.Population of G01/population",
        ),
        (
            Call {
                method: "Erase",
                ..call()
            },
            "NO_GRANT: the grant of H26/lgsp to call test.Population of G01/population does not \
             cover the method Erase",
        ),
        (
            Call {
                method: "verify",
                ..call()
            },
            "NO_GRANT: the grant of H26/lgsp to call test.Population of G01/population does not \
             cover the method verify",
        ),
        (
            Call {
                at: january(9),
                ..call()
            },
            "GRANT_EXPIRED: the grant of H26/lgsp to call test.Population of G01/population is \
             valid from 2026-01-10T00:00:00Z on",
        ),
        (
            Call {
                at: january(20),
                ..call()
            },
            "GRANT_EXPIRED: the grant of H26/lgsp to call test.Population of G01/population ended \
             at 2026-01-20T00:00:00Z",
        ),
    ];
    for (call, expected) in rows {
        check_route(&registry, &call, expected);
    }
}

#[test]
fn a_grant_is_valid_from_its_start_until_before_its_end() {
    let registry = registry(&[SMALL]);
    let permitted = "H26/lgsp>G01/population/test.Population";
    let first = Call {
        at: january(10),
        ..call()
    };
    check_route(&registry, &first, permitted);
    let last = Instant::from_micros(january(20).as_micros() - 1);
    check_route(&registry, &Call { at: last, ..call() }, permitted);
}

#[test]
fn a_grant_does_not_pass_on_to_the_other_systems_of_a_member() {
    let registry = registry(&[SMALL]);
    let other = Call {
        consumer: "H26/closed",
        ..call()
    };
    check_route(
        &registry,
        &other,
        "NO_GRANT: H26/closed holds no grant to call test.Population of G01/population",
    );
}

#[test]
fn a_long_list_of_candidates_is_cut() {
    use std::fmt::Write as _;
    let mut text =
        String::from("[[member]]\ncode = \"H26\"\nname_vi = \"Hà Nội\"\nclass = \"province\"\n");
    for number in 100..130 {
        write!(
            text,
            "[[system]]\nid = \"H26/s{number}\"\nkind = \"lgsp\"\n\
             [[service]]\nprovider = \"H26/s{number}\"\nname = \"test.Many\"\n"
        )
        .unwrap();
    }
    let many = Call {
        service: "test.Many",
        ..call()
    };
    let listed: Vec<String> = (100..120).map(|number| format!("H26/s{number}")).collect();
    let expected = format!(
        "AMBIGUOUS_PROVIDER: several systems offer test.Many: {} and 10 more",
        listed.join(", ")
    );
    check_route(&registry(&[&text]), &many, &expected);
}

#[test]
fn what_a_caller_sent_is_cut_before_it_is_sent_back() {
    let registry = registry(&[SMALL]);
    let long = "ệ".repeat(10_000);
    let consumer = "H26/lgsp".parse().unwrap();
    for (service, method, provider) in [
        (long.as_str(), "Verify", None),
        (long.as_str(), "Verify", Some("G01/population")),
        ("test.Population", long.as_str(), None),
        ("test.Population", "Verify", Some(long.as_str())),
    ] {
        let refusal = registry
            .route(&consumer, service, method, provider, january(15))
            .unwrap_err();
        assert!(refusal.detail.len() < 1_000, "{}", refusal.detail.len());
    }
}

/// Replaces one item by one that no version of this program understands, and asks again.
#[track_caller]
fn check_unreadable(spoil: v1::change::Item, name: &str, expected: &str) {
    let mut registry = registry(&[SMALL]);
    let change = v1::Change { item: Some(spoil) };
    registry.apply(&changed(2, vec![change])).unwrap();
    let unreadable: Vec<_> = registry.unreadable();
    let names: Vec<&str> = unreadable.iter().map(|entry| entry.item.as_str()).collect();
    assert_eq!(names, [name]);
    assert!(!unreadable[0].errors.is_empty());
    check_route(&registry, &call(), expected);
}

#[test]
fn an_item_that_cannot_be_read_denies() {
    use v1::change::Item;
    let standing = registry(&[SMALL]);
    let member = v1::Member {
        state: 7,
        ..standing.member("G01").unwrap().clone()
    };
    check_unreadable(
        Item::Member(member),
        "member G01",
        "SERVICE_DISABLED: the registry's entry for the member that runs G01/population is missing \
         or cannot be read",
    );
    let system = v1::System {
        kind: 99,
        ..standing.systems.get("G01/population").unwrap().item.clone()
    };
    check_unreadable(
        Item::System(system),
        "system G01/population",
        "SERVICE_DISABLED: the registry's entry for the system G01/population cannot be read",
    );
    let service = standing.standing_service("G01/population", "test.Population");
    let service = v1::Service {
        measures: vec!["Not A Measure".to_owned()],
        ..service.unwrap().item.clone()
    };
    check_unreadable(
        Item::Service(service),
        "service G01/population/test.Population",
        "SERVICE_DISABLED: the registry's entry for the service test.Population of G01/population \
         cannot be read",
    );
    let grants = standing.grant_versions("H26/lgsp>G01/population/test.Population");
    let grant = v1::Grant {
        valid_until_us: -1,
        ..grants[0].clone()
    };
    check_unreadable(
        Item::Grant(grant),
        "grant H26/lgsp>G01/population/test.Population",
        "NO_GRANT: the registry's entry for the grant of H26/lgsp to call test.Population of \
         G01/population cannot be read",
    );
}

#[test]
fn the_directory_lists_what_is_granted_by_service_and_provider() {
    let registry = registry(&[SMALL]);
    let listed = |consumer: &str| -> Vec<(String, String, bool)> {
        let callable = registry.callable(&consumer.parse().unwrap());
        callable
            .iter()
            .map(|(service, grant)| {
                assert_eq!(grant.connection.provider, service.provider);
                let (name, provider) = (&service.name, &service.provider);
                (name.to_string(), provider.to_string(), service.disabled)
            })
            .collect()
    };
    let row = |service: &str, provider: &str, disabled| {
        (service.to_owned(), provider.to_owned(), disabled)
    };
    assert_eq!(
        listed("H26/lgsp"),
        [
            row("test.Cards", "G24/insurance", true),
            row("test.Population", "G01/population", false),
            row("test.Shared", "G01/population", false),
        ]
    );
    assert_eq!(listed("H29/lgsp"), []);
    assert_eq!(listed("H99/unknown"), []);
}
