//! The narrow seam to the HTTP/2 machinery: the two directions of one call, piece by piece and
//! no faster than the reader reads.

mod downlink;
mod inlet;
mod outlet;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use crate::metadata;
use crate::meter::{Framing, FramingError, Meter};
pub use downlink::{ConsumerGone, Downlink, Finale, HELD_BYTES_MAX, RelayError};
pub use inlet::Inlet;
use ndxp_http2::Backlog;
pub use outlet::Outlet;
use outlet::TakesNoMore;

/// Request bytes that are kept with the call, so that one that the provider has not seen can be
/// repeated. A request beyond this is not repeated.
pub const REPLAY_BYTES_MAX: usize = 64 * 1024;

/// From the consumer to the provider.
pub struct Uplink<'a> {
    pub inlet: &'a mut Inlet,
    /// What was passed on.
    pub meter: Meter,
    framing: Framing,
    /// What has been read, while it is little enough to be repeated.
    replay: Option<Backlog>,
    /// Read, and not yet sent to the provider that it is for now.
    backlog: Backlog,
    read_bytes: usize,
    /// The request's content is over; whether trailers follow is told by `ended`.
    content_over: bool,
    /// The request is over, without trailers.
    ended: bool,
}

/// Why the request did not pass whole.
#[derive(Debug)]
pub enum UplinkError {
    /// The consumer broke off.
    Consumer,
    /// The consumer's stream is not gRPC.
    Framing(FramingError),
}

/// What stops the pump.
enum Stopped {
    Broken(UplinkError),
    /// Its answer says why; nothing follows from this alone.
    ProviderTakesNoMore,
}

impl<'a> Uplink<'a> {
    #[must_use]
    pub fn new(inlet: &'a mut Inlet, meter: Meter, framing: Framing) -> Self {
        Self {
            inlet,
            meter,
            framing,
            replay: Some(Backlog::default()),
            backlog: Backlog::default(),
            read_bytes: 0,
            content_over: false,
            ended: false,
        }
    }

    /// Whether the request ends with its headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.read_bytes == 0 && self.inlet.is_over()
    }

    /// Whether all that was read so far can be sent once more.
    #[must_use]
    pub fn can_replay(&self) -> bool {
        self.replay.is_some()
    }

    /// Passes the request on, from its beginning if this is not the first provider it is for. What
    /// the provider does not take any more is thrown away, so that its consumer is not held up.
    ///
    /// # Errors
    /// As [`UplinkError`] says.
    pub async fn pump(&mut self, to: &mut Outlet) -> Result<(), UplinkError> {
        match self.pass(to).await {
            Ok(()) => Ok(()),
            Err(Stopped::Broken(error)) => Err(error),
            Err(Stopped::ProviderTakesNoMore) => {
                self.throw_away().await;
                Ok(())
            }
        }
    }

    async fn pass(&mut self, to: &mut Outlet) -> Result<(), Stopped> {
        // Empty before the first provider.
        if let Some(replay) = self.replay.as_ref().filter(|_| self.read_bytes > 0) {
            self.backlog = replay.clone();
        }
        let mut sent = 0;
        poll_fn(|cx| self.poll_pass(cx, to, &mut sent)).await?;
        if self.ended {
            return Ok(to.end()?);
        }
        let trailers = self.inlet.trailers().await;
        let trailers = trailers.map_err(|_| Stopped::Broken(UplinkError::Consumer))?;
        self.framing.end()?;
        match trailers {
            Some(mut trailers) => {
                // Nobody speaks in the hub's name, here neither.
                metadata::strip_owned(&mut trailers);
                // Trailers are read once, so from here on the request cannot be repeated.
                self.replay = None;
                Ok(to.send_trailers(&trailers)?)
            }
            None => {
                self.ended = true;
                Ok(to.end()?)
            }
        }
    }

    /// Reads all that the consumer's window lets come, whether or not the provider takes it.
    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Outlet,
        sent: &mut usize,
    ) -> Poll<Result<(), Stopped>> {
        while !self.content_over {
            let Poll::Ready(read) = self.inlet.poll_read(cx) else {
                break;
            };
            match read {
                None => self.content_over = true,
                Some(Err(_)) => return Poll::Ready(Err(Stopped::Broken(UplinkError::Consumer))),
                Some(Ok(piece)) => self.take(piece)?,
            }
        }
        let meter = &mut self.meter;
        let mut new_bytes = 0;
        let mut passes = |piece: &[u8]| {
            *sent += piece.len();
            let new = beyond(piece, *sent, meter.bytes());
            meter.pass(new);
            new_bytes += new.len();
        };
        let passed = to.poll_send(cx, &mut self.backlog, self.ended, &mut passes);
        self.inlet.release(new_bytes);
        ready!(passed)?;
        if self.content_over {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn take(&mut self, piece: Bytes) -> Result<(), FramingError> {
        self.framing.pass(&piece)?;
        if self.inlet.is_over() {
            self.framing.end()?;
            self.content_over = true;
            self.ended = true;
        }
        self.read_bytes += piece.len();
        match &mut self.replay {
            Some(kept) if self.read_bytes <= REPLAY_BYTES_MAX => kept.push(piece.clone()),
            replay => *replay = None,
        }
        self.backlog.push(piece);
        Ok(())
    }

    async fn throw_away(&mut self) {
        self.replay = None;
        self.backlog = Backlog::default();
        let passed = usize::try_from(self.meter.bytes()).unwrap_or(usize::MAX);
        self.inlet.release(self.read_bytes.saturating_sub(passed));
        // A consumer that breaks off is noticed by whoever would send to it.
        while let Some(Ok(piece)) = poll_fn(|cx| self.inlet.poll_read(cx)).await {
            self.inlet.release(piece.len());
        }
    }
}

/// What of a piece was not passed on before, to a provider that had not seen it: the piece ends at
/// `sent` bytes of the request, of which so many have been measured.
fn beyond(piece: &[u8], sent: usize, measured: u64) -> &[u8] {
    let new = u64::try_from(sent)
        .unwrap_or(u64::MAX)
        .saturating_sub(measured);
    let new = usize::try_from(new).unwrap_or(usize::MAX).min(piece.len());
    piece.get(piece.len() - new..).unwrap_or_default()
}

impl From<TakesNoMore> for Stopped {
    fn from(_: TakesNoMore) -> Self {
        Self::ProviderTakesNoMore
    }
}

impl From<FramingError> for Stopped {
    fn from(error: FramingError) -> Self {
        Self::Broken(UplinkError::Framing(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_once_more_is_measured_once() {
        let piece = b"abcde";
        // The piece ends at so many bytes of the request, so many are measured: what is new.
        let rows: [(usize, u64, &[u8]); 5] = [
            (5, 0, b"abcde"),
            (5, 5, b""),
            (5, 2, b"cde"),
            (9, 12, b""),
            (9, 4, b"abcde"),
        ];
        for (sent, measured, expected) in rows {
            assert_eq!(beyond(piece, sent, measured), expected, "{sent} {measured}");
        }
    }
}
