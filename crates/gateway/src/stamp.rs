//! What the hub says of a transaction to its parties: its id, the salt of its digests, the trace that
//! it belongs to.
//!
//! These texts are of one transaction alone. They are marked so that HTTP/2 keeps them out of its
//! tables of repeated headers, where each would push out one that does come again; and they lie in one
//! buffer, so that handing them to both sides copies nothing.

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use ndxp_model::TransactionId;

use crate::salt::{Salt, hex_digits};

/// A UUID with its strokes.
const ID_BYTES: usize = 36;
/// A `traceparent` of version 00.
const TRACEPARENT_BYTES: usize = 55;
const SALT_BYTES: usize = 32;

/// One transaction's, as header values.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub transaction_id: HeaderValue,
    pub salt: HeaderValue,
    /// A trace that begins here, under the id that the journal knows.
    pub traceparent: HeaderValue,
}

impl Stamp {
    #[must_use]
    pub fn new(id: TransactionId, salt: Salt, trace_id: &[u8]) -> Self {
        let mut text = BytesMut::with_capacity(ID_BYTES + SALT_BYTES + TRACEPARENT_BYTES);
        text.extend_from_slice(id.text(&mut [0; ID_BYTES]).as_bytes());
        let transaction_id = text.split();
        put_hex(&mut text, salt.as_bytes());
        let salt = text.split();
        text.extend_from_slice(b"00-");
        put_hex(&mut text, trace_id);
        text.extend_from_slice(b"-");
        put_hex(&mut text, &fastrand::u64(1..).to_be_bytes());
        text.extend_from_slice(b"-00");
        Self {
            transaction_id: once(transaction_id.freeze()),
            salt: once(salt.freeze()),
            traceparent: once(text.freeze()),
        }
    }
}

fn put_hex(text: &mut BytesMut, bytes: &[u8]) {
    // Put together apart: each piece that is appended asks for room.
    let mut digits = [[0; 2]; SALT_BYTES / 2];
    for some in bytes.chunks(digits.len()) {
        for (pair, byte) in digits.iter_mut().zip(some) {
            *pair = hex_digits(*byte);
        }
        let used = digits.as_flattened().get(..2 * some.len());
        text.extend_from_slice(used.unwrap_or_default());
    }
}

/// A value that comes with one call and not with the next.
fn once(text: Bytes) -> HeaderValue {
    let mut value = HeaderValue::from_maybe_shared(text).expect("digits and strokes");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use ndxp_model::Instant;

    use super::*;
    use crate::salt::SaltKey;

    #[test]
    fn a_stamp_says_what_the_journal_knows() {
        let id = TransactionId::new(Instant::from_micros(1_000), 1 << 70);
        let salt = SaltKey::new(b"key").salt(id);
        let stamp = Stamp::new(id, salt, &[0xab; 16]);
        assert_eq!(stamp.transaction_id, id.to_string());
        assert_eq!(stamp.salt, salt.to_hex());
        let traceparent = stamp.traceparent.to_str().unwrap();
        assert_eq!(traceparent.len(), TRACEPARENT_BYTES);
        assert!(traceparent.starts_with(&format!("00-{}-", "ab".repeat(16))));
        for value in [&stamp.transaction_id, &stamp.salt, &stamp.traceparent] {
            assert!(value.is_sensitive());
        }
    }
}
