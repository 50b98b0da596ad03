//! The other side of a connection, as it is written: what it sends is there from the beginning, and then
//! nothing more comes; what it is sent is kept.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{RST_STREAM, Seen};

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

pub struct Wire {
    pieces: VecDeque<Vec<u8>>,
    told: Told,
}

/// What the other side was sent.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<u8>>>);

impl Wire {
    pub fn whole(bytes: &[u8]) -> Self {
        Self::cut(bytes, bytes.len().max(1))
    }

    pub fn cut(bytes: &[u8], step: usize) -> Self {
        Self {
            pieces: bytes.chunks(step).map(<[u8]>::to_vec).collect(),
            told: Told::default(),
        }
    }

    /// Nothing comes at first.
    pub fn after_a_pause(mut self) -> Self {
        self.pieces.push_front(Vec::new());
        self
    }

    pub fn told(&self) -> Told {
        self.told.clone()
    }
}

impl Told {
    /// Notes what it was told of streams and of the connection.
    pub fn note(&self, seen: &mut Seen) {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = bytes.strip_prefix(super::PREFACE).unwrap_or(&bytes);
        while let Some(([a, b, c, kind, flags, _, _, _, stream], behind)) = rest.split_first_chunk()
        {
            let length = u32::from_be_bytes([0, *a, *b, *c]);
            let length = usize::try_from(length).expect("three bytes");
            let (payload, behind) = behind.split_at(length);
            rest = behind;
            match *kind {
                RST_STREAM => {
                    seen.resets.insert(u32::from(*stream));
                }
                SETTINGS if *flags == ACK => seen.acknowledged += 1,
                PING if *flags == ACK => seen.pongs += 1,
                GOAWAY => seen.breach |= payload.get(4..8) != Some(&[0; 4]),
                _ => {}
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return Poll::Pending;
        };
        if piece.is_empty() {
            return Poll::Pending;
        }
        let rest = piece.split_off(piece.len().min(buf.remaining()));
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
