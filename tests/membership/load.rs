//! Calls that go on and on over one connection, each with when it began and how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::call::{Answer, Call, message};
use crate::support::consumer::Consumer;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::refusal::Refusal;

/// How one call went.
#[derive(Debug)]
pub struct Went {
    pub began: Instant,
    pub ended: Instant,
    /// The reason of the hub's refusal; none for an answer of the provider's.
    pub refused: Option<String>,
}

/// One connection whose callers call without a pause until they are stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    callers: JoinSet<Vec<Went>>,
}

impl Load {
    /// Connects first: from then on it is one and the same connection.
    pub async fn start(hub: &Hub, credentials: &Credentials, call: &Call) -> Self {
        Self::start_many(hub, credentials, call, 1).await
    }

    /// The same with so many calls at once.
    pub async fn start_many(
        hub: &Hub,
        credentials: &Credentials,
        call: &Call,
        at_once: usize,
    ) -> Self {
        let consumer = Arc::new(Consumer::connect(hub, credentials).await);
        let mut load = Self {
            stop: Arc::default(),
            calls: Arc::default(),
            callers: JoinSet::new(),
        };
        for _ in 0..at_once {
            let (stop, calls) = (Arc::clone(&load.stop), Arc::clone(&load.calls));
            let (consumer, call) = (Arc::clone(&consumer), call.clone());
            load.callers.spawn(async move {
                let mut went = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    went.push(Went::of(&consumer, &call).await);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                went
            });
        }
        load
    }

    /// Calls that have ended so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub async fn stop(self) -> Vec<Went> {
        self.stop.store(true, Ordering::Relaxed);
        self.callers
            .join_all()
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Went {
    async fn of(consumer: &Consumer, call: &Call) -> Self {
        let began = Instant::now();
        let answer = consumer.call(call, message(b"load")).await;
        Self {
            began,
            ended: Instant::now(),
            refused: reason(&answer),
        }
    }
}

/// The reason that the hub gives; none when the provider answered OK.
#[track_caller]
pub fn reason(answer: &Answer) -> Option<String> {
    if answer.grpc_status() == 0 {
        return None;
    }
    Some(Refusal::read(answer.ending()).info.reason)
}
