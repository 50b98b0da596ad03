//! HTTP/2: what the hub's own makes of a peer's frames, `h2` makes of them, and it makes the same of
//! them however they are cut.
//!
//! An input is a peer's frames, written so that a mutation of it is frames again: kind, flags, stream and
//! length in a byte each, and so many bytes of payload, or as many as there are.

mod ours;
mod theirs;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;
use wire::Wire;

/// What a peer begins with, so that both know that it speaks HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const KIND_OF_NOTHING: u8 = 0xee;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY_FLAG: u8 = 0x20;
/// Requests that a client has sent before it hears anything.
const REQUESTS: usize = 3;
/// `h2` has a budget for frames that it takes for idle ones; no input comes near it.
const FRAMES_MAX: usize = 60;
/// What either allows a peer.
const STREAM_WINDOW_BYTES: u32 = 65_535;
const HEADER_LIST_BYTES_MAX: u32 = 2_000;
/// More than any input begins: what is still on its way to a stream that was refused, h2 takes for a breach.
const STREAMS_MAX: u32 = 1_000;

/// What became of a peer's frames.
#[derive(Debug, Default, Eq, PartialEq)]
struct Seen {
    /// By the stream's place in the order in which they were taken, or sent.
    streams: Vec<Stream>,
    /// The streams that were told to end, as the peer was sent it.
    resets: BTreeSet<u32>,
    pongs: usize,
    acknowledged: usize,
    /// Whether the connection was ended for the peer's fault.
    breach: bool,
}

/// What became of a stream.
#[derive(Debug, Default, Eq, PartialEq)]
struct Stream {
    head: String,
    /// Its bytes, and what they come to.
    content: (usize, u32),
    end: End,
}

#[derive(Debug, Default, Eq, PartialEq)]
enum End {
    /// More may come.
    #[default]
    Open,
    Over(Option<String>),
    /// By the peer, with its code.
    Reset(u32),
    /// By this side, for the peer's fault; or with the connection.
    Broken,
}

/// A frame of a peer.
#[derive(Clone)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u8,
    payload: Vec<u8>,
}

/// A client's frames, as a server takes them.
pub fn server(input: &[u8]) {
    check(input, PREFACE, ours::server, theirs::server);
}

/// A server's frames, as a client takes them.
pub fn client(input: &[u8]) {
    check(input, &[], ours::client, theirs::client);
}

fn check(input: &[u8], preface: &[u8], ours: fn(Wire) -> Seen, theirs: fn(Wire) -> Seen) {
    let written = |frames: &[Frame]| {
        let frames: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        [preface, &frames].concat()
    };
    let frames = frames(input);
    let bytes = written(&frames);
    let seen = ours(Wire::whole(&bytes));
    for step in [1, 2, 7, 64] {
        let cut = ours(Wire::cut(&bytes, step));
        assert_eq!(cut, seen, "in pieces of {step}");
    }
    let resets = frames.iter().any(|frame| frame.kind == RST_STREAM);
    match joined(frames) {
        Some(frames) => compare(&seen, &theirs(Wire::whole(&written(&frames))), resets),
        None => assert!(seen.breach, "a header list is interrupted: {seen:?}"),
    }
}

/// What is sound to one is sound to the other, and read as the same; what one finds fault with, the other does
/// too. What a peer is to be told of its fault is not compared: h2 calls some of it a breach that is none, and
/// gives up in the midst of what it has not read.
#[track_caller]
fn compare(ours: &Seen, theirs: &Seen, resets: bool) {
    // Stricter here on purpose: a length without a digit, and trailers that say what trailers may not, or
    // more than is allowed.
    let unsaid = |stream: &Stream| stream.head.contains("\"content-length\": [\"\"");
    let mut streams = ours.streams.iter().zip(&theirs.streams);
    let stricter = theirs.streams.iter().any(unsaid)
        || streams.any(|(ours, theirs)| {
            matches!((&ours.end, &theirs.end), (End::Broken, End::Over(Some(_))))
        });
    // Of a fault on a stream that its peer resets as well, h2 says nothing, or more than is due.
    // And it hands out what was reset before anybody could take it.
    let untaken = ours.streams.len() != theirs.streams.len();
    let mended = resets && (ours.is_fault() || theirs.is_fault() || untaken);
    if stricter || mended {
        return;
    }
    assert_eq!(
        ours.is_fault(),
        theirs.is_fault(),
        "{ours:?}, and {theirs:?}"
    );
    if !ours.is_fault() {
        assert_eq!(ours, theirs, "ours, and that of h2");
    }
}

impl Seen {
    /// Whether the peer was found to break the protocol.
    fn is_fault(&self) -> bool {
        let broken = self.streams.iter().any(|stream| stream.end == End::Broken);
        self.breach || !self.resets.is_empty() || broken
    }
}

/// The frames of an input.
fn frames(mut input: &[u8]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    while frames.len() < FRAMES_MAX
        && let Some(([kind, flags, stream, length], behind)) = input.split_first_chunk()
    {
        let (payload, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        input = behind;
        let mut frame = Frame {
            kind: *kind,
            flags: *flags,
            stream: *stream,
            payload: independent(*kind, *flags, payload),
        };
        match frame.kind {
            // What is pushed ends the connection here; h2 has more to say of it before.
            PUSH_PROMISE => frame.kind = KIND_OF_NOTHING,
            HEADERS if !frame.ends_list() => frame.flags &= !(PADDED | PRIORITY_FLAG),
            _ => {}
        }
        frames.push(frame);
    }
    // A header list that goes on for ever is judged when it ends.
    if let Some(last) = frames.last()
        && matches!(last.kind, HEADERS | CONTINUATION)
        && !last.ends_list()
    {
        let (kind, stream) = (CONTINUATION, last.stream);
        frames.push(Frame {
            kind,
            flags: END_HEADERS,
            stream,
            payload: Vec::new(),
        });
    }
    frames
}

/// The same with each header list in one frame: h2 gives a list up in its midst, and then takes what is left
/// of it for a breach. `None` where one is interrupted.
fn joined(frames: Vec<Frame>) -> Option<Vec<Frame>> {
    let mut joined: Vec<Frame> = Vec::new();
    for frame in frames {
        match joined
            .last_mut()
            .filter(|last| last.kind == HEADERS && !last.ends_list())
        {
            Some(list) if frame.kind == CONTINUATION && frame.stream == list.stream => {
                list.flags |= frame.flags & END_HEADERS;
                list.payload.extend(frame.payload);
            }
            Some(_) => return None,
            None => joined.push(frame),
        }
    }
    Some(joined)
}

impl Frame {
    fn ends_list(&self) -> bool {
        self.flags & END_HEADERS != 0
    }

    fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or_default();
        let [_, a, b, c] = length.to_be_bytes();
        let head = [a, b, c, self.kind, self.flags, 0, 0, 0, self.stream];
        [&head, &*self.payload].concat()
    }
}

/// A frame's payload without what makes its stream depend on itself: h2 then leaves the header list unread,
/// and its table out of step.
fn independent(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let place = match kind {
        HEADERS if flags & PRIORITY_FLAG != 0 => usize::from(flags & PADDED != 0),
        PRIORITY => 0,
        _ => return payload,
    };
    payload
        .iter_mut()
        .skip(place)
        .take(4)
        .for_each(|byte| *byte = 0);
    payload
}

/// A header list as text: the same for the same list.
fn text(fields: &HeaderMap) -> String {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in fields {
        let value = value.as_bytes().escape_ascii().to_string();
        lines.entry(name.as_str()).or_default().push(value);
    }
    format!("{lines:?}")
}
