//! The metadata that the hub owns: what a consumer may state in `ndxp-*`, and what goes on to
//! the provider and back.
//!
//! Everything else passes unaltered. `ndxp-*` keys outside the documented ones are stripped in
//! both directions, so that nobody can speak in the hub's name.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use ndxp_model::{Reason, Refusal};
use ndxp_proto::journal::v1::Measure;

use crate::stamp::Stamp;

/// Longest value of a documented key.
const VALUE_BYTES_MAX: usize = 128;
/// Measures that one call may state: as many as any service declares, and then some.
const MEASURES_MAX: usize = 16;
/// Hubs that a call may pass; a province, the nation and a ministry make three.
const HOPS_MAX: u32 = 8;

/// What the next hub reads of a call that has passed so many before this one. None carries it further.
const HOPS: [&str; HOPS_MAX as usize] = ["1", "2", "3", "4", "5", "6", "7", "8"];

const OWNED_PREFIX: &str = "ndxp-";
const MEASURE_PREFIX: &str = "ndxp-measure-";

pub const PROVIDER: &str = "ndxp-provider";
pub const REQUEST_ID: &str = "ndxp-request-id";
pub const USER: &str = "ndxp-user";
pub const CASE: &str = "ndxp-case";
pub const ORIGIN: &str = "ndxp-origin";
pub const HOP: &str = "ndxp-hop";
pub const TEST: &str = "ndxp-test";
pub const TRANSACTION_ID: &str = "ndxp-transaction-id";
pub const CONSUMER: &str = "ndxp-consumer";
pub const DIGEST_SALT: &str = "ndxp-digest-salt";
pub const ON_BEHALF_OF: &str = "ndxp-on-behalf-of";
pub const FAULT: &str = "ndxp-fault";
// Names that are looked up and never taken apart: read once, at compile time.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Names that a connection's two ends settle between themselves (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    http::header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    http::header::HOST,
];

/// What a consumer states about its call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stated {
    pub provider: Option<String>,
    pub request_id: String,
    pub user: String,
    pub case: String,
    pub origin: String,
    pub hop: u32,
    pub test: bool,
    pub measures: Vec<Measure>,
    /// All of the metadata, as it came and as HTTP/2 counts it.
    pub metadata_bytes: usize,
    /// 16 bytes; empty when the consumer sent no valid `traceparent`.
    pub trace_id: Vec<u8>,
}

/// Reads and removes every `ndxp-*` key of a request; the documented ones are put back by
/// [`annotate_request`].
///
/// # Errors
/// `METADATA_TOO_LARGE`, or `MALFORMED_REQUEST` naming the key and the value.
pub fn take_stated(headers: &mut HeaderMap, bytes_max: usize) -> Result<Stated, Refusal> {
    let mut stated = Stated {
        metadata_bytes: bytes(headers),
        ..Stated::default()
    };
    check_size(stated.metadata_bytes, bytes_max)?;
    for name in take_owned_names(headers) {
        // What has no meaning cannot have a wrong form either: it is removed, whatever it says.
        if !is_documented(&name) {
            headers.remove(&name);
            continue;
        }
        let value = single(headers, &name)?;
        match name.as_str() {
            PROVIDER => stated.provider = Some(value),
            REQUEST_ID => stated.request_id = value,
            USER => stated.user = value,
            CASE => stated.case = value,
            ORIGIN => stated.origin = value,
            HOP => stated.hop = parse_hop(&value)?,
            TEST => stated.test = parse_test(&value)?,
            name => {
                if let Some(measure) = name.strip_prefix(MEASURE_PREFIX) {
                    let measure = parse_measure(measure, &value)?;
                    check_stated_once(&stated.measures, &measure)?;
                    stated.measures.push(measure);
                }
            }
        }
    }
    if stated.measures.len() > MEASURES_MAX {
        let found = stated.measures.len();
        let detail = format!("{found} measures are stated; at most {MEASURES_MAX} are carried");
        return Err(Refusal::new(Reason::MalformedRequest, detail));
    }
    stated.trace_id = headers
        .get(TRACEPARENT)
        .and_then(trace_id)
        .unwrap_or_default();
    Ok(stated)
}

/// Whether the call is marked `ndxp-test: 1`.
pub fn is_test(headers: &HeaderMap) -> bool {
    let name = const { HeaderName::from_static(TEST) };
    headers.get(name).is_some_and(|value| value == "1")
}

