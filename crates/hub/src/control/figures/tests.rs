//! Figures and whole reports over the wire: what they hold, by successor, and what is refused.

use std::time::Duration;

use ndxp_proto::registry::v1::{ApplyRequest, State};
use ndxp_proto::statistics::v1;
use tonic::Code;

use crate::control::fixture::{BEGIN, House, members};

const HOUR: Duration = Duration::from_secs(3_600);

fn asked(at_least_sequence: u64) -> v1::GetReportRequest {
    v1::GetReportRequest {
        at_least_sequence,
        ..Default::default()
    }
}

#[track_caller]
fn value(figures: &[v1::Figure], name: &str) -> u64 {
    let found = figures.iter().find(|figure| figure.name == name);
    found.unwrap_or_else(|| panic!("no figure {name}")).value
}

/// Rows of a table, with their transactions.
#[track_caller]
fn rows<'a>(report: &'a v1::GetReportResponse, table: &str) -> Vec<(&'a str, u64)> {
    let found = report.tables.iter().find(|found| found.name == table);
    let found = found.unwrap_or_else(|| panic!("no table {table}"));
    let rows = &found.counts.as_ref().unwrap().rows;
    let transactions = |row: &v1::CountRow| row.counts.as_ref().unwrap().transactions;
    rows.iter()
        .map(|row| (row.key.as_str(), transactions(row)))
        .collect()
}

#[tokio::test]
async fn a_report_holds_figures_and_tables_of_one_cut_off() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    house.clock.set(BEGIN.saturating_add(HOUR));
    let (_, last) = house.transact("H27/lgsp", "G01/lgsp").await;
    house.clock.set(BEGIN.saturating_add(2 * HOUR));
    let mut client = house.statistics(&house.auditor()).await;
    let cut_off = BEGIN.saturating_add(HOUR).as_micros();
    let request = v1::GetReportRequest {
        month: "2022-07".to_owned(),
        as_of_us: cut_off,
        top: 1,
        ..asked(last.get())
    };
    let report = client.get_report(request).await.unwrap().into_inner();
    assert_eq!(
        (
            report.month.as_str(),
            report.cut_off_us,
            report.time_zone.as_str()
        ),
        ("2022-07", cut_off, "Asia/Ho_Chi_Minh")
    );
    assert_eq!(report.launched_at_us, BEGIN.as_micros());
    assert_eq!(value(&report.figures, "transactions_month"), 2);
    for figure in &report.figures {
        let proof = figure.proof.as_ref().unwrap();
        assert_eq!(proof.cut_off_us, cut_off, "{}", figure.name);
    }
    let names: Vec<_> = report.tables.iter().map(|it| it.name.as_str()).collect();
    let wanted = [
        "days",
        "months",
        "outcomes",
        "connections",
        "consumers",
        "providers",
        "databases",
        "services",
        "classes",
        "documents",
    ];
    assert_eq!(names, wanted);
    // What came behind the cut-off is in no table.
    assert_eq!(rows(&report, "consumers"), [("H26/lgsp", 2)]);
    assert_eq!(rows(&report, "outcomes"), [("completed", 2)]);
    assert_eq!(rows(&report, "classes"), [("province", 2)]);
    assert!(rows(&report, "databases").is_empty());
    for table in &report.tables {
        let counts = table.counts.as_ref().unwrap();
        let total = counts.total.as_ref().unwrap().transactions;
        let wanted = if table.name == "databases" { 0 } else { 2 };
        assert_eq!(total, wanted, "{}", table.name);
        assert!(!table.title_vi.is_empty() && !table.title_en.is_empty());
    }
}

