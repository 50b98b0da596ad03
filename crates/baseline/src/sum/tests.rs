//! Which balances belong to which question, and that rows sum to totals.

use std::sync::Arc;

use ndxp_model::{Instant, Period, Zone};
use ndxp_proto::journal::v1::BaselineImported;
use proptest::prelude::*;

use super::*;
use crate::sample::{entry, import};

fn start(text: &str) -> Instant {
    match text {
        "" => Instant::EPOCH,
        text => Zone::viet_nam().moment(text).unwrap().from,
    }
}

fn window(from: &str, to: &str) -> Window {
    let period = Period {
        from: start(from),
        to: start(to),
    };
    Window::of(period, &Zone::viet_nam())
}

/// Imports at sequences 1, 2, …; the hub began to count on 1/7/2022 at 7.
fn balances(entries: &[BaselineImported]) -> Balances {
    let mut balances = Balances::default();
    for (sequence, entry) in (1..).zip(entries) {
        let at = start("2022-07-22");
        let launch = Some(start("2022-07-01T07"));
        let sequence = Sequence::new(sequence);
        balances.add(Arc::new(Imported::new(sequence, at, launch, entry.clone())));
    }
    balances
}

fn everything(_: &Connection) -> Option<String> {
    Some(NO_KEY.to_owned())
}

fn question(window: Window) -> Question<'static> {
    Question {
        window,
        through: Sequence::new(u64::MAX),
        key_of: &everything,
        in_total: InTotal::Counted,
        is_told: true,
        bucket_of: None,
    }
}

/// The history of the reports: what was counted before July 2022.
fn history() -> Balances {
    let mut history = entry(&["before 2021", "2021", "2022-01", "2022-02", "before-launch"]);
    let values = [200, 180_919_031, 30, 40, 7];
    for (row, value) in history.rows.iter_mut().zip(values) {
        row.value = value;
    }
    // Undated, of another measure, so that it overlaps nothing.
    history.measures.push("records".to_owned());
    history.rows[4].measure = 1;
    balances(&[history])
}

#[test]
fn a_period_has_the_balances_that_lie_within_it() {
    let history = history();
    let rows = [
        // From, to, transactions, records, left out.
        ("", "", 180_919_301, Some(7), 0),
        ("2021-01-01", "2022-01-01", 180_919_031, None, 1),
        ("2022-01-01", "2022-07-23", 70, None, 1),
        ("2022-01-01", "2022-02-28", 30, None, 2),
        ("2021-01-01", "2022-02-01", 180_919_061, None, 1),
        ("", "2021-06-01", 200, None, 2),
        ("", "2022-07-01T06", 180_919_301, None, 1),
        ("", "2022-07-01T07", 180_919_301, Some(7), 0),
        ("2022-07-01T07", "", 0, None, 0),
    ];
    for (from, to, transactions, records, left_out) in rows {
        let sums = history.sum(&question(window(from, to))).unwrap();
        let found = sums.total.measures.get("records").copied();
        assert_eq!(
            (sums.total.transactions, found, sums.left_out),
            (transactions, records, left_out),
            "{from:?} to {to:?}"
        );
    }
}

#[test]
fn names_choose_connections_and_leave_out_what_is_in_total() {
    let rows = [
        ("2021", 1, 1),
        ("2021", 2, 1),
        ("2021", 0, 0),
        ("2022-01", 3, 0),
    ];
    let balances = balances(&[import(&rows)]);
    let only = |names: &Connection| (names.consumer == "H01/lgsp").then(|| names.consumer.clone());
    for (in_total, transactions, left_out) in [
        (InTotal::Counted, 10, 0),
        (InTotal::LeftOut, 0, 1),
        (InTotal::Hidden, 0, 0),
    ] {
        let question = Question {
            key_of: &only,
            in_total,
            ..question(Window::ALWAYS)
        };
        let sums = balances.sum(&question).unwrap();
        assert_eq!(sums.total.transactions, transactions);
        assert_eq!(sums.total.measures["records"], 10);
        assert_eq!(sums.left_out, left_out);
        assert_eq!(sums.rows["H01/lgsp"].measures["records"], 10);
        assert_eq!(sums.rows.contains_key(NO_KEY), transactions > 0);
    }
}

#[test]
fn what_balances_cannot_tell_is_left_out() {
    let rows = [
        ("2021", 1, 1),
        ("2021", 2, 1),
        ("2021", 0, 0),
        ("2022-01", 3, 0),
    ];
    let balances = balances(&[import(&rows)]);
    let only = |names: &Connection| (names.consumer == "H01/lgsp").then(|| names.consumer.clone());
    for (in_total, left_out) in [(InTotal::LeftOut, 2), (InTotal::Hidden, 1)] {
        let question = Question {
            key_of: &only,
            in_total,
            is_told: false,
            ..question(window("2021-01-01", ""))
        };
        let sums = balances.sum(&question).unwrap();
        assert_eq!(
            (sums.total, sums.left_out),
            (OpeningSum::default(), left_out)
        );
    }
}

