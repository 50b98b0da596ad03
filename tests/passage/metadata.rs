//! Metadata: everything passes unaltered both ways, except what the hub owns.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::observer::Arrivals;
use crate::support::call::{Answer, Call, message, value};
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, headers, trailers};
use crate::support::wait::within;
use crate::support::world::{CONSUMER, World, call};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Makes the call, shows what arrived, and gives back the answer to `answer`.
async fn pass(
    world: &World,
    arrivals: &mut Arrivals,
    call: &Call,
    answer: impl FnOnce(&mut HeaderMap, &mut HeaderMap),
) -> (HeaderMap, Answer) {
    let (mut head, mut end) = (headers(), trailers("0"));
    answer(head.headers_mut(), &mut end);
    let provider = async {
        let Exchange {
            head: arrived,
            mut respond,
            body,
        } = arrivals.next().await;
        let mut stream = respond.send_response(head, false).unwrap();
        stream.send_data(message(b"answer"), false).unwrap();
        stream.send_trailers(end).unwrap();
        drop(body);
        arrived.headers
    };
    tokio::join!(provider, world.consumer.call(call, message(b"question")))
}

fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    headers.get_all(name).iter().map(text).collect()
}

fn owned(headers: &HeaderMap) -> Vec<String> {
    let names = headers.keys().map(|name| name.as_str().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("ndxp-")).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_does_not_own_passes_unaltered_both_ways() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    // Names that occur twice keep their order; binary values come without and with padding.
    let rows = [
        ("x-plain", vec!["a"]),
        ("x-many", vec!["second", "first", "second"]),
        ("x-empty", vec![""]),
        ("x-photo-bin", vec!["AAEC/f7/", "3q2+7w==", "3q2+7w"]),
        ("user-agent", vec!["grpc-java-netty/1.60.0"]),
        ("grpc-accept-encoding", vec!["gzip,identity"]),
        ("grpc-encoding", vec!["gzip"]),
        ("te", vec!["trailers"]),
        ("tracestate", vec!["vendor=1"]),
        ("authorization", vec!["Bearer of the provider's own"]),
    ];
    let mut sent = call();
    for (name, values) in rows.clone() {
        sent.headers.remove(name);
        sent = values
            .iter()
            .fold(sent, |call, value| call.with(name, value));
    }
    let put = |to: &mut HeaderMap| {
        for (name, values) in rows.clone() {
            for value in values {
                to.append(name, HeaderValue::from_str(value).unwrap());
            }
        }
    };
    let (arrived, answer) = pass(&world, &mut arrivals, &sent, |head, end| {
        put(head);
        put(end);
        end.insert("grpc-message", HeaderValue::from_static("xong%21"));
    })
    .await;
    for (name, values) in rows {
        assert_eq!(all(&arrived, name), values, "{name} at the provider");
        assert_eq!(
            all(&answer.headers, name),
            values,
            "{name} in the answer's headers"
        );
        assert_eq!(all(answer.ending(), name), values, "{name} in the trailers");
    }
    assert_eq!(value(answer.ending(), "grpc-message"), "xong%21");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_documented_keys_of_the_hub_reach_the_provider() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start_with(Hub::init(), "measures = [\"records\"]", take).await;
    let sent = call()
        .with("ndxp-request-id", "request-1")
        .with("ndxp-user", "officer@hanoi")
        .with("ndxp-case", "H26.12-220722-0001")
        .with("ndxp-origin", "H26.12/one-stop")
        .with("ndxp-test", "1")
        .with("ndxp-measure-records", "250")
        .with("ndxp-consumer", "H99/forged")
        .with("ndxp-transaction-id", "forged")
        .with("ndxp-digest-salt", "forged")
        .with("ndxp-fault", "forged")
        .with("ndxp-invented", "forged");
    let (arrived, answer) = pass(&world, &mut arrivals, &sent, |_, _| {}).await;
    let transaction = world.hub.settled(answer.transaction_id()).await;
    let rows = [
        ("ndxp-case", "case", "H26.12-220722-0001"),
        ("ndxp-consumer", "consumer", CONSUMER),
        ("ndxp-origin", "origin", "H26.12/one-stop"),
        ("ndxp-request-id", "request_id", "request-1"),
        (
            "ndxp-transaction-id",
            "transaction_id",
            answer.transaction_id(),
        ),
        ("ndxp-user", "user", "officer@hanoi"),
    ];
    for (key, field, expected) in rows {
        assert_eq!(value(&arrived, key), expected, "{key}");
        assert_eq!(transaction[field], expected, "{transaction:#}");
    }
    assert_eq!(value(&arrived, "ndxp-measure-records"), "250");
    assert_eq!(transaction["measures"]["records"], 250);
    assert_eq!(
        (value(&arrived, "ndxp-test"), &transaction["test"]),
        ("1", &true.into())
    );
    assert_eq!(
        value(&arrived, "ndxp-digest-salt"),
        value(&answer.headers, "ndxp-digest-salt")
    );
    assert_eq!(value(&arrived, "ndxp-hop"), "1");
    let mut expected: Vec<_> = rows.map(|(key, _, _)| key).to_vec();
    expected.extend([
        "ndxp-digest-salt",
        "ndxp-hop",
        "ndxp-measure-records",
        "ndxp-test",
    ]);
    expected.sort_unstable();
    assert_eq!(owned(&arrived), expected);
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_cannot_speak_in_the_hubs_name() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start_with(Hub::init(), "measures = [\"records\"]", take).await;
    let forge = |to: &mut HeaderMap| {
        for name in [
            "ndxp-transaction-id",
            "ndxp-fault",
            "ndxp-digest-salt",
            "ndxp-invented",
        ] {
            to.insert(name, HeaderValue::from_static("forged"));
        }
    };
    let (arrived, answer) = pass(&world, &mut arrivals, &call(), |head, end| {
        forge(head);
        forge(end);
        end.insert("ndxp-measure-records", HeaderValue::from_static("7"));
        end.insert("ndxp-measure-undeclared", HeaderValue::from_static("7"));
    })
    .await;
    assert_eq!(
        owned(&answer.headers),
        ["ndxp-digest-salt", "ndxp-transaction-id"]
    );
    assert_eq!(
        answer.transaction_id(),
        value(&arrived, "ndxp-transaction-id")
    );
    assert!(owned(answer.ending()).is_empty(), "{:?}", answer.ending());
    // What the provider may say is what it did.
    let transaction = world.hub.settled(answer.transaction_id()).await;
    assert_eq!(transaction["measures"], serde_json::json!({ "records": 7 }));
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_or_begins_here() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    let (arrived, answer) = pass(
        &world,
        &mut arrivals,
        &call().with("traceparent", TRACEPARENT),
        |_, _| {},
    )
    .await;
    assert_eq!(value(&arrived, "traceparent"), TRACEPARENT);
    let transaction = world.hub.settled(answer.transaction_id()).await;
    assert_eq!(transaction["trace_id"], "0af7651916cd43dd8448eb211c80319c");

    for sent in [call(), call().with("traceparent", "damaged")] {
        let (arrived, answer) = pass(&world, &mut arrivals, &sent, |_, _| {}).await;
        let made = value(&arrived, "traceparent");
        let trace_id = world.hub.settled(answer.transaction_id()).await["trace_id"].clone();
        let parts: Vec<_> = made.split('-').collect();
        assert_eq!(
            (parts.len(), parts[0], parts[2].len()),
            (4, "00", 16),
            "{made}"
        );
        assert_eq!(trace_id, parts[1]);
        assert!(
            trace_id.as_str().is_some_and(|id| id.len() == 32),
            "{trace_id}"
        );
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_is_left_is_told_to_the_provider_and_capped() {
    let (mut arrivals, take) = Arrivals::new();
    let hub = Hub::init();
    hub.set("limits", "deadline_ms_default", "40_000");
    let world = World::start_with(hub, "deadline_ms_max = 50_000", take).await;
    // What the consumer allows, and the most that the provider may be told, seconds.
    for (allowed, most) in [(Some("1H"), 50), (Some("20S"), 20), (None, 40)] {
        let sent = allowed
            .into_iter()
            .fold(call(), |call, it| call.with("grpc-timeout", it));
        let (arrived, _) = pass(&world, &mut arrivals, &sent, |_, _| {}).await;
        let told = timeout(value(&arrived, "grpc-timeout"));
        let most = Duration::from_secs(most);
        // A little more than the hub itself waits, so that the hub says that time is over.
        let grace = Duration::from_secs(1);
        assert!(
            told <= most + grace && told > most / 2,
            "{allowed:?} became {told:?}"
        );
    }
    world.hub.stop().await;
}

fn timeout(text: &str) -> Duration {
    let (digits, unit) = text.split_at(text.len() - 1);
    let amount = digits.parse().unwrap();
    match unit {
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => panic!("{text} is more than the test allows"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_sees_the_call_under_its_own_address_and_path() {
    let (mut arrivals, take) = Arrivals::new();
    let world = World::start(take).await;
    let sent = call().with("host", "elsewhere.example");
    let provider = async {
        let Exchange {
            head, mut respond, ..
        } = arrivals.next().await;
        let mut end = headers();
        end.headers_mut().extend(trailers("0"));
        respond.send_response(end, true).unwrap();
        head
    };
    let (head, _) = tokio::join!(provider, world.consumer.call(&sent, message(b"")));
    assert_eq!(
        (head.method.as_str(), head.uri.path()),
        ("POST", sent.path.as_str())
    );
    assert_eq!(head.uri.scheme_str(), Some("https"));
    let authority = head.uri.authority().map(ToString::to_string);
    assert_eq!(authority, Some(world.provider.address.to_string()));
    assert_eq!(head.headers.get("host"), None);
    within("the hub's end", world.hub.stop()).await;
}
