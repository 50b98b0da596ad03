//! What `h2` sees.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::{Error, RecvStream};
use http::Request;

use super::wire::Wire;
use super::{
    End, HEADER_LIST_BYTES_MAX, REQUESTS, STREAM_WINDOW_BYTES, STREAMS_MAX, Seen, Stream, text,
};

pub fn server(wire: Wire) -> Seen {
    let told = wire.told();
    let mut seen = Seen::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut builder = h2::server::Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .max_concurrent_reset_streams(1_000)
        .max_pending_accept_reset_streams(1_000)
        .max_local_error_reset_streams(Some(1_000));
    let shaken = pin!(builder.handshake::<_, Bytes>(wire)).poll(&mut cx);
    let Poll::Ready(Ok(mut connection)) = shaken else {
        return seen;
    };
    let mut taken = Vec::new();
    while let Poll::Ready(Some(Ok((request, respond)))) = pin!(connection.accept()).poll(&mut cx) {
        let (head, body) = request.into_parts();
        let head = format!("{} {} {}", head.method, head.uri, text(&head.headers));
        taken.push((head, body, respond));
    }
    for (head, body, _) in &mut taken {
        seen.streams.push(read(std::mem::take(head), body, &mut cx));
    }
    let _pending = pin!(connection.accept()).poll(&mut cx).is_ready();
    told.note(&mut seen);
    seen
}

pub fn client(wire: Wire) -> Seen {
    let told = wire.told();
    let mut seen = Seen::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_concurrent_reset_streams(1_000)
        .max_local_error_reset_streams(Some(1_000));
    let shaken = pin!(builder.handshake::<_, Bytes>(wire.after_a_pause())).poll(&mut cx);
    let Poll::Ready(Ok((mut send, mut connection))) = shaken else {
        return seen;
    };
    let mut answers = Vec::new();
    for _ in 0..REQUESTS {
        let request = Request::post("https://provider/s/m").body(());
        let request = request.expect("a URI and a method");
        let _ready = send.poll_ready(&mut cx).is_ready();
        let sent = send.send_request(request, true);
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
            Poll::Ready(Err(error)) => stream.end = broken(&error),
            Poll::Ready(Ok(answer)) => {
                let (head, mut body) = answer.into_parts();
                let head = format!("{} {}", head.status, text(&head.headers));
                stream = read(head, &mut body, &mut cx);
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
            Poll::Ready(Some(Err(error))) => break broken(&error),
            Poll::Ready(None) => match body.poll_trailers(cx) {
                Poll::Pending => break End::Open,
                Poll::Ready(Ok(trailers)) => break End::Over(trailers.as_ref().map(text)),
                Poll::Ready(Err(error)) => break broken(&error),
            },
        }
    };
    let content = (content.len(), crc32c::crc32c(&content));
    Stream { head, content, end }
}

fn broken(error: &Error) -> End {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => End::Reset(reason.into()),
        _ => End::Broken,
    }
}
