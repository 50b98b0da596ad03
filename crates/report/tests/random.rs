//! Properties of figures and tables over random journals: what adds up, what a comparison compares
//! with, and that both of its sides map members alike. A failing seed is printed and runs again with
//! `SEED`.

mod story;

use ndxp_counters::Counters;
use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    Connection, Entry, Measure, Outcome, RegistryChanged, TransactionClosed,
};
use ndxp_proto::registry::v1::change::Item;
use ndxp_proto::registry::v1::{Change, Member, MemberClass, State};
use ndxp_proto::statistics::v1::{CountResponse, Figure, GetReportRequest, GetReportResponse};
use ndxp_registry::Registry;
use ndxp_report::{RegistryNames, Sources, report};

use story::{Story, at, figure, registered, value};

const SEEDS: u64 = 12;
const CALLS: usize = 400;
const CONSUMERS: [&str; 4] = ["H26/lgsp", "H63/lgsp", "H02/lgsp", "H10/lgsp"];
const SERVICES: [&str; 2] = ["a.v1.A", "a.v1.B"];

/// Calls over seventeen months, in which two provinces are merged into a third.
fn random(seed: u64) -> Story {
    let mut dice = fastrand::Rng::with_seed(seed);
    let (begin, end) = (at("2021-02-01").as_micros(), at("2022-07-23").as_micros());
    let mut times: Vec<i64> = (0..CALLS).map(|_| dice.i64(begin + 1..end)).collect();
    times.sort_unstable();
    let mut story = Story::default().at("2021-02-01", registered());
    let mut put = |committed_at_us, body| {
        let sequence = story.0.len() as u64 + 1;
        story.0.push(Entry {
            sequence,
            committed_at_us,
            body: Some(body),
        });
    };
    for time in times {
        put(time, call(&mut dice));
    }
    put(end, merged());
    story
}

fn call(dice: &mut fastrand::Rng) -> Body {
    use Outcome::{Completed, ProviderError, Refused, TimedOut};
    let outcomes = [Completed, Completed, ProviderError, Refused, TimedOut];
    let pick = |dice: &mut fastrand::Rng, from: &[&str]| from[dice.usize(0..from.len())].to_owned();
    let measures = ["documents_sent", "documents_received", "records"];
    Body::Closed(TransactionClosed {
        transaction_id: vec![7; 16],
        connection: Some(Connection {
            consumer: pick(dice, &CONSUMERS),
            provider: "G01/population".to_owned(),
            service: pick(dice, &SERVICES),
        }),
        outcome: outcomes[dice.usize(0..outcomes.len())].into(),
        measures: vec![Measure {
            name: pick(dice, &measures),
            value: dice.u64(0..1_000),
        }],
        test: dice.u8(0..10) == 0,
        ..TransactionClosed::default()
    })
}

fn merged() -> Body {
    let closed = |code: &str| Change {
        item: Some(Item::Member(Member {
            code: code.to_owned(),
            name_vi: code.to_owned(),
            class: MemberClass::Province.into(),
            state: State::Closed.into(),
            successor: "H26".to_owned(),
            ..Member::default()
        })),
    };
    Body::RegistryChanged(RegistryChanged {
        changes: vec![closed("H02"), closed("H63")],
        ..RegistryChanged::default()
    })
}

fn reported(
    counters: &Counters,
    registry: &Registry,
    month: &str,
    as_of: Instant,
    by_successor: bool,
) -> GetReportResponse {
    let sources = Sources {
        counters,
        names: &RegistryNames(registry),
        registry,
        zone: &Zone::viet_nam(),
        now: at("2022-09-01"),
    };
    let request = GetReportRequest {
        month: month.to_owned(),
        as_of_us: as_of.as_micros(),
        by_successor,
        top: 1,
        ..GetReportRequest::default()
    };
    report(&sources, &request).expect("a report")
}

fn counts<'a>(report: &'a GetReportResponse, table: &str) -> &'a CountResponse {
    let found = report.tables.iter().find(|it| it.name == table);
    found.and_then(|it| it.counts.as_ref()).expect("the table")
}

/// Transactions of the rows, and of those that are summed up.
fn rows(counts: &CountResponse) -> u64 {
    let of = |row: &ndxp_proto::statistics::v1::CountRow| {
        row.counts.as_ref().map_or(0, |counts| counts.transactions)
    };
    counts.rows.iter().chain(&counts.others).map(of).sum()
}

