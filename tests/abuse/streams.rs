//! Streams by the thousand, and streams that nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::bystander::{Abused, Bystander, WIDE};
use super::providers::{BAD, BAD_SERVICE};
use crate::support::call::{Call, framed, message};
use crate::support::consumer::Consumer;
use crate::support::frames::{
    DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, REFUSED_STREAM, RST_STREAM,
    field, frame, request, window,
};
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, Provider, echo, headers, send, trailers};
use crate::support::wait::{until, within};
use crate::support::world::SERVICE;

/// `limits.streams_per_connection_max`.
const STREAMS_MAX: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_streams_those_above_the_limit_are_refused_and_then_the_connection() {
    const STREAMS: usize = 10_000;
    let world = Abused::start(echo).await;
    let mut bystander = Bystander::start(&world).await;
    let mut attacker = world.attack(WIDE).await;
    let head = request(&format!("/{SERVICE}/Echo"));
    let flood: Vec<u8> = (0..STREAMS)
        .flat_map(|it| {
            frame(
                HEADERS,
                END_HEADERS,
                u32::try_from(2 * it + 1).unwrap(),
                &head,
            )
        })
        .collect();
    let crate::support::frames::Wire { read, write } = &mut attacker;
    let counting = async {
        let mut refused = 0;
        loop {
            let frame = read.next().await.expect("it ends with GOAWAY");
            match frame.kind {
                RST_STREAM => {
                    assert_eq!(frame.code(), REFUSED_STREAM);
                    refused += 1;
                }
                GOAWAY => return (refused, frame.payload[7]),
                _ => {}
            }
        }
    };
    let sending = tokio::io::AsyncWriteExt::write_all(write, &flood);
    let both = async { tokio::join!(sending, counting) };
    let (_broken_off, (refused, code)) = within("the end of the flood", both).await;
    assert!(refused <= STREAMS - STREAMS_MAX, "{refused} refused");
    assert_eq!(u32::from(code), ENHANCE_YOUR_CALM);
    bystander.goes_on().await;
    bystander.finish("10,000 streams").await;
    drop(attacker);
    world.hub.stop().await;
}

/// A connection may be full; what is above it is refused, and it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_full_refuses_a_few_more_and_lives() {
    const STREAMS: usize = STREAMS_MAX + 100;
    let hub = Hub::init();
    // As many at once as a connection takes: it is the connection that is to be full.
    hub.set("limits", "consumer_calls_per_second_per_core_max", "0");
    let world = Abused::start_with(hub, echo).await;
    let mut attacker = world.attack(WIDE).await;
    let head = request(&format!("/{SERVICE}/Echo"));
    let calls: Vec<u8> = (0..STREAMS)
        .flat_map(|it| {
            frame(
                HEADERS,
                END_HEADERS,
                u32::try_from(2 * it + 1).unwrap(),
                &head,
            )
        })
        .collect();
    attacker.say(&calls).await;
    let (mut begun, mut refused) = (0, 0);
    while begun + refused < STREAMS {
        let frame = within("an answer on each stream", attacker.read.next()).await;
        match frame.expect("the connection stays").kind {
            HEADERS => begun += 1,
            RST_STREAM => refused += 1,
            _ => {}
        }
    }
    assert_eq!((begun, refused), (STREAMS_MAX, STREAMS - STREAMS_MAX));
    drop(attacker);
    world.hub.stop().await;
}

/// Pours [`WHOLE_BYTES`] when asked for it.
async fn pour_or_echo(mut exchange: Exchange, taken: Arc<AtomicUsize>) {
    if !exchange.head.headers.contains_key("x-pour") {
        return echo(exchange).await;
    }
    let Ok(mut stream) = exchange.respond.send_response(headers(), false) else {
        return;
    };
    let mut whole: Bytes = framed(0, &vec![0xa5; WHOLE_BYTES]);
    while !whole.is_empty() {
        let piece = whole.split_to(whole.len().min(PIECE_BYTES));
        let bytes = piece.len();
        if send(&mut stream, piece).await.is_none() {
            return;
        }
        taken.fetch_add(bytes, Ordering::Relaxed);
    }
    let _gone = stream.send_trailers(trailers("0"));
}

const WHOLE_BYTES: usize = 8 << 20;
const PIECE_BYTES: usize = 16 * 1024;
const STALLED: usize = 40;
/// What the hub holds of each: a window of 256 KiB and a send buffer of 64 KiB, and as much again in
/// the provider's own machinery.
const HELD_BYTES_MAX: usize = STALLED * 2 * 1024 * 1024;

