//! Header lists that do not end or that grow when they are unpacked, and gRPC messages that are
//! not as long as they say.

use bytes::Bytes;

use super::bystander::{Abused, Bystander, WIDE};
use crate::support::call::message;
use crate::support::consumer::Consumer;
use crate::support::frames::{
    CONTINUATION, END_HEADERS, ENHANCE_YOUR_CALM, HEADERS, field, frame, length, request,
};
use crate::support::provider::echo;
use crate::support::refusal::check;
use crate::support::wait::within;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, call};

const FRAME_BYTES: usize = 16 * 1024;

/// A field that is remembered (HPACK, section 6.2.1).
fn remembered(name: &str, value: &[u8]) -> Vec<u8> {
    let mut field = vec![0x40];
    for text in [name.as_bytes(), value] {
        field.extend(length(text.len()));
        field.extend(text);
    }
    field
}

/// The frames of a header list that is cut into pieces; the last is not marked as such unless it
/// ends.
fn pieces(list: &[u8], ends: bool) -> Vec<u8> {
    let mut pieces: Vec<&[u8]> = list.chunks(FRAME_BYTES).collect();
    let last = pieces.pop().unwrap_or_default();
    let mut frames = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let kind = if at == 0 { HEADERS } else { CONTINUATION };
        frames.extend(frame(kind, 0, 1, piece));
    }
    let kind = if pieces.is_empty() {
        HEADERS
    } else {
        CONTINUATION
    };
    let flags = if ends { END_HEADERS } else { 0 };
    frames.extend(frame(kind, flags, 1, last));
    frames
}

#[tokio::test(flavor = "multi_thread")]
async fn header_lists_without_end_or_measure_end_their_connection() {
    let world = Abused::start(echo).await;
    let mut bystander = Bystander::start(&world).await;
    let head = request(&format!("/{SERVICE}/Echo"));
    let begun = frame(HEADERS, 0, 1, &head);
    let empty = frame(CONTINUATION, 0, 1, &[]).repeat(100);
    let full = frame(CONTINUATION, 0, 1, &field("x-more", &[b'x'; 16_000])).repeat(100);
    // One field of 4,000 bytes, and 16,000 times the one byte that stands for it: 64 MB.
    let bomb = [
        head.clone(),
        remembered("x-bomb", &[b'x'; 3_900]),
        vec![0xbe; 16_000],
    ]
    .concat();
    let long = [head.clone(), field("x-long", &vec![b'x'; 4 << 20])].concat();
    let rows: [(&str, Vec<u8>); 5] = [
        (
            "CONTINUATION without content, for ever",
            [begun.clone(), empty].concat(),
        ),
        ("CONTINUATION for ever", [begun, full].concat()),
        ("an HPACK bomb", pieces(&bomb, true)),
        ("one field of 4 MiB", pieces(&long, true)),
        ("one field of 4 MiB, for ever", pieces(&long, false)),
    ];
    for (what, bytes) in rows {
        let mut attacker = world.attack(WIDE).await;
        attacker.say(&bytes).await;
        let told = within(what, attacker.read.told_to_go()).await;
        assert_eq!(told, Some(ENHANCE_YOUR_CALM), "{what}");
    }
    world.has_shed("protocol", 5).await;
    bystander.goes_on().await;
    bystander.finish("header lists without end").await;
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_lie_about_their_length_are_refused() {
    let world = Abused::start(echo).await;
    let mut bystander = Bystander::start(&world).await;
    let consumer = Consumer::connect(&world.hub, &world.attacker).await;
    let announced = |bytes: u32, sent: &[u8]| -> Bytes {
        [&[0], &bytes.to_be_bytes()[..], sent].concat().into()
    };
    let rows = [
        ("4 GiB", announced(u32::MAX, b"few"), "MESSAGE_TOO_LARGE"),
        (
            "more than comes",
            announced(100, b"few"),
            "MALFORMED_REQUEST",
        ),
        ("less than comes", announced(1, b"few"), "MALFORMED_REQUEST"),
        (
            "half a prefix",
            Bytes::from_static(&[0, 0, 0]),
            "MALFORMED_REQUEST",
        ),
    ];
    for (what, body, reason) in rows {
        let answer = consumer.try_call(&call(), body).await.unwrap();
        let ending = answer.ending();
        let status = crate::support::refusal::meaning(reason).status;
        assert_eq!(answer.grpc_status(), status, "{what}: {ending:?}");
        let told = crate::support::refusal::Refusal::read(ending).info.reason;
        assert_eq!(told, reason, "{what}");
        // The connection is as good as before.
        let answer = consumer.call(&call(), message(b"honest")).await;
        assert_eq!(answer.grpc_status(), 0, "{what}");
    }
    bystander.goes_on().await;
    bystander
        .finish("messages that lie about their length")
        .await;
    world.hub.stop().await;
}

/// Within HTTP/2's limit and above the hub's, a header list is refused in gRPC's terms.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_is_merely_too_large_is_told_so() {
    let world = Abused::start(echo).await;
    let consumer = Consumer::connect(&world.hub, &world.attacker).await;
    let large = call().with("x-large", &"x".repeat(20_000));
    let answer = consumer.call(&large, message(b"")).await;
    let refusal = check(&answer, "METADATA_TOO_LARGE", [CONSUMER, "", SERVICE]);
    assert!(
        refusal.retry.is_none(),
        "{PROVIDER} is not to be tried again"
    );
    world.hub.stop().await;
}
