//! The values of the store, to the byte: one version byte, 2, then a protobuf message as
//! declared here, fields in the order of their numbers and 0 left out. The same contents always
//! encode to the same bytes.
//!
//! A value that does not decode, or that decodes to what cannot have been written, marks the
//! whole store damaged. It is never skipped.

use std::collections::BTreeMap;

use ndxp_model::{Instant, InvalidValue, Sequence, TransactionId};
use ndxp_proto::journal::v1::Connection;
use prost::Message;

use crate::counter::Counter;
use crate::histogram::{Histogram, PartsError};
use crate::line::Line;

/// Of all values. A store of another version is set aside and rebuilt.
pub const VERSION: u8 = 2;

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
    /// Commit time of the journal's first entry.
    #[prost(int64, optional, tag = "9")]
    pub launched_us: Option<i64>,
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
}

#[derive(Clone, PartialEq, Message)]
struct OpenValue {
    #[prost(bytes = "vec", tag = "1")]
    transaction_id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct CounterValue {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(uint64, tag = "2")]
    request_bytes: u64,
    #[prost(uint64, tag = "3")]
    response_bytes: u64,
    #[prost(uint64, tag = "4")]
    request_messages: u64,
    #[prost(uint64, tag = "5")]
    response_messages: u64,
    #[prost(uint64, tag = "6")]
    first_sequence: u64,
    /// Behind `first_sequence`.
    #[prost(uint64, tag = "7")]
    last_sequence_offset: u64,
    /// Of each histogram bucket, the distance from the one before it (the first: from 0).
    #[prost(uint32, repeated, tag = "8")]
    duration_steps: Vec<u32>,
    /// Of each histogram bucket, how many values it holds.
    #[prost(uint64, repeated, tag = "9")]
    duration_counts: Vec<u64>,
    #[prost(uint64, tag = "10")]
    duration_max: u64,
    /// Ascending by name.
    #[prost(message, repeated, tag = "11")]
    measures: Vec<MeasureValue>,
}

#[derive(Clone, PartialEq, Message)]
struct MeasureValue {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint64, tag = "2")]
    sum: u64,
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
    #[error("a histogram of {steps} buckets and {counts} counts")]
    HistogramLengths { steps: usize, counts: usize },
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

pub fn encode_line(line: &Line) -> Vec<u8> {
    encode(&LineValue {
        connection: Some(line.connection.clone()),
        method: line.method.clone(),
    })
}

