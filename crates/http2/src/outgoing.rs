//! Bytes on their way to the socket, in the order in which they were said. Large pieces of content stay
//! in the buffers that they came in: between two sockets they are copied by nobody here.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite;

use crate::backlog::THIN_BYTES;
use crate::buffers;

/// Told to the socket at once, at most: four full frames with their heads, and what stands behind.
const SLICES_MAX: usize = 9;

/// What waits, or is leaving.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// All but the pieces.
    pub bytes: Vec<u8>,
    /// So many of them have left.
    left: usize,
    /// Each stands behind so many of the bytes.
    pieces: VecDeque<(usize, Bytes)>,
    pieces_bytes: usize,
}

impl Outgoing {
    /// How many bytes there are still.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.left + self.pieces_bytes
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first bytes need a buffer.
    pub fn make_room(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = buffers::take();
        }
    }

    /// Appends content.
    pub fn push(&mut self, content: Bytes) {
        if content.len() < THIN_BYTES {
            self.bytes.extend_from_slice(&content);
            return;
        }
        self.pieces_bytes += content.len();
        self.pieces.push_back((self.bytes.len(), content));
    }

    /// Writes what the socket takes; there has to be something.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        let written = if self.pieces.is_empty() {
            let rest = self.bytes.get(self.left..).unwrap_or_default();
            Pin::new(io).poll_write(cx, rest)
        } else {
            let (mut slices, mut count) = ([IoSlice::new(&[]); SLICES_MAX], 0);
            let parts = self.parts().filter(|part| !part.is_empty());
            for (slice, part) in slices.iter_mut().zip(parts) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            Pin::new(io).poll_write_vectored(cx, slices.get(..count).unwrap_or_default())
        };
        written.map(|written| match written? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            bytes => {
                self.advance(bytes);
                Ok(())
            }
        })
    }

    /// What is left, in order.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = self.left;
        let before_pieces = self.pieces.iter().flat_map(move |(behind, piece)| {
            let before = self.bytes.get(at..*behind).unwrap_or_default();
            at = *behind;
            [before, piece]
        });
        let behind_pieces = self.pieces.back().map_or(self.left, |(behind, _)| *behind);
        before_pieces.chain(self.bytes.get(behind_pieces..))
    }

    /// So many bytes have left.
    fn advance(&mut self, mut written: usize) {
        while let Some((behind, piece)) = self.pieces.front_mut() {
            let before = written.min(*behind - self.left);
            self.left += before;
            written -= before;
            let of_piece = written.min(piece.len());
            piece.advance(of_piece);
            self.pieces_bytes -= of_piece;
            written -= of_piece;
            if self.left < *behind || !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        self.left += written;
    }

    /// Keeps the buffer for others, once all has left.
    pub fn give_back(self) {
        buffers::give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says pieces of these sizes, thin and large, and takes so many bytes at a time.
    #[track_caller]
    fn check(said: &[usize], at_once: usize) {
        let whole: Vec<u8> = (0_u8..=255).cycle().take(said.iter().sum()).collect();
        let (mut out, mut rest) = (Outgoing::default(), Bytes::from(whole.clone()));
        for size in said {
            out.push(rest.split_to(*size));
        }
        assert_eq!(
            out.pieces.len(),
            said.iter().filter(|it| **it >= THIN_BYTES).count()
        );
        let mut seen = Vec::new();
        while !out.is_empty() {
            assert_eq!(out.len(), whole.len() - seen.len());
            let told: Vec<u8> = out.parts().flatten().copied().take(at_once).collect();
            out.advance(told.len());
            seen.extend(told);
        }
        assert_eq!(seen, whole);
        assert_eq!((out.pieces.len(), out.pieces_bytes), (0, 0));
    }

    #[test]
    fn what_was_said_leaves_in_its_order_however_much_is_taken_at_once() {
        const T: usize = THIN_BYTES;
        let rows: [&[usize]; 6] = [
            &[],
            &[9],
            &[T],
            &[9, T, 9, 2 * T, 9],
            &[T, T, 9],
            &[9, T - 1, 9, T],
        ];
        for said in rows {
            for at_once in [1, 9, 10, T - 1, T, T + 9, usize::MAX] {
                check(said, at_once);
            }
        }
    }
}
