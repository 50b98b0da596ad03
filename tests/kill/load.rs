//! Consumers that call without pause until their hub is gone, and a provider that remembers what
//! it executed.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::call::{message, value};
use crate::support::consumer::Consumer;
use crate::support::provider::{Exchange, echo};
use crate::support::wait::within;
use crate::support::world::{World, call};

/// Ids of the transactions that reached the provider.
#[derive(Clone, Default)]
pub struct Executed(Arc<Mutex<BTreeSet<String>>>);

impl Executed {
    /// Remembers, then answers.
    pub fn echo(&self) -> impl Fn(Exchange) -> Answering + Clone + Send + Sync + use<> {
        let executed = Arc::clone(&self.0);
        move |exchange| {
            let id = value(&exchange.head.headers, "ndxp-transaction-id").to_owned();
            let new = executed.lock().unwrap().insert(id);
            assert!(new, "a transaction came twice");
            Box::pin(echo(exchange))
        }
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }
}

pub type Answering = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Callers at work.
pub struct Load {
    callers: JoinSet<Vec<String>>,
    completed: watch::Receiver<u64>,
}

impl Load {
    /// Half as many connections as callers.
    pub async fn start(world: &World, callers: usize) -> Self {
        let (count, completed) = watch::channel(0);
        let count = Arc::new(count);
        let mut set = JoinSet::new();
        for _ in 0..callers / 2 {
            let consumer = Arc::new(Consumer::connect(&world.hub, &world.credentials).await);
            for _ in 0..2 {
                set.spawn(call_on(Arc::clone(&consumer), Arc::clone(&count)));
            }
        }
        Self {
            callers: set,
            completed,
        }
    }

    pub async fn completed_at_least(&self, calls: u64) {
        let mut completed = self.completed.clone();
        let enough = within("completed calls", completed.wait_for(|it| *it >= calls)).await;
        enough.expect("callers call until their hub is gone");
    }

    /// Waits for so many more.
    pub async fn completes(&self, calls: u64) {
        let before = *self.completed.borrow();
        self.completed_at_least(before + calls).await;
    }

    /// Ids of the calls that were seen completed; the hub is gone.
    pub async fn stop(mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(completed) = within("the callers' end", self.callers.join_next()).await {
            all.extend(completed.expect("a caller does not fail"));
        }
        all
    }
}

/// Calls until the connection is lost.
async fn call_on(consumer: Arc<Consumer>, count: Arc<watch::Sender<u64>>) -> Vec<String> {
    let mut completed = Vec::new();
    while let Ok(answer) = consumer.try_call(&call(), message(b"small")).await {
        assert_eq!(answer.grpc_status(), 0, "{answer:?}");
        completed.push(answer.transaction_id().to_owned());
        count.send_modify(|count| *count += 1);
    }
    completed
}
