//! Every refusal of design section 3, each with its status, its reason, its fault and its parties,
//! as the consumer is told and as the journal says afterwards.

mod registered;

use bytes::Bytes;
use http::Method;

use registered::{PERMITTED, Registered, path};

use crate::support::call::{Call, framed, message};
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::refusal::{Refusal, check, check_journaled};
use crate::support::wait::within;
use crate::support::world::{self, CONSUMER, PROVIDER, SERVICE, World};

/// The answer is a refusal for this reason, says this among others, and is journaled.
async fn refused(
    world: &Registered,
    consumer: &Consumer,
    (call, body): (&Call, Bytes),
    (reason, says): (&str, &str),
    parties: [&str; 3],
) -> Refusal {
    let answer = consumer.call(call, body).await;
    let refusal = check(&answer, reason, parties);
    let said = &refusal.status.message;
    assert!(
        said.contains(says),
        "{reason} does not say {says:?}: {said}"
    );
    check_journaled(
        &world.hub.settled(answer.transaction_id()).await,
        reason,
        parties,
    );
    refusal
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_or_suspended_is_told_so_and_no_more() {
    let world = Registered::start().await;
    // Certificate, reason, what is said, consumer in the record.
    let rows = [
        ("H99/lgsp", "UNKNOWN_SYSTEM", "H99/lgsp", ""),
        (
            "H26/suspended",
            "SYSTEM_SUSPENDED",
            "H26/suspended",
            "H26/suspended",
        ),
        ("H40/lgsp", "SYSTEM_SUSPENDED", "H40", "H40/lgsp"),
    ];
    for (system, reason, says, consumer) in rows {
        let connection = Consumer::connect(&world.hub, &world.hub.issue(system)).await;
        let call = (&Call::to(path(PERMITTED)), message(b""));
        refused(
            &world,
            &connection,
            call,
            (reason, says),
            [consumer, "", ""],
        )
        .await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_what_is_told_why() {
    let world = Registered::start().await;
    // Service, method, provider named, reason, what is said, provider in the record.
    let rows = [
        (
            "Nobody",
            "Call",
            None,
            "UNKNOWN_SERVICE",
            "ndxp.test.v1.Nobody",
            "",
        ),
        (
            "Nobody",
            "Call",
            Some("G01/a"),
            "UNKNOWN_SERVICE",
            "G01/a",
            "",
        ),
        (
            "Permitted",
            "Call",
            Some("G01/b"),
            "UNKNOWN_SERVICE",
            "G01/b",
            "",
        ),
        (
            "Shared",
            "Call",
            None,
            "AMBIGUOUS_PROVIDER",
            "G01/a, G01/b",
            "",
        ),
        (
            "Disabled",
            "Call",
            None,
            "SERVICE_DISABLED",
            "bảo trì đến 22 giờ",
            "G01/a",
        ),
        (
            "Ungranted",
            "Call",
            None,
            "NO_GRANT",
            "H26/lgsp holds no grant",
            "G01/a",
        ),
        ("OneMethod", "Another", None, "NO_GRANT", "Another", "G01/a"),
        (
            "Expired",
            "Call",
            None,
            "GRANT_EXPIRED",
            "2020-12-31T17:00:00Z",
            "G01/a",
        ),
        (
            "NotYet",
            "Call",
            None,
            "GRANT_EXPIRED",
            "2998-12-31T17:00:00Z",
            "G01/a",
        ),
    ];
    for (service, method, named, reason, says, provider) in rows {
        let service = format!("ndxp.test.v1.{service}");
        let mut call = Call::to(format!("/{service}/{method}"));
        if let Some(system) = named {
            call = call.provider(system);
        }
        let parties = [CONSUMER, provider, service.as_str()];
        let call = (&call, message(b""));
        refused(&world, &world.consumer, call, (reason, says), parties).await;
    }
    let allowed = Call::to("/ndxp.test.v1.OneMethod/Allowed");
    assert_eq!(
        world
            .consumer
            .call(&allowed, message(b""))
            .await
            .grpc_status(),
        0
    );
    for system in ["G01/a", "G01/b"] {
        let shared = Call::to("/ndxp.test.v1.Shared/Call").provider(system);
        assert_eq!(
            world
                .consumer
                .call(&shared, message(b""))
                .await
                .grpc_status(),
            0
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_canonical_names_no_service() {
    let world = Registered::start().await;
    for path in [
        "/",
        "/ndxp.test.v1.Permitted",
        "/ndxp.test.v1.Permitted/",
        "//Call",
        "//ndxp.test.v1.Permitted/Call",
        "/ndxp.test.v1.Permitted//Call",
        "/ndxp.test.v1.Permitted/Call/",
        "/ndxp.test.v1.Permitted/Call/More",
        "/x/../ndxp.test.v1.Permitted/Call",
        "/../ndxp.test.v1.Permitted/Call",
        "/ndxp.test.v1.Permitted/../Call",
        "/ndxp.test.v1.Permitted/.",
        "/ndxp.test.v1.Permitted/%43all",
        "/ndxp%2etest.v1.Permitted/Call",
        "/ndxp.test.v1.Permitted%2fCall",
        "/ndxp.test.v1.Permitted/Call?x=1",
        "/ndxp.test.v1.Permitted/Call%00",
    ] {
        let call = (&Call::to(path), message(b""));
        let says = format!("path {path:?}");
        let told = ("MALFORMED_REQUEST", says.as_str());
        refused(&world, &world.consumer, call, told, [CONSUMER, "", ""]).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_grpc_call_is_malformed() {
    let world = Registered::start().await;
    let get = Call {
        method: Method::GET,
        ..Call::to(path(PERMITTED))
    };
    let html = Call::to(path(PERMITTED)).instead("content-type", "text/html");
    for (call, says) in [(get, "method GET"), (html, "content-type")] {
        let told = ("MALFORMED_REQUEST", says);
        let call = (&call, message(b""));
        refused(&world, &world.consumer, call, told, [CONSUMER, "", ""]).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_the_wrong_form_is_named() {
    let world = Registered::start().await;
    let long = "x".repeat(129);
    // Key, value, what is said, and whether the provider was found before.
    let rows: [(&'static str, &str, &str, bool); 18] = [
        ("grpc-timeout", "", "grpc-timeout \"\"", true),
        ("grpc-timeout", "1", "grpc-timeout \"1\"", true),
        ("grpc-timeout", "S", "grpc-timeout \"S\"", true),
        ("grpc-timeout", "1s", "grpc-timeout \"1s\"", true),
        ("grpc-timeout", "-1S", "grpc-timeout \"-1S\"", true),
        (
            "grpc-timeout",
            "123456789S",
            "grpc-timeout \"123456789S\"",
            true,
        ),
        ("ndxp-provider", "G01", "ndxp-provider", false),
        ("ndxp-provider", "G01/", "ndxp-provider", false),
        ("ndxp-provider", "g01/a", "ndxp-provider", false),
        ("ndxp-provider", "G01/../G01/a", "ndxp-provider", false),
        ("ndxp-test", "yes", "ndxp-test", false),
        ("ndxp-user", &long, "ndxp-user", false),
        ("ndxp-hop", "8", "ndxp-hop", false),
        (
            "ndxp-measure-records",
            "-1",
            "ndxp-measure-records \"-1\"",
            false,
        ),
        (
            "ndxp-measure-records",
            "1.5",
            "ndxp-measure-records \"1.5\"",
            false,
        ),
        (
            "ndxp-measure-records",
            "18446744073709551616",
            "ndxp-measure-records",
            false,
        ),
        ("ndxp-measure-records", "", "ndxp-measure-records", false),
        ("ndxp-measure-unheard-of", "1", "unheard_of", true),
    ];
    for (key, value, says, found) in rows {
        let call = Call::to(path(PERMITTED)).with(key, value);
        let provider = if found { "G01/a" } else { "" };
        let parties = [CONSUMER, provider, PERMITTED];
        let told = ("MALFORMED_REQUEST", says);
        refused(
            &world,
            &world.consumer,
            (&call, message(b"")),
            told,
            parties,
        )
        .await;
    }
    let twice = Call::to(path(PERMITTED))
        .provider("G01/a")
        .provider("G01/a");
    let told = ("MALFORMED_REQUEST", "ndxp-provider is given 2 times");
    let call = (&twice, message(b""));
    refused(
        &world,
        &world.consumer,
        call,
        told,
        [CONSUMER, "", PERMITTED],
    )
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_lies_about_its_length_is_not_carried() {
    let world = Registered::start().await;
    let call = Call::to(path(PERMITTED));
    let large = call.clone().with("x-large", &"x".repeat(64 * 1024));
    let told = ("METADATA_TOO_LARGE", "16384");
    let parties = [CONSUMER, "", PERMITTED];
    refused(
        &world,
        &world.consumer,
        (&large, message(b"")),
        told,
        parties,
    )
    .await;

    // A provider that has begun to answer would be heard first.
    let hang = Call::to(format!("/{PERMITTED}/Hang"));
    let announced = |length: u32, content: &[u8]| {
        Bytes::from([&[0], &length.to_be_bytes()[..], content].concat())
    };
    let rows = [
        ("MESSAGE_TOO_LARGE", announced(67_108_865, b"x"), "67108864"),
        (
            "MALFORMED_REQUEST",
            announced(100, b"too short"),
            "91 bytes short",
        ),
        (
            "MALFORMED_REQUEST",
            Bytes::from_static(&[0, 0]),
            "3 bytes short",
        ),
        ("MALFORMED_REQUEST", framed(2, b"strange"), "flags 0x02"),
    ];
    for (reason, body, says) in rows {
        let parties = [CONSUMER, "G01/a", PERMITTED];
        refused(
            &world,
            &world.consumer,
            (&hang, body),
            (reason, says),
            parties,
        )
        .await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grants_limits_hold_and_say_when_to_come_back() {
    let world = Registered::start().await;
    let parties = |service| [CONSUMER, "G01/a", service];
    let rated = Call::to("/ndxp.test.v1.Rated/Call");
    assert_eq!(
        world
            .consumer
            .call(&rated, message(b""))
            .await
            .grpc_status(),
        0
    );
    let told = ("RATE_LIMITED", "1 calls a second");
    let call = (&rated, message(b""));
    let refusal = refused(
        &world,
        &world.consumer,
        call,
        told,
        parties("ndxp.test.v1.Rated"),
    )
    .await;
    let delay = refusal
        .retry
        .and_then(|retry| retry.retry_delay)
        .expect("it says when");
    assert!(
        delay.seconds <= 1 && (delay.seconds, delay.nanos) > (0, 0),
        "{delay:?}"
    );

    let single = Call::to("/ndxp.test.v1.Single/Call");
    let (answer, mut upload) = world.consumer.open(&single, false).await.unwrap();
    let answer = within("the first call's headers", answer).await.unwrap();
    let told = ("RATE_LIMITED", "1 calls at once");
    let call = (&single, message(b""));
    let refusal = refused(
        &world,
        &world.consumer,
        call,
        told,
        parties("ndxp.test.v1.Single"),
    )
    .await;
    assert!(refusal.retry.is_some());
    upload.send_data(Bytes::new(), true).unwrap();
    within("its end", crate::support::call::Answer::read(answer))
        .await
        .unwrap();
    // The place is free again before the consumer sees the end.
    assert_eq!(
        world
            .consumer
            .call(&single, message(b""))
            .await
            .grpc_status(),
        0
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_full_says_so() {
    let hub = Hub::init();
    hub.set("limits", "calls_in_flight_max", "1");
    let world = World::start_with(hub, "", echo).await;
    let (answer, upload) = world.consumer.open(&world::call(), false).await.unwrap();
    let first = within("the first call's headers", answer).await.unwrap();
    let answer = world.consumer.call(&world::call(), message(b"")).await;
    let parties = [CONSUMER, PROVIDER, SERVICE];
    let refusal = check(&answer, "HUB_OVERLOADED", parties);
    assert!(refusal.retry.is_some());
    let transaction = world.hub.settled(answer.transaction_id()).await;
    check_journaled(&transaction, "HUB_OVERLOADED", parties);
    drop((first, upload));
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_or_slow_is_at_fault() {
    let world = Registered::start().await;
    // Service, grpc-timeout, reason, what is said.
    let rows = [
        (
            "Away",
            None,
            "PROVIDER_UNREACHABLE",
            "could not be connected",
        ),
        ("Slow", None, "PROVIDER_TIMEOUT", "G01/a had not answered"),
        (
            "Slow",
            Some("1H"),
            "PROVIDER_TIMEOUT",
            "G01/a had not answered",
        ),
        (
            "Slow",
            Some("50m"),
            "PROVIDER_TIMEOUT",
            "G01/a had not answered",
        ),
        (
            "Slow",
            Some("0n"),
            "PROVIDER_TIMEOUT",
            "G01/a had not answered",
        ),
    ];
    for (service, timeout, reason, says) in rows {
        let provider = if service == "Away" {
            "G01/away"
        } else {
            "G01/a"
        };
        let service = format!("ndxp.test.v1.{service}");
        let mut call = Call::to(format!("/{service}/Hang"));
        if let Some(timeout) = timeout {
            call = call.with("grpc-timeout", timeout);
        }
        let parties = [CONSUMER, provider, service.as_str()];
        let call = (&call, message(b""));
        refused(&world, &world.consumer, call, (reason, says), parties).await;
    }
    world.stop().await;
}
