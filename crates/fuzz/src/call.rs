//! What a call brings: its path, its metadata, its deadline, its messages, and the answer's.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ndxp_gateway::deadline::{format_timeout, parse_timeout};
use ndxp_gateway::metadata::{
    self, OwnedKeys, Stated, annotate_answer, annotate_request, take_answered, take_stated,
};
use ndxp_gateway::meter::{Framing, FramingError, Meter};
use ndxp_gateway::path::CallPath;
use ndxp_gateway::{SaltKey, Stamp, grpc_status};
use ndxp_model::{Instant, Reason, Refusal, TransactionId};

use crate::check_error;

/// As the configuration has it by default.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// So that small inputs reach both sides of the limit.
const MESSAGE_BYTES_MAX: u64 = 300;
const PREFIX_BYTES: u64 = 5;
/// What the gateway takes of a provider.
const MEASURES_MAX: usize = 16;
/// gRPC's last status code.
const STATUS_LAST: u8 = 16;
/// The first hop that no hub carries.
const HOPS_MAX: u32 = 8;

const CONSUMER: &str = "H26/lgsp";

fn stamp() -> Stamp {
    let id = TransactionId::new(Instant::from_micros(1_000_000), 7);
    Stamp::new(id, SaltKey::new(b"key").salt(id), &[7; 16])
}

/// What is accepted is, byte for byte, what was sent: nothing is canonicalised.
pub fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match CallPath::parse(text) {
        Ok(path) => assert_eq!(format!("/{}/{}", path.service, path.method), text),
        Err(refusal) => check_refusal(&refusal, &[Reason::MalformedRequest]),
    }
}

/// What is accepted is what the specification says, and survives being told to the provider.
pub fn timeout(data: &[u8]) {
    match parse_timeout(data) {
        Ok(timeout) => {
            assert!(data.len() <= 9 && data.iter().all(u8::is_ascii_alphanumeric));
            let told = format_timeout(timeout);
            let again = parse_timeout(told.as_bytes()).expect("the hub tells what it reads");
            // Cut to the unit's whole number, never more than the consumer gave.
            assert!(again <= timeout, "{told}");
            assert!(again + unit(&told) > timeout || timeout > LONGEST_TOLD);
            assert_eq!(format_timeout(again), told);
        }
        Err(refusal) => check_refusal(&refusal, &[Reason::MalformedRequest]),
    }
}

/// The most that eight digits of seconds say; some three years.
const LONGEST_TOLD: Duration = Duration::from_secs(99_999_999);

fn unit(told: &str) -> Duration {
    match told.as_bytes().last() {
        Some(b'u') => Duration::from_micros(1),
        Some(b'm') => Duration::from_millis(1),
        _ => Duration::from_secs(1),
    }
}

/// Nobody but the hub speaks in `ndxp-*`; what was stated goes on once, and the next hub reads it
/// as this one did.
pub fn request_metadata(data: &[u8]) {
    let mut headers = headers(data);
    let stated = match take_stated(&mut headers, METADATA_BYTES_MAX) {
        Ok(stated) => stated,
        Err(refusal) => {
            let reasons = [Reason::MalformedRequest, Reason::MetadataTooLarge];
            return check_refusal(&refusal, &reasons);
        }
    };
    assert_eq!(owned(&headers), Vec::<String>::new());
    let stamp = stamp();
    let keys = OwnedKeys {
        stamp: &stamp,
        consumer: CONSUMER,
        on_behalf_of: "",
    };
    // A trace that can be read goes on, and any other begins anew.
    let given = headers.get(metadata::TRACEPARENT).cloned();
    let given = given.filter(|_| !stated.trace_id.is_empty());
    let trace = given.as_ref().unwrap_or(&stamp.traceparent);
    annotate_request(&mut headers, &stated, keys);
    for name in owned(&headers) {
        assert_eq!(headers.get_all(&name).iter().count(), 1, "{name}");
    }
    for (name, value) in [
        (metadata::CONSUMER, &HeaderValue::from_static(CONSUMER)),
        (metadata::TRANSACTION_ID, &stamp.transaction_id),
        (metadata::DIGEST_SALT, &stamp.salt),
        ("traceparent", trace),
    ] {
        let found: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(found, [value], "{name}");
    }
    if stated.hop + 1 < HOPS_MAX {
        let next = take_stated(&mut headers, usize::MAX).expect("a hub sends what a hub takes");
        assert_eq!(comparable(next, 0), comparable(stated, 1));
    }
}

/// What the next hub reads of a call, with so many hops more; the provider is looked up anew, and
/// the trace goes on.
fn comparable(stated: Stated, hops: u32) -> Stated {
    let mut measures = stated.measures;
    measures.sort_by(|one, other| one.name.cmp(&other.name));
    Stated {
        provider: None,
        hop: stated.hop + hops,
        measures,
        metadata_bytes: 0,
        trace_id: Vec::new(),
        ..stated
    }
}

/// As a provider sends it, in headers or trailers: no `ndxp-*` of its own passes, its measures are
/// bounded, and whatever it calls a status is one.
pub fn answer_metadata(data: &[u8]) {
    let mut trailers = headers(data);
    for http_status in [200, 404, 503] {
        let http_status = StatusCode::from_u16(http_status).expect("these are statuses");
        assert!(grpc_status(&trailers, http_status) <= STATUS_LAST);
    }
    let mut head = trailers.clone();
    assert!(take_answered(&mut trailers).len() <= MEASURES_MAX);
    assert_eq!(owned(&trailers), Vec::<String>::new());

    assert!(annotate_answer(&mut head, &stamp()).len() <= MEASURES_MAX);
    assert_eq!(
        owned(&head),
        [metadata::DIGEST_SALT, metadata::TRANSACTION_ID]
    );
    let foreign = |headers: &HeaderMap| headers.keys_len();
    assert!(foreign(&head) <= foreign(&trailers) + 2);
}

/// However the stream is cut into frames, it is measured, and refused, in the same way.
pub fn framing(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let whole = measure([stream].into_iter());
    let cut = measure(stream.chunks(usize::from(*cut) + 1));
    assert_eq!(whole, cut);
    match whole {
        Ok((bytes, messages, _)) => {
            assert_eq!(usize::try_from(bytes), Ok(stream.len()));
            assert!(messages * PREFIX_BYTES <= bytes);
        }
        Err(error) => check_error(&error),
    }
}

type Measured = (u64, u64, Vec<u8>);

fn measure<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Result<Measured, FramingError> {
    let (mut meter, mut framing) = (Meter::new(b"salt"), Framing::new(MESSAGE_BYTES_MAX));
    for chunk in chunks {
        framing.pass(chunk)?;
        meter.pass(chunk);
    }
    framing.end()?;
    let measured = meter.measured();
    Ok((measured.bytes, measured.messages, measured.digest))
}

#[track_caller]
fn check_refusal(refusal: &Refusal, reasons: &[Reason]) {
    assert!(reasons.contains(&refusal.reason), "{:?}", refusal.reason);
    check_error(&refusal.detail);
}

/// Lines of `name: value`; one that HTTP/2 cannot carry is left out.
fn headers(data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii_start();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

fn owned(headers: &HeaderMap) -> Vec<String> {
    let names = headers.keys().map(|name| name.as_str().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("ndxp-")).collect();
    names.sort_unstable();
    names
}
