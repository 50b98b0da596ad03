//! Figures as a hub answers them: a journal of a few calls, counted by the real counters, and a
//! registry folded from the same entries.

mod story;

use ndxp_counters::NoNames;
use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Measure, Outcome, RegistryChanged, SystemConnected};
use ndxp_proto::registry::v1::change::Item;
use ndxp_proto::registry::v1::{Change, Member, MemberClass, State};
use ndxp_proto::statistics::v1::{CountRequest, CountRow, Dimension};
use ndxp_report::{DEFINITIONS, RegistryNames, ReportError, RequestError, count};

use story::{Story, ask, at, call, figure, registered, value};

/// Calls from December to August; H63 shakes hands in August alone.
fn story() -> Story {
    use Outcome::{Completed, ProviderError, Refused, Unreachable};
    let handshake = |system: &str| {
        Body::SystemConnected(SystemConnected {
            system: system.to_owned(),
        })
    };
    Story::default()
        .at("2021-12-31T22", registered())
        .at("2021-12-31T23", call("H26/lgsp", Completed, false))
        .at("2022-01-01T00", call("H26/lgsp", Completed, false))
        .at("2022-06-30T23", call("H26/lgsp", ProviderError, false))
        .at("2022-07-01T00", call("H26/lgsp", Completed, false))
        .at("2022-07-10T09", call("H26/lgsp", Refused, false))
        .at("2022-07-10T09", call("H26/lgsp", Unreachable, false))
        .at("2022-07-10T09", call("H26/lgsp", Completed, true))
        .at("2022-07-22T23", call("H26/lgsp", Completed, false))
        .at("2022-07-23T00", call("H26/lgsp", Completed, false))
        .at("2022-08-01T00", handshake("H63/lgsp"))
}

#[tokio::test]
async fn every_figure_is_cut_off_at_the_same_instant() {
    let folder = tempfile::tempdir().unwrap();
    let (cut_off, now) = (at("2022-07-23"), at("2022-09-01"));
    let (registry, counters) = story().fold(cut_off, folder.path()).await;
    let found = ask(&counters, &registry, "", cut_off, now).unwrap();

    let names: Vec<_> = found.iter().map(|figure| figure.name.as_str()).collect();
    let (of_platform, of_services) = names.split_at(DEFINITIONS.len());
    assert_eq!(of_platform, DEFINITIONS.map(|definition| definition.name));
    let service = "ndxp.example.population.v1.PopulationService";
    let kinds = ["transactions_month", "transactions_since_launch"];
    assert_eq!(of_services, kinds.map(|kind| format!("{kind}:{service}")));
    let wanted = [
        // 1 and 22 July; not refused, unreachable or tests, not the 23rd
        ("transactions_month", 2, 0),
        ("transactions_since_launch", 5, 0),
        // Without December
        ("transactions_year_to_date", 4, 0),
        // 4 in 203 days
        ("transactions_per_day_year_to_date", 0, 0),
        ("transactions_first_months", 4, 0),
        // On the day of the launch
        ("transactions_previous_year", 1, 0),
        ("transactions_per_day_previous_year", 1, 0),
        ("systems_transacting_month", 2, 0),
        ("members_transacting_month", 2, 0),
        // G01 and H26; H63 shook hands only in August
        ("members_connected", 2, 3),
        ("systems_connected", 2, 0),
        ("systems_connected_lgsp", 1, 0),
        ("systems_connected_database", 1, 0),
        ("systems_connected_information_system", 0, 0),
        // G01's database is no LGSP
        ("coverage_lgsp_ministries", 0, 1),
        ("coverage_lgsp_provinces", 1, 2),
    ];
    for (name, value, out_of) in wanted {
        let figure = figure(&found, name);
        assert_eq!((figure.value, figure.out_of), (value, out_of), "{name}");
    }
    for name in ["members_connected", "coverage_lgsp_provinces"] {
        assert_eq!(figure(&found, name).missing, ["H63"], "{name}");
    }
    let change = |name| figure(&found, name).comparison.clone().unwrap();
    let june = change("transactions_month_change_previous");
    assert_eq!((june.base_value, june.unavailable_en.as_str()), (0, ""));
    let a_year_before = change("transactions_month_change_year_before");
    let launched = "the platform launched on 2021-12-31, after that period";
    assert_eq!(a_year_before.unavailable_en, launched);
    counters.stop();
}

