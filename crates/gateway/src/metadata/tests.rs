//! What is read of metadata, what goes on, and what nobody may say.

use ndxp_model::{Instant, TransactionId};

use super::*;
use crate::salt::SaltKey;

fn headers(rows: &[(&'static str, &str)]) -> HeaderMap {
    rows.iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect()
}

fn stamp() -> Stamp {
    let id = TransactionId::new(Instant::from_micros(1_000), 1);
    Stamp::new(id, SaltKey::new(b"key").salt(id), &[7; 16])
}

/// What the provider reads as `traceparent`.
#[track_caller]
fn check_traceparent(given: &'static str, expected: &str) {
    let mut map = headers(&[("traceparent", given)]);
    let stated = take_stated(&mut map, 2_048).unwrap();
    let stamp = stamp();
    let owned = OwnedKeys {
        stamp: &stamp,
        consumer: "H26/lgsp",
        on_behalf_of: "",
    };
    annotate_request(&mut map, &stated, owned);
    let said = map.get(TRACEPARENT).unwrap().to_str().unwrap();
    assert!(said.starts_with(expected), "{given}: {said}");
}

#[test]
fn a_trace_goes_on_and_begins_where_there_is_none() {
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    check_traceparent(given, given);
    check_traceparent("no-trace", "00-07070707070707070707070707070707-");
}

#[test]
fn documented_keys_are_read_and_all_owned_keys_are_taken() {
    let mut map = headers(&[
        ("ndxp-provider", "G01/population"),
        ("ndxp-request-id", "r1"),
        ("ndxp-user", "officer"),
        ("ndxp-case", "H26-1"),
        ("ndxp-origin", "H26.12/one-stop"),
        ("ndxp-test", "1"),
        ("ndxp-measure-records", "250"),
        ("ndxp-consumer", "H99/forged"),
        ("ndxp-transaction-id", "forged"),
        ("x-other", "stays"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ]);
    let stated = take_stated(&mut map, 16_384).unwrap();
    assert_eq!(stated.provider.as_deref(), Some("G01/population"));
    assert_eq!(
        (stated.user.as_str(), stated.case.as_str()),
        ("officer", "H26-1")
    );
    assert!(stated.test);
    assert_eq!(
        stated.measures,
        [Measure {
            name: "records".to_owned(),
            value: 250
        }]
    );
    assert_eq!(stated.trace_id.len(), 16);
    let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["traceparent", "x-other"]);
}

#[track_caller]
fn check_refused(name: &'static str, value: &str, reason: Reason) {
    let refusal = take_stated(&mut headers(&[(name, value)]), 2_048).unwrap_err();
    assert_eq!(refusal.reason, reason, "{name}: {value}");
    assert!(reason == Reason::MetadataTooLarge || refusal.detail.contains(name));
}

#[test]
fn a_value_of_the_wrong_form_is_refused_by_name() {
    check_refused("ndxp-test", "yes", Reason::MalformedRequest);
    check_refused("ndxp-hop", "8", Reason::MalformedRequest);
    check_refused("ndxp-user", &"x".repeat(129), Reason::MalformedRequest);
    for value in ["", "-1", "+1", "1.5", "18446744073709551616", "x"] {
        check_refused("ndxp-measure-records", value, Reason::MalformedRequest);
    }
    check_refused("x-large", &"x".repeat(2_048), Reason::MetadataTooLarge);
    let mut twice = HeaderMap::new();
    twice.append(PROVIDER, HeaderValue::from_static("A01/a"));
    twice.append(PROVIDER, HeaderValue::from_static("A01/b"));
    assert!(take_stated(&mut twice, 2_048).is_err());
    let mut one_measure = headers(&[
        ("ndxp-measure-amount-vnd", "1"),
        ("ndxp-measure-amount_vnd", "2"),
    ]);
    let refusal = take_stated(&mut one_measure, 2_048).unwrap_err();
    assert_eq!(refusal.reason, Reason::MalformedRequest);
    assert!(refusal.detail.contains("amount_vnd"), "{}", refusal.detail);
    let mut foreign = HeaderMap::new();
    foreign.insert(USER, HeaderValue::from_bytes("Hà".as_bytes()).unwrap());
    let refusal = take_stated(&mut foreign, 2_048).unwrap_err();
    assert!(refusal.detail.contains("has 3 bytes"), "{}", refusal.detail);
}

#[test]
fn an_owned_key_without_meaning_is_removed_whatever_it_says() {
    let mut map = HeaderMap::new();
    let name = HeaderName::from_static("ndxp-unheard-of");
    map.append(&name, HeaderValue::from_bytes(&[0xff; 200]).unwrap());
    map.append(&name, HeaderValue::from_static("twice"));
    let nothing = Stated {
        metadata_bytes: bytes(&map),
        ..Stated::default()
    };
    assert_eq!(take_stated(&mut map, 2_048), Ok(nothing));
    assert!(map.is_empty());
}

#[test]
fn a_provider_cannot_speak_in_the_hubs_name() {
    let mut map = headers(&[
        ("ndxp-fault", "hub"),
        ("ndxp-transaction-id", "forged"),
        ("ndxp-measure-records", "3"),
        ("ndxp-measure-bad", "x"),
        ("etag", "stays"),
    ]);
    let measures = annotate_answer(&mut map, &stamp());
    assert_eq!(
        measures,
        [Measure {
            name: "records".to_owned(),
            value: 3
        }]
    );
    let said = map.get(TRANSACTION_ID).unwrap();
    assert_eq!(said, "00000000-0001-7000-8000-000000000001");
    assert!(map.get(FAULT).is_none() && map.get("etag").is_some());
}
