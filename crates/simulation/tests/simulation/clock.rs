//! The world's time: it goes on with the runtime's paused clock, and the machine's clock, which is
//! all that the hub sees of it, may be set forward and back.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use ndxp_model::{Clock, Instant};
use tokio::runtime::Handle;

/// 1 January 2026, seven minutes before an hour of local time is over.
const BEGIN: Instant = Instant::from_micros(1_767_225_600_000_000 - 7 * 60 * 1_000_000);

#[derive(Debug)]
pub struct WorldClock(Mutex<State>);

#[derive(Debug)]
struct State {
    /// As of `since`, or as of now while nobody lives.
    wall: Instant,
    /// Since the world began.
    passed_ms: u128,
    since: Option<Since>,
}

/// The beginning of a life, and the runtime whose clock knows how long ago that was.
#[derive(Debug)]
struct Since(Handle, tokio::time::Instant);

impl WorldClock {
    pub fn new() -> Self {
        Self(Mutex::new(State {
            wall: BEGIN,
            passed_ms: 0,
            since: None,
        }))
    }

    /// Time goes with the runtime that is entered.
    pub fn begin(&self) {
        self.lock().since = Some(Since(Handle::current(), tokio::time::Instant::now()));
    }

    /// Time stands.
    pub fn end(&self) {
        let (wall, passed_ms) = (self.now(), self.passed_ms());
        *self.lock() = State {
            wall,
            passed_ms,
            since: None,
        };
    }

    pub fn jump(&self, seconds: i64) {
        let mut state = self.lock();
        state.wall = Instant::from_micros(state.wall.as_micros() + seconds * 1_000_000);
    }

    /// True time, whatever the machine's clock says.
    pub fn passed_ms(&self) -> u128 {
        let state = self.lock();
        state.passed_ms + state.passed().as_millis()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn passed(&self) -> Duration {
        self.since
            .as_ref()
            .map_or(Duration::ZERO, |Since(runtime, since)| {
                let _entered = runtime.enter();
                since.elapsed()
            })
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Instant {
        let state = self.lock();
        state.wall.saturating_add(state.passed())
    }
}
