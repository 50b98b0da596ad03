//! Limits of a grant, of a consumer and of the hub: each refuses what is beyond it, says so with
//! the time to wait, and gives back what calls no longer use.

use bytes::Bytes;

use crate::support::call::{Call, message};
use crate::support::catalogue::Catalogue;
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::{Provider, echo};
use crate::support::refusal::{check, check_journaled};
use crate::support::wait::within;
use crate::support::world::{CONSUMER, PROVIDER};

/// What may be called, and by whom, with limits of each kind.
fn catalogue(provider: &Provider) -> Catalogue {
    let services = [
        "Free", "Rated", "Burst", "Single", "Small", "Terse", "Hasty",
    ];
    let terms = [
        "",
        "rate_per_second_max = 1",
        "rate_per_second_max = 1\nburst_max = 5",
        "concurrency_max = 1",
        "message_bytes_max = 16",
        "metadata_bytes_max = 1024",
        "deadline_ms_max = 150",
    ];
    let members = Catalogue::new()
        .member("H26", "")
        .member("G01", "")
        .system(CONSUMER, &[], "")
        .system(
            "H26/narrow",
            &[],
            "rate_per_second_max = 1\nburst_max = 3\nmessage_bytes_max = 8",
        )
        .system(PROVIDER, &[provider.address], "");
    services
        .into_iter()
        .zip(terms)
        .fold(members, |catalogue, (name, terms)| {
            let service = format!("ndxp.test.v1.{name}");
            catalogue
                .service(PROVIDER, &service, "")
                .grant(CONSUMER, PROVIDER, &service, terms)
                .grant("H26/narrow", PROVIDER, &service, "")
        })
}

fn to(service: &str) -> Call {
    Call::to(format!("/ndxp.test.v1.{service}/Call"))
}

/// How many of so many calls one after the other pass before one is refused for its rate.
async fn pass(consumer: &Consumer, call: &Call, made: usize) -> usize {
    for passed in 0..made {
        let answer = consumer.call(call, message(b"")).await;
        if answer.grpc_status() != 0 {
            assert_eq!(answer.grpc_status(), 8, "{answer:?}");
            return passed;
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_limits_rate_burst_concurrency_sizes_and_time() {
    let hub = Hub::start().await;
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    hub.apply(&catalogue(&provider));
    let consumer = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;

    assert_eq!(pass(&consumer, &to("Free"), 20).await, 20);
    // At a call a second, what passes at once is the burst; a slow machine may see one more.
    for (service, burst) in [("Rated", 1), ("Burst", 5)] {
        let passed = pass(&consumer, &to(service), 20).await;
        assert!((burst..=burst + 2).contains(&passed), "{service}: {passed}");
    }

    let (answer, upload) = consumer.open(&to("Single"), false).await.unwrap();
    let first = within("the first call's headers", answer).await.unwrap();
    refused(
        &hub,
        &consumer,
        "Single",
        message(b""),
        "RATE_LIMITED",
        "1 calls at once",
    )
    .await;
    drop((first, upload));

    // A call's own size is the message's, its frame not counted.
    let passes = consumer.call(&to("Small"), message(&[7; 16])).await;
    assert_eq!(passes.grpc_status(), 0, "{passes:?}");
    let large = message(&[7; 17]);
    refused(
        &hub,
        &consumer,
        "Small",
        large,
        "MESSAGE_TOO_LARGE",
        "17 bytes; at most 16",
    )
    .await;

    let terse = to("Terse").with("x-large", &"x".repeat(1_024));
    let answer = consumer.call(&terse, message(b"")).await;
    let parties = [CONSUMER, PROVIDER, "ndxp.test.v1.Terse"];
    check(&answer, "METADATA_TOO_LARGE", parties);
    let free = to("Free").with("x-large", &"x".repeat(1_024));
    assert_eq!(consumer.call(&free, message(b"")).await.grpc_status(), 0);

    // The echo waits for the end of a request that does not end.
    let hasty = to("Hasty").with("grpc-timeout", "1H");
    let (answer, _upload) = consumer.open(&hasty, false).await.unwrap();
    let (_, mut body) = within("headers", answer).await.unwrap().into_parts();
    assert!(within("the deadline", body.data()).await.is_none());
    let trailers = within("trailers", body.trailers()).await.unwrap().unwrap();
    assert_eq!(trailers["grpc-status"], "4");
    hub.verify();
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_limited_over_all_its_grants_and_connections() {
    let hub = Hub::init();
    // What the registry says of a system stands before what the hub says of all.
    hub.set("limits", "consumer_calls_in_flight_max", "2");
    let mut hub = hub;
    hub.serve().await;
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    hub.apply(&catalogue(&provider));
    let narrow = hub.issue("H26/narrow");
    let [one, other] = [
        Consumer::connect(&hub, &narrow).await,
        Consumer::connect(&hub, &narrow).await,
    ];
    let passed = pass(&one, &to("Free"), 2).await + pass(&other, &to("Single"), 20).await;
    assert!((3..=5).contains(&passed), "{passed}");
    let answer = one.call(&to("Small"), message(b"")).await;
    let parties = ["H26/narrow", PROVIDER, "ndxp.test.v1.Small"];
    let refusal = check(&answer, "RATE_LIMITED", parties);
    let said = &refusal.status.message;
    assert!(
        said.contains("H26/narrow is allowed 1 calls a second with 3 at once"),
        "{said}"
    );
    assert!(refusal.retry.is_some());

    let consumer = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;
    let mut open = Vec::new();
    for service in ["Free", "Small"] {
        let (answer, upload) = consumer.open(&to(service), false).await.unwrap();
        open.push((within("headers", answer).await.unwrap(), upload));
    }
    let says = "H26/lgsp is allowed 2 calls at once";
    refused(&hub, &consumer, "Hasty", message(b""), "RATE_LIMITED", says).await;
    // One place given back is one that can be taken.
    open.pop();
    crate::support::wait::until("a place", async || {
        let answer = consumer.call(&to("Free"), message(b"")).await;
        (answer.grpc_status() == 0).then_some(())
    })
    .await;
    drop(open);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_limits_the_calls_of_all() {
    let hub = Hub::init();
    hub.set("limits", "calls_per_second_max", "3");
    let mut hub = hub;
    hub.serve().await;
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    hub.apply(&catalogue(&provider));
    let consumer = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;
    let mut limited = Vec::new();
    for _ in 0..40 {
        let answer = consumer.call(&to("Free"), message(b"")).await;
        if answer.grpc_status() != 0 {
            limited.push(answer);
        }
    }
    let parties = [CONSUMER, PROVIDER, "ndxp.test.v1.Free"];
    let last = limited.last().expect("40 calls take less than 13 seconds");
    let refusal = check(last, "HUB_OVERLOADED", parties);
    assert!(refusal.retry.is_some());
    assert!(
        refusal.status.message.contains("3 calls a second"),
        "{refusal:?}"
    );
    hub.stop().await;
}

/// The call is refused for this reason, says this, and is journaled so.
async fn refused(
    hub: &Hub,
    consumer: &Consumer,
    service: &str,
    body: Bytes,
    reason: &str,
    says: &str,
) {
    let answer = consumer.call(&to(service), body).await;
    let service = format!("ndxp.test.v1.{service}");
    let parties = [CONSUMER, PROVIDER, service.as_str()];
    let refusal = check(&answer, reason, parties);
    let said = &refusal.status.message;
    assert!(
        said.contains(says),
        "{reason} does not say {says:?}: {said}"
    );
    check_journaled(&hub.settled(answer.transaction_id()).await, reason, parties);
}
