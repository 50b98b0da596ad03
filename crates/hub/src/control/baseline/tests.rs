//! Imports over the wire: who may, what is refused, and that nothing is taken by half.

use std::time::Duration;

use ndxp_journal::Kind;
use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::{BaselineRow, RegistryRefused};
use tonic::Code;

use super::*;
use crate::control::fixture::{BEGIN, House};

/// Numbers in total, of periods as a file writes them.
fn baseline(periods: &[&str]) -> BaselineImported {
    let row = |period: &&str| {
        let span: ndxp_baseline::Span = period.parse().unwrap();
        BaselineRow {
            from_day: span.from.map(Day::number),
            to_day: span.to.map(Day::number),
            value: 7,
            source: 1,
            ..BaselineRow::default()
        }
    };
    BaselineImported {
        note: "bàn giao".to_owned(),
        file: "before.csv".to_owned(),
        sources: vec!["Báo cáo 105".to_owned()],
        rows: periods.iter().map(row).collect(),
        ..BaselineImported::default()
    }
}

fn request(periods: &[&str], dry_run: bool) -> v1::ImportBaselineRequest {
    v1::ImportBaselineRequest {
        baseline: Some(baseline(periods)),
        dry_run,
    }
}

fn refusals(house: &House) -> Vec<RegistryRefused> {
    let reader = house.journal.reader();
    let end = reader.position().unwrap().sequence;
    let entries = reader.entries_of(Kind::RegistryRefused, Sequence::new(1), end);
    let refused = entries.map(|entry| match entry.unwrap().body {
        Some(Body::RegistryRefused(refused)) => refused,
        other => panic!("{other:?}"),
    });
    refused.collect()
}

#[tokio::test]
async fn an_import_is_journaled_with_its_actor_and_listed_at_once() {
    let house = House::new().await;
    let mut operator = house.statistics(&house.operator()).await;
    let tried = operator.import_baseline(request(&["2020", "2021"], true));
    let tried = tried.await.unwrap().into_inner();
    assert_eq!((tried.sequence, tried.rows), (0, 2));
    let taken = operator.import_baseline(request(&["2020", "2021"], false));
    let taken = taken.await.unwrap().into_inner();
    assert_eq!((taken.sequence, taken.rows), (1, 2));
    for issued in [house.operator(), house.auditor()] {
        let mut client = house.statistics(&issued).await;
        let listed = client.list_baselines(v1::ListBaselinesRequest {});
        let listed = listed.await.unwrap().into_inner().baselines;
        let expected = v1::ImportedBaseline {
            sequence: 1,
            committed_at_us: BEGIN.as_micros(),
            baseline: Some(BaselineImported {
                actor: "spiffe://ndxp.local/operator/a".to_owned(),
                ..baseline(&["2020", "2021"])
            }),
        };
        assert_eq!(listed, [expected]);
    }
    assert_eq!(refusals(&house), []);
}

#[tokio::test]
async fn only_an_operator_imports_and_who_else_tried_is_on_record() {
    let house = House::new().await;
    house.register(&["H26"]).await;
    for (issued, role) in [
        (house.auditor(), "auditor"),
        (house.system("H26/lgsp"), "member H26"),
    ] {
        let mut client = house.statistics(&issued).await;
        for dry_run in [true, false] {
            let refused = client.import_baseline(request(&["2021"], dry_run));
            let refused = refused.await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
        }
        let last = refusals(&house).pop().unwrap();
        assert_eq!(
            (&*last.role, &*last.rpc, &*last.item, &*last.note),
            (role, "ImportBaseline", "before.csv", "bàn giao")
        );
    }
    assert_eq!(refusals(&house).len(), 2, "a dry run is no attempt");
    let mut member = house.statistics(&house.system("H26/lgsp")).await;
    let refused = member.list_baselines(v1::ListBaselinesRequest {});
    assert_eq!(refused.await.unwrap_err().code(), Code::PermissionDenied);
    let mut operator = house.statistics(&house.operator()).await;
    let listed = operator.list_baselines(v1::ListBaselinesRequest {});
    assert_eq!(listed.await.unwrap().into_inner().baselines, []);
}

