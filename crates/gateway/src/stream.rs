//! The narrow seam to the HTTP/2 machinery: the two directions of one call, piece by piece and
//! no faster than the reader reads.

mod backlog;
mod inlet;
mod outlet;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Response};

use crate::metadata;
use crate::meter::{Framing, FramingError, Meter};
use backlog::Backlog;
pub use inlet::Inlet;
use outlet::TakesNoMore;
pub use outlet::{Outlet, Piece};

/// Request bytes that are kept with the call, so that one that the provider has not seen can be
/// repeated. A request beyond this is not repeated.
pub const REPLAY_BYTES_MAX: usize = 64 * 1024;

/// From the consumer to the provider.
pub struct Uplink {
    pub inlet: Inlet,
    /// What was passed on.
    pub meter: Meter,
    framing: Framing,
    /// What has been read, while it is little enough to be repeated.
    replay: Option<Backlog>,
    /// Read, and not yet sent to the provider that it is for now.
    backlog: Backlog,
    read_bytes: usize,
    /// Given back to the consumer's flow-control window.
    released_bytes: usize,
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

impl Uplink {
    #[must_use]
    pub fn new(inlet: Inlet, meter: Meter, framing: Framing) -> Self {
        Self {
            inlet,
            meter,
            framing,
            replay: Some(Backlog::default()),
            backlog: Backlog::default(),
            read_bytes: 0,
            released_bytes: 0,
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
                Ok(to.send_trailers(trailers)?)
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
        let mut passes = |piece: &[u8]| {
            *sent += piece.len();
            meter.pass(beyond(piece, *sent, meter.bytes()));
        };
        let passed = to.poll_send(cx, &mut self.backlog, self.ended, &mut passes);
        self.release(*sent);
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
        self.inlet.release(self.read_bytes - self.released_bytes);
        self.released_bytes = self.read_bytes;
        // A consumer that breaks off is noticed by whoever would send to it.
        while let Some(Ok(piece)) = poll_fn(|cx| self.inlet.poll_read(cx)).await {
            self.inlet.release(piece.len());
        }
    }

    /// Gives back what a provider was sent for the first time.
    fn release(&mut self, sent: usize) {
        if sent > self.released_bytes {
            self.inlet.release(sent - self.released_bytes);
            self.released_bytes = sent;
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

/// From the provider to the consumer.
pub enum Downlink {
    Unanswered(SendResponse<Piece>),
    Answering(Outlet),
}

/// Why an answer did not pass whole.
#[derive(Debug)]
pub enum RelayError<E> {
    ConsumerGone,
    /// The provider broke off.
    Provider(h2::Error),
    /// What was read may not pass.
    Refused(E),
}

/// What ends an answer.
#[derive(Debug)]
pub enum Finale {
    /// The provider's answer has headers only.
    TrailersOnly(Response<()>),
    Trailers(HeaderMap),
    /// The provider ended its answer without trailers.
    EndOfStream,
    Reset(h2::Reason),
    /// The consumer is gone; there is nobody to tell.
    Nothing,
}

/// The consumer broke off or its connection is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConsumerGone;

impl Downlink {
    /// Ready once the consumer is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ConsumerGone> {
        let gone = match self {
            Self::Unanswered(respond) => respond.poll_reset(cx).map(drop),
            Self::Answering(outlet) => outlet.poll_gone(cx),
        };
        gone.map(|()| ConsumerGone)
    }

    /// Waits for the work, unless the consumer goes first.
    ///
    /// # Errors
    /// When it does.
    pub async fn unless_gone<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, ConsumerGone> {
        let mut work = std::pin::pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll_gone(cx).map(Err),
        })
        .await
    }

    /// Whether no answer has begun yet.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Unanswered(_))
    }