#[test]
fn rows_by_time_have_what_lies_within_them() {
    let months = |span: Span| {
        let text = span.to_string();
        (span.from.is_some() && text.len() >= 7).then(|| text.chars().take(7).collect())
    };
    let balances = balances(&[entry(&[
        "2021",
        "2022-01",
        "2022-02-01",
        "2022-02-02",
        "before 2021",
    ])]);
    let question = Question {
        bucket_of: Some(&months),
        ..question(Window::ALWAYS)
    };
    let rows = balances.sum(&question).unwrap().rows;
    let rows: Vec<_> = rows
        .iter()
        .map(|(key, sum)| (&**key, sum.transactions))
        .collect();
    assert_eq!(rows, [(NO_KEY, 20), ("2022-01", 10), ("2022-02", 20)]);
}

#[test]
fn sources_are_told_once_and_later_imports_not_before_their_time() {
    let mut second = entry(&["2022-01"]);
    second.sources = vec!["Báo cáo tháng".to_owned(), "Báo cáo năm".to_owned()];
    let balances = balances(&[entry(&["2020", "2021"]), second]);
    for (through, transactions, sources) in [
        (0, 0, vec![]),
        (1, 20, vec!["Báo cáo năm"]),
        (2, 30, vec!["Báo cáo năm", "Báo cáo tháng"]),
    ] {
        let question = Question {
            through: Sequence::new(through),
            ..question(Window::ALWAYS)
        };
        let total = balances.sum(&question).unwrap().total;
        assert_eq!(
            (total.transactions, total.sources),
            (
                transactions,
                sources.into_iter().map(str::to_owned).collect()
            )
        );
    }
}

#[test]
fn sums_of_measures_pass_64_bits_and_those_of_transactions_are_checked() {
    let mut large = import(&[("2020", 0, 1), ("2021", 0, 1)]);
    for row in &mut large.rows {
        row.value = u64::MAX;
    }
    let sums = balances(&[large.clone()])
        .sum(&question(Window::ALWAYS))
        .unwrap();
    let opening = Opening::from(sums.total);
    let [records] = opening.measures.as_slice() else {
        panic!("{opening:?}");
    };
    assert_eq!((records.value_high, records.value), (1, u64::MAX - 1));
    for row in &mut large.rows {
        row.measure = 0;
    }
    let refused = balances(&[large])
        .sum(&question(Window::ALWAYS))
        .unwrap_err();
    assert_eq!(refused.found, 2 * u128::from(u64::MAX));
}

proptest! {
    #[test]
    fn rows_sum_to_the_total_and_stretches_to_the_whole(
        rows in prop::collection::vec(
            (0..1_000_i32, 1..40_i32, 0..4_u32, 0..3_u32, any::<u32>()), 0..60),
        cut in 0..1_100_i32,
    ) {
        let mut entry = import(&vec![("2021", 0, 0); rows.len()]);
        for (row, (from, days, connection, measure, value)) in entry.rows.iter_mut().zip(rows) {
            (row.from_day, row.to_day) = (Some(from + 1), Some(from + 1 + days));
            (row.connection, row.measure, row.value) = (connection, measure, value.into());
        }
        let all = balances(&[entry.clone()]);
        let by_consumer = |names: &Connection| Some(names.consumer.clone());
        let by_name = Question { key_of: &by_consumer, ..question(Window::ALWAYS) };
        let sums = all.sum(&by_name).unwrap();
        prop_assert_eq!(sums.left_out, 0);
        let rows: u64 = sums.rows.values().map(|row| row.transactions).sum();
        prop_assert_eq!(rows, sums.total.transactions);
        for (name, total) in &sums.total.measures {
            let rows = sums.rows.values().filter_map(|row| row.measures.get(name));
            prop_assert_eq!(rows.sum::<u128>(), *total);
        }
        // The question cut in two: every balance is in one half, or told as left out in both.
        let zone = Zone::viet_nam();
        let cut = zone.moment(&crate::day::Day::new(cut + 1).to_string()).unwrap().from;
        let half = |from, to| all.sum(&question(Window::of(Period { from, to }, &zone))).unwrap();
        let (before, behind) = (half(Instant::EPOCH, cut), half(cut, Instant::from_micros(i64::MAX)));
        let across = entry.rows.iter().filter(|row| {
            let cut = crate::day::Day::of(&zone, cut).number();
            row.from_day.unwrap() < cut && cut < row.to_day.unwrap()
        });
        let value: u64 = across.clone().filter(|row| row.measure == 0).map(|row| row.value).sum();
        prop_assert_eq!(before.left_out, across.count() as u64);
        prop_assert_eq!(behind.left_out, before.left_out);
        let halves = before.total.transactions + behind.total.transactions;
        prop_assert_eq!(halves + value, sums.total.transactions);
    }
}
