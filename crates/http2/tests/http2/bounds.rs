//! What a peer can make a connection hold. No runtime is needed: a connection is polled until it waits.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http::Response;
use ndxp_http2::server::{self, Event};
use ndxp_http2::{Config, WAITING_BYTES_MAX};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const STREAMS_MAX: u32 = 100;
const CONFIG: Config = Config {
    stream_window_bytes: 65_535,
    header_list_bytes_max: 16 * 1024,
    fields: 4,
    streams_max: STREAMS_MAX,
    error_resets_max: usize::MAX,
    reset_streams_max: 10,
};

/// A client that says one thing after the other, and reads nothing.
struct Deaf {
    said: Vec<u8>,
    /// What it says for ever, made of how often it has done so.
    next: fn(u32) -> Vec<u8>,
    times: u32,
}

impl Deaf {
    fn saying(next: fn(u32) -> Vec<u8>) -> Self {
        Self {
            said: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
            next,
            times: 0,
        }
    }
}

impl AsyncRead for Deaf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.said.len() < buf.remaining() {
            let more = (self.next)(self.times);
            self.said.extend(more);
            self.times += 1;
        }
        let rest = self.said.split_off(buf.remaining());
        buf.put_slice(&self.said);
        self.said = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Deaf {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head, &stream.to_be_bytes()[..], payload].concat()
}

/// Answers all that such a client asks until the connection waits; how much it has asked.
fn answered(client: Deaf) -> u32 {
    let mut cx = Context::from_waker(Waker::noop());
    let shaken = pin!(server::handshake(client, CONFIG)).poll(&mut cx);
    let Poll::Ready(Ok(mut connection)) = shaken else {
        panic!("it has said its first words");
    };
    let mut asked = 0;
    while let Poll::Ready(event) = pin!(connection.accept()).poll(&mut cx) {
        match event {
            Some(Ok(Event::Asked(_, mut respond))) => {
                respond.send_response(&Response::new(()), true).unwrap();
                asked += 1;
            }
            other => panic!("the connection lasts: {other:?}"),
        }
        assert!(asked < 1_000_000, "it is read without end");
    }
    asked
}

#[test]
fn a_client_that_reads_no_answers_is_read_no_more() {
    // An answer is a frame of its status alone, and a reset, as the request's end is not awaited.
    let answer_bytes = 9 + 1 + 9 + 4;
    let asked = answered(Deaf::saying(|times| {
        frame(1, 0x4, 2 * times + 1, b"\x83\x87\x84")
    }));
    let bound = WAITING_BYTES_MAX / answer_bytes + STREAMS_MAX as usize;
    assert!(asked as usize <= bound, "{asked} of {bound}");
    assert!(asked > 0);
}

#[test]
fn pings_that_are_not_heard_are_read_no_more() {
    // Returns because the connection waits, and not because of its end.
    assert_eq!(answered(Deaf::saying(|_| frame(6, 0, 0, b"12345678"))), 0);
}
