//! What the authority issues, and what it refuses to.

use std::os::unix::fs::PermissionsExt as _;

use ndxp_model::ManualClock;

use super::*;

fn clock() -> ManualClock {
    ManualClock::at(Instant::from_micros(1_700_000_000_000_000))
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[track_caller]
fn check_issued(issued: &Issued, uri: &str, hosts: &[&str], serves: bool) {
    let der = der(&issued.certificate_pem);
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let mut names = vec![format!("URI({uri})")];
    names.extend(hosts.iter().map(|host| (*host).to_owned()));
    let found = certificate.subject_alternative_name().unwrap().unwrap();
    let found: Vec<String> = found
        .value
        .general_names
        .iter()
        .map(|name| match name {
            GeneralName::URI(uri) => format!("URI({uri})"),
            GeneralName::DNSName(name) => (*name).to_owned(),
            GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
                Ok(four) => IpAddr::from(four).to_string(),
                Err(_) => IpAddr::from(<[u8; 16]>::try_from(*bytes).unwrap()).to_string(),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, names);
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert_eq!((usage.client_auth, usage.server_auth), (true, serves));
    assert!(!certificate.is_ca());
    let length = certificate.raw_serial().len();
    assert_eq!(length, 16, "the serial number has a fixed length");
}

#[test]
fn each_holder_gets_its_uri_and_only_servers_get_hosts() {
    let clock = clock();
    let authority = Authority::create("ndxp.gov.vn", &clock).unwrap();
    let validity = Validity::days(&clock, 30);
    let here = ["localhost", "127.0.0.1", "::1"];
    let system = authority.issue_system(&"H26/lgsp".parse().unwrap(), &Hosts::default(), validity);
    check_issued(
        &system.unwrap(),
        "spiffe://ndxp.gov.vn/member/H26/system/lgsp",
        &here,
        true,
    );
    let hosts = Hosts::with(["hub.gov.vn", "10.0.0.1", "localhost", "10.0.0.1"].map(str::to_owned));
    let hub = authority.issue_hub("hub-1", &hosts, validity).unwrap();
    let all = ["localhost", "hub.gov.vn", "127.0.0.1", "::1", "10.0.0.1"];
    check_issued(&hub, "spiffe://ndxp.gov.vn/hub/hub-1", &all, true);
    let operator = authority.issue_operator("le.van.a", validity).unwrap();
    check_issued(
        &operator,
        "spiffe://ndxp.gov.vn/operator/le.van.a",
        &[],
        false,
    );
    let auditor = authority.issue_auditor("b", validity).unwrap();
    check_issued(&auditor, "spiffe://ndxp.gov.vn/auditor/b", &[], false);
}

#[test]
fn serial_numbers_differ() {
    let serial = || random_serial().unwrap().to_bytes();
    assert_ne!(serial(), serial());
}

#[test]
fn what_cannot_stand_in_a_certificate_is_refused() {
    let clock = clock();
    let authority = Authority::create("ndxp.local", &clock).unwrap();
    let validity = Validity::days(&clock, 30);
    for name in ["", "A", "a/b", "a b", "-a", &"a".repeat(64)] {
        let result = authority.issue_operator(name, validity);
        assert!(
            matches!(result, Err(AuthorityError::InvalidName { .. })),
            "{name:?}"
        );
    }
    for host in ["", "a b", "đà-nẵng.vn", "http://x", "*.x y"] {
        let hosts = Hosts::with([host.to_owned()]);
        let result = authority.issue_hub("hub-1", &hosts, validity);
        assert!(
            matches!(result, Err(AuthorityError::InvalidHost { .. })),
            "{host:?}"
        );
    }
    let result = authority.issue_operator("a", Validity::days(&clock, AUTHORITY_DAYS + 1));
    assert!(matches!(
        result,
        Err(AuthorityError::OutlivesAuthority { .. })
    ));
}

#[test]
fn a_saved_authority_issues_what_the_first_one_vouches_for() {
    let clock = clock();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create("ndxp.local", &clock).unwrap();
    authority.save(folder.path()).unwrap();
    let again = Authority::load(folder.path()).unwrap();
    assert_eq!(again.trust_domain(), "ndxp.local");
    assert_eq!(again.valid_until, authority.valid_until);

    let issued = again.issue_auditor("a", Validity::days(&clock, 1)).unwrap();
    let (root, leaf) = (
        der(authority.certificate_pem()),
        der(&issued.certificate_pem),
    );
    let (_, root) = X509Certificate::from_der(&root).unwrap();
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    leaf.verify_signature(Some(root.public_key())).unwrap();
    assert_eq!(leaf.issuer(), root.subject());
}

#[test]
fn files_are_never_written_over_and_keys_are_for_their_owner() {
    let clock = clock();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create("ndxp.local", &clock).unwrap();
    authority.save(folder.path()).unwrap();
    let again = Authority::create("ndxp.local", &clock)
        .unwrap()
        .save(folder.path());
    assert!(matches!(
        again,
        Err(AuthorityError::File(FileError::AlreadyThere { .. }))
    ));

    let issued = authority
        .issue_operator("a", Validity::days(&clock, 1))
        .unwrap();
    let own = folder.path().join("operator");
    issued.save(&own).unwrap();
    assert!(matches!(
        issued.save(&own),
        Err(FileError::AlreadyThere { .. })
    ));
    for path in [own.join("key.pem"), folder.path().join(KEY_FILE)] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(
        secret::read_public(&own.join("ca.pem")).unwrap(),
        authority.certificate_pem()
    );
}

#[test]
fn what_is_no_authority_is_refused_by_name() {
    let clock = clock();
    let authority = || Authority::create("ndxp.local", &clock).unwrap();
    let (one, other) = (authority(), authority());
    let leaf = one.issue_operator("a", Validity::days(&clock, 1)).unwrap();
    let pems = [
        (
            one.certificate_pem.clone(),
            other.key_pem.clone(),
            "not the key",
        ),
        (leaf.certificate_pem, leaf.key_pem, "may not issue"),
        ("x".to_owned(), one.key_pem.clone(), ""),
    ];
    for (certificate, key, problem) in pems {
        let found = Authority::from_pem(certificate, key).err().unwrap();
        assert!(found.contains(problem), "{found}");
    }
}
