//! `WatchCounts`: the same question, answered again each time the counts have changed. A watcher
//! gets states and not events: what it had no time to read is never made, so that it delays
//! nobody, and those who ask the same share the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use ndxp_model::{Party, Sequence};
use ndxp_proto::statistics::v1::{CountRequest, CountResponse};
use tokio::time::Instant as Monotonic;
use tonic::Status;

use super::{Statistics, counting, refused};
use crate::control::work::Answers;

/// Between two answers of one watch: at most two a second.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// The questions that are watched, each with its latest answer. Clones share everything.
///
/// It holds no more questions than there are watchers, whose number `limits.control_streams_max`
/// bounds.
#[derive(Clone, Default)]
pub struct Watches(Arc<Mutex<HashMap<Question, Weak<Watched>>>>);

/// What is asked, and for whose eyes. What differs between watchers of the same is left out.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Question {
    request: CountRequest,
    party: Option<Party>,
}

/// One question with the latest answer to it.
struct Watched {
    question: Question,
    /// Held while an answer is made, so that others who ask the same wait for it.
    latest: tokio::sync::Mutex<Option<Latest>>,
}

struct Latest {
    made_at: Monotonic,
    response: Arc<CountResponse>,
}

impl Watches {
    fn of(&self, question: Question) -> Arc<Watched> {
        let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = watches.get(&question).and_then(Weak::upgrade) {
            return known;
        }
        watches.retain(|_, watched| watched.strong_count() > 0);
        let watched = Arc::new(Watched {
            question: question.clone(),
            latest: tokio::sync::Mutex::default(),
        });
        watches.insert(question, Arc::downgrade(&watched));
        watched
    }
}

impl Statistics {
    pub(super) async fn watched(
        &self,
        request: CountRequest,
        party: Option<Party>,
    ) -> Result<Answers<CountResponse>, Status> {
        let seen = self.seen_before(request.after_watermark);
        let question = Question {
            request: CountRequest {
                at_least_sequence: 0,
                after_watermark: 0,
                ..request
            },
            party,
        };
        // Asked outside the stream, so that a wrong question is refused as such, even where its
        // first answer has to wait.
        let first = self.counted(question.request.clone(), question.party.clone());
        let first = Arc::new(first.await?);
        let watched = self.watches.of(question);
        let hub = self.clone();
        self.work.latest(|sink| async move {
            let mut not_before = Monotonic::now() + WATCH_INTERVAL;
            let mut reached = watermark(&first);
            let mut shown = None;
            if reached > seen {
                sink.room().await?.send(CountResponse::clone(&first));
                shown = Some(first);
            } else {
                reached = seen;
            }
            loop {
                let room = sink.room().await?;
                let changed = loop {
                    hub.beyond(reached).await?;
                    tokio::time::sleep_until(not_before).await;
                    let answer = hub.answer(&watched, reached).await?;
                    not_before = Monotonic::now() + WATCH_INTERVAL;
                    reached = watermark(&answer);
                    if shown.as_deref().is_none_or(|shown| differs(shown, &answer)) {
                        break answer;
                    }
                };
                room.send(CountResponse::clone(&changed));
                shown = Some(changed);
            }
        })
    }

    /// What a watcher has seen before it connected again. A journal that does not reach so far
    /// is not the one that it saw: it then has seen nothing.
    fn seen_before(&self, after_watermark: u64) -> Sequence {
        let seen = Sequence::new(after_watermark);
        if seen > self.follow.position().sequence {
            return Sequence::NONE;
        }
        seen
    }

    /// Waits until the counters include more than an answer does.
    async fn beyond(&self, reached: Sequence) -> Result<(), Status> {
        let reached = self.counters.reached(reached.next()).await;
        reached.map(drop).map_err(|error| counting(&error))
    }

    /// An answer that includes more than the watcher has seen: one that another watcher has just
    /// got, or a new one. Watchers wait their turn.
    async fn answer(
        &self,
        watched: &Watched,
        reached: Sequence,
    ) -> Result<Arc<CountResponse>, Status> {
        let mut latest = watched.latest.lock().await;
        if let Some(known) = &*latest
            && known.made_at.elapsed() < WATCH_INTERVAL
            && watermark(&known.response) > reached
        {
            return Ok(Arc::clone(&known.response));
        }
        let Question { request, party } = watched.question.clone();
        let counted = self.work.step(self.question(request, party)).await?;
        let response = Arc::new(counted.map_err(|error| refused(&error))?);
        *latest = Some(Latest {
            made_at: Monotonic::now(),
            response: Arc::clone(&response),
        });
        Ok(response)
    }
}

fn watermark(response: &CountResponse) -> Sequence {
    Sequence::new(response.proof.as_ref().map_or(0, |proof| proof.watermark))
}

/// Whether a reader learns anything from the second answer that the first did not say. How far
/// the counters have come is no news by itself; that the period is over is.
fn differs(shown: &CountResponse, answer: &CountResponse) -> bool {
    let closed = |response: &CountResponse| response.proof.as_ref().map(|proof| proof.closed);
    let CountResponse {
        rows,
        total,
        proof: _,
        definition: _,
        others,
        others_rows,
        opening,
        distinct,
        by_successor: _,
        durations_absent: _,
    } = answer;
    shown.rows != *rows
        || shown.total != *total
        || shown.others != *others
        || shown.others_rows != *others_rows
        || shown.opening != *opening
        || shown.distinct != *distinct
        || closed(shown) != closed(answer)
}

#[cfg(test)]
mod tests;
