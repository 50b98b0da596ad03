//! HTTP/2 frame by frame, for peers that do with it what no library would.

use std::net::SocketAddr;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{ReadHalf, WriteHalf};

use super::consumer::dial;

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

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const INITIAL_WINDOW_SIZE: u16 = 4;

#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A frame as it goes over the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// The same frame so many times.
pub fn many(count: usize, frame: &[u8]) -> Vec<u8> {
    frame.repeat(count)
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub fn window(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

/// A field of a header list, spelled out and not remembered (HPACK, section 6.2.2).
pub fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name.as_bytes(), value] {
        field.extend(length(text.len()));
        field.extend(text);
    }
    field
}

/// A length of HPACK with seven bits in its first byte.
pub fn length(length: usize) -> Vec<u8> {
    if length < 127 {
        return vec![u8::try_from(length).unwrap()];
    }
    let mut bytes = vec![127];
    let mut rest = length - 127;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// The header list of a gRPC request.
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
pub fn answer() -> Vec<u8> {
    let status = field(":status", b"200");
    [status, field("content-type", b"application/grpc")].concat()
}

/// One end of a connection.
pub struct Wire<S> {
    pub read: Reader<ReadHalf<S>>,
    pub write: WriteHalf<S>,
}

pub struct Reader<R>(R);

pub type Client = Wire<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>;

impl Client {
    /// A consumer that has said the preface, with windows of this size.
    pub async fn connect(hub: SocketAddr, tls: ClientConfig, window_bytes: u32) -> Self {
        let stream = dial(hub, tls).await.expect("the hub takes the connection");
        let mut wire = Self::over(stream);
        let [a, b] = INITIAL_WINDOW_SIZE.to_be_bytes();
        let setting = [&[a, b], &window_bytes.to_be_bytes()[..]].concat();
        let settings = frame(SETTINGS, 0, 0, &setting);
        wire.say(&[&PREFACE[..], &settings].concat()).await;
        wire
    }
}

impl<S: AsyncRead + AsyncWrite> Wire<S> {
    fn over(stream: S) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self {
            read: Reader(read),
            write,
        }
    }

    /// A provider that has read the preface and said its own.
    pub async fn serve(stream: S) -> Option<Self> {
        let mut wire = Self::over(stream);
        let mut preface = [0; PREFACE.len()];
        wire.read.0.read_exact(&mut preface).await.ok()?;
        assert_eq!(&preface, PREFACE);
        wire.say(&frame(SETTINGS, 0, 0, &[])).await;
        Some(wire)
    }

    /// What the other end no longer takes is no news.
    pub async fn say(&mut self, bytes: &[u8]) {
        let _gone = self.write.write_all(bytes).await;
    }
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The next frame; none when the connection has ended, in whatever way.
    pub async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes(stream);
        Some(Frame {
            kind,
            flags,
            stream,
            payload,
        })
    }

    /// The next frame of a kind.
    pub async fn find(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// With which code the other end ends the connection.
    pub async fn told_to_go(&mut self) -> Option<u32> {
        let goaway = self.find(GOAWAY).await?;
        Some(u32::from_be_bytes(goaway.payload[4..8].try_into().unwrap()))
    }
}

impl Frame {
    /// The code of RST_STREAM.
    pub fn code(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().unwrap())
    }
}
