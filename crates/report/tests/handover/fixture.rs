//! A report put together by hand with the numbers that official reports cite: July 2022 to the
//! 22nd, and the same hub on other days.

use ndxp_model::{Instant, Zone};
use ndxp_proto::statistics::v1::{
    Comparison, ComparisonKind, Counts, Figure, GetReportResponse, Proof,
};
use ndxp_report::{DEFINITIONS, SERVICE_DEFINITIONS};

use crate::tables::{completed, connections, days, documents, months, outcomes, row, services};

pub const PAYMENT: &str = "ndxp.examples.payment.v1.PaymentService";
pub const BIRTHS: &str = "ndxp.examples.births.v1.BirthService";
pub const SOURCE: &str = "Báo cáo 105/BC-BTTTT ngày 29/7/2022";

pub fn at(text: &str) -> Instant {
    let moment = Zone::viet_nam().moment(text);
    moment.expect("a time of the tests").from
}

fn cut_off() -> Instant {
    at("2022-07-23")
}

/// A proof of a closed period whose end a journal has passed by three seconds.
pub fn proof(from: Instant, to: Instant, sequences: (u64, u64)) -> Proof {
    Proof {
        from_us: from.as_micros(),
        to_us: to.as_micros(),
        time_zone: "Asia/Ho_Chi_Minh".to_owned(),
        watermark: 1_204_000_120,
        watermark_at_us: cut_off().as_micros() + 3_000_000,
        first_sequence: sequences.0,
        last_sequence: sequences.1,
        closed: true,
        cut_off_us: cut_off().as_micros(),
    }
}

pub fn until_cut_off(from: &str) -> Proof {
    let sequences = match from {
        "2022-07-01" => (1_181_000_007, 1_204_000_007),
        _ => (1_180_000_001, 1_204_000_007),
    };
    proof(at(from), cut_off(), sequences)
}

/// A figure by its definition, over the period that its name says.
fn figure(name: &str, value: u128) -> Figure {
    let known = ndxp_report::definition(name).expect("a figure that exists");
    let service = name.split_once(':').map_or("", |(_, service)| service);
    let fixed = |text: &str| text.replace("{service}", service);
    let proof = match name {
        _ if name.contains("previous_year") => proof(at("2021-01-01"), at("2022-01-01"), (0, 0)),
        _ if name.contains("_month") && !name.contains("first_months") => {
            until_cut_off("2022-07-01")
        }
        _ if name.contains("year_to_date") || name.contains("first_months") => {
            until_cut_off("2022-01-01")
        }
        _ if name.starts_with("documents") => until_cut_off("2019-03-12"),
        _ => proof(Instant::EPOCH, cut_off(), (1, 1_204_000_007)),
    };
    Figure {
        name: name.to_owned(),
        unit: match known.unit {
            "<measure>" if name.contains("amount_vnd") => "amount_vnd".to_owned(),
            "<measure>" => "records".to_owned(),
            unit => unit.to_owned(),
        },
        title_vi: fixed(known.title_vi),
        title_en: fixed(known.title_en),
        definition_vi: fixed(known.definition_vi),
        definition_en: fixed(known.definition_en),
        value: low(value),
        value_high: high(value),
        proof: Some(proof),
        ..Figure::default()
    }
}

pub fn low(value: u128) -> u64 {
    u64::try_from(value & u128::from(u64::MAX)).expect("masked")
}

pub fn high(value: u128) -> u64 {
    u64::try_from(value >> 64).expect("shifted")
}

