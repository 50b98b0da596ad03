//! Providers that misbehave on the bare wire: the call ends as it should, and neither the calls to
//! others nor the hub notice.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::bystander::{Abused, BYSTANDER, Bystander};
use crate::support::call::{Call, message};
use crate::support::consumer::Consumer;
use crate::support::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, SETTINGS, Wire, answer, field,
    frame, many, reset,
};
use crate::support::provider::{Provider, echo};
use crate::support::wait::within;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, members};

type Hubs = Wire<TlsStream<TcpStream>>;

pub const BAD: &str = "G01/bad";
pub const BAD_SERVICE: &str = "ndxp.test.v1.BadService";

/// What a provider does with a call, by the name of the method.
#[derive(Clone, Copy, Debug)]
enum Misdeed {
    Hang,
    Trickle,
    PingFlood,
    SettingsFlood,
    InformationFlood,
    Reset,
    Vanish,
    ShortContent,
    LongContent,
    HugeMessage,
    BeyondTheWindow,
    EndlessHeaders,
    LargeHeaders,
    TooLargeHeaders,
    EndlessTrailers,
    LargeTrailers,
    Garbage,
}

const OK: u8 = END_HEADERS;

impl Misdeed {
    async fn commit(self, wire: &mut Hubs, stream: u32) {
        let headers = frame(HEADERS, OK, stream, &answer());
        let claiming = |bytes: &str| {
            let list = [answer(), field("content-length", bytes.as_bytes())].concat();
            frame(HEADERS, OK, stream, &list)
        };
        let status = frame(
            HEADERS,
            OK | END_STREAM,
            stream,
            &field("grpc-status", b"0"),
        );
        let data = |bytes: &[u8]| frame(DATA, 0, stream, bytes);
        let more = |list: &[u8]| many(200, &frame(CONTINUATION, 0, stream, list));
        let much = field("x-more", &[b'x'; 16_000]);
        let said = match self {
            Self::Hang => vec![],
            Self::Vanish => {
                let _gone = tokio::io::AsyncWriteExt::shutdown(&mut wire.write).await;
                vec![]
            }
            Self::Trickle => {
                wire.say(&headers).await;
                // A message of 100 bytes, a byte at a time, and never the last.
                for byte in [0, 0, 0, 0, 100, 1, 2, 3, 4, 5] {
                    wire.say(&data(&[byte])).await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                vec![]
            }
            Self::PingFlood => many(200_000, &frame(PING, 0, 0, &[7; 8])),
            Self::SettingsFlood => many(200_000, &frame(SETTINGS, 0, 0, &[])),
            Self::InformationFlood => {
                let continues = frame(HEADERS, OK, stream, &field(":status", b"100"));
                many(200_000, &continues)
            }
            Self::Reset => reset(stream, 2),
            Self::ShortContent => [claiming("100"), data(&message(b"few")), status].concat(),
            Self::LongContent => [claiming("3"), data(&message(b"more")), status].concat(),
            Self::HugeMessage => [headers, data(&[0, 0xff, 0xff, 0xff, 0xff, 1])].concat(),
            // The hub's window of a stream is 256 KiB.
            Self::BeyondTheWindow => [headers, many(1_024, &data(&[0; 16_000]))].concat(),
            Self::EndlessHeaders => [frame(HEADERS, 0, stream, &answer()), more(&much)].concat(),
            Self::LargeHeaders => {
                let list = [answer(), field("x-large", &vec![b'x'; 50_000])].concat();
                [cut(stream, OK, &list), status].concat()
            }
            // Four times `limits.metadata_bytes_max` are read.
            Self::TooLargeHeaders => {
                let list = [answer(), field("x-large", &vec![b'x'; 100_000])].concat();
                [cut(stream, OK, &list), status].concat()
            }
            Self::EndlessTrailers => {
                let begun = frame(HEADERS, END_STREAM, stream, &field("grpc-status", b"0"));
                [headers, begun, more(&much)].concat()
            }
            Self::LargeTrailers => {
                let list = [
                    field("grpc-status", b"0"),
                    field("x-large", &vec![b'x'; 50_000]),
                ];
                [headers, cut(stream, OK | END_STREAM, &list.concat())].concat()
            }
            Self::Garbage => vec![0xa5; 64 * 1024],
        };
        wire.say(&said).await;
    }
}

/// The frames of a header list that is cut into pieces.
fn cut(stream: u32, flags: u8, list: &[u8]) -> Vec<u8> {
    let (first, rest) = list.split_at(16_000.min(list.len()));
    let mut frames = frame(HEADERS, flags & END_STREAM, stream, first);
    let pieces: Vec<_> = rest.chunks(16_000).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let last = at + 1 == pieces.len();
        frames.extend(frame(
            CONTINUATION,
            if last { END_HEADERS } else { 0 },
            stream,
            piece,
        ));
    }
    frames
}