/// Puts the hub's own keys and the consumer's documented ones on a request that goes on.
pub fn annotate_request(headers: &mut HeaderMap, stated: &Stated, owned: OwnedKeys<'_>) {
    remove_hop_by_hop(headers);
    put_stamp(headers, owned.stamp);
    let texts = [
        (const { HeaderName::from_static(CONSUMER) }, owned.consumer),
        (
            const { HeaderName::from_static(ON_BEHALF_OF) },
            owned.on_behalf_of,
        ),
        (const { HeaderName::from_static(ORIGIN) }, &stated.origin),
    ];
    for (name, text) in texts {
        put(headers, name, text, false);
    }
    let of_this_call = [
        (
            const { HeaderName::from_static(REQUEST_ID) },
            &stated.request_id,
        ),
        (const { HeaderName::from_static(USER) }, &stated.user),
        (const { HeaderName::from_static(CASE) }, &stated.case),
    ];
    for (name, text) in of_this_call {
        put(headers, name, text, true);
    }
    if stated.test {
        let name = const { HeaderName::from_static(TEST) };
        headers.insert(name, HeaderValue::from_static("1"));
    }
    let name = const { HeaderName::from_static(HOP) };
    // Whoever states more is refused.
    let hop = usize::try_from(stated.hop).unwrap_or(usize::MAX);
    if let Some(hop) = HOPS.get(hop) {
        headers.insert(name, HeaderValue::from_static(hop));
    }
    for measure in &stated.measures {
        if let Ok(name) = HeaderName::try_from(format!("{MEASURE_PREFIX}{}", measure.name)) {
            headers.insert(name, HeaderValue::from(measure.value));
        }
    }
    // The caller's own, if it is one, or one that begins here.
    let given = headers
        .get(TRACEPARENT)
        .filter(|_| !stated.trace_id.is_empty());
    let mut traceparent = given.unwrap_or(&owned.stamp.traceparent).clone();
    traceparent.set_sensitive(true);
    headers.insert(TRACEPARENT, traceparent);
}

/// What the hub says of a call to its provider.
#[derive(Clone, Copy)]
pub struct OwnedKeys<'a> {
    pub stamp: &'a Stamp,
    pub consumer: &'a str,
    /// The member that the grant lets the consumer act for; empty for its own.
    pub on_behalf_of: &'a str,
}

/// Strips what only the hub may say from an answer's headers and adds what the hub says.
/// Answers the measures that the provider stated.
pub fn annotate_answer(headers: &mut HeaderMap, stamp: &Stamp) -> Vec<Measure> {
    remove_hop_by_hop(headers);
    // Checked on this side, and no promise to the other: the hub may have to end the answer in its
    // own words, and a length that does not come true would hide them.
    headers.remove(CONTENT_LENGTH);
    let measures = take_answered(headers);
    put_stamp(headers, stamp);
    measures
}

fn put_stamp(headers: &mut HeaderMap, stamp: &Stamp) {
    let name = const { HeaderName::from_static(TRANSACTION_ID) };
    headers.insert(name, stamp.transaction_id.clone());
    let name = const { HeaderName::from_static(DIGEST_SALT) };
    headers.insert(name, stamp.salt.clone());
}

/// Most calls bring none: to look at the names that there are costs less than to look up those that are not.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        for name in &HOP_BY_HOP {
            headers.remove(name);
        }
    }
}

/// Strips `ndxp-*` from a provider's headers or trailers; answers the measures among them that
/// can be read. A provider's mistake here never harms the call.
pub fn take_answered(headers: &mut HeaderMap) -> Vec<Measure> {
    let mut measures = Vec::new();
    for name in take_owned_names(headers) {
        let value = single(headers, &name);
        if let Some(measure) = name.as_str().strip_prefix(MEASURE_PREFIX)
            && let Ok(Ok(measure)) = value.map(|value| parse_measure(measure, &value))
            && measures.len() < MEASURES_MAX
        {
            measures.push(measure);
        }
    }
    measures
}

/// Strips every `ndxp-*` key.
pub fn strip_owned(headers: &mut HeaderMap) {
    for name in take_owned_names(headers) {
        headers.remove(name);
    }
}

