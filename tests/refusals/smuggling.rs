//! Header lists that say two things at once, to two readers: the hub's HTTP/2 refuses each as
//! malformed, before anything of it is a call, and no provider hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::call::message;
use crate::support::frames::{
    Client, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, field, frame, request,
};
use crate::support::provider::echo;
use crate::support::wait::within;
use crate::support::world::{SERVICE, World, call};

/// RFC 9113, section 7.
const PROTOCOL_ERROR: u32 = 1;
const WINDOW_BYTES: u32 = 1 << 16;

#[tokio::test(flavor = "multi_thread")]
async fn header_lists_that_two_readers_could_read_differently_are_malformed() {
    let heard = Arc::new(AtomicUsize::new(0));
    let hearing = Arc::clone(&heard);
    let world = World::start(move |exchange| {
        hearing.fetch_add(1, Ordering::Relaxed);
        echo(exchange)
    })
    .await;
    // What stands behind a list that is good, and makes it bad.
    let rows: [(&str, &[u8]); 15] = [
        ("connection", b"keep-alive"),
        ("connection", b"ndxp-consumer"),
        ("keep-alive", b"timeout=5"),
        ("proxy-connection", b"keep-alive"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"h2c"),
        ("te", b"gzip"),
        (":path", b"/ndxp.test.v1.OtherService/Echo"),
        (":authority", b"elsewhere"),
        (":status", b"200"),
        (":ndxp-consumer", b"H99/lgsp"),
        ("NDXP-Consumer", b"H99/lgsp"),
        ("Content-Type", b"application/grpc"),
        ("x-split", b"a\r\nndxp-consumer: H99/lgsp"),
        ("x name", b"a"),
    ];
    let good = request(&format!("/{SERVICE}/Echo"));
    for (name, value) in rows {
        let list = [good.clone(), field(name, value)].concat();
        let mut wire = connect(&world).await;
        wire.say(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &list))
            .await;
        let code = within("the end of the stream or the connection", async {
            loop {
                let frame = wire.read.next().await?;
                match frame.kind {
                    RST_STREAM => return Some(frame.code()),
                    GOAWAY => {
                        return Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
                    }
                    HEADERS => panic!("{name}: it was taken for a call"),
                    _ => {}
                }
            }
        });
        assert_eq!(code.await, Some(PROTOCOL_ERROR), "{name}: {value:?}");
    }
    assert_eq!(
        heard.load(Ordering::Relaxed),
        0,
        "no provider hears of them"
    );
    let answer = world.consumer.call(&call(), message(b"good")).await;
    assert_eq!(answer.grpc_status(), 0);
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    world.hub.stop().await;
}

async fn connect(world: &World) -> Client {
    Client::connect(
        world.hub.exchange(),
        world.credentials.client(),
        WINDOW_BYTES,
    )
    .await
}
