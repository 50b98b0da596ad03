//! What sled gives back to the counters.

use ndxp_counters::fuzz::rewritten;

/// The first byte says how long the key is; the value follows it. What is understood is written
/// again in the store's own form, which is understood in the same way: decode(encode(x)) == x.
pub fn pair(data: &[u8]) {
    let Some((length, rest)) = data.split_first() else {
        return;
    };
    let Some((key, value)) = rest.split_at_checked(usize::from(*length)) else {
        return;
    };
    let Some((own_key, own_value)) = rewritten(key, value) else {
        return;
    };
    assert_eq!(own_key, key, "a key has one form");
    // A run of buckets, a name or a line cannot become more than it was read from.
    assert!(own_value.len() <= value.len().saturating_mul(2) + 64);
    assert_eq!(rewritten(&own_key, &own_value), Some((own_key, own_value)));
}
