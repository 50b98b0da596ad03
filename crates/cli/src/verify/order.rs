//! Whether the journal's own story holds: no gap, no step back in time, and every transaction
//! opened once and closed once. Remembers only what is in flight.

use std::collections::HashMap;

use ndxp_model::{Instant, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    Call, Connection, Entry, Outcome, TransactionClosed, TransactionOpened,
};

use super::findings::{Findings, Rule};

#[derive(Debug, Default)]
pub struct Order {
    /// The first sequence that is read, when it is not 1: what stands before is not known.
    first_sequence: u64,
    last_sequence: u64,
    last_at_us: i64,
    in_flight: HashMap<TransactionId, Flight>,
    pub opened: u64,
    pub closed: u64,
    /// Closed without having been opened: refused at the door.
    pub turned_away: u64,
}

/// What is remembered of an opening until its closing comes.
#[derive(Debug)]
struct Flight {
    sequence: u64,
    connection: Option<Connection>,
    test: bool,
}

impl Order {
    /// Begins in the midst of the journal.
    pub fn begin_at(&mut self, sequence: u64) {
        self.first_sequence = sequence;
        self.last_sequence = sequence.saturating_sub(1);
    }

    /// The first sequence that was read; 0 when none was.
    pub fn first_sequence(&self) -> u64 {
        self.first_sequence.max(1).min(self.last_sequence)
    }

    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub fn apply(&mut self, entry: &Entry, findings: &mut Findings) {
        self.place(entry, findings);
        match &entry.body {
            Some(Body::Opened(opened)) => self.open(entry.sequence, opened, findings),
            Some(Body::Closed(closed)) => self.close(entry.sequence, closed, findings),
            Some(_) => {}
            None => findings.add(Rule::Readable, || {
                format!("sequence {}: an entry of no known kind", entry.sequence)
            }),
        }
    }

    fn place(&mut self, entry: &Entry, findings: &mut Findings) {
        let expected = self.last_sequence.saturating_add(1);
        if entry.sequence != expected {
            findings.add(Rule::Gapless, || {
                format!("sequence {} where {expected} was due", entry.sequence)
            });
        }
        if entry.committed_at_us < self.last_at_us {
            let (at, before) = (entry.committed_at_us, self.last_at_us);
            findings.add(Rule::Monotonic, || {
                format!(
                    "sequence {}: committed at {}, after an entry of {}",
                    entry.sequence,
                    Instant::from_micros(at),
                    Instant::from_micros(before),
                )
            });
        }
        self.last_sequence = entry.sequence;
        self.last_at_us = self.last_at_us.max(entry.committed_at_us);
    }

    fn open(&mut self, sequence: u64, opened: &TransactionOpened, findings: &mut Findings) {
        self.opened += 1;
        let Some(id) = id(sequence, &opened.transaction_id, findings) else {
            return;
        };
        let call = opened.call.as_ref();
        let flight = Flight {
            sequence,
            connection: call.and_then(|call| call.connection.clone()),
            test: call.is_some_and(|call| call.test),
        };
        if let Some(first) = self.in_flight.insert(id, flight) {
            findings.add(Rule::OpenedOnce, || {
                format!(
                    "{id} at sequence {} and again at {sequence}",
                    first.sequence
                )
            });
        }
    }

    fn close(&mut self, sequence: u64, closed: &TransactionClosed, findings: &mut Findings) {
        self.closed += 1;
        let Some(id) = id(sequence, &closed.transaction_id, findings) else {
            return;
        };
        if closed.opened_sequence == 0 {
            self.turned_away += 1;
            check_refusal(sequence, id, closed, findings);
            return;
        }
        if closed.opened_sequence < self.first_sequence {
            return;
        }
        let Some(flight) = self.in_flight.remove(&id) else {
            findings.add(Rule::ClosedOnce, || {
                format!("{id} is closed at sequence {sequence}, but is not open there")
            });
            return;
        };
        if flight.sequence != closed.opened_sequence {
            findings.add(Rule::ClosedOnce, || {
                format!(
                    "{id}: the closing at sequence {sequence} names the opening {}, which stands \
                     at {}",
                    closed.opened_sequence, flight.sequence
                )
            });
        }
        if flight.connection != closed.connection || flight.test != closed.test {
            findings.add(Rule::SameCall, || {
                format!(
                    "{id}: opened at sequence {} as {}, closed at {sequence} as {}",
                    flight.sequence,
                    describe(flight.connection.as_ref(), flight.test),
                    describe(closed.connection.as_ref(), closed.test),
                )
            });
        }
    }
}

/// What was never opened can only have been refused, and must tell its call itself.
fn check_refusal(
    sequence: u64,
    id: TransactionId,
    closed: &TransactionClosed,
    findings: &mut Findings,
) {
    if closed.outcome != i32::from(Outcome::Refused) {
        findings.add(Rule::ClosedOnce, || {
            format!(
                "{id} is closed at sequence {sequence} with outcome {}, but was never opened",
                closed.outcome
            )
        });
    }
    let Some(call) = &closed.refused_call else {
        findings.add(Rule::SameCall, || {
            format!("{id}: the refusal at sequence {sequence} does not tell its call")
        });
        return;
    };
    if !counts_as_told(call, closed) || call.test != closed.test {
        findings.add(Rule::SameCall, || {
            format!(
                "{id}: the refusal at sequence {sequence} tells of {} and of {}",
                describe(call.connection.as_ref(), call.test),
                describe(closed.connection.as_ref(), closed.test),
            )
        });
    }
}

