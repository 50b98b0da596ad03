//! A connection's socket: bytes come in, are cut into frames and handed to the state; bytes that wait
//! there go out. All that goes on between two waits is one turn of one task.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::backlog::THIN_BYTES;
use crate::buffers;
use crate::error::{Error, Reason};
use crate::frame::{HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, kind};
use crate::state::{Breach, State};

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
    /// A frame of which not all has come.
    partial: Vec<u8>,
    /// Taken from the state, and on its way out.
    leaving: Vec<u8>,
    left: usize,
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
            partial: Vec::new(),
            leaving: Vec::new(),
            left: 0,
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
                    let mut state = self.shared.lock();
                    if let Err((reason, why)) =
                        take_in(&mut state, &mut self.partial, read.filled())
                    {
                        state.go_away(reason, why, false);
                    }
                }
            }
        };
        buffers::give_back_scratch(scratch);
        over
    }

    /// Writes what waits. Ready when nothing does.
    fn poll_writing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while let Some(rest) = self.leaving.get(self.left..).filter(|it| !it.is_empty()) {
                let wrote = ready!(Pin::new(&mut self.io).poll_write(cx, rest))?;
                if wrote == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.left += wrote;
                self.unflushed = true;
            }
            let mut state = self.shared.lock();
            buffers::give_back(std::mem::take(&mut self.leaving));
            self.leaving = state.take_out();
            self.left = 0;
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

/// Cuts bytes into frames. One that is not whole is kept until its rest comes.
fn take_in(state: &mut State, partial: &mut Vec<u8>, mut bytes: &[u8]) -> Result<(), Breach> {
    while !bytes.is_empty() {
        if partial.is_empty()
            && let Some((head, behind)) = bytes.split_first_chunk()
        {
            let head = read_head(head)?;
            if let Some((payload, behind)) = behind.split_at_checked(head.length) {
                state.receive(head, payload, None)?;
                bytes = behind;
                continue;
            }
        }
        let head = match partial.first_chunk() {
            Some(head) => Some(read_head(head)?),
            None => None,
        };
        let whole = HEAD_BYTES + head.map_or(0, |head| head.length);
        let wanted = whole.saturating_sub(partial.len());
        let (now, behind) = bytes.split_at(wanted.min(bytes.len()));
        partial.reserve_exact(wanted);
        partial.extend_from_slice(now);
        bytes = behind;
        if let Some(head) = head.or_else(|| empty_frame(partial))
            && partial.len() == HEAD_BYTES + head.length
        {
            receive_kept(state, head, std::mem::take(partial))?;
        }
    }
    Ok(())
}

/// A frame that stands in a buffer of its own; its content may stay there.
fn receive_kept(state: &mut State, head: Head, frame: Vec<u8>) -> Result<(), Breach> {
    if head.kind != kind::DATA || head.length < THIN_BYTES {
        let payload = frame.get(HEAD_BYTES..).unwrap_or_default();
        return state.receive(head, payload, None);
    }
    let payload = Bytes::from(frame).split_off(HEAD_BYTES);
    state.receive(head, &payload, Some(payload.clone()))
}

/// The head that was completed just now, if nothing follows it.
fn empty_frame(partial: &[u8]) -> Option<Head> {
    let head = Head::read(partial.first_chunk()?);
    (head.length == 0).then_some(head)
}

fn read_head(bytes: &[u8; HEAD_BYTES]) -> Result<Head, Breach> {
    let head = Head::read(bytes);
    match head.length <= PAYLOAD_BYTES_MAX {
        true => Ok(head),
        false => Err((Reason::FRAME_SIZE_ERROR, "a frame is larger than allowed")),
    }
}
