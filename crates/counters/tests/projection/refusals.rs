//! What is refused with the reason, and what succession and the age of hours do to an answer.

use ndxp_counters::{Absent, CountQuery, Dimension, Filter, Side};
use ndxp_model::{Granularity, Instant, Period, Zone};

use crate::answers::counted;
use crate::breakdowns::{ask, check};
use crate::directory::Directory;
use crate::facts::{facts, told};
use crate::list::List;

/// Who carries on is put in place on both sides, for the filter and for the row.
#[tokio::test]
async fn successors_take_both_sides_of_what_they_carry_on() {
    let directory = tempfile::tempdir().unwrap();
    let entries = told(130, 600);
    let counters = counted(directory.path(), &List::of(&entries)).await;
    let of = |name: &str, by_successor| CountQuery {
        by: Some(Dimension::Connection),
        filter: Filter {
            consumer: Some(Side::Party(name.parse().unwrap())),
            ..Filter::default()
        },
        by_successor,
        ..CountQuery::since_launch()
    };
    let attempts = |query: &CountQuery| ask(&counters, query).unwrap().total.attempts();
    let as_it_was = attempts(&of("H26", false)) + attempts(&of("H26.12", false));
    assert!(as_it_was > 0);
    assert_eq!(attempts(&of("H27", true)), as_it_was);
    assert_eq!(attempts(&of("H27", false)), 0, "registered, and no party");
    let rows = ask(&counters, &of("H27", true)).unwrap().rows;
    assert!(
        rows.iter()
            .any(|(key, _)| key.starts_with("H27/portal>H27/lgsp/")),
        "a system of its own succession, and a provider by its member's"
    );
    assert!(rows.iter().all(|(key, _)| !key.contains("H26")));
    let error = counters.count(&of("H26", true), &Directory).unwrap_err();
    assert_eq!(
        error.to_string(),
        "filter.consumer = \"H26\": by successor, H26 counts with H27; write that, or ask as it \
         was"
    );
    // Who may see a connection does not change by it.
    let mine = CountQuery {
        party: Some("H27".parse().unwrap()),
        by_successor: true,
        ..CountQuery::since_launch()
    };
    assert_eq!(attempts(&mine), 0);
}

#[tokio::test]
async fn names_that_nobody_knows_are_refused_with_the_nearest() {
    let directory = tempfile::tempdir().unwrap();
    let counters = counted(directory.path(), &List::of(&told(140, 400))).await;
    let party = |text: &str| Some(Side::Party(text.parse().unwrap()));
    let rows = [
        (
            Filter {
                consumer: party("H28"),
                ..Filter::default()
            },
            "filter.consumer = \"H28\": no such member is registered, and none was counted; the \
             nearest are H26 and H27",
        ),
        (
            Filter {
                provider: party("G01/populaton"),
                ..Filter::default()
            },
            "filter.provider = \"G01/populaton\": no such system is registered, and none was \
             counted; the nearest is G01/population",
        ),
        (
            Filter {
                service: Some("gov.Idenity".to_owned()),
                ..Filter::default()
            },
            "filter.service = \"gov.Idenity\": no such service is registered, and none was \
             counted; the nearest is gov.Identity",
        ),
        (
            Filter {
                method: Some("Unheard".to_owned()),
                ..Filter::default()
            },
            "filter.method = \"Unheard\": no such method is registered, and none was counted; \
             write it as the registry lists it",
        ),
    ];
    for (filter, expected) in rows {
        let query = CountQuery {
            filter,
            ..CountQuery::since_launch()
        };
        let error = counters.count(&query, &Directory).unwrap_err();
        assert!(error.is_about_the_question());
        assert_eq!(error.to_string(), expected);
        // To a member, only its own connections' names are told.
        let query = CountQuery {
            party: Some("G24".parse().unwrap()),
            ..query
        };
        let error = counters.count(&query, &Directory).unwrap_err();
        for other in ["H63", "G01/population"] {
            assert!(!error.to_string().contains(other), "{error}");
        }
    }
}

/// Hours of single connections go after 62 days, those of all together and days do not.
#[tokio::test]
async fn hours_of_connections_are_kept_for_62_days_and_days_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let entries = told(150, 900);
    let facts = facts(&entries);
    let counters = counted(directory.path(), &List::of(&entries)).await;
    let zone = Zone::viet_nam();
    let hour_us = 3_600_000_000;
    let shifted = |at: Instant, us: i64| Instant::from_micros(at.as_micros() + us);
    let now = counters.watermark().at;
    let kept_from = zone.bucket(Granularity::Day, shifted(now, -62 * 24 * hour_us));
    let kept_from = kept_from.from;
    let first = facts.first().unwrap().at_us;
    assert!(first < kept_from.as_micros() - 24 * hour_us, "long enough");
    let one = Filter {
        consumer: Some(Side::Party("H26".parse().unwrap())),
        ..Filter::default()
    };
    let within = |from, to, by, filter: &Filter| {
        let query = CountQuery {
            period: Period { from, to },
            by,
            filter: filter.clone(),
            ..CountQuery::since_launch()
        };
        let answer = counters.count(&query, &Directory);
        if let Ok(answer) = &answer {
            check(&facts, &query, answer);
        }
        answer
    };
    let open = CountQuery::since_launch().period.to;
    let by_hour = Some(Dimension::Hour);
    let gone = shifted(kept_from, -hour_us);
    let day_before = shifted(kept_from, -24 * hour_us);
    let hours = within(kept_from, open, by_hour, &one).unwrap();
    assert_eq!(hours.total.durations_absent, Some(Absent::Hours));
    for by in [None, by_hour] {
        assert!(within(kept_from, shifted(kept_from, hour_us), by, &one).is_ok());
        assert!(within(gone, kept_from, by, &Filter::default()).is_ok());
        let refused = within(gone, kept_from, by, &one).unwrap_err();
        assert!(refused.is_about_the_question());
        let label = |at| zone.label(Granularity::Hour, at);
        assert_eq!(
            refused.to_string(),
            format!(
                "counts by the hour of single connections are kept from {} Asia/Ho_Chi_Minh on, \
                 and {} Asia/Ho_Chi_Minh was asked for; ask by whole days, which are kept for \
                 ever, or for all connections together",
                label(kept_from),
                label(gone)
            )
        );
    }
    let since_launch = CountQuery::since_launch().period.from;
    assert!(within(since_launch, open, by_hour, &one).is_err());
    assert!(within(since_launch, open, by_hour, &Filter::default()).is_ok());
    assert!(within(day_before, kept_from, None, &one).is_ok());
    let days = within(since_launch, kept_from, Some(Dimension::Day), &one).unwrap();
    assert_eq!(days.total.durations_absent, Some(Absent::OldDays));
    let days = within(kept_from, open, Some(Dimension::Day), &one).unwrap();
    assert_eq!(days.total.durations_absent, None);
    let months = within(since_launch, open, Some(Dimension::Month), &one).unwrap();
    assert_eq!(months.total.durations_absent, None);
    let all = within(
        since_launch,
        kept_from,
        Some(Dimension::Day),
        &Filter::default(),
    );
    assert_eq!(all.unwrap().total.durations_absent, None);
}
