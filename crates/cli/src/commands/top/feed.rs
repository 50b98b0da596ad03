//! Listens to the hub: watches counts, connects again when the hub has gone, and goes on behind
//! what was heard before.

use std::time::Duration;

use ndxp_hub::config::Config;
use ndxp_model::{Clock, Granularity};
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_proto::statistics::v1::{CountRequest, CountResponse};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Streaming;

use crate::connect::{self, MESSAGE_BYTES_MAX};
use crate::failure::{Exit, Failure};

/// What is heard of the hub.
#[derive(Debug)]
pub enum Heard {
    Answer(Box<CountResponse>),
    /// Answers have stopped coming, and why; the feed goes on trying.
    Lost(String),
}

/// Asks for the counts of the local day.
pub struct Feed<C> {
    pub config: Config,
    pub clock: C,
    /// The question without its period.
    pub request: CountRequest,
}

/// First and longest wait before the hub is asked again.
const WAIT_MIN: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Answers that wait for the screen; it takes them within a moment.
pub const AHEAD_MAX: usize = 4;

/// How one watch ended, when it did not fail.
enum Ended {
    /// The local day is over: the next is another question.
    Day,
    /// Nobody listens any more.
    Unheard,
}

impl<C: Clock> Feed<C> {
    /// Goes on until nobody listens, or until asking again does not help. A hub that cannot be
    /// reached at all is one of these: its address is likely to be wrong.
    pub async fn run(self, heard: mpsc::Sender<Heard>) -> Result<(), Failure> {
        let mut seen = Seen::default();
        let mut wait = WAIT_MIN;
        loop {
            let before = seen.answers;
            let failure = match self.watch(&heard, &mut seen).await {
                Ok(Ended::Unheard) => return Ok(()),
                Ok(Ended::Day) => continue,
                Err(failure) => failure,
            };
            if failure.exit != Exit::Unavailable || seen.answers == 0 {
                return Err(failure);
            }
            if seen.answers > before {
                wait = WAIT_MIN;
            }
            if heard.send(Heard::Lost(failure.what)).await.is_err() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = heard.closed() => return Ok(()),
            }
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    async fn watch(&self, heard: &mpsc::Sender<Heard>, seen: &mut Seen) -> Result<Ended, Failure> {
        let now = self.clock.now();
        let today = self.config.hub.zone.bucket(Granularity::Day, now);
        if seen.from_us != today.from.as_micros() {
            seen.from_us = today.from.as_micros();
            seen.watermark = 0;
        }
        let request = CountRequest {
            from_us: today.from.as_micros(),
            to_us: today.to.as_micros(),
            after_watermark: seen.watermark,
            ..self.request.clone()
        };
        let left = today.to.as_micros().saturating_sub(now.as_micros());
        let over = Instant::now() + Duration::from_micros(u64::try_from(left).unwrap_or(0));
        tokio::select! {
            ended = listen(&self.config, request, heard, seen) => ended,
            () = tokio::time::sleep_until(over) => Ok(Ended::Day),
            () = heard.closed() => Ok(Ended::Unheard),
        }
    }
}

/// What has been heard so far.
#[derive(Default)]
struct Seen {
    from_us: i64,
    watermark: u64,
    answers: u64,
}

async fn listen(
    config: &Config,
    request: CountRequest,
    heard: &mpsc::Sender<Heard>,
    seen: &mut Seen,
) -> Result<Ended, Failure> {
    let channel = connect::control(config).await?;
    let mut client =
        StatisticsServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let mut answers: Streaming<CountResponse> = client.watch_counts(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        seen.watermark = answer.proof.as_ref().map_or(0, |proof| proof.watermark);
        seen.answers += 1;
        if heard.send(Heard::Answer(Box::new(answer))).await.is_err() {
            return Ok(Ended::Unheard);
        }
    }
    Err(Failure::new(Exit::Unavailable, "the hub ended the watch"))
}
