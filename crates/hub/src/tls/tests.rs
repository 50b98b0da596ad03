//! Real handshakes in memory: who is let in, and who is not.

use std::path::PathBuf;

use ndxp_gateway::verifier::ProviderVerifier;
use ndxp_model::{ManualClock, SystemId};
use tempfile::TempDir;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::authority::{Authority, Hosts, Issued, Validity};

const NOW: Instant = Instant::from_micros(1_700_000_000_000_000);

/// An authority, a clock and a folder for one test.
struct House {
    clock: Arc<ManualClock>,
    authority: Authority,
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let authority = Authority::create("ndxp.local", &*clock).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            clock,
            authority,
            folder,
        }
    }

    fn days(&self, days: u32) -> Validity {
        Validity::days(&*self.clock, days)
    }

    fn hub(&self) -> Issued {
        self.authority
            .issue_hub("hub-1", &Hosts::default(), self.days(30))
            .unwrap()
    }

    fn system(&self, id: &str) -> Issued {
        let id: SystemId = id.parse().unwrap();
        self.authority
            .issue_system(&id, &Hosts::default(), self.days(30))
            .unwrap()
    }

    fn save(&self, name: &str, issued: &Issued) -> TlsFiles {
        let folder = self.folder.path().join(name);
        issued.save(&folder).unwrap();
        let file = |name: &str| -> PathBuf { folder.join(name) };
        TlsFiles {
            authority: file("ca.pem"),
            certificate: file("cert.pem"),
            key: file("key.pem"),
            revoked: None,
        }
    }

    /// The holder of a certificate who trusts this house's authority.
    fn tls(&self, name: &str, issued: &Issued) -> Tls {
        let files = self.save(name, issued);
        let keys = ["tls.authority", "tls.certificate", "tls.key"];
        Tls::read(&files, keys, self.clock.clone()).unwrap()
    }
}

/// Shakes hands over a pipe; answers whom the server saw, or why either side refused.
async fn handshake(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: &'static str,
) -> Result<PeerIdentity, String> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let accepting = TlsAcceptor::from(server).accept(far);
    let connecting = async {
        let name = name.try_into().expect("a valid server name");
        let mut stream = TlsConnector::from(client).connect(name, near).await?;
        // TLS 1.3 tells a client of its own refusal only with the first bytes.
        tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1]).await
    };
    let serving = async {
        let mut stream = accepting.await?;
        let peer = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::first)
            .cloned();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &[1]).await?;
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await?;
        Ok::<_, std::io::Error>(peer)
    };
    let (client, server) = tokio::join!(connecting, serving);
    let text = |error: std::io::Error| error.to_string();
    let peer = match (client.map_err(text), server.map_err(text)) {
        (Ok(_), Ok(peer)) => peer.ok_or("no certificate")?,
        (Err(one), Err(other)) => return Err(format!("client: {one}; server: {other}")),
        (Err(one), _) => return Err(format!("client: {one}")),
        (_, Err(other)) => return Err(format!("server: {other}")),
    };
    identity::read(&peer, "ndxp.local")
        .map(|(found, _)| found)
        .map_err(|error| error.to_string())
}

#[track_caller]
fn check_refused(result: Result<PeerIdentity, String>, part: &str) {
    let text = result.expect_err("refused");
    assert!(text.contains(part), "{text}");
}

#[tokio::test]
async fn the_hub_sees_whom_the_certificate_names() {
    let house = House::new();
    let server = house.tls("hub", &house.hub()).server().unwrap();
    let client = house
        .tls("lgsp", &house.system("H26/lgsp"))
        .client()
        .unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let seen = handshake(client.clone(), server.clone(), name).await;
        assert_eq!(seen, Ok(PeerIdentity::System("H26/lgsp".parse().unwrap())));
    }
    check_refused(
        handshake(client, server, "hub.gov.vn").await,
        "not valid for name \"hub.gov.vn\"",
    );
}

#[tokio::test]
async fn a_session_that_is_resumed_keeps_its_identity() {
    let house = House::new();
    let server = house.tls("hub", &house.hub()).server().unwrap();
    let client = house.tls(
        "a",
        &house.authority.issue_operator("a", house.days(1)).unwrap(),
    );
    let client = client.client().unwrap();
    for _ in 0..3 {
        let seen = handshake(client.clone(), server.clone(), "localhost").await;
        assert_eq!(seen, Ok(PeerIdentity::Operator("a".to_owned())));
    }
}

#[tokio::test]
async fn a_client_of_another_authority_is_refused() {
    let (house, other) = (House::new(), House::new());
    let server = house.tls("hub", &house.hub()).server().unwrap();
    let stranger = Issued {
        authority_pem: house.authority.certificate_pem().to_owned(),
        ..other.system("H26/lgsp")
    };
    let client = house.tls("stranger", &stranger).client().unwrap();
    // Both authorities have the same name, so that only the signature tells them apart.
    check_refused(handshake(client, server, "localhost").await, "server: ");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let house = House::new();
    let hub = house.tls("hub", &house.hub());
    let mut client = (*hub.client().unwrap()).clone();
    client.client_auth_cert_resolver = Arc::new(NoCertificate);
    let result = handshake(Arc::new(client), hub.server().unwrap(), "localhost").await;
    check_refused(result, "peer sent no certificates");
}

