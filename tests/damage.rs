//! What befalls a data directory: what is derived can be lost and comes back the same; what is
//! true is never guessed at; and a hub that cannot write carries nothing.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::call::{Call, message};
use crate::support::hub::Hub;
use crate::support::process::run;
use crate::support::provider::echo;
use crate::support::refusal::check;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World, call};

/// Answers that come from what is derived, without the words about when they were asked.
fn derived(hub: &Hub) -> Vec<Value> {
    let questions: [&[&str]; 5] = [
        &["stats", "--by", "connection", "-o", "json"],
        &["stats", "--by", "outcome", "-o", "json"],
        &["report", "-o", "json"],
        &["get", "systems", "-o", "json"],
        &["get", "grants", "-o", "json"],
    ];
    let answers = questions.map(|question| {
        let answer = hub.run(question).success();
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        without_proofs(&mut answer);
        answer
    });
    answers.to_vec()
}

/// Something that happens to a data directory.
type Befall<'a> = &'a dyn Fn(&Path);

/// A proof says how far the journal had come, which a start alone moves; when a certificate ends is
/// known from the connections since the start.
fn without_proofs(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            fields.remove("proof");
            fields.remove("base_proof");
            fields.remove("certificate_valid_until");
            fields.values_mut().for_each(without_proofs);
        }
        Value::Array(items) => items.iter_mut().for_each(without_proofs),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_derived_comes_back_the_same_when_it_is_lost_or_damaged() {
    let mut world = World::start(echo).await;
    for _ in 0..10 {
        world.consumer.call(&call(), message(b"counted")).await;
    }
    let unknown = Call::to("/ndxp.test.v1.Unknown/Call");
    world.consumer.call(&unknown, message(b"refused")).await;
    let before = derived(&world.hub);

    // What happens to the folder of the stopped hub, and what it complains of then.
    let garble = |path: &Path| fs::write(path, "garbled").unwrap();
    let rows: [(&str, Befall<'_>, &[&str]); 4] = [
        (
            "counters lost",
            &|data| fs::remove_dir_all(data.join("counters")).unwrap(),
            &[],
        ),
        (
            "counters damaged",
            &|data| garble(&data.join("counters/store/db")),
            &["the counters' store cannot be used"],
        ),
        (
            "checkpoint lost",
            &|data| fs::remove_file(data.join("registry.checkpoint")).unwrap(),
            &[],
        ),
        (
            "checkpoint damaged",
            &|data| garble(&data.join("registry.checkpoint")),
            &["registry checkpoint not usable"],
        ),
    ];
    for (what, befall, complaints) in rows {
        world.hub.terminate();
        assert!(world.hub.exited().await.success(), "{what}");
        befall(&world.hub.home().join("data"));
        for complaint in complaints {
            world.hub.expect_complaint(complaint);
        }
        world.hub.serve().await;
        assert_eq!(derived(&world.hub), before, "{what}");
        assert_eq!(world.hub.verify()["clean"], true, "{what}");
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_the_journal_is_named_and_never_skipped() {
    let mut world = World::start(echo).await;
    world.consumer.call(&call(), message(b"true")).await;
    world.hub.terminate();
    assert!(world.hub.exited().await.success());
    let data = world.hub.home().join("data");
    let data_text = data.to_str().unwrap();
    let questions: [&[&str]; 3] = [
        &["verify", "--data", data_text],
        &["stats", "--data", data_text],
        &["transactions", "--data", data_text],
    ];
    for question in questions {
        run(question.iter().copied()).success();
    }

    let segment = data.join("journal/00000000000000000001.segment");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    // What was derived before the damage is still known; what reads the journal says where.
    for question in [questions[0], questions[2]] {
        let refused = run(question.iter().copied());
        assert_eq!(refused.exit, Some(70), "{refused:?}");
        for part in [
            "00000000000000000001.segment",
            "at offset",
            "entry",
            "is damaged",
        ] {
            assert!(refused.stderr.contains(part), "{refused:?}");
        }
    }
    fs::remove_dir_all(data.join("counters")).unwrap();
    let refused = run(["stats", "--data", data_text]);
    assert_eq!(
        refused.exit,
        Some(70),
        "counters are not rebuilt from a damaged journal"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_cannot_write_carries_nothing() {
    let hub = Hub::init();
    hub.set("journal", "segment_bytes", "1_048_576");
    let executed = Arc::new(AtomicUsize::new(0));
    let counted = {
        let executed = Arc::clone(&executed);
        move |exchange| {
            executed.fetch_add(1, Ordering::Relaxed);
            echo(exchange)
        }
    };
    let mut world = World::start_with(hub, "", counted).await;
    world.hub.expect_complaint("journal");
    let journal = world.hub.home().join("data/journal");
    let aside = world.hub.home().join("aside");
    fs::rename(&journal, &aside).unwrap();

    // The present segment goes on; the next one cannot be made.
    let wordy = ["ndxp-request-id", "ndxp-user", "ndxp-case", "ndxp-origin"];
    let wordy = wordy
        .into_iter()
        .fold(call(), |call, key| call.with(key, &"x".repeat(128)));
    let mut completed = Vec::new();
    loop {
        let answer = world.consumer.call(&wordy, message(b"x")).await;
        if answer.grpc_status() != 0 {
            break;
        }
        completed.push(answer.transaction_id().to_owned());
    }
    assert!(!world.hub.is_ready().await);
    let before = executed.load(Ordering::Relaxed);
    for _ in 0..5 {
        let answer = world.consumer.call(&call(), message(b"x")).await;
        check(
            &answer,
            "JOURNAL_UNAVAILABLE",
            [CONSUMER, PROVIDER, SERVICE],
        );
    }
    assert_eq!(
        executed.load(Ordering::Relaxed),
        before,
        "a call passed unrecorded"
    );

    world.hub.terminate();
    world.hub.exited().await;
    // An empty one may have been made meanwhile, for the lock or by the attempts.
    let _empty = fs::remove_dir_all(&journal);
    fs::rename(&aside, &journal).unwrap();
    world.hub.serve().await;
    for id in completed.iter().rev().take(5) {
        assert_eq!(world.hub.transaction(id)["outcome"], "completed");
    }
    let verified = world.hub.verify();
    assert_eq!(verified["clean"], true, "{verified:#}");
    world.hub.stop().await;
}
