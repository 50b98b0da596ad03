//! The values of the store, to the byte. Rows of counters are specified in `codec.rs`. All others
//! are one version byte, 3, then a protobuf message as declared here, fields in the order of their
//! numbers and 0 left out. The same contents always encode to the same bytes.
//!
//! A value that does not decode, or that decodes to what cannot have been written, marks the
//! whole store damaged. It is never skipped.

use ndxp_model::{Instant, InvalidValue, Sequence, TransactionId};
use ndxp_proto::journal::v1::Connection;
use prost::Message;

use crate::histogram::PartsError;
use crate::line::Line;

/// Of all values. A store of another version is set aside and rebuilt.
pub const VERSION: u8 = 3;

/// The head: for which hub the store was written and how far it has come.
#[derive(Clone, PartialEq, Message)]
pub struct Head {
    /// IANA name of the time zone in which buckets are cut.
    #[prost(string, tag = "1")]
    pub zone: String,
    /// Last sequence applied, and its commit time.
    #[prost(uint64, tag = "2")]
    pub watermark: u64,
    #[prost(int64, tag = "3")]
    pub watermark_at_us: i64,
    /// Closings counted: the sum of the all-time totals.
    #[prost(uint64, tag = "4")]
    pub counted: u64,
    /// How many lines, first transactions and open transactions the store holds.
    #[prost(uint64, tag = "5")]
    pub lines: u64,
    #[prost(uint64, tag = "6")]
    pub systems: u64,
    #[prost(uint64, tag = "7")]
    pub open: u64,
    /// Start of the hour of the first closing counted.
    #[prost(int64, optional, tag = "8")]
    pub began_us: Option<i64>,
    /// Commit time of the journal's first entry.
    #[prost(int64, optional, tag = "9")]
    pub launched_us: Option<i64>,
    /// How many imports of opening balances the store holds.
    #[prost(uint64, tag = "10")]
    pub baselines: u64,
}

/// When a system first took part in a transaction that was answered.
#[derive(Clone, Copy, Eq, Message, PartialEq)]
pub struct FirstTransaction {
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    #[prost(int64, tag = "2")]
    pub at_us: i64,
}

/// The names of a line.
#[derive(Clone, PartialEq, Message)]
struct LineValue {
    #[prost(message, optional, tag = "1")]
    connection: Option<Connection>,
    #[prost(string, tag = "2")]
    method: String,
    /// The first closing counted on it.
    #[prost(uint64, tag = "3")]
    since: u64,
}

#[derive(Clone, PartialEq, Message)]
struct OpenValue {
    #[prost(bytes = "vec", tag = "1")]
    transaction_id: Vec<u8>,
}

/// Bytes that this version of the hub cannot have written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ValueError {
    #[error("format version {found:?}, expected {VERSION}")]
    Version { found: Option<u8> },
    #[error("not a message of its kind: {0}")]
    Message(#[from] prost::DecodeError),
    #[error("a histogram whose {0}")]
    Histogram(#[from] PartsError),
    #[error("shorter than what it begins")]
    Short,
    #[error("longer than what it holds")]
    Long,
    #[error("a number that nobody writes so")]
    Number,
    #[error("an ending {number} that is unknown or out of order")]
    Ending { number: u8 },
    #[error("cells {present:#b}")]
    Cells { present: u64 },
    #[error("a measure without a name of its own")]
    Name,
    #[error("a histogram whose buckets go beyond the last one")]
    HistogramSteps,
    #[error("a line without connection")]
    Nameless,
    #[error("a counter that counts nothing")]
    Nothing,
    #[error("a span of sequences from {first} that is {offset} long")]
    Span { first: u64, offset: u64 },
    #[error("measures out of order at {name:?}")]
    Measures { name: String },
    #[error("opening balances that are not sound")]
    Baseline,
    #[error(transparent)]
    Id(#[from] InvalidValue),
}

/// The bytes of a value that is kept as it is declared.
pub fn encode(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    message
        .encode(&mut bytes)
        .expect("a vector grows as needed");
    bytes
}

/// # Errors
/// When the bytes are of another version or no such message.
pub fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, ValueError> {
    match bytes {
        [VERSION, body @ ..] => Ok(M::decode(body)?),
        _ => Err(ValueError::Version {
            found: bytes.first().copied(),
        }),
    }
}

pub fn encode_line(line: &Line, since: Sequence) -> Vec<u8> {
    encode(&LineValue {
        connection: Some(line.connection.clone()),
        method: line.method.clone(),
        since: since.get(),
    })
}

/// # Errors
/// When the bytes name no line.
pub fn decode_line(bytes: &[u8]) -> Result<(Line, Sequence), ValueError> {
    let LineValue {
        connection,
        method,
        since,
    } = decode(bytes)?;
    let connection = connection.ok_or(ValueError::Nameless)?;
    Ok((Line { connection, method }, Sequence::new(since)))
}

pub fn encode_open(id: TransactionId) -> Vec<u8> {
    encode(&OpenValue {
        transaction_id: id.as_bytes().to_vec(),
    })
}

/// # Errors
/// When the bytes hold no transaction id.
pub fn decode_open(bytes: &[u8]) -> Result<TransactionId, ValueError> {
    let value: OpenValue = decode(bytes)?;
    Ok(TransactionId::from_slice(&value.transaction_id)?)
}

impl FirstTransaction {
    #[must_use]
    pub const fn at(&self) -> Instant {
        Instant::from_micros(self.at_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn values_are_stored_as_the_format_says() {
        let head = Head {
            zone: "Z".to_owned(),
            watermark: 5,
            ..Head::default()
        };
        assert_eq!(hex(&encode(&head)), "030a015a1005");
        assert_eq!(decode(&encode(&head)), Ok(head));

        let id = TransactionId::new(Instant::from_micros(1_658_448_000_000_000), 1);
        assert_eq!(decode_open(&encode_open(id)), Ok(id));

        let line = Line {
            connection: Connection {
                service: "a.B".to_owned(),
                ..Connection::default()
            },
            method: "Get".to_owned(),
        };
        assert_eq!(
            hex(&encode_line(&line, Sequence::new(300))),
            "030a051a03612e42120347657418ac02"
        );
        let since = Sequence::new(300);
        assert_eq!(decode_line(&encode_line(&line, since)), Ok((line, since)));
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused() {
        assert!(decode_open(&encode(&Head::default())).is_err());
        assert!(matches!(
            decode_line(&encode(&LineValue::default())),
            Err(ValueError::Nameless)
        ));
        for row in [vec![], vec![1], vec![VERSION, 0xff]] {
            assert!(decode::<Head>(&row).is_err(), "{}", hex(&row));
        }
    }
}