#[tokio::test]
async fn certificates_end_by_the_clock() {
    let house = House::new();
    let server = house.tls("hub", &house.hub()).server().unwrap();
    let client = house.tls(
        "a",
        &house.authority.issue_operator("a", house.days(1)).unwrap(),
    );
    house
        .clock
        .set(NOW.saturating_add(std::time::Duration::from_secs(2 * 86_400)));
    let result = handshake(client.client().unwrap(), server.clone(), "localhost").await;
    check_refused(
        result,
        "server: invalid peer certificate: certificate expired",
    );
    house
        .clock
        .set(NOW.saturating_sub(std::time::Duration::from_secs(86_400)));
    let result = handshake(client.client().unwrap(), server, "localhost").await;
    check_refused(result, "certificate not valid yet");
}

#[tokio::test]
async fn an_operator_certificate_cannot_serve() {
    let house = House::new();
    let operator = house.authority.issue_operator("a", house.days(1)).unwrap();
    let server = house.tls("a", &operator).server().unwrap();
    let client = house
        .tls("lgsp", &house.system("H26/lgsp"))
        .client()
        .unwrap();
    check_refused(
        handshake(client, server, "localhost").await,
        "client: invalid peer certificate",
    );
}

#[tokio::test]
async fn older_tls_is_not_spoken() {
    let house = House::new();
    let hub = house.tls("hub", &house.hub());
    let mut client =
        ClientConfig::builder_with_details(Arc::new(crypto::default_provider()), hub.time())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(hub.roots())
            .with_client_cert_resolver(hub.credentials());
    client.alpn_protocols = vec![b"h2".to_vec()];
    let result = handshake(Arc::new(client), hub.server().unwrap(), "localhost").await;
    check_refused(result, "ProtocolVersion");
}

/// The hub as a client of a provider that shows `shown` where the registry says `expected`.
async fn reach_provider(
    house: &House,
    expected: &str,
    fingerprints: Vec<[u8; 32]>,
    provider: Tls,
) -> Result<PeerIdentity, String> {
    let hub = house.tls("hub", &house.hub());
    let verifier = ProviderVerifier::new(
        Trust::clone(&hub.trust()).fixed(),
        "ndxp.local",
        expected.parse().unwrap(),
        fingerprints,
    );
    let mut client = (*hub.client().unwrap()).clone();
    client
        .dangerous()
        .set_certificate_verifier(Arc::new(verifier));
    handshake(Arc::new(client), provider.server().unwrap(), "192.0.2.1").await
}

#[tokio::test]
async fn a_provider_is_known_by_its_identity_and_not_by_its_address() {
    let house = House::new();
    let provider = house.tls("provider", &house.system("G01/population"));
    let seen = reach_provider(&house, "G01/population", vec![], provider).await;
    assert_eq!(seen, Ok(PeerIdentity::Hub("hub-1".to_owned())));
}

#[tokio::test]
async fn another_system_is_not_the_provider_even_by_its_fingerprint() {
    let house = House::new();
    let provider = house.tls("provider", &house.system("H26/lgsp"));
    let fingerprint = identity::fingerprint(provider.own.end_entity_cert().unwrap());
    let result = reach_provider(&house, "G01/population", vec![fingerprint], provider).await;
    check_refused(
        result,
        "the endpoint of G01/population showed a certificate that names system H26/lgsp",
    );
}

#[tokio::test]
async fn a_provider_of_another_authority_or_an_expired_one_is_refused() {
    let (house, other) = (House::new(), House::new());
    let stranger = Issued {
        authority_pem: house.authority.certificate_pem().to_owned(),
        ..other.system("G01/population")
    };
    let provider = house.tls("stranger", &stranger);
    let result = reach_provider(&house, "G01/population", vec![], provider).await;
    check_refused(result, "client: invalid peer certificate");

    let house = House::new();
    let ended = Validity {
        from: NOW.saturating_sub(std::time::Duration::from_secs(9)),
        until: NOW.saturating_sub(std::time::Duration::from_secs(5)),
    };
    let id = "G01/population".parse().unwrap();
    let ended = house
        .authority
        .issue_system(&id, &Hosts::default(), ended)
        .unwrap();
    let provider = house.tls("ended", &ended);
    let result = reach_provider(&house, "G01/population", vec![], provider).await;
    check_refused(result, "certificate expired");
}

