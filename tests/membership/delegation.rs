//! A province acts for a commune: both appear in the record, and the provider is told.

use std::sync::{Arc, Mutex};

use crate::support::call::message;
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, echo};
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World, call, members};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_behalf_of_a_commune_names_both() {
    let told = Arc::<Mutex<Vec<Option<String>>>>::default();
    let seen = Arc::clone(&told);
    let world = World::start(move |exchange: Exchange| {
        let stated = exchange.head.headers.get("ndxp-on-behalf-of");
        let stated = stated.map(|it| it.to_str().unwrap().to_owned());
        seen.lock().unwrap().push(stated);
        echo(exchange)
    })
    .await;
    let own = world.consumer.call(&call(), message(b"own")).await;
    // Nobody makes it up.
    let forged = call().with("ndxp-on-behalf-of", "H99");
    world.consumer.call(&forged, message(b"own")).await;
    let hub: &Hub = &world.hub;
    hub.apply(&members().member("H26.12", ""));
    // Other terms are another version, and the present one stays until both parties have agreed.
    let [province, ministry] = [CONSUMER, PROVIDER].map(|id| hub.folder_of(id));
    let parties = [
        "--consumer",
        CONSUMER,
        "--provider",
        PROVIDER,
        "--service",
        SERVICE,
    ];
    let asked = [
        "--on-behalf-of",
        "H26.12",
        "--replaces",
        "1",
        "--as",
        &province,
    ];
    let request = [&["access", "request"][..], &parties, &asked];
    hub.run(&request.concat()).success();
    let meanwhile = world.consumer.call(&call(), message(b"own")).await;
    let approve = [&["access", "approve", "--as", &ministry][..], &parties];
    hub.run(&approve.concat()).success();
    let for_commune = world
        .consumer
        .call(&call(), message(b"for the commune"))
        .await;

    for (answer, principal) in [(&own, ""), (&meanwhile, ""), (&for_commune, "H26.12")] {
        assert_eq!(answer.grpc_status(), 0, "{answer:?}");
        let transaction = hub.settled(answer.transaction_id()).await;
        let named = transaction["on_behalf_of"].as_str().unwrap_or_default();
        assert_eq!(
            (transaction["consumer"].as_str(), named),
            (Some(CONSUMER), principal),
            "{transaction:#}"
        );
    }
    let told = told.lock().unwrap().clone();
    assert_eq!(told, [None, None, None, Some("H26.12".to_owned())]);
    world.hub.stop().await;
}
