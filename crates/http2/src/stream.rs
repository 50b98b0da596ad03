//! What is held of a stream: who reads it, who writes it. When nobody does any more, it is broken off.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::connection::Shared;
use crate::error::{Error, Reason};
use crate::state::{Key, TakesNoMore};

/// One holder of a stream.
struct Hold {
    shared: Arc<Shared>,
    key: Key,
}

/// What the other side sends on a stream.
#[derive(Debug)]
pub struct RecvStream(Hold);

/// What the other side is sent on a stream, behind the head.
#[derive(Debug)]
pub struct SendStream(Hold);

/// The way to answer a request.
#[derive(Debug)]
pub struct SendResponse(Hold);

/// The head of an answer, and what follows it.
#[derive(Debug)]
pub struct ResponseFuture(Option<RecvStream>);

impl Hold {
    fn another(&self) -> Self {
        self.shared.lock().hold(self.key);
        Self {
            shared: Arc::clone(&self.shared),
            key: self.key,
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hold").field(&self.key).finish()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.lock().let_go(self.key);
    }
}

/// The holders of a request that was taken just now.
pub(crate) fn of_request(shared: &Arc<Shared>, key: Key) -> (RecvStream, SendResponse) {
    (
        RecvStream(hold(shared, key)),
        SendResponse(hold(shared, key)),
    )
}

/// The holders of a request that was sent just now.
pub(crate) fn of_response(shared: &Arc<Shared>, key: Key) -> (ResponseFuture, SendStream) {
    let answer = ResponseFuture(Some(RecvStream(hold(shared, key))));
    (answer, SendStream(hold(shared, key)))
}

/// One that is counted already.
fn hold(shared: &Arc<Shared>, key: Key) -> Hold {
    Hold {
        shared: Arc::clone(shared),
        key,
    }
}

impl RecvStream {
    /// The next piece of content; `None` behind the last one.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.0.shared.lock().poll_data(self.0.key, cx)
    }

    /// The trailers, if there are any, once all content was read.
    pub fn poll_trailers(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<HeaderMap>, Error>> {
        self.0.shared.lock().poll_trailers(self.0.key, cx)
    }

    /// As [`Self::poll_trailers`].
    ///
    /// # Errors
    /// When the stream or its connection ends before.
    pub async fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        std::future::poll_fn(|cx| self.poll_trailers(cx)).await
    }

    /// Whether all was read: nothing comes any more.
    #[must_use]
    pub fn is_end_stream(&self) -> bool {
        self.0.shared.lock().is_read(self.0.key)
    }

    /// So many bytes of content were taken: the other side may send as many again.
    pub fn release_capacity(&mut self, bytes: usize) {
        self.0.shared.lock().release(self.0.key, bytes);
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        self.0.shared.lock().leave_unread(self.0.key);
    }
}

impl SendStream {
    /// How many bytes of content may be sent now, of those that wait.
    pub fn poll_room(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<Result<usize, TakesNoMore>> {
        self.0.shared.lock().poll_room(self.0.key, wanted, cx)
    }

    /// Sends content, for which [`Self::poll_room`] has told that there is room.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn send_data(&mut self, content: Bytes, ends: bool) -> Result<(), TakesNoMore> {
        self.0.shared.lock().send_data(self.0.key, content, ends)
    }

    /// Ends the stream with trailers.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn send_trailers(&mut self, trailers: &HeaderMap) -> Result<(), TakesNoMore> {
        self.0.shared.lock().send_trailers(self.0.key, trailers)
    }

    /// Breaks the stream off, unless it is over.
    pub fn send_reset(&mut self, reason: Reason) {
        self.0.shared.lock().reset(self.0.key, reason);
    }

    /// Ready when the other side has reset the stream, or is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.shared.lock().poll_gone(self.0.key, cx)
    }
}

impl SendResponse {
    /// Answers: with the head alone, if it `ends` with it.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn send_response(
        &mut self,
        response: &Response<()>,
        ends: bool,
    ) -> Result<SendStream, TakesNoMore> {
        let Hold { shared, key } = &self.0;
        shared.lock().send_response(*key, response, ends)?;
        Ok(SendStream(self.0.another()))
    }

    /// Breaks the stream off, unless it is over.
    pub fn send_reset(&mut self, reason: Reason) {
        self.0.shared.lock().reset(self.0.key, reason);
    }

    /// Ready when the other side has reset the stream, or is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.shared.lock().poll_gone(self.0.key, cx)
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<RecvStream>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(RecvStream(Hold { shared, key })) = &self.0 else {
            return Poll::Pending;
        };
        let answered = std::task::ready!(shared.lock().poll_response(*key, cx));
        let body = self.0.take();
        Poll::Ready(match (answered, body) {
            (Ok(head), Some(body)) => Ok(head.map(|()| body)),
            (Err(error), _) => Err(error),
            (Ok(_), None) => Err(Error::reset(Reason::CANCEL, crate::error::By::User)),
        })
    }
}
