//! How many refused attempts of one actor the journal keeps: an audit log that can be filled at
//! will is none. Pure, but for the lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ndxp_model::Instant;

/// Attempts of one actor at once, and one more for each second after.
const BURST: i64 = 50;
const SECOND_US: i64 = 1_000_000;
/// Actors that are remembered. Whoever has been quiet for a minute is forgotten first.
const ACTORS_MAX: usize = 4_096;

/// When each actor's allowance is full again, in microseconds.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Arc<str>, i64>>);

impl Refusals {
    /// Whether one more refused attempt of this actor is written down.
    #[must_use]
    pub fn admit(&self, actor: &Arc<str>, now: Instant) -> bool {
        let now = now.as_micros();
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= ACTORS_MAX {
            full_at.retain(|_, at| *at > now);
        }
        if full_at.len() >= ACTORS_MAX && !full_at.contains_key(actor) {
            return false;
        }
        let standing = full_at.entry(Arc::clone(actor)).or_insert(now);
        let next = (*standing).max(now).saturating_add(SECOND_US);
        let admitted = next.saturating_sub(now) <= BURST.saturating_mul(SECOND_US);
        if admitted {
            *standing = next;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_fills_its_own_allowance_and_gets_it_back_with_time() {
        let refusals = Refusals::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let at = |seconds: i64| Instant::from_micros(seconds * SECOND_US);
        let admitted = |actor, seconds| refusals.admit(actor, at(seconds));
        assert_eq!((0..100).filter(|_| admitted(&one, 0)).count(), 50);
        assert!(admitted(&other, 0), "another's allowance is its own");
        assert_eq!((0..100).filter(|_| admitted(&one, 3)).count(), 3);
        assert_eq!((0..100).filter(|_| admitted(&one, 1_000)).count(), 50);
    }

    #[test]
    fn no_crowd_of_actors_grows_it_without_end() {
        let refusals = Refusals::default();
        for number in 0..2 * ACTORS_MAX {
            let actor: Arc<str> = number.to_string().into();
            let expected = number < ACTORS_MAX;
            assert_eq!(refusals.admit(&actor, Instant::EPOCH), expected, "{number}");
        }
        let later = Instant::from_micros(2 * SECOND_US);
        assert!(
            refusals.admit(&"new".into(), later),
            "the quiet are forgotten"
        );
    }
}
