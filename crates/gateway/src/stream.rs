//! The narrow seam to the HTTP/2 machinery: the two directions of one call, piece by piece and
//! no faster than the reader reads.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Response};

use crate::metadata;
use crate::meter::{FramingError, Meter};

/// Request bytes that are kept until the provider answers, so that a call that it has not seen
/// can be repeated. A request beyond this is not repeated.
const REPLAY_BYTES_MAX: usize = 64 * 1024;

/// From the consumer to the provider.
pub struct Uplink {
    body: RecvStream,
    pub meter: Meter,
    /// What has been read, while it is little enough to be repeated.
    replay: Option<Vec<Bytes>>,
    replay_bytes: usize,
    /// Read, but not yet given back to the consumer's flow-control window.
    unreleased: usize,
    ended: bool,
}

/// Why the request did not pass whole.
#[derive(Debug)]
pub enum UplinkError {
    /// The consumer broke off.
    Consumer,
    /// The consumer's stream is not gRPC.
    Framing(FramingError),
    /// The provider takes no more. Its answer says why; nothing follows from this alone.
    ProviderTakesNoMore,
}

impl Uplink {
    #[must_use]
    pub fn new(body: RecvStream, meter: Meter) -> Self {
        Self {
            body,
            meter,
            replay: Some(Vec::new()),
            replay_bytes: 0,
            unreleased: 0,
            ended: false,
        }
    }

    /// Whether the request ends with its headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replay_bytes == 0 && self.body.is_end_stream()
    }

    /// Whether all that was read so far can be sent once more.
    #[must_use]
    pub fn can_replay(&self) -> bool {
        self.replay.is_some()
    }

    /// Passes the request on, from its beginning if this is not the first provider it is for.
    ///
    /// # Errors
    /// As [`UplinkError`] says.
    pub async fn pump(&mut self, to: &mut SendStream<Bytes>) -> Result<(), UplinkError> {
        let again = self.replay.clone().unwrap_or_default();
        for chunk in again {
            send(to, chunk, false).await?;
        }
        self.release();
        while !self.ended {
            let Some(chunk) = self.read().await? else {
                return self.pump_trailers(to).await;
            };
            send(to, chunk, self.ended).await?;
            self.release();
            if self.ended {
                return Ok(());
            }
        }
        send(to, Bytes::new(), true).await.map_err(Into::into)
    }

    async fn read(&mut self) -> Result<Option<Bytes>, UplinkError> {
        let Some(chunk) = self.body.data().await else {
            return Ok(None);
        };
        let chunk = chunk.map_err(|_| UplinkError::Consumer)?;
        self.unreleased += chunk.len();
        self.meter.pass(&chunk).map_err(UplinkError::Framing)?;
        if self.body.is_end_stream() {
            self.meter.end().map_err(UplinkError::Framing)?;
            self.ended = true;
        }
        self.replay_bytes += chunk.len();
        match &mut self.replay {
            Some(kept) if self.replay_bytes <= REPLAY_BYTES_MAX => kept.push(chunk.clone()),
            replay => *replay = None,
        }
        Ok(Some(chunk))
    }

    async fn pump_trailers(&mut self, to: &mut SendStream<Bytes>) -> Result<(), UplinkError> {
        let trailers = self
            .body
            .trailers()
            .await
            .map_err(|_| UplinkError::Consumer)?;
        self.meter.end().map_err(UplinkError::Framing)?;
        match trailers {
            Some(mut trailers) => {
                // Nobody speaks in the hub's name, here neither.
                metadata::strip_owned(&mut trailers);
                // Trailers are read once, so from here on the request cannot be repeated.
                self.replay = None;
                to.send_trailers(trailers)
                    .map_err(|_| UplinkError::ProviderTakesNoMore)
            }
            None => {
                self.ended = true;
                send(to, Bytes::new(), true).await.map_err(Into::into)
            }
        }
    }

    fn release(&mut self) {
        // An error means that the stream is over, and its window with it.
        let _over = self.body.flow_control().release_capacity(self.unreleased);
        self.unreleased = 0;
    }
}

/// From the provider to the consumer.
pub enum Downlink {
    Unanswered(SendResponse<Bytes>),
    Answering(SendStream<Bytes>),
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
        let reset = match self {
            Self::Unanswered(respond) => respond.poll_reset(cx),
            Self::Answering(stream) => stream.poll_reset(cx),
        };
        reset.map(|_| ConsumerGone)
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
            *self = Self::Answering(stream);
        }
        Ok(())
    }

    /// Sends a piece of the answer's body, as fast as the consumer reads.
    ///
    /// # Errors
    /// When the consumer is gone.
    pub async fn send(&mut self, chunk: Bytes) -> Result<(), ConsumerGone> {
        match self {
            Self::Unanswered(_) => Err(ConsumerGone),
            Self::Answering(stream) => send(stream, chunk, false).await.map_err(|_| ConsumerGone),
        }
    }

    /// Ends the answer. That the consumer has meanwhile gone is no news by then.
    pub fn finish(&mut self, finale: Finale) {
        let _gone = match (self, finale) {
            (Self::Unanswered(respond), Finale::TrailersOnly(head)) => {
                respond.send_response(head, true).map(drop)
            }
            (Self::Unanswered(respond), Finale::Trailers(trailers)) => respond
                .send_response(crate::answer::trailers_only(trailers), true)
                .map(drop),
            (Self::Answering(stream), Finale::Trailers(trailers)) => stream.send_trailers(trailers),
            (Self::Answering(stream), Finale::EndOfStream) => stream.send_data(Bytes::new(), true),
            (Self::Answering(stream), Finale::Reset(reason)) => {
                stream.send_reset(reason);
                Ok(())
            }
            (Self::Unanswered(respond), Finale::Reset(reason)) => {
                respond.send_reset(reason);
                Ok(())
            }
            (Self::Unanswered(_), Finale::EndOfStream)
            | (Self::Answering(_), Finale::TrailersOnly(_))
            | (_, Finale::Nothing) => Ok(()),
        };
    }
}

/// The stream takes nothing more: reset, or its connection lost.
#[derive(Debug)]
struct TakesNoMore;

impl From<TakesNoMore> for UplinkError {
    fn from(_: TakesNoMore) -> Self {
        Self::ProviderTakesNoMore
    }
}

/// Sends a chunk within the receiver's window, waiting for room. Never copies.
async fn send(to: &mut SendStream<Bytes>, mut chunk: Bytes, end: bool) -> Result<(), TakesNoMore> {
    while !chunk.is_empty() {
        to.reserve_capacity(chunk.len());
        let room = match to.capacity() {
            0 => poll_fn(|cx| to.poll_capacity(cx))
                .await
                .ok_or(TakesNoMore)?,
            room => Ok(room),
        };
        let room = room.map_err(|_| TakesNoMore)?;
        let piece = chunk.split_to(room.min(chunk.len()));
        if !piece.is_empty() {
            to.send_data(piece, end && chunk.is_empty())
                .map_err(|_| TakesNoMore)?;
        }
        if chunk.is_empty() {
            return Ok(());
        }
    }
    if end {
        return to.send_data(Bytes::new(), true).map_err(|_| TakesNoMore);
    }
    Ok(())
}