/// One byte a second, or none, is the same to the hub: a window that stands still.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_read_byte_by_byte_hold_nobody_up() {
    let taken = Arc::new(AtomicUsize::new(0));
    let handler = {
        let taken = Arc::clone(&taken);
        move |exchange| pour_or_echo(exchange, Arc::clone(&taken))
    };
    let world = Abused::start(handler).await;
    let mut bystander = Bystander::start(&world).await;
    let list = [request(&format!("/{SERVICE}/Pour")), field("x-pour", b"1")].concat();
    let streams = || (0..STALLED).map(|it| u32::try_from(2 * it + 1).unwrap());
    let calls: Vec<u8> = streams()
        .flat_map(|it| frame(HEADERS, END_HEADERS | END_STREAM, it, &list))
        .collect();

    // By windows: each stream may get one byte, then one more, and so on.
    let mut slow = world.attack(1).await;
    slow.say(&calls).await;
    for round in 1..=20 {
        let mut bytes = 0;
        while bytes < STALLED {
            let frame = within("a byte of each", slow.read.find(DATA))
                .await
                .unwrap();
            assert_eq!(frame.payload.len(), 1, "round {round}");
            bytes += 1;
        }
        let more: Vec<u8> = streams().flat_map(|it| window(it, 1)).collect();
        slow.say(&more).await;
        bystander.goes_on().await;
    }
    let held = taken.load(Ordering::Relaxed);
    assert!(held <= HELD_BYTES_MAX, "{held} bytes for {STALLED} calls");

    // By TCP: the windows are wide, and nothing is read at all.
    let mut deaf = world.attack(1 << 30).await;
    deaf.say(&window(0, 1 << 30)).await;
    deaf.say(&calls).await;
    until("a call that reaches the provider", async || {
        (taken.load(Ordering::Relaxed) > held).then_some(())
    })
    .await;
    bystander.goes_on().await;
    bystander.finish("answers that nobody reads").await;
    drop((slow, deaf));
    world.hub.stop().await;
}

/// Sends its answer in frames of one byte when asked for that.
async fn drip_or_echo(mut exchange: Exchange, taken: Arc<AtomicUsize>) {
    if !exchange.head.headers.contains_key("x-drip") {
        return echo(exchange).await;
    }
    let Ok(mut stream) = exchange.respond.send_response(headers(), false) else {
        return;
    };
    let mut whole: Bytes = framed(0, &vec![0xa5; DRIPPED_BYTES]);
    while !whole.is_empty() {
        if send(&mut stream, whole.split_to(1)).await.is_none() {
            return;
        }
        taken.fetch_add(1, Ordering::Relaxed);
    }
    let _gone = stream.send_trailers(trailers("0"));
}

const DRIPPED_BYTES: usize = 48 * 1024;
/// Calls that go to the same provider.
const OTHERS: usize = 20;
const DRIPPED: usize = 4;
/// A frame of one byte that stands alone holds a record and a buffer, thousands of bytes; all of
/// them together would be 200,000 such frames.
const DRIPPED_GROWTH_BYTES_MAX: usize = 16 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn single_bytes_that_nobody_reads_cost_no_more_than_bytes() {
    let taken = Arc::new(AtomicUsize::new(0));
    let handler = {
        let taken = Arc::clone(&taken);
        move |exchange| drip_or_echo(exchange, Arc::clone(&taken))
    };
    let mut world = Abused::start(echo).await;
    let dripping = Provider::serve(&world.hub, &world.hub.issue(BAD), handler);
    world.offer_bad(&dripping);
    let mut bystander = Bystander::start(&world).await;
    let before = world.hub.resident_bytes();
    let mut deaf = world.attack(1 << 30).await;
    deaf.say(&window(0, 1 << 30)).await;
    let path = format!("/{BAD_SERVICE}/Drip");
    let list = [request(&path), field("x-drip", b"1")].concat();
    let calls: Vec<u8> = (0..DRIPPED)
        .flat_map(|it| {
            let stream = u32::try_from(2 * it + 1).unwrap();
            frame(HEADERS, END_HEADERS | END_STREAM, stream, &list)
        })
        .collect();
    deaf.say(&calls).await;
    // Less than a window each: the hub takes it all, and the consumer takes none.
    until("all that drips", async || {
        (taken.load(Ordering::Relaxed) == DRIPPED * (DRIPPED_BYTES + 5)).then_some(())
    })
    .await;
    bystander.goes_on().await;
    // The connection to the provider lives: others' calls pass on it.
    let other = Consumer::connect(&world.hub, &world.attacker).await;
    for _ in 0..OTHERS {
        let answer = other
            .call(&Call::to(path.as_str()), message(b"beside"))
            .await;
        assert_eq!(answer.grpc_status(), 0, "{answer:?}");
    }
    let grown = world.hub.resident_bytes().saturating_sub(before);
    assert!(grown <= DRIPPED_GROWTH_BYTES_MAX, "{grown} bytes");
    eprintln!("{DRIPPED} answers in single bytes: {grown} bytes more");
    bystander.finish("single bytes").await;
    drop(deaf);
    world.hub.stop().await;
}
