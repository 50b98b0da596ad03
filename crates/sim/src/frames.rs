//! HTTP/2 frame by frame (RFC 9113), for peers that do with it what no library would.

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const PRIORITY: u8 = 0x2;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const WINDOW_UPDATE: u8 = 0x8;
pub const CONTINUATION: u8 = 0x9;

/// Of SETTINGS and PING.
pub const ACK: u8 = 0x1;
/// Of DATA and HEADERS.
pub const END_STREAM: u8 = 0x1;
/// Of HEADERS and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;

/// Error codes of RFC 9113, section 7.
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const INITIAL_WINDOW_SIZE: u16 = 4;

/// What a client says first, with windows of this size.
#[must_use]
pub fn greeting(window_bytes: u32) -> Vec<u8> {
    let setting = [
        &INITIAL_WINDOW_SIZE.to_be_bytes()[..],
        &window_bytes.to_be_bytes(),
    ];
    [&PREFACE[..], &frame(SETTINGS, 0, 0, &setting.concat())].concat()
}

/// A frame as it goes over the wire.
///
/// # Panics
/// When the payload is longer than a frame can say, 16 MiB.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is short");
    let [0, a, b, c] = length.to_be_bytes() else {
        panic!("{length} bytes are no frame");
    };
    let head = [a, b, c, kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// The same frame so many times.
#[must_use]
pub fn many(count: usize, frame: &[u8]) -> Vec<u8> {
    frame.repeat(count)
}

#[must_use]
pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

#[must_use]
pub fn window(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

/// A field of a header list, spelled out and not remembered (RFC 7541, section 6.2.2).
#[must_use]
pub fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name.as_bytes(), value] {
        field.extend(length(text.len()));
        field.extend(text);
    }
    field
}

/// A length of HPACK with seven bits in its first byte (RFC 7541, section 5.1).
#[must_use]
pub fn length(length: usize) -> Vec<u8> {
    const IN_ONE_BYTE: u8 = 127;
    let low_bits = |it: usize| u8::try_from(it & 0x7f).unwrap_or_default();
    let Some(mut rest) = length.checked_sub(IN_ONE_BYTE.into()) else {
        return vec![low_bits(length)];
    };
    let mut bytes = vec![IN_ONE_BYTE];
    while rest >= 128 {
        bytes.push(low_bits(rest) | 128);
        rest >>= 7;
    }
    bytes.push(low_bits(rest));
    bytes
}

/// The header list of a gRPC request.
#[must_use]
pub fn request(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let fields = fields.map(|(name, value)| field(name, value.as_bytes()));
    fields.concat()
}

/// The header list of an answer.
#[must_use]
pub fn answer() -> Vec<u8> {
    let status = field(":status", b"200");
    [status, field("content-type", b"application/grpc")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_standard_with_a_prefix_of_seven_bits() {
        let rows: [(usize, &[u8]); 6] = [
            (0, &[0]),
            (126, &[126]),
            (127, &[127, 0]),
            (254, &[127, 127]),
            (255, &[127, 128, 1]),
            // RFC 7541, C.1.2 has 1337 with five bits; with seven it is 127 + 1210.
            (1_337, &[127, 186, 9]),
        ];
        for (value, wanted) in rows {
            assert_eq!(length(value), wanted, "{value}");
        }
    }

    #[test]
    fn a_frame_is_its_length_in_three_bytes_kind_flags_stream_and_payload() {
        let wanted = [0, 0, 4, RST_STREAM, 0, 0, 0, 0, 5, 0, 0, 0, 8];
        assert_eq!(reset(5, CANCEL), wanted);
        let long = frame(DATA, END_STREAM, 1, &[0; 0x01_02_03]);
        assert_eq!(long.get(..9), Some(&[1, 2, 3, 0, 1, 0, 0, 0, 1][..]));
    }
}
