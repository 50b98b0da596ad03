//! Refusals for want of room, time or a provider: limits of grants and of the hub, providers that
//! are away or slow.

use bytes::Bytes;

use super::refused;
use super::registered::Registered;
use crate::support::call::{Answer, Call, message};
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::refusal::{check, check_journaled};
use crate::support::wait::within;
use crate::support::world::{self, CONSUMER, PROVIDER, SERVICE, World};

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
    within("its end", Answer::read(answer)).await.unwrap();
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
