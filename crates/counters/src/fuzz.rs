//! A door to the codecs of the store for fuzzing, which has to reach them without a store around
//! them. Nothing else uses it.

use ndxp_model::Instant;

use crate::codec::{self, Form, Want};
use crate::imported;
use crate::key::{Key, RowKey};
use crate::value::{self, FirstTransaction, Head, ValueError};

/// A pair of the store as this version would write it again; `None` when it cannot be read.
#[must_use]
pub fn rewritten(key: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = Key::decode(key)?;
    let value = rewritten_value(&key, value).ok()?;
    Some((key.encode(), value))
}

fn rewritten_value(key: &Key, bytes: &[u8]) -> Result<Vec<u8>, ValueError> {
    Ok(match key {
        Key::Head => value::encode(&value::decode::<Head>(bytes)?),
        Key::Line(_) => {
            let (line, since) = value::decode_line(bytes)?;
            value::encode_line(&line, since)
        }
        Key::Row(key) => {
            let (form, start) = match key {
                RowKey::All(_) => (Form::All, Instant::EPOCH),
                RowKey::Last(..) => (Form::Last, codec::start(bytes)?),
                RowKey::Total(_, start) => (Form::Past, *start),
            };
            codec::encode(form, start, &codec::decode(form, bytes, Want::EVERYTHING)?)
        }
        Key::FirstTransaction(_) => value::encode(&value::decode::<FirstTransaction>(bytes)?),
        Key::Open(_) => value::encode_open(value::decode_open(bytes)?),
        Key::Baseline(sequence) => imported::encode(&*imported::decode(*sequence, bytes)?),
    })
}
