//! Who calls: what a certificate proves. Where calls go is in `calls`.

use super::*;
use crate::fixture::{SMALL, changed, registry};

mod calls;

/// The reason and detail of a refusal, as `REASON: detail`.
fn told(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.reason, refusal.detail)
}

#[track_caller]
fn check_identity(registry: &Registry, system: Option<&str>, digit: u8, expected: &str) {
    let identity = CertificateIdentity {
        system: system.map(|system| system.parse().unwrap()),
        fingerprint: [digit; 32],
    };
    let answer = match registry.identify(&identity) {
        Ok(record) => record.id.to_string(),
        Err(refusal) => told(&refusal),
    };
    assert_eq!(answer, expected, "{identity:?}");
}

#[test]
fn a_certificate_proves_a_system_by_its_name_or_its_registered_fingerprint() {
    let registry = registry(&[SMALL]);
    let other = 0x99;
    check_identity(&registry, Some("H26/lgsp"), other, "H26/lgsp");
    check_identity(&registry, None, 0x26, "H26/lgsp");
    check_identity(&registry, Some("H26/lgsp"), 0x26, "H26/lgsp");
    check_identity(
        &registry,
        Some("H29/lgsp"),
        0x26,
        "UNKNOWN_SYSTEM: the certificate names H29/lgsp, but its fingerprint is registered for \
         another system",
    );
    check_identity(
        &registry,
        Some("H29/other"),
        other,
        "UNKNOWN_SYSTEM: the system H29/other is not registered",
    );
    check_identity(
        &registry,
        None,
        other,
        &format!(
            "UNKNOWN_SYSTEM: the certificate names no system, and its fingerprint {} is not \
             registered",
            "99".repeat(32)
        ),
    );
    check_identity(
        &registry,
        Some("H26/closed"),
        other,
        "SYSTEM_SUSPENDED: the system H26/closed is suspended",
    );
    check_identity(
        &registry,
        None,
        0x27,
        "SYSTEM_SUSPENDED: the system H26/closed is suspended",
    );
    check_identity(
        &registry,
        Some("H53/lgsp"),
        other,
        "SYSTEM_SUSPENDED: the member H53 is suspended",
    );
}

#[test]
fn a_fingerprint_taken_from_a_system_no_longer_proves_it() {
    let changed = "[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"";
    let registry = registry(&[SMALL, changed]);
    assert_eq!(
        registry
            .identify(&CertificateIdentity {
                system: None,
                fingerprint: [0x26; 32]
            })
            .unwrap_err()
            .reason,
        Reason::UnknownSystem
    );
    check_identity(&registry, Some("H26/lgsp"), 0x26, "H26/lgsp");
}

#[test]
fn a_fingerprint_that_two_systems_claim_proves_neither() {
    let mut registry = registry(&[SMALL]);
    let mut thief = registry.systems.get("H29/lgsp").unwrap().item.clone();
    thief.fingerprints = vec!["26".repeat(32)];
    let mut change = v1::Change {
        item: Some(v1::change::Item::System(thief.clone())),
    };
    registry.apply(&changed(2, vec![change.clone()])).unwrap();
    check_identity(
        &registry,
        None,
        0x26,
        "UNKNOWN_SYSTEM: the certificate's fingerprint is registered for several systems",
    );
    thief.fingerprints.clear();
    change.item = Some(v1::change::Item::System(thief));
    registry.apply(&changed(3, vec![change])).unwrap();
    check_identity(&registry, None, 0x26, "H26/lgsp");
}

#[test]
fn a_caller_whose_entry_cannot_be_read_is_shut_out() {
    let mut registry = registry(&[SMALL]);
    let spoiled = v1::System {
        kind: 99,
        ..registry.systems.get("H26/lgsp").unwrap().item.clone()
    };
    let item = Some(v1::change::Item::System(spoiled));
    registry
        .apply(&changed(2, vec![v1::Change { item }]))
        .unwrap();
    check_identity(
        &registry,
        Some("H26/lgsp"),
        0x99,
        "SYSTEM_SUSPENDED: the registry's entry for the system H26/lgsp cannot be read",
    );
    assert!(!registry.is_active("H26/lgsp"));
    assert_eq!(registry.system_kind("H26/lgsp"), None);
}
