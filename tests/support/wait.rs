//! Waiting for something to happen, never for time to pass, and never for ever.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

/// What no event announces is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Far above what anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The work's result; a failure that names what was awaited when it does not come.
#[track_caller]
pub fn within<T>(what: &str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let asked = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, work).await {
            Ok(done) => done,
            Err(_) => panic!("waited in vain for {what}, {asked}"),
        }
    }
}

/// Looks until there is something to see.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let looking = async move {
        let mut glances = interval(LOOK_EVERY);
        glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            glances.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    within(what, looking)
}
