//! The per-transaction salt of the digests.
//!
//! Derived from a key that never leaves the hub, and told to both parties: each of them can
//! recompute the journal's digests from what it sent and received, and nobody can guess a short
//! identity number from a digest alone.

use ndxp_model::TransactionId;
use ring::hmac;

/// The hub's key for salts.
pub struct SaltKey(hmac::Key);

/// 16 bytes, sent as 32 hexadecimal digits in `ndxp-digest-salt`.
#[derive(Clone, Copy)]
pub struct Salt([u8; 16]);

impl SaltKey {
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The first half of HMAC-SHA-256 over the transaction's id.
    #[must_use]
    pub fn salt(&self, id: TransactionId) -> Salt {
        let tag = hmac::sign(&self.0, id.as_bytes());
        let mut salt = [0; 16];
        for (to, from) in salt.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Salt(salt)
    }
}

impl Salt {
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| hex_digits(*byte));
    digits.map(char::from).collect()
}

/// The two digits of a byte.
pub fn hex_digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    };
    [digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndxp_model::Instant;

    #[test]
    fn a_salt_belongs_to_one_key_and_one_transaction() {
        let id = TransactionId::new(Instant::from_micros(1_000), 1);
        let other = TransactionId::new(Instant::from_micros(1_000), 1 << 70);
        let salt = |key: &[u8], id| SaltKey::new(key).salt(id).to_hex();
        assert_eq!(salt(b"a", id), salt(b"a", id));
        assert_ne!(salt(b"a", id), salt(b"b", id));
        assert_ne!(salt(b"a", id), salt(b"a", other));
        assert_eq!(salt(b"a", id).len(), 32);
    }
}
