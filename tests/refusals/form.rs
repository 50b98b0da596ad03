//! Refusals for the form of a call: its path, its method, its metadata, its size.

use bytes::Bytes;
use http::Method;

use super::refused;
use super::registered::{PERMITTED, Registered, path};
use crate::support::call::{Call, framed, message};
use crate::support::world::CONSUMER;

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_canonical_names_no_service() {
    let world = Registered::start().await;
    for path in [
        "/",
        "/ndxp.test.v1.Permitted",
        "/ndxp.test.v1.Permitted/",
        "//Call",
        "//ndxp.test.v1.Permitted/Call",
        "/ndxp.test.v1.Permitted//Call",
        "/ndxp.test.v1.Permitted/Call/",
        "/ndxp.test.v1.Permitted/Call/More",
        "/x/../ndxp.test.v1.Permitted/Call",
        "/../ndxp.test.v1.Permitted/Call",
        "/ndxp.test.v1.Permitted/../Call",
        "/ndxp.test.v1.Permitted/.",
        "/ndxp.test.v1.Permitted/%43all",
        "/ndxp%2etest.v1.Permitted/Call",
        "/ndxp.test.v1.Permitted%2fCall",
        "/ndxp.test.v1.Permitted/Call?x=1",
        "/ndxp.test.v1.Permitted/Call%00",
    ] {
        let call = (&Call::to(path), message(b""));
        let says = format!("path {path:?}");
        let told = ("MALFORMED_REQUEST", says.as_str());
        refused(&world, &world.consumer, call, told, [CONSUMER, "", ""]).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_grpc_call_is_malformed() {
    let world = Registered::start().await;
    let get = Call {
        method: Method::GET,
        ..Call::to(path(PERMITTED))
    };
    let html = Call::to(path(PERMITTED)).instead("content-type", "text/html");
    for (call, says) in [(get, "method GET"), (html, "content-type")] {
        let told = ("MALFORMED_REQUEST", says);
        let call = (&call, message(b""));
        refused(&world, &world.consumer, call, told, [CONSUMER, "", ""]).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_the_wrong_form_is_named() {
    let world = Registered::start().await;
    let long = "x".repeat(129);
    // Key, value, what is said, and whether the provider was found before.
    let rows: [(&'static str, &str, &str, bool); 18] = [
        ("grpc-timeout", "", "grpc-timeout \"\"", true),
        ("grpc-timeout", "1", "grpc-timeout \"1\"", true),
        ("grpc-timeout", "S", "grpc-timeout \"S\"", true),
        ("grpc-timeout", "1s", "grpc-timeout \"1s\"", true),
        ("grpc-timeout", "-1S", "grpc-timeout \"-1S\"", true),
        (
            "grpc-timeout",
            "123456789S",
            "grpc-timeout \"123456789S\"",
            true,
        ),
        ("ndxp-provider", "G01", "ndxp-provider", false),
        ("ndxp-provider", "G01/", "ndxp-provider", false),
        ("ndxp-provider", "g01/a", "ndxp-provider", false),
        ("ndxp-provider", "G01/../G01/a", "ndxp-provider", false),
        ("ndxp-test", "yes", "ndxp-test", false),
        ("ndxp-user", &long, "ndxp-user", false),
        ("ndxp-hop", "8", "ndxp-hop", false),
        (
            "ndxp-measure-records",
            "-1",
            "ndxp-measure-records \"-1\"",
            false,
        ),
        (
            "ndxp-measure-records",
            "1.5",
            "ndxp-measure-records \"1.5\"",
            false,
        ),
        (
            "ndxp-measure-records",
            "18446744073709551616",
            "ndxp-measure-records",
            false,
        ),
        ("ndxp-measure-records", "", "ndxp-measure-records", false),
        ("ndxp-measure-unheard-of", "1", "unheard_of", true),
    ];
    for (key, value, says, found) in rows {
        let call = Call::to(path(PERMITTED)).with(key, value);
        let provider = if found { "G01/a" } else { "" };
        let parties = [CONSUMER, provider, PERMITTED];
        let told = ("MALFORMED_REQUEST", says);
        refused(
            &world,
            &world.consumer,
            (&call, message(b"")),
            told,
            parties,
        )
        .await;
    }
    let twice = Call::to(path(PERMITTED))
        .provider("G01/a")
        .provider("G01/a");
    let told = ("MALFORMED_REQUEST", "ndxp-provider is given 2 times");
    let call = (&twice, message(b""));
    refused(
        &world,
        &world.consumer,
        call,
        told,
        [CONSUMER, "", PERMITTED],
    )
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_lies_about_its_length_is_not_carried() {
    let world = Registered::start().await;
    let call = Call::to(path(PERMITTED));
    let large = call.clone().with("x-large", &"x".repeat(48 * 1024));
    let told = ("METADATA_TOO_LARGE", "16384");
    let parties = [CONSUMER, "", PERMITTED];
    refused(
        &world,
        &world.consumer,
        (&large, message(b"")),
        told,
        parties,
    )
    .await;

    // A provider that has begun to answer would be heard first.
    let hang = Call::to(format!("/{PERMITTED}/Hang"));
    let announced = |length: u32, content: &[u8]| {
        Bytes::from([&[0], &length.to_be_bytes()[..], content].concat())
    };
    let rows = [
        ("MESSAGE_TOO_LARGE", announced(67_108_865, b"x"), "67108864"),
        (
            "MALFORMED_REQUEST",
            announced(100, b"too short"),
            "91 bytes short",
        ),
        (
            "MALFORMED_REQUEST",
            Bytes::from_static(&[0, 0]),
            "3 bytes short",
        ),
        ("MALFORMED_REQUEST", framed(2, b"strange"), "flags 0x02"),
    ];
    for (reason, body, says) in rows {
        let parties = [CONSUMER, "G01/a", PERMITTED];
        refused(
            &world,
            &world.consumer,
            (&hang, body),
            (reason, says),
            parties,
        )
        .await;
    }
    world.stop().await;
}
