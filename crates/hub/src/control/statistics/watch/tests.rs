//! Watching counts over real sockets: what a reader gets, how often, and that no other reader
//! changes it.

use std::time::Instant;

use ndxp_proto::journal::v1 as journal;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{Dimension, Proof};
use tokio_stream::StreamExt as _;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Streaming};

use super::*;
use crate::control::fixture::House;

/// The smallest window that HTTP/2 begins with: what a reader that does not read lets in.
const WINDOW_BYTES: u32 = 65_535;

fn request(by: Dimension, at_least: Sequence) -> CountRequest {
    CountRequest {
        by: by.into(),
        at_least_sequence: at_least.get(),
        ..Default::default()
    }
}

async fn watch(house: &House, request: CountRequest) -> Streaming<CountResponse> {
    let mut client = house.statistics(&house.operator()).await;
    client.watch_counts(request).await.unwrap().into_inner()
}

async fn next(watch: &mut Streaming<CountResponse>) -> CountResponse {
    watch.message().await.unwrap().expect("the watch goes on")
}

fn transactions(response: &CountResponse) -> u64 {
    response.total.as_ref().unwrap().transactions
}

async fn house() -> House {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    house
}

/// So many connections that one answer does not fit into the smallest window.
const CONNECTIONS: usize = 1_500;

async fn transact_on_many_connections(house: &House) -> Sequence {
    let closings: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let closed = journal::TransactionClosed {
                transaction_id: vec![0; 16],
                connection: Some(journal::Connection {
                    consumer: format!("H26/system-number-{number}"),
                    provider: "G01/lgsp".to_owned(),
                    service: "a.B".to_owned(),
                }),
                outcome: journal::Outcome::Refused.into(),
                ..Default::default()
            };
            house.lane.append(&Body::Closed(closed))
        })
        .collect();
    let mut last = Sequence::NONE;
    for closing in closings {
        last = closing.await.unwrap().sequence;
    }
    last
}

/// A client whose windows are as small as HTTP/2 has them.
async fn frugal(house: &House) -> StatisticsServiceClient<Channel> {
    let issued = house.operator();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(house.authority.certificate_pem()))
        .identity(Identity::from_pem(&issued.certificate_pem, &issued.key_pem))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", house.address)).unwrap();
    let endpoint = endpoint
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    StatisticsServiceClient::new(channel)
}

#[tokio::test]
async fn who_does_not_read_delays_nobody_and_finds_the_latest_state() {
    const ROUNDS: u64 = 6;
    let house = house().await;
    let last = transact_on_many_connections(&house).await;
    let question = request(Dimension::Connection, last);
    let asked = frugal(&house).await.watch_counts(question.clone()).await;
    let mut unread = asked.unwrap().into_inner();
    let mut watch = watch(&house, question).await;
    assert_eq!(next(&mut watch).await.rows.len(), CONNECTIONS);
    for round in 1..=ROUNDS {
        house.transact("H26/lgsp", "G01/lgsp").await;
        assert_eq!(transactions(&next(&mut watch).await), round);
    }
    let mut found = Vec::new();
    while found.last() != Some(&ROUNDS) {
        found.push(transactions(&next(&mut unread).await));
    }
    // Each part of the way may hold one: the window, the encoder, the watch. The states between
    // are not kept.
    assert!(found.len() <= 4, "{found:?}");
}

#[tokio::test]
async fn a_watcher_gets_at_most_two_answers_a_second() {
    const ANSWERS: u32 = 4;
    let house = house().await;
    let begun = Instant::now();
    let mut watch = watch(&house, request(Dimension::Unspecified, Sequence::NONE)).await;
    assert_eq!(transactions(&next(&mut watch).await), 0);
    for answer in 1..ANSWERS {
        house.transact("H26/lgsp", "G01/lgsp").await;
        assert_eq!(transactions(&next(&mut watch).await), u64::from(answer));
    }
    // However slow this machine: between the first and the last lie so many intervals.
    assert!(begun.elapsed() >= WATCH_INTERVAL * (ANSWERS - 1));
}

#[tokio::test]
async fn what_changes_meanwhile_is_one_answer() {
    let house = house().await;
    let mut watch = watch(&house, request(Dimension::Unspecified, Sequence::NONE)).await;
    assert_eq!(transactions(&next(&mut watch).await), 0);
    house.transact_many("H26/lgsp", "G01/lgsp", 100).await;
    let mut answers = 1;
    while transactions(&next(&mut watch).await) < 100 {
        answers += 1;
    }
    // The first may have been made amid the hundred.
    assert!(answers <= 2, "{answers}");
}