#[tokio::test]
async fn a_figure_names_the_entries_that_it_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let (cut_off, now) = (at("2022-07-23"), at("2022-09-01"));
    let (registry, counters) = story().fold(cut_off, folder.path()).await;
    let found = ask(&counters, &registry, "", cut_off, now).unwrap();

    for (name, range) in [
        ("transactions_month", (5, 9)),
        ("transactions_since_launch", (2, 9)),
        ("transactions_year_to_date", (3, 9)),
        ("members_connected", (1, 9)),
        ("transactions_previous_year", (2, 2)),
    ] {
        let proof = figure(&found, name).proof.as_ref().unwrap();
        assert_eq!((proof.first_sequence, proof.last_sequence), range, "{name}");
    }
    for figure in &found {
        let proof = figure.proof.as_ref().unwrap();
        assert_eq!(proof.cut_off_us, cut_off.as_micros(), "{}", figure.name);
        assert!(proof.to_us <= cut_off.as_micros(), "{}", figure.name);
        assert_eq!(proof.watermark, 11, "{}", figure.name);
        assert!(proof.closed, "{}", figure.name);
        assert_eq!(proof.time_zone, "Asia/Ho_Chi_Minh");
    }
    counters.stop();
}

#[tokio::test]
async fn the_running_hour_is_counted_and_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let now = Instant::from_micros(at("2022-08-01T00").as_micros() + 1);
    let (registry, counters) = story().fold(now, folder.path()).await;
    let found = ask(&counters, &registry, "2022-07", now, now).unwrap();
    assert_eq!(value(&found, "transactions_month"), 3);
    assert_eq!(value(&found, "transactions_since_launch"), 6);
    assert_eq!(
        value(&found, "members_connected"),
        3,
        "H63 has shaken hands"
    );
    let closed = |name| figure(&found, name).proof.as_ref().unwrap().closed;
    assert!(closed("transactions_month"), "July is over");
    let since = "transactions_since_launch";
    assert!(!closed(since), "the hour that the cut-off lies in is not");
    counters.stop();
}

#[tokio::test]
async fn an_empty_journal_answers_zero() {
    let folder = tempfile::tempdir().unwrap();
    let now = at("2022-07-22T09");
    let (registry, counters) = Story::default().fold(now, folder.path()).await;
    let found = ask(&counters, &registry, "", now, now).unwrap();
    for figure in &found {
        assert_eq!((figure.value, figure.out_of), (0, 0), "{}", figure.name);
        let proof = figure.proof.as_ref().unwrap();
        assert_eq!((proof.first_sequence, proof.last_sequence), (0, 0));
        assert!(!proof.closed);
    }
    counters.stop();
}

#[tokio::test]
async fn counts_come_with_the_proof_of_their_period() {
    let folder = tempfile::tempdir().unwrap();
    let (_, counters) = story().fold(at("2022-09-01"), folder.path()).await;
    let zone = Zone::viet_nam();
    let ask = |from_us, to_us, by: i32| {
        let request = CountRequest {
            from_us,
            to_us,
            by,
            ..CountRequest::default()
        };
        count(&counters, &request, None, &NoNames, &zone, at("2022-09-01"))
    };

    let (from, to) = (at("2022-07-01").as_micros(), at("2022-08-01").as_micros());
    let july = ask(from, to, Dimension::Day.into()).unwrap();
    let keys: Vec<_> = july.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(
        keys,
        ["2022-07-01", "2022-07-10", "2022-07-22", "2022-07-23"]
    );
    let total = july.total.unwrap();
    assert_eq!((total.transactions, total.attempts), (3, 5));
    let proof = july.proof.unwrap();
    assert_eq!((proof.from_us, proof.to_us, proof.closed), (from, to, true));
    assert_eq!((proof.first_sequence, proof.last_sequence), (5, 10));

    let all = ask(0, 0, Dimension::Unspecified.into()).unwrap();
    assert!(all.rows.is_empty());
    assert_eq!(all.total.unwrap().transactions, 6);
    let proof = all.proof.unwrap();
    assert_eq!((proof.from_us, proof.to_us, proof.closed), (0, 0, false));

    assert!(
        matches!(ask(1, 0, 0), Err(ReportError::Request(_))),
        "not on an hour"
    );
    assert!(matches!(
        ask(0, 0, 99),
        Err(ReportError::Request(RequestError::UnknownDimension(99)))
    ));
    counters.stop();
}

