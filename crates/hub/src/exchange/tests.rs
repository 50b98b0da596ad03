//! What a system learns on the exchange port, asked through the routes as the gateway asks.

use ndxp_model::SystemId;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged};
use ndxp_proto::registry::v1;

use super::*;

fn registry() -> Arc<ArcSwap<Registry>> {
    let member = |code: &str| v1::Member {
        code: code.to_owned(),
        name_vi: code.to_owned(),
        class: v1::MemberClass::Province.into(),
        ..Default::default()
    };
    let system = |id: &str| v1::System {
        id: id.to_owned(),
        kind: v1::SystemKind::Lgsp.into(),
        ..Default::default()
    };
    let service = |name: &str, disabled: bool| v1::Service {
        provider: "G01/population".to_owned(),
        name: name.to_owned(),
        disabled,
        notice: if disabled {
            "bảo trì".to_owned()
        } else {
            String::new()
        },
        measures: vec!["records".to_owned()],
        ..Default::default()
    };
    let grant = |service: &str| v1::Grant {
        consumer: "H26/lgsp".to_owned(),
        provider: "G01/population".to_owned(),
        service: service.to_owned(),
        methods: vec!["Verify".to_owned()],
        valid_until_us: 9_000_000,
        rate_per_second_max: 5,
        ..Default::default()
    };
    let catalogue = v1::Catalogue {
        members: vec![member("H26"), member("G01")],
        systems: vec![system("H26/lgsp"), system("G01/population")],
        services: vec![service("a.B", false), service("a.C", true)],
        grants: vec![grant("a.B"), grant("a.C")],
    };
    let mut registry = Registry::empty();
    let changes = registry.plan(&catalogue).unwrap().changes;
    let changed = RegistryChanged {
        changes,
        ..Default::default()
    };
    let body = Some(Body::RegistryChanged(changed));
    registry
        .apply(&Entry {
            sequence: 1,
            committed_at_us: 1,
            body,
        })
        .unwrap();
    Arc::new(ArcSwap::from_pointee(registry))
}

fn asked<T>(system: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(system) = system {
        let system: SystemId = system.parse().unwrap();
        let proof = format!("spiffe://ndxp.local/{system}");
        request.extensions_mut().insert(Caller { system, proof });
    }
    request
}

#[tokio::test]
async fn a_system_learns_whom_the_hub_takes_it_for() {
    let directory = Directory {
        registry: registry(),
    };
    let found = directory
        .who_am_i(asked(Some("H26/lgsp"), WhoAmIRequest {}))
        .await
        .unwrap();
    let found = found.into_inner();
    assert_eq!(
        (found.system.as_str(), found.proof.as_str()),
        ("H26/lgsp", "spiffe://ndxp.local/H26/lgsp")
    );
    let refused = directory
        .who_am_i(asked(None, WhoAmIRequest {}))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn a_system_learns_what_it_may_call_and_nothing_of_others() {
    let directory = Directory {
        registry: registry(),
    };
    let list = async |system: &str, service: &str| {
        let request = ListCallableRequest {
            service: service.to_owned(),
        };
        let answer = directory.list_callable(asked(Some(system), request)).await;
        answer.map(|answer| answer.into_inner().services)
    };
    let all = list("H26/lgsp", "").await.unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|it| (it.service.as_str(), it.disabled, it.notice.as_str()))
        .collect();
    assert_eq!(names, [("a.B", false, ""), ("a.C", true, "bảo trì")]);
    let first = &all[0];
    assert_eq!(first.provider, "G01/population");
    assert_eq!(first.methods, ["Verify"]);
    assert_eq!(first.measures, ["records"]);
    assert_eq!(
        (
            first.valid_until_us,
            first.rate_per_second_max,
            first.concurrency_max
        ),
        (9_000_000, 5, 0)
    );
    assert_eq!(list("H26/lgsp", "a.C").await.unwrap().len(), 1);
    assert!(list("H26/lgsp", "a.D").await.unwrap().is_empty());
    assert!(list("G01/population", "").await.unwrap().is_empty());
    let refused = list("H26/lgsp", "a/b").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(
        refused.message().starts_with("service: "),
        "{}",
        refused.message()
    );
}

#[test]
fn the_port_offers_the_directory_health_and_reflection_and_no_more() {
    let own = exchange_services(registry(), &Health::default()).unwrap();
    for name in [
        DIRECTORY,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        assert!(own.offers(name), "{name}");
    }
    for name in [
        "ndxp.registry.v1.RegistryService",
        "ndxp.journal.v1.JournalService",
        "",
    ] {
        assert!(!own.offers(name), "{name}");
    }
}
