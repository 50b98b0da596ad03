//! Counts as readers are handed them, to the letter: every form is compared with a file in
//! `golden/`. `UPDATE_GOLDEN=1 cargo test -p ndxp-report` writes the files anew.

use std::path::PathBuf;

use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::Outcome;
use ndxp_proto::statistics::v1::{
    CountResponse, CountRow, Counts, Definition, Dimension, Distinct, Durations, MeasureSum,
    Opening, OutcomeCount, Proof,
};
use ndxp_report::{Format, Language, RenderError, render_counts, render_explanation};

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

/// Everything that can be asked for besides: the rest of the rows, names, opening balances,
/// distinct parties, a definition; and durations that are no longer kept.
fn with_everything() -> CountResponse {
    let opening = |transactions, records: u128, sources: &[&str]| {
        let records = MeasureSum {
            name: "records".to_owned(),
            value: u64::try_from(records & u128::from(u64::MAX)).expect("masked"),
            value_high: u64::try_from(records >> 64).expect("shifted"),
        };
        Some(Opening {
            transactions,
            measures: vec![records],
            sources: sources.iter().map(|&it| it.to_owned()).collect(),
            left_out: 2,
        })
    };
    let mut response = by_consumer();
    let sources = ["Báo cáo 105/BC-BTTTT", "=SUM(A1)"];
    response.opening = opening(543_584_063, (1 << 64) + 7, &sources);
    for row in &mut response.rows {
        row.counts.as_mut().expect("a row").durations = None;
    }
    response.total.as_mut().expect("a total").durations = None;
    let mut rows = response.rows.iter_mut();
    let insurance = rows.find(|row| row.key == "G24/insurance").expect("a row");
    insurance.title = "=BHXH \"Việt Nam\"\n".to_owned();
    insurance.opening = opening(543_584_063, (1 << 64) + 7, &sources);
    let last = response.rows.pop().expect("three rows");
    response.others = Some(CountRow {
        key: "others".to_owned(),
        ..last
    });
    response.others_rows = 61;
    response.distinct = Some(Distinct {
        consumers: 62,
        providers: 3,
        systems: 64,
        members: 63,
    });
    response.definition = Some(Definition {
        name: "counts".to_owned(),
        definition_vi: "Số cuộc gọi".to_owned(),
        definition_en: "Calls".to_owned(),
    });
    response.by_successor = true;
    response
}

#[test]
fn everything_that_can_be_asked_for_besides_is_printed() {
    let response = with_everything();
    let render =
        |format, language| render_counts(&response, Dimension::Consumer, format, language).unwrap();
    check(
        "everything.vi.txt",
        &render(Format::Table, Language::Vietnamese),
    );
    check(
        "everything.en.txt",
        &render(Format::Table, Language::English),
    );
    check("everything.json", &render(Format::Json, Language::English));
    check("everything.csv", &render(Format::Csv, Language::English));
    for (name, language) in [("vi", Language::Vietnamese), ("en", Language::English)] {
        let text = render_explanation(&response, language).unwrap();
        check(&format!("explain-everything.{name}.txt"), &text);
    }
}

#[test]
fn every_dimension_has_a_heading_in_both_languages() {
    let response = by_consumer();
    let mut seen = std::collections::BTreeSet::new();
    for number in 1..=15 {
        let by = Dimension::try_from(number).expect("a dimension");
        for language in [Language::Vietnamese, Language::English] {
            let text = render_counts(&response, by, Format::Table, language).unwrap();
            let numbers = ["giao dịch", "transactions"];
            let heading = numbers.iter().find_map(|it| text.split_once(it));
            let heading = heading.expect("a heading").0.trim().to_owned();
            assert!(seen.insert(heading.clone()), "{heading} is another's too");
            assert!(!heading.is_empty());
        }
    }
}

#[test]
fn what_is_incomplete_or_unknown_is_refused() {
    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, RenderError>, wanted: &str) {
        assert_eq!(result.unwrap_err().to_string(), wanted);
    }
    let remedy = "ask a hub of the same version as this program";
    let render =
        |response| render_counts(&response, Dimension::Day, Format::Json, Language::English);

    let mut no_proof = by_consumer();
    no_proof.proof = None;
    refused(
        render(no_proof),
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