/// Calls of four provinces before H02 closed for H26, and H10 for H63, which closed for H26 too.
fn merging_story() -> Story {
    use Outcome::{Completed, Refused};
    let closed = |code: &str, successor: &str| Change {
        item: Some(Item::Member(Member {
            code: code.to_owned(),
            name_vi: code.to_owned(),
            class: MemberClass::Province.into(),
            state: State::Closed.into(),
            successor: successor.to_owned(),
            ..Member::default()
        })),
    };
    let of = |consumer: &str, bytes: u64, took_us: u64| {
        let Body::Closed(mut body) = call(consumer, Completed, false) else {
            unreachable!("a call is a closing")
        };
        body.request_bytes = bytes;
        body.total_us = took_us;
        body.measures = vec![Measure {
            name: "records".to_owned(),
            value: bytes,
        }];
        Body::Closed(body)
    };
    let changes = ["H02", "H63"].map(|code| closed(code, "H26"));
    let changes = changes.into_iter().chain([closed("H10", "H63")]);
    Story::default()
        .at("2022-07-01T00", registered())
        .at("2022-07-01T01", of("H02/lgsp", 1, 500))
        .at("2022-07-01T02", of("H10/lgsp", 20, 9_000))
        .at("2022-07-01T03", of("H26/lgsp", 300, 700))
        .at("2022-07-01T04", of("H63/lgsp", 4_000, 600))
        .at("2022-07-01T05", of("H63/portal", 50_000, 800))
        .at("2022-07-01T06", call("H02/lgsp", Refused, false))
        .at("2022-07-01T07", call("", Refused, false))
        .at(
            "2022-07-01T08",
            Body::RegistryChanged(RegistryChanged {
                changes: changes.collect(),
                ..RegistryChanged::default()
            }),
        )
}

/// Key, attempts and transactions of a row.
type Row<'a> = (&'a str, u64, u64);

fn row_of(row: &CountRow) -> Row<'_> {
    let counts = row.counts.as_ref().expect("a row has counts");
    (&row.key, counts.attempts, counts.transactions)
}

#[tokio::test]
async fn by_successor_the_rows_of_the_closed_are_added_to_those_who_carry_on() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, counters) = merging_story().fold(at("2022-09-01"), folder.path()).await;
    let ask = |by: Dimension, by_successor| {
        let request = CountRequest {
            by: by.into(),
            by_successor,
            ..CountRequest::default()
        };
        let (names, zone, now) = (RegistryNames(&registry), Zone::viet_nam(), at("2022-09-01"));
        count(&counters, &request, None, &names, &zone, now).unwrap()
    };
    const TO: &str = ">G01/population/ndxp.example.population.v1.PopulationService";
    let as_it_was = [
        ("-", 1, 0),
        ("H02/lgsp", 2, 1),
        ("H10/lgsp", 1, 1),
        ("H26/lgsp", 1, 1),
        ("H63/lgsp", 1, 1),
        ("H63/portal", 1, 1),
    ];
    let merged = [("-", 1, 0), ("H26/lgsp", 5, 4), ("H26/portal", 1, 1)];
    let connected = merged.map(|(key, attempts, done)| (format!("{key}{TO}"), attempts, done));
    let connected = connected
        .each_ref()
        .map(|(key, attempts, done)| (key.as_str(), *attempts, *done));
    let cases: [(Dimension, bool, &[Row<'_>]); 5] = [
        (Dimension::Consumer, false, &as_it_was),
        (Dimension::Consumer, true, &merged),
        (Dimension::Connection, true, &connected),
        (Dimension::Provider, true, &[("G01/population", 7, 5)]),
        (Dimension::Unspecified, true, &[]),
    ];
    for (by, by_successor, wanted) in cases {
        let found = ask(by, by_successor);
        let rows: Vec<_> = found.rows.iter().map(row_of).collect();
        assert_eq!(rows, wanted, "{by:?}, {by_successor}");
        let plain = ask(by, false);
        assert_eq!(found.total, plain.total);
        assert_eq!(found.proof, plain.proof);
        if by != Dimension::Unspecified {
            let sum = |of: fn(&Row<'_>) -> u64| wanted.iter().map(of).sum::<u64>();
            let total = found.total.unwrap();
            assert_eq!(sum(|row| row.1), total.attempts);
            assert_eq!(sum(|row| row.2), total.transactions);
        }
    }
    for by in [Dimension::Outcome, Dimension::Service, Dimension::Day] {
        let (merged, plain) = (ask(by, true), ask(by, false));
        assert_eq!(
            (merged.rows, merged.total),
            (plain.rows, plain.total),
            "{by:?}"
        );
    }

    let found = ask(Dimension::Consumer, true);
    let heir = found.rows[1].counts.as_ref().unwrap();
    assert_eq!((heir.request_bytes, heir.measures[0].value), (4_321, 4_321));
    assert_eq!(heir.durations.as_ref().unwrap().max_us, 9_000);
    counters.stop();
}
