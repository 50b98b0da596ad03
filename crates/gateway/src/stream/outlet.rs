//! The way out to one side of a call: within its window, and with few pieces under way at once.
//!
//! The HTTP/2 machinery bounds the bytes that wait for the socket, and keeps a record and a buffer
//! for each piece of them. A peer that reads nothing while the other side sends single bytes would
//! make these cost a thousand times the bytes; so thin pieces are counted until they have left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use bytes::{Buf, Bytes};
use h2::SendStream;
use http::HeaderMap;

use super::backlog::{Backlog, THIN_BYTES};

/// Thin pieces that wait for the socket at once. While they do, those behind them are joined.
const THIN_PIECES_MAX: usize = 8;

/// A piece on its way to the socket.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    /// Of a thin piece that is counted.
    _under_way: Option<UnderWay>,
}

/// Thin pieces that have not left yet, and who waits for that.
#[derive(Debug, Default)]
struct Queue {
    pieces: AtomicUsize,
    waiting: AtomicWaker,
}

/// Counts until dropped.
#[derive(Debug)]
struct UnderWay(Arc<Queue>);

/// A side that is being sent to.
#[derive(Debug)]
pub struct Outlet {
    stream: SendStream<Piece>,
    /// Whether a piece has been sent. The first is not counted: most calls have no other.
    begun: bool,
    ended: bool,
    /// Something waits for this side to take it.
    behind: bool,
    queue: Option<Arc<Queue>>,
}

/// The stream takes nothing more: reset, or its connection lost.
#[derive(Clone, Copy, Debug)]
pub struct TakesNoMore;

impl Outlet {
    #[must_use]
    pub fn new(stream: SendStream<Piece>) -> Self {
        Self {
            stream,
            begun: false,
            ended: false,
            behind: false,
            queue: None,
        }
    }

    /// Sends what waits as far as there is room, and tells each piece to `passes`; ready when nothing
    /// waits any more. `ends` says that nothing comes behind it.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        backlog: &mut Backlog,
        ends: bool,
        passes: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<(), TakesNoMore>> {
        loop {
            let wanted = backlog.next_bytes();
            self.behind = wanted > 0;
            if !self.behind {
                return Poll::Ready(Ok(()));
            }
            let room = ready!(self.poll_room(cx, wanted))?;
            let bytes = backlog.take(room);
            passes(&bytes);
            self.ended = ends && backlog.is_empty();
            let piece = self.piece(bytes);
            self.stream
                .send_data(piece, self.ended)
                .map_err(|_| TakesNoMore)?;
        }
    }

    /// Whether something waits for this side to take it.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Ends the stream without trailers, unless its last piece has.
    pub fn end(&mut self) -> Result<(), TakesNoMore> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        let nothing = Piece::from(Bytes::new());
        self.stream
            .send_data(nothing, true)
            .map_err(|_| TakesNoMore)
    }

    pub fn send_trailers(&mut self, trailers: HeaderMap) -> Result<(), TakesNoMore> {
        self.stream.send_trailers(trailers).map_err(|_| TakesNoMore)
    }

    pub fn reset(&mut self, reason: h2::Reason) {
        self.stream.send_reset(reason);
    }

    /// Ready when the other side has reset the stream or is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx).map(drop)
    }

    /// Waits for room for a piece, and for the thin ones before it to leave.
    fn poll_room(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<Result<usize, TakesNoMore>> {
        if let Some(queue) = &self.queue {
            ready!(queue.poll_room(cx));
        }
        self.stream.reserve_capacity(wanted);
        match self.stream.capacity() {
            0 => {}
            room => return Poll::Ready(Ok(room)),
        }
        match ready!(self.stream.poll_capacity(cx)) {
            Some(Ok(room)) => Poll::Ready(Ok(room)),
            Some(Err(_)) | None => Poll::Ready(Err(TakesNoMore)),
        }
    }

    fn piece(&mut self, bytes: Bytes) -> Piece {
        let first = !std::mem::replace(&mut self.begun, true);
        if first || bytes.len() >= THIN_BYTES {
            return bytes.into();
        }
        let queue = self.queue.get_or_insert_default();
        let before = queue.pieces.fetch_add(1, Ordering::AcqRel);
        Piece {
            // One that waits behind others does so outside of the buffer that it was read in.
            bytes: match before {
                0 => bytes,
                _ => Bytes::copy_from_slice(&bytes),
            },
            _under_way: Some(UnderWay(Arc::clone(queue))),
        }
    }
}

impl Queue {
    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let full = || self.pieces.load(Ordering::Acquire) >= THIN_PIECES_MAX;
        if full() {
            self.waiting.register(cx.waker());
            // One may have left meanwhile.
            if full() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.0.pieces.fetch_sub(1, Ordering::AcqRel) == THIN_PIECES_MAX {
            self.0.waiting.wake();
        }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            _under_way: None,
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, bytes: usize) {
        self.bytes.advance(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn thin_pieces_wait_for_those_before_them_to_leave() {
        let queue = Arc::<Queue>::default();
        let cx = Context::from_waker(Waker::noop());
        let mut under_way: Vec<_> = (0..THIN_PIECES_MAX)
            .map(|at| {
                assert!(queue.poll_room(&cx).is_ready(), "{at}");
                queue.pieces.fetch_add(1, Ordering::AcqRel);
                UnderWay(Arc::clone(&queue))
            })
            .collect();
        assert!(queue.poll_room(&cx).is_pending());
        under_way.pop();
        assert!(queue.poll_room(&cx).is_ready());
    }
}
