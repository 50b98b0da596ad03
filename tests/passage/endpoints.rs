//! Providers with several endpoints, providers that die and come back, and those who only claim
//! to be one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpSocket;

use crate::support::call::{Answer, message};
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, Provider, echo};
use crate::support::refusal::{check, check_journaled};
use crate::support::wait::{until, within};
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World, call, members};

/// Echoes, and counts what it echoed.
fn counting(served: &Arc<AtomicUsize>) -> impl Fn(Exchange) -> Counted + Clone + use<> {
    let served = Arc::clone(served);
    move |exchange| {
        served.fetch_add(1, Ordering::Relaxed);
        Box::pin(echo(exchange))
    }
}

type Counted = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_to_the_endpoints_that_live() {
    let hub = Hub::start().await;
    let credentials = hub.issue(PROVIDER);
    let away = TcpSocket::new_v4().unwrap();
    away.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let served: [Arc<AtomicUsize>; 2] = Default::default();
    let living = served
        .each_ref()
        .map(|it| Provider::serve(&hub, &credentials, counting(it)));
    let endpoints = [
        away.local_addr().unwrap(),
        living[0].address,
        living[1].address,
    ];
    let catalogue = members()
        .system(PROVIDER, &endpoints, "")
        .service(PROVIDER, SERVICE, "")
        .grant(CONSUMER, PROVIDER, SERVICE, "");
    hub.apply(&catalogue);
    let consumer = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;

    // In flight together, each with the provider before the next begins: a load to spread.
    let mut calls = Vec::new();
    for _ in 0..20 {
        let (answer, upload) = consumer.open(&call(), false).await.unwrap();
        calls.push((within("headers", answer).await.unwrap(), upload));
    }
    for (answer, mut upload) in calls {
        upload.send_data(message(b"x"), true).unwrap();
        let answer = within("an answer", Answer::read(answer)).await.unwrap();
        assert_eq!(answer.grpc_status(), 0, "{answer:?}");
    }
    let served = served.map(|it| it.load(Ordering::Relaxed));
    assert!(
        served.iter().sum::<usize>() == 20 && served.iter().all(|it| *it > 0),
        "{served:?}"
    );

    let [mut first, _second] = living;
    first.die();
    until("calls past the dead endpoint", async || {
        let answer = consumer.call(&call(), message(b"x")).await;
        (answer.grpc_status() == 0).then_some(())
    })
    .await;
    for _ in 0..20 {
        let answer = consumer.call(&call(), message(b"x")).await;
        assert_eq!(answer.grpc_status(), 0, "{answer:?}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_comes_back_is_called_again() {
    let mut world = World::start(echo).await;
    assert_eq!(
        world
            .consumer
            .call(&call(), message(b"x"))
            .await
            .grpc_status(),
        0
    );
    let address = world.provider.address;
    world.provider.die();
    let parties = [CONSUMER, PROVIDER, SERVICE];
    let answer = until("a call that finds nobody", async || {
        let answer = world.consumer.call(&call(), message(b"x")).await;
        (answer.grpc_status() != 0).then_some(answer)
    })
    .await;
    check(&answer, "PROVIDER_UNREACHABLE", parties);

    let credentials = crate::support::credentials::Credentials::read(
        &world
            .credentials
            .folder
            .with_file_name(PROVIDER.replace('/', "-")),
    );
    world.provider = Provider::serve_at(address, &world.hub, &credentials, echo);
    until("a call that finds it back", async || {
        let answer = world.consumer.call(&call(), message(b"x")).await;
        (answer.grpc_status() == 0).then_some(())
    })
    .await;
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_another_systems_certificate_is_not_called() {
    let hub = Hub::start().await;
    let served = Arc::new(AtomicUsize::new(0));
    let impostor = Provider::serve(&hub, &hub.issue("G99/impostor"), counting(&served));
    let catalogue = members()
        .system(PROVIDER, &[impostor.address], "")
        .service(PROVIDER, SERVICE, "")
        .grant(CONSUMER, PROVIDER, SERVICE, "");
    hub.apply(&catalogue);
    let consumer = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;
    let answer = consumer.call(&call(), message(b"for G01 only")).await;
    let parties = [CONSUMER, PROVIDER, SERVICE];
    let refusal = check(&answer, "PROVIDER_UNREACHABLE", parties);
    let said = &refusal.status.message;
    assert!(said.contains("names system G99/impostor"), "{said}");
    let transaction = hub.settled(answer.transaction_id()).await;
    check_journaled(&transaction, "PROVIDER_UNREACHABLE", parties);
    assert_eq!(served.load(Ordering::Relaxed), 0);
    hub.stop().await;
}
