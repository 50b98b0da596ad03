//! Counts and figures over the wire: who sees which, and that they say what was done.

use ndxp_proto::registry::v1::{ApplyRequest, State};
use tokio_stream::StreamExt as _;
use tonic::Code;

use super::*;
use crate::control::fixture::{BEGIN, House, members};

fn count(by: v1::Dimension, at_least_sequence: u64) -> v1::CountRequest {
    v1::CountRequest {
        by: by.into(),
        at_least_sequence,
        ..Default::default()
    }
}

fn rows(response: &v1::CountResponse) -> Vec<(&str, u64)> {
    let transactions = |row: &v1::CountRow| row.counts.as_ref().unwrap().transactions;
    response
        .rows
        .iter()
        .map(|row| (row.key.as_str(), transactions(row)))
        .collect()
}

#[tokio::test]
async fn operators_and_auditors_count_everything_and_a_member_its_own() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    let (_, last) = house.transact("H27/lgsp", "G01/lgsp").await;
    let both: &[(&str, u64)] = &[("H26/lgsp", 2), ("H27/lgsp", 1)];
    let cases = [
        (house.operator(), both),
        (house.auditor(), both),
        (house.system("G01/lgsp"), both),
        (house.system("H26/lgsp"), &[("H26/lgsp", 2)]),
        (house.system("H27/lgsp"), &[("H27/lgsp", 1)]),
    ];
    for (issued, expected) in cases {
        let mut client = house.statistics(&issued).await;
        let request = count(v1::Dimension::Consumer, last.get());
        let found = client.count(request.clone()).await.unwrap().into_inner();
        assert_eq!(rows(&found), expected);
        let proof = found.proof.unwrap();
        assert!(proof.watermark >= last.get());
        assert_eq!(
            (proof.time_zone.as_str(), proof.closed),
            ("Asia/Ho_Chi_Minh", false)
        );
        let kinds = client
            .count(count(v1::Dimension::Kind, 0))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            rows(&kinds),
            [("lgsp", expected.iter().map(|row| row.1).sum())]
        );
    }
}

/// Transactions of three connections; the sequence of the last.
async fn three_connections(house: &House) -> u64 {
    house.register(&["H26", "H27", "G01", "G24"]).await;
    house.transact_many("H26/lgsp", "G01/lgsp", 3).await;
    house.transact_many("H27/lgsp", "G01/lgsp", 2).await;
    let (_, last) = house.transact("H26/lgsp", "G24/lgsp").await;
    last.get()
}

type Change = fn(&mut v1::CountFilter);

