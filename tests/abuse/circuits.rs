//! Providers that stop answering: after some calls nobody waits for them any more, the operator
//! sees it, and one call at a time finds out when they are back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use serde_json::Value;

use super::bystander::Abused;
use crate::support::call::{Answer, message};
use crate::support::consumer::Consumer;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, Provider, echo};
use crate::support::refusal::{Refusal, check, check_journaled};
use crate::support::wait::{until, within};
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, call, members};

/// Answers while `well`, and counts what reaches it; otherwise it resets each call.
fn moody(
    well: &Arc<AtomicBool>,
    reached: &Arc<AtomicUsize>,
) -> impl Fn(Exchange) -> Mood + Clone + use<> {
    let (well, reached) = (Arc::clone(well), Arc::clone(reached));
    move |mut exchange| {
        reached.fetch_add(1, Ordering::Relaxed);
        if well.load(Ordering::Relaxed) {
            return Box::pin(echo(exchange));
        }
        exchange.respond.send_reset(h2::Reason::INTERNAL_ERROR);
        Box::pin(std::future::ready(()))
    }
}

type Mood = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// What `ndxp get systems` says of the provider's endpoints.
fn circuits(hub: &Hub) -> Vec<Value> {
    let listed = hub.run(&["get", "systems", "-o", "json"]).success();
    let systems: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let system = systems.into_iter().find(|it| it["id"] == PROVIDER).unwrap();
    system["circuits"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_call_after_call_is_left_alone_until_one_call_succeeds() {
    let (well, reached) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let world = Abused::start(moody(&well, &reached)).await;
    let consumer = Consumer::connect(&world.hub, &world.attacker).await;
    // Ten in a row open the circuit.
    let refused = until("a call that is kept from the provider", async || {
        consumer.try_call(&call(), message(b"x")).await.ok()
    })
    .await;
    let parties = [CONSUMER, PROVIDER, SERVICE];
    let refusal = check(&refused, "PROVIDER_UNREACHABLE", parties);
    let said = &refusal.status.message;
    assert!(said.contains("are stopped for another"), "{said}");
    assert!(said.contains("it resets calls"), "{said}");
    assert!(refusal.retry.is_some());
    let transaction = world.hub.settled(refused.transaction_id()).await;
    check_journaled(&transaction, "PROVIDER_UNREACHABLE", parties);
    // Until it is well, the pauses grow, and hardly a call reaches it.
    let before = reached.load(Ordering::Relaxed);
    for _ in 0..200 {
        let _either = consumer.try_call(&call(), message(b"x")).await;
    }
    let tries = reached.load(Ordering::Relaxed) - before;
    assert!(tries <= 10, "{tries} of 200 calls reached it");

    let [circuit] = <[Value; 1]>::try_from(circuits(&world.hub)).unwrap();
    assert_eq!(circuit["endpoint"], world.provider.address.to_string());
    assert!(
        circuit["state"] == "open" || circuit["state"] == "half_open",
        "{circuit}"
    );
    assert_eq!(circuit["why"], "it resets calls");
    assert!(circuit["since"].is_string(), "{circuit}");
    let table = world.hub.run(&["get", "systems"]).success();
    assert!(table.contains("it resets calls"), "{table}");
    let name = format!(
        "ndxp_provider_circuit{{endpoint=\"{}\",provider=\"{PROVIDER}\"}}",
        world.provider.address
    );
    assert!(world.metric(&name).await > 0);

    well.store(true, Ordering::Relaxed);
    until("a call that succeeds", async || {
        let answer = consumer.try_call(&call(), message(b"well")).await.ok()?;
        (answer.grpc_status() == 0).then_some(())
    })
    .await;
    for _ in 0..50 {
        let answer = consumer.call(&call(), message(b"well")).await;
        assert_eq!(answer.grpc_status(), 0);
    }
    assert_eq!(circuits(&world.hub), Vec::<Value>::new());
    assert_eq!(world.metric(&name).await, 0);
    world.hub.stop().await;
}

/// A caller that allows no time must not close the way for the others.
#[tokio::test(flavor = "multi_thread")]
async fn deadlines_that_are_too_short_open_no_circuit() {
    let world = Abused::start(async |exchange: Exchange| {
        if exchange.head.headers.contains_key("x-hang") {
            let mut respond = exchange.respond;
            let _given_up = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
        } else {
            echo(exchange).await;
        }
    })
    .await;
    let hasty = Consumer::connect(&world.hub, &world.attacker).await;
    let hang = call().with("x-hang", "1").with("grpc-timeout", "5m");
    for _ in 0..50 {
        let answer = hasty.call(&hang, message(b"x")).await;
        assert_eq!(answer.grpc_status(), 4);
    }
    let patient = Consumer::connect(&world.hub, &world.bystander).await;
    let answer = patient.call(&call(), message(b"patient")).await;
    assert_eq!(answer.grpc_status(), 0, "{answer:?}");
    assert_eq!(circuits(&world.hub), Vec::<Value>::new());
    world.hub.stop().await;
}

/// One of two endpoints fails: after a few calls all go to the other.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_round_an_endpoint_that_fails() {
    let (well, ill) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(false)),
    );
    let [served, failed]: [Arc<AtomicUsize>; 2] = Default::default();
    let world = Abused::start(moody(&well, &served)).await;
    let credentials = Credentials::read(Path::new(&world.hub.folder_of(PROVIDER)));
    let second = Provider::serve(&world.hub, &credentials, moody(&ill, &failed));
    let catalogue = members()
        .system(PROVIDER, &[world.provider.address, second.address], "")
        .service(PROVIDER, SERVICE, "")
        .grant(CONSUMER, PROVIDER, SERVICE, "");
    world.hub.apply(&catalogue);
    let consumer = Consumer::connect(&world.hub, &world.attacker).await;
    // Calls in flight spread the load, so that both are tried as soon as both are connected.
    let mut holding = Vec::new();
    until("a circuit that opens", async || {
        for _ in 0..10 {
            holding.push(consumer.open(&call(), false).await.unwrap());
        }
        (!circuits(&world.hub).is_empty()).then_some(())
    })
    .await;
    let before = failed.load(Ordering::Relaxed);
    let mut failures = 0;
    for _ in 0..200 {
        match consumer.try_call(&call(), message(b"round")).await {
            Ok(answer) => assert_eq!(answer.grpc_status(), 0, "{answer:?}"),
            Err(_reset) => failures += 1,
        }
    }
    let tries = failed.load(Ordering::Relaxed) - before;
    assert!(
        tries == failures && tries <= 10,
        "{tries} of 200 calls tried it, {failures} failed"
    );
    drop(holding);
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_fills_its_own_places_only() {
    let hub = Hub::init();
    hub.set("limits", "provider_calls_in_flight_max", "3");
    let world = Abused::start_with(hub, echo).await;
    let consumer = Consumer::connect(&world.hub, &world.attacker).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let (answer, upload) = consumer.open(&call(), false).await.unwrap();
        held.push((within("headers", answer).await.unwrap(), upload));
    }
    let answer = consumer.call(&call(), message(b"")).await;
    let parties = [CONSUMER, PROVIDER, SERVICE];
    let refusal: Refusal = check(&answer, "PROVIDER_OVERLOADED", parties);
    assert!(refusal.retry.is_some());
    let said = &refusal.status.message;
    assert!(
        said.contains("G01/population is given 3 calls at once"),
        "{said}"
    );
    let transaction = world.hub.settled(answer.transaction_id()).await;
    check_journaled(&transaction, "PROVIDER_OVERLOADED", parties);
    // A place is free again before its consumer sees the end.
    let (answer, mut upload) = held.pop().unwrap();
    upload.send_data(Bytes::new(), true).unwrap();
    within("the end", Answer::read(answer)).await.unwrap();
    assert_eq!(consumer.call(&call(), message(b"")).await.grpc_status(), 0);
    drop(held);
    world.hub.stop().await;
}
