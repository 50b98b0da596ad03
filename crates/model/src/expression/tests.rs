//! The language of periods as tables, and that no text whatever makes it fall over.

use proptest::prelude::*;

use super::*;

/// Friday, 22/7/2022, 09:30 in Viet Nam.
const NOW: Instant = Instant::from_micros(1_658_457_000_000_000);

/// Local hours, `-` for an open end.
fn shown(period: OpenPeriod) -> String {
    let zone = Zone::viet_nam();
    let end = |end: Option<Instant>| {
        let end = end.map(|end| zone.local(end).strftime("%Y-%m-%dT%H").to_string());
        end.unwrap_or_else(|| "-".to_owned())
    };
    format!("{} {}", end(period.from), end(period.to))
}

#[track_caller]
fn check(text: &str, wanted: &str) {
    let found = period(text, NOW, &Zone::viet_nam()).map(shown);
    assert_eq!(found.as_deref(), Ok(wanted), "{text}");
}

#[track_caller]
fn check_refused(text: &str, wanted: &str) {
    let error = period(text, NOW, &Zone::viet_nam()).expect_err(text);
    let found = format!("{error}; {}", error.remedy());
    let found = found.split("rite a year (").next().unwrap();
    assert_eq!(found, wanted);
}

#[test]
fn a_moment_is_the_whole_local_period_that_it_names() {
    check("2021", "2021-01-01T00 2022-01-01T00");
    check("2022-Q1", "2022-01-01T00 2022-04-01T00");
    check("2021-Q4", "2021-10-01T00 2022-01-01T00");
    check("2022-07", "2022-07-01T00 2022-08-01T00");
    check("2020-02", "2020-02-01T00 2020-03-01T00");
    check("2022-07-22", "2022-07-22T00 2022-07-23T00");
    check("2020-02-29", "2020-02-29T00 2020-03-01T00");
    check("2022-07-22T09", "2022-07-22T09 2022-07-22T10");
    check("2022-07-21T23:00", "2022-07-21T23 2022-07-22T00");
}

#[test]
fn a_week_is_the_iso_week_from_monday_on() {
    check("2022-W29", "2022-07-18T00 2022-07-25T00");
    // 2021 began on a Friday, in the last week of 2020, which has 53.
    check("2020-W53", "2020-12-28T00 2021-01-04T00");
    check("2021-W01", "2021-01-04T00 2021-01-11T00");
    check("2019-W01", "2018-12-31T00 2019-01-07T00");
}

#[test]
fn a_word_is_a_period_around_now() {
    check("today", "2022-07-22T00 2022-07-23T00");
    check("yesterday", "2022-07-21T00 2022-07-22T00");
    check("this-week", "2022-07-18T00 2022-07-25T00");
    check("last-week", "2022-07-11T00 2022-07-18T00");
    check("this-month", "2022-07-01T00 2022-08-01T00");
    check("last-month", "2022-06-01T00 2022-07-01T00");
    check("this-year", "2022-01-01T00 2023-01-01T00");
    check("last-year", "2021-01-01T00 2022-01-01T00");
    check("since-launch", "- -");
}

#[test]
fn today_is_the_hubs_and_not_utcs() {
    // 17:00 UTC is midnight in Viet Nam.
    let midnight = Instant::from_micros(1_658_422_800_000_000);
    let before = Instant::from_micros(midnight.as_micros() - 1);
    let today = |now| shown(period("today", now, &Zone::viet_nam()).unwrap());
    assert_eq!(today(midnight), "2022-07-22T00 2022-07-23T00");
    assert_eq!(today(before), "2022-07-21T00 2022-07-22T00");
}

#[test]
fn a_range_takes_in_both_ends_and_may_leave_one_open() {
    check("2022-07-01..2022-07-22", "2022-07-01T00 2022-07-23T00");
    check("2022-01..2022-07", "2022-01-01T00 2022-08-01T00");
    check("2021..2022-03", "2021-01-01T00 2022-04-01T00");
    check("2022-W01..2022-W29", "2022-01-03T00 2022-07-25T00");
    check("this-year..yesterday", "2022-01-01T00 2022-07-22T00");
    check(
        "2022-07-22T08..2022-07-22T10",
        "2022-07-22T08 2022-07-22T10",
    );
    check("2022-07..", "2022-07-01T00 -");
    check("..2022-07-22", "- 2022-07-23T00");
    // What is yet to come may end a range.
    check("2022-07-01..2022-12-31", "2022-07-01T00 2023-01-01T00");
}

