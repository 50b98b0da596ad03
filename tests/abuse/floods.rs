//! Frames by the thousand that carry no call: the connection that brings them is told to be calm
//! and ended.

use std::collections::BTreeSet;

use super::bystander::{Abused, Bystander, WIDE};
use crate::support::frames::{
    ACK, CANCEL, Client, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, PRIORITY,
    SETTINGS, frame, many, request, reset, window,
};
use crate::support::provider::echo;
use crate::support::wait::within;
use crate::support::world::SERVICE;

/// Far more than any budget gives while they are sent.
const FLOOD: usize = 200;
const AT_ONCE: usize = 1_000;

fn path() -> String {
    format!("/{SERVICE}/Echo")
}

/// Sends the waves until the hub ends the connection; with which code it does.
pub async fn flood(attacker: Client, waves: impl Iterator<Item = Vec<u8>>) -> Option<u32> {
    let Client {
        mut read,
        mut write,
    } = attacker;
    let sending = async {
        for wave in waves {
            if tokio::io::AsyncWriteExt::write_all(&mut write, &wave)
                .await
                .is_err()
            {
                break;
            }
        }
        // Whoever has nothing more to send still listens.
        std::future::pending::<()>().await
    };
    let heard = async {
        tokio::select! {
            () = sending => unreachable!("it waits for the answer"),
            told = read.told_to_go() => told,
        }
    };
    within("the end of the flood", heard).await
}

#[tokio::test(flavor = "multi_thread")]
async fn control_frames_by_the_thousand_end_their_connection() {
    let world = Abused::start(echo).await;
    let mut bystander = Bystander::start(&world).await;
    let open = frame(HEADERS, END_HEADERS, 1, &request(&path()));
    let rows: [(&str, Vec<u8>, Vec<u8>); 9] = [
        ("PING", vec![], frame(PING, 0, 0, &[7; 8])),
        (
            "PING that acknowledges nothing",
            vec![],
            frame(PING, ACK, 0, &[7; 8]),
        ),
        (
            "SETTINGS",
            vec![],
            frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]),
        ),
        (
            "SETTINGS without content",
            vec![],
            frame(SETTINGS, 0, 0, &[]),
        ),
        ("PRIORITY", vec![], frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 16])),
        ("WINDOW_UPDATE", vec![], window(0, 1)),
        ("WINDOW_UPDATE of a stream", open.clone(), window(1, 1)),
        ("DATA without content", open, frame(DATA, 0, 1, &[])),
        (
            "a kind that nobody knows",
            vec![],
            frame(0xee, 0, 0, &[1, 2, 3]),
        ),
    ];
    for (what, first, one) in rows {
        let mut attacker = world.attack(WIDE).await;
        attacker.say(&first).await;
        let waves = (0..FLOOD).map(|_| many(AT_ONCE, &one));
        let told = flood(attacker, waves).await;
        assert_eq!(told, Some(ENHANCE_YOUR_CALM), "{what}");
    }
    assert!(world.shed("control_frames").await >= 7);
    bystander.goes_on().await;
    bystander.finish("floods of control frames").await;
    world.hub.stop().await;
}

/// CVE-2023-44487: calls that are broken off as soon as they are begun.
#[tokio::test(flavor = "multi_thread")]
async fn rapid_resets_end_their_connection() {
    let world = Abused::start(echo).await;
    let mut bystander = Bystander::start(&world).await;
    let call = |stream| {
        let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &request(&path()));
        [head, reset(stream, CANCEL)].concat()
    };
    let unknown = |stream| {
        let head = frame(HEADERS, END_HEADERS, stream, &request("/no.Service/Call"));
        [head, reset(stream, CANCEL)].concat()
    };
    /// What is sent, the frames of one stream, and how many streams at once.
    type Shape<'a> = (&'a str, &'a dyn Fn(u32) -> Vec<u8>, u32);
    let shapes: [Shape<'_>; 3] = [
        ("a thousand in one breath", &call, 1_000),
        ("few at a time", &call, 10),
        ("calls that are refused", &unknown, 10),
    ];
    for (what, pair, at_once) in shapes {
        let attacker = world.attack(WIDE).await;
        let waves = (0..20_000 / at_once).map(|wave| {
            let streams = wave * at_once..(wave + 1) * at_once;
            streams.flat_map(|it| pair(2 * it + 1)).collect()
        });
        let told = flood(attacker, waves).await;
        assert_eq!(told, Some(ENHANCE_YOUR_CALM), "{what}");
    }
    bystander.goes_on().await;
    bystander.finish("rapid resets").await;
    world.hub.stop().await;
}

/// The same so slowly that the HTTP/2 machinery sees nothing in it: each call is begun before it
/// is broken off. The budget of resets ends it.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_begun_and_broken_off_without_end_are_an_excess() {
    let world = Abused::start(echo).await;
    let mut bystander = Bystander::start(&world).await;
    let mut attacker = world.attack(WIDE).await;
    let begun = |stream| frame(HEADERS, END_HEADERS, stream, &request(&path()));
    let mut told = None;
    // A hundred at a time: each has its answer's headers, so it is with the provider.
    'attack: for wave in 0..100 {
        let streams: BTreeSet<u32> = (0..100).map(|it| 2 * (wave * 100 + it) + 1).collect();
        let heads: Vec<u8> = streams.iter().flat_map(|it| begun(*it)).collect();
        attacker.say(&heads).await;
        let mut waiting = streams.clone();
        while !waiting.is_empty() {
            let next = within("headers or the end", attacker.read.next()).await;
            match next {
                Some(it) if it.kind == HEADERS => {
                    waiting.remove(&it.stream);
                }
                Some(it) if it.kind == crate::support::frames::GOAWAY => {
                    told = Some(u32::from_be_bytes(it.payload[4..8].try_into().unwrap()));
                    break 'attack;
                }
                Some(_) => {}
                None => break 'attack,
            }
        }
        let resets: Vec<u8> = streams.iter().flat_map(|it| reset(*it, CANCEL)).collect();
        attacker.say(&resets).await;
    }
    assert_eq!(told, Some(ENHANCE_YOUR_CALM));
    world.has_shed("resets", 1).await;
    bystander.goes_on().await;
    bystander.finish("calls begun and broken off").await;
    world.hub.stop().await;
}

/// Whoever stops may break off what it has: that is no attack.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_breaks_off_all_its_calls_once_keeps_its_connection() {
    let world = Abused::start(echo).await;
    let mut attacker = world.attack(WIDE).await;
    let calls = (0..500).map(|it| 2 * it + 1);
    let pairs: Vec<u8> = calls
        .flat_map(|stream| {
            let head = frame(HEADERS, END_HEADERS, stream, &request(&path()));
            [head, reset(stream, CANCEL)].concat()
        })
        .collect();
    attacker.say(&pairs).await;
    attacker.say(&frame(PING, 0, 0, b"still up")).await;
    let pong = async {
        loop {
            let pong = attacker
                .read
                .find(PING)
                .await
                .expect("the connection stays");
            if pong.flags & ACK != 0 {
                return pong.payload;
            }
        }
    };
    assert_eq!(within("an answer", pong).await, b"still up");
    // Another call passes on it.
    let call = frame(HEADERS, END_HEADERS | END_STREAM, 2_001, &request(&path()));
    attacker.say(&call).await;
    let answered = async {
        loop {
            let frame = attacker
                .read
                .find(HEADERS)
                .await
                .expect("the connection stays");
            if frame.stream == 2_001 && frame.flags & END_STREAM != 0 {
                return;
            }
        }
    };
    within("the end of the call", answered).await;
    drop(attacker);
    world.hub.stop().await;
}
