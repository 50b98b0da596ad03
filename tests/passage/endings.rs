//! How calls end: a provider's answer ends the call as the provider ended it, and who breaks off
//! is heard on the other side.

use std::future::poll_fn;

use bytes::Bytes;
use h2::Reason;
use http::HeaderValue;

use super::observer::Arrivals;
use crate::support::call::{Answer, message, value};
use crate::support::provider::{headers, trailers};
use crate::support::wait::within;
use crate::support::world::{World, call};

#[tokio::test(flavor = "multi_thread")]
async fn a_trailers_only_answer_stays_trailers_only() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    // Status, whether the provider answers with trailers alone, outcome, and the fault named.
    let rows = [
        ("0", true, "completed", None),
        ("5", true, "provider_error", Some("provider")),
        ("0", false, "completed", None),
        ("14", false, "provider_error", Some("provider")),
    ];
    for (status, trailers_only, outcome, fault) in rows {
        let mut end = trailers(status);
        end.insert("grpc-message", HeaderValue::from_static("kh%C3%B4ng"));
        end.insert(
            "grpc-status-details-bin",
            HeaderValue::from_static("CAUSBWhlbGxv"),
        );
        let provider = async {
            let mut respond = arrivals.next().await.respond;
            let mut head = headers();
            if trailers_only {
                head.headers_mut().extend(end.clone());
                respond.send_response(head, true).unwrap();
            } else {
                let mut stream = respond.send_response(head, false).unwrap();
                stream.send_trailers(end.clone()).unwrap();
            }
        };
        let call = call();
        let ((), answer) = tokio::join!(provider, world.consumer.call(&call, message(b"")));
        assert_eq!(
            answer.is_trailers_only(),
            trailers_only,
            "{status}: {answer:?}"
        );
        for (name, sent) in &end {
            assert_eq!(answer.ending().get(name), Some(sent), "{name}");
        }
        let told = answer
            .ending()
            .get("ndxp-fault")
            .map(|it| it.to_str().unwrap());
        assert_eq!(told, fault, "{status}");
        let transaction = world.hub.settled(answer.transaction_id()).await;
        assert_eq!(transaction["outcome"], outcome, "{transaction:#}");
        assert_eq!(transaction["grpc_status"].to_string(), status);
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_grpc_has_the_status_that_http_means() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    // HTTP status, gRPC status in the journal.
    for (http, grpc) in [(404, 12), (503, 14), (401, 16), (200, 2)] {
        let provider = async {
            let mut respond = arrivals.next().await.respond;
            let mut head = http::Response::new(());
            *head.status_mut() = http.try_into().unwrap();
            let mut stream = respond.send_response(head, false).unwrap();
            stream
                .send_data(Bytes::from_static(b"<html>"), true)
                .unwrap();
        };
        let call = call();
        let ((), answer) = tokio::join!(provider, world.consumer.call(&call, message(b"")));
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_slice()),
            (http, &b"<html>"[..])
        );
        let transaction = world.hub.settled(answer.transaction_id()).await;
        assert_eq!(transaction["outcome"], "provider_error", "{transaction:#}");
        assert_eq!(transaction["grpc_status"], grpc, "HTTP {http}");
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumers_cancellation_reaches_the_provider() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    // Before the provider has answered, and within its answer.
    for answering in [false, true] {
        let (answer, mut upload) = world.consumer.open(&call(), false).await.unwrap();
        upload.send_data(message(b"x"), false).unwrap();
        let mut arrived = arrivals.next().await;
        let id = value(&arrived.head.headers, "ndxp-transaction-id").to_owned();
        let reset = if answering {
            let mut stream = arrived.respond.send_response(headers(), false).unwrap();
            drop(within("headers", answer).await.unwrap());
            upload.send_reset(Reason::CANCEL);
            within("the reset", poll_fn(|cx| stream.poll_reset(cx))).await
        } else {
            drop(answer);
            upload.send_reset(Reason::CANCEL);
            within("the reset", poll_fn(|cx| arrived.respond.poll_reset(cx))).await
        };
        assert_eq!(reset.unwrap(), Reason::CANCEL, "answering: {answering}");
        let transaction = world.hub.settled(&id).await;
        assert_eq!(transaction["outcome"], "cancelled", "{transaction:#}");
        assert_eq!(transaction["fault"], "consumer");
        assert_eq!(transaction["request_messages"], 1);
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_vanishes_is_a_cancellation_too() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    let (_answer, _upload) = world.consumer.open(&call(), false).await.unwrap();
    let mut arrived = arrivals.next().await;
    let id = value(&arrived.head.headers, "ndxp-transaction-id").to_owned();
    world.consumer.connection.abort();
    let reset = within("the reset", poll_fn(|cx| arrived.respond.poll_reset(cx))).await;
    assert_eq!(reset.unwrap(), Reason::CANCEL);
    assert_eq!(world.hub.settled(&id).await["outcome"], "cancelled");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_reset_reaches_the_consumer_with_its_code() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    // Code, gRPC status by the specification's table.
    let rows = [
        (Reason::INTERNAL_ERROR, 13),
        (Reason::CANCEL, 1),
        (Reason::ENHANCE_YOUR_CALM, 8),
        (Reason::INADEQUATE_SECURITY, 7),
    ];
    for (code, status) in rows {
        for answering in [false, true] {
            let provider = async {
                let mut arrived = arrivals.next().await;
                if answering {
                    let mut stream = arrived.respond.send_response(headers(), false).unwrap();
                    stream.send_data(message(b"half"), false).unwrap();
                    // What was read shows that the answer had begun for the hub as well.
                    let _whole = arrived.body.data().await;
                    stream.send_reset(code);
                } else {
                    arrived.respond.send_reset(code);
                }
                value(&arrived.head.headers, "ndxp-transaction-id").to_owned()
            };
            let consumer = async {
                let (answer, mut upload) = world.consumer.open(&call(), false).await.unwrap();
                if !answering {
                    return within("the reset", answer).await.map(drop);
                }
                let mut answer = within("headers", answer).await.unwrap();
                within("half an answer", answer.body_mut().data())
                    .await
                    .unwrap()
                    .unwrap();
                upload.send_data(message(b"go on"), false).unwrap();
                within("the reset", Answer::read(answer)).await.map(drop)
            };
            let (id, ended) = tokio::join!(provider, consumer);
            let reset = ended.unwrap_err();
            assert!(reset.is_reset() && reset.is_remote(), "{reset}");
            assert_eq!(reset.reason(), Some(code), "answering: {answering}");
            let transaction = world.hub.settled(&id).await;
            assert_eq!(transaction["outcome"], "provider_error", "{transaction:#}");
            assert_eq!(
                (&transaction["grpc_status"], &transaction["fault"]),
                (&status.into(), &"provider".into())
            );
        }
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_the_provider_refuses_is_tried_again_within_the_transaction() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    let provider = async {
        arrivals
            .next()
            .await
            .respond
            .send_reset(Reason::REFUSED_STREAM);
        let mut again = arrivals.next().await;
        let heard = within("the request again", again.body.data())
            .await
            .unwrap()
            .unwrap();
        let mut end = headers();
        end.headers_mut().extend(trailers("0"));
        again.respond.send_response(end, true).unwrap();
        heard
    };
    let call = call();
    let (heard, answer) = tokio::join!(provider, world.consumer.call(&call, message(b"once")));
    assert_eq!(heard, message(b"once"));
    let transaction = world.hub.settled(answer.transaction_id()).await;
    assert_eq!(transaction["outcome"], "completed", "{transaction:#}");
    assert_eq!(transaction["retries"], 1);
    assert_eq!(transaction["request_messages"], 1);
    arrivals.assert_none();
    world.hub.stop().await;
}
