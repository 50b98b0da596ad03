//! A connection's socket: bytes come in, are cut into frames and handed to the state; bytes that wait
//! there go out. All that goes on between two waits is one turn of one task.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::buffers;
use crate::cutting::Partial;
use crate::error::Error;
use crate::outgoing::Outgoing;
use crate::state::State;

/// A connection's state, for all who hold a part of it. It stays on one core, so that nobody ever waits
/// for it; a lock is what makes handing it about safe.
#[derive(Debug)]
pub struct Shared(Mutex<State>);

impl Shared {
    pub fn new(state: State) -> Arc<Self> {
        Arc::new(Self(Mutex::new(state)))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves the bytes of a connection.
#[derive(Debug)]
pub struct Driver<S> {
    io: S,
    pub shared: Arc<Shared>,
    partial: Partial,
    /// Taken from the state, and on its way out.
    leaving: Outgoing,
    /// Written, and not flushed.
    unflushed: bool,
    /// Reading was put off until less waits.
    held_up: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Open,
    /// What was said last is still to be read.
    Ending(Result<(), Error>),
    Ended(Result<(), Error>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub fn new(io: S, state: State) -> Self {
        Self {
            io,
            shared: Shared::new(state),
            partial: Partial::default(),
            leaving: Outgoing::default(),
            unflushed: false,
            held_up: false,
            phase: Phase::Open,
        }
    }

    /// Reads and writes all that can be. Ready at the connection's end.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match self.phase {
                Phase::Open => {
                    self.shared.lock().begin_turn(cx);
                    let over = self.poll_turn(cx);
                    match over {
                        Some(result) => self.phase = Phase::Ending(result),
                        None => return Poll::Pending,
                    }
                }
                Phase::Ending(result) => {
                    // Who does not hear the last word has hung up; there is nothing to do about it.
                    let told = ready!(self.poll_farewell(cx));
                    let result = result.and(told.map_err(Error::from).or(result));
                    self.phase = Phase::Ended(result);
                }
                Phase::Ended(result) => return Poll::Ready(result),
            }
        }
    }

    /// One turn; the result if the connection is to end.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Option<Result<(), Error>> {
        let read = self.poll_reading(cx);
        if let Poll::Ready(over) = read {
            let mut state = self.shared.lock();
            return Some(match over {
                // The other side has hung up, as it may.
                Ok(()) => {
                    state.end(Error::io(io::ErrorKind::BrokenPipe));
                    state.outcome_of_remote()
                }
                Err(error) => {
                    state.end(error.kind().into());
                    state.outcome_of_loss(error.kind())
                }
            });
        }
        let written = self.poll_writing(cx);
        let mut state = self.shared.lock();
        if let Poll::Ready(Err(error)) = &written {
            state.end(error.kind().into());
            return Some(state.outcome_of_loss(error.kind()));
        }
        let resumes = self.held_up && state.may_read();
        if state.give_room() || resumes {
            cx.waker().wake_by_ref();
        }
        state.go_if_over();
        state.is_ended().then(|| state.outcome())
    }

    /// Reads what there is. Ready when nothing comes any more.
    fn poll_reading(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = buffers::take_scratch();
        let over = loop {
            {
                let state = self.shared.lock();
                self.held_up = !state.may_read();
                if state.is_ended() || self.held_up {
                    break Poll::Pending;
                }
            }
            let mut read = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                Poll::Pending => break Poll::Pending,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if read.filled().is_empty() => break Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    let read = read.filled().len();
                    let mut state = self.shared.lock();
                    let taken = self.partial.take_in(&mut state, &mut scratch, read);
                    if let Err((reason, why)) = taken {
                        state.go_away(reason, why, false);
                    }
                }
            }
            if scratch.is_empty() {
                scratch = buffers::take_scratch();
            }
        };
        buffers::give_back_scratch(scratch);
        over
    }

    /// Writes what waits. Ready when nothing does.
    fn poll_writing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.leaving.is_empty() {
                ready!(self.leaving.poll_write(cx, &mut self.io))?;
                self.unflushed = true;
            }
            let mut state = self.shared.lock();
            std::mem::take(&mut self.leaving).give_back();
            self.leaving = state.take_out();
            if self.leaving.is_empty() {
                break;
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_writing(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        // Whoever still holds a stream finds out that nobody moves its bytes any more.
        let gone = Error::io(io::ErrorKind::BrokenPipe);
        self.shared.lock().end(gone);
    }
}
