//! Tests of `delta`.

use ndxp_proto::journal::v1::{Call, HubStarted};

use super::*;

/// Whether the error is the one that a row expects.
type Expected = fn(&FoldError) -> bool;

fn entry(sequence: u64, at_us: i64, body: Body) -> Entry {
    Entry {
        sequence,
        committed_at_us: at_us,
        body: Some(body),
    }
}

fn opening(at: i64) -> Body {
    let id = TransactionId::new(Instant::from_micros(at), 7);
    Body::Opened(TransactionOpened {
        transaction_id: id.as_bytes().to_vec(),
        call: None,
    })
}

fn closing(opened_sequence: u64) -> TransactionClosed {
    TransactionClosed {
        opened_sequence,
        outcome: 1,
        ..TransactionClosed::default()
    }
}

fn fold(state: &State, entries: &[Entry]) -> Result<Delta, FoldError> {
    let mut delta = Delta::behind(state);
    for entry in entries {
        delta.fold(state, &Zone::viet_nam(), entry)?;
    }
    Ok(delta)
}

#[test]
fn an_entry_that_cannot_be_counted_is_refused_by_name() {
    let sequence = Sequence::new(2);
    let started = || Body::HubStarted(HubStarted::default());
    let outcome = |number| {
        Body::Closed(TransactionClosed {
            outcome: number,
            ..closing(0)
        })
    };
    let rows: Vec<(Entry, Expected)> = vec![
        (entry(3, 10, started()), |error| {
            matches!(error, FoldError::Order { .. })
        }),
        (entry(1, 10, started()), |error| {
            matches!(error, FoldError::Order { .. })
        }),
        (entry(2, 9, started()), |error| {
            matches!(error, FoldError::Backwards { .. })
        }),
        (entry(2, 10, outcome(0)), |error| {
            matches!(error, FoldError::UnknownOutcome { found: 0, .. })
        }),
        (
            entry(
                2,
                10,
                Body::Closed(TransactionClosed {
                    fault: 4,
                    ..closing(0)
                }),
            ),
            |error| matches!(error, FoldError::UnknownFault { .. }),
        ),
        (entry(2, 10, outcome(8)), |error| {
            matches!(error, FoldError::UnknownOutcome { found: 8, .. })
        }),
        (
            entry(2, 10, Body::Opened(TransactionOpened::default())),
            |error| matches!(error, FoldError::TransactionId { .. }),
        ),
        (
            Entry {
                sequence: 2,
                committed_at_us: 10,
                body: None,
            },
            |error| matches!(error, FoldError::UnknownKind { .. }),
        ),
    ];
    for (bad, expected) in rows {
        let first = entry(1, 10, started());
        let error = fold(&State::default(), &[first, bad]).expect_err("must be refused");
        assert!(expected(&error), "{error}");
        assert!(error.to_string().contains(&sequence.to_string()), "{error}");
    }
}

#[test]
fn what_is_open_is_followed_across_deltas() {
    let mut state = State::default();
    let first = [
        entry(1, 1, opening(1)),
        entry(2, 1, opening(2)),
        entry(3, 1, opening(3)),
    ];
    state.apply(fold(&state, &first).unwrap());
    let second = [
        entry(4, 2, Body::Closed(closing(2))),
        entry(5, 2, opening(5)),
        entry(6, 2, opening(6)),
        entry(
            7,
            2,
            Body::Closed(TransactionClosed {
                test: true,
                ..closing(6)
            }),
        ),
    ];
    state.apply(fold(&state, &second).unwrap());
    let open: Vec<u64> = state.open.keys().map(|sequence| sequence.get()).collect();
    assert_eq!(open, [1, 3, 5]);
    assert_eq!(state.counted, 1, "a test is settled, and not counted");
}

#[test]
fn lines_are_numbered_in_the_order_of_their_first_closing() {
    let named = |service: &str, test| {
        let connection = Connection {
            service: service.to_owned(),
            ..Connection::default()
        };
        Body::Closed(TransactionClosed {
            connection: Some(connection),
            test,
            ..closing(0)
        })
    };
    let mut state = State::default();
    let first = [
        entry(1, 1, named("b", false)),
        entry(2, 1, named("t", true)),
    ];
    state.apply(fold(&state, &first).unwrap());
    let second = [
        entry(3, 1, named("a", false)),
        entry(4, 1, named("b", false)),
    ];
    state.apply(fold(&state, &second).unwrap());
    let names: Vec<_> = state
        .lines()
        .map(|(id, line)| (id.0, line.connection.service.as_str()))
        .collect();
    assert_eq!(names, [(1, "b"), (2, "a")]);
    assert_eq!(state.line(LineId(2)).unwrap().connection.service, "a");
    assert_eq!(state.line(LineId::TOTAL), None);
    assert_eq!(state.line(LineId(3)), None);
}

