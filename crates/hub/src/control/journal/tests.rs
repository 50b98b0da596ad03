//! What is read of the journal over the wire, by whom, and that no reader disturbs another.

use std::time::Duration;

use ndxp_journal::Kind;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Code;

use super::*;
use crate::control::fixture::{BEGIN, House};

async fn all<T>(stream: impl Stream<Item = Result<T, Status>> + Unpin) -> Vec<T> {
    stream.collect::<Result<Vec<T>, _>>().await.unwrap()
}

fn list(consumer: &str, limit: u32) -> v1::ListTransactionsRequest {
    v1::ListTransactionsRequest {
        filter: Some(v1::TransactionFilter {
            consumer: consumer.to_owned(),
            ..Default::default()
        }),
        limit,
        ..Default::default()
    }
}

#[tokio::test]
async fn transactions_are_listed_in_journal_order_with_their_calls() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    let mut expected = Vec::new();
    for round in 0..3 {
        house
            .clock
            .set(BEGIN.saturating_add(Duration::from_secs(round)));
        for consumer in ["H26/lgsp", "H27/lgsp"] {
            expected.push((consumer, house.transact(consumer, "G01/lgsp").await));
        }
    }
    let mut auditor = house.reader(&house.auditor()).await;
    let found = auditor
        .list_transactions(list("", 0))
        .await
        .unwrap()
        .into_inner();
    let found: Vec<_> = all(found).await;
    for (found, (consumer, (id, sequence))) in found.iter().zip(&expected) {
        assert_eq!(
            (&found.transaction_id, found.closed_sequence),
            (&id.to_string(), sequence.get())
        );
        let call = found.call.as_ref().unwrap();
        assert_eq!(call.connection.as_ref().unwrap().consumer, *consumer);
        assert_eq!(found.opened_sequence + 1, found.closed_sequence);
        assert!(found.opened_at_us >= BEGIN.as_micros());
    }
    assert_eq!(found.len(), expected.len());

    let counted = async |request| {
        let mut auditor = auditor.clone();
        all(auditor
            .list_transactions(request)
            .await
            .unwrap()
            .into_inner())
        .await
        .len()
    };
    assert_eq!(counted(list("H26", 0)).await, 3);
    assert_eq!(counted(list("H26", 2)).await, 2);
    assert_eq!(counted(list("H99", 0)).await, 0);
    let (from_us, to_us) = (BEGIN.as_micros() + 1_000_000, BEGIN.as_micros() + 2_000_000);
    assert_eq!(
        counted(v1::ListTransactionsRequest {
            from_us,
            to_us,
            ..list("", 0)
        })
        .await,
        2
    );
    assert_eq!(
        counted(v1::ListTransactionsRequest {
            from_us,
            ..list("", 0)
        })
        .await,
        4
    );
    assert_eq!(
        counted(v1::ListTransactionsRequest {
            to_us: BEGIN.as_micros(),
            ..list("", 0)
        })
        .await,
        0
    );
}

