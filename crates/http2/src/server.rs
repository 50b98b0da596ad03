//! The end that answers.

use std::future::poll_fn;
use std::task::{Context, Poll};

use http::Request;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use crate::config::Config;
use crate::connection::Driver;
use crate::error::{By, Error, Reason};
use crate::frame::PREFACE;
use crate::state::{Role, State};
use crate::stream::{self, RecvStream, SendResponse};

/// Requests that are taken one behind the other before bytes are moved again: a peer that brings too many
/// is known as one before all of them were looked at.
const TAKEN_AT_ONCE: usize = 8;

/// A connection whose requests are taken one by one. Nothing moves on it but while one is awaited.
#[derive(Debug)]
pub struct Connection<S> {
    driver: Driver<S>,
    /// Since bytes were moved last.
    taken: usize,
}

/// What a client has done.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly each is the large one, and lives for a moment"
)]
#[derive(Debug)]
pub enum Event {
    /// A request, and the way to answer it.
    Asked(Request<RecvStream>, SendResponse),
    /// So many requests were reset before they could be taken.
    Withdrawn(u32),
}

/// Waits for a client's first words.
///
/// # Errors
/// When it says anything else, or nothing more.
pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    config: Config,
) -> Result<Connection<S>, Error> {
    let mut words = [0; PREFACE.len()];
    io.read_exact(&mut words).await?;
    if words != *PREFACE {
        return Err(Error::go_away(Reason::PROTOCOL_ERROR, By::Library));
    }
    let mut state = State::new(Role::Server, config);
    state.put_own_settings();
    Ok(Connection {
        driver: Driver::new(io, state),
        taken: 0,
    })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// What comes next; `None` when nothing does any more and all bytes have left.
    pub async fn accept(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        if self.taken < TAKEN_AT_ONCE
            && let Some(taken) = self.take()
        {
            self.taken += 1;
            return Poll::Ready(Some(Ok(taken)));
        }
        self.taken = 0;
        match self.driver.poll(cx) {
            Poll::Ready(ended) => match self.take() {
                // It ends again when it is asked again.
                Some(event) => Poll::Ready(Some(Ok(event))),
                None => Poll::Ready(ended.err().map(Err)),
            },
            Poll::Pending => match self.take() {
                Some(taken) => Poll::Ready(Some(Ok(taken))),
                None => Poll::Pending,
            },
        }
    }

    fn take(&mut self) -> Option<Event> {
        let shared = &self.driver.shared;
        let mut state = shared.lock();
        let withdrawn = state.take_withdrawn();
        if withdrawn > 0 {
            return Some(Event::Withdrawn(withdrawn));
        }
        let (key, request) = state.take_arrived()?;
        drop(state);
        let (body, respond) = stream::of_request(shared, key);
        Some(Event::Asked(request.map(|()| body), respond))
    }

    /// Takes no new requests; those that there are end in order.
    pub fn graceful_shutdown(&mut self) {
        self.driver.shared.lock().go_gracefully();
    }

    /// Ends the connection with all that is on it.
    pub fn abrupt_shutdown(&mut self, reason: Reason) {
        self.driver.shared.lock().go_away(reason, "", true);
    }

    /// How much content of all requests together may wait to be read.
    pub fn set_target_window_size(&mut self, bytes: u32) {
        self.driver.shared.lock().set_target_window(bytes);
    }
}
