//! Against `h2`, which nobody here wrote: what the two say to each other, within windows and limits that
//! are met on the way.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use ndxp_http2::server::Event;
use ndxp_http2::{Config, Reason, RecvStream, SendStream, Target, client, server};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

const CONFIG: Config = Config {
    stream_window_bytes: 65_535,
    header_list_bytes_max: 64 * 1024,
    fields: 4,
    streams_max: 100,
    error_resets_max: 10,
    reset_streams_max: 10,
};
const TARGET: Target<'static> = Target {
    authority: "provider",
    path: "/service/Method",
};
/// More than any window, and no multiple of a frame.
const LARGE: usize = 1_234_567;

/// A connection's two ends; little fits between them.
fn wire() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(4 * 1024)
}

/// One on which several frames come at once.
fn wide_wire() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(100_000)
}

/// No part of it is like another.
fn large_content() -> Bytes {
    (0..LARGE)
        .flat_map(|at| u32::to_le_bytes(at as u32))
        .take(LARGE)
        .collect()
}

/// Reads a body to its end, and gives back what it has read.
async fn read(body: &mut RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut content = Vec::new();
    while let Some(piece) = poll_fn(|cx| body.poll_data(cx)).await {
        let piece = piece.expect("the stream lasts");
        content.extend_from_slice(&piece);
        body.release_capacity(piece.len());
    }
    (content, body.trailers().await.expect("the stream lasts"))
}

/// Sends content piece by piece, as room is had for it.
async fn send(stream: &mut SendStream, mut content: &[u8], ends: bool) {
    while !content.is_empty() {
        let room = poll_fn(|cx| stream.poll_room(cx, content.len())).await;
        let (now, rest) = content.split_at(room.expect("the stream lasts"));
        content = rest;
        let last = ends && rest.is_empty();
        stream
            .send_data(Bytes::copy_from_slice(now), last)
            .expect("the stream lasts");
    }
}

/// Echoes each request by our server: content, and as trailers the headers that begin with `x-`.
fn echoing_server(wire: DuplexStream) -> JoinHandle<Result<(), ndxp_http2::Error>> {
    tokio::spawn(async move {
        let mut connection = server::handshake(wire, CONFIG).await?;
        while let Some(taken) = connection.accept().await {
            let Event::Asked(request, mut respond) = taken? else {
                continue;
            };
            tokio::spawn(async move {
                let (head, mut body) = request.into_parts();
                let mut stream = respond.send_response(&Response::new(()), false).unwrap();
                let (content, _) = read(&mut body).await;
                send(&mut stream, &content, false).await;
                let mut trailers = head.headers;
                trailers.remove("content-type");
                stream.send_trailers(&trailers).unwrap();
            });
        }
        Ok(())
    })
}

/// Echoes each request by theirs, which takes so many at once.
fn echoing_h2(wire: DuplexStream, streams_max: u32) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(streams_max);
        let mut connection = builder.handshake::<_, Bytes>(wire).await.unwrap();
        let mut paths = Vec::new();
        while let Some(Ok((request, respond))) = connection.accept().await {
            paths.push(request.uri().path().to_owned());
            tokio::spawn(echo_by_h2(request, respond));
        }
        paths
    })
}

async fn echo_by_h2(
    request: Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
) {
    let (head, mut body) = request.into_parts();
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    while let Some(Ok(mut piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).unwrap();
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len());
            let room = poll_fn(|cx| stream.poll_capacity(cx)).await;
            let Some(Ok(room)) = room else { return };
            stream.send_data(piece.split_to(room), false).unwrap();
        }
    }
    let mut trailers = HeaderMap::new();
    if let Some(value) = head.headers.get("x-large") {
        trailers.insert("x-large", value.clone());
    }
    let _gone = stream.send_trailers(trailers);
}

#[tokio::test]
async fn a_server_takes_and_gives_more_than_any_window_holds() {
    server_echoes(wire()).await;
    server_echoes(wide_wire()).await;
}

async fn server_echoes((near, far): (DuplexStream, DuplexStream)) {
    let served = echoing_server(far);
    let (mut sender, connection) = h2::client::handshake(near).await.unwrap();
    let driven = tokio::spawn(connection);
    // A list that takes several frames.
    let large = "v".repeat(40_000);
    let request = Request::post("https://hub/service/Method").header("x-large", &large);
    let (answer, mut stream) = sender
        .send_request(request.body(()).unwrap(), false)
        .unwrap();
    let content = large_content();
    let sent = content.clone();
    let sending = async move {
        let mut rest = sent;
        while !rest.is_empty() {
            stream.reserve_capacity(rest.len());
            let room = poll_fn(|cx| stream.poll_capacity(cx)).await.unwrap();
            let piece = rest.split_to(room.unwrap());
            stream.send_data(piece, rest.is_empty()).unwrap();
        }
    };
    let receiving = async {
        let mut body = answer.await.unwrap().into_body();
        let mut received = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece.unwrap();
            received.extend_from_slice(&piece);
            body.flow_control().release_capacity(piece.len()).unwrap();
        }
        (received, body.trailers().await.unwrap().unwrap())
    };
    let ((), (received, trailers)) = tokio::join!(sending, receiving);
    assert!(received == content, "the content comes back as it was");
    assert_eq!(trailers["x-large"], large);
    drop(sender);
    driven.await.unwrap().unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_gives_and_takes_more_than_any_window_holds() {
    client_is_echoed(wire()).await;
    client_is_echoed(wide_wire()).await;
}

