//! Who may do what, by role and RPC, and that no RPC was forgotten.

use std::collections::BTreeSet;

use ndxp_model::Sequence;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged};
use ndxp_proto::registry::v1;
use prost::Message as _;

use super::*;

fn peer(identity: PeerIdentity, fingerprint: u8) -> ControlPeer {
    let actor = identity.uri("ndxp.local").unwrap_or_default().into();
    ControlPeer {
        identity,
        fingerprint: [fingerprint; 32],
        actor,
        certificate: None,
    }
}

fn system(id: &str) -> PeerIdentity {
    PeerIdentity::System(id.parse().unwrap())
}

/// H26 with an active and a suspended system; the active one has a fingerprint, too.
fn registry() -> Registry {
    let member = v1::Member {
        code: "H26".to_owned(),
        name_vi: "Tỉnh H26".to_owned(),
        class: v1::MemberClass::Province.into(),
        state: v1::State::Active.into(),
        ..Default::default()
    };
    let system = |id: &str, state: v1::State, fingerprints: Vec<String>| v1::System {
        id: id.to_owned(),
        kind: v1::SystemKind::Lgsp.into(),
        fingerprints,
        state: state.into(),
        ..Default::default()
    };
    let catalogue = v1::Catalogue {
        members: vec![member],
        systems: vec![
            system("H26/lgsp", v1::State::Active, vec!["07".repeat(32)]),
            system("H26/old", v1::State::Suspended, vec![]),
        ],
        ..Default::default()
    };
    let mut registry = Registry::empty();
    let changes = registry.plan(&catalogue).unwrap().changes;
    let body = Body::RegistryChanged(RegistryChanged {
        changes,
        ..Default::default()
    });
    let entry = Entry {
        sequence: 1,
        committed_at_us: 1,
        body: Some(body),
    };
    registry.apply(&entry).unwrap();
    assert_eq!(registry.watermark(), Sequence::new(1));
    registry
}

/// `o`perator, `a`uditor, `m`ember; a capital letter sees everything, a small one its own.
fn expected(rpc: &str) -> &'static str {
    let name = rpc.rsplit_once('/').unwrap().1;
    match name {
        "Apply" | "Propose" | "Transition" | "SetAvailability" | "SetMaintenance"
        | "ImportBaseline" => "O",
        "RequestAccess" | "DecideAccess" | "RevokeAccess" | "PutDescriptors" => "Om",
        "ReadEntries" | "DumpCounters" | "GetFigures" | "GetReport" | "ListBaselines"
        | "Export" | "GetCoverage" | "ListAudit" => "OA",
        "GetTransaction" | "ListTransactions" | "WatchTransactions" | "Count" | "WatchCounts"
        | "ListMembers" | "ListSystems" | "ListServices" | "ListGrants" => "OAm",
        "GetPosition" | "GetDescriptors" | "Check" | "Watch" | "ServerReflectionInfo" => "OAM",
        other => panic!("{other} has no expectation"),
    }
}

#[test]
fn the_table_is_the_matrix_of_roles() {
    let registry = registry();
    let roles = [
        ("O", PeerIdentity::Operator("a".to_owned()), 0),
        ("A", PeerIdentity::Auditor("a".to_owned()), 0),
        ("M", system("H26/lgsp"), 0),
        ("M", PeerIdentity::Unnamed, 7),
    ];
    for Row { rpc, .. } in TABLE {
        let expected = expected(rpc);
        for (letter, identity, fingerprint) in roles.clone() {
            let found = check(&peer(identity, fingerprint), &registry, rpc);
            match found {
                Ok(Asker {
                    scope: Scope::Everything,
                    ..
                }) => {
                    assert!(expected.contains(letter), "{letter} {rpc}");
                }
                Ok(Asker {
                    scope: Scope::Own(member),
                    ..
                }) => {
                    assert_eq!(member.as_str(), "H26");
                    assert!(expected.contains(&letter.to_lowercase()), "{letter} {rpc}");
                }
                Err(Denied { status, attempt }) => {
                    assert_eq!(status.code(), Code::PermissionDenied, "{letter} {rpc}");
                    // Reading what is not for a role is no attempt at an act.
                    let is_act = !expected.contains('A');
                    assert_eq!(attempt.is_some(), is_act, "{letter} {rpc}");
                    let known = expected.to_uppercase().contains(letter);
                    assert!(!known, "{letter} {rpc} was denied");
                }
            }
        }
    }
}

#[test]
fn every_rpc_of_the_control_port_has_a_row_and_no_row_is_left_over() {
    let sets = [
        ndxp_proto::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let mut served = BTreeSet::new();
    for set in sets {
        let set = prost_types::FileDescriptorSet::decode(set).unwrap();
        for file in &set.file {
            // What the exchange port serves, and examples of what members serve.
            if ["ndxp.exchange.v1", "ndxp.example"]
                .iter()
                .any(|it| file.package().starts_with(it))
            {
                continue;
            }
            for service in &file.service {
                let name = format!("/{}.{}", file.package(), service.name());
                let rpcs = service
                    .method
                    .iter()
                    .map(|rpc| format!("{name}/{}", rpc.name()));
                served.extend(rpcs);
            }
        }
    }
    let listed: BTreeSet<_> = TABLE.iter().map(|row| row.rpc.to_owned()).collect();
    assert_eq!(listed.len(), TABLE.len(), "a row stands twice");
    assert_eq!(listed, served);
}

#[test]
fn who_has_no_role_is_not_told_more() {
    let registry = registry();
    let rows = [
        (PeerIdentity::Hub("hub-1".to_owned()), 0, "no role"),
        (PeerIdentity::Unnamed, 8, "UNKNOWN_SYSTEM"),
        (system("H27/lgsp"), 0, "UNKNOWN_SYSTEM"),
        (system("H26/old"), 0, "SYSTEM_SUSPENDED"),
        // Its certificate is registered for another system.
        (system("H26/old"), 7, "UNKNOWN_SYSTEM"),
    ];
    for (identity, fingerprint, part) in rows {
        for rpc in ["/ndxp.registry.v1.RegistryService/ListMembers", "/x.Y/Z"] {
            let peer = peer(identity.clone(), fingerprint);
            let Denied { status, attempt } = check(&peer, &registry, rpc).unwrap_err();
            assert_eq!(attempt, None, "a stranger fills no audit log");
            assert_eq!(status.code(), Code::Unauthenticated, "{identity}");
            assert!(status.message().contains(part), "{}", status.message());
        }
    }
}

#[test]
fn what_has_no_row_is_denied_to_everyone() {
    let registry = registry();
    for rpc in [
        "",
        "/",
        "/ndxp.registry.v1.RegistryService/apply",
        "/ndxp.registry.v1.RegistryService/Apply/",
        "/ndxp.exchange.v1.DirectoryService/WhoAmI",
    ] {
        let operator = peer(PeerIdentity::Operator("a".to_owned()), 0);
        let status = check(&operator, &registry, rpc).unwrap_err().status;
        assert_eq!(status.code(), Code::PermissionDenied, "{rpc}");
    }
}

#[test]
fn a_request_that_passed_no_check_is_not_answered() {
    assert_eq!(asker(&Request::new(())).unwrap_err().code(), Code::Internal);
}
