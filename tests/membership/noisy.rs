//! A consumer that floods the hub slows nobody else: what the others notice is measured against
//! what they noticed just before, in turns, so that a busy machine disturbs both alike.

use std::time::Duration;

use tokio::time::Instant;

use super::load::{Load, reason};
use crate::support::call::{Call, message};
use crate::support::catalogue::Catalogue;
use crate::support::consumer::Consumer;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::provider::{Provider, echo};
use crate::support::world::PROVIDER;

const NOISY: &str = "H40/lgsp";
const QUIET: &str = "H26/lgsp";
const SERVICE: &str = "ndxp.test.v1.EchoService";

/// Connections of the flood, and calls at once on each; each is repeated as soon as it is answered.
const CONNECTIONS: usize = 8;
const AT_ONCE: usize = 64;
/// Calls of the quiet consumer in each turn.
const CALLS: usize = 300;
/// Turns, quiet and flooded by turns.
const TURNS: usize = 3;
/// By how much the quiet consumer's 99th percentile may grow under the flood. The test's flood
/// runs on the same two cores as the hub, the provider and the quiet consumer.
const RATIO_MAX: f64 = 8.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_slows_nobody_else() {
    let mut hub = Hub::init();
    hub.serve().await;
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    let catalogue = Catalogue::new()
        .member("H26", "")
        .member("H40", "")
        .member("G01", "")
        .system(QUIET, &[], "")
        .system(NOISY, &[], "rate_per_second_max = 50\nconcurrency_max = 8")
        .system(PROVIDER, &[provider.address], "")
        .service(PROVIDER, SERVICE, "")
        .grant(QUIET, PROVIDER, SERVICE, "")
        .grant(NOISY, PROVIDER, SERVICE, "");
    hub.apply(&catalogue);
    let [quiet, noisy] = [QUIET, NOISY].map(|system| hub.issue(system));
    let consumer = Consumer::connect(&hub, &quiet).await;
    // Pools are filled and pages are warm before anything counts.
    turn(&consumer).await;

    let (mut alone, mut beside, mut refused) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TURNS {
        alone.push(turn(&consumer).await);
        let flood = start_flood(&hub, &noisy).await;
        beside.push(turn(&consumer).await);
        for load in flood {
            let went = load.stop().await;
            refused += went.iter().filter(|call| call.refused.is_some()).count();
        }
    }
    let (alone, beside) = (median(alone), median(beside));
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    eprintln!("p99 alone {alone:?}, beside a flood {beside:?}: × {ratio:.2}; {refused} refusals");
    assert!(refused > 1_000, "{refused} refusals are no flood");
    assert!(
        ratio <= RATIO_MAX,
        "p99 {alone:?} became {beside:?}, × {ratio:.2}"
    );
    hub.verify();
    hub.stop().await;
}

/// The 99th percentile of the quiet consumer's calls, all of which pass.
async fn turn(consumer: &Consumer) -> Duration {
    let call = Call::to(format!("/{SERVICE}/Echo"));
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        let answer = consumer.call(&call, message(b"quiet")).await;
        assert_eq!(reason(&answer), None, "{answer:?}");
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took[CALLS * 99 / 100]
}

/// The flood, once it is being refused.
async fn start_flood(hub: &Hub, noisy: &Credentials) -> Vec<Load> {
    let call = Call::to(format!("/{SERVICE}/Echo"));
    let mut flood = Vec::new();
    for _ in 0..CONNECTIONS {
        flood.push(Load::start_many(hub, noisy, &call, AT_ONCE).await);
    }
    crate::support::wait::until("a flood", async || {
        let calls: usize = flood.iter().map(Load::calls).sum();
        (calls > CONNECTIONS * AT_ONCE).then_some(())
    })
    .await;
    flood
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}