#[tokio::test]
async fn filters_combine_and_narrow_what_the_asker_may_see() {
    let house = House::new().await;
    let last = three_connections(&house).await;
    // What the operator, H26, H27 and G01 see of it.
    let cases: [(Change, [u64; 4]); 12] = [
        (|_| {}, [6, 4, 2, 5]),
        (|it| it.consumer = "H26".to_owned(), [4, 4, 0, 3]),
        (|it| it.consumer = "H27/lgsp".to_owned(), [2, 0, 2, 2]),
        (|it| it.provider = "G01".to_owned(), [5, 3, 2, 5]),
        (
            |it| (it.consumer, it.provider) = ("H26".to_owned(), "G24/lgsp".to_owned()),
            [1, 1, 0, 0],
        ),
        (|it| it.service = "a.B".to_owned(), [6, 4, 2, 5]),
        (|it| it.method = "-".to_owned(), [6, 4, 2, 5]),
        (|it| it.kind = 1, [6, 4, 2, 5]),
        (|it| it.kind = 2, [0, 0, 0, 0]),
        (|it| (it.class, it.outcome) = (1, 1), [6, 4, 2, 5]),
        (|it| it.outcome = 3, [0, 0, 0, 0]),
        (|it| it.fault = "none".to_owned(), [6, 4, 2, 5]),
    ];
    let askers = [
        house.operator(),
        house.system("H26/lgsp"),
        house.system("H27/lgsp"),
        house.system("G01/lgsp"),
    ];
    for (place, asker) in askers.iter().enumerate() {
        let mut client = house.statistics(asker).await;
        for (row, (change, seen)) in cases.iter().enumerate() {
            let mut filter = v1::CountFilter::default();
            change(&mut filter);
            for by in [v1::Dimension::Unspecified, v1::Dimension::Connection] {
                let request = v1::CountRequest {
                    filter: Some(filter.clone()),
                    ..count(by, last)
                };
                let found = client.count(request).await.unwrap().into_inner();
                let total = found.total.as_ref().unwrap().transactions;
                assert_eq!(total, seen[place], "row {row}, asker {place}");
                let sum: u64 = rows(&found).iter().map(|row| row.1).sum();
                if by == v1::Dimension::Connection {
                    assert_eq!(sum, total, "row {row}, asker {place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_top_its_others_and_who_took_part_are_of_what_the_asker_may_see() {
    let house = House::new().await;
    let last = three_connections(&house).await;
    let request = v1::CountRequest {
        top: 1,
        with_distinct: true,
        ..count(v1::Dimension::Connection, last)
    };
    let ask = async |issued| {
        let mut client = house.statistics(&issued).await;
        client.count(request.clone()).await.unwrap().into_inner()
    };
    let parties = |consumers, providers, systems, members| v1::Distinct {
        consumers,
        providers,
        systems,
        members,
    };
    let all = ask(house.auditor()).await;
    assert_eq!(rows(&all), [("H26/lgsp>G01/lgsp/a.B", 3)]);
    let others = all.others.unwrap().counts.unwrap();
    assert_eq!((all.others_rows, others.transactions), (2, 3));
    assert_eq!(all.distinct, Some(parties(2, 2, 4, 4)));

    let own = ask(house.system("H27/lgsp")).await;
    assert_eq!(rows(&own), [("H27/lgsp>G01/lgsp/a.B", 2)]);
    assert_eq!((own.others, own.others_rows), (None, 0));
    assert_eq!(own.distinct, Some(parties(1, 1, 2, 2)));
    let definition = own.definition.unwrap();
    assert_eq!(definition.name, "transactions_by_connection");
    let only = "Only: connections of H27.";
    assert!(definition.definition_en.contains(only), "{definition:?}");

    let mut client = house.statistics(&house.operator()).await;
    let members = client.count(count(v1::Dimension::ConsumerMember, last));
    let members = members.await.unwrap().into_inner();
    let titles: Vec<_> = members
        .rows
        .iter()
        .map(|row| (row.key.as_str(), row.title.as_str()))
        .collect();
    assert_eq!(titles, [("H26", "Tỉnh H26"), ("H27", "Tỉnh H27")]);
}

#[tokio::test]
async fn by_successor_the_closed_count_with_those_who_carry_on() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    let (_, last) = house.transact("H27/lgsp", "G01/lgsp").await;
    let mut closing = members(&["H27"]);
    for member in &mut closing.members {
        member.state = State::Closed.into();
        member.successor = "H26".to_owned();
    }
    let closing = ApplyRequest {
        catalogue: Some(closing),
        note: "Decision 09/2025/QĐ-TTg".to_owned(),
        ..Default::default()
    };
    let mut registry = house.registry(&house.operator()).await;
    registry.apply(closing).await.unwrap();
    let mut client = house.statistics(&house.operator()).await;
    let cases: [(bool, &[(&str, u64)]); 2] = [
        (false, &[("H26/lgsp", 1), ("H27/lgsp", 1)]),
        (true, &[("H26/lgsp", 2)]),
    ];
    for (by_successor, expected) in cases {
        let request = v1::CountRequest {
            by_successor,
            ..count(v1::Dimension::Consumer, last.get())
        };
        let found = client.count(request.clone()).await.unwrap().into_inner();
        assert_eq!(rows(&found), expected);
        let mut watched = client.watch_counts(request).await.unwrap().into_inner();
        let first = watched.next().await.unwrap().unwrap();
        assert_eq!(rows(&first), expected);
    }
}

#[tokio::test]
async fn questions_that_cannot_be_answered_are_refused_with_the_reason() {
    let house = House::new().await;
    house.register(&["H26"]).await;
    let mut client = house.statistics(&house.operator()).await;
    let total = || count(v1::Dimension::Unspecified, 0);
    let cases = [
        (
            v1::CountRequest {
                from_us: -1,
                ..total()
            },
            "from_us = -1",
        ),
        (
            v1::CountRequest {
                from_us: 7_200_000_000,
                to_us: 3_600_000_000,
                ..total()
            },
            "holds nothing",
        ),
        (
            v1::CountRequest {
                from_us: BEGIN.as_micros() + 1,
                ..total()
            },
            "from_us = 2022-07-22T09:00:00.000001",
        ),
        (
            v1::CountRequest {
                to_us: BEGIN.as_micros(),
                ..total()
            },
            "the platform was launched at 2022-07-22T09:00 Asia/Ho_Chi_Minh",
        ),
        (
            v1::CountRequest {
                from_us: BEGIN.as_micros() + 3_600_000_000,
                ..total()
            },
            "lies ahead of now",
        ),
        (
            v1::CountRequest {
                top: 3,
                ..count(v1::Dimension::Day, 0)
            },
            "top = 3",
        ),
        (
            v1::CountRequest {
                filter: Some(v1::CountFilter {
                    consumer: "H62".to_owned(),
                    ..Default::default()
                }),
                ..total()
            },
            "the nearest is H26",
        ),
        (
            v1::CountRequest { by: 99, ..total() },
            "dimension number 99",
        ),
        (
            v1::CountRequest {
                at_least_sequence: 99,
                ..total()
            },
            "the journal ends at 1",
        ),
    ];
    for (request, part) in cases {
        for refused in [
            client.count(request.clone()).await.unwrap_err(),
            client.watch_counts(request.clone()).await.unwrap_err(),
        ] {
            assert_eq!(
                refused.code(),
                Code::InvalidArgument,
                "{}",
                refused.message()
            );
            assert!(refused.message().contains(part), "{}", refused.message());
        }
    }
    let month = |month: &str| v1::GetFiguresRequest {
        month: month.to_owned(),
        ..Default::default()
    };
    for (request, part) in [
        (month("7/2022"), "month"),
        (month("2023-01"), "had not begun"),
        (
            v1::GetFiguresRequest {
                as_of_us: BEGIN.as_micros() - 1,
                ..month("")
            },
            "whole hour",
        ),
    ] {
        let refused = client.get_figures(request).await.unwrap_err();
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "{}",
            refused.message()
        );
        assert!(refused.message().contains(part), "{}", refused.message());
    }
}

#[tokio::test]
async fn a_watch_answers_at_once_and_again_when_counts_have_changed() {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    let (_, last) = house.transact("H26/lgsp", "G01/lgsp").await;
    let mut client = house.statistics(&house.system("H26/lgsp")).await;
    let request = count(v1::Dimension::Provider, last.get());
    let mut watch = client.watch_counts(request).await.unwrap().into_inner();
    let found = watch.message().await.unwrap().unwrap();
    assert_eq!(rows(&found), [("G01/lgsp", 1)]);
    // An entry that is not counted changes nothing that is shown; a transaction does.
    house.register(&["H27"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    let found = watch.message().await.unwrap().unwrap();
    assert_eq!(rows(&found), [("G01/lgsp", 2)]);
}

#[tokio::test]
async fn figures_are_for_operators_and_auditors_and_follow_the_cut_off() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    let hour = Duration::from_secs(3_600);
    // Within the running hour, which "now" includes to its end.
    let now = BEGIN.saturating_add(hour + Duration::from_secs(1));
    house.clock.set(now);
    let (_, last) = house.transact("H27/lgsp", "G01/lgsp").await;
    let mut auditor = house.statistics(&house.auditor()).await;
    let ask = |as_of_us| v1::GetFiguresRequest {
        month: "2022-07".to_owned(),
        as_of_us,
        at_least_sequence: last.get(),
        by_successor: false,
    };
    for (as_of_us, month, connected) in [(0, 2, 3), (BEGIN.saturating_add(hour).as_micros(), 1, 2)]
    {
        let figures = auditor
            .get_figures(ask(as_of_us))
            .await
            .unwrap()
            .into_inner()
            .figures;
        let value = |name: &str| {
            figures
                .iter()
                .find(|figure| figure.name == name)
                .unwrap()
                .value
        };
        assert_eq!(value("transactions_month"), month, "{as_of_us}");
        assert_eq!(value("members_connected"), connected, "{as_of_us}");
    }
    let mut member = house.statistics(&house.system("H26/lgsp")).await;
    let refused = member.get_figures(ask(0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_dump_is_every_counter_of_one_watermark() {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    let (_, last) = house.transact("H26/lgsp", "G01/lgsp").await;
    let request = v1::DumpCountersRequest {
        at_least_sequence: last.get(),
        ..v1::DumpCountersRequest::default()
    };
    let mut auditor = house.statistics(&house.auditor()).await;
    let before = std::fs::read_dir(house.folder.path()).unwrap().count();
    let dump = auditor.dump_counters(request).await.unwrap().into_inner();
    let dump: Vec<_> = dump.collect::<Result<_, _>>().await.unwrap();
    // Total and connection, each by hour, day, month and all time.
    assert_eq!(dump.len(), 8);
    assert!(dump.iter().all(|counter| counter.count == 1));
    assert!(
        dump.iter()
            .all(|counter| counter.watermark == dump[0].watermark)
    );
    let left = std::fs::read_dir(house.folder.path()).unwrap().count();
    assert_eq!(left, before, "the spool leaves nothing behind");
    let mut member = house.statistics(&house.system("H26/lgsp")).await;
    let refused = member.dump_counters(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