/// # Errors
/// When the bytes name no line.
pub fn decode_line(bytes: &[u8]) -> Result<Line, ValueError> {
    let LineValue { connection, method } = decode(bytes)?;
    let connection = connection.ok_or(ValueError::Nameless)?;
    Ok(Line { connection, method })
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

pub fn encode_counter(counter: &Counter) -> Vec<u8> {
    let mut last = 0;
    let (duration_steps, duration_counts) = counter
        .durations
        .buckets()
        .map(|(bucket, count)| {
            let step = u32::from(bucket - last);
            last = bucket;
            (step, count)
        })
        .unzip();
    let measures = counter.measures.iter();
    encode(&CounterValue {
        count: counter.count,
        request_bytes: counter.request_bytes,
        response_bytes: counter.response_bytes,
        request_messages: counter.request_messages,
        response_messages: counter.response_messages,
        first_sequence: counter.first_sequence.get(),
        last_sequence_offset: counter.last_sequence.get() - counter.first_sequence.get(),
        duration_steps,
        duration_counts,
        duration_max: counter.durations.max(),
        measures: measures
            .map(|(name, sum)| MeasureValue {
                name: name.clone(),
                sum: *sum,
            })
            .collect(),
    })
}

/// # Errors
/// When the bytes are no counter that [`encode_counter`] can have written.
pub fn decode_counter(bytes: &[u8]) -> Result<Counter, ValueError> {
    let value: CounterValue = decode(bytes)?;
    if value.count == 0 {
        return Err(ValueError::Nothing);
    }
    let (first, offset) = (value.first_sequence, value.last_sequence_offset);
    let last = first
        .checked_add(offset)
        .filter(|_| first > 0)
        .ok_or(ValueError::Span { first, offset })?;
    Ok(Counter {
        count: value.count,
        request_bytes: value.request_bytes,
        response_bytes: value.response_bytes,
        request_messages: value.request_messages,
        response_messages: value.response_messages,
        durations: histogram(&value)?,
        measures: measures(value.measures)?,
        first_sequence: Sequence::new(first),
        last_sequence: Sequence::new(last),
    })
}

fn histogram(value: &CounterValue) -> Result<Histogram, ValueError> {
    let (steps, counts) = (value.duration_steps.len(), value.duration_counts.len());
    if steps != counts {
        return Err(ValueError::HistogramLengths { steps, counts });
    }
    let mut buckets = Vec::with_capacity(steps);
    let mut bucket = 0_u16;
    for (step, count) in value.duration_steps.iter().zip(&value.duration_counts) {
        bucket = u16::try_from(*step)
            .ok()
            .and_then(|step| bucket.checked_add(step))
            .ok_or(ValueError::HistogramSteps)?;
        buckets.push((bucket, *count));
    }
    Ok(Histogram::from_parts(buckets, value.duration_max)?)
}

fn measures(values: Vec<MeasureValue>) -> Result<BTreeMap<String, u64>, ValueError> {
    let mut measures = BTreeMap::new();
    for MeasureValue { name, sum } in values {
        if measures
            .last_key_value()
            .is_some_and(|(last, _)| *last >= name)
        {
            return Err(ValueError::Measures { name });
        }
        measures.insert(name, sum);
    }
    Ok(measures)
}

impl FirstTransaction {
    #[must_use]
    pub const fn at(&self) -> Instant {
        Instant::from_micros(self.at_us)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn counter() -> Counter {
        let mut durations = Histogram::default();
        for value in [3, 3, 5_000] {
            durations.record(value).unwrap();
        }
        Counter {
            count: 3,
            request_bytes: 300,
            response_bytes: 0,
            request_messages: 3,
            response_messages: 3,
            durations,
            measures: BTreeMap::from([("amount_vnd".to_owned(), 0), ("records".to_owned(), 7)]),
            first_sequence: Sequence::new(2),
            last_sequence: Sequence::new(10),
        }
    }

    #[test]
    fn values_are_stored_as_the_format_says() {
        let bytes = encode_counter(&counter());
        assert_eq!(
            hex(&bytes),
            "02080310ac022003280330023808420303900 14a020201508827\
             5a0c0a0a616d6f756e745f766e645a0b0a077265636f7264731007"
                .replace(' ', "")
        );
        assert_eq!(decode_counter(&bytes), Ok(counter()));

        let head = Head {
            zone: "Z".to_owned(),
            watermark: 5,
            ..Head::default()
        };
        assert_eq!(hex(&encode(&head)), "020a015a1005");
        assert_eq!(decode(&encode(&head)), Ok(head));

        let id = TransactionId::new(Instant::from_micros(1_658_448_000_000_000), 1);
        assert_eq!(decode_open(&encode_open(id)), Ok(id));
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused() {
        let good = encode_counter(&counter());
        let message = |change: fn(&mut CounterValue)| {
            let mut value: CounterValue = decode(&good).unwrap();
            change(&mut value);
            encode(&value)
        };
        let rows = [
            vec![],
            vec![1],
            [&[1][..], &good[1..]].concat(),
            good[..good.len() - 1].to_vec(),
            message(|value| value.count = 0),
            message(|value| value.first_sequence = 0),
            message(|value| value.last_sequence_offset = u64::MAX),
            message(|value| value.duration_max = 1),
            message(|value| value.duration_counts.truncate(1)),
            message(|value| value.duration_steps = vec![3, 0]),
            message(|value| value.duration_steps = vec![3, 70_000]),
            message(|value| value.duration_steps = vec![65_535, 65_535]),
            message(|value| value.measures.reverse()),
        ];
        for row in rows {
            assert!(decode_counter(&row).is_err(), "{}", hex(&row));
        }
        assert!(decode_open(&encode(&Head::default())).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_counter(&bytes);
            let _ = decode_counter(&[&[VERSION][..], &bytes].concat());
        }

        #[test]
        fn a_counter_comes_back_as_it_went(
            sums in prop::array::uniform5(1..=u64::MAX),
            durations in prop::collection::vec(any::<u64>(), 0..20),
            measures in prop::collection::btree_map("[a-z_]{1,8}", any::<u64>(), 0..4),
            first in 1..1_000_u64,
            length in 0..1_000_u64,
        ) {
            let [count, request_bytes, response_bytes, request_messages, response_messages] = sums;
            let mut histogram = Histogram::default();
            for value in durations {
                histogram.record(value).unwrap();
            }
            let counter = Counter {
                count, request_bytes, response_bytes, request_messages, response_messages,
                durations: histogram,
                measures,
                first_sequence: Sequence::new(first),
                last_sequence: Sequence::new(first + length),
            };
            prop_assert_eq!(decode_counter(&encode_counter(&counter)), Ok(counter));
        }
    }
}
