//! Rows 11 to 13 of the list that official reports cite, asked as one question, and the rows that need
//! opening balances, out of a journal that holds them.

mod story;

use ndxp_counters::Counters;
use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    BaselineImported, BaselineRow, Connection, Measure, Outcome, TransactionClosed,
};
use ndxp_proto::statistics::v1::{
    CountFilter, CountRequest, CountResponse, Figure, GetReportRequest, MeasureSum,
};
use ndxp_registry::Registry;
use ndxp_report::{RegistryNames, Sources, count, report};

use story::{Story, ask, at, figure, registered, value};

const PAYMENT: (&str, &str) = ("G22/payment", "ndxp.example.payment.v1.PaymentService");
const INSURANCE: (&str, &str) = (
    "G24/insurance",
    "ndxp.example.insurance.v1.InsuranceService",
);
const POPULATION: (&str, &str) = (
    "G01/population",
    "ndxp.example.population.v1.PopulationService",
);
const AXIS: (&str, &str) = (
    "G22/document-axis",
    "ndxp.example.documents.v1.DocumentService",
);

fn connection(consumer: &str, (provider, service): (&str, &str)) -> Connection {
    Connection {
        consumer: consumer.to_owned(),
        provider: provider.to_owned(),
        service: service.to_owned(),
    }
}

/// A completed call that states the measures.
fn stating(consumer: &str, of: (&str, &str), measures: &[(&str, u64)]) -> Body {
    let measures = measures.iter().map(|(name, value)| Measure {
        name: (*name).to_owned(),
        value: *value,
    });
    Body::Closed(TransactionClosed {
        transaction_id: vec![7; 16],
        connection: Some(connection(consumer, of)),
        outcome: Outcome::Completed.into(),
        measures: measures.collect(),
        ..TransactionClosed::default()
    })
}

/// First and last day, empty for the beginning; 0 for the total or 1 for the connection; 0 for
/// transactions or the measure's place; the number.
type Balance<'a> = (&'a str, &'a str, u32, u32, u64);

const MEASURES: [&str; 3] = ["records", "documents_sent", "documents_received"];

