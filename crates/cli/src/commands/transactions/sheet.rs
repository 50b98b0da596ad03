//! All that is known of one transaction: as JSON, or as a sheet of names and values. The one
//! place that names a transaction's fields for output.

use ndxp_model::Zone;
use ndxp_proto::journal::v1::{Call, Connection, Fault, Transaction, TransactionClosed};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::output::word;
use crate::when;

/// Names and values in the order of the output. What is empty or unknown is left out.
#[derive(Debug, Default)]
pub struct Sheet(Vec<(&'static str, Value)>);

impl Serialize for Sheet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Sheet {
    pub fn of(transaction: &Transaction) -> Self {
        let closed = transaction.closed.as_ref();
        let call = transaction.call.clone().unwrap_or_default();
        let test = call.test || closed.is_some_and(|closed| closed.test);
        let mut sheet = Self::default();
        sheet.always("transaction_id", transaction.transaction_id.as_str());
        sheet.always("outcome", outcome(transaction));
        sheet.text(
            "opened_at",
            when::utc(transaction.opened_at_us).unwrap_or_default(),
        );
        sheet.text(
            "closed_at",
            when::utc(transaction.closed_at_us).unwrap_or_default(),
        );
        sheet.number("opened_sequence", transaction.opened_sequence);
        sheet.number("closed_sequence", transaction.closed_sequence);
        sheet.call(call);
        if let Some(closed) = closed {
            sheet.ending(closed);
        }
        if test {
            sheet.always("test", true);
        }
        sheet
    }

    /// Names and values, one to a line; the times in the hub's zone.
    pub fn lines(&self, zone: &Zone) -> String {
        let lines: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) if name.ends_with("_at") => in_zone(text, zone),
                    Value::String(text) => text.clone(),
                    Value::Object(measures) => list(measures),
                    other => other.to_string(),
                };
                format!("{name:<18}{value}")
            })
            .collect();
        lines.join("\n")
    }

    fn call(&mut self, call: Call) {
        let Connection {
            consumer,
            provider,
            service,
        } = call.connection.unwrap_or_default();
        self.always("consumer", consumer);
        self.always("provider", provider);
        self.always("service", service);
        self.always("method", call.method);
        self.text("grant", call.grant);
        self.text("on_behalf_of", call.on_behalf_of);
        self.text("request_id", call.request_id);
        self.text("origin", call.origin);
        self.number("hop", call.hop);
        self.text("user", call.user);
        self.text("case", call.case);
        self.text("trace_id", hex(&call.trace_id));
        self.text("hub_node", call.hub_node);
    }

    fn ending(&mut self, closed: &TransactionClosed) {
        self.always("grpc_status", closed.grpc_status);
        if closed.fault() != Fault::None {
            self.always("fault", word(closed.fault().as_str_name(), "FAULT_"));
        }
        self.text("reason", closed.reason.clone());
        self.always("total_us", closed.total_us);
        self.always("provider_us", closed.provider_us);
        self.always("request_bytes", closed.request_bytes);
        self.always("response_bytes", closed.response_bytes);
        self.always("request_messages", closed.request_messages);
        self.always("response_messages", closed.response_messages);
        self.text("request_digest", hex(&closed.request_digest));
        self.text("response_digest", hex(&closed.response_digest));
        self.number("retries", closed.retries);
        let measures = closed.measures.iter();
        let measures: Map<_, _> = measures
            .map(|measure| (measure.name.clone(), measure.value.into()))
            .collect();
        if !measures.is_empty() {
            self.always("measures", measures);
        }
    }

    fn always(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    fn text(&mut self, name: &'static str, value: String) {
        if !value.is_empty() {
            self.always(name, value);
        }
    }

    fn number(&mut self, name: &'static str, value: impl Into<u64>) {
        let value = value.into();
        if value != 0 {
            self.always(name, value);
        }
    }
}

/// A name of the closed set of outcomes, or `in_flight`.
pub fn outcome(transaction: &Transaction) -> String {
    match &transaction.closed {
        Some(closed) => word(closed.outcome().as_str_name(), "OUTCOME_"),
        None => "in_flight".to_owned(),
    }
}

fn in_zone(utc: &str, zone: &Zone) -> String {
    let at_us = utc
        .parse::<jiff::Timestamp>()
        .map_or(0, jiff::Timestamp::as_microsecond);
    format!("{} {}", when::local(at_us, zone), zone.name())
}

fn list(measures: &Map<String, Value>) -> String {
    let measures: Vec<_> = measures
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    measures.join(", ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use ndxp_proto::journal::v1::{Measure, Outcome};

    use super::*;

    #[test]
    fn a_sheet_holds_what_is_known_and_nothing_else() {
        let transaction = Transaction {
            transaction_id: "01822368-5800-7000-8000-000000000001".to_owned(),
            call: Some(Call {
                connection: Some(Connection {
                    consumer: "H26/lgsp".to_owned(),
                    provider: "G24/insurance".to_owned(),
                    service: "a.v1.Insurance".to_owned(),
                }),
                method: "Look".to_owned(),
                ..Call::default()
            }),
            opened_sequence: 3,
            opened_at_us: 1_658_448_000_000_001,
            closed_sequence: 4,
            closed_at_us: 1_658_448_000_123_456,
            closed: Some(TransactionClosed {
                outcome: Outcome::TimedOut.into(),
                fault: Fault::Provider.into(),
                grpc_status: 4,
                reason: "PROVIDER_TIMEOUT".to_owned(),
                request_digest: vec![0x0a, 0xff],
                measures: vec![Measure {
                    name: "records".to_owned(),
                    value: 250,
                }],
                ..TransactionClosed::default()
            }),
        };
        assert_eq!(
            Sheet::of(&transaction).lines(&Zone::viet_nam()),
            "\
transaction_id    01822368-5800-7000-8000-000000000001
outcome           timed_out
opened_at         2022-07-22 07:00:00.000 Asia/Ho_Chi_Minh
closed_at         2022-07-22 07:00:00.123 Asia/Ho_Chi_Minh
opened_sequence   3
closed_sequence   4
consumer          H26/lgsp
provider          G24/insurance
service           a.v1.Insurance
method            Look
grpc_status       4
fault             provider
reason            PROVIDER_TIMEOUT
total_us          0
provider_us       0
request_bytes     0
response_bytes    0
request_messages  0
response_messages 0
request_digest    0aff
measures          records 250"
        );
    }

    #[test]
    fn json_tells_a_call_in_flight_by_its_outcome() {
        let transaction = Transaction {
            opened_sequence: 3,
            opened_at_us: 1,
            ..Transaction::default()
        };
        assert_eq!(
            serde_json::to_string(&Sheet::of(&transaction)).unwrap(),
            r#"{"transaction_id":"","outcome":"in_flight","opened_at":"1970-01-01T00:00:00.000001Z","opened_sequence":3,"consumer":"","provider":"","service":"","method":""}"#
        );
    }
}