#[test]
fn only_an_answered_call_is_a_first_transaction() {
    let connection = Connection {
        consumer: "H26/lgsp".to_owned(),
        provider: "G01/population".to_owned(),
        service: "a.B".to_owned(),
    };
    let state = State::default();
    let mut delta = Delta::behind(&state);
    for (sequence, outcome, test) in [(1, 3, false), (2, 1, true), (3, 2, false), (4, 1, false)] {
        let closed = TransactionClosed {
            connection: Some(connection.clone()),
            outcome,
            test,
            ..TransactionClosed::default()
        };
        let at = i64::try_from(sequence).unwrap();
        delta
            .fold(
                &state,
                &Zone::viet_nam(),
                &entry(sequence, at, Body::Closed(closed)),
            )
            .unwrap();
    }
    let third = FirstTransaction {
        sequence: 3,
        at_us: 3,
    };
    let expected = [
        ("G01/population".to_owned(), third),
        ("H26/lgsp".to_owned(), third),
    ];
    assert!(delta.first_transactions.into_iter().eq(expected));
}

/// Folds calls of (method, outcome, gRPC status) and tells on which method's line each counts.
#[track_caller]
fn check_methods(calls: &[(&str, i32, u32)], expected: &[&str]) {
    let mut state = State::default();
    let mut shown = Vec::new();
    for (place, (method, outcome, grpc_status)) in calls.iter().enumerate() {
        let closed = TransactionClosed {
            method: (*method).to_owned(),
            outcome: *outcome,
            grpc_status: *grpc_status,
            ..TransactionClosed::default()
        };
        let sequence = u64::try_from(place).unwrap() + 1;
        let delta = fold(&state, &[entry(sequence, 1, Body::Closed(closed))]).unwrap();
        let line = delta.touched()[1];
        state.apply(delta);
        shown.push(state.line(line).unwrap().method.clone());
    }
    assert_eq!(shown, expected, "{calls:?}");
}

#[test]
fn a_method_has_a_line_once_the_provider_has_answered_it() {
    check_methods(
        &[
            ("Get", 3, 7),
            ("Get", 2, UNIMPLEMENTED),
            ("Get", 5, 4),
            ("Get", 2, 5),
            ("Get", 3, 7),
            ("get", 4, 14),
            ("Put", 1, 0),
            ("", 1, 0),
        ],
        &["", "", "", "Get", "Get", "", "Put", ""],
    );
}

#[test]
fn a_refusal_names_its_method_in_its_call() {
    let refused = |method: &str, call: &str| TransactionClosed {
        method: method.to_owned(),
        refused_call: Some(Box::new(Call {
            method: call.to_owned(),
            ..Call::default()
        })),
        ..TransactionClosed::default()
    };
    assert_eq!(called(&refused("", "Old")), "Old");
    assert_eq!(called(&refused("New", "Old")), "New");
    assert_eq!(called(&TransactionClosed::default()), "");
}

#[test]
fn no_more_methods_are_counted_by_name_than_the_limit() {
    let state = State::default();
    let mut delta = Delta::behind(&state);
    let close = |sequence: u64, method: String| {
        let closed = TransactionClosed {
            method,
            outcome: 1,
            ..TransactionClosed::default()
        };
        entry(sequence, 1, Body::Closed(closed))
    };
    let many = u64::try_from(METHODS_MAX).unwrap() + 20;
    for sequence in 1..=many {
        delta
            .fold(
                &state,
                &Zone::viet_nam(),
                &close(sequence, format!("M{sequence}")),
            )
            .unwrap();
    }
    assert_eq!(delta.lines.len(), METHODS_MAX + 1);
    assert_eq!(delta.lines.last().unwrap().method, "");
    let of = |line: &LineId| delta.of(*line).into_iter().map(|hour| hour.counter.count);
    let lines = delta.touched();
    let counted = |lines: &[LineId]| lines.iter().flat_map(of).sum::<u64>();
    assert_eq!(lines.first(), Some(&LineId::TOTAL));
    assert_eq!((counted(&lines[..1]), counted(&lines[1..])), (many, many));
}