#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    check_refused(
        "2022-02-30",
        "\"2022-02-30\" does not exist: 2022-02 has 28 days; write a day from 01 to 28",
    );
    check_refused(
        "2022-01-01..2100-02-29",
        "\"2100-02-29\" does not exist: 2100-02 has 28 days; write a day from 01 to 28",
    );
    check_refused(
        "2022-13",
        "\"2022-13\" does not exist: a year has twelve months; write a month from 01 to 12",
    );
    check_refused(
        "2022-00-10",
        "\"2022-00-10\" does not exist: a year has twelve months; write a month from 01 to 12",
    );
    check_refused(
        "2022-W53",
        "\"2022-W53\" does not exist: 2022 has 52 weeks; write a week from W01 to W52",
    );
    check_refused(
        "2022-Q5",
        "\"2022-Q5\" does not exist: a year has four quarters; write a quarter from Q1 to Q4",
    );
    check_refused(
        "2022-07-22T24",
        "\"2022-07-22T24\" does not exist: a day has 24 hours; write an hour from T00 to T23",
    );
    check_refused(
        "1969",
        "\"1969\" lies outside the calendar of periods; write a year from 1970 to 9998",
    );
    check_refused(
        "9999-12-31",
        "\"9999-12-31\" lies outside the calendar of periods; write a year from 1970 to 9998",
    );
}

#[test]
fn what_is_reversed_empty_or_still_to_come_is_refused() {
    check_refused(
        "2022-07-22..2022-07-01",
        "\"2022-07-22..2022-07-01\" ends before it begins; write the earlier time first",
    );
    check_refused(
        "2022-07-22..2022-07-21",
        "\"2022-07-22..2022-07-21\" ends before it begins; write the earlier time first",
    );
    check_refused(
        "2022-07-22T09..2022-07-22T09",
        "\"2022-07-22T09..2022-07-22T09\" holds nothing; an hour that ends a range is not part of \
         it: write a later one",
    );
    for text in [
        "2022-07-23",
        "2023",
        "2022-08..",
        "2022-07-22T10",
        "2022-Q4",
    ] {
        check_refused(
            text,
            &format!(
                "{text:?} has not begun; write a period that has begun; it is now 2022-07-22T09:30"
            ),
        );
    }
}

#[test]
fn what_has_no_known_form_is_refused_with_the_nearest_word() {
    check_refused("tody", "\"tody\" is no period; did you mean today? Else w");
    check_refused(
        "lastmonth",
        "\"lastmonth\" is no period; did you mean last-month? Else w",
    );
    check_refused(
        "2022-07..yesterdy",
        "\"yesterdy\" is no period; did you mean yesterday? Else w",
    );
    for text in [
        "",
        "..",
        "...",
        "2022-07...2022-08",
        "22/7/2022",
        "2022-7",
        "2022-07-22T",
        "2022-07-22T9",
        "2022-07-22T09:30",
        "2022-07T09",
        "2022T09",
        "2022-07-22-01",
        "+022",
        "2022 ",
        "since-launch..2022",
        "２０２２",
        "2022-Q",
        "2022-W1",
        "T09",
    ] {
        let error = period(text, NOW, &Zone::viet_nam()).expect_err(text);
        assert!(matches!(error.wrong, Wrong::Unknown(_)), "{text}: {error}");
    }
    let long = "2022-07-22..".repeat(100_000);
    let error = period(&long, NOW, &Zone::viet_nam()).expect_err("too long");
    assert_eq!(error.wrong, Wrong::TooLong(64));
    assert!(error.to_string().len() < 200, "{error}");
}

#[test]
fn two_moments_make_the_period_that_their_range_makes() {
    let zone = Zone::viet_nam();
    let ends = [
        None,
        Some("2022-07-01"),
        Some("2022-07-22T08"),
        Some("today"),
    ];
    for from in ends {
        for to in ends {
            let text = format!("{}..{}", from.unwrap_or(""), to.unwrap_or(""));
            let two = between(from, to, NOW, &zone);
            if (from, to) == (None, None) {
                assert_eq!(two, Ok(OpenPeriod::default()));
            } else {
                assert_eq!(two, period(&text, NOW, &zone), "{text}");
            }
        }
    }
}