#[tokio::test]
async fn a_watch_resumes_behind_what_was_seen_before() {
    let house = house().await;
    let (_, last) = house.transact("H26/lgsp", "G01/lgsp").await;
    let question = request(Dimension::Provider, last);
    let seen = next(&mut watch(&house, question.clone()).await).await;
    let resumed = CountRequest {
        after_watermark: watermark(&seen).get(),
        ..question
    };
    let mut resumed = watch(&house, resumed).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    let found = next(&mut resumed).await;
    assert_eq!(
        transactions(&found),
        2,
        "the one seen before is not told again"
    );
    assert!(watermark(&found) > watermark(&seen));
}

#[tokio::test]
async fn a_watch_that_saw_another_journal_is_answered_at_once() {
    let house = house().await;
    let (_, last) = house.transact("H26/lgsp", "G01/lgsp").await;
    let resumed = CountRequest {
        after_watermark: last.get() + 1_000,
        ..request(Dimension::Unspecified, last)
    };
    assert_eq!(
        transactions(&next(&mut watch(&house, resumed).await).await),
        1
    );
}

#[tokio::test]
async fn a_wrong_question_is_refused_although_its_answer_would_have_to_wait() {
    let house = house().await;
    let mut client = house.statistics(&house.operator()).await;
    let wrong = CountRequest {
        by: 99,
        after_watermark: 1,
        ..Default::default()
    };
    let refused = client.watch_counts(wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn watchers_of_the_same_question_share_its_answers() {
    let house = house().await;
    let question = request(Dimension::Provider, Sequence::NONE);
    let mut watches = Vec::new();
    for _ in 0..3 {
        let mut watch = watch(&house, question.clone()).await;
        next(&mut watch).await;
        watches.push(watch);
    }
    house.transact("H26/lgsp", "G01/lgsp").await;
    for watch in &mut watches {
        assert_eq!(transactions(&next(watch).await), 1);
    }
    // A member watches with its own eyes, in the same words.
    let mut member = house.statistics(&house.system("H26/lgsp")).await;
    let mut member = member.watch_counts(question).await.unwrap().into_inner();
    assert_eq!(transactions(&next(&mut member).await), 1);
}

#[tokio::test]
async fn there_are_at_most_so_many_watchers_and_one_that_leaves_makes_room() {
    let house = House::with(|limits| limits.control_streams_max = 1).await;
    let question = request(Dimension::Unspecified, Sequence::NONE);
    let first = watch(&house, question.clone()).await;
    let mut client = house.statistics(&house.auditor()).await;
    let refused = client.watch_counts(question.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let text = refused.message();
    assert!(text.contains("limits.control_streams_max"), "{text}");
    drop(first);
    // The hub hears of it a moment later.
    while client.watch_counts(question.clone()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hub_that_stops_ends_its_watches() {
    let house = house().await;
    let question = request(Dimension::Unspecified, Sequence::NONE);
    let mut watch = watch(&house, question).await;
    next(&mut watch).await;
    house.stop.send_replace(true);
    let ended = watch.next().await.expect("why it ended").unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(ended.message().contains("stopping"), "{}", ended.message());
    drop(watch);
    house.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn questions_that_nobody_watches_any_more_are_forgotten() {
    let watches = Watches::default();
    let question = |from_us| Question {
        request: CountRequest {
            from_us,
            ..Default::default()
        },
        party: None,
    };
    let kept = watches.of(question(0));
    assert!(Arc::ptr_eq(&kept, &watches.of(question(0))));
    for from_us in 1..100 {
        drop(watches.of(question(from_us)));
    }
    assert!(watches.0.lock().unwrap().len() <= 2);
}

#[test]
fn only_what_a_reader_learns_from_is_sent() {
    let response = |watermark, closed, transactions| CountResponse {
        proof: Some(Proof {
            watermark,
            closed,
            ..Default::default()
        }),
        total: Some(ndxp_proto::statistics::v1::Counts {
            transactions,
            ..Default::default()
        }),
        ..Default::default()
    };
    let shown = response(7, false, 3);
    let rows = [
        (response(8, false, 3), false),
        (response(8, false, 4), true),
        (response(8, true, 3), true),
    ];
    for (answer, news) in rows {
        assert_eq!(differs(&shown, &answer), news, "{answer:?}");
    }
}
