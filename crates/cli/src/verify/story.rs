//! Entries for the tests of the checker, in a line each.

use ndxp_model::{Instant, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    Call, Connection, Measure, Outcome, TransactionClosed, TransactionOpened,
};

pub fn connection() -> Connection {
    Connection {
        consumer: "H26/lgsp".to_owned(),
        provider: "G01/population".to_owned(),
        service: "a.v1.Population".to_owned(),
    }
}

fn id(number: u128) -> Vec<u8> {
    TransactionId::new(Instant::EPOCH, number)
        .as_bytes()
        .to_vec()
}

fn call() -> Call {
    Call {
        connection: Some(connection()),
        ..Call::default()
    }
}

pub fn opened(number: u128) -> Body {
    Body::Opened(TransactionOpened {
        transaction_id: id(number),
        call: Some(call()),
    })
}

pub fn closed(number: u128, opened_sequence: u64, outcome: Outcome) -> Body {
    Body::Closed(TransactionClosed {
        transaction_id: id(number),
        opened_sequence,
        connection: Some(connection()),
        outcome: outcome.into(),
        request_bytes: 3,
        response_bytes: 5,
        request_messages: 1,
        response_messages: 2,
        total_us: 1_000,
        measures: vec![Measure {
            name: "records".to_owned(),
            value: 250,
        }],
        ..TransactionClosed::default()
    })
}

pub fn refused(number: u128) -> Body {
    Body::Closed(TransactionClosed {
        transaction_id: id(number),
        connection: Some(connection()),
        outcome: Outcome::Refused.into(),
        refused_call: Some(Box::new(call())),
        ..TransactionClosed::default()
    })
}