    /// Whether the consumer has broken the call off by now.
    pub async fn is_gone(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.poll_gone(cx).is_ready())).await
    }

    /// Sends the answer's headers.
    ///
    /// # Errors
    /// When the consumer is gone.
    pub fn begin(&mut self, head: Response<()>) -> Result<(), ConsumerGone> {
        if let Self::Unanswered(respond) = self {
            let stream = respond
                .send_response(head, false)
                .map_err(|_| ConsumerGone)?;
            *self = Self::Answering(Outlet::new(stream));
        }
        Ok(())
    }

    /// Sends a piece of the answer's body, as fast as the consumer reads.
    ///
    /// # Errors
    /// When the consumer is gone.
    pub async fn send(&mut self, piece: Bytes) -> Result<(), ConsumerGone> {
        let Self::Answering(outlet) = self else {
            return Err(ConsumerGone);
        };
        let mut backlog = Backlog::default();
        backlog.push(piece);
        poll_fn(|cx| outlet.poll_send(cx, &mut backlog, false, &mut |_| ()))
            .await
            .map_err(|TakesNoMore| ConsumerGone)
    }

    /// Whether the consumer has not taken yet what the provider has sent.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        matches!(self, Self::Answering(outlet) if outlet.is_behind())
    }

    /// Passes the answer's content on, up to its end; each piece is judged as it is read, and measured
    /// as it is passed on.
    ///
    /// # Errors
    /// As [`RelayError`] says; what was read before has been passed on then.
    pub async fn relay<E>(
        &mut self,
        body: &mut RecvStream,
        mut judge: impl FnMut(&[u8]) -> Result<(), E>,
        meter: &mut Meter,
    ) -> Result<(), RelayError<E>> {
        let mut backlog = Backlog::default();
        let mut end = None;
        poll_fn(|cx| {
            // All that the provider's window lets come, as on the way up.
            while end.is_none() {
                let Poll::Ready(read) = body.poll_data(cx) else {
                    break;
                };
                match read {
                    None => end = Some(Ok(())),
                    Some(Err(error)) => end = Some(Err(RelayError::Provider(error))),
                    Some(Ok(piece)) => match judge(&piece) {
                        Ok(()) => backlog.push(piece),
                        Err(refused) => end = Some(Err(RelayError::Refused(refused))),
                    },
                }
            }
            let Self::Answering(outlet) = &mut *self else {
                return Poll::Ready(Err(RelayError::ConsumerGone));
            };
            let mut sent = 0;
            let mut passes = |piece: &[u8]| {
                sent += piece.len();
                meter.pass(piece);
            };
            let passed = outlet.poll_send(cx, &mut backlog, false, &mut passes);
            if sent > 0 {
                // An error means that the stream is over, and its window with it.
                let _over = body.flow_control().release_capacity(sent);
            }
            match passed {
                Poll::Ready(Err(TakesNoMore)) => Poll::Ready(Err(RelayError::ConsumerGone)),
                Poll::Ready(Ok(())) if end.is_some() => Poll::Ready(end.take().unwrap_or(Ok(()))),
                _ => outlet.poll_gone(cx).map(|()| Err(RelayError::ConsumerGone)),
            }
        })
        .await
    }

    /// Ends the answer. That the consumer has meanwhile gone is no news by then.
    pub fn finish(&mut self, finale: Finale) {
        match (self, finale) {
            (Self::Unanswered(respond), Finale::TrailersOnly(head)) => {
                drop(respond.send_response(head, true));
            }
            (Self::Unanswered(respond), Finale::Trailers(trailers)) => {
                drop(respond.send_response(crate::answer::trailers_only(trailers), true));
            }
            (Self::Unanswered(respond), Finale::Reset(reason)) => respond.send_reset(reason),
            (Self::Answering(outlet), Finale::Trailers(trailers)) => {
                let _gone = outlet.send_trailers(trailers);
            }
            (Self::Answering(outlet), Finale::EndOfStream) => {
                let _gone = outlet.end();
            }
            (Self::Answering(outlet), Finale::Reset(reason)) => outlet.reset(reason),
            (Self::Unanswered(_), Finale::EndOfStream)
            | (Self::Answering(_), Finale::TrailersOnly(_))
            | (_, Finale::Nothing) => {}
        }
    }
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