/// # Errors
/// `METADATA_TOO_LARGE`.
pub fn check_size(found: usize, bytes_max: usize) -> Result<(), Refusal> {
    if found <= bytes_max {
        return Ok(());
    }
    let detail = format!("metadata of {found} bytes; at most {bytes_max} are carried");
    Err(Refusal::new(Reason::MetadataTooLarge, detail))
}

fn bytes(headers: &HeaderMap) -> usize {
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum()
}

/// The names only: most calls carry none, and then nothing is allocated.
fn take_owned_names(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .keys()
        .filter(|name| name.as_str().starts_with(OWNED_PREFIX))
        .cloned()
        .collect()
}

/// The keys that a consumer may send.
fn is_documented(name: &HeaderName) -> bool {
    let keys = [PROVIDER, REQUEST_ID, USER, CASE, ORIGIN, HOP, TEST];
    keys.contains(&name.as_str()) || name.as_str().starts_with(MEASURE_PREFIX)
}

/// `ndxp-measure-a-b` and `ndxp-measure-a_b` are two keys and one measure, which would be summed
/// twice.
fn check_stated_once(stated: &[Measure], measure: &Measure) -> Result<(), Refusal> {
    if stated.iter().all(|it| it.name != measure.name) {
        return Ok(());
    }
    let detail = format!("the measure {:?} is stated twice", measure.name);
    Err(Refusal::new(Reason::MalformedRequest, detail))
}

/// Removes the key and answers its one value.
fn single(headers: &mut HeaderMap, name: &HeaderName) -> Result<String, Refusal> {
    let found = headers.get_all(name).iter().count();
    let value = headers.remove(name);
    if found > 1 {
        let detail = format!("{name} is given {found} times; give it once");
        return Err(Refusal::new(Reason::MalformedRequest, detail));
    }
    let value = value.as_ref().map_or(&[][..], HeaderValue::as_bytes);
    let printable = |b: &u8| b.is_ascii_graphic() || *b == b' ';
    if value.len() <= VALUE_BYTES_MAX && value.iter().all(printable) {
        return Ok(String::from_utf8_lossy(value).into_owned());
    }
    let detail = format!(
        "{name} has {} bytes; it takes at most {VALUE_BYTES_MAX} of printable ASCII",
        value.len()
    );
    Err(Refusal::new(Reason::MalformedRequest, detail))
}

fn parse_hop(value: &str) -> Result<u32, Refusal> {
    value
        .parse()
        .ok()
        .filter(|hop| *hop < HOPS_MAX)
        .ok_or_else(|| {
            let detail = format!("ndxp-hop {value:?} is not a number below {HOPS_MAX}");
            Refusal::new(Reason::MalformedRequest, detail)
        })
}

fn parse_test(value: &str) -> Result<bool, Refusal> {
    match value {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => {
            let detail = format!("ndxp-test {value:?} is neither 1 nor 0");
            Err(Refusal::new(Reason::MalformedRequest, detail))
        }
    }
}

fn parse_measure(name: &str, value: &str) -> Result<Measure, Refusal> {
    let digits_only = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse() {
        Ok(value) if digits_only => Ok(Measure {
            name: name.replace('-', "_"),
            value,
        }),
        _ => {
            let detail = format!(
                "{MEASURE_PREFIX}{name} {value:?} is not a whole number from 0 to {}",
                u64::MAX
            );
            Err(Refusal::new(Reason::MalformedRequest, detail))
        }
    }
}

/// The trace id of a `traceparent` by W3C Trace Context, version 00.
fn trace_id(value: &HeaderValue) -> Option<Vec<u8>> {
    let text = value.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hexadecimal = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let known = version == "00"
        && parts.next().is_none()
        && hexadecimal(trace, 32)
        && hexadecimal(parent, 16)
        && hexadecimal(flags, 2)
        && trace.bytes().any(|b| b != b'0');
    if !known {
        return None;
    }
    u128::from_str_radix(trace, 16)
        .ok()
        .map(|id| id.to_be_bytes().to_vec())
}

/// Puts a text that is not empty; one that belongs to this call is marked as [`Stamp`]'s are.
fn put(headers: &mut HeaderMap, name: HeaderName, text: &str, of_this_call: bool) {
    if let Ok(mut value) = HeaderValue::from_str(text)
        && !text.is_empty()
    {
        value.set_sensitive(of_this_call);
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
