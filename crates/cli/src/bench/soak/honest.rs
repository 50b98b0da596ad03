//! Consumers that call as they should, one call after another, and remember what they were told.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderValue, Request};
use ndxp_model::TransactionId;
use rustls::ClientConfig;

use super::stand::{Serving, Stand};
use crate::bench::caller::{self, call, connect, grpc_message};
use crate::bench::catalogue::PATH;

/// Sizes of messages, taken by turns.
const MESSAGE_BYTES: [u32; 4] = [0, 256, 4_096, 65_536];
/// A hub that answers later than this has failed.
const PATIENCE: Duration = Duration::from_secs(8);
/// Failures that are told one by one.
const FAILURES_TOLD: usize = 10;

/// What was seen.
#[derive(Debug, Default)]
pub struct Tally {
    /// Answered, and the answer was right: as which transactions.
    pub answered: Vec<TransactionId>,
    /// Broken off by a hub that was killed or stopped: counted or not.
    pub uncertain: u64,
    /// Failed on a hub that served.
    pub failed: u64,
    pub failures: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.uncertain += other.uncertain;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.failures.truncate(FAILURES_TOLD);
    }

    fn note_failure(&mut self, error: &anyhow::Error) {
        self.failed += 1;
        if self.failures.len() < FAILURES_TOLD {
            self.failures.push(format!("{error:#}"));
        }
    }
}

pub struct Honest {
    tls: Arc<ClientConfig>,
    request: Request<()>,
    messages: [Bytes; MESSAGE_BYTES.len()],
}

impl Honest {
    pub fn new(tls: Arc<ClientConfig>, provider: &'static str) -> Self {
        let mut request = caller::request(PATH);
        let headers = request.headers_mut();
        headers.insert("ndxp-provider", HeaderValue::from_static(provider));
        Self {
            tls,
            request,
            messages: MESSAGE_BYTES.map(grpc_message),
        }
    }

    pub async fn call_until_over(self, stand: Stand) -> Tally {
        let mut tally = Tally::default();
        while let Some(serving) = stand.serving().await {
            match connect(serving.exchange, &self.tls).await {
                Ok(sender) => self.call_while(&stand, serving, &sender, &mut tally).await,
                Err(error) if stand.still(serving) => tally.note_failure(&error),
                Err(_stopped) => {}
            }
        }
        tally
    }

    async fn call_while(
        &self,
        stand: &Stand,
        serving: Serving,
        sender: &SendRequest<Bytes>,
        tally: &mut Tally,
    ) {
        for message in self.messages.iter().cycle() {
            if !stand.still(serving) {
                return;
            }
            let called = call(sender, &self.request, message);
            let called = tokio::time::timeout(PATIENCE, called).await;
            let called = called.map_err(|_| anyhow!("no answer in {PATIENCE:?}"));
            let named = called.flatten().and_then(|answered| {
                let transaction = answered.transaction;
                transaction.context("an answer without ndxp-transaction-id")
            });
            match named {
                Ok(transaction) => tally.answered.push(transaction),
                Err(error) if stand.still(serving) => return tally.note_failure(&error),
                Err(_stopped) => {
                    tally.uncertain += 1;
                    return;
                }
            }
        }
    }
}
