//! What readers of a stream are given, and what they give back.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::stream::{Phase, Stream};
use super::{Key, State};
use crate::error::{By, Error, Reason};

impl State {
    /// The next request that nobody has taken. Its stream is held twice: by who reads and by who answers.
    pub fn take_arrived(&mut self) -> Option<(Key, Request<()>)> {
        let (key, request) = self.arrived.pop_front()?;
        let stream = self.stream(key);
        stream.arrived = false;
        stream.holders = 2;
        Some((key, request))
    }

    /// Requests that were reset before anybody took them, since this was asked last.
    pub fn take_withdrawn(&mut self) -> u32 {
        std::mem::take(&mut self.withdrawn)
    }

    pub fn poll_response(
        &mut self,
        key: Key,
        cx: &Context<'_>,
    ) -> Poll<Result<Response<()>, Error>> {
        let stream = self.stream(key);
        if let Some(head) = stream.head.take() {
            return Poll::Ready(Ok(head));
        }
        if let Some(error) = stream.failed {
            return Poll::Ready(Err(error));
        }
        stream.await_reading(cx);
        Poll::Pending
    }

    /// The next piece of content; what came before a failure is given first.
    pub fn poll_data(&mut self, key: Key, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let stream = self.stream(key);
        match stream.content.next_bytes() {
            0 => match end_of(stream) {
                Some(end) => Poll::Ready(end.err().map(Err)),
                None => {
                    stream.await_reading(cx);
                    Poll::Pending
                }
            },
            bytes => Poll::Ready(Some(Ok(stream.content.take(bytes)))),
        }
    }

    /// What ends the content, once all of it was read.
    pub fn poll_trailers(
        &mut self,
        key: Key,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<HeaderMap>, Error>> {
        let stream = self.stream(key);
        if let Some(trailers) = stream.trailers.take() {
            return Poll::Ready(Ok(Some(trailers)));
        }
        match end_of(stream) {
            Some(end) => Poll::Ready(end.map(|()| None)),
            None => {
                stream.await_reading(cx);
                Poll::Pending
            }
        }
    }

    #[must_use]
    pub fn is_read(&self, key: Key) -> bool {
        self.streams.get(key).is_none_or(Stream::is_read)
    }

    /// Bytes were taken; the other side may send as many again.
    pub fn release(&mut self, key: Key, bytes: usize) {
        let released = self.stream(key).window.release(bytes);
        self.renew_window(key);
        self.release_of_connection(released);
    }

    /// Ready once the other side has reset the stream, or is gone.
    pub fn poll_gone(&mut self, key: Key, cx: &Context<'_>) -> Poll<()> {
        let stream = self.stream(key);
        if stream.failed.is_some() {
            return Poll::Ready(());
        }
        stream.await_writing(cx);
        Poll::Pending
    }

    /// Whoever read the stream does so no more.
    pub fn leave_unread(&mut self, key: Key) {
        let stream = self.stream(key);
        stream.unread = true;
        stream.content = crate::backlog::Backlog::default();
        let held = stream.window.held();
        stream.window.release(held);
        self.renew_window(key);
        self.release_of_connection(held);
    }

    pub fn hold(&mut self, key: Key) {
        self.stream(key).holders += 1;
    }

    /// One less holds the stream. When nobody does, what is left of it is broken off.
    pub fn let_go(&mut self, key: Key) {
        let server = self.role == super::Role::Server;
        let stream = self.stream(key);
        stream.holders -= 1;
        if stream.holders > 0 {
            return;
        }
        if !stream.open {
            self.remove_unheld(key);
            return;
        }
        // A server that has said all has no use for the rest of the request: section 8.1.
        let answered = server && stream.sending == Phase::Over;
        let reason = match answered {
            true => Reason::NO_ERROR,
            false => Reason::CANCEL,
        };
        self.reset(key, reason);
    }

    /// Breaks the stream off.
    pub fn reset(&mut self, key: Key, reason: Reason) {
        let stream = self.stream(key);
        if !stream.open {
            return;
        }
        let id = stream.id;
        if self.ended.is_none() {
            self.put_reset(id, reason);
            self.wake();
        }
        self.fail(key, Error::reset(reason, By::User));
    }
}

/// How the content of a stream ended, if it has. What came whole is whole, whatever became of the stream
/// behind it.
fn end_of(stream: &Stream) -> Option<Result<(), Error>> {
    match stream.receiving {
        Phase::Over => Some(Ok(())),
        Phase::Head | Phase::Content => stream.failed.map(Err),
    }
}
