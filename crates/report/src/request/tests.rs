//! Requests that can be asked, and those that cannot with what is said of them.

use super::*;

const HOUR_US: i64 = 3_600_000_000;

fn zone() -> Zone {
    Zone::viet_nam()
}

fn at(text: &str) -> Instant {
    zone().moment(text).unwrap().from
}

fn us(text: &str) -> i64 {
    at(text).as_micros()
}

fn of(request: &CountRequest) -> Result<Question, RequestError> {
    Question::of(request, None, &zone(), at("2022-07-22T09"))
}

fn filtered(filter: CountFilter) -> CountRequest {
    CountRequest {
        filter: Some(filter),
        ..CountRequest::default()
    }
}

#[track_caller]
fn check_refused(request: &CountRequest, expected: &str) {
    assert_eq!(of(request).unwrap_err().to_string(), expected);
}

#[test]
fn nothing_set_asks_for_the_total_of_everything() {
    let question = of(&CountRequest::default()).unwrap();
    assert_eq!(
        (question.query, question.top),
        (CountQuery::default(), None)
    );
}

#[test]
fn every_condition_is_read() {
    let filter = CountFilter {
        consumer: "H26".to_owned(),
        provider: "G01/population".to_owned(),
        service: "gov.Identity".to_owned(),
        method: "Find".to_owned(),
        kind: 2,
        class: 1,
        outcome: 3,
        fault: "none".to_owned(),
    };
    let read = of(&filtered(filter)).unwrap().query.filter;
    let party = |text: &str| Some(Side::Party(text.parse().unwrap()));
    let expected = Filter {
        consumer: party("H26"),
        provider: party("G01/population"),
        service: Some("gov.Identity".to_owned()),
        method: Some("Find".to_owned()),
        kind: Some(SystemKind::Database),
        class: Some(MemberClass::Province),
        outcome: Some(Outcome::Refused),
        fault: Some(None),
    };
    assert_eq!(read, expected);
    let dash = || DASH.to_owned();
    let dashes = CountFilter {
        consumer: dash(),
        provider: dash(),
        service: dash(),
        method: dash(),
        ..CountFilter::default()
    };
    let read = of(&filtered(dashes)).unwrap().query.filter;
    let expected = Filter {
        consumer: Some(Side::Unknown),
        provider: Some(Side::Unknown),
        service: Some(String::new()),
        method: Some(String::new()),
        ..Filter::default()
    };
    assert_eq!(read, expected, "what rows show as a dash");
    let faults = ["none", "consumer", "hub", "provider"];
    let read = faults.map(|fault| {
        let fault = fault.to_owned();
        of(&filtered(CountFilter {
            fault,
            ..CountFilter::default()
        }))
        .unwrap()
        .query
        .filter
        .fault
    });
    let some = |fault| Some(Some(fault));
    assert_eq!(
        read,
        [
            Some(None),
            some(Fault::Consumer),
            some(Fault::Hub),
            some(Fault::Provider)
        ]
    );
}

#[test]
fn a_period_that_cannot_be_is_refused_with_field_value_and_remedy() {
    let period = |from_us, to_us| CountRequest {
        from_us,
        to_us,
        ..CountRequest::default()
    };
    check_refused(
        &period(-1, 0),
        "from_us = -1: lies outside the years 1970 to 9998; write microseconds since the epoch, \
         or 0 to leave that end open",
    );
    check_refused(
        &period(0, i64::MAX),
        "to_us = 9223372036854775807: lies outside the years 1970 to 9998; write microseconds \
         since the epoch, or 0 to leave that end open",
    );
    check_refused(
        &period(us("2022-07-02"), us("2022-07-01")),
        "from_us = 2022-07-02T00:00 Asia/Ho_Chi_Minh, to_us = 2022-07-01T00:00 \
         Asia/Ho_Chi_Minh: the range holds nothing; write an end behind its start",
    );
    check_refused(
        &period(us("2022-07-01") + 1, 0),
        "from_us = 2022-07-01T00:00:00.000001 Asia/Ho_Chi_Minh: is not on a whole hour; counts \
         are kept by whole hours, so write 2022-07-01T00:00 Asia/Ho_Chi_Minh or \
         2022-07-01T01:00 Asia/Ho_Chi_Minh",
    );
    check_refused(
        &period(us("2022-08-01"), 0),
        "from_us = 2022-08-01T00:00 Asia/Ho_Chi_Minh: lies ahead of now, 2022-07-22T09:00 \
         Asia/Ho_Chi_Minh; ask for a period that has begun",
    );
    for same in [us("2022-07-01"), us("2022-07-01T05")] {
        let refused = of(&period(same, same)).unwrap_err();
        assert!(matches!(refused, RequestError::Reversed { .. }));
    }
    // What has begun may end ahead of now, and an hour that begins now has begun.
    for (from, to) in [
        (us("2022-07-22T09"), us("2022-07-22T09") + HOUR_US),
        (0, us("2023-01-01")),
        (us("2022-07-22"), 0),
    ] {
        assert!(of(&period(from, to)).is_ok());
    }
}

