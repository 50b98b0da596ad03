//! What readers are handed, to the letter: every rendered form is compared with a file in
//! `golden/`. `UPDATE_GOLDEN=1 cargo test -p ndxp-report` writes the files anew.

use std::path::PathBuf;

use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::Outcome;
use ndxp_proto::statistics::v1::{
    CountResponse, CountRow, Counts, Dimension, Durations, Figure, MeasureSum, OutcomeCount, Proof,
};
use ndxp_report::{
    DEFINITIONS, Format, Language, ReportError, render_counts, render_figures, render_report,
};

#[track_caller]
fn check(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("the folder of golden files stands");
    }
    let wanted = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, wanted, "{name} differs; UPDATE_GOLDEN=1 rewrites it");
}

fn at(text: &str) -> Instant {
    Zone::viet_nam()
        .moment(text)
        .expect("a time of the tests")
        .from
}

/// A proof of a closed period whose end a journal has passed by three seconds.
fn proof(from: Instant, to: Instant, sequences: (u64, u64)) -> Proof {
    Proof {
        from_us: from.as_micros(),
        to_us: to.as_micros(),
        time_zone: "Asia/Ho_Chi_Minh".to_owned(),
        watermark: 1_204_000_120,
        watermark_at_us: to.as_micros() + 3_000_000,
        first_sequence: sequences.0,
        last_sequence: sequences.1,
        closed: true,
        cut_off_us: 0,
    }
}

/// The figures of the anchors, rows 1 to 7, as of the end of 22/7/2022.
fn anchors() -> Vec<Figure> {
    let cut_off = at("2022-07-23");
    let month = proof(at("2022-07-01"), cut_off, (1_181_000_007, 1_204_000_007));
    let year = proof(at("2022-01-01"), cut_off, (400_000_003, 1_204_000_007));
    let stock = proof(Instant::EPOCH, cut_off, (1, 1_204_000_007));
    let values = [
        (10_385_415, 0, &[][..], &month),
        (553_969_478, 0, &[], &stock),
        (343_907_138, 0, &[], &year),
        (1_694_123, 0, &[], &year),
        (90, 95, &["E01", "E02", "G30", "H26", "H63"][..], &stock),
        (85, 0, &[], &stock),
        (10, 0, &[], &stock),
        (8, 0, &[], &stock),
        (22, 22, &[], &stock),
        (62, 63, &["H63"], &stock),
    ];
    DEFINITIONS
        .iter()
        .zip(values)
        .map(|(definition, (value, out_of, missing, proof))| Figure {
            name: definition.name.to_owned(),
            definition_vi: definition.definition_vi.to_owned(),
            definition_en: definition.definition_en.to_owned(),
            value,
            out_of,
            missing: missing.iter().map(|&code| code.to_owned()).collect(),
            proof: Some(proof.clone()),
            ..Figure::default()
        })
        .collect()
}

/// A hub on its first morning: one transaction, one system, nothing closed.
fn first_morning() -> Vec<Figure> {
    let mut figures = anchors();
    for figure in &mut figures {
        let ones = ["transactions_", "members_connected", "systems_connected_"];
        figure.value = u64::from(ones.iter().any(|name| figure.name.starts_with(name)));
        figure.out_of = 0;
        figure.missing.clear();
        let proof = figure.proof.as_mut().expect("anchors are proven");
        proof.watermark = 4;
        proof.watermark_at_us = at("2022-07-22T09").as_micros() + 61_000_000;
        proof.to_us = at("2022-07-22T10").as_micros();
        proof.first_sequence = 4;
        proof.last_sequence = 4;
        proof.closed = false;
    }
    figures
}

/// A hub whose journal is empty.
fn nothing() -> Vec<Figure> {
    let mut figures = first_morning();
    for figure in &mut figures {
        figure.value = 0;
        let proof = figure.proof.as_mut().expect("anchors are proven");
        proof.watermark = 0;
        proof.watermark_at_us = 0;
        proof.first_sequence = 0;
        proof.last_sequence = 0;
    }
    figures
}

#[test]
fn a_report_is_the_same_in_both_languages_to_the_letter() {
    let rows = [
        ("report", anchors()),
        ("report-first-morning", first_morning()),
        ("report-empty-journal", nothing()),
    ];
    for (name, figures) in rows {
        let vietnamese = render_report(&figures, Language::Vietnamese).unwrap();
        check(&format!("{name}.vi.txt"), &vietnamese);
        let english = render_report(&figures, Language::English).unwrap();
        check(&format!("{name}.en.txt"), &english);
    }
}

#[test]
fn figures_are_listed_in_every_format() {
    let figures = anchors();
    let render = |format, language| render_figures(&figures, format, language).unwrap();
    check(
        "figures.vi.txt",
        &render(Format::Table, Language::Vietnamese),
    );
    check("figures.en.txt", &render(Format::Table, Language::English));
    check("figures.json", &render(Format::Json, Language::Vietnamese));
    check("figures.csv", &render(Format::Csv, Language::Vietnamese));
}