fn imported(of: Connection, balances: &[Balance<'_>]) -> Body {
    let zone = Zone::viet_nam();
    let day = |at: Instant| ndxp_baseline::Day::of(&zone, at).number();
    let rows = balances
        .iter()
        .map(|(first, last, connection, measure, value)| BaselineRow {
            from_day: (!first.is_empty()).then(|| day(at(first))),
            to_day: Some(day(zone.moment(last).expect("a day").to)),
            connection: *connection,
            measure: *measure,
            value: *value,
            source: 1,
        });
    Body::BaselineImported(BaselineImported {
        connections: vec![of],
        measures: MEASURES.map(str::to_owned).to_vec(),
        sources: vec!["Báo cáo 105/BC-BTTTT".to_owned()],
        rows: rows.collect(),
        ..BaselineImported::default()
    })
}

fn counted(counters: &Counters, registry: &Registry, request: &CountRequest) -> CountResponse {
    let names = RegistryNames(registry);
    let (zone, now) = (Zone::viet_nam(), at("2022-09-01"));
    count(counters, request, None, &names, &zone, now).expect("an answer")
}

fn on_service(service: &str) -> Option<CountFilter> {
    Some(CountFilter {
        service: service.to_owned(),
        ..CountFilter::default()
    })
}

#[track_caller]
fn measure(measures: &[MeasureSum], name: &str) -> u64 {
    let found = measures.iter().find(|it| it.name == name);
    found.map_or(0, |it| it.value)
}

#[tokio::test]
async fn row_11_any_window_of_days_on_a_service_with_its_declared_measures() {
    let folder = tempfile::tempdir().unwrap();
    let pay = |amount| {
        stating(
            "G22/public-service-portal",
            PAYMENT,
            &[("records", 1), ("amount_vnd", amount)],
        )
    };
    let (registry, counters) = Story::default()
        .at("2022-06-01T00", registered())
        .at("2022-06-19T23", pay(1))
        .at("2022-06-20T00", pay(200_000_000_000))
        .at(
            "2022-07-01T12",
            stating("H26/lgsp", POPULATION, &[("records", 9)]),
        )
        .at("2022-07-20T23", pay(107_000_000_000))
        .at("2022-07-21T00", pay(5))
        .fold(at("2022-09-01"), folder.path())
        .await;
    let window = CountRequest {
        from_us: at("2022-06-20").as_micros(),
        to_us: at("2022-07-21").as_micros(),
        filter: on_service(PAYMENT.1),
        ..CountRequest::default()
    };
    let total = counted(&counters, &registry, &window).total.unwrap();
    assert_eq!(total.transactions, 2);
    assert_eq!(measure(&total.measures, "records"), 2);
    assert_eq!(measure(&total.measures, "amount_vnd"), 307_000_000_000);
    counters.stop();
}

/// Births that the civil status register declared to Social Security, before the hub and since.
fn births() -> Story {
    let of = || connection("G15/civil-status", INSURANCE);
    let balances = [("", "2022-06-30", 1, 1, 3_000_000)];
    let declared = |records| stating("G15/civil-status", INSURANCE, &[("records", records)]);
    Story::default()
        .at("2022-07-01T00", registered())
        .at("2022-07-01T01", imported(of(), &balances))
        .at("2022-07-02T09", declared(700_000))
        .at("2022-07-18T23", declared(40_350))
        .at("2022-07-19T00", declared(1))
        .at(
            "2022-07-18T09",
            stating("H26/lgsp", INSURANCE, &[("records", 8)]),
        )
}

#[tokio::test]
async fn row_12_records_on_one_connection_since_launch_with_its_balances() {
    let folder = tempfile::tempdir().unwrap();
    let mut story = births();
    // In the order of their times.
    story.0.sort_by_key(|entry| entry.committed_at_us);
    for (sequence, entry) in (1..).zip(&mut story.0) {
        entry.sequence = sequence;
    }
    let (registry, counters) = story.fold(at("2022-09-01"), folder.path()).await;
    let filter = CountFilter {
        consumer: "G15/civil-status".to_owned(),
        provider: INSURANCE.0.to_owned(),
        service: INSURANCE.1.to_owned(),
        ..CountFilter::default()
    };
    let since_launch = CountRequest {
        to_us: at("2022-07-19").as_micros(),
        with_baselines: true,
        filter: Some(filter),
        ..CountRequest::default()
    };
    let found = counted(&counters, &registry, &since_launch);
    let (total, opening) = (found.total.unwrap(), found.opening.unwrap());
    let counted_here = measure(&total.measures, "records");
    assert_eq!(counted_here, 740_350);
    let before = measure(&opening.measures, "records");
    assert_eq!((before, counted_here + before), (3_000_000, 3_740_350));
    assert_eq!(opening.sources, ["Báo cáo 105/BC-BTTTT"]);

    // The figure is of the service, whoever calls it.
    let found = ask(&counters, &registry, "", at("2022-07-19"), at("2022-09-01")).unwrap();
    let name = format!("measure_records_since_launch:{}", INSURANCE.1);
    let figure = figure(&found, &name);
    assert_eq!((figure.value, figure.opening), (3_740_358, 3_000_000));
    counters.stop();
}

#[tokio::test]
async fn row_13_records_since_launch_at_one_provider() {
    let folder = tempfile::tempdir().unwrap();
    let of = connection("G24/insurance", POPULATION);
    let (registry, counters) = Story::default()
        .at("2022-07-01T00", registered())
        .at(
            "2022-07-01T01",
            imported(of, &[("", "2022-06-30", 1, 1, 46_000_000)]),
        )
        .at(
            "2022-07-02T09",
            stating("G24/insurance", POPULATION, &[("records", 600_000)]),
        )
        .at(
            "2022-07-03T09",
            stating("H26/lgsp", POPULATION, &[("records", 400_001)]),
        )
        .fold(at("2022-09-01"), folder.path())
        .await;
    let at_provider = CountRequest {
        with_baselines: true,
        filter: Some(CountFilter {
            provider: POPULATION.0.to_owned(),
            ..CountFilter::default()
        }),
        ..CountRequest::default()
    };
    let found = counted(&counters, &registry, &at_provider);
    let here = measure(&found.total.unwrap().measures, "records");
    let before = measure(&found.opening.unwrap().measures, "records");
    assert_eq!(here + before, 47_000_001);
    counters.stop();
}

/// July counted by the hub; what the platform before it told.
fn july() -> Story {
    let of = connection("H26/lgsp", AXIS);
    let balances = [
        ("", "2020-12-31", 0, 0, 1_000),
        ("2021-01", "2021-12", 0, 0, 365_730),
        ("2022-01", "2022-05", 0, 0, 500),
        ("2022-06", "2022-06", 0, 0, 30),
        ("2022-01", "2022-06", 0, 2, 30),
        ("2022-01", "2022-06", 0, 3, 100),
    ];
    let document = |measures: &[(&str, u64)]| stating("H26/lgsp", AXIS, measures);
    Story::default()
        .at("2022-07-01T00", registered())
        .at("2022-07-01T00", imported(of, &balances))
        .at("2022-07-02T08", document(&[("documents_sent", 2)]))
        .at("2022-07-02T09", document(&[("documents_received", 7)]))
        .at("2022-07-22T23", stating("H26/lgsp", POPULATION, &[]))
        .at("2022-07-23T00", stating("H26/lgsp", POPULATION, &[]))
}

#[tokio::test]
async fn rows_2_3_9_10_15_and_16_take_what_was_counted_before_the_hub_from_balances() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, counters) = july().fold(at("2022-07-23"), folder.path()).await;
    let (cut_off, now) = (at("2022-07-23"), at("2022-09-01"));
    let found = ask(&counters, &registry, "2022-07", cut_off, now).unwrap();
    for (name, wanted, opening) in [
        ("transactions_month", 3, 0),
        ("transactions_since_launch", 367_263, 367_260),
        ("transactions_year_to_date", 533, 530),
        ("transactions_per_day_year_to_date", 2, 2),
        ("transactions_previous_year", 365_730, 365_730),
        ("transactions_per_day_previous_year", 1_002, 1_002),
        ("documents_month", 9, 0),
        ("documents_first_months", 139, 130),
        ("documents_sent_first_months", 32, 30),
        ("documents_received_first_months", 107, 100),
        ("documents_since_launch", 139, 130),
    ] {
        let figure = figure(&found, name);
        assert_eq!((figure.value, figure.opening), (wanted, opening), "{name}");
        let sources: &[&str] = if opening > 0 {
            &["Báo cáo 105/BC-BTTTT"]
        } else {
            &[]
        };
        assert_eq!(figure.opening_sources, sources, "{name}");
    }
    // 1 to 22 June is not told apart from the rest of June.
    let part = figure(&found, "transactions_month_change_previous");
    let comparison = part.comparison.as_ref().unwrap();
    let apart = "opening balances do not tell that period apart";
    assert_eq!((part.value, comparison.unavailable_en.as_str()), (3, apart));
    // All of July is compared with all of June.
    let (registry, _) = july().fold(now, &folder.path().join("again")).await;
    let found = ask(&counters, &registry, "2022-07", at("2022-08-01"), now).unwrap();
    let whole = figure(&found, "transactions_month_change_previous");
    let comparison = whole.comparison.as_ref().unwrap();
    assert_eq!((whole.value, comparison.unavailable_en.as_str()), (4, ""));
    assert_eq!((comparison.base_value, comparison.base_opening), (30, 30));
    assert_eq!(value(&found, "documents_month"), 9);
    counters.stop();
}

