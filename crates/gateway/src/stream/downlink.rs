//! The way back: from the provider to the consumer.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use ndxp_http2::{Backlog, Error, PAYLOAD_BYTES_MAX, Reason, RecvStream, SendResponse};
use tokio::time::{Instant, timeout_at};

use super::outlet::{Outlet, TakesNoMore};
use crate::meter::Meter;

/// Content of an answer that may wait for its ending to be on record: a message of 16 KiB and its prefix
/// are two frames.
pub const HELD_BYTES_MAX: usize = 2 * PAYLOAD_BYTES_MAX;

/// From the provider to the consumer.
pub struct Downlink {
    respond: SendResponse,
    state: State,
}

/// How far the answer has come.
enum State {
    Unanswered,
    /// The provider has answered; the consumer has been sent nothing of it yet.
    Held(Response<()>, Backlog),
    Answering(Outlet),
}

/// Why an answer did not pass whole.
#[derive(Debug)]
pub enum RelayError<E> {
    ConsumerGone,
    /// The provider broke off.
    Provider(Error),
    /// What was read may not pass.
    Refused(E),
}

/// What ends an answer.
#[derive(Debug)]
pub enum Finale {
    /// The hub's own word, in place of what the consumer has not been sent yet.
    Refused(HeaderMap),
    /// The provider's answer has headers only.
    TrailersOnly(Response<()>),
    Trailers(HeaderMap),
    /// The provider ended its answer without trailers.
    EndOfStream,
    Reset(Reason),
    /// The consumer is gone; there is nobody to tell.
    Nothing,
}

/// The consumer broke off or its connection is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConsumerGone;

impl Downlink {
    #[must_use]
    pub fn new(respond: SendResponse) -> Self {
        Self {
            respond,
            state: State::Unanswered,
        }
    }

    /// Ready once the consumer is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ConsumerGone> {
        let gone = match &mut self.state {
            State::Unanswered | State::Held(..) => self.respond.poll_gone(cx),
            State::Answering(outlet) => outlet.poll_gone(cx),
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
        matches!(self.state, State::Unanswered)
    }

