//! Certificates change and nobody is dropped: old and new are valid while they are exchanged, a
//! revoked one is refused, on open connections too, and the hub takes over its own new one.

use ndxp_hub::authority::{Authority, Hosts, Validity};
use ndxp_model::{SystemClock, SystemId};
use rustls::AlertDescription;
use tokio::io::AsyncReadExt as _;

use super::load::{Load, reason};
use crate::support::call::message;
use crate::support::consumer::{Consumer, dial};
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::provider::{Provider, echo};
use crate::support::wait::{until, within};
use crate::support::world::{self, CONSUMER, PROVIDER, SERVICE, World, members};

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_certificate_are_valid_until_the_old_one_is_revoked() {
    let world = World::start(echo).await;
    let hub = &world.hub;
    let old = &world.credentials;
    let new = hub.renew(old);
    let renewed = Consumer::connect(hub, &new).await;
    for consumer in [
        &world.consumer,
        &renewed,
        &Consumer::connect(hub, old).await,
    ] {
        let answer = consumer.call(&world::call(), message(b"")).await;
        assert_eq!(reason(&answer), None, "no new grant is needed: {answer:?}");
    }

    // A call in flight on a connection whose certificate is taken back ends in order.
    let (answer, mut upload) = world.consumer.open(&world::call(), false).await.unwrap();
    let (_, mut echoed) = within("headers", answer).await.unwrap().into_parts();
    let serial = serial_of(hub, old);
    hub.run(&["cert", "revoke", &serial, "--reason", "replaced"])
        .success();
    until("a refused handshake", async || {
        is_refused(hub, old).await.then_some(())
    })
    .await;
    until("a connection that takes no more calls", async || {
        let open = world.consumer.open(&world::call(), false).await;
        open.is_err().then_some(())
    })
    .await;
    upload.send_data(message(b"in flight"), true).unwrap();
    let chunk = within("an echo", echoed.data()).await.unwrap().unwrap();
    assert_eq!(chunk, message(b"in flight"));
    let trailers = within("trailers", async {
        while let Some(chunk) = echoed.data().await {
            chunk.unwrap();
        }
        echoed.trailers().await
    });
    assert_eq!(trailers.await.unwrap().unwrap()["grpc-status"], "0");

    for consumer in [&renewed, &Consumer::connect(hub, &new).await] {
        let answer = consumer.call(&world::call(), message(b"")).await;
        assert_eq!(reason(&answer), None, "{answer:?}");
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_certificate_is_revoked_is_not_reached_until_it_has_another() {
    let hub = Hub::start().await;
    let consumer = hub.issue(CONSUMER);
    let old = hub.issue(PROVIDER);
    let provider = Provider::serve(&hub, &old, echo);
    let catalogue = |provider: &Provider| {
        members()
            .system(PROVIDER, &[provider.address], "")
            .service(PROVIDER, SERVICE, "")
            .grant(CONSUMER, PROVIDER, SERVICE, "")
    };
    hub.apply(&catalogue(&provider));
    let consumer = Consumer::connect(&hub, &consumer).await;
    let answer = consumer.call(&world::call(), message(b"")).await;
    assert_eq!(reason(&answer), None, "{answer:?}");

    let new = hub.renew(&old);
    let serial = serial_of(&hub, &old);
    hub.run(&[
        "cert",
        "revoke",
        PROVIDER,
        "--all",
        "--reason",
        "key lost",
        "--dry-run",
    ])
    .success();
    hub.run(&["cert", "revoke", &serial, "--reason", "key lost"])
        .success();
    until("a provider that is not reached", async || {
        let answer = consumer.call(&world::call(), message(b"")).await;
        (reason(&answer).as_deref() == Some("PROVIDER_UNREACHABLE")).then_some(())
    })
    .await;
    let provider = Provider::serve(&hub, &new, echo);
    hub.apply(&catalogue(&provider));
    let answer = consumer.call(&world::call(), message(b"")).await;
    assert_eq!(reason(&answer), None, "{answer:?}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_takes_over_its_new_certificate_without_dropping_a_connection() {
    let world = World::start(echo).await;
    let hub = &world.hub;
    let load = Load::start(hub, &world.credentials, &world::call()).await;
    let before = hub.credentials();
    let folder = hub.home().join("pki/hub");
    hub.run(&["cert", "renew", folder.to_str().unwrap()])
        .success();
    let after = hub.credentials();
    assert_ne!(before.chain(), after.chain());
    until("the new certificate", async || {
        let shown = dial(hub.exchange(), world.credentials.client())
            .await
            .unwrap();
        let shown = shown.get_ref().1.peer_certificates().unwrap().to_vec();
        (shown == after.chain()).then_some(())
    })
    .await;
    let more = load.calls() + 10;
    until("calls on the old connection", async || {
        (load.calls() >= more).then_some(())
    })
    .await;
    let went = load.stop().await;
    assert!(went.iter().all(|call| call.refused.is_none()), "{went:#?}");
    world.hub.stop().await;
}

/// An authority that the hub trusts and that cannot issue the hub's identities: its certificates
/// are known by the fingerprints that are registered for a system.
#[tokio::test(flavor = "multi_thread")]
async fn a_system_known_by_fingerprints_changes_over_from_one_to_the_next() {
    let mut hub = Hub::init();
    let clock = SystemClock;
    let authority = Authority::create("elsewhere.example", &clock).unwrap();
    let system: SystemId = CONSUMER.parse().unwrap();
    let named = hub.issue(CONSUMER);
    let issue = || {
        let issued = authority.issue_system(&system, &Hosts::default(), Validity::days(&clock, 1));
        let issued = issued.unwrap();
        Credentials {
            certificate_pem: issued.certificate_pem,
            key_pem: issued.key_pem,
            ..named.clone()
        }
    };
    let (old, new) = (issue(), issue());
    let trusted = format!("{}{}", named.authority_pem, authority.certificate_pem());
    std::fs::write(hub.home().join("pki/hub/ca.pem"), trusted).unwrap();
    hub.serve().await;
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    let catalogue = |known: &[&Credentials]| {
        let known: Vec<_> = known.iter().map(|it| fingerprint(it)).collect();
        members()
            .system(PROVIDER, &[provider.address], "")
            .service(PROVIDER, SERVICE, "")
            .grant(CONSUMER, PROVIDER, SERVICE, "")
            .system("H26/other", &[], &format!("fingerprints = {known:?}"))
            .grant("H26/other", PROVIDER, SERVICE, "")
    };
    hub.apply(&catalogue(&[&old]));
    let [before, after] = [&old, &new].map(|it| Consumer::connect(&hub, it));
    let (before, after) = (before.await, after.await);
    // Who is registered, and what the holders of the old and of the new certificate meet.
    let unknown = Some("UNKNOWN_SYSTEM");
    let rows: [(&[&Credentials], Option<&str>, Option<&str>); 3] = [
        (&[&old], None, unknown),
        (&[&old, &new], None, None),
        (&[&new], unknown, None),
    ];
    for (known, old, new) in rows {
        hub.apply(&catalogue(known));
        for (consumer, expected) in [(&before, old), (&after, new)] {
            let answer = consumer.call(&world::call(), message(b"")).await;
            assert_eq!(
                reason(&answer).as_deref(),
                expected,
                "{} known",
                known.len()
            );
        }
    }
    hub.stop().await;
}

/// Whether a new connection with the certificate is answered with the alert for revoked ones.
async fn is_refused(hub: &Hub, credentials: &Credentials) -> bool {
    // In TLS 1.3 the client is done before the server has judged its certificate.
    let error = match dial(hub.exchange(), credentials.client()).await {
        Err(error) => error,
        Ok(mut stream) => match within("a word of the hub", stream.read(&mut [0; 1])).await {
            Err(error) => error,
            // Settings of HTTP/2, or the end of a session that was resumed.
            Ok(_) => return false,
        },
    };
    let tls = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(
        tls,
        Some(rustls::Error::AlertReceived(
            AlertDescription::CertificateRevoked
        ))
    )
}

/// By what the authority knows the certificate.
fn serial_of(hub: &Hub, credentials: &Credentials) -> String {
    let fingerprint = fingerprint(credentials);
    let listed = hub.run(&["cert", "list", "-o", "json"]).success();
    let all: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
    let mut all = all.iter();
    let this = all.find(|it| it["fingerprint"] == fingerprint.as_str());
    let this = this.unwrap_or_else(|| panic!("no {fingerprint} in {listed}"));
    this["serial"].as_str().unwrap().to_owned()
}

/// SHA-256 of the certificate.
fn fingerprint(credentials: &Credentials) -> String {
    let chain = credentials.chain();
    let digest = ring::digest::digest(&ring::digest::SHA256, &chain[0]);
    let bytes = digest.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
