//! A backup that is taken while calls run is the whole hub as it was; one that was broken off is
//! none.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::SystemClock;
use ndxp_proto::journal::v1::SystemConnected;
use ndxp_proto::journal::v1::entry::Body;
use serde_json::Value;

use crate::kill::load::{Executed, Load};
use crate::support::call::message;
use crate::support::hub::Hub;
use crate::support::process::{ndxp, run};
use crate::support::world::{World, call};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let answer = run(arguments.iter().copied().chain(["-o", "json"])).success();
    serde_json::from_str(&answer).unwrap()
}

/// Transactions that were closed up to the sequence, as the data directory has them.
fn transactions(data: &Path, through: u64) -> Vec<Value> {
    let listed = [
        "transactions",
        "--limit",
        "100000",
        "-o",
        "json",
        "--data",
        text(data),
    ];
    let listed = run(listed).success();
    let listed = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut listed: Vec<Value> = listed.collect();
    listed.retain(|it| {
        it["closed_sequence"]
            .as_u64()
            .is_some_and(|closed| closed <= through)
    });
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_restored_to_the_hub_that_it_was() {
    let hub = Hub::init();
    // Several segments, so that one is sealed while they are copied.
    hub.set("journal", "segment_bytes", "1_048_576");
    hub.set("limits", "consumer_calls_per_second_per_core_max", "0");
    let executed = Executed::default();
    let mut world = World::start_with(hub, "", executed.echo()).await;
    let load = Load::start(&world, 8).await;
    load.completed_at_least(3_000).await;
    let answer = world.consumer.call(&call(), message(b"before")).await;
    let before = answer.transaction_id().to_owned();

    let home = world.hub.home();
    let (data, backup) = (home.join("data"), home.join("backup"));
    let taken = world
        .hub
        .act(&["backup", text(&backup), "-o", "json"])
        .await;
    let taken: Value = serde_json::from_str(&taken.success()).unwrap();
    let last = taken["last_sequence"].as_u64().unwrap();
    let segments = fs::read_dir(backup.join("journal")).unwrap().count();
    assert!(segments >= 2, "{taken:#}");
    // The hub goes on, and then its machine is lost.
    load.completed_at_least(3_500).await;
    world.hub.kill();
    load.stop().await;

    let inspected = json(&["journal", "inspect", text(&backup)]);
    assert_eq!(inspected["readable_entries"], last);
    assert!(
        inspected["segments"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["seal"] == "sealed")
    );
    let verified = json(&["verify", "--data", text(&backup)]);
    assert_eq!(
        (&verified["clean"], &verified["last_sequence"]),
        (&true.into(), &last.into())
    );
    let copied = transactions(&backup, last);
    assert!(
        copied
            .iter()
            .any(|it| it["transaction_id"] == before.as_str())
    );
    assert_eq!(
        copied,
        transactions(&data, last),
        "the hub's own journal says the same"
    );

    fs::rename(&data, home.join("lost")).unwrap();
    let restored = Command::new("cp").arg("-a").args([&backup, &data]).status();
    assert!(restored.unwrap().success());
    world.hub.serve().await;
    assert_eq!(world.hub.transaction(&before)["outcome"], "completed");
    // A backup in the middle of calls has some that were open: they are settled now.
    world.hub.settled(&before).await;
    let answer = world
        .consumer_again()
        .await
        .call(&call(), message(b"on"))
        .await;
    let behind = world.hub.settled(answer.transaction_id()).await;
    assert!(
        behind["opened_sequence"].as_u64().unwrap() > last,
        "{behind:#}"
    );
    let same = ["backup", "--check", text(&data)];
    run(same).success();
    world.hub.stop().await;
}

/// A data directory whose journal has so many segments of a megabyte.
async fn large(data: &Path, segments: usize) {
    let options = Options {
        directory: data.join("journal"),
        segment_bytes: 1 << 20,
    };
    let clock = Arc::new(SystemClock);
    let journal = Journal::open(options, Arc::new(FileDisk), clock, Arc::new(())).unwrap();
    let (lane, driver) = journal.lane();
    tokio::spawn(driver);
    let body = Body::SystemConnected(SystemConnected {
        system: "x".repeat(200_000),
    });
    // Five fit into a segment.
    for _ in 0..5 * segments {
        lane.append(&body).await.unwrap();
    }
    tokio::task::spawn_blocking(move || journal.close())
        .await
        .unwrap();
}

/// Takes a backup and kills it once two segments are written; whether it was killed in time.
async fn broken_off(data: &Path, backup: &Path) -> bool {
    let mut taking = ndxp()
        .args(["backup", text(backup), "--data", text(data)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let written = || fs::read_dir(backup.join("journal.incomplete")).map_or(0, |it| it.count());
    while written() < 2 && taking.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Fails only when it has ended by itself.
    let _ended = taking.kill();
    !taking.wait().unwrap().success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_killed_is_refused_by_everybody() {
    let mut hub = Hub::init();
    let data = hub.home().join("large");
    large(&data, 40).await;
    let mut tries = 0;
    let backup = loop {
        let backup = hub.home().join(format!("backup-{tries}"));
        if broken_off(&data, &backup).await {
            break backup;
        }
        tries += 1;
        assert!(tries < 20, "no backup could be killed in time");
    };
    assert!(!backup.join("journal").exists());

    // What is asked, and how it is answered.
    let rows: [(&[&str], i32, &str); 5] = [
        (
            &["backup", "--check", text(&backup)],
            70,
            "incomplete backup",
        ),
        (
            &["verify", "--data", text(&backup)],
            70,
            "incomplete backup",
        ),
        (
            &["transactions", "--data", text(&backup)],
            70,
            "incomplete backup",
        ),
        (
            &["backup", text(&backup), "--data", text(&data)],
            64,
            "is not empty",
        ),
        (
            &["backup", "elsewhere", "--data", text(&backup)],
            70,
            "incomplete backup",
        ),
    ];
    for (arguments, exit, says) in rows {
        let refused = run(arguments.iter().copied());
        assert_eq!(refused.exit, Some(exit), "{refused:?}");
        assert!(refused.stderr.contains(says), "{refused:?}");
    }
    hub.set("hub", "data_dir", &format!("{:?}", text(&backup)));
    let refused = hub.run(&["serve"]);
    assert_eq!(refused.exit, Some(70), "{refused:?}");
    assert!(refused.stderr.contains("incomplete backup"), "{refused:?}");
    assert!(
        !backup.join("journal").exists(),
        "nothing new was begun in it"
    );

    // The same, left in peace, is a backup, and can be served.
    let whole = hub.home().join("whole");
    run(["backup", text(&whole), "--data", text(&data)]).success();
    run(["backup", "--check", text(&whole)]).success();
    hub.set("hub", "data_dir", &format!("{:?}", text(&whole)));
    hub.serve().await;
    hub.stop().await;
}