/// The numbers of the anchors; which row of the list each is from stands beside it.
fn values() -> Vec<(&'static str, u128)> {
    vec![
        ("transactions_month", 10_385_415),                            // 1
        ("transactions_per_day_month", 472_064),                       //
        ("transactions_month_change_previous", 10_385_415),            // 15
        ("transactions_month_change_year_before", 10_385_415),         // 15
        ("transactions_since_launch", 553_969_478),                    // 2
        ("transactions_year_to_date", 343_907_138),                    //
        ("transactions_per_day_year_to_date", 1_694_123),              // 3
        ("transactions_year_to_date_change_year_before", 343_907_138), // 14
        ("transactions_first_months", 343_907_138),                    //
        ("transactions_previous_year", 180_919_031),                   // 16
        ("transactions_per_day_previous_year", 495_668),               // 16
        ("systems_transacting_month", 101),                            //
        ("members_transacting_month", 88),                             //
        ("documents_month", 620_830),                                  // 8
        ("documents_sent_month", 135_164),                             // 8
        ("documents_received_month", 485_666),                         // 8
        ("documents_month_change_previous", 620_830),                  //
        ("documents_month_change_year_before", 620_830),               //
        ("documents_first_months", 3_560_000),                         // 9
        ("documents_sent_first_months", 760_000),                      // 9
        ("documents_received_first_months", 2_800_000),                // 9
        ("documents_first_months_change_year_before", 3_560_000),      //
        ("documents_since_launch", 13_112_345),                        // 10
        ("documents_sent_since_launch", 2_912_345),                    // 10
        ("documents_received_since_launch", 10_200_000),               // 10
        ("members_connected", 90),                                     // 4
        ("systems_connected", 103),                                    //
        ("systems_connected_lgsp", 85),                                // 5
        ("systems_connected_database", 10),                            // 6
        ("systems_connected_information_system", 8),                   // 6
        ("coverage_lgsp_ministries", 22),                              // 7
        ("coverage_lgsp_provinces", 63),                               // 7
    ]
}

/// The other side of a change. `None` is one that cannot be told.
fn comparison(name: &str) -> Option<Comparison> {
    let (kind, base, from, to) = match name {
        "transactions_month_change_previous" => (
            ComparisonKind::Previous,
            Some(12_452_536),
            "2022-06-01",
            "2022-06-23",
        ),
        "transactions_month_change_year_before" => (
            ComparisonKind::YearBefore,
            Some(8_654_512),
            "2021-07-01",
            "2021-07-23",
        ),
        "transactions_year_to_date_change_year_before" => (
            ComparisonKind::YearBefore,
            Some(230_810_159),
            "2021-01-01",
            "2021-07-23",
        ),
        "documents_month_change_previous" => {
            (ComparisonKind::Previous, None, "2022-06-01", "2022-06-23")
        }
        "documents_month_change_year_before" => (
            ComparisonKind::YearBefore,
            Some(0),
            "2021-07-01",
            "2021-07-23",
        ),
        "documents_first_months_change_year_before" => (
            ComparisonKind::YearBefore,
            Some(3_559_999),
            "2021-01-01",
            "2021-07-23",
        ),
        _ => return None,
    };
    let told = base.is_some();
    let why = |text: &str| if told { String::new() } else { text.to_owned() };
    Some(Comparison {
        kind: kind.into(),
        base_value: base.unwrap_or(0),
        base_opening: base.unwrap_or(0),
        base_proof: told.then(|| proof(at(from), at(to), (0, 0))),
        unavailable_vi: why("số liệu kế thừa không tách riêng kỳ này"),
        unavailable_en: why("opening balances do not tell that period apart"),
        ..Comparison::default()
    })
}

fn with_details(mut figure: Figure) -> Figure {
    let name = figure.name.clone();
    figure.comparison = comparison(&name);
    figure.out_of = match name.as_str() {
        "members_connected" => 95,
        "coverage_lgsp_ministries" => 22,
        "coverage_lgsp_provinces" => 63,
        _ => 0,
    };
    if name == "members_connected" {
        figure.missing = ["E01", "E02", "E03", "G30", "G31"]
            .map(str::to_owned)
            .to_vec();
    }
    figure.days = match name.as_str() {
        "transactions_per_day_month" => 22,
        "transactions_per_day_year_to_date" => 203,
        "transactions_per_day_previous_year" => 365,
        _ => 0,
    };
    figure.opening = match name.as_str() {
        "transactions_since_launch" => 543_584_063,
        "transactions_year_to_date" | "transactions_first_months" => 333_521_723,
        "transactions_previous_year" => 180_919_031,
        "documents_first_months" => 2_939_170,
        "documents_since_launch" => 12_491_515,
        _ => 0,
    };
    if figure.opening > 0 {
        figure.opening_sources = vec![SOURCE.to_owned()];
    }
    figure
}

