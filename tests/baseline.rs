//! Opening balances from outside: a file of a previous platform is taken over, once; it stands beside
//! what the hub counts, and outlives a kill.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::call::message;
use crate::support::hub::Hub;
use crate::support::process::Run;
use crate::support::provider::echo;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World, call};

const HEADER: &str = "period,consumer,provider,service,measure,value,source";

/// A file beside the hub's folder.
fn file(hub: &Hub, name: &str, rows: &[&str]) -> PathBuf {
    let path = hub.home().join(name);
    fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    path
}

fn import(hub: &Hub, name: &str, rows: &[&str], options: &[&str]) -> Run {
    let path = file(hub, name, rows);
    let path = path.to_str().expect("temporary folders have plain names");
    hub.run(&[&["baseline", "import", path], options].concat())
}

#[track_caller]
fn check_refused(ran: &Run, exit: i32, part: &str) {
    assert_eq!(ran.exit, Some(exit), "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(part), "{}", ran.stderr);
}

#[track_caller]
fn listed(hub: &Hub) -> Value {
    let said = hub.run(&["baseline", "list", "-o", "json"]).success();
    serde_json::from_str(&said).expect("-o json prints JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_previous_platforms_numbers_are_taken_over_once_and_stand_beside_the_counts() {
    let mut world = World::start(echo).await;
    let connection = format!("{CONSUMER},{PROVIDER},{SERVICE}");
    let history = [
        "before 2021,,,,transactions,29143309,Báo cáo năm 2020".to_owned(),
        "2021,,,,transactions,180919031,\"Báo cáo 105/BC-BTTTT, 29/7/2022\"".to_owned(),
        format!("2021-07,{connection},records,51234,Biên bản bàn giao"),
    ];
    let history = history.each_ref().map(String::as_str);
    let tried = import(&world.hub, "before.csv", &history, &["--dry-run"]).success();
    assert_eq!(tried, "3 can be imported; nothing was done\n");
    assert_eq!(listed(&world.hub), Value::Array(Vec::new()));
    let taken = import(&world.hub, "before.csv", &history, &["--note", "bàn giao"]).success();
    assert!(taken.starts_with("3 imported, at sequence "), "{taken}");

    // The same, and what overlaps it: told by the rows of the file, and nothing of it is taken.
    let again = import(&world.hub, "before.csv", &history, &[]);
    check_refused(
        &again,
        1,
        "before.csv: row 2 (before 2021, in total, transactions): is the same",
    );
    let overlap = [
        "2022-01,,,,transactions,1,x",
        "2021-07-22,,,,transactions,1,x",
    ];
    check_refused(
        &import(&world.hub, "more.csv", &overlap, &[]),
        1,
        "more.csv: row 3 (2021-07-22",
    );
    let both = ["2021,,,,records,1,x"];
    check_refused(
        &import(&world.hub, "both.csv", &both, &[]),
        1,
        "either in total or by connection",
    );

    // What this hub has counted is its own; and so is what is not over.
    world.consumer.call(&call(), message(b"x")).await;
    let today = ["2090,,,,transactions,1,x"];
    check_refused(
        &import(&world.hub, "today.csv", &today, &[]),
        1,
        "this hub has counted since",
    );

    // Beside the count of the one call, and only where it is asked for.
    let stats = |options: &[&str]| -> Value {
        let said = world
            .hub
            .run(&[&["stats", "-o", "json"], options].concat())
            .success();
        serde_json::from_str(&said).expect("-o json prints JSON")
    };
    let (with, without) = (stats(&["--with-baselines"]), stats(&[]));
    assert_eq!(with["total"]["transactions"], 1, "{with:#}");
    assert_eq!(with["opening"]["transactions"], 29_143_309 + 180_919_031);
    assert_eq!(with["opening"]["measures"]["records"], 51_234);
    assert_eq!(without["total"], with["total"]);
    assert!(without["opening"].is_null(), "{without:#}");

    // A member is no operator; its attempt, too, is on record.
    let folder = world.hub.folder_of(CONSUMER);
    let member = import(
        &world.hub,
        "member.csv",
        &["2020,,,,amount_vnd,1,x"],
        &["--as", &folder],
    );
    check_refused(&member, 1, "may not call");
    let before = listed(&world.hub);
    assert_eq!(before.as_array().map(Vec::len), Some(1), "{before:#}");
    assert_eq!(before[0]["balances"][1]["value"], 180_919_031);
    let audit = world.hub.run(&["audit", "-o", "json"]).success();
    let acts: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|act: &Value| act["rpc"] == "ImportBaseline")
        .collect();
    let refused: Vec<_> = acts.iter().map(|act| act["refused"].is_string()).collect();
    assert_eq!(refused, [false, true, true, true, true, true], "{acts:#?}");
    assert_eq!(acts[0]["reason"], "bàn giao");
    assert_eq!(acts[5]["role"], "member H26");

    world.hub.kill();
    world.hub.serve().await;
    assert_eq!(listed(&world.hub), before, "a kill takes nothing away");
    let again = import(&world.hub, "before.csv", &history, &[]);
    check_refused(&again, 1, "is the same as balance 1");
    world.hub.stop().await;
}
