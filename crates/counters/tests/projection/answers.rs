//! Every dimension, party and kind of period, over borders of hour, day, month and year.

use ndxp_counters::{CountQuery, Counters, CountersError, Dimension};
use ndxp_model::{Instant, Period, Sequence, Zone};
use ndxp_proto::journal::v1::Entry;

use crate::directory::Directory;
use crate::list::List;
use crate::recount::{check_count, check_dump, check_parties};
use crate::story::{EVE, Story};

/// Counters that have counted all of the list.
pub async fn counted(directory: &std::path::Path, list: &List) -> Counters {
    let counters = Counters::start(
        directory.join("counters"),
        Zone::viet_nam(),
        list.clone(),
        |_, _| {},
    )
    .unwrap();
    counters.reached(list.end()).await.unwrap();
    counters
}

/// Everything that can be asked, compared with the recount.
#[track_caller]
pub fn check_all(counters: &Counters, entries: &[Entry]) {
    check_dump(counters, entries);
    check_parties(counters, entries);
    for period in periods(entries) {
        for party in [None, Some("H26"), Some("G01/population"), Some("H63")] {
            let party = party.map(|party| party.parse().unwrap());
            for by in Dimension::ALL.into_iter().map(Some).chain([None]) {
                let query = CountQuery {
                    period,
                    by,
                    party: party.clone(),
                    ..CountQuery::default()
                };
                if are_kept(counters, &query) {
                    check_count(counters, entries, &query);
                }
            }
        }
    }
}

/// Whether the counters keep what is asked so finely. Only hours of single connections they may not
/// keep.
#[track_caller]
fn are_kept(counters: &Counters, query: &CountQuery) -> bool {
    let zone = Zone::viet_nam();
    let on_days = |end: Instant| {
        let open = end <= Instant::EPOCH || end > zone.moment("9998-11").unwrap().to;
        open || zone.bucket(ndxp_model::Granularity::Day, end).from == end
    };
    match counters.count(query, &Directory) {
        Err(CountersError::HoursNotKept { .. }) => {
            let names = query.party.is_some() || query.by.is_some_and(Dimension::is_by_name);
            let days = on_days(query.period.from) && on_days(query.period.to);
            assert!(
                names && (!days || query.by == Some(Dimension::Hour)),
                "{query:?}"
            );
            false
        }
        _ => true,
    }
}

/// Since launch, each kind of calendar period, odd hours, nothing, before and after.
fn periods(entries: &[Entry]) -> Vec<Period> {
    let zone = Zone::viet_nam();
    let moment = |text: &str| zone.moment(text).unwrap();
    let between = |from: &str, to: &str| Period {
        from: moment(from).from,
        to: moment(to).from,
    };
    let last = Instant::from_micros(entries.last().map_or(EVE, |entry| entry.committed_at_us));
    let end = zone.bucket(ndxp_model::Granularity::Hour, last);
    vec![
        CountQuery::since_launch().period,
        Period {
            from: Instant::EPOCH,
            to: end.to,
        },
        Period {
            from: Instant::EPOCH,
            to: end.from,
        },
        Period {
            from: moment("2022-01-01T01").from,
            to: Instant::from_micros(i64::MAX),
        },
        moment("2021-12-31"),
        moment("2022-01-01"),
        moment("2022-01-01T00"),
        moment("2022-02"),
        zone.year(moment("2022-06").from),
        between("2021-12-31T23", "2022-03-02T05"),
        between("2022-01-01T07", "2022-01-20T07"),
        between("2022-02-01", "2022-02-01"),
        between("2022-03-01", "2022-02-01"),
        moment("2020-05"),
        moment("2031-05"),
        Period {
            from: Instant::from_micros(-1),
            to: Instant::EPOCH,
        },
        Period {
            from: moment("9998-12").to,
            to: Instant::from_micros(i64::MAX),
        },
    ]
}

#[tokio::test]
async fn every_answer_equals_the_recount() {
    for seed in 0..4 {
        println!("seed {seed}");
        let directory = tempfile::tempdir().unwrap();
        let entries = Story::new(seed).tell(700);
        let list = List::of(&entries);
        let counters = counted(directory.path(), &list).await;
        check_all(&counters, &entries);
        counters.stop();
    }
}

#[tokio::test]
async fn an_empty_journal_answers_0() {
    let directory = tempfile::tempdir().unwrap();
    let counters = counted(directory.path(), &List::default()).await;
    check_all(&counters, &[]);
    let answer = counters
        .count(&CountQuery::since_launch(), &Directory)
        .unwrap();
    assert_eq!(
        (answer.total.attempts(), answer.first_sequence),
        (0, Sequence::NONE)
    );
}

#[tokio::test]
async fn days_add_up_to_months_and_months_to_all() {
    let directory = tempfile::tempdir().unwrap();
    let list = List::of(&Story::new(11).tell(900));
    let counters = counted(directory.path(), &list).await;
    let whole = counters
        .count(&CountQuery::since_launch(), &Directory)
        .unwrap();
    for by in Dimension::ALL {
        let query = CountQuery {
            by: Some(by),
            ..CountQuery::since_launch()
        };
        let mut answer = counters.count(&query, &Directory).unwrap();
        assert_eq!(
            answer.total.durations_absent.is_some(),
            by == Dimension::Hour,
            "by {by}"
        );
        if answer.total.durations_absent.take().is_some() {
            answer.total.durations = whole.total.durations.clone();
        }
        assert_eq!(answer.total, whole.total, "by {by}");
        assert!(answer.rows.len() > 1, "by {by} has rows to compare");
    }
}

#[tokio::test]
async fn a_period_that_is_not_on_whole_hours_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let counters = counted(directory.path(), &List::of(&Story::new(1).tell(50))).await;
    let hour = Zone::viet_nam().moment("2022-01-01T01").unwrap();
    let shift = |instant: Instant| Instant::from_micros(instant.as_micros() + 1);
    for period in [
        Period {
            from: shift(hour.from),
            ..hour
        },
        Period {
            to: shift(hour.to),
            ..hour
        },
    ] {
        let query = CountQuery {
            period,
            ..CountQuery::since_launch()
        };
        let error = counters.count(&query, &Directory).unwrap_err();
        assert!(
            matches!(error, CountersError::NotWholeHours { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn more_than_ten_years_of_hours_are_refused_and_name_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Story::new(1).tell(50);
    let year_us = 366 * 24 * 3_600_000_000;
    for (place, mut entry) in Story::new(2).tell(50).into_iter().enumerate() {
        entry.sequence = 51 + place as u64;
        entry.committed_at_us += 11 * year_us;
        entries.push(entry);
    }
    let counters = counted(directory.path(), &List::of(&entries)).await;
    let by_hour = CountQuery {
        by: Some(Dimension::Hour),
        ..CountQuery::since_launch()
    };
    let error = counters.count(&by_hour, &Directory).unwrap_err();
    assert!(
        matches!(error, CountersError::TooManyRows { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("87840"), "{error}");

    let zone = Zone::viet_nam();
    let from = zone.moment("2022-01-01T00").unwrap().from;
    for (to, answered) in [("2031-12-01T00", true), ("2032-06-01T00", false)] {
        let period = Period {
            from,
            to: zone.moment(to).unwrap().from,
        };
        let query = CountQuery {
            period,
            ..by_hour.clone()
        };
        assert_eq!(
            counters.count(&query, &Directory).is_ok(),
            answered,
            "until {to}"
        );
    }
    let by_day = CountQuery {
        by: Some(Dimension::Day),
        ..by_hour
    };
    check_count(&counters, &entries, &by_day);
}