fn total(counts: &CountResponse) -> u64 {
    counts.total.as_ref().map_or(0, |total| total.transactions)
}

/// The other side of a change.
fn base(figures: &[Figure], name: &str) -> Result<u64, String> {
    let comparison = figure(figures, name).comparison.as_ref().expect("a change");
    match comparison.unavailable_en.as_str() {
        "" => Ok(comparison.base_value),
        reason => Err(reason.to_owned()),
    }
}

#[tokio::test]
async fn figures_tables_and_comparisons_add_up_over_random_journals() {
    let given = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    for seed in given.map_or(0..SEEDS, |seed: u64| seed..seed + 1) {
        println!("SEED={seed}");
        let folder = tempfile::tempdir().expect("a folder");
        let (registry, counters) = random(seed).fold(at("2022-09-01"), folder.path()).await;
        for by_successor in [false, true] {
            check(&counters, &registry, by_successor);
        }
        counters.stop();
    }
}

fn check(counters: &Counters, registry: &Registry, by_successor: bool) {
    let of = |month: &str, as_of: Instant| reported(counters, registry, month, as_of, by_successor);
    let july = of("2022-07", at("2022-08-01"));
    let month = value(&july.figures, "transactions_month");
    for table in &july.tables {
        let counts = table.counts.as_ref().expect("counts");
        assert_eq!(rows(counts), total(counts), "{}", table.name);
        if !["months", "databases", "documents"].contains(&table.name.as_str()) {
            assert_eq!(total(counts), month, "{}", table.name);
        }
    }
    // Months add up to the year and to the year before.
    let monthly = |year: &str| -> u64 {
        (1..=12)
            .map(|number| format!("{year}-{number:02}"))
            .filter(|month| ("2021-02".."2022-08").contains(&month.as_str()))
            .map(|month| {
                value(
                    &of(month.as_str(), at("2022-08-01")).figures,
                    "transactions_month",
                )
            })
            .sum()
    };
    let (this, last) = (monthly("2022"), monthly("2021"));
    let figures = &july.figures;
    assert_eq!(value(figures, "transactions_year_to_date"), this);
    assert_eq!(value(figures, "transactions_first_months"), this);
    assert_eq!(value(figures, "transactions_previous_year"), last);
    assert_eq!(value(figures, "transactions_since_launch"), this + last);
    let services = SERVICES.map(|it| value(figures, &format!("transactions_since_launch:{it}")));
    assert_eq!(services.iter().sum::<u64>(), this + last);
    for period in ["month", "first_months", "since_launch"] {
        let of = |kind: &str| value(figures, &format!("documents{kind}_{period}"));
        assert_eq!(of(""), of("_sent") + of("_received"), "{period}");
    }
    // What a month is compared with is what the report on that month said.
    let june = of("2022-06", at("2022-07-01"));
    let other = of("2021-07", at("2021-08-01"));
    for what in ["transactions", "documents"] {
        let name = format!("{what}_month");
        let change = |kind: &str| base(figures, &format!("{name}_change_{kind}"));
        assert_eq!(change("previous"), Ok(value(&june.figures, &name)));
        assert_eq!(change("year_before"), Ok(value(&other.figures, &name)));
    }
    // The same to a cut-off.
    let part = of("2022-07", at("2022-07-11"));
    let june = of("2022-06", at("2022-06-11"));
    let previous = base(&part.figures, "transactions_month_change_previous");
    assert_eq!(previous, Ok(value(&june.figures, "transactions_month")));
    // The platform launched on 1 February 2021: a year before, January was not counted.
    let year = base(figures, "transactions_year_to_date_change_year_before");
    let launched = "the platform launched on 2021-02-01, within that period";
    assert_eq!(year, Err(launched.to_owned()));
    // Merging moves nothing in or out.
    let plain = reported(counters, registry, "2022-07", at("2022-08-01"), false);
    let names = [
        "transactions_month",
        "documents_month",
        "transactions_since_launch",
    ];
    for name in names {
        assert_eq!(value(figures, name), value(&plain.figures, name), "{name}");
    }
    let consumers = counts(&july, "consumers");
    let merged = consumers
        .rows
        .iter()
        .all(|row| row.key == "H26/lgsp" || row.key == "H10/lgsp");
    assert!(!by_successor || merged, "{:?}", consumers.rows);
}
