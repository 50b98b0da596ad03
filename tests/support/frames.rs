//! Connections on which HTTP/2 is spoken frame by frame.

use std::net::SocketAddr;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{ReadHalf, WriteHalf};

use super::consumer::dial;

pub use ndxp_sim::frames::*;

#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
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
        wire.say(&greeting(window_bytes)).await;
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