#[test]
fn a_cut_off_ends_what_goes_beyond_it() {
    let zone = Zone::viet_nam();
    let rows = [
        ("2022-07", "2022-07-21", Some("2022-07-01T00 2022-07-22T00")),
        (
            "2022-07",
            "2022-07-22T08",
            Some("2022-07-01T00 2022-07-22T08"),
        ),
        ("2022-06", "2022-07-22", Some("2022-06-01T00 2022-07-01T00")),
        ("since-launch", "2021", Some("- 2022-01-01T00")),
        ("2022-07..", "today", Some("2022-07-01T00 2022-07-23T00")),
        ("2022-07", "2022-06", None),
        ("2022-07-22", "2022-07-22T00", None),
    ];
    for (text, at, wanted) in rows {
        let at = cut_off(at, NOW, &zone).unwrap();
        let cut = period(text, NOW, &zone).unwrap().until(at);
        assert_eq!(cut.map(shown).as_deref(), wanted, "{text}");
    }
}

/// Texts that come close to the language, so that its depths are reached.
fn nearly() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[0-9]{4}(-[QWT]?[0-9]{0,3}){0,3}(T[0-9]{0,3}(:00)?)?",
        "(this|last|to|yester)-?(day|week|month|year)",
        Just("since-launch".to_owned()),
        Just(String::new()),
    ];
    (part.clone(), prop_oneof!["", r"\.\.", r"\.\.\."], part)
        .prop_map(|(from, between, to)| format!("{from}{between}{to}"))
}

proptest! {
    #[test]
    fn no_text_makes_it_fall_over(text in any::<String>(), now in any::<i64>()) {
        let now = Instant::from_micros(now);
        if let Err(error) = period(&text, now, &Zone::viet_nam()) {
            prop_assert!(error.text.chars().count() <= 80);
            prop_assert!(!error.remedy().is_empty());
        }
    }

    #[test]
    fn what_is_accepted_holds_something_and_has_begun(text in nearly()) {
        let zone = Zone::viet_nam();
        if let Ok(found) = period(&text, NOW, &zone) {
            let (from, to) = (found.from.unwrap_or(Instant::EPOCH), found.to);
            prop_assert!(to.is_none_or(|to| from < to), "{text}");
            prop_assert!(found.from.is_none_or(|from| from <= NOW), "{text}");
            // Both ends lie on whole hours, as the counters want them.
            let (from_us, to_us) = found.bounds_us();
            prop_assert_eq!((from_us % 3_600_000_000, to_us % 3_600_000_000), (0, 0));
        }
    }

    #[test]
    fn every_day_is_within_its_week_month_quarter_and_year(day in 0_i64..18_000) {
        let zone = Zone::viet_nam();
        let late = Instant::from_micros(i64::MAX / 4);
        let at = Instant::from_micros(day * 86_400_000_000);
        let local = zone.local(at).date();
        let week = local.iso_week_date();
        let names = [
            local.to_string(),
            format!("{:04}-W{:02}", week.year(), week.week()),
            local.strftime("%Y-%m").to_string(),
            format!("{:04}-Q{}", local.year(), (local.month() + 2) / 3),
            local.strftime("%Y").to_string(),
        ];
        for name in names {
            // The first days of 1970 belong to a week that began in 1969.
            if let Ok(found) = period(&name, late, &zone) {
                prop_assert!(found.from.unwrap() <= at && at < found.to.unwrap(), "{name}");
            } else {
                prop_assert!(name.starts_with("1969"), "{name}");
            }
        }
    }

    #[test]
    fn a_period_on_whole_hours_is_named_by_its_expression(hour in 0_i64..200_000, hours in 1_i64..20_000) {
        let zone = Zone::viet_nam();
        let late = Instant::from_micros(i64::MAX / 4);
        let at = |hour: i64| Instant::from_micros(hour * 3_600_000_000);
        let begins = [at(hour), zone.bucket(Granularity::Day, at(hour)).to, zone.year(at(hour)).to];
        for from in begins {
            let to = Instant::from_micros(from.as_micros() + hours * 3_600_000_000);
            let month = zone.bucket(Granularity::Month, from);
            for to in [to, zone.bucket(Granularity::Day, to).to, month.to, zone.year(from).to] {
                let named = Period { from, to };
                let text = text(named, &zone);
                let found = period(&text, late, &zone).unwrap();
                prop_assert_eq!((found.from, found.to), (Some(from), Some(to)), "{}", text);
            }
        }
    }
}
