//! SIGKILL under load, again and again at random moments, in the middle of a start as well: what
//! a consumer saw completed is completed in the journal, what a provider executed is in the
//! journal, and the counters are what the journal says.

pub mod load;

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;
use ndxp_model::Outcome;
use serde_json::Value;

use load::{Executed, Load};

use crate::support::hub::Hub;
use crate::support::wait::until;
use crate::support::world::World;

const ROUNDS: &str = "NDXP_TEST_KILL_ROUNDS";
const ROUNDS_DEFAULT: u32 = 20;
const SEED: &str = "NDXP_TEST_SEED";
/// Calls at once.
const CALLERS: usize = 16;
/// Completed calls before the kill, at most; a round then takes well under a second.
const COMPLETED_MAX: u64 = 300;
/// Behind the last of those: where in a batch the kill falls is left to chance.
const AFTERWARDS_MAX: Duration = Duration::from_millis(20);
/// Within a start: from before anything is read until after it serves.
const START_MAX: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_counted_twice() {
    let rounds = number(ROUNDS).unwrap_or(u64::from(ROUNDS_DEFAULT));
    let seed = number(SEED).unwrap_or_else(|| fastrand::u64(..));
    println!("replay with {SEED}={seed} {ROUNDS}={rounds}");
    let mut random = Rng::with_seed(seed);

    let hub = Hub::init();
    // Several segments in a run, so that kills fall on their borders too.
    hub.set("journal", "segment_bytes", "1_048_576");
    // One consumer calls for a whole nation.
    hub.set("limits", "consumer_calls_per_second_per_core_max", "0");
    let executed = Executed::default();
    let mut world = World::start_with(hub, "", executed.echo()).await;
    for round in 1..=rounds {
        let load = Load::start(&world, CALLERS).await;
        load.completed_at_least(random.u64(1..=COMPLETED_MAX)).await;
        tokio::time::sleep(AFTERWARDS_MAX.mul_f64(random.f64())).await;
        world.hub.kill();
        let completed = load.stop().await;
        if random.u8(..4) == 0 {
            world.hub.serve_unready();
            tokio::time::sleep(START_MAX.mul_f64(random.f64())).await;
            world.hub.kill();
        }
        world.hub.serve().await;
        check(
            &world.hub,
            &completed,
            &executed,
            &format!("round {round} of seed {seed}"),
        )
        .await;
    }
    let total = check_sums(&world.hub, outcomes(&world.hub).values(), "the end");
    println!("after {rounds} rounds: {total}");
    assert!(
        total["interrupted"] != 0,
        "no kill has met a call in flight: {total}"
    );
    world.hub.stop().await;
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}

async fn check(hub: &Hub, completed: &[String], executed: &Executed, round: &str) {
    until("everything settled", async || {
        (hub.verify()["in_flight"] == 0).then_some(())
    })
    .await;
    let outcomes = outcomes(hub);
    for id in completed {
        let outcome = outcomes.get(id).map(String::as_str);
        assert_eq!(
            outcome,
            Some("completed"),
            "{round}: a consumer saw {id} completed"
        );
    }
    for id in executed.ids() {
        assert!(
            outcomes.contains_key(&id),
            "{round}: a provider executed {id}"
        );
    }
    let verified = hub.verify();
    assert_eq!(verified["clean"], true, "{round}: {verified:#}");
    check_sums(hub, outcomes.values(), round);
}

/// Outcome of every transaction in the journal.
fn outcomes(hub: &Hub) -> HashMap<String, String> {
    let listed = ["transactions", "--limit", "100000", "-o", "json"];
    let listed = hub.run(&listed).success();
    let mut outcomes = HashMap::new();
    for line in listed.lines() {
        let transaction: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| transaction[name].as_str().unwrap().to_owned();
        let twice = outcomes.insert(text("transaction_id"), text("outcome"));
        assert_eq!(twice, None, "{transaction:#} is listed twice");
    }
    outcomes
}

/// Attempts are the sum of the outcomes, and each of them is what the journal lists; the outcomes.
fn check_sums<'a>(hub: &Hub, listed: impl Iterator<Item = &'a String>, round: &str) -> Value {
    let mut expected: HashMap<&str, u64> = HashMap::new();
    for outcome in listed {
        *expected.entry(outcome).or_default() += 1;
    }
    let answer = hub.run(&["stats", "-o", "json"]).success();
    let counts: Value = serde_json::from_str(&answer).unwrap();
    let total = &counts["total"];
    for outcome in Outcome::ALL.map(Outcome::as_str) {
        let expected = expected.get(outcome).copied().unwrap_or(0);
        assert_eq!(
            total["outcomes"][outcome], expected,
            "{round}: {outcome} in {total:#}"
        );
    }
    assert_eq!(
        total["attempts"],
        expected.values().sum::<u64>(),
        "{round}: {total:#}"
    );
    total["outcomes"].clone()
}
