//! Where a request lands at a provider: reads the script from the request's first key and
//! plays it, so that the services themselves only say what an ordinary answer is.

use std::pin::Pin;
use std::sync::Arc;

use ndxp_model::SystemId;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status, Streaming};

use crate::documents::Passed;
use crate::script::{Failure, Script};

/// A provider's answers to one call.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers ahead of the caller.
const ANSWERS_AHEAD_MAX: usize = 16;

/// One provider's desk; each of its services holds a copy.
#[derive(Clone)]
pub(super) struct Desk {
    system: SystemId,
    stopped: watch::Receiver<bool>,
    hanging: Arc<watch::Sender<u64>>,
}

/// Counts a call among those that hang, for as long as it does.
struct Hanging(Arc<watch::Sender<u64>>);

impl Hanging {
    fn begin(calls: Arc<watch::Sender<u64>>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

/// The end of a stream that went well, as a server's stream says it where it has trailers to send.
fn whole(passed: Passed) -> Status {
    let mut trailers = MetadataMap::new();
    passed.state(&mut trailers);
    Status::with_metadata(Code::Ok, "", trailers)
}

impl Desk {
    pub(super) fn new(
        system: SystemId,
        stopped: watch::Receiver<bool>,
        hanging: Arc<watch::Sender<u64>>,
    ) -> Self {
        Self {
            system,
            stopped,
            hanging,
        }
    }

    /// Plays the key's script up to the answer; an error takes the answer's place.
    pub(super) async fn attend(&self, key: &str) -> Result<(), Status> {
        match Script::of(key) {
            Script::Answer => Ok(()),
            Script::AnswerAfter(delay) => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
            Script::Hang => Err(self.hang().await),
            Script::Fail(failure) => Err(failure.status(&self.system, key)),
        }
    }

    /// The same, then one answer.
    pub(super) async fn answer<T>(&self, key: &str, answer: T) -> Result<Response<T>, Status> {
        self.attend(key).await?;
        Ok(Response::new(answer))
    }

    /// The same, then all answers in turn. With `follow` the call stays open behind the last.
    pub(super) async fn stream<T: Send + 'static>(
        &self,
        key: &str,
        answers: Vec<T>,
        follow: bool,
    ) -> Result<Response<Answers<T>>, Status> {
        let answers = answers.into_iter().map(Ok);
        let answers: Answers<T> = match Script::of(key) {
            Script::Fail(Failure::Midway) => {
                let failure = Failure::Midway.status(&self.system, key);
                Box::pin(tokio_stream::iter(answers.take(1).chain([Err(failure)])))
            }
            _ => {
                self.attend(key).await?;
                Box::pin(tokio_stream::iter(answers))
            }
        };
        if follow {
            Ok(Response::new(Box::pin(answers.chain(self.silence()))))
        } else {
            Ok(Response::new(answers))
        }
    }

    /// Answers each message as it comes. The first one's key holds the script. Behind the last, what
    /// the answers said to have passed is stated in the trailers.
    pub(super) fn converse<Q, T>(
        &self,
        requests: Streaming<Q>,
        answer: fn(&Q, &mut Passed) -> (String, T),
    ) -> Response<Answers<T>>
    where
        Q: Send + 'static,
        T: Send + 'static,
    {
        let (answers, taken) = mpsc::channel(ANSWERS_AHEAD_MAX);
        let desk = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = desk.talk(requests, answer, &answers) => {}
                () = answers.closed() => {}
            }
        });
        Response::new(Box::pin(ReceiverStream::new(taken)))
    }

    async fn talk<Q, T>(
        &self,
        mut requests: Streaming<Q>,
        answer: fn(&Q, &mut Passed) -> (String, T),
        answers: &mpsc::Sender<Result<T, Status>>,
    ) {
        let mut first = true;
        let mut ending = None;
        let mut passed = Passed::default();
        loop {
            let next = match (requests.message().await, ending.take()) {
                (Err(broken), _) => Err(broken),
                (Ok(_), Some(failure)) => Err(failure),
                (Ok(None), None) => Err(whole(passed)),
                (Ok(Some(request)), None) => {
                    let (key, answer) = answer(&request, &mut passed);
                    let script = Script::of(&key);
                    if first && script == Script::Fail(Failure::Midway) {
                        ending = Some(Failure::Midway.status(&self.system, &key));
                        Ok(answer)
                    } else if first {
                        self.attend(&key).await.map(|()| answer)
                    } else {
                        Ok(answer)
                    }
                }
            };
            first = false;
            let last = next.is_err();
            // The receiver is gone when the caller is.
            if answers.send(next).await.is_err() || last {
                return;
            }
        }
    }

    /// Says nothing until the provider stops. Counted from now on, not from the first poll.
    fn hang(&self) -> impl Future<Output = Status> + Send + use<> {
        let counted = Hanging::begin(self.hanging.clone());
        let mut stopped = self.stopped.clone();
        let last_word = Status::unavailable(format!("{} is stopping", self.system));
        async move {
            // An error means that the providers were dropped: stopped as well.
            drop(stopped.wait_for(|stopped| *stopped).await);
            drop(counted);
            last_word
        }
    }

    /// Behind the last answer of a followed stream: nothing, until the provider stops.
    fn silence<T>(&self) -> impl Stream<Item = Result<T, Status>> + Send + use<T>
    where
        T: Send + 'static,
    {
        let (held, silent) = mpsc::channel(1);
        let stopping = self.hang();
        tokio::spawn(async move {
            tokio::select! {
                stopping = stopping => drop(held.send(Err(stopping)).await),
                () = held.closed() => {}
            }
        });
        ReceiverStream::new(silent)
    }
}
