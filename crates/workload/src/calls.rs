//! Calls and their entries as the hub writes them, made up from a number.

use ndxp_gateway::meter::{Framing, Measured, Meter};
use ndxp_model::{Instant, Outcome, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Call, Connection, Entry, TransactionClosed, TransactionOpened};
use ndxp_registry::Route;

/// 2022-07-22T09:59:30 in Viet Nam, and then so many entries a second: an hour ends on the way.
const START_US: i64 = 1_658_458_770_000_000;
const ENTRY_EVERY_US: u64 = 25;
const SALT: [u8; 16] = [0x5a; 16];
const MESSAGE_BYTES_MAX: u64 = 64 << 20;
/// One of so many answers is an error.
const FAILED_EVERY: u64 = 100;
pub(crate) const METHOD: &str = "TraCuu";

/// When an entry is committed.
pub(crate) fn at(sequence: u64) -> Instant {
    let offset = i64::try_from(sequence.saturating_mul(ENTRY_EVERY_US));
    Instant::from_micros(START_US.saturating_add(offset.unwrap_or(i64::MAX)))
}

/// A gRPC message with its prefix.
#[must_use]
pub fn message(bytes: u32) -> Vec<u8> {
    let content = std::iter::repeat_n(0x5a, usize::try_from(bytes).unwrap_or(0));
    [0].into_iter()
        .chain(bytes.to_be_bytes())
        .chain(content)
        .collect()
}

/// Counts and digests one direction.
///
/// # Errors
/// When the message is not framed as one.
pub fn measured(message: &[u8]) -> anyhow::Result<Measured> {
    let (mut meter, mut framing) = (Meter::new(&SALT), Framing::new(MESSAGE_BYTES_MAX));
    framing.pass(message)?;
    meter.pass(message);
    framing.end()?;
    Ok(meter.measured())
}

fn id(number: u64, at: Instant) -> Vec<u8> {
    TransactionId::new(at, u128::from(number))
        .as_bytes()
        .to_vec()
}

fn connection(route: &Route) -> Connection {
    ndxp_journal::from_connection(&route.connection)
}

/// The opening of a call.
#[must_use]
pub fn opened(number: u64, now: Instant, route: &Route) -> Body {
    Body::Opened(TransactionOpened {
        transaction_id: id(number, now),
        call: Some(Call {
            connection: Some(connection(route)),
            method: METHOD.to_owned(),
            user: format!("officer-{}", number % 1_000),
            case: format!("H26.15-220722-{:04}", number % 10_000),
            ..Call::default()
        }),
    })
}

/// The closing that belongs to it.
#[must_use]
pub fn closed(
    number: u64,
    opened_sequence: u64,
    route: &Route,
    (request, response): (Measured, Measured),
) -> Body {
    let failed = number.is_multiple_of(FAILED_EVERY);
    let outcome = if failed {
        Outcome::ProviderError
    } else {
        Outcome::Completed
    };
    Body::Closed(TransactionClosed {
        transaction_id: id(number, at(opened_sequence.saturating_sub(1))),
        opened_sequence,
        connection: Some(connection(route)),
        method: METHOD.to_owned(),
        outcome: outcome.number().into(),
        fault: if failed { 3 } else { 0 },
        grpc_status: if failed { 5 } else { 0 },
        request_bytes: request.bytes,
        response_bytes: response.bytes,
        request_messages: request.messages,
        response_messages: response.messages,
        request_digest: request.digest,
        response_digest: response.digest,
        total_us: 8_000 + number % 20_000,
        provider_us: 7_000 + number % 20_000,
        ..TransactionClosed::default()
    })
}

/// As it stands in the journal.
#[must_use]
pub fn entry(sequence: u64, at: Instant, body: Body) -> Entry {
    Entry {
        sequence,
        committed_at_us: at.as_micros(),
        body: Some(body),
    }
}