#[tokio::test]
async fn a_table_comes_to_what_its_figure_says() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, counters) = july().fold(at("2022-07-23"), folder.path()).await;
    let sources = Sources {
        counters: &counters,
        names: &RegistryNames(&registry),
        registry: &registry,
        zone: &Zone::viet_nam(),
        now: at("2022-09-01"),
    };
    let request = GetReportRequest {
        month: "2022-06".to_owned(),
        as_of_us: at("2022-07-23").as_micros(),
        ..Default::default()
    };
    let made = report(&sources, &request).unwrap();
    // The platform before the hub counted June.
    let figure = figure(&made.figures, "transactions_month");
    assert_eq!((figure.value, figure.opening), (30, 30));
    for table in made.tables {
        let counts = table.counts.unwrap();
        let opening = counts.opening.unwrap();
        let rows: u64 = counts
            .rows
            .iter()
            .map(|row| row.opening.as_ref().map_or(0, |it| it.transactions))
            .sum();
        let others = counts
            .others
            .and_then(|row| row.opening)
            .map_or(0, |it| it.transactions);
        assert_eq!(rows + others, opening.transactions, "{}", table.name);
        let wanted = match table.name.as_str() {
            // With January to May, which were told in one number.
            "months" => 530,
            "databases" => 0,
            _ => 30,
        };
        assert_eq!(opening.transactions, wanted, "{}", table.name);
    }
    counters.stop();
}

#[tokio::test]
async fn a_period_that_is_over_never_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (cut_off, now) = (at("2022-07-23"), at("2022-09-01"));
    let short = july();
    let (registry, counters) = short.fold(cut_off, &folder.path().join("short")).await;
    let before = ask(&counters, &registry, "2022-07", cut_off, now).unwrap();
    counters.stop();
    let long = july()
        .at(
            "2022-08-01T00",
            stating("H63/lgsp", POPULATION, &[("records", 3)]),
        )
        .at(
            "2022-08-02T00",
            stating("H63/lgsp", AXIS, &[("documents_sent", 3)]),
        );
    let (registry, counters) = long.fold(cut_off, &folder.path().join("long")).await;
    let after = ask(&counters, &registry, "2022-07", cut_off, now).unwrap();
    counters.stop();
    let kept = |figures: &[Figure]| -> Vec<_> {
        let part = |it: &Figure| {
            let proof = it.proof.as_ref().unwrap();
            let range = (proof.first_sequence, proof.last_sequence, proof.closed);
            (
                it.name.clone(),
                it.value,
                it.opening,
                it.missing.clone(),
                range,
            )
        };
        figures.iter().map(part).collect()
    };
    assert_eq!(kept(&before), kept(&after));
}
