//! The control port as its callers find it: who gets in, who is kept waiting (nobody), how it
//! stops.

use ndxp_proto::journal::v1::WatchTransactionsRequest;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_proto::registry::v1::{ApplyRequest, ListRequest, State, System, SystemKind};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::fixture::{House, members};
use super::*;
use crate::authority::{Authority, AuthorityFolder, Hosts, Validity};
use crate::tls::Looked;

fn apply(codes: &[&str]) -> ApplyRequest {
    ApplyRequest {
        catalogue: Some(members(codes)),
        dry_run: false,
        note: "why".to_owned(),
        ..ApplyRequest::default()
    }
}

#[tokio::test]
async fn an_operator_changes_what_everyone_with_a_role_reads() {
    let house = House::new().await;
    let mut operator = house.registry(&house.operator()).await;
    let applied = operator
        .apply(apply(&["H26", "H27"]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((applied.differences.len(), applied.sequence), (4, 1));

    let all = ["H26", "H27"].as_slice();
    for (issued, seen) in [
        (house.operator(), all),
        (house.auditor(), all),
        (house.system("H26/lgsp"), &["H26"]),
    ] {
        let mut client = house.registry(&issued).await;
        let listed = client
            .list_members(ListRequest::default())
            .await
            .unwrap()
            .into_inner();
        let codes: Vec<_> = listed
            .members
            .iter()
            .map(|member| member.code.as_str())
            .collect();
        assert_eq!((codes, listed.watermark), (seen.to_vec(), 1));
    }
    for issued in [house.auditor(), house.system("H26/lgsp")] {
        let mut client = house.registry(&issued).await;
        let refused = client.apply(apply(&["H28"])).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(
            refused.message().contains("RegistryService/Apply"),
            "{}",
            refused.message()
        );
    }
}

#[tokio::test]
async fn the_registry_is_listed_as_it_stood() {
    let house = House::new().await;
    house.register(&["H26"]).await;
    let later = fixture::BEGIN.saturating_add(Duration::from_secs(3_600));
    house.clock.set(later);
    house.register(&["H27"]).await;
    let mut client = house.registry(&house.auditor()).await;
    let rows = [
        (0, 2),
        (later.as_micros(), 1),
        (later.as_micros() + 1, 2),
        (1, 0),
    ];
    for (as_of_us, systems) in rows {
        let listed = client
            .list_systems(ListRequest {
                as_of_us,
                ..ListRequest::default()
            })
            .await
            .unwrap()
            .into_inner();
        assert_eq!(listed.systems.len(), systems, "{as_of_us}");
    }
    let refused = client
        .list_grants(ListRequest {
            as_of_us: -1,
            ..ListRequest::default()
        })
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_wrong_catalogue_is_refused_with_what_is_wrong() {
    let house = House::new().await;
    let mut client = house.registry(&house.operator()).await;
    let mut wrong = apply(&["H26"]);
    let systems = &mut wrong.catalogue.as_mut().unwrap().systems;
    systems[0].id = "H99/lgsp".to_owned();
    for (request, part) in [
        (wrong, "H99"),
        (ApplyRequest::default(), "the key is missing"),
    ] {
        let refused = client.apply(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(part), "{}", refused.message());
    }
}

#[tokio::test]
async fn a_suspension_reaches_open_connections() {
    let house = House::new().await;
    house.register(&["H26"]).await;
    let mut member = house.registry(&house.system("H26/lgsp")).await;
    member.list_members(ListRequest::default()).await.unwrap();
    let mut suspended = members(&["H26"]);
    suspended.systems = vec![System {
        id: "H26/lgsp".to_owned(),
        kind: SystemKind::Lgsp.into(),
        state: State::Suspended.into(),
        ..Default::default()
    }];
    let request = ApplyRequest {
        catalogue: Some(suspended),
        note: "sự cố".to_owned(),
        ..Default::default()
    };
    house
        .registry(&house.operator())
        .await
        .apply(request)
        .await
        .unwrap();
    let refused = member
        .list_members(ListRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(
        refused.message().contains("SYSTEM_SUSPENDED"),
        "{}",
        refused.message()
    );
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_its_open_connection_and_opens_no_other() {
    let house = House::new().await;
    let (operator, other) = (house.operator(), house.auditor());
    let mut open = house.registry(&operator).await;
    let mut untouched = house.registry(&other).await;
    open.list_members(ListRequest::default()).await.unwrap();
    let folder = house.folder.path().join("pki/authority");
    let authority = AuthorityFolder::open(&folder, Arc::new(ndxp_model::SystemClock)).unwrap();
    let serial = authority.adopt(&operator.certificate_pem).unwrap().serial;
    authority.revoke(&[serial], "lost").unwrap();
    assert!(matches!(house.live.look(), Looked::Changing));
    assert!(matches!(house.live.look(), Looked::TakenOver));
    let refused = open.list_members(ListRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(
        refused.message().contains("revoked"),
        "{}",
        refused.message()
    );
    let answer = untouched.list_members(ListRequest::default()).await;
    answer.expect("nobody else's connection is dropped");
    // TLS 1.3 tells a client of its own refusal only with the first bytes.
    let again = async {
        let channel = house.channel(&operator).await.ok()?;
        let mut client = RegistryServiceClient::new(channel);
        client.list_members(ListRequest::default()).await.ok()
    };
    assert!(again.await.is_none(), "it opens no connection any more");
}

#[tokio::test]
async fn certificates_without_a_role_or_of_another_authority_get_nothing() {
    let house = House::new().await;
    let days = Validity::days(&ndxp_model::SystemClock, 1);
    let hub = house
        .authority
        .issue_hub("hub-1", &Hosts::default(), days)
        .unwrap();
    for issued in [hub, house.system("H99/lgsp")] {
        let mut client = house.registry(&issued).await;
        let refused = client
            .list_members(ListRequest::default())
            .await
            .unwrap_err();
        assert_eq!(
            refused.code(),
            Code::Unauthenticated,
            "{}",
            refused.message()
        );
    }
    let other = Authority::create("ndxp.local", &ndxp_model::SystemClock).unwrap();
    let stranger = other.issue_operator("a", days).unwrap();
    // TLS 1.3 lets the client's side finish first: the alert comes with the first call.
    if let Ok(channel) = house.channel(&stranger).await {
        let mut client = RegistryServiceClient::new(channel);
        client
            .list_members(ListRequest::default())
            .await
            .unwrap_err();
    }
}

#[tokio::test]
async fn a_half_open_handshake_keeps_nobody_waiting() {
    let house = House::new().await;
    let mut half_open = Vec::new();
    for _ in 0..20 {
        half_open.push(TcpStream::connect(house.address).await.unwrap());
    }
    let mut client = house.registry(&house.operator()).await;
    client.list_members(ListRequest::default()).await.unwrap();
    drop(half_open);
}

#[tokio::test]
async fn connections_and_handshakes_above_their_limits_are_closed() {
    for change in [
        |limits: &mut Limits| limits.control_connections_max = 1,
        |limits: &mut Limits| limits.handshakes_max = 1,
    ] {
        let house = House::with(change).await;
        let half_open = TcpStream::connect(house.address).await.unwrap();
        let mut second = TcpStream::connect(house.address).await.unwrap();
        let read = tokio::io::AsyncReadExt::read(&mut second, &mut [0; 1]).await;
        assert_eq!(read.unwrap_or(0), 0, "closed unheard");
        drop((half_open, second));
    }
}

#[tokio::test]
async fn health_and_reflection_are_answered() {
    let house = House::new().await;
    let channel = house.channel(&house.auditor()).await.unwrap();
    let mut health = HealthClient::new(channel.clone());
    for service in ["", "ndxp.journal.v1.JournalService"] {
        let service = service.to_owned();
        health.check(HealthCheckRequest { service }).await.unwrap();
    }
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let ask = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let answers = client
        .server_reflection_info(tokio_stream::iter([ask]))
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(listed)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = listed
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    for name in SERVICES {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(
        !names.iter().any(|name| name.starts_with("ndxp.exchange")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_stopping_hub_ends_its_streams_and_then_the_port() {
    let house = House::new().await;
    let mut client = house.reader(&house.operator()).await;
    let watch = client
        .watch_transactions(WatchTransactionsRequest::default())
        .await
        .unwrap();
    house.stop.send_replace(true);
    let ended = watch.into_inner().message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(ended.message().contains("stopping"), "{}", ended.message());
    drop(client);
    house.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn streams_above_their_limit_are_refused_and_places_come_back() {
    let house = House::with(|limits| limits.control_streams_max = 1).await;
    let mut client = house.reader(&house.operator()).await;
    let watch = WatchTransactionsRequest::default;
    let first = client.watch_transactions(watch()).await.unwrap();
    let refused = client.watch_transactions(watch()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(
        refused.message().contains("control_streams_max"),
        "{}",
        refused.message()
    );
    drop(first);
    // The hub learns of it with the reset; until then it goes on refusing.
    while client.watch_transactions(watch()).await.is_err() {}
}