#[tokio::test]
async fn long_tables_are_cut_and_sum_the_others_up() {
    let house = House::new().await;
    house.register(&["H26", "H27", "H28", "G01"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    house.transact("H27/lgsp", "G01/lgsp").await;
    house.transact("H27/lgsp", "G01/lgsp").await;
    let (_, last) = house.transact("H28/lgsp", "G01/lgsp").await;
    let mut client = house.statistics(&house.operator()).await;
    let request = v1::GetReportRequest {
        top: 1,
        ..asked(last.get())
    };
    let report = client.get_report(request).await.unwrap().into_inner();
    assert_eq!(rows(&report, "consumers"), [("H27/lgsp", 2)]);
    let of = |name| report.tables.iter().find(|it| it.name == name).unwrap();
    let counts = of("consumers").counts.as_ref().unwrap();
    let others = counts.others.as_ref().unwrap().counts.as_ref().unwrap();
    assert_eq!((others.transactions, counts.others_rows), (2, 2));
}

#[tokio::test]
async fn by_successor_holds_for_figures_and_tables() {
    let house = House::new().await;
    house.register(&["H26", "H27", "G01"]).await;
    house.transact("H26/lgsp", "G01/lgsp").await;
    let (_, last) = house.transact("H27/lgsp", "G01/lgsp").await;
    house.clock.set(BEGIN.saturating_add(HOUR));
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
    // As of before the closing: the registry's history knows both.
    let cut_off = BEGIN.saturating_add(HOUR).as_micros();
    let both: &[(&str, u64)] = &[("H26/lgsp", 1), ("H27/lgsp", 1)];
    let merged: &[(&str, u64)] = &[("H26/lgsp", 2)];
    for (by_successor, consumers, connected, transacting) in
        [(false, both, 3, 3), (true, merged, 2, 2)]
    {
        let request = v1::GetReportRequest {
            as_of_us: cut_off,
            by_successor,
            ..asked(last.get())
        };
        let report = client.get_report(request).await.unwrap().into_inner();
        assert_eq!(report.by_successor, by_successor);
        assert_eq!(rows(&report, "consumers"), consumers);
        let request = v1::GetFiguresRequest {
            as_of_us: cut_off,
            by_successor,
            ..Default::default()
        };
        let alone = client.get_figures(request).await.unwrap().into_inner();
        for figures in [&report.figures, &alone.figures] {
            assert_eq!(value(figures, "transactions_month"), 2);
            assert_eq!(value(figures, "members_connected"), connected);
            assert_eq!(value(figures, "systems_connected_lgsp"), connected);
            assert_eq!(value(figures, "systems_transacting_month"), transacting);
            assert_eq!(value(figures, "members_transacting_month"), transacting);
        }
    }
}

#[tokio::test]
async fn months_and_cut_offs_that_cannot_be_reported_on_are_refused_by_name() {
    let house = House::new().await;
    house.register(&["H26", "G01"]).await;
    let (_, last) = house.transact("H26/lgsp", "G01/lgsp").await;
    let mut client = house.statistics(&house.operator()).await;
    let hour = |hours: i64| BEGIN.as_micros() + hours * 3_600_000_000;
    let launch = "2022-07-22T09:00 Asia/Ho_Chi_Minh";
    let rows: [(&str, i64, &[&str]); 10] = [
        ("2022-13", 0, &["month", "2022-13", "such as 2022-07"]),
        ("7/2022", 0, &["month", "7/2022"]),
        ("99999-01", 0, &["month", "99999-01"]),
        ("2022-07-22", 0, &["month", "2022-07-22"]),
        ("2022-08", 0, &["2022-08", "had not begun"]),
        ("9998-12", 0, &["9998-12", "had not begun"]),
        ("2022-06", 0, &["2022-06", "was over before", launch]),
        (
            "",
            hour(-1),
            &["the cut-off", "before the platform's launch", launch],
        ),
        ("", hour(0) - 1, &["whole hour"]),
        ("", -1, &["as_of_us = -1"]),
    ];
    for (month, as_of_us, parts) in rows {
        let request = v1::GetReportRequest {
            month: month.to_owned(),
            as_of_us,
            ..asked(last.get())
        };
        let figures = v1::GetFiguresRequest {
            month: month.to_owned(),
            as_of_us,
            ..Default::default()
        };
        let refused = [
            client.get_report(request).await.unwrap_err(),
            client.get_figures(figures).await.unwrap_err(),
        ];
        for refused in refused {
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
            for part in parts {
                assert!(refused.message().contains(part), "{part}: {refused}");
            }
        }
    }
    let request = v1::GetReportRequest {
        top: 1_001,
        ..asked(last.get())
    };
    let refused = client.get_report(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("top = 1001"), "{refused}");
}

#[tokio::test]
async fn a_report_is_for_operators_and_auditors() {
    let house = House::new().await;
    house.register(&["H26"]).await;
    let mut member = house.statistics(&house.system("H26/lgsp")).await;
    let refused = member.get_report(asked(0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut operator = house.statistics(&house.operator()).await;
    let report = operator.get_report(asked(0)).await.unwrap().into_inner();
    // Nothing has been called yet: every number is 0, and none is an error.
    assert_eq!(value(&report.figures, "transactions_month"), 0);
    assert!(rows(&report, "connections").is_empty());
}
