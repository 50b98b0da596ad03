//! The audit log, read out of a real journal.

use std::sync::Arc;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::{Instant, ManualClock};
use ndxp_proto::journal::v1::{BaselineRow, RegistryRefused, SystemConnected};
use tempfile::TempDir;

use super::*;
use crate::Act;
use crate::fixture::{SMALL, january, parse};

const AN: &str = "spiffe://ndxp.local/operator/an";

/// A journal whose entries are committed at the seconds 1, 2, 3 and so on.
fn journal(bodies: Vec<Body>) -> (TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let options = Options::new(folder.path());
    let journal = Journal::open(options, Arc::new(FileDisk), clock.clone(), Arc::new(())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(async {
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        for (second, body) in (1..).zip(bodies) {
            clock.set(Instant::from_micros(second * 1_000_000));
            lane.append(&body).await.unwrap();
        }
    });
    let reader = journal.reader();
    journal.close();
    (folder, reader)
}

/// 1 the catalogue by an old entry, 2 a handshake, 3 a suspension, 4 a refused attempt.
fn story() -> (TempDir, Reader) {
    let mut registry = Registry::empty();
    let old = RegistryChanged {
        actor: AN.to_owned(),
        changes: registry.plan(&parse(SMALL)).unwrap().changes,
        ..Default::default()
    };
    let first = crate::fixture::changed(1, old.changes.clone());
    registry.apply(&first).unwrap();
    let suspend = Act::Transition(v1::TransitionRequest {
        kind: v1::ItemKind::Member.into(),
        key: "H29".to_owned(),
        action: v1::Action::Suspend.into(),
        reason: "công văn 12".to_owned(),
        ..Default::default()
    });
    let plan = registry
        .plan_act(&suspend, "operator", january(15))
        .unwrap();
    let changed = RegistryChanged {
        actor: AN.to_owned(),
        note: suspend.reason().to_owned(),
        changes: plan.changes,
        role: "operator".to_owned(),
        rpc: suspend.rpc().to_owned(),
        item: suspend.item(),
    };
    let refused = RegistryRefused {
        actor: "spiffe://ndxp.local/member/H26/system/lgsp".to_owned(),
        role: "member H26".to_owned(),
        rpc: "RevokeAccess".to_owned(),
        item: "H29/lgsp>G01/population/test.Population".to_owned(),
        note: "thử".to_owned(),
        refused: "not yours".to_owned(),
    };
    journal(vec![
        Body::RegistryChanged(old),
        Body::SystemConnected(SystemConnected {
            system: "H26/lgsp".to_owned(),
        }),
        Body::RegistryChanged(changed),
        Body::RegistryRefused(refused),
    ])
}

#[test]
fn every_act_and_every_refused_attempt_is_told() {
    let (_folder, reader) = story();
    let log = audit(&reader, &v1::ListAuditRequest::default()).unwrap();
    assert_eq!(log.watermark, 4);
    let [first, second, third] = log.entries.as_slice() else {
        panic!("{log:?}");
    };
    assert_eq!(
        (first.sequence, first.rpc.as_str(), first.role.as_str()),
        (1, "Apply", "")
    );
    assert!(first.differences.iter().all(|difference| difference.added));
    let suspension = v1::AuditEntry {
        sequence: 3,
        at_us: 3_000_000,
        actor: AN.to_owned(),
        role: "operator".to_owned(),
        rpc: "Transition".to_owned(),
        item: "H29".to_owned(),
        reason: "công văn 12".to_owned(),
        refused: String::new(),
        differences: vec![v1::Difference {
            item: "member H29".to_owned(),
            fields: vec![v1::FieldDifference {
                field: "state".to_owned(),
                before: "active".to_owned(),
                after: "suspended".to_owned(),
            }],
            ..Default::default()
        }],
    };
    assert_eq!(*second, suspension);
    assert_eq!((third.sequence, third.refused.as_str()), (4, "not yours"));
}

#[test]
fn an_import_of_opening_balances_is_an_act_between_the_others() {
    let refused = |rpc: &str| {
        Body::RegistryRefused(RegistryRefused {
            rpc: rpc.to_owned(),
            refused: "no".to_owned(),
            ..RegistryRefused::default()
        })
    };
    let import = BaselineImported {
        actor: AN.to_owned(),
        note: "công văn 7".to_owned(),
        file: "2021.csv".to_owned(),
        file_sha256: vec![0xab, 1],
        sources: vec!["Báo cáo 105".to_owned(), "Báo cáo 106".to_owned()],
        rows: vec![BaselineRow::default(); 3],
        ..BaselineImported::default()
    };
    let (_folder, reader) = journal(vec![
        refused("Apply"),
        Body::BaselineImported(import),
        refused("ImportBaseline"),
    ]);
    let log = audit(&reader, &v1::ListAuditRequest::default()).unwrap();
    let rpcs: Vec<_> = log.entries.iter().map(|entry| entry.rpc.as_str()).collect();
    assert_eq!(rpcs, ["Apply", "ImportBaseline", "ImportBaseline"]);
    let told = &log.entries[1];
    assert_eq!(
        (
            told.sequence,
            told.at_us,
            told.actor.as_str(),
            told.role.as_str()
        ),
        (2, 2_000_000, AN, "operator")
    );
    assert_eq!(
        (told.item.as_str(), told.reason.as_str()),
        ("2021.csv", "công văn 7")
    );
    let fields: Vec<_> = told.differences[0]
        .fields
        .iter()
        .map(|field| (field.field.as_str(), field.after.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("balances", "3"),
            ("sources", "Báo cáo 105; Báo cáo 106"),
            ("file_sha256", "ab01")
        ]
    );
}

#[test]
fn the_log_is_asked_by_time_actor_item_and_outcome() {
    let (_folder, reader) = story();
    let request = v1::ListAuditRequest::default;
    let rows = [
        (
            v1::ListAuditRequest {
                from_us: 2_000_000,
                ..request()
            },
            vec![3, 4],
        ),
        (
            v1::ListAuditRequest {
                until_us: 3_000_000,
                ..request()
            },
            vec![1],
        ),
        (
            v1::ListAuditRequest {
                actor: "operator/an".to_owned(),
                ..request()
            },
            vec![1, 3],
        ),
        (
            v1::ListAuditRequest {
                item: "H29".to_owned(),
                ..request()
            },
            vec![1, 3, 4],
        ),
        (
            v1::ListAuditRequest {
                item: "H53/lgsp".to_owned(),
                ..request()
            },
            vec![1],
        ),
        (
            v1::ListAuditRequest {
                refused_only: true,
                ..request()
            },
            vec![4],
        ),
        (
            v1::ListAuditRequest {
                limit: 2,
                ..request()
            },
            vec![3, 4],
        ),
    ];
    for (request, expected) in rows {
        let log = audit(&reader, &request).unwrap();
        let found: Vec<u64> = log.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(found, expected, "{request:?}");
    }
}
