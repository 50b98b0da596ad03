//! Rows 11 to 13 of the list that official reports cite, and which services a report names.

use ndxp_model::Zone;
use ndxp_proto::statistics::v1::{Counts, MeasureSum, Opening};

use super::*;
use crate::assemble::tests::{Numbers, answer, at, periods};
use crate::cut_off::Periods;
use crate::known::{Known, Told};
use crate::questions::Answers;
use crate::stock::Stock;

const INSURANCE: &str = "ndxp.example.insurance.v1.InsuranceService";
const POPULATION: &str = "ndxp.example.population.v1.PopulationService";

fn sums(measures: &[(&str, u64)]) -> Vec<MeasureSum> {
    let sum = |(name, value): &(&str, u64)| MeasureSum {
        name: (*name).to_owned(),
        value: *value,
        value_high: 0,
    };
    measures.iter().map(sum).collect()
}

fn row(
    key: &str,
    transactions: u64,
    measures: &[(&str, u64)],
    opening: &[(&str, u64)],
) -> CountRow {
    CountRow {
        key: key.to_owned(),
        counts: Some(Counts {
            transactions,
            measures: sums(measures),
            ..Counts::default()
        }),
        opening: Some(Opening {
            measures: sums(opening),
            sources: vec!["BHXH".to_owned()],
            ..Opening::default()
        }),
        ..CountRow::default()
    }
}

fn asked(rows: Vec<CountRow>) -> CountResponse {
    CountResponse {
        rows,
        ..answer(Numbers::default(), Numbers::default())
    }
}

fn declared(services: &[(&str, &[&str])]) -> Declared {
    let names = |measures: &[&str]| measures.iter().map(|it| (*it).to_owned()).collect();
    let declares = |(service, measures): &(&str, &[&str])| ((*service).to_owned(), names(measures));
    services.iter().map(declares).collect()
}

fn made(month: Vec<CountRow>, since: Vec<CountRow>, declared: &Declared) -> Vec<Figure> {
    made_of(&periods("2022-07", "2022-07-22"), month, since, declared)
}

fn made_of(
    periods: &Periods,
    month: Vec<CountRow>,
    since: Vec<CountRow>,
    declared: &Declared,
) -> Vec<Figure> {
    let zone = Zone::viet_nam();
    let told = Told {
        from: None,
        to: at("2022-07-01"),
        measure: "records".to_owned(),
        service: INSURANCE.to_owned(),
    };
    let known = Known::of(&zone, Some(at("2022-07-01")), vec![told]);
    let facts = Facts {
        periods,
        answers: &Answers {
            services_month: asked(month),
            services_since_launch: asked(since),
            ..Answers::default()
        },
        known: &known,
        stock: &Stock::of(Vec::new(), Vec::new(), |_| true, None),
        stock_sequence: 1,
    };
    of_services(&facts, declared)
}

#[track_caller]
fn value(figures: &[Figure], name: &str) -> (u64, u64) {
    let found = figures.iter().find(|figure| figure.name == name);
    let found = found.unwrap_or_else(|| panic!("no figure {name}"));
    (found.value, found.opening)
}

#[test]
fn row_11_transactions_and_measures_of_a_service_in_the_month() {
    let paid = [("amount_vnd", 307_000_000_000), ("records", 126_000)];
    let rows = || vec![row("a.v1.Payment", 126_000, &paid, &[])];
    let figures = made(rows(), rows(), &Declared::new());
    let month = value(&figures, "transactions_month:a.v1.Payment");
    assert_eq!(month, (126_000, 0));
    let amount = value(&figures, "measure_amount_vnd_month:a.v1.Payment");
    assert_eq!(amount, (307_000_000_000, 0));
}

