//! Connections are spread over the cores: each goes to one that carries the fewest, whichever core's
//! listener the system hands it to.

use crate::support::call::message;
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::wait::until;
use crate::support::world::{World, call};

const CORES: usize = 4;
const CONNECTIONS: usize = 4 * CORES;

#[tokio::test(flavor = "multi_thread")]
async fn every_core_carries_as_many_connections_as_the_others() {
    let hub = Hub::init();
    hub.set("hub", "cores", &CORES.to_string());
    let world = World::start_with(hub, "", echo).await;
    // The world's own is one more.
    let mut consumers = Vec::new();
    while consumers.len() + 1 < CONNECTIONS {
        consumers.push(world.consumer_again().await);
        let fewest = (consumers.len() + 1) / CORES;
        until("an even spread", async || {
            let carried = carried(&world.hub).await;
            let even = |carried: &usize| [fewest, fewest + 1].contains(carried);
            (carried.len() == CORES && carried.iter().all(even)).then_some(())
        })
        .await;
    }
    for consumer in &consumers {
        let answer = consumer.call(&call(), message(b"whoever carries it")).await;
        assert_eq!(answer.grpc_status(), 0);
    }
    // Those that come later fill the places of those that went.
    consumers.truncate(CONNECTIONS / 2);
    let left = consumers.len() + 1;
    until("the places of those that went", async || {
        let carried = carried(&world.hub).await;
        (carried.iter().sum::<usize>() == left).then_some(())
    })
    .await;
    while consumers.len() + 1 < CONNECTIONS {
        consumers.push(world.consumer_again().await);
    }
    assert_eq!(carried(&world.hub).await, [CONNECTIONS / CORES; CORES]);
}

/// How many connections each core carries.
async fn carried(hub: &Hub) -> Vec<usize> {
    let metrics = hub.observed("/metrics").await;
    let of_cores = metrics.lines().filter_map(|line| {
        let (_core, carried) = line
            .strip_prefix("ndxp_core_connections{")?
            .split_once(' ')?;
        carried.parse().ok()
    });
    of_cores.collect()
}