#[test]
fn a_period_before_the_launch_is_refused_with_the_time_of_the_launch() {
    let launched = Some(at("2022-07-01T08"));
    let until = |to: &str| {
        let request = CountRequest {
            to_us: us(to),
            ..CountRequest::default()
        };
        of(&request).unwrap().check_launch(launched, &zone())
    };
    let expected = "to_us = 2022-07-01T08:00 Asia/Ho_Chi_Minh: the platform was launched at \
                    2022-07-01T08:00 Asia/Ho_Chi_Minh, and nothing was counted before; ask for a \
                    later end, or with opening balances";
    assert_eq!(until("2022-07-01T08").unwrap_err().to_string(), expected);
    assert!(until("2021-01-01").is_err());
    assert_eq!(until("2022-07-01T09"), Ok(()));
    let everything = of(&CountRequest::default()).unwrap();
    assert_eq!(everything.check_launch(launched, &zone()), Ok(()));
    assert_eq!(everything.check_launch(None, &zone()), Ok(()));
}

#[test]
fn a_top_is_bounded_and_not_of_time() {
    let by = |by: Number, top| CountRequest {
        by: by.into(),
        top,
        ..CountRequest::default()
    };
    assert_eq!(of(&by(Number::Connection, 20)).unwrap().top, Some(20));
    assert_eq!(
        of(&by(Number::Connection, TOP_MAX)).unwrap().top,
        Some(10_000)
    );
    check_refused(
        &by(Number::Connection, TOP_MAX + 1),
        "top = 10001: the most is 10000; write at most that, or 0 for all rows",
    );
    for time in [Number::Hour, Number::Day, Number::Week, Number::Month] {
        let refused = of(&by(time, 5)).unwrap_err();
        assert!(matches!(refused, RequestError::TopOfTime { top: 5, .. }));
        assert!(of(&by(time, 0)).is_ok());
    }
    check_refused(
        &by(Number::Week, 5),
        "top = 5: a breakdown by week has its rows in the order of time; leave top out, or break \
         down by something else",
    );
}

type Change = fn(&mut CountFilter);

#[test]
fn numbers_and_names_of_no_meaning_are_refused_with_those_that_have_one() {
    let unknown = CountRequest {
        by: 99,
        ..CountRequest::default()
    };
    check_refused(
        &unknown,
        "by = 99: dimension number 99 is not known; use one of statistics.v1.Dimension",
    );
    let filter = |change: Change| {
        let mut filter = CountFilter::default();
        change(&mut filter);
        filtered(filter)
    };
    let rows: [(Change, &str); 8] = [
        (
            |it| it.kind = 9,
            "filter.kind = 9: is no number of registry.v1.SystemKind; write 1 (lgsp), 2 \
             (database) or 3 (information_system), or 0 for all",
        ),
        (
            |it| it.class = -1,
            "filter.class = -1: is no number of registry.v1.MemberClass; write 1 (province), 2 \
             (ministry), 3 (agency) or 4 (enterprise), or 0 for all",
        ),
        (
            |it| it.outcome = 8,
            "filter.outcome = 8: is no number of journal.v1.Outcome; write 1 (completed) to 7 \
             (interrupted), or 0 for all",
        ),
        (
            |it| it.fault = "member".to_owned(),
            "filter.fault = \"member\": is no side at fault; write none, consumer, hub or \
             provider, or leave it empty for all",
        ),
        (
            |it| it.consumer = "h26".to_owned(),
            "filter.consumer: member code \"h26\" is not valid: a letter, two digits, then \
             groups like `.12`, such as H26 or H26.12; at most 35 characters",
        ),
        (
            |it| it.provider = "G01/".to_owned(),
            "filter.provider: system \"G01/\" is not valid: a member code, a stroke and a name \
             of lower-case letters, digits and hyphens, such as H26/lgsp",
        ),
        (
            |it| it.service = "a/b".to_owned(),
            "filter.service: service \"a/b\" is not valid: dotted identifiers, such as \
             vn.gov.population.v1.PopulationService; at most 255 characters",
        ),
        (
            |it| it.method = "M".repeat(256),
            "filter.method: the name of a method has at most 255 bytes, not 256",
        ),
    ];
    for (change, expected) in rows {
        check_refused(&filter(change), expected);
    }
}