#[test]
fn row_12_records_of_a_service_since_launch_with_its_balances() {
    let month = vec![row(INSURANCE, 40, &[("records", 740_350)], &[])];
    let since = vec![row(
        INSURANCE,
        40,
        &[("records", 740_350)],
        &[("records", 3_000_000)],
    )];
    let figures = made(month, since, &Declared::new());
    let name = format!("measure_records_since_launch:{INSURANCE}");
    assert_eq!(value(&figures, &name), (3_740_350, 3_000_000));
    let figure = figures.iter().find(|it| it.name == name).unwrap();
    assert_eq!(figure.unit, "records");
    assert_eq!(figure.opening_sources, ["BHXH"]);
    let text = [
        &figure.title_vi,
        &figure.title_en,
        &figure.definition_vi,
        &figure.definition_en,
    ];
    for text in text {
        assert!(
            text.contains(INSURANCE) && text.contains("records"),
            "{text}"
        );
        assert!(!text.contains('{'), "{text}");
    }
}

#[test]
fn row_13_records_since_launch_of_a_service_that_only_balances_know() {
    let since = vec![row(POPULATION, 0, &[], &[("records", 47_000_000)])];
    let figures = made(Vec::new(), since, &Declared::new());
    let name = format!("measure_records_since_launch:{POPULATION}");
    assert_eq!(value(&figures, &name), (47_000_000, 47_000_000));
    let month = format!("measure_records_month:{POPULATION}");
    assert_eq!(value(&figures, &month), (0, 0));
}

#[test]
fn what_a_service_declares_is_0_until_it_is_stated() {
    let declared = declared(&[("a.v1.A", &["records"]), ("a.v1.B", &[])]);
    let figures = made(Vec::new(), Vec::new(), &declared);
    let found: Vec<_> = figures
        .iter()
        .map(|it| (it.name.as_str(), it.value))
        .collect();
    let wanted = [
        ("transactions_month:a.v1.A", 0),
        ("transactions_since_launch:a.v1.A", 0),
        ("measure_records_month:a.v1.A", 0),
        ("measure_records_since_launch:a.v1.A", 0),
        ("transactions_month:a.v1.B", 0),
        ("transactions_since_launch:a.v1.B", 0),
    ];
    assert_eq!(found, wanted);
    for figure in &figures {
        assert!(crate::definition(&figure.name).is_some(), "{}", figure.name);
    }
}

#[test]
fn the_services_with_the_most_transactions_are_named_and_no_more() {
    let many = u64::try_from(SERVICES_MAX).unwrap() + 5;
    let since = (0..many)
        .map(|place| row(&format!("a.v1.S{place:02}"), place, &[], &[]))
        .chain([row("-", 1_000, &[], &[])])
        .collect();
    let figures = made(
        Vec::new(),
        since,
        &declared(&[("a.v1.Unused", &["records"])]),
    );
    assert_eq!(figures.len(), 2 * SERVICES_MAX);
    let first = format!("transactions_month:a.v1.S{}", many - 1);
    assert_eq!(figures[0].name, first);
    assert!(
        figures
            .iter()
            .all(|it| !it.name.contains("Unused") && !it.name.ends_with(":-"))
    );
}

#[test]
fn balances_of_the_service_alone_are_left_out_of_it() {
    let rows = || {
        vec![
            row(INSURANCE, 1, &[("records", 1)], &[]),
            row(POPULATION, 1, &[("records", 1)], &[]),
        ]
    };
    // The balance lies within "since launch" of July, and across that of June.
    for (last_day, insurance) in [("2022-07-22", 0), ("2022-06-22", 1)] {
        let of = periods(&last_day[..7], last_day);
        let figures = made_of(&of, rows(), rows(), &Declared::new());
        for (service, wanted) in [(INSURANCE, insurance), (POPULATION, 0)] {
            let name = format!("measure_records_since_launch:{service}");
            let figure = figures.iter().find(|it| it.name == name).unwrap();
            assert_eq!(figure.opening_left_out, wanted, "{name} as of {last_day}");
        }
    }
}