#[tokio::test]
async fn a_member_reads_its_own_transactions_and_no_others() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    let (own, _) = house.transact("H26/lgsp", "G01/lgsp").await;
    let (other, _) = house.transact("H27/lgsp", "G01/lgsp").await;
    let rows = [
        ("H26/lgsp", vec![own]),
        ("H27/lgsp", vec![other]),
        ("G01/lgsp", vec![own, other]),
    ];
    for (system, expected) in rows {
        let mut member = house.reader(&house.system(system)).await;
        let found = all(member
            .list_transactions(list("", 0))
            .await
            .unwrap()
            .into_inner())
        .await;
        let ids: Vec<_> = found.into_iter().map(|it| it.transaction_id).collect();
        assert_eq!(
            ids,
            expected.iter().map(ToString::to_string).collect::<Vec<_>>()
        );
        for id in [own, other] {
            let request = v1::GetTransactionRequest {
                transaction_id: id.to_string(),
            };
            let found = member.get_transaction(request).await;
            match expected.contains(&id) {
                true => assert_eq!(found.unwrap().into_inner().transaction_id, id.to_string()),
                false => assert_eq!(found.unwrap_err().code(), Code::NotFound),
            }
        }
        let entries = member.read_entries(v1::ReadEntriesRequest::default()).await;
        assert_eq!(entries.unwrap_err().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn a_watch_begins_where_it_is_told_and_follows_the_end() {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    let (first, closed) = house.transact("H26/lgsp", "G01/lgsp").await;
    let (second, _) = house.transact("H26/lgsp", "G01/lgsp").await;
    let mut client = house.reader(&house.operator()).await;
    let watch = |after_sequence| v1::WatchTransactionsRequest {
        filter: None,
        after_sequence,
    };
    let mut early = client
        .watch_transactions(watch(1))
        .await
        .unwrap()
        .into_inner();
    let mut middle = client
        .watch_transactions(watch(closed.get()))
        .await
        .unwrap()
        .into_inner();
    let mut late = client
        .watch_transactions(watch(0))
        .await
        .unwrap()
        .into_inner();
    let (third, _) = house.transact("H26/lgsp", "G01/lgsp").await;
    for (stream, expected) in [
        (&mut early, vec![first, second, third]),
        (&mut middle, vec![second, third]),
        (&mut late, vec![third]),
    ] {
        for id in expected {
            let found = stream.message().await.unwrap().unwrap();
            assert_eq!(found.transaction_id, id.to_string());
        }
    }
    let refused = client.watch_transactions(watch(99)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("after_sequence = 99"),
        "{}",
        refused.message()
    );
}

#[tokio::test]
async fn a_slow_watcher_delays_nobody() {
    let house = House::with(|limits| limits.scans_max = 1).await;
    house.register(&["H26", "G01"]).await;
    let watch = || v1::WatchTransactionsRequest {
        filter: None,
        after_sequence: 1,
    };
    let mut slow = house.reader(&house.operator()).await;
    let mut slow = slow.watch_transactions(watch()).await.unwrap().into_inner();
    let mut quick = house.reader(&house.operator()).await;
    let mut quick = quick
        .watch_transactions(watch())
        .await
        .unwrap()
        .into_inner();
    // Far more than fits between hub and watcher: the slow one takes none of it.
    let all = house.transact_many("H26/lgsp", "G01/lgsp", 6_000).await;
    let expected: Vec<String> = all.iter().map(|(id, _)| id.to_string()).collect();
    for id in &expected {
        assert_eq!(quick.message().await.unwrap().unwrap().transaction_id, *id);
    }
    for id in &expected {
        assert_eq!(slow.message().await.unwrap().unwrap().transaction_id, *id);
    }
}

#[tokio::test]
async fn raw_entries_are_the_journal() {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    house.transact_many("H26/lgsp", "G01/lgsp", 700).await;
    let end = house.journal.position().sequence;
    let expected: Vec<_> = house
        .journal
        .reader()
        .entries(Sequence::new(1), end)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(
        Kind::of(expected[0].body.as_ref().unwrap()),
        Kind::RegistryChanged
    );
    let mut auditor = house.reader(&house.auditor()).await;
    let rows = [
        (0, 0, 1, end.get()),
        (5, 9, 5, 9),
        (end.get(), 0, end.get(), end.get()),
    ];
    for (first_sequence, last_sequence, first, last) in rows {
        let request = v1::ReadEntriesRequest {
            first_sequence,
            last_sequence,
        };
        let found = all(auditor.read_entries(request).await.unwrap().into_inner()).await;
        let part = expected
            .iter()
            .filter(|entry| (first..=last).contains(&entry.sequence));
        assert!(found.iter().eq(part), "{first_sequence} {last_sequence}");
    }
    for (first_sequence, last_sequence, part) in
        [(9, 5, "holds nothing"), (1, end.get() + 1, "ends at")]
    {
        let request = v1::ReadEntriesRequest {
            first_sequence,
            last_sequence,
        };
        let refused = auditor.read_entries(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(part), "{}", refused.message());
    }
    let position = auditor
        .get_position(v1::GetPositionRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (position.last_sequence, position.last_committed_at_us),
        (end.get(), BEGIN.as_micros())
    );
}

#[tokio::test]
async fn an_empty_journal_is_no_error() {
    let house = House::new().await;
    let mut client = house.reader(&house.operator()).await;
    assert!(
        all(client
            .list_transactions(list("", 0))
            .await
            .unwrap()
            .into_inner())
        .await
        .is_empty()
    );
    let entries = client
        .read_entries(v1::ReadEntriesRequest::default())
        .await
        .unwrap();
    assert!(all(entries.into_inner()).await.is_empty());
    let position = client
        .get_position(v1::GetPositionRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(position, v1::Position::default());
    let request = v1::GetTransactionRequest {
        transaction_id: "x".to_owned(),
    };
    assert_eq!(
        client.get_transaction(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn a_closing_far_behind_its_opening_still_has_its_call() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    let mut client = house.reader(&house.operator()).await;
    let (_, closed) = house.transact("H26/lgsp", "G01/lgsp").await;
    // The watch begins between the opening and the closing.
    let after_sequence = closed.get() - 1;
    let request = v1::WatchTransactionsRequest {
        filter: None,
        after_sequence,
    };
    let mut watch = client
        .watch_transactions(request)
        .await
        .unwrap()
        .into_inner();
    let found = watch.message().await.unwrap().unwrap();
    assert_eq!(found.call.unwrap().method, "C");
    assert_eq!(found.opened_at_us, BEGIN.as_micros());
}
