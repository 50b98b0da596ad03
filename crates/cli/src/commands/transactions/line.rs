//! A transaction on one line. Columns have fixed widths, so that lines can be printed as they
//! come; what has no bound stands last.

use ndxp_model::Zone;
use ndxp_proto::journal::v1::Transaction;

use super::sheet::outcome;
use crate::when;

pub const HEADING: &str = "TIME                     TRANSACTION                           \
                           OUTCOME         STATUS        MS  CONNECTION AND METHOD";

pub fn line(transaction: &Transaction, zone: &Zone) -> String {
    let at_us = match transaction.closed_at_us {
        0 => transaction.opened_at_us,
        settled => settled,
    };
    let (status, milliseconds, reason) = match &transaction.closed {
        Some(closed) => (
            closed.grpc_status.to_string(),
            milliseconds(closed.total_us),
            closed.reason.as_str(),
        ),
        None => ("-".to_owned(), "-".to_owned(), ""),
    };
    let call = transaction.call.clone().unwrap_or_default();
    let connection = call.connection.unwrap_or_default();
    let mut line = format!(
        "{:<23}  {:<36}  {:<14}  {status:>6}  {milliseconds:>8}  {} > {} {}/{}",
        when::local(at_us, zone),
        transaction.transaction_id,
        outcome(transaction),
        known(&connection.consumer),
        known(&connection.provider),
        known(&connection.service),
        known(&call.method),
    );
    if !reason.is_empty() {
        line.push_str(" (");
        line.push_str(reason);
        line.push(')');
    }
    line
}

fn known(name: &str) -> &str {
    if name.is_empty() { "-" } else { name }
}

/// Milliseconds with one place; durations are measured in microseconds.
fn milliseconds(us: u64) -> String {
    let tenths = us.saturating_add(50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1::{Call, Connection, Fault, Outcome, TransactionClosed};

    use super::*;

    fn refused() -> Transaction {
        Transaction {
            transaction_id: "01822368-5800-7000-8000-000000000001".to_owned(),
            call: Some(Call {
                connection: Some(Connection {
                    consumer: "H26/lgsp".to_owned(),
                    provider: String::new(),
                    service: "a.v1.Population".to_owned(),
                }),
                method: "Verify".to_owned(),
                ..Call::default()
            }),
            closed_sequence: 7,
            closed_at_us: 1_658_448_000_123_456,
            closed: Some(TransactionClosed {
                outcome: Outcome::Refused.into(),
                fault: Fault::Consumer.into(),
                grpc_status: 7,
                reason: "NO_GRANT".to_owned(),
                total_us: 1_251,
                ..TransactionClosed::default()
            }),
            ..Transaction::default()
        }
    }

    #[test]
    fn a_line_stands_under_its_heading() {
        let line = line(&refused(), &Zone::viet_nam());
        assert_eq!(
            line,
            "2022-07-22 07:00:00.123  01822368-5800-7000-8000-000000000001  refused              \
             7       1.3  H26/lgsp > - a.v1.Population/Verify (NO_GRANT)"
        );
        for (heading, value) in [("TRANSACTION", "01822368"), ("OUTCOME", "refused")] {
            assert_eq!(HEADING.find(heading), line.find(value));
        }
        assert_eq!(HEADING.find("CONNECTION"), line.find("H26/lgsp"));
    }

    #[test]
    fn a_call_in_flight_shows_when_it_was_opened() {
        let mut transaction = refused();
        transaction.closed = None;
        transaction.closed_at_us = 0;
        transaction.opened_at_us = 1_658_448_000_000_000;
        let line = line(&transaction, &Zone::viet_nam());
        assert!(line.starts_with("2022-07-22 07:00:00.000"), "{line}");
        assert!(
            line.contains("  in_flight            -         -  "),
            "{line}"
        );
    }

    #[test]
    fn durations_are_rounded_to_a_tenth() {
        let rows = [
            (0, "0.0"),
            (49, "0.0"),
            (50, "0.1"),
            (1_249, "1.2"),
            (12_345_678, "12345.7"),
        ];
        for (us, text) in rows {
            assert_eq!(milliseconds(us), text);
        }
    }
}
