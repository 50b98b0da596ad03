//! Connections that the hub must not take: each is refused as TLS says, or closed without a
//! word, and the hub lives on and serves the others.

use ndxp_hub::authority::{Authority, Hosts, Validity};
use ndxp_model::{Clock as _, SystemClock, SystemId};
use rustls::{AlertDescription, ClientConfig, version};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::call::message;
use crate::support::consumer::{Consumer, dial};
use crate::support::credentials::{Credentials, crypto};
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::wait::within;
use crate::support::world::{self, CONSUMER, World};

/// How a connection ended.
#[derive(Debug, Eq, PartialEq)]
enum End {
    Alert(AlertDescription),
    /// Without a word of TLS.
    Closed,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_good_certificate_or_protocol_is_refused_with_an_alert() {
    let world = World::start(echo).await;
    let good = &world.credentials;
    let without_certificate = {
        let config = ClientConfig::builder_with_provider(crypto());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config
            .with_root_certificates(good.roots())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    };
    let rows = [
        (
            "no certificate",
            without_certificate,
            End::Alert(AlertDescription::CertificateRequired),
        ),
        (
            "a certificate of another authority",
            of_another_authority(good, "elsewhere.example").client(),
            End::Alert(AlertDescription::UnknownCA),
        ),
        (
            "a certificate of another authority under the same name",
            of_another_authority(good, "ndxp.local").client(),
            End::Alert(AlertDescription::DecryptError),
        ),
        (
            "a certificate that has expired",
            expired(&world.hub, good).client(),
            End::Alert(AlertDescription::CertificateExpired),
        ),
        (
            "HTTP/1.1 by ALPN",
            speaking(good, &[b"http/1.1"]),
            End::Alert(AlertDescription::NoApplicationProtocol),
        ),
        ("no ALPN", speaking(good, &[]), End::Closed),
        (
            "TLS 1.2 alone",
            tls12(good),
            End::Alert(AlertDescription::ProtocolVersion),
        ),
    ];
    for (what, tls, expected) in rows {
        let ended = match within(what, dial(world.hub.exchange(), tls)).await {
            // In TLS 1.3 the client is done before the server has judged its certificate.
            Ok(stream) => end(stream).await,
            Err(error) => alert(&error),
        };
        assert_eq!(ended, expected, "{what}");
        serves_others(&world).await;
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_is_closed() {
    let world = World::start(echo).await;
    let half_a_hello = [0x16, 0x03, 0x01, 0x40, 0x00, 0x01];
    let rows: [(&str, &[u8]); 5] = [
        ("garbage", &[0xa5; 4_096]),
        ("zeros", &[0; 4_096]),
        ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"),
        (
            "HTTP/2 without TLS",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        ),
        ("half a ClientHello, then the end", &half_a_hello),
    ];
    for (what, bytes) in rows {
        let mut stream = TcpStream::connect(world.hub.exchange()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Closed in order or reset, and nothing but a TLS alert before it.
        let _reset = within(what, stream.read_to_end(&mut answer)).await;
        assert!(
            answer.is_empty() || answer.starts_with(&[0x15, 0x03]),
            "{what}: {answer:?}"
        );
        serves_others(&world).await;
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_stays_silent_is_closed_in_time() {
    let hub = Hub::init();
    hub.set("limits", "handshake_ms_max", "500");
    let world = World::start_with(hub, "", echo).await;
    let mut silent = TcpStream::connect(world.hub.exchange()).await.unwrap();
    serves_others(&world).await;
    let mut answer = Vec::new();
    within("the end of silence", silent.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(answer.is_empty(), "{answer:?}");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_speaks_no_http_2_is_closed_and_harms_only_itself() {
    let world = World::start(echo).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let too_long_a_frame = [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1];
    let data_on_no_stream = [0, 0, 1, 0, 0, 0, 0, 0, 0, 7];
    let rows = [
        (
            "HTTP/1.1 where h2 was agreed",
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        ),
        (
            "a frame that is too long",
            [&preface[..], &settings, &too_long_a_frame].concat(),
        ),
        (
            "data on no stream",
            [&preface[..], &settings, &data_on_no_stream].concat(),
        ),
    ];
    for (what, bytes) in rows {
        let tls = world.credentials.client();
        let mut stream = dial(world.hub.exchange(), tls).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        // SETTINGS and GOAWAY may come; then it is over.
        let _reset = within(what, stream.read_to_end(&mut Vec::new())).await;
        serves_others(&world).await;
    }
    world.hub.stop().await;
}

/// Those who were there before, and those who come anew.
async fn serves_others(world: &World) {
    let new = Consumer::connect(&world.hub, &world.credentials).await;
    for consumer in [&world.consumer, &new] {
        let answer = consumer.call(&world::call(), message(b"still there")).await;
        assert_eq!(
            (answer.grpc_status(), answer.body),
            (0, message(b"still there").to_vec())
        );
    }
}

/// Reads until the connection ends; not one byte may come.
async fn end(mut stream: impl AsyncRead + Unpin) -> End {
    let read = within("the end of a connection", stream.read(&mut [0; 1])).await;
    match read {
        Ok(bytes) => {
            assert_eq!(bytes, 0, "the hub speaks to a stranger");
            End::Closed
        }
        Err(error) => alert(&error),
    }
}

fn alert(error: &std::io::Error) -> End {
    let tls = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(alert)) => End::Alert(*alert),
        Some(other) => panic!("{other}"),
        None => End::Closed,
    }
}

/// Names the same system; in the same trust domain, only the signature is another's.
fn of_another_authority(good: &Credentials, trust_domain: &str) -> Credentials {
    let clock = SystemClock;
    let authority = Authority::create(trust_domain, &clock).unwrap();
    issued(good, &authority, Validity::days(&clock, 1))
}

fn expired(hub: &Hub, good: &Credentials) -> Credentials {
    let authority = Authority::load(&hub.home().join("pki/authority")).unwrap();
    let day = std::time::Duration::from_secs(86_400);
    let now = SystemClock.now();
    let validity = Validity {
        from: now.saturating_sub(2 * day),
        until: now.saturating_sub(day),
    };
    issued(good, &authority, validity)
}

/// Trusts whom the good certificate's holder trusts.
fn issued(good: &Credentials, authority: &Authority, validity: Validity) -> Credentials {
    let system: SystemId = CONSUMER.parse().unwrap();
    let issued = authority
        .issue_system(&system, &Hosts::default(), validity)
        .unwrap();
    Credentials {
        certificate_pem: issued.certificate_pem,
        key_pem: issued.key_pem,
        ..good.clone()
    }
}

fn speaking(good: &Credentials, protocols: &[&[u8]]) -> ClientConfig {
    let mut config = good.client();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    config
}

fn tls12(good: &Credentials) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(crypto());
    let config = config.with_protocol_versions(&[&version::TLS12]).unwrap();
    let config = config.with_root_certificates(good.roots());
    let mut config = config
        .with_client_auth_cert(good.chain(), good.key())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
