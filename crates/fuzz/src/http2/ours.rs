//! What the hub's own HTTP/2 sees.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http::HeaderMap;
use ndxp_http2::server::Event;
use ndxp_http2::{Config, Error, RecvStream, Target};

use super::wire::Wire;
use super::{
    End, HEADER_LIST_BYTES_MAX, REQUESTS, STREAM_WINDOW_BYTES, STREAMS_MAX, Seen, Stream, text,
};

const CONFIG: Config = Config {
    stream_window_bytes: STREAM_WINDOW_BYTES,
    header_list_bytes_max: HEADER_LIST_BYTES_MAX,
    fields: 2,
    streams_max: STREAMS_MAX,
    error_resets_max: 1_000,
    reset_streams_max: 1_000,
};

pub fn server(wire: Wire) -> Seen {
    let told = wire.told();
    let mut seen = Seen::default();
    let mut cx = Context::from_waker(Waker::noop());
    let shaken = pin!(ndxp_http2::server::handshake(wire, CONFIG)).poll(&mut cx);
    let Poll::Ready(Ok(mut connection)) = shaken else {
        return seen;
    };
    let mut taken = Vec::new();
    while let Poll::Ready(Some(Ok(event))) = pin!(connection.accept()).poll(&mut cx) {
        let Event::Asked(request, respond) = event else {
            continue;
        };
        let (head, body) = request.into_parts();
        let head = format!("{} {} {}", head.method, head.uri, text(&head.headers));
        taken.push((head, body, respond));
    }
    for (head, body, _) in &mut taken {
        seen.streams.push(read(std::mem::take(head), body, &mut cx));
    }
    // What was read may be told.
    let _pending = pin!(connection.accept()).poll(&mut cx).is_ready();
    told.note(&mut seen);
    seen
}

pub fn client(wire: Wire) -> Seen {
    let told = wire.told();
    let mut seen = Seen::default();
    let mut cx = Context::from_waker(Waker::noop());
    let (mut send, mut connection) = ndxp_http2::client::handshake(wire.after_a_pause(), CONFIG);
    let target = Target {
        authority: "provider",
        path: "/s/m",
    };
    let headers = HeaderMap::new();
    let mut answers = Vec::new();
    for _ in 0..REQUESTS {
        let sent = send.send_request(target, headers.iter(), true);
        answers.extend(sent.map(|(answer, _)| answer));
    }
    // They are sent, and then answered.
    for _ in 0..2 {
        let _ended = Pin::new(&mut connection).poll(&mut cx).is_ready();
    }
    let mut bodies = Vec::new();
    for answer in &mut answers {
        let mut stream = Stream::default();
        match Pin::new(answer).poll(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(Err(error)) => stream.end = broken(error),
            Poll::Ready(Ok(answer)) => {
                let (head, mut body) = answer.into_parts();
                let head = format!("{} {}", head.status, text(&head.headers));
                stream = read(head, &mut body, &mut cx);
                // Held, as a reader would that waits for more.
                bodies.push(body);
            }
        }
        seen.streams.push(stream);
    }
    let _ended = Pin::new(&mut connection).poll(&mut cx).is_ready();
    told.note(&mut seen);
    seen
}

fn read(head: String, body: &mut RecvStream, cx: &mut Context<'_>) -> Stream {
    let mut content = Vec::new();
    let end = loop {
        match body.poll_data(cx) {
            Poll::Pending => break End::Open,
            Poll::Ready(Some(Ok(piece))) => content.extend_from_slice(&piece),
            Poll::Ready(Some(Err(error))) => break broken(error),
            Poll::Ready(None) => match body.poll_trailers(cx) {
                Poll::Pending => break End::Open,
                Poll::Ready(Ok(trailers)) => break End::Over(trailers.as_ref().map(text)),
                Poll::Ready(Err(error)) => break broken(error),
            },
        }
    };
    let content = (content.len(), crc32c::crc32c(&content));
    Stream { head, content, end }
}

fn broken(error: Error) -> End {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => End::Reset(reason.code()),
        _ => End::Broken,
    }
}
