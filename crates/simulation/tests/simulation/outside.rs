//! What is outside of the hub and outlives it: how providers behave just now, and who tells the
//! ledger what was seen.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use ndxp_gateway::{Connecting, Stream, Wires};
use ndxp_model::SystemId;

use crate::ledger::Ledger;
use crate::provider;
use crate::trace::Trace;

/// Bytes that a connection holds on their way: less than some of the messages.
pub const PIPE_BYTES: usize = 4 << 10;

#[derive(Clone)]
pub struct Outside {
    pub trace: Trace,
    pub ledger: Arc<Mutex<Ledger>>,
    providers: Arc<Mutex<Providers>>,
}

struct Providers {
    random: fastrand::Rng,
    moods: BTreeMap<String, Mood>,
    /// Of a hundred calls, so many are not answered as they should be.
    misbehaving: u8,
}

/// How an endpoint takes connections.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mood {
    #[default]
    Serves,
    Refuses,
    /// Swallows what comes and says nothing.
    Hangs,
}

/// How a provider answers one call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    Answers { after_ms: u64 },
    Fails { after_ms: u64, status: u8 },
    Hangs,
    Resets,
    RefusesTheStream,
    BreaksOff { after_ms: u64 },
    Trickles,
}

impl Outside {
    pub fn new(trace: Trace, ledger: Arc<Mutex<Ledger>>, random: fastrand::Rng) -> Self {
        Self {
            trace,
            ledger,
            providers: Arc::new(Mutex::new(Providers {
                random,
                moods: BTreeMap::new(),
                misbehaving: 25,
            })),
        }
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub fn set_mood(&self, endpoint: &str, mood: Mood) {
        self.trace.note(format!("{endpoint} {mood:?}"));
        self.providers().moods.insert(endpoint.to_owned(), mood);
    }

    pub fn set_misbehaving(&self, percent: u8) {
        self.providers().misbehaving = percent;
    }

    /// How the next call is answered.
    pub fn manner(&self) -> Manner {
        let mut providers = self.providers();
        let odds = providers.misbehaving;
        let random = &mut providers.random;
        let after_ms = random.u64(..80);
        if random.u8(..100) >= odds {
            return Manner::Answers { after_ms };
        }
        match random.u8(..8) {
            0 | 1 => Manner::Fails {
                after_ms,
                status: random.u8(1..=16),
            },
            2 => Manner::Hangs,
            3 => Manner::Resets,
            4 => Manner::RefusesTheStream,
            5 => Manner::BreaksOff { after_ms },
            6 => Manner::Trickles,
            _ => Manner::Answers { after_ms: 1_200 },
        }
    }

    fn providers(&self) -> MutexGuard<'_, Providers> {
        self.providers.lock().unwrap()
    }
}

impl Wires for Outside {
    fn connect(&self, _provider: &SystemId, endpoint: &str) -> Connecting {
        let mood = self.providers().moods.get(endpoint).copied();
        let outside = self.clone();
        let endpoint = endpoint.to_owned();
        Box::pin(async move {
            match mood.unwrap_or_default() {
                Mood::Refuses => Err(io::ErrorKind::ConnectionRefused.into()),
                Mood::Hangs => std::future::pending().await,
                Mood::Serves => {
                    let (near, far) = tokio::io::duplex(PIPE_BYTES);
                    tokio::spawn(provider::serve(outside, endpoint, far));
                    Ok(Box::new(near) as Box<dyn Stream>)
                }
            }
        })
    }
}
