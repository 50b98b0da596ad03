//! A connection whose frames are counted as they are read. Over the budget nothing more is read:
//! the peer meets back-pressure, and whoever holds the connection ends it.
//!
//! A consumer's connection lingers: the last word is said, and what the peer still sends is thrown
//! away for a moment. A socket that is closed with bytes unread resets the connection, and the
//! peer would never read why.

use std::io::{self, IoSlice};
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
/// Of one connection, so much is read, and so much written, before others have their turn, and its own
/// calls theirs to take what came: a fraction of a millisecond's work.
const AT_ONCE_BYTES: usize = 64 * 1024;
/// A frame costs as much as this many bytes of content beside its own.
const FRAME_WEIGHT_BYTES: usize = 2_048;
/// A byte that is decoded, as that of a header list, costs as much as so many of content, which are
/// passed on.
const DECODED_BYTE_WEIGHT: usize = 8;
/// With their own nine bytes. Those of a call with messages of some hundred bytes have more, on average.
const TINY_FRAME_BYTES: usize = 64;
/// However small frames were: enough for a few of any kind.
const READ_LEAST_BYTES: usize = 256;
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
    /// Written since others had their turn for that.
    wrote: usize,
    /// What a frame had, on average, when it was read last.
    frame_bytes: usize,
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
            wrote: 0,
            frame_bytes: AT_ONCE_BYTES,
        }
    }

    /// What bytes that were read weigh.
    fn judge(&mut self, bytes: &[u8]) -> usize {
        let begun = self.heads.count(bytes);
        self.frame_bytes = bytes.len() / begun.frames.max(1);
        if begun.beside > 0 {
            self.spend(begun.beside);
        }
        bytes.len()
            + begun.decoded_bytes * (DECODED_BYTE_WEIGHT - 1)
            + begun.frames * FRAME_WEIGHT_BYTES
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
        if self.read >= AT_ONCE_BYTES {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let Poll::Ready(read) = self.poll_some(cx, buf) else {
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
        self.poll_in_turn(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_in_turn(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
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
    /// Of tiny frames, many hundreds of which one read may bring, reads only what fits into this turn, if they
    /// are as they were last.
    fn poll_some(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.frame_bytes >= TINY_FRAME_BYTES {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let left = AT_ONCE_BYTES.saturating_sub(self.read);
        let fits = left * self.frame_bytes / (self.frame_bytes + FRAME_WEIGHT_BYTES);
        let fits = fits.max(READ_LEAST_BYTES).min(buf.remaining());
        let mut some = ReadBuf::new(buf.initialize_unfilled_to(fits));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut some))?;
        let read = some.filled().len();
        buf.advance(read);
        Poll::Ready(Ok(()))
    }

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

impl<S: AsyncWrite + Unpin> Guarded<S> {
    /// Writes, unless it is others' turn.
    fn poll_in_turn(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.wrote >= AT_ONCE_BYTES {
            self.wrote = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let wrote = ready!(write(Pin::new(&mut self.stream), cx))?;
        self.wrote += wrote;
        self.note_written(wrote);
        Poll::Ready(Ok(wrote))
    }
}

impl<S> Guarded<S> {
    fn note_written(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::super::heads::tests::frame;
    use super::*;

    /// Bytes that are read in each turn of a connection that has them all.
    fn turns(bytes: &[u8]) -> Vec<usize> {
        let mut guarded = Guarded::of_provider(bytes, Conduct::new(100));
        let mut cx = Context::from_waker(Waker::noop());
        let (mut turns, mut turn, mut all) = (Vec::new(), 0, Vec::new());
        loop {
            let mut room = [0; 16 * 1024];
            let mut buf = ReadBuf::new(&mut room);
            match Pin::new(&mut guarded).poll_read(&mut cx, &mut buf) {
                Poll::Ready(read) => {
                    read.unwrap();
                    if buf.filled().is_empty() {
                        assert_eq!(all, bytes, "nothing is lost or read twice");
                        turns.push(turn);
                        return turns;
                    }
                    turn += buf.filled().len();
                    all.extend_from_slice(buf.filled());
                }
                Poll::Pending => turns.push(std::mem::take(&mut turn)),
            }
        }
    }

    #[test]
    fn others_have_their_turn_however_small_the_frames_are() {
        // What a frame carries, and how many are read in a turn at most, once it is known: thirty-one DATA frames
        // fit, and the least that is read at once comes on top. A header list is one read, beside what is begun.
        let (data, header) = (0, 9);
        let rows = [
            (data, 1, 58),
            (data, 10, 46),
            (data, 40, 38),
            (data, 300, 120),
            (data, 16_384, 5),
            (header, 16_384, 2),
        ];
        for (kind, payload, most) in rows {
            let one = frame(kind, 0, payload);
            let turns = turns(&one.repeat(2_000_000 / one.len()));
            let largest = turns.iter().skip(1).max().unwrap();
            assert!(
                *largest <= most * one.len(),
                "{payload}: {} frames in a turn",
                largest / one.len()
            );
            let least = turns.iter().rev().skip(1).min().unwrap();
            assert!(
                *least >= (2 * one.len()).min(16 * 1_024),
                "{payload}: a turn of {least} bytes"
            );
        }
    }

    #[test]
    fn others_have_their_turn_however_much_is_written() {
        let mut guarded = Guarded::of_consumer(tokio::io::empty(), Conduct::new(100));
        let mut cx = Context::from_waker(Waker::noop());
        let mut turns = vec![0];
        for _ in 0..1_000 {
            match Pin::new(&mut guarded).poll_write(&mut cx, &[0; 16 * 1_024]) {
                Poll::Ready(wrote) => *turns.last_mut().unwrap() += wrote.unwrap(),
                Poll::Pending => turns.push(0),
            }
        }
        assert!(turns.len() > 100, "{} turns", turns.len());
        assert!(turns.iter().all(|turn| *turn <= AT_ONCE_BYTES), "{turns:?}");
    }
}
