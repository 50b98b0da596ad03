//! A damaged journal is looked into: what can be read and what is lost add up to what there was.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kill::load::{Executed, Load};
use crate::support::call::message;
use crate::support::process::run;
use crate::support::provider::echo;
use crate::support::world::{World, call};

/// Its answer, and whether it said that nothing is lost.
#[track_caller]
fn inspect(path: &Path) -> (Value, bool) {
    let answer = run(["journal", "inspect", path.to_str().unwrap(), "-o", "json"]);
    let whole = match answer.exit {
        Some(0) => true,
        Some(1) => false,
        _ => panic!("{answer:?}"),
    };
    (serde_json::from_str(&answer.stdout).unwrap(), whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_readable_and_what_is_lost_add_up_to_what_there_was() {
    let mut world = World::start(echo).await;
    for _ in 0..20 {
        world.consumer.call(&call(), message(b"true")).await;
    }
    world.hub.terminate();
    assert!(world.hub.exited().await.success());
    let data = world.hub.home().join("data");
    let segment = data.join("journal/00000000000000000001.segment");
    let sound = fs::read(&segment).unwrap();
    let (found, whole) = inspect(&data);
    assert!(whole, "{found:#}");
    let all = found["readable_entries"].as_u64().unwrap();
    assert!(all > 40, "{found:#}");

    let half = sound.len() / 2;
    type Befall<'a> = &'a dyn Fn(&mut Vec<u8>);
    let rows: [(&str, Befall<'_>); 2] = [
        ("a flipped bit", &|bytes| bytes[half] ^= 1),
        ("a hole of zeros", &|bytes| {
            bytes[half..half + 2_000].fill(0)
        }),
    ];
    for (what, befall) in rows {
        let mut bytes = sound.clone();
        befall(&mut bytes);
        fs::write(&segment, &bytes).unwrap();
        let (found, whole) = inspect(&segment);
        let count = |name: &str| found[name].as_u64().unwrap();
        assert!(count("lost_entries") > 0 && !whole, "{what}: {found:#}");
        let sum = count("readable_entries") + count("lost_entries");
        assert_eq!(sum, all, "{what}: {found:#}");
        let said = run(["journal", "inspect", segment.to_str().unwrap()]).stdout;
        assert!(
            said.contains("LOST") && said.contains("NOT WHOLE"),
            "{said}"
        );
        let refused = run(["verify", "--data", data.to_str().unwrap()]);
        assert_eq!(refused.exit, Some(70), "{what}: nobody reads past it");
        assert_eq!(
            fs::read(&segment).unwrap(),
            bytes,
            "looking changes nothing"
        );
    }
    // How much stood behind a cut is told by nothing; that there was one is.
    fs::write(&segment, &sound[..half]).unwrap();
    let (found, whole) = inspect(&segment);
    assert!(!whole && found["readable_entries"].as_u64().unwrap() < all);
    assert_eq!(found["segments"][0]["faults"][0], "cut_short", "{found:#}");
    fs::write(&segment, sound).unwrap();
    world.hub.serve().await;
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_being_written_is_whole_at_every_look() {
    let executed = Executed::default();
    let mut world = World::start_with(unlimited(), "", executed.echo()).await;
    let load = Load::start(&world, 8).await;
    let data = world.hub.home().join("data");
    let mut before = 0;
    for _look in 1..=20 {
        load.completes(20).await;
        let (found, whole) = inspect(&data);
        assert!(whole, "{found:#}");
        let readable = found["readable_entries"].as_u64().unwrap();
        assert!(readable > before);
        before = readable;
    }
    world.hub.kill();
    load.stop().await;
}

fn unlimited() -> crate::support::hub::Hub {
    let hub = crate::support::hub::Hub::init();
    hub.set("journal", "segment_bytes", "1_048_576");
    hub.set("limits", "consumer_calls_per_second_per_core_max", "0");
    hub
}
