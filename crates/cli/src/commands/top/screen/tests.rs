//! Answers in, rates and rows out: without a terminal, a hub or a clock.

use ndxp_proto::statistics::v1::{Durations, OutcomeCount, Proof};

use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn counts(completed: u64, refused: u64, p99_us: u64) -> Counts {
    Counts {
        transactions: completed,
        attempts: completed + refused,
        outcomes: [(Outcome::Completed, completed), (Outcome::Refused, refused)]
            .map(|(outcome, count)| OutcomeCount {
                outcome: outcome.number().into(),
                count,
            })
            .to_vec(),
        request_bytes: completed * 100,
        response_bytes: completed * 1_000,
        durations: Some(Durations {
            p50_us: p99_us / 2,
            p99_us,
            ..Durations::default()
        }),
        ..Counts::default()
    }
}

fn answer(rows: &[(&str, u64, u64, u64)]) -> CountResponse {
    let sum = |of: fn(&(&str, u64, u64, u64)) -> u64| rows.iter().map(of).sum();
    CountResponse {
        rows: rows
            .iter()
            .map(|(key, completed, refused, p99_us)| CountRow {
                key: (*key).to_owned(),
                counts: Some(counts(*completed, *refused, *p99_us)),
                ..CountRow::default()
            })
            .collect(),
        total: Some(counts(sum(|it| it.1), sum(|it| it.2), 0)),
        proof: Some(Proof {
            from_us: 1_658_422_800_000_000,
            ..Proof::default()
        }),
        ..CountResponse::default()
    }
}

fn screen() -> Screen {
    Screen::new(
        Dimension::Connection,
        Language::English,
        "localhost:7444".to_owned(),
    )
}

fn keys(screen: &Screen) -> Vec<&str> {
    screen.rows.iter().map(|line| line.key.as_str()).collect()
}

fn rate(line: &Line, now: Duration) -> Option<u64> {
    line.transactions.rate_tenths(now)
}

#[test]
fn rates_are_what_answers_differ_by() {
    let mut screen = screen();
    screen.fold(answer(&[("a", 100, 0, 1), ("b", 50, 0, 1)]), at(0));
    assert_eq!(rate(screen.total.as_ref().unwrap(), at(0)), None);
    screen.fold(answer(&[("a", 130, 0, 1), ("b", 50, 20, 1)]), at(10));
    assert_eq!(rate(screen.total.as_ref().unwrap(), at(10)), Some(30));
    assert_eq!(keys(&screen), ["a", "b"]);
    assert_eq!(rate(&screen.rows[0], at(10)), Some(30));
    assert_eq!(rate(&screen.rows[1], at(10)), Some(0));
    let refused = &screen.outcomes[2];
    assert_eq!((refused.outcome, refused.count), (Outcome::Refused, 20));
    assert_eq!(refused.track.rate_tenths(at(10)), Some(20));
    // Nothing more comes, and the clock goes on.
    screen.tick(at(25));
    assert_eq!(rate(screen.total.as_ref().unwrap(), at(25)), Some(0));
}

#[test]
fn rows_are_sorted_by_what_their_reader_wants() {
    let mut screen = screen();
    screen.fold(
        answer(&[("a", 100, 9, 30), ("b", 300, 1, 20), ("c", 200, 0, 90)]),
        at(0),
    );
    screen.fold(
        answer(&[("a", 160, 9, 30), ("b", 310, 1, 20), ("c", 230, 0, 90)]),
        at(5),
    );
    let cases = [
        (Column::Transactions, ["b", "c", "a"]),
        (Column::Rate, ["a", "c", "b"]),
        (Column::Errors, ["a", "b", "c"]),
        (Column::Latency, ["c", "a", "b"]),
        (Column::Bytes, ["b", "c", "a"]),
    ];
    for (column, mut wanted) in cases {
        screen.wish(Wish::Sort(column), at(5));
        assert_eq!(keys(&screen), wanted, "{column:?}");
        screen.wish(Wish::Sort(column), at(5));
        wanted.reverse();
        assert_eq!(keys(&screen), wanted, "{column:?}, the other way round");
        screen.wish(Wish::Reverse, at(5));
    }
}

#[test]
fn equal_rows_keep_their_places() {
    let mut screen = screen();
    screen.fold(
        answer(&[("b", 5, 0, 1), ("c", 9, 0, 1), ("a", 5, 0, 1)]),
        at(0),
    );
    assert_eq!(
        keys(&screen),
        ["c", "a", "b"],
        "without rates, by size and name"
    );
}

#[test]
fn scrolling_stays_within_the_rows() {
    let mut screen = screen();
    assert!(!screen.wish(Wish::Scroll(1), at(0)));
    assert_eq!(screen.scrolled, 0, "there is nothing to scroll");
    screen.fold(
        answer(&[("a", 1, 0, 1), ("b", 2, 0, 1), ("c", 3, 0, 1)]),
        at(0),
    );
    for (wish, scrolled) in [
        (Wish::Scroll(-10), 0),
        (Wish::Scroll(1), 1),
        (Wish::Scroll(10), 2),
        (Wish::First, 0),
        (Wish::Last, 2),
        (Wish::Scroll(-1), 1),
    ] {
        screen.wish(wish, at(0));
        assert_eq!(screen.scrolled, scrolled, "{wish:?}");
    }
    assert!(screen.wish(Wish::Quit, at(0)));
}

#[test]
fn what_came_while_nobody_listened_is_in_no_rate() {
    let mut screen = screen();
    screen.fold(answer(&[("a", 100, 0, 1)]), at(0));
    screen.fold(answer(&[("a", 110, 0, 1)]), at(2));
    screen.lost("the hub is stopping".to_owned(), at(4));
    screen.tick(at(30));
    // The rate stands as it was when the last was heard.
    assert_eq!(screen.heard(at(30)), at(4));
    screen.lost("cannot be reached".to_owned(), at(40));
    assert_eq!(
        screen.link,
        Link::Lost(at(4), "cannot be reached".to_owned())
    );
    screen.fold(answer(&[("a", 5_000, 0, 1)]), at(60));
    assert_eq!(screen.link, Link::Live);
    assert_eq!(rate(&screen.rows[0], at(60)), None);
    assert_eq!(screen.total.as_ref().unwrap().counts.transactions, 5_000);
    screen.fold(answer(&[("a", 5_020, 0, 1)]), at(62));
    assert_eq!(rate(&screen.rows[0], at(62)), Some(100));
    let course = screen.course.columns(300);
    assert_eq!(
        course.iter().flatten().sum::<u64>(),
        10,
        "62 is still running"
    );
    let unknown = course.iter().filter(|it| it.is_none()).count();
    assert_eq!(unknown, 55, "from 5 to 59");
}

#[test]
fn a_new_day_begins_with_no_rate() {
    let mut screen = screen();
    screen.fold(answer(&[("a", 100, 0, 1)]), at(0));
    let mut next = answer(&[("a", 3, 0, 1)]);
    next.proof.as_mut().unwrap().from_us += 86_400_000_000;
    screen.fold(next, at(2));
    assert_eq!(rate(&screen.rows[0], at(2)), None);
    assert_eq!(screen.course.columns(300).iter().flatten().sum::<u64>(), 0);
}

#[test]
fn an_answer_without_anything_is_no_trouble() {
    let mut screen = screen();
    screen.fold(CountResponse::default(), at(0));
    screen.tick(at(3));
    assert_eq!(rate(screen.total.as_ref().unwrap(), at(3)), Some(0));
    assert!(screen.rows.is_empty());
    assert_eq!(screen.others.0, 0);
}
