//! The way in from a consumer. What comes is taken in at once, also while the call waits for the
//! disk or for a provider, so that it stands in one place while it waits.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use ndxp_http2::{Backlog, Error, RecvStream};

/// A request's content, as it comes.
#[derive(Debug)]
pub struct Inlet {
    body: RecvStream,
    /// What came while nobody asked for it.
    early: Backlog,
}

impl Inlet {
    #[must_use]
    pub fn new(body: RecvStream) -> Self {
        Self {
            body,
            early: Backlog::default(),
        }
    }

    /// For somebody else to read, who takes it from its beginning.
    pub fn into_body(self) -> RecvStream {
        debug_assert!(self.early.is_empty(), "nothing has been waited for");
        self.body
    }

    /// Waits for the work, and takes in what comes meanwhile.
    pub async fn while_waiting<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        poll_fn(|cx| {
            let done = work.as_mut().poll(cx);
            if done.is_pending() {
                // Its end, good or bad, will be there for whoever reads.
                while let Poll::Ready(Some(Ok(piece))) = self.body.poll_data(cx) {
                    self.early.push(piece);
                }
            }
            done
        })
        .await
    }

    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match self.early.next_bytes() {
            0 => self.body.poll_data(cx),
            bytes => Poll::Ready(Some(Ok(self.early.take(bytes)))),
        }
    }

    pub async fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.body.trailers().await
    }

    /// Whether nothing comes any more, no trailers either.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.early.is_empty() && self.body.is_end_stream()
    }

    /// Gives bytes back to the consumer's window.
    pub fn release(&mut self, bytes: usize) {
        self.body.release_capacity(bytes);
    }
}