/// Reads calls and does to each what it was made for.
async fn misbehave(connection: TlsStream<TcpStream>, misdeed: Misdeed) {
    let Some(mut wire) = Wire::serve(connection).await else {
        return;
    };
    wire.say(&frame(SETTINGS, 1, 0, &[])).await;
    while let Some(call) = wire.read.next().await {
        if call.kind == HEADERS {
            misdeed.commit(&mut wire, call.stream).await;
        }
    }
}

/// How the consumer's call ends: with this status, or reset with this code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Status(u32),
    Reset(h2::Reason),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_misbehaves_harms_its_own_calls_only() {
    let mut world = Abused::start(echo).await;
    // What each kind of misdeed is answered with.
    let rows = [
        (Misdeed::Hang, End::Status(4)),
        (Misdeed::Trickle, End::Status(4)),
        (Misdeed::PingFlood, End::Status(14)),
        (Misdeed::SettingsFlood, End::Status(14)),
        (Misdeed::InformationFlood, End::Status(14)),
        (Misdeed::Reset, End::Reset(h2::Reason::INTERNAL_ERROR)),
        (Misdeed::Vanish, End::Status(14)),
        (Misdeed::ShortContent, End::Status(14)),
        (Misdeed::LongContent, End::Status(14)),
        (Misdeed::HugeMessage, End::Status(8)),
        (Misdeed::BeyondTheWindow, End::Status(14)),
        (Misdeed::EndlessHeaders, End::Status(14)),
        (Misdeed::LargeHeaders, End::Status(0)),
        (Misdeed::TooLargeHeaders, End::Status(14)),
        (Misdeed::EndlessTrailers, End::Status(14)),
        (Misdeed::LargeTrailers, End::Status(0)),
        (Misdeed::Garbage, End::Status(14)),
    ];
    let credentials = world.hub.issue(BAD);
    let mut bystander = Bystander::start(&world).await;
    for (misdeed, expected) in rows {
        let provider = Provider::serve_connections(&world.hub, &credentials, move |connection| {
            misbehave(connection, misdeed)
        });
        world.offer_bad(&provider);
        let consumer = Consumer::connect(&world.hub, &world.attacker).await;
        let call = Call::to(format!("/{BAD_SERVICE}/Call")).with("grpc-timeout", "2S");
        for _ in 0..3 {
            let (answer, mut upload) = consumer.open(&call, false).await.unwrap();
            let _answered = upload.send_data(message(b"please"), true);
            let ended = within("the end of a call", async {
                crate::support::call::Answer::read(answer.await?).await
            });
            let ended = match ended.await {
                Ok(answer) => End::Status(answer.grpc_status()),
                Err(error) => End::Reset(error.reason().expect("only the call ends")),
            };
            assert_eq!(ended, expected, "{misdeed:?}");
        }
    }
    bystander.goes_on().await;
    bystander.finish("providers that misbehave").await;
    world.hub.stop().await;
}

impl Abused {
    /// The attacker may call the provider that misbehaves; the good one stays as it was.
    pub fn offer_bad(&mut self, bad: &Provider) {
        let catalogue = members()
            .member("H40", "")
            .system(BYSTANDER, &[], "")
            .system(PROVIDER, &[self.provider.address], "")
            .service(PROVIDER, SERVICE, "")
            .grant(CONSUMER, PROVIDER, SERVICE, "")
            .grant(BYSTANDER, PROVIDER, SERVICE, "")
            .system(BAD, &[bad.address], "")
            .service(BAD, BAD_SERVICE, "")
            .grant(CONSUMER, BAD, BAD_SERVICE, "");
        self.hub.apply(&catalogue);
    }
}