#[tokio::test]
async fn a_nameless_provider_is_known_by_its_registered_fingerprint() {
    for registered in [true, false] {
        let house = House::new();
        let files = house.save("nameless", &house.system("G01/population"));
        let nameless = Tls::read(&files, ["a", "b", "c"], house.clock.clone()).unwrap();
        // Read under another trust domain, the same certificate names nobody.
        let hub = house.tls("hub", &house.hub());
        let fingerprint = identity::fingerprint(nameless.own.end_entity_cert().unwrap());
        let fingerprints = if registered {
            vec![fingerprint]
        } else {
            vec![[0; 32]]
        };
        let id = "G01/population".parse().unwrap();
        let verifier = ProviderVerifier::new(
            Trust::clone(&hub.trust()).fixed(),
            "ndxp.gov.vn",
            id,
            fingerprints,
        );
        let mut client = (*hub.client().unwrap()).clone();
        client
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));
        let result = handshake(Arc::new(client), nameless.server().unwrap(), "192.0.2.1").await;
        match registered {
            true => assert_eq!(result, Ok(PeerIdentity::Hub("hub-1".to_owned()))),
            false => check_refused(
                result,
                "the endpoint of G01/population showed a certificate that names nobody",
            ),
        }
    }
}

#[test]
fn files_that_cannot_serve_name_their_key_and_a_remedy() {
    let house = House::new();
    let files = house.save("hub", &house.hub());
    let other = house.save("other", &house.hub());
    let empty = house.folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let missing = house.folder.path().join("missing.pem");
    let rows = [
        (
            TlsFiles {
                authority: missing,
                ..files.clone()
            },
            "tls.authority: ",
            "check the path",
        ),
        (
            TlsFiles {
                authority: empty.clone(),
                ..files.clone()
            },
            "tls.authority: ",
            "holds no certificate",
        ),
        (
            TlsFiles {
                certificate: empty,
                ..files.clone()
            },
            "tls.certificate: ",
            "write PEM certificates",
        ),
        (
            TlsFiles {
                key: other.key,
                ..files.clone()
            },
            "tls.key: ",
            "write the private key of the certificate",
        ),
        (
            TlsFiles {
                key: files.certificate.clone(),
                ..files
            },
            "tls.key: ",
            "chmod 600",
        ),
    ];
    for (files, key, part) in rows {
        let keys = ["tls.authority", "tls.certificate", "tls.key"];
        let text = Tls::read(&files, keys, house.clock.clone())
            .unwrap_err()
            .to_string();
        assert!(text.starts_with(key) && text.contains(part), "{text}");
    }
}

#[test]
fn the_certificate_must_be_this_nodes() {
    let house = House::new();
    let hub = house.tls("hub", &house.hub());
    assert!(hub.check_node("ndxp.local", "hub-1").is_ok());
    let text = hub
        .check_node("ndxp.local", "hub-2")
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("spiffe://ndxp.local/hub/hub-1 where"),
        "{text}"
    );
    assert_eq!(hub.valid_until(), house.days(30).until);
    let system = house.tls("system", &house.system("H26/lgsp"));
    assert!(system.check_node("ndxp.local", "hub-1").is_err());
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// The folder of an authority, the hub's files beside it, and a system's certificate.
fn revoking_house() -> (House, crate::authority::AuthorityFolder, TlsFiles) {
    let house = House::new();
    let folder = house.folder.path().join("authority");
    house.authority.save(&folder).unwrap();
    let authority = crate::authority::AuthorityFolder::open(&folder, house.clock.clone()).unwrap();
    let files = TlsFiles {
        revoked: Some(authority.crl_file()),
        ..house.save("hub", &house.hub())
    };
    (house, authority, files)
}

#[tokio::test]
async fn a_revoked_certificate_opens_no_connection_on_either_side_of_the_hub() {
    let (house, authority, files) = revoking_house();
    let keys = ["tls.authority", "tls.certificate", "tls.key"];
    let system = house.system("G01/population");
    let other = house.tls("other", &house.system("H26/lgsp"));
    let own = house.tls("population", &system);
    let serial = authority.adopt(&system.certificate_pem).unwrap().serial;
    for revoked in [false, true] {
        if revoked {
            let serials = [serial.clone()];
            authority.revoke(&serials, "lost").unwrap();
        }
        let hub = Tls::read(&files, keys, house.clock.clone()).unwrap();
        let calls = handshake(own.client().unwrap(), hub.server().unwrap(), "localhost").await;
        let expected = "G01/population".parse().unwrap();
        let trusted = Trust::clone(&hub.trust()).fixed();
        let verifier = ProviderVerifier::new(trusted, "ndxp.local", expected, Vec::new());
        let mut client = (*hub.client().unwrap()).clone();
        client
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));
        let serves = handshake(Arc::new(client), own.server().unwrap(), "192.0.2.1").await;
        match revoked {
            false => assert!(calls.is_ok() && serves.is_ok(), "{calls:?} {serves:?}"),
            true => {
                check_refused(calls, "Revoked");
                check_refused(serves, "Revoked");
            }
        }
        let untouched = handshake(other.client().unwrap(), hub.server().unwrap(), "localhost");
        assert!(
            untouched.await.is_ok(),
            "another's certificate is not touched"
        );
    }
}
