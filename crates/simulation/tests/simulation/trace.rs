//! What happened in a world, in order, and one number for all of it: two runs of a seed that differ
//! anywhere differ in it. And how often it met what worlds are made to meet.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use crate::clock::WorldClock;

#[derive(Clone)]
pub struct Trace {
    clock: Arc<WorldClock>,
    lines: Arc<Mutex<Vec<String>>>,
    met: Arc<Mutex<Met>>,
}

/// How often what was met.
pub type Met = BTreeMap<String, u64>;

impl Trace {
    pub fn new(clock: Arc<WorldClock>) -> Self {
        Self {
            clock,
            lines: Arc::default(),
            met: Arc::default(),
        }
    }

    pub fn note(&self, what: impl AsRef<str>) {
        let line = format!("{:>8} ms  {}", self.clock.passed_ms(), what.as_ref());
        self.lines.lock().unwrap().push(line);
    }

    /// Counted only: an event that is noted elsewhere, or a state.
    pub fn meet(&self, what: impl Into<String>) {
        *self.met.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    pub fn met(&self) -> Met {
        self.met.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.lines.lock().unwrap().hash(&mut hasher);
        hasher.finish()
    }
}