/// A refusal counts where its call says, except that a service that nobody offers is told and
/// not counted: callers do not make up counters.
fn counts_as_told(call: &Call, closed: &TransactionClosed) -> bool {
    let told = call.connection.clone().unwrap_or_default();
    let counted = closed.connection.clone().unwrap_or_default();
    let without_service = Connection {
        service: String::new(),
        ..told.clone()
    };
    counted == told || counted == without_service
}

fn id(sequence: u64, bytes: &[u8], findings: &mut Findings) -> Option<TransactionId> {
    TransactionId::from_slice(bytes)
        .inspect_err(|error| {
            findings.add(Rule::Readable, || format!("sequence {sequence}: {error}"));
        })
        .ok()
}

fn describe(connection: Option<&Connection>, test: bool) -> String {
    let mark = if test { " (test)" } else { "" };
    match connection {
        Some(of) => format!("{}>{}/{}{mark}", of.consumer, of.provider, of.service),
        None => format!("no connection{mark}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{closed, opened, refused};
    use super::*;

    #[track_caller]
    fn check(bodies: Vec<(u64, i64, Body)>, broken: &[Rule]) {
        let mut order = Order::default();
        let mut findings = Findings::default();
        for (sequence, committed_at_us, body) in bodies {
            let body = Some(body);
            let entry = Entry {
                sequence,
                committed_at_us,
                body,
            };
            order.apply(&entry, &mut findings);
        }
        let found: Vec<_> = findings.kept().iter().map(|finding| finding.rule).collect();
        assert_eq!(found, broken, "{:?}", findings.kept());
    }

    #[test]
    fn a_sound_journal_has_no_findings() {
        check(
            vec![
                (1, 10, opened(1)),
                (2, 10, opened(2)),
                (3, 11, closed(2, 2, Outcome::ProviderError)),
                (4, 12, refused(3)),
                (5, 12, closed(1, 1, Outcome::Completed)),
                (6, 13, opened(4)),
            ],
            &[],
        );
    }

    #[test]
    fn gaps_and_steps_back_in_time_are_found() {
        check(vec![(2, 10, opened(1))], &[Rule::Gapless]);
        check(
            vec![(1, 10, opened(1)), (1, 10, opened(2))],
            &[Rule::Gapless],
        );
        check(
            vec![(1, 10, opened(1)), (3, 10, opened(2))],
            &[Rule::Gapless],
        );
        check(
            vec![(1, 10, opened(1)), (2, 9, opened(2))],
            &[Rule::Monotonic],
        );
    }

    #[test]
    fn openings_and_closings_must_pair() {
        let again = vec![(1, 1, opened(1)), (2, 1, opened(1))];
        check(again, &[Rule::OpenedOnce]);
        check(
            vec![(1, 1, closed(1, 7, Outcome::Completed))],
            &[Rule::ClosedOnce],
        );
        let twice = |number| (number, 1, closed(1, 1, Outcome::Completed));
        check(
            vec![(1, 1, opened(1)), twice(2), twice(3)],
            &[Rule::ClosedOnce],
        );
        let elsewhere = vec![(1, 1, opened(1)), (2, 1, closed(1, 9, Outcome::Completed))];
        check(elsewhere, &[Rule::ClosedOnce]);
        let never_opened = closed(1, 0, Outcome::Completed);
        check(
            vec![(1, 1, never_opened)],
            &[Rule::ClosedOnce, Rule::SameCall],
        );
    }

    #[test]
    fn a_closing_must_be_of_the_call_that_was_opened() {
        let Body::Closed(mut other) = closed(1, 1, Outcome::Completed) else {
            unreachable!()
        };
        other.test = true;
        check(
            vec![(1, 1, opened(1)), (2, 1, Body::Closed(other))],
            &[Rule::SameCall],
        );
        let Body::Closed(mut silent) = refused(1) else {
            unreachable!()
        };
        silent.refused_call = None;
        check(vec![(1, 1, Body::Closed(silent))], &[Rule::SameCall]);
    }

    #[test]
    fn a_refusal_counts_where_its_call_says_or_under_no_service() {
        let check_counted = |change: fn(&mut Connection), broken: &[Rule]| {
            let Body::Closed(mut closed) = refused(1) else {
                unreachable!()
            };
            change(closed.connection.get_or_insert_default());
            check(vec![(1, 1, Body::Closed(closed))], broken);
        };
        check_counted(|counted| counted.service.clear(), &[]);
        check_counted(|counted| counted.service.push('x'), &[Rule::SameCall]);
        check_counted(|counted| counted.consumer.clear(), &[Rule::SameCall]);
        check_counted(|counted| counted.provider.push('x'), &[Rule::SameCall]);
    }

    #[test]
    fn an_id_that_is_none_is_found() {
        let Body::Opened(mut short) = opened(1) else {
            unreachable!()
        };
        short.transaction_id.truncate(15);
        check(vec![(1, 1, Body::Opened(short))], &[Rule::Readable]);
    }
}