    /// Whether all of the answer that the provider gave is still to be sent.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.state, State::Held(..))
    }

    /// Whether the consumer has broken the call off by now.
    pub async fn is_gone(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.poll_gone(cx).is_ready())).await
    }

    /// The answer's headers are known. They go out with what there is of its content.
    pub fn begin(&mut self, head: Response<()>) {
        self.state = State::Held(head, Backlog::default());
    }

    /// Sends the headers alone.
    ///
    /// # Errors
    /// When the consumer is gone.
    pub fn send_head(&mut self) -> Result<(), ConsumerGone> {
        self.outlet().map(drop)
    }

    /// Sends a piece of the answer's body, as fast as the consumer reads.
    ///
    /// # Errors
    /// When the consumer is gone.
    pub async fn send(&mut self, piece: Bytes) -> Result<(), ConsumerGone> {
        let outlet = self.outlet()?;
        let mut backlog = Backlog::default();
        backlog.push(piece);
        poll_fn(|cx| outlet.poll_send(cx, &mut backlog, false, &mut |_| ()))
            .await
            .map_err(|TakesNoMore| ConsumerGone)
    }

    /// Whether the consumer has not taken yet what the provider has sent.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        matches!(&self.state, State::Answering(outlet) if outlet.is_behind())
    }

    /// Passes the answer's content on, up to its end; each piece is judged as it is read, and measured
    /// as it is passed on. One that is over before anything was sent is kept for [`Self::finish`], if
    /// it is small: its consumer waits for the end anyway, and is then sent everything at once.
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
        let mut read_bytes = 0;
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
                        Ok(()) => {
                            read_bytes += piece.len();
                            backlog.push(piece);
                        }
                        Err(refused) => end = Some(Err(RelayError::Refused(refused))),
                    },
                }
            }
            if let State::Held(_, content) = &mut self.state
                && let Some(Ok(())) = end
                && read_bytes <= HELD_BYTES_MAX
            {
                *content = std::mem::take(&mut backlog);
                return Poll::Ready(Ok(()));
            }
            let Ok(outlet) = self.outlet() else {
                return Poll::Ready(Err(RelayError::ConsumerGone));
            };
            let mut sent = 0;
            let mut passes = |piece: &[u8]| {
                sent += piece.len();
                meter.pass(piece);
            };
            let passed = outlet.poll_send(cx, &mut backlog, false, &mut passes);
            if sent > 0 {
                body.release_capacity(sent);
            }
            match passed {
                Poll::Ready(Err(TakesNoMore)) => Poll::Ready(Err(RelayError::ConsumerGone)),
                Poll::Ready(Ok(())) if end.is_some() => Poll::Ready(end.take().unwrap_or(Ok(()))),
                _ => outlet.poll_gone(cx).map(|()| Err(RelayError::ConsumerGone)),
            }
        })
        .await
    }

    /// Measures what is kept for [`Self::finish`], which is sent once it is on record.
    pub fn measure_held(&self, meter: &mut Meter) {
        if let State::Held(_, content) = &self.state {
            content.pieces().for_each(|piece| meter.pass(piece));
        }
    }

    /// Ends the answer, until the call's time is over. That the consumer has meanwhile gone is no news
    /// by then.
    pub async fn finish(&mut self, finale: Finale, until: Instant) {
        let passed = match &finale {
            Finale::Trailers(_) | Finale::EndOfStream => self.send_held(until).await,
            _ => Ok(()),
        };
        let Self { respond, state } = self;
        match (state, finale) {
            _ if passed.is_err() => respond.send_reset(Reason::CANCEL),
            (State::Unanswered | State::Held(..), Finale::TrailersOnly(head)) => {
                let _gone = respond.send_response(&head, true);
            }
            (State::Unanswered | State::Held(..), Finale::Refused(trailers)) => {
                let head = crate::answer::trailers_only(trailers);
                let _gone = respond.send_response(&head, true);
            }
            (State::Unanswered | State::Held(..), Finale::Reset(reason)) => {
                respond.send_reset(reason);
            }
            (State::Answering(outlet), Finale::Trailers(trailers) | Finale::Refused(trailers)) => {
                let _gone = outlet.send_trailers(&trailers);
            }
            (State::Answering(outlet), Finale::EndOfStream) => {
                let _gone = outlet.end();
            }
            (State::Answering(outlet), Finale::Reset(reason)) => outlet.reset(reason),
            (State::Unanswered | State::Held(..), Finale::Trailers(_) | Finale::EndOfStream)
            | (State::Answering(_), Finale::TrailersOnly(_))
            | (_, Finale::Nothing) => {}
        }
    }

    /// Sends what was kept. Only a consumer that reads nothing has no window for it; its answer is on record
    /// by now, and waits.
    async fn send_held(&mut self, until: Instant) -> Result<(), ConsumerGone> {
        let State::Held(_, content) = &mut self.state else {
            return Ok(());
        };
        let mut content = std::mem::take(content);
        let outlet = self.outlet()?;
        let mut send =
            |cx: &mut Context<'_>| outlet.poll_send(cx, &mut content, false, &mut |_| ());
        let sent = match poll_fn(|cx| Poll::Ready(send(cx))).await {
            Poll::Ready(sent) => sent,
            Poll::Pending => Box::pin(timeout_at(until, poll_fn(send)))
                .await
                .unwrap_or(Err(TakesNoMore)),
        };
        sent.map_err(|TakesNoMore| ConsumerGone)
    }

    /// The way to the consumer, behind the answer's headers.
    fn outlet(&mut self) -> Result<&mut Outlet, ConsumerGone> {
        if let State::Held(head, _) = &mut self.state {
            let head = std::mem::take(head);
            let stream = self.respond.send_response(&head, false);
            self.state = State::Answering(Outlet::new(stream.map_err(|_| ConsumerGone)?));
        }
        match &mut self.state {
            State::Answering(outlet) => Ok(outlet),
            State::Unanswered | State::Held(..) => Err(ConsumerGone),
        }
    }
}
