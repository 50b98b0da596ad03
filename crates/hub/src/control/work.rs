//! Bounds the heavy work of the control plane. Reading the journal and the counters blocks, so
//! it runs on blocking threads, a few at once; answers that stream are pulled by their reader
//! through small channels, so that a slow reader holds neither a thread nor another reader.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

/// The places for heavy work, shared by all services of the control port.
#[derive(Clone)]
pub struct Work {
    scans: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// Where a streamed answer goes.
pub struct Sink<T>(mpsc::Sender<Result<T, Status>>);

/// Room for one item, which is made only now that it can go out.
pub struct Room<'a, T>(mpsc::Permit<'a, Result<T, Status>>);

/// Why a streamed answer ended before its end.
#[derive(Debug)]
pub enum Ended {
    /// The reader hung up.
    Gone,
    Failed(Status),
}

pub type Answers<T> = ReceiverStream<Result<T, Status>>;

/// Longest wait for a place; whoever waits longer is told so.
const SCAN_WAIT_MAX: Duration = Duration::from_secs(5);

/// Messages between a producer and the connection; the connection has its own window.
const AHEAD_MAX: usize = 16;

/// The same where only the latest message is worth anything: it waits by itself.
const LATEST_AHEAD_MAX: usize = 1;

impl Work {
    /// Streams end when `stop` turns true, so that a server can finish.
    #[must_use]
    pub fn new(scans_max: usize, streams_max: usize, stop: watch::Receiver<bool>) -> Self {
        Self {
            scans: Arc::new(Semaphore::new(scans_max)),
            streams: Arc::new(Semaphore::new(streams_max)),
            stop,
        }
    }

    /// Runs blocking work when a place is free: for a call that waits for one answer.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when none became free in time.
    pub async fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let place = Arc::clone(&self.scans).acquire_owned();
        let place = tokio::time::timeout(SCAN_WAIT_MAX, place).await;
        let Ok(Ok(place)) = place else {
            return Err(Status::resource_exhausted(
                "as many scans as limits.scans_max allows are running; repeat later, or ask for \
                 less at once",
            ));
        };
        run(place, work).await
    }

    /// Runs one step of a streamed answer when its turn comes. Streams are few and take turns in
    /// order, so that none of them fails because others are busy.
    ///
    /// # Errors
    /// INTERNAL when the work broke off.
    pub async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let place = Arc::clone(&self.scans).acquire_owned().await;
        run(place.map_err(|_| stopping())?, work).await
    }

    /// Starts an answer that streams.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when as many as may already stream.
    pub fn stream<T, F>(&self, produce: impl FnOnce(Sink<T>) -> F) -> Result<Answers<T>, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<(), Ended>> + Send + 'static,
    {
        self.streaming(AHEAD_MAX, produce)
    }

    /// Starts an answer that streams states, each of which replaces the one before: a producer
    /// that waits for [`Sink::room`] has one of them wait for a slow reader, and never a row.
    ///
    /// # Errors
    /// As for [`Self::stream`].
    pub fn latest<T, F>(&self, produce: impl FnOnce(Sink<T>) -> F) -> Result<Answers<T>, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<(), Ended>> + Send + 'static,
    {
        self.streaming(LATEST_AHEAD_MAX, produce)
    }

    fn streaming<T, F>(
        &self,
        ahead_max: usize,
        produce: impl FnOnce(Sink<T>) -> F,
    ) -> Result<Answers<T>, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<(), Ended>> + Send + 'static,
    {
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(
                "as many answers as limits.control_streams_max allows are streaming; repeat later",
            )
        })?;
        let (sender, receiver) = mpsc::channel(ahead_max);
        let producing = produce(Sink(sender.clone()));
        let mut stop = self.stop.clone();
        tokio::spawn(async move {
            let _place = place;
            let ended = tokio::select! {
                ended = producing => ended,
                () = sender.closed() => Err(Ended::Gone),
                _ = stop.wait_for(|stop| *stop) => Err(Ended::Failed(stopping())),
            };
            if let Err(Ended::Failed(status)) = ended {
                // A reader that has gone meanwhile has no use for it.
                drop(sender.send(Err(status)).await);
            }
        });
        Ok(ReceiverStream::new(receiver))
    }
}

impl<T> Sink<T> {
    /// Waits until the reader has room.
    ///
    /// # Errors
    /// When the reader has hung up.
    pub async fn send(&self, item: T) -> Result<(), Ended> {
        self.0.send(Ok(item)).await.map_err(|_| Ended::Gone)
    }

    /// Waits until the reader has room for an item that is yet to be made.
    ///
    /// # Errors
    /// When the reader has hung up.
    pub async fn room(&self) -> Result<Room<'_, T>, Ended> {
        self.0.reserve().await.map(Room).map_err(|_| Ended::Gone)
    }
}

impl<T> Room<'_, T> {
    pub fn send(self, item: T) {
        self.0.send(Ok(item));
    }
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

/// The place goes with the work: a caller that hangs up does not end it.
async fn run<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    let work = move || {
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "blocking work failed");
        Status::internal("the work broke off; the hub's log says why")
    })
}

fn stopping() -> Status {
    Status::new(
        Code::Unavailable,
        "the hub is stopping; repeat on a new connection",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(scans_max: usize) -> Work {
        Work::new(scans_max, 1, watch::Sender::new(false).subscribe())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_finds_no_place_in_time_is_told_so_and_a_stream_waits_its_turn() {
        let work = work(1);
        let held = Arc::clone(&work.scans).acquire_owned().await.unwrap();
        let refused = work.scan(|| ()).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(
            refused.message().contains("scans_max"),
            "{}",
            refused.message()
        );
        let waiting = tokio::spawn({
            let work = work.clone();
            async move { work.step(|| 7).await }
        });
        drop(held);
        assert_eq!(waiting.await.unwrap().unwrap(), 7);
        work.scan(|| ()).await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_frees_its_place() {
        let work = work(1);
        let broken = work.scan(|| std::panic::resume_unwind(Box::new(()))).await;
        let broken: Status = broken.map(|(): ()| ()).unwrap_err();
        assert_eq!(broken.code(), Code::Internal);
        work.scan(|| ()).await.unwrap();
    }
}