#[tokio::test]
async fn what_is_wrong_known_or_counted_is_refused_whole_and_on_record() {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    let mut operator = house.statistics(&house.operator()).await;
    let taken = operator.import_baseline(request(&["2021"], false));
    taken.await.unwrap();
    // Not over yet, before anything is counted; counted from then on, even once it is over.
    let rows = [
        (
            &["2020", "2021"][..],
            Code::FailedPrecondition,
            "of the import at sequence 2",
        ),
        (
            &["before-launch"],
            Code::FailedPrecondition,
            "overlaps balance 1",
        ),
        (
            &["2020", "2022-07-22"],
            Code::FailedPrecondition,
            "today is 2022-07-22",
        ),
        (&[], Code::InvalidArgument, "holds no balance"),
        (
            &["2020", "2020-05"],
            Code::InvalidArgument,
            "overlaps balance 1 (2020",
        ),
    ];
    for (periods, code, part) in rows {
        for dry_run in [true, false] {
            let refused = operator.import_baseline(request(periods, dry_run));
            let refused = refused.await.unwrap_err();
            assert_eq!(refused.code(), code, "{refused:?}");
            assert!(refused.message().contains(part), "{refused:?}");
        }
        let last = refusals(&house).pop().unwrap();
        assert!(last.refused.contains(part), "{last:?}");
    }
    assert_eq!(
        refusals(&house).len(),
        rows.len(),
        "a dry run is no attempt"
    );
    house.transact("H26/lgsp", "G01/lgsp").await;
    house
        .clock
        .set(BEGIN.saturating_add(Duration::from_secs(86_400)));
    let refused = operator.import_baseline(request(&["2022-07-22"], false));
    let refused = refused.await.unwrap_err();
    let wanted = "ends with 2022-07-22, but this hub has counted since 2022-07-22";
    assert!(refused.message().contains(wanted), "{refused:?}");
    let taken = operator.import_baseline(request(&["2022-07-21"], false));
    taken.await.unwrap();
}

#[tokio::test]
async fn of_imports_at_once_that_say_the_same_one_is_taken() {
    let house = House::new().await;
    let operator = house.statistics(&house.operator()).await;
    let import = |mut client: ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient<_>| async move {
        client.import_baseline(request(&["2021"], false)).await
    };
    let importing: Vec<_> = (0..8)
        .map(|_| tokio::spawn(import(operator.clone())))
        .collect();
    let mut taken = 0;
    for import in importing {
        match import.await.unwrap() {
            Ok(_) => taken += 1,
            Err(refused) => assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}"),
        }
    }
    assert_eq!(taken, 1);
    let balances = house.counters.balances().unwrap();
    assert_eq!(balances.imports().len(), 1);
    assert_eq!(
        balances.imports()[0].ends,
        Instant::from_micros(BEGIN.as_micros())
    );
}

#[tokio::test]
async fn counts_have_balances_beside_them_where_they_are_asked_for() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    let mut operator = house.statistics(&house.operator()).await;
    let mut import = baseline(&["2021", "2021"]);
    import
        .connections
        .push(ndxp_proto::journal::v1::Connection {
            consumer: "H26/lgsp".to_owned(),
            provider: "G01/lgsp".to_owned(),
            service: "a.B".to_owned(),
        });
    import.measures.push("records".to_owned());
    // In total, transactions; of one connection, records.
    (import.rows[1].connection, import.rows[1].measure) = (1, 1);
    let request = v1::ImportBaselineRequest {
        baseline: Some(import),
        dry_run: false,
    };
    operator.import_baseline(request).await.unwrap();
    let (_, last) = house.transact("H26/lgsp", "G01/lgsp").await;
    // Who asks, with balances; transactions counted, of balances, records of balances.
    for (issued, with_baselines, wanted) in [
        (house.operator(), true, (1, Some((7, 7)))),
        (house.auditor(), true, (1, Some((7, 7)))),
        (house.operator(), false, (1, None)),
        (house.system("H26/lgsp"), true, (1, Some((0, 7)))),
        (house.system("H27/lgsp"), true, (0, Some((0, 0)))),
    ] {
        let mut client = house.statistics(&issued).await;
        let request = v1::CountRequest {
            at_least_sequence: last.get(),
            with_baselines,
            ..v1::CountRequest::default()
        };
        let answer = client.count(request).await.unwrap().into_inner();
        let opening = answer.opening.map(|opening| {
            let records = opening.measures.iter().map(|sum| sum.value).sum();
            (opening.transactions, records)
        });
        let counted = answer.total.unwrap().transactions;
        assert_eq!((counted, opening), wanted);
    }
}