async fn client_is_echoed((near, far): (DuplexStream, DuplexStream)) {
    let served = echoing_h2(far, 10);
    let (mut sender, connection) = client::handshake(near, CONFIG);
    let driven = tokio::spawn(connection);
    let large = HeaderValue::try_from("v".repeat(40_000)).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-large", large.clone());
    poll_fn(|cx| sender.poll_ready(cx)).await.unwrap();
    let (answer, mut stream) = sender.send_request(TARGET, headers.iter(), false).unwrap();
    let content = large_content();
    let receiving = async {
        let mut body = answer.await.unwrap().into_body();
        read(&mut body).await
    };
    let ((), (received, trailers)) = tokio::join!(send(&mut stream, &content, true), receiving);
    assert!(received == content, "the content comes back as it was");
    assert_eq!(trailers.unwrap()["x-large"], large);
    drop((sender, stream));
    driven.await.unwrap().unwrap();
    assert_eq!(served.await.unwrap(), [TARGET.path]);
}

/// Who waits for a place gets it in turn, and one that gives up passes its own on.
#[tokio::test]
async fn requests_above_the_limit_wait_their_turn() {
    let (near, far) = wire();
    let served = echoing_h2(far, 2);
    let (sender, connection) = client::handshake(near, CONFIG);
    let driven = tokio::spawn(connection);
    let mut calls = Vec::new();
    for nth in 0..20 {
        let mut sender = sender.clone();
        calls.push(tokio::spawn(async move {
            let mut ready = pin!(poll_fn(|cx| sender.poll_ready(cx)));
            // Every third stands in the queue and goes away again.
            let waits = poll_fn(|cx| Poll::Ready(ready.as_mut().poll(cx).is_pending())).await;
            if waits && nth % 3 == 0 {
                return;
            }
            if waits {
                ready.await.unwrap();
            }
            let path = format!("/{nth:02}");
            let target = Target {
                path: &path,
                ..TARGET
            };
            let headers = HeaderMap::new();
            let (answer, mut stream) = sender.send_request(target, headers.iter(), false).unwrap();
            send(&mut stream, b"x", true).await;
            let mut body = answer.await.unwrap().into_body();
            assert_eq!(read(&mut body).await.0, b"x");
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    drop(sender);
    driven.await.unwrap().unwrap();
    let paths = served.await.unwrap();
    assert!(paths.len() >= 13, "{paths:?}");
    assert!(paths.is_sorted(), "{paths:?}");
}

/// A stream that is let go of is broken off, so that the other side does not work for nobody; and one whose
/// reader has gone gives the connection's window back.
#[tokio::test]
async fn what_nobody_holds_is_broken_off() {
    let (near, far) = wire();
    let served = tokio::spawn(async move {
        let mut connection = h2::server::handshake(far).await.unwrap();
        let mut codes = Vec::new();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            // More than a window, which is never read.
            stream.reserve_capacity(60_000);
            stream
                .send_data(Bytes::from(vec![0; 60_000]), false)
                .unwrap();
            let code = tokio::spawn(async move {
                let code = poll_fn(|cx| stream.poll_reset(cx)).await.unwrap();
                drop(request);
                code
            });
            codes.push(code);
        }
        let mut told = Vec::new();
        for code in codes {
            told.push(code.await.unwrap());
        }
        told
    });
    let (mut sender, connection) = client::handshake(near, CONFIG);
    let driven = tokio::spawn(connection);
    for _ in 0..5 {
        poll_fn(|cx| sender.poll_ready(cx)).await.unwrap();
        let headers = HeaderMap::new();
        let (answer, stream) = sender.send_request(TARGET, headers.iter(), false).unwrap();
        let mut body = answer.await.unwrap().into_body();
        poll_fn(|cx| body.poll_data(cx)).await.unwrap().unwrap();
        drop((body, stream));
    }
    drop(sender);
    driven.await.unwrap().unwrap();
    assert_eq!(served.await.unwrap(), [h2::Reason::CANCEL; 5]);
}

/// After a good-bye what was begun ends in order, and nothing more is taken.
#[tokio::test]
async fn a_graceful_end_lets_calls_end() {
    let (near, far) = wire();
    let served = tokio::spawn(async move {
        let mut connection = server::handshake(far, CONFIG).await.unwrap();
        let Event::Asked(request, mut respond) = connection.accept().await.unwrap().unwrap() else {
            panic!("nothing was withdrawn");
        };
        connection.graceful_shutdown();
        let answering = tokio::spawn(async move {
            let (content, _) = read(&mut request.into_body()).await;
            let mut stream = respond.send_response(&Response::new(()), false).unwrap();
            send(&mut stream, &content, true).await;
        });
        let next = connection.accept().await;
        answering.await.unwrap();
        next.is_none()
    });
    let (mut sender, connection) = client::handshake(near, CONFIG);
    let driven = tokio::spawn(connection);
    let headers = HeaderMap::new();
    let (answer, mut stream) = sender.send_request(TARGET, headers.iter(), false).unwrap();
    // Refused from the moment on at which the good-bye is read.
    let refused = poll_fn(|cx| match sender.poll_ready(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(error),
        _ => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    });
    let refused = refused.await;
    assert!(refused.is_go_away() && refused.is_remote(), "{refused}");
    assert_eq!(refused.reason(), Some(Reason::NO_ERROR));
    send(&mut stream, b"what was begun", true).await;
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(read(&mut body).await.0, b"what was begun");
    assert!(served.await.unwrap(), "no further request is taken");
    driven.await.unwrap().unwrap();
}

/// Readers that read nothing hold up their own streams and nobody else's, and what waits is bounded.
#[tokio::test]
async fn a_reader_that_reads_nothing_holds_up_nobody_else() {
    let (near, far) = wire();
    let served = echoing_server(far);
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(1 << 30);
    let (mut sender, connection) = builder.handshake::<_, Bytes>(near).await.unwrap();
    let driven = tokio::spawn(connection);
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let request = Request::post("https://hub/deaf").body(()).unwrap();
        sender = sender.ready().await.unwrap();
        let (answer, mut stream) = sender.send_request(request, false).unwrap();
        stream
            .send_data(Bytes::from(vec![1; 60_000]), true)
            .unwrap();
        let body = answer.await.unwrap().into_body();
        deaf.push((body, stream));
    }
    let request = Request::post("https://hub/heard").body(()).unwrap();
    sender = sender.ready().await.unwrap();
    let (answer, mut stream) = sender.send_request(request, false).unwrap();
    stream
        .send_data(Bytes::from_static(b"heard"), true)
        .unwrap();
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "heard");
    drop((deaf, stream, body, sender));
    driven.await.unwrap().unwrap();
    served.await.unwrap().unwrap();
}

/// Two that send without end share what there is: the socket, and the connection's window.
#[tokio::test]
async fn streams_that_wait_for_the_connection_have_their_turns() {
    const EACH: usize = 4 << 20;
    for connection_window in [1 << 30, 65_535] {
        let (near, far) = wire();
        let served = tokio::spawn(async move {
            let mut connection = server::handshake(far, CONFIG).await.unwrap();
            while let Some(taken) = connection.accept().await {
                let Event::Asked(_, mut respond) = taken.unwrap() else {
                    continue;
                };
                tokio::spawn(async move {
                    let mut stream = respond.send_response(&Response::new(()), false).unwrap();
                    send(&mut stream, &vec![0; EACH], true).await;
                });
            }
        });
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(1 << 30)
            .initial_connection_window_size(connection_window);
        let (mut sender, connection) = builder.handshake::<_, Bytes>(near).await.unwrap();
        let driven = tokio::spawn(connection);
        let mut bodies = Vec::new();
        for _ in 0..3 {
            let request = Request::post("https://hub/endless").body(()).unwrap();
            sender = sender.ready().await.unwrap();
            let (answer, _) = sender.send_request(request, true).unwrap();
            bodies.push(answer.await.unwrap().into_body());
        }
        // All are read as they come, and the first that is over tells how far the others are.
        let mut received = [0; 3];
        while !received.contains(&EACH) {
            let piece = poll_fn(|cx| {
                let mut pieces = bodies.iter_mut().zip(0..);
                let ready = pieces.find_map(|(body, nth)| match body.poll_data(cx) {
                    Poll::Ready(piece) => Some((nth, piece)),
                    Poll::Pending => None,
                });
                ready.map_or(Poll::Pending, Poll::Ready)
            });
            let (nth, piece): (usize, _) = piece.await;
            let bytes = piece.unwrap().unwrap().len();
            received[nth] += bytes;
            let body: &mut h2::RecvStream = &mut bodies[nth];
            body.flow_control().release_capacity(bytes).unwrap();
        }
        let least = received.iter().min().unwrap();
        assert!(*least > EACH / 2, "{received:?} of {EACH} each");
        drop((bodies, sender));
        driven.await.unwrap().unwrap();
        served.await.unwrap();
    }
}
