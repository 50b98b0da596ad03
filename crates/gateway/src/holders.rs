//! How many connections each holder of a certificate has open, so that one who opens them by the
//! thousand leaves the hub's for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections by who holds them; nobody who holds none is remembered. Asked once for each
/// connection.
#[derive(Debug, Default)]
pub struct Holders(Mutex<HashMap<String, usize>>);

/// One connection; no longer counted when dropped.
#[derive(Debug)]
pub struct Held {
    holders: Arc<Holders>,
    who: String,
}

impl Holders {
    /// Counts one more, unless there are so many already.
    #[must_use]
    pub fn hold(self: &Arc<Self>, who: &str, most: usize) -> Option<Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(who).is_some_and(|held| *held >= most) {
            return None;
        }
        *held.entry(who.to_owned()).or_default() += 1;
        Some(Held {
            holders: Arc::clone(self),
            who: who.to_owned(),
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut holders = self
            .holders
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = holders.get_mut(&self.who) {
            *held -= 1;
            if *held == 0 {
                holders.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_as_many_and_gets_them_back() {
        let holders = Arc::<Holders>::default();
        let [first, second] = [1, 2].map(|_| holders.hold("a", 2).unwrap());
        assert!(holders.hold("a", 2).is_none());
        let other = holders.hold("b", 2);
        assert!(other.is_some());
        drop(first);
        let third = holders.hold("a", 2);
        assert!(third.is_some() && holders.hold("a", 2).is_none());
        drop((second, third, other));
        assert!(holders.0.lock().unwrap().is_empty());
    }
}
