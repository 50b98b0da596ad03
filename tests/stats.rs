//! `ndxp stats` against a hub that has carried calls: breakdowns, conditions, comparisons and
//! explanations, as an operator and as a member ask for them.

use serde_json::Value;

use crate::support::call::{Call, message};
use crate::support::provider::echo;
use crate::support::wait::within;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World};

/// Three calls of one method and one of another, all answered.
async fn world() -> World {
    let world = World::start(echo).await;
    for method in ["Echo", "Echo", "Echo", "Shout"] {
        let call = Call::to(format!("/{SERVICE}/{method}"));
        let answer = within("an answer", world.consumer.call(&call, message(b"x"))).await;
        world.hub.settled(answer.transaction_id()).await;
    }
    world
}

#[track_caller]
fn stats(world: &World, line: &str) -> Value {
    let arguments: Vec<_> = ["stats", "-o", "json"]
        .into_iter()
        .chain(line.split_whitespace())
        .collect();
    let answer = world.hub.run(&arguments).success();
    serde_json::from_str(&answer).expect("-o json prints JSON")
}

#[track_caller]
fn check_rows(answer: &Value, wanted: &[(&str, u64)]) {
    let rows = answer["rows"].as_array().expect("rows");
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["key"].as_str().unwrap(),
                row["transactions"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, wanted, "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_breakdown_and_condition_counts_the_same_calls() {
    let world = world().await;
    let service = SERVICE;
    let cases: [(&str, &[(&str, u64)]); 10] = [
        ("--by consumer", &[(CONSUMER, 4)]),
        ("--by provider-member --period today", &[("G01", 4)]),
        (
            "--by method",
            &[
                (&format!("{service}/Echo"), 3),
                (&format!("{service}/Shout"), 1),
            ],
        ),
        ("--by method --top 1", &[(&format!("{service}/Echo"), 3)]),
        ("--by consumer --method Shout", &[(CONSUMER, 1)]),
        (
            "--by provider --consumer H26 --outcome completed --fault none",
            &[(PROVIDER, 4)],
        ),
        ("--by provider --outcome refused", &[]),
        (
            "--by consumer-member --period this-year..today",
            &[("H26", 4)],
        ),
        (
            "--by outcome --service ndxp.test.v1.EchoService",
            &[("completed", 4)],
        ),
        ("--by fault --distinct --with-baselines", &[("none", 4)]),
    ];
    for (line, wanted) in cases {
        check_rows(&stats(&world, line), wanted);
    }
    let folder = world.hub.folder_of(CONSUMER);
    let own = stats(&world, &format!("--by connection --as {folder}"));
    check_rows(&own, &[(&format!("{CONSUMER}>{PROVIDER}/{SERVICE}"), 4)]);
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_period_stands_beside_the_one_that_is_asked_for() {
    let world = world().await;
    // Whichever hour it is: yesterday is over, and had nothing.
    let line = "--period yesterday --compare year-before --by consumer --with-baselines";
    let answer = stats(&world, line);
    assert_eq!(answer["total"]["transactions"], 0, "{answer:#}");
    assert_eq!(answer["total"]["ratio"], Value::Null);
    assert_eq!(answer["counts"]["proof"]["closed"], true, "{answer:#}");
    assert_eq!(answer["base_counts"]["total"]["transactions"], 0);
    let july = ["stats", "--period", "2022-07", "--compare", "previous"];
    let table = [&july[..], &["--lang", "vi", "--with-baselines"]].concat();
    let table = world.hub.run(&table).success();
    assert!(table.contains("2022-07  2022-06  thay đổi"), "{table}");

    // What is asked about must have been; what it is compared with need not.
    let refused = world.hub.run(&july);
    assert_eq!(refused.exit, Some(64));
    assert!(
        refused.stderr.contains("was launched at"),
        "{}",
        refused.stderr
    );
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_explained_where_its_reader_looks() {
    let world = world().await;
    let table = world.hub.run(&["stats", "--explain", "--period", "today"]);
    let table = table.success();
    assert!(table.contains("Period (UTC): ["), "{table}");
    let lines = table.lines().filter(|line| line.starts_with("Period: "));
    assert_eq!(lines.count(), 1, "{table}");
    let data = world.hub.run(&["stats", "--explain", "-o", "csv"]);
    assert!(data.stderr.contains("Period (UTC): ["), "{}", data.stderr);
    let csv = data.success();
    assert!(!csv.contains("Period"), "{csv}");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_recounted_from_the_journal_while_the_hub_serves() {
    let world = world().await;
    let whole = world.hub.verify();
    let line = ["verify", "--period", "this-year..today", "-o", "json"];
    let period: Value = serde_json::from_str(&world.hub.run(&line).success()).unwrap();
    assert_eq!(period["clean"], true, "{period:#}");
    assert_eq!(period["attempts"], whole["attempts"], "{period:#}");
    assert_eq!(period["outcomes"], whole["outcomes"], "{period:#}");
    assert!(period["counters"].as_u64() > Some(0), "{period:#}");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_nobody_knows_are_refused_with_the_nearest() {
    let world = world().await;
    for (option, value, nearest) in [
        ("--consumer", "H26/lgps", CONSUMER),
        ("--provider", "G02", "G01"),
        ("--service", "ndxp.test.v1.EchoServices", SERVICE),
        ("--method", "Ecko", "Echo"),
    ] {
        let refused = world.hub.run(&["stats", option, value]);
        assert_eq!(refused.exit, Some(64), "{option}: {}", refused.stderr);
        for part in [value, nearest] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
    }
    world.hub.stop().await;
}
