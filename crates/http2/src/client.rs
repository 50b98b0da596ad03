//! The end that asks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::config::Config;
use crate::connection::{Driver, Shared};
use crate::error::Error;
use crate::frame::PREFACE;
use crate::state::{Role, State, Target, Ticket};
use crate::stream::{self, ResponseFuture, SendStream};

/// A connection, to be polled until it ends. It does when nobody can send requests any more and those
/// that were sent are answered.
#[derive(Debug)]
pub struct Connection<S>(Driver<S>);

/// The way to send requests; a clone is as good.
#[derive(Debug)]
pub struct SendRequest {
    shared: Arc<Shared>,
    /// A place in the queue, where the other side takes no more streams.
    ticket: Option<Ticket>,
}

/// Begins a connection; its first words leave when it is polled.
pub fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    io: S,
    config: Config,
) -> (SendRequest, Connection<S>) {
    let mut state = State::new(Role::Client, config);
    state.out.bytes.extend_from_slice(PREFACE);
    state.put_own_settings();
    state.senders = 1;
    let driver = Driver::new(io, state);
    let send = SendRequest {
        shared: Arc::clone(&driver.shared),
        ticket: None,
    };
    (send, Connection(driver))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// How much content of all answers together may wait to be read.
    pub fn set_target_window_size(&mut self, bytes: u32) {
        self.0.shared.lock().set_target_window(bytes);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connection<S> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl SendRequest {
    /// Ready when a request may be sent.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.lock().poll_open(&mut self.ticket, cx)
    }

    /// Sends the head of a gRPC request: POST, by https. It is the whole request, if it `ends` with it.
    ///
    /// # Errors
    /// When the connection takes no more requests.
    pub fn send_request<'a>(
        &mut self,
        target: Target<'_>,
        headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
        ends: bool,
    ) -> Result<(ResponseFuture, SendStream), Error> {
        let mut state = self.shared.lock();
        if let Some(ticket) = self.ticket.take() {
            state.use_ticket(ticket);
        }
        let key = state.send_request(target, headers, ends)?;
        drop(state);
        Ok(stream::of_response(&self.shared, key))
    }

    /// Streams that the other side takes at once.
    #[must_use]
    pub fn current_max_send_streams(&self) -> usize {
        self.shared.lock().peer_streams_max()
    }
}

impl Clone for SendRequest {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self {
            shared: Arc::clone(&self.shared),
            ticket: None,
        }
    }
}

impl Drop for SendRequest {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(ticket) = self.ticket.take() {
            state.give_up_ticket(ticket);
        }
        state.senders -= 1;
        if state.senders == 0 {
            state.wake();
        }
    }
}
