//! Frames, as RFC 9113, section 4 and 6, lays them out.

use crate::error::Reason;

/// Length (3 bytes), kind, flags, stream (4 bytes).
pub const HEAD_BYTES: usize = 9;
/// The largest frame that either side of a connection is sent here: every peer takes it, and it fits
/// into one TLS record.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024;
/// What a client says before its first frame.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The highest number of a stream, and the widest window.
pub const STREAM_MAX: u32 = (1 << 31) - 1;
pub const WINDOW_MAX: i64 = (1 << 31) - 1;
/// What windows are until somebody says otherwise.
pub const WINDOW_BYTES_DEFAULT: u32 = 65_535;

pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

pub mod flag {
    pub const ACK: u8 = 0x1;
    pub const END_STREAM: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
    pub const PRIORITY: u8 = 0x20;
}

pub mod setting {
    pub const HEADER_TABLE_SIZE: u16 = 1;
    pub const ENABLE_PUSH: u16 = 2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    pub const MAX_FRAME_SIZE: u16 = 5;
    pub const MAX_HEADER_LIST_SIZE: u16 = 6;
    /// RFC 8441; nobody is offered it.
    pub const ENABLE_CONNECT_PROTOCOL: u16 = 8;
}

/// The nine bytes that every frame begins with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    pub length: usize,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

impl Head {
    pub fn read(bytes: &[u8; HEAD_BYTES]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = *bytes;
        Self {
            length: usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c),
            kind,
            flags,
            // The highest bit means nothing.
            stream: u32::from_be_bytes(stream) & STREAM_MAX,
        }
    }

    pub fn write(self) -> [u8; HEAD_BYTES] {
        let [_, a, b, c] = u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }

    #[must_use]
    pub fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// What padding takes of a payload, if it has any; an error if it takes more than there is.
pub fn without_padding(head: Head, payload: &[u8]) -> Result<&[u8], Reason> {
    if !head.has(flag::PADDED) {
        return Ok(payload);
    }
    let (padding, rest) = payload.split_first().ok_or(Reason::PROTOCOL_ERROR)?;
    let content = rest.len().checked_sub(usize::from(*padding));
    content
        .and_then(|bytes| rest.get(..bytes))
        .ok_or(Reason::PROTOCOL_ERROR)
}

/// The four bytes that a payload consists of, or begins with.
pub fn number(payload: &[u8]) -> Option<u32> {
    payload
        .first_chunk()
        .map(|bytes| u32::from_be_bytes(*bytes))
}

/// Appends a frame that is known as a whole.
pub fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let head = Head {
        length: payload.len(),
        kind,
        flags,
        stream,
    };
    out.extend_from_slice(&head.write());
    out.extend_from_slice(payload);
}

/// Appends a SETTINGS frame.
pub fn put_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    let mut payload = Vec::with_capacity(settings.len() * 6);
    for (setting, value) in settings {
        payload.extend_from_slice(&setting.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    put(out, kind::SETTINGS, 0, 0, &payload);
}

pub fn put_goaway(out: &mut Vec<u8>, last: u32, reason: Reason, why: &str) {
    let mut payload = Vec::with_capacity(8 + why.len());
    payload.extend_from_slice(&last.to_be_bytes());
    payload.extend_from_slice(&reason.code().to_be_bytes());
    payload.extend_from_slice(why.as_bytes());
    put(out, kind::GOAWAY, 0, 0, &payload);
}