fn service_figures() -> Vec<Figure> {
    let of = |kind: usize, measure: &str, service: &str, value| {
        let pattern = SERVICE_DEFINITIONS[kind].name;
        let name = pattern
            .replace("<measure>", measure)
            .replace("<service>", service);
        let mut figure = figure(&name, value);
        let titled = |text: &str| text.replace("{measure}", measure);
        figure.title_vi = titled(&figure.title_vi);
        figure.title_en = titled(&figure.title_en);
        figure.definition_vi = titled(&figure.definition_vi);
        figure.definition_en = titled(&figure.definition_en);
        figure
    };
    vec![
        of(0, "", PAYMENT, 126_345),                   // 11
        of(1, "", PAYMENT, 150_001),                   //
        of(2, "amount_vnd", PAYMENT, 307_412_345_678), // 11
        of(2, "records", PAYMENT, 324_567),            // 11
        of(3, "amount_vnd", PAYMENT, (3 << 64) + 5),   // beyond 2^64
        of(3, "records", PAYMENT, 2_345_000_000_000),  //
        of(0, "", BIRTHS, 0),                          //
        of(1, "", BIRTHS, 3_740_350),                  // 12
        of(2, "records", BIRTHS, 0),                   //
        of(3, "records", BIRTHS, 47_000_001),          // 13
    ]
}

/// The whole report as of the end of 22/7/2022.
pub fn anchors() -> GetReportResponse {
    let fixed = values();
    assert_eq!(
        fixed.len(),
        DEFINITIONS.len(),
        "every figure has a number here"
    );
    let figures = fixed
        .into_iter()
        .map(|(name, value)| with_details(figure(name, value)));
    GetReportResponse {
        month: "2022-07".to_owned(),
        cut_off_us: cut_off().as_micros(),
        time_zone: "Asia/Ho_Chi_Minh".to_owned(),
        by_successor: false,
        figures: figures.chain(service_figures()).collect(),
        tables: vec![
            days(),
            months(),
            outcomes(),
            connections(),
            services(),
            documents(),
        ],
        launched_at_us: at("2019-03-12").as_micros(),
    }
}

/// A hub on its first morning: one transaction, one system, nothing closed.
pub fn first_morning() -> GetReportResponse {
    let mut report = anchors();
    let to = at("2022-07-22T10");
    report.figures.retain(|it| !it.name.contains(':'));
    for figure in &mut report.figures {
        let ones = ["transactions_", "members_", "systems_"];
        let none = figure.name.contains("previous_year") || figure.name.ends_with("_system");
        figure.value = u64::from(!none && ones.iter().any(|it| figure.name.starts_with(it)));
        (figure.out_of, figure.opening) = (0, 0);
        figure.missing.clear();
        figure.opening_sources.clear();
        if let Some(comparison) = &mut figure.comparison {
            comparison.base_proof = None;
            (comparison.base_value, comparison.base_opening) = (0, 0);
            comparison.unavailable_vi = "nền tảng chưa khai trương trong kỳ đó".to_owned();
            comparison.unavailable_en = "the platform had not been launched then".to_owned();
        }
        opened(figure.proof.as_mut(), to, 4);
    }
    report.tables.retain(|it| it.name == "days");
    for table in &mut report.tables {
        let counts = table.counts.as_mut().expect("a table of the tests");
        counts.rows = vec![row("2022-07-22", "", completed(1))];
        counts.total = Some(completed(1));
        opened(counts.proof.as_mut(), to, 4);
    }
    report.cut_off_us = to.as_micros();
    report.launched_at_us = at("2022-07-22T09").as_micros();
    report
}

/// A hub whose journal is empty.
pub fn nothing() -> GetReportResponse {
    let mut report = first_morning();
    let to = at("2022-07-22T10");
    for figure in &mut report.figures {
        figure.value = 0;
        opened(figure.proof.as_mut(), to, 0);
    }
    for table in &mut report.tables {
        let counts = table.counts.as_mut().expect("a table of the tests");
        counts.rows.clear();
        counts.total = Some(Counts::default());
        opened(counts.proof.as_mut(), to, 0);
    }
    report.launched_at_us = 0;
    report
}

fn opened(proof: Option<&mut Proof>, to: Instant, sequence: u64) {
    let proof = proof.expect("anchors are proven");
    proof.watermark = sequence;
    proof.watermark_at_us = match sequence {
        0 => 0,
        _ => at("2022-07-22T09").as_micros() + 61_000_000,
    };
    proof.to_us = to.as_micros();
    proof.cut_off_us = to.as_micros();
    (proof.first_sequence, proof.last_sequence) = (sequence, sequence);
    proof.closed = false;
}
