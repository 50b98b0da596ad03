//! More than the hub takes: the one that floods is told when to come back, and the modest one
//! beside it is carried as ever.

use super::bystander::{Abused, Bystander};
use crate::support::call::{Answer, message};
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::refusal::check;
use crate::support::wait::within;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, call};

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_floods_leaves_the_last_quarter_to_the_others() {
    const PLACES: usize = 40;
    let hub = Hub::init();
    hub.set("limits", "calls_in_flight_max", &PLACES.to_string());
    let world = Abused::start_with(hub, echo).await;
    let flooding = Consumer::connect(&world.hub, &world.attacker).await;
    // Calls that do not end, until no more are taken.
    let mut held = Vec::new();
    let refused = loop {
        let (answer, upload) = flooding.open(&call(), false).await.unwrap();
        let answer = within("headers", answer).await.unwrap();
        if answer.body().is_end_stream() {
            break Answer::read(answer).await.unwrap();
        }
        held.push((answer, upload));
        assert!(held.len() <= PLACES);
    };
    assert_eq!(held.len(), PLACES / 4 * 3);
    let refusal = check(&refused, "HUB_OVERLOADED", [CONSUMER, PROVIDER, SERVICE]);
    assert!(refusal.retry.is_some());
    let said = &refusal.status.message;
    assert!(
        said.contains("nearly full, and the share of each consumer is 20"),
        "{said}"
    );

    // The flood goes on, and so does the modest one.
    let mut bystander = Bystander::start(&world).await;
    for _ in 0..200 {
        let answer = flooding.call(&call(), message(b"more")).await;
        assert_eq!(answer.grpc_status(), 8, "{answer:?}");
    }
    bystander.goes_on().await;
    bystander.finish("a flood of calls").await;
    drop(held);
    world.hub.stop().await;
}
