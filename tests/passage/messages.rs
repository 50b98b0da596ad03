//! Messages: whatever their size, number, order and encoding, the same bytes come out, and the
//! journal's counts and digests are those of these bytes.

use bytes::Bytes;
use ring::digest::{SHA256, digest};

use crate::support::call::{Answer, Call, framed, message, value};
use crate::support::provider::{echo, send};
use crate::support::wait::within;
use crate::support::world::{World, call};

/// The journal says of both directions what these bytes were.
async fn check_journal(world: &World, answer: &Answer, bytes: &[u8], messages: u64) {
    let transaction = world.hub.settled(answer.transaction_id()).await;
    assert_eq!(transaction["outcome"], "completed", "{transaction:#}");
    let salt = unhex(value(&answer.headers, "ndxp-digest-salt"));
    let digest = hex(digest(&SHA256, &[salt.as_slice(), bytes].concat()).as_ref());
    for direction in ["request", "response"] {
        assert_eq!(
            transaction[format!("{direction}_bytes")],
            bytes.len(),
            "{transaction:#}"
        );
        assert_eq!(
            transaction[format!("{direction}_messages")],
            messages,
            "{transaction:#}"
        );
        if !bytes.is_empty() {
            assert_eq!(transaction[format!("{direction}_digest")], digest.as_str());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_size_number_and_encoding_pass_intact() {
    let world = World::start(echo).await;
    // Not gzip at all: who does not decode does not mind.
    let compressed = framed(1, b"compressed");
    let many: Vec<Bytes> = (0..1_000_u16)
        .map(|number| message(&number.to_be_bytes()))
        .collect();
    let large = message(&vec![0x5a; 3 * 1024 * 1024]);
    let rows = [
        ("none", Bytes::new(), 0),
        ("an empty one", message(b""), 1),
        (
            "a compressed one between plain ones",
            [message(b"a"), compressed, message(b"b")].concat().into(),
            3,
        ),
        ("many small ones", many.concat().into(), 1_000),
        ("a large one", large, 1),
    ];
    for (what, bytes, messages) in rows {
        let sent = Call::to(call().path).with("grpc-encoding", "gzip");
        let (answer, mut upload) = world.consumer.open(&sent, false).await.unwrap();
        let sending = tokio::spawn({
            let bytes = bytes.clone();
            async move {
                send(&mut upload, bytes).await.expect("the hub takes it");
                upload.send_data(Bytes::new(), true).unwrap();
            }
        });
        let answer = within(what, async { Answer::read(answer.await?).await })
            .await
            .unwrap();
        sending.await.unwrap();
        assert!(answer.body == bytes, "{what} did not come back as sent");
        assert_eq!(answer.grpc_status(), 0, "{what}");
        check_journal(&world, &answer, &bytes, messages).await;
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_back_and_forth_message_by_message() {
    let world = World::start(echo).await;
    let (answer, mut upload) = world.consumer.open(&call(), false).await.unwrap();
    let mut answer = within("headers before any message", answer).await.unwrap();
    let mut said = Vec::new();
    for turn in 0..20_u8 {
        let sentence = message(&vec![turn; usize::from(turn)]);
        said.extend_from_slice(&sentence);
        upload.send_data(sentence.clone(), false).unwrap();
        let mut heard = Vec::new();
        while heard.len() < sentence.len() {
            let chunk = within("an echo", answer.body_mut().data())
                .await
                .unwrap()
                .unwrap();
            answer
                .body_mut()
                .flow_control()
                .release_capacity(chunk.len())
                .unwrap();
            heard.extend_from_slice(&chunk);
        }
        assert_eq!(heard, sentence, "turn {turn}");
    }
    upload.send_data(Bytes::new(), true).unwrap();
    let answer = within("the end", Answer::read(answer)).await.unwrap();
    assert_eq!(answer.grpc_status(), 0);
    check_journal(&world, &answer, &said, 20).await;
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_ends_with_trailers_passes_them() {
    let world = World::start(|mut exchange| async move {
        while let Some(Ok(_)) = exchange.body.data().await {}
        let trailers = exchange.body.trailers().await.unwrap().unwrap_or_default();
        let mut end = crate::support::provider::headers();
        end.headers_mut()
            .extend(crate::support::provider::trailers("0"));
        end.headers_mut()
            .insert("x-heard", trailers["x-last-word"].clone());
        exchange.respond.send_response(end, true).unwrap();
    })
    .await;
    let (answer, mut upload) = world.consumer.open(&call(), false).await.unwrap();
    upload.send_data(message(b"x"), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-last-word", "done".parse().unwrap());
    upload.send_trailers(trailers).unwrap();
    let answer = within("the answer", async { Answer::read(answer.await?).await })
        .await
        .unwrap();
    assert_eq!(value(&answer.headers, "x-heard"), "done");
    world.hub.stop().await;
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
