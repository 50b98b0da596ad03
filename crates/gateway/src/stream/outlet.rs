//! The way out to one side of a call: as far as its windows and what waits for its socket allow.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
pub use ndxp_http2::TakesNoMore;
use ndxp_http2::{Backlog, Reason, SendStream};

/// A side that is being sent to.
#[derive(Debug)]
pub struct Outlet {
    stream: SendStream,
    ended: bool,
    /// Something waits for this side to take it.
    behind: bool,
}

impl Outlet {
    #[must_use]
    pub fn new(stream: SendStream) -> Self {
        Self {
            stream,
            ended: false,
            behind: false,
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
            let room = ready!(self.stream.poll_room(cx, wanted))?;
            let piece = backlog.take(room);
            passes(&piece);
            self.ended = ends && backlog.is_empty();
            self.stream.send_data(piece, self.ended)?;
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
        self.stream.send_data(Bytes::new(), true)
    }

    pub fn send_trailers(&mut self, trailers: &HeaderMap) -> Result<(), TakesNoMore> {
        self.stream.send_trailers(trailers)
    }

    pub fn reset(&mut self, reason: Reason) {
        self.stream.send_reset(reason);
    }

    /// Ready when the other side has reset the stream or is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_gone(cx)
    }
}
