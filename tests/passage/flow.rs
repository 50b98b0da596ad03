//! Flow control end to end: who reads slowly slows the sender down, and the hub holds a bounded
//! amount between the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::SendStream;

use crate::support::call::{Answer, framed, message};
use crate::support::consumer::Consumer;
use crate::support::provider::{Exchange, echo, headers, send, trailers};
use crate::support::wait::within;
use crate::support::world::{World, call};

/// Far more than any buffer on the way.
const WHOLE_BYTES: usize = 64 * 1024 * 1024;
/// What may lie between sender and reader: the hub's window of a stream and its send buffer, the
/// windows and buffers of both participants' own machinery.
const BETWEEN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Small enough that a piece in hand makes no difference.
const PIECE_BYTES: usize = 16 * 1024;

/// One gRPC message of [`WHOLE_BYTES`] in all.
fn whole() -> Bytes {
    framed(0, &vec![0xa5; WHOLE_BYTES - 5])
}

/// Sends the whole piece by piece, telling how much has been taken so far.
async fn push(to: &mut SendStream<Bytes>, taken: &AtomicUsize) {
    let mut whole = whole();
    while !whole.is_empty() {
        let piece = whole.split_to(PIECE_BYTES);
        send(to, piece).await.expect("the reader stays");
        taken.fetch_add(PIECE_BYTES, Ordering::Relaxed);
    }
}

/// Other calls to the same provider, one after another: they are not held up, and give a sender
/// without bounds time enough to push everything.
async fn carry_others(world: &World) {
    // The window of the consumer's first connection is the consumer's own affair.
    let beside = Consumer::connect(&world.hub, &world.credentials).await;
    for _ in 0..200 {
        let answer = beside.call(&call(), message(b"beside")).await;
        assert_eq!(answer.grpc_status(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_does_not_read_stops_the_provider() {
    let taken = Arc::new(AtomicUsize::new(0));
    let handler = {
        let taken = Arc::clone(&taken);
        move |exchange| pour_or_echo(exchange, Arc::clone(&taken))
    };
    let world = World::start(handler).await;
    let (answer, _) = world
        .consumer
        .open(&call().with("x-pour", "1"), true)
        .await
        .unwrap();
    let answer = within("headers", answer).await.unwrap();
    carry_others(&world).await;
    let between = taken.load(Ordering::Relaxed);
    assert!(
        between <= BETWEEN_BYTES_MAX,
        "{between} bytes were taken from the provider"
    );
    assert!(between > 0, "nothing was taken at all");

    let answer = within("the whole", Answer::read(answer)).await.unwrap();
    assert!(answer.body == whole() && answer.grpc_status() == 0);
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_read_stops_the_consumer() {
    let (read_now, reading) = tokio::sync::watch::channel(false);
    let world = World::start(move |exchange| wait_or_echo(exchange, reading.clone())).await;
    let waiting = call().with("x-wait", "1");
    let (answer, mut upload) = world.consumer.open(&waiting, false).await.unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let pushing = tokio::spawn({
        let taken = Arc::clone(&taken);
        async move {
            push(&mut upload, &taken).await;
            upload.send_data(Bytes::new(), true).unwrap();
        }
    });
    carry_others(&world).await;
    let between = taken.load(Ordering::Relaxed);
    assert!(
        between <= BETWEEN_BYTES_MAX,
        "{between} bytes were taken from the consumer"
    );
    assert!(between > 0, "nothing was taken at all");

    read_now.send_replace(true);
    let answer = within("the end", async { Answer::read(answer.await?).await })
        .await
        .unwrap();
    assert_eq!(answer.grpc_status(), 0);
    assert_eq!(answer.body, message(WHOLE_BYTES.to_string().as_bytes()));
    pushing.await.unwrap();
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_a_provider_stalls_do_not_hold_up_other_calls_of_the_connection() {
    const STALLED: usize = 8;
    let (read_now, reading) = tokio::sync::watch::channel(false);
    let world = World::start(move |exchange| wait_or_echo(exchange, reading.clone())).await;
    let waiting = call().with("x-wait", "1");
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let (answer, mut upload) = world.consumer.open(&waiting, false).await.unwrap();
        let pushing = tokio::spawn(async move {
            push(&mut upload, &AtomicUsize::new(0)).await;
            upload.send_data(Bytes::new(), true).unwrap();
        });
        stalled.push((answer, pushing));
    }
    carry_others(&world).await;
    let small = call();
    for _ in 0..20 {
        let other = world.consumer.call(&small, message(b"same connection"));
        assert_eq!(within("another call", other).await.grpc_status(), 0);
    }

    read_now.send_replace(true);
    for (answer, pushing) in stalled {
        let answer = within("the end", async { Answer::read(answer.await?).await });
        assert_eq!(answer.await.unwrap().grpc_status(), 0);
        pushing.await.unwrap();
    }
    world.hub.stop().await;
}

async fn pour_or_echo(mut exchange: Exchange, taken: Arc<AtomicUsize>) {
    if !exchange.head.headers.contains_key("x-pour") {
        return echo(exchange).await;
    }
    let mut stream = exchange.respond.send_response(headers(), false).unwrap();
    push(&mut stream, &taken).await;
    stream.send_trailers(trailers("0")).unwrap();
}

/// Reads nothing until told, then answers how much there was.
async fn wait_or_echo(mut exchange: Exchange, mut reading: tokio::sync::watch::Receiver<bool>) {
    if !exchange.head.headers.contains_key("x-wait") {
        return echo(exchange).await;
    }
    reading.wait_for(|read| *read).await.unwrap();
    let mut bytes = 0;
    while let Some(chunk) = exchange.body.data().await {
        let chunk = chunk.unwrap();
        bytes += chunk.len();
        exchange
            .body
            .flow_control()
            .release_capacity(chunk.len())
            .unwrap();
    }
    let mut stream = exchange.respond.send_response(headers(), false).unwrap();
    stream
        .send_data(message(bytes.to_string().as_bytes()), false)
        .unwrap();
    stream.send_trailers(trailers("0")).unwrap();
}