fn counts(outcomes: &[(Outcome, u64)], records: u64) -> Counts {
    let count_of = |wanted: &[Outcome]| {
        let counts = outcomes.iter().filter(|(it, _)| wanted.contains(it));
        counts.map(|(_, count)| count).sum()
    };
    let transactions: u64 = count_of(&[Outcome::Completed, Outcome::ProviderError]);
    Counts {
        transactions,
        attempts: outcomes.iter().map(|(_, count)| count).sum(),
        outcomes: outcomes
            .iter()
            .map(|&(outcome, count)| OutcomeCount {
                outcome: outcome.into(),
                count,
            })
            .collect(),
        request_bytes: transactions * 120,
        response_bytes: transactions * 480,
        request_messages: transactions,
        response_messages: transactions,
        durations: (transactions > 0).then_some(Durations {
            p50_us: 2_350,
            p90_us: 9_800,
            p99_us: 41_000,
            max_us: 1_250_075,
        }),
        measures: (records > 0)
            .then(|| MeasureSum {
                name: "records".to_owned(),
                value: records,
                value_high: 0,
            })
            .into_iter()
            .collect(),
    }
}

fn by_consumer() -> CountResponse {
    use Outcome::{Cancelled, Completed, ProviderError, Refused};
    let rows = [
        ("-", counts(&[(Refused, 12)], 0)),
        ("G24/insurance", counts(&[(Completed, 1_000)], 250_000)),
        (
            "H26/lgsp",
            counts(&[(Completed, 9_998), (ProviderError, 2), (Cancelled, 5)], 0),
        ),
    ];
    let all = [
        (Completed, 10_998),
        (ProviderError, 2),
        (Refused, 12),
        (Cancelled, 5),
    ];
    let period = Zone::viet_nam().month("2022-07").expect("a month");
    CountResponse {
        rows: rows
            .into_iter()
            .map(|(key, counts)| CountRow {
                key: key.to_owned(),
                counts: Some(counts),
                ..CountRow::default()
            })
            .collect(),
        total: Some(counts(&all, 250_000)),
        proof: Some(proof(period.from, period.to, (17, 11_033))),
        ..CountResponse::default()
    }
}

#[test]
fn counts_are_printed_in_every_format() {
    let response = by_consumer();
    let render =
        |format, language| render_counts(&response, Dimension::Consumer, format, language).unwrap();
    check(
        "counts.vi.txt",
        &render(Format::Table, Language::Vietnamese),
    );
    check("counts.en.txt", &render(Format::Table, Language::English));
    check("counts.json", &render(Format::Json, Language::English));
    check("counts.csv", &render(Format::Csv, Language::English));
}

#[test]
fn a_total_alone_is_printed_in_every_format() {
    let response = CountResponse {
        rows: Vec::new(),
        ..by_consumer()
    };
    let render = |format| {
        render_counts(&response, Dimension::Unspecified, format, Language::English).unwrap()
    };
    check("total.en.txt", &render(Format::Table));
    check("total.json", &render(Format::Json));
    check("total.csv", &render(Format::Csv));
}

#[test]
fn an_open_period_says_so() {
    let mut response = by_consumer();
    let proof = response.proof.as_mut().unwrap();
    (proof.from_us, proof.to_us, proof.closed) = (0, 0, false);
    for (name, language) in [("vi", Language::Vietnamese), ("en", Language::English)] {
        let text = render_counts(&response, Dimension::Consumer, Format::Table, language).unwrap();
        check(&format!("counts-open.{name}.txt"), &text);
    }
}

#[test]
fn a_period_with_nothing_in_it_is_printed_as_zero() {
    let mut response = by_consumer();
    response.rows.clear();
    response.total = Some(Counts::default());
    let proof = response.proof.as_mut().unwrap();
    (proof.first_sequence, proof.last_sequence) = (0, 0);
    let render =
        |format| render_counts(&response, Dimension::Day, format, Language::English).unwrap();
    check("nothing.en.txt", &render(Format::Table));
    check("nothing.json", &render(Format::Json));
    check("nothing.csv", &render(Format::Csv));
}

#[test]
fn what_is_incomplete_or_unknown_is_refused() {
    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, ReportError>, wanted: &str) {
        assert_eq!(result.unwrap_err().to_string(), wanted);
    }
    let remedy = "ask a hub of the same version as this program";
    let render =
        |response| render_counts(&response, Dimension::Day, Format::Json, Language::English);

    let mut no_figure = anchors();
    no_figure.remove(0);
    refused(
        render_report(&no_figure, Language::English),
        &format!("the answer lacks the figure transactions_month: {remedy}"),
    );
    let mut no_proof = anchors();
    no_proof[5].proof = None;
    refused(
        render_report(&no_proof, Language::English),
        &format!("the answer lacks the proof: {remedy}"),
    );
    let mut no_total = by_consumer();
    no_total.total = None;
    refused(
        render(no_total),
        &format!("the answer lacks the total: {remedy}"),
    );
    let mut unknown = by_consumer();
    unknown.total.as_mut().unwrap().outcomes[0].outcome = 99;
    refused(
        render(unknown),
        "the answer holds the outcome number 99, which this program does not know: use the \
         program of the hub's version",
    );
}
