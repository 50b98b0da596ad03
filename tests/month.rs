//! A month of a whole country at 1:100: what the report of 29/7/2022 says of July 2022 comes out
//! of a simulated journal, by the hub's own journal, counters and report.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use ndxp_journal::{Position, Reader};
use ndxp_model::Sequence;
use ndxp_proto::registry::v1::MemberClass;
use serde_json::Value;

use crate::support::process::run;
use crate::support::wait::until;

/// What a hundredth of July 2022 up to the 22nd is reported as; each named by its row of the
/// figures.
const REPORTED: [(&str, &str, u64); 17] = [
    ("row 1", "transactions_month", 103_854),
    ("row 2", "transactions_since_launch", 5_539_694),
    // 1.7 million a day.
    ("row 3", "transactions_per_day_year_to_date", 16_999),
    ("row 4", "members_connected", 90),
    ("row 5", "systems_connected_lgsp", 85),
    ("row 6", "systems_connected_database", 10),
    ("row 6", "systems_connected_information_system", 8),
    ("row 7", "coverage_lgsp_ministries", 22),
    ("row 7", "coverage_lgsp_provinces", 63),
    ("row 8", "documents_sent_month", 1_351),
    ("row 8", "documents_received_month", 4_856),
    ("row 8", "documents_month", 1_351 + 4_856),
    ("row 9", "documents_sent_first_months", 7_600),
    ("row 9", "documents_received_first_months", 28_000),
    // More than 13.1 million.
    ("row 10", "documents_since_launch", 131_284),
    ("row 16", "transactions_previous_year", 1_809_190),
    ("row 16", "transactions_per_day_previous_year", 4_956),
];

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary folder has a plain name")
}

fn json(answer: &str) -> Value {
    serde_json::from_str(answer).expect("JSON")
}

/// The figure, wherever in the answer it stands.
fn figure<'a>(answer: &'a Value, name: &str) -> Option<&'a Value> {
    match answer {
        Value::Object(fields) if fields.get("name").is_some_and(|it| it == name) => Some(answer),
        Value::Object(fields) => fields.values().find_map(|it| figure(it, name)),
        Value::Array(items) => items.iter().find_map(|it| figure(it, name)),
        _ => None,
    }
}

/// A number, however JSON writes it.
fn number(value: &Value) -> u64 {
    let written = value.as_str().map(str::parse);
    written
        .map_or_else(|| value.as_u64(), Result::ok)
        .unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_hundredth_of_july_2022_is_reported_as_a_hundredth_of_what_was_published() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let data = folder.path().join("july");
    let simulate = [
        "simulate",
        "--month",
        "2022-07",
        "--scale",
        "100",
        "--out",
        text(&data),
        "-o",
        "json",
    ];
    let simulated = json(&run(simulate).success());
    assert_eq!(number(&simulated["transactions"]), 103_854);

    // It is not written over.
    let again = run(simulate);
    assert_eq!(again.exit, Some(64), "{}", again.stderr);
    assert!(again.stderr.contains("is not empty"), "{}", again.stderr);

    let verdict = run(["verify", "--data", text(&data), "-o", "json"]).success();
    let verdict = json(&verdict);
    assert_eq!(verdict["last_sequence"], simulated["entries"]);
    assert_eq!(number(&verdict["in_flight"]), 0);

    let report = run([
        "report",
        "--month",
        "2022-07",
        "--as-of",
        "2022-07-22",
        "--data",
        text(&data),
        "-o",
        "json",
    ]);
    let report = json(&report.success());
    for (row, name, wanted) in REPORTED {
        let figure = figure(&report, name).unwrap_or_else(|| panic!("{row}: no {name}"));
        assert_eq!(number(&figure["value"]), wanted, "{row}: {name}");
    }
    who_is_missing(&data);
}

/// The registry that the month begins with can be folded, and names the few who have nothing to
/// connect. Systems that only call are connected by their transactions.
fn who_is_missing(data: &Path) {
    let reader = Reader::open(&data.join("journal")).expect("the journal is sound");
    let registry = ndxp_registry::registry_at(&reader, None).expect("the registry folds");
    let coverage = registry.coverage(&|system| system.as_str() != "G03/education");
    let missing = |class: MemberClass| {
        let of_class = coverage.classes.iter().find(|it| it.class() == class);
        of_class.expect("every class is told of").missing.clone()
    };
    assert_eq!(missing(MemberClass::Province), Vec::<String>::new());
    assert_eq!(missing(MemberClass::Ministry), Vec::<String>::new());
    assert_eq!(missing(MemberClass::Agency), ["G32", "G33"]);
    assert_eq!(missing(MemberClass::Enterprise), ["E03"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_that_is_killed_leaves_a_sound_journal() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let data = folder.path().join("july");
    let mut simulation = start(["simulate", "--scale", "100", "--out", text(&data)]);
    let journal = data.join("journal");
    let written = || Reader::open(&journal).ok()?.position().ok();
    until("some of the month", async || {
        let enough = |it: &Position| it.sequence > Sequence::new(5_000);
        written().filter(enough)
    })
    .await;
    simulation.kill().expect("it runs");
    simulation.wait().expect("a child can be waited for");

    let verdict = run(["verify", "--data", text(&data), "-o", "json"]).success();
    let verdict = json(&verdict);
    let last = number(&verdict["last_sequence"]);
    assert!((5_000..209_000).contains(&last), "{last} entries");
    assert_eq!(verdict["findings"], Value::Array(Vec::new()));
}

fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ndxp"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the built binary starts")
}
