//! Segments that are old enough lie in the archive, and everything that reads the journal still
//! reads all of it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::{Clock as _, ManualClock, SystemClock};
use ndxp_proto::journal::v1::SystemConnected;
use ndxp_proto::journal::v1::entry::Body;
use serde_json::Value;

use crate::support::call::message;
use crate::support::hub::Hub;
use crate::support::process::run;
use crate::support::provider::echo;
use crate::support::wait::until;
use crate::support::world::{World, call};

const SEGMENTS: usize = 4;

/// A journal of some segments of a megabyte, whose entries are so many days old.
async fn old_journal(data: &Path, days: u64) {
    let options = Options {
        directory: data.join("journal"),
        segment_bytes: 1 << 20,
    };
    let then = SystemClock
        .now()
        .saturating_sub(Duration::from_secs(86_400 * days));
    let clock = Arc::new(ManualClock::at(then));
    let journal = Journal::open(options, Arc::new(FileDisk), clock, Arc::new(())).unwrap();
    let (lane, driver) = journal.lane();
    tokio::spawn(driver);
    let body = Body::SystemConnected(SystemConnected {
        system: "x".repeat(200_000),
    });
    // Five fit into a segment.
    for _ in 0..5 * SEGMENTS {
        lane.append(&body).await.unwrap();
    }
    tokio::task::spawn_blocking(move || journal.close())
        .await
        .unwrap();
}

fn segments(folder: &Path) -> usize {
    let files = fs::read_dir(folder).map(Iterator::flatten);
    let files = files.into_iter().flatten();
    files
        .filter(|it| it.path().extension().is_some_and(|it| it == "segment"))
        .count()
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let answer = run(arguments.iter().copied().chain(["-o", "json"])).success();
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_segments_stay_part_of_the_journal_for_everybody() {
    let hub = Hub::init();
    hub.set("journal", "segment_bytes", "1_048_576");
    hub.set("journal", "keep_days", "30");
    let (home, data) = (hub.home(), hub.home().join("data"));
    let (archive, data_text) = (home.join("archive"), data.to_str().unwrap().to_owned());
    old_journal(&data, 40).await;
    let mut world = World::start_with(hub, "", echo).await;
    until("archived segments", async || {
        (segments(&archive) == SEGMENTS).then_some(())
    })
    .await;
    assert_eq!(
        segments(&data.join("journal")),
        1,
        "the one that is written to"
    );
    world.consumer.call(&call(), message(b"on")).await;
    let verified = world.hub.verify();
    assert_eq!(
        (&verified["clean"], &verified["first_sequence"]),
        (&true.into(), &1.into())
    );
    world.hub.terminate();
    assert!(world.hub.exited().await.success());

    // All projections are made again from both places.
    fs::remove_dir_all(data.join("counters")).unwrap();
    fs::remove_file(data.join("registry.checkpoint")).unwrap();
    let offline = json(&["verify", "--data", &data_text]);
    assert_eq!(
        (&offline["clean"], &offline["first_sequence"]),
        (&true.into(), &1.into())
    );
    fs::remove_dir_all(data.join("counters")).unwrap();
    world.hub.serve().await;
    assert!(world.hub.verify()["last_sequence"].as_u64() > offline["last_sequence"].as_u64());

    let backup = home.join("backup");
    let taken = json(&["backup", backup.to_str().unwrap(), "--data", &data_text]);
    assert!(segments(&backup.join("journal")) > SEGMENTS, "{taken:#}");
    let inspected = json(&["journal", "inspect", &data_text]);
    assert!(inspected["readable_entries"].as_u64() >= taken["last_sequence"].as_u64());
    world.hub.terminate();
    assert!(world.hub.exited().await.success());

    // Without the archive there is no journal.
    let away = home.join("away");
    fs::rename(&archive, &away).unwrap();
    let refused = world.hub.run(&["serve"]);
    assert_eq!(refused.exit, Some(70), "{refused:?}");
    assert!(refused.stderr.contains("archive"), "{refused:?}");
    // An empty one was made in its place, as for a new archive.
    let _made = fs::remove_dir(&archive);
    world.hub.set("journal", "archive_dir", "\"away\"");
    let refused = world.hub.run(&["serve"]);
    assert_eq!(refused.exit, Some(70), "{refused:?}");
    assert!(refused.stderr.contains("are archived in"), "{refused:?}");
    // The way to move it that the message tells.
    fs::remove_file(data.join("journal/archive")).unwrap();
    world.hub.serve().await;
    world.hub.stop().await;
}
