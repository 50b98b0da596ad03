//! A connection whose frames are counted as they are read. Over the budget nothing more is read:
//! the peer meets back-pressure, and whoever holds the connection ends it.
//!
//! A consumer's connection lingers: the last word is said, and what the peer still sends is thrown
//! away for a moment. A socket that is closed with bytes unread resets the connection, and the
//! peer would never read why.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::budget::Budget;
use super::heads::Heads;
use super::{Conduct, Excess};
use crate::limits::http2;

/// How long a peer has for reading the last word.
const LINGER: Duration = Duration::from_secs(1);
/// Of one connection, so much is read before others have their turn, and its own calls theirs to take
/// what came: a fraction of a millisecond's work.
const READ_AT_ONCE_BYTES: usize = 64 * 1024;
/// A frame costs as much as this many bytes of content beside its own.
const FRAME_WEIGHT_BYTES: usize = 512;
/// Of what it still sends, so much is thrown away before others have their turn.
const THROWN_AWAY_AT_ONCE: usize = 16;

/// A connection under guard.
#[derive(Debug)]
pub struct Guarded<S> {
    stream: S,
    heads: Heads,
    budget: Budget,
    conduct: Arc<Conduct>,
    /// Written to the peer and not yet counted in its favour.
    written: u64,
    /// Frames that calls and written bytes have paid for.
    credit: u64,
    /// Whether reading fails over the budget, because nobody else ends the connection.
    fails: bool,
    lingering: Option<Pin<Box<Sleep>>>,
    /// What was read since others had their turn weighs so much.
    read: usize,
}

impl<S> Guarded<S> {
    /// A consumer's connection: [`Conduct::exceeded`] tells when to end it.
    pub fn of_consumer(stream: S, conduct: Arc<Conduct>) -> Self {
        Self {
            heads: Heads::of_client(),
            fails: false,
            ..Self::of_provider(stream, conduct)
        }
    }

    /// A connection to a provider: ends in an error.
    pub fn of_provider(stream: S, conduct: Arc<Conduct>) -> Self {
        Self {
            stream,
            heads: Heads::of_server(),
            budget: Budget::new(
                http2::CONTROL_FRAMES_PER_SECOND,
                http2::CONTROL_FRAMES_BURST,
            ),
            conduct,
            written: 0,
            credit: 0,
            fails: true,
            lingering: None,
            read: 0,
        }
    }

    /// What bytes that were read weigh.
    fn judge(&mut self, bytes: &[u8]) -> usize {
        let begun = self.heads.count(bytes);
        if begun.beside > 0 {
            self.spend(begun.beside);
        }
        bytes.len() + begun.frames * FRAME_WEIGHT_BYTES
    }

    fn spend(&mut self, frames: u64) {
        let windows = self.written / http2::WRITTEN_BYTES_PER_CONTROL_FRAME;
        self.written %= http2::WRITTEN_BYTES_PER_CONTROL_FRAME;
        let earned = windows.saturating_add(self.conduct.take_earned());
        // Kept up to a burst: who has made many calls may not flood for it later.
        let credit = self
            .credit
            .saturating_add(earned)
            .min(http2::CONTROL_FRAMES_BURST);
        let covered = credit.min(frames);
        self.credit = credit - covered;
        if !self
            .budget
            .spend(frames - covered, self.conduct.since.elapsed())
        {
            self.conduct.exceed(Excess::ControlFrames);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.conduct.is_exceeded() {
            if self.fails {
                return Poll::Ready(Err(io::Error::other("a flood of control frames")));
            }
            // Whoever waits for `exceeded` ends the connection; reading wakes nobody any more.
            return Poll::Pending;
        }
        if self.read >= READ_AT_ONCE_BYTES {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buf) else {
            self.read = 0;
            return Poll::Pending;
        };
        read?;
        let read = buf.filled().get(before..).unwrap_or_default();
        self.read += self.judge(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.note_written(wrote);
        Poll::Ready(Ok(wrote))
    }

    /// Not: the HTTP/2 machinery would then send each piece of 256 bytes by itself, where it joins
    /// pieces of up to 1 KiB with all that goes out at once, in one record and one call of the kernel.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.fails {
            return Poll::Ready(Ok(()));
        }
        self.poll_linger(cx).map(Ok)
    }
}

impl<S: AsyncRead + Unpin> Guarded<S> {
    /// Throws away what comes until the peer has closed, too, or the time is over.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let lingering = self
            .lingering
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if lingering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        for _ in 0..THROWN_AWAY_AT_ONCE {
            let mut scratch = [0; 4_096];
            let mut thrown_away = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut thrown_away)) {
                Ok(()) if !thrown_away.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S> Guarded<S> {
    fn note_written(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(bytes);
    }
}
