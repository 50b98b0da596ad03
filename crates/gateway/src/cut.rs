//! Ending calls in flight when an operator says so.
//!
//! A suspension or a revocation lets the calls that passed before it finish. A cut ends them: it
//! names whom it is about, and every call in flight that concerns them is asked of the registry
//! again. What the registry would refuse now is ended with that refusal; the rest goes on.
//!
//! A call pays one atomic read for this. Only one that lasts longer than [`UNWATCHED`] begins to
//! listen, and finds any cut that came before it did.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ndxp_model::{Connection, Party, Refusal, ServiceName, SystemId};
use tokio::sync::watch;

/// Calls shorter than this end by themselves before a cut could matter. Longer than a call waits on
/// a hub that is fully used, so that listening costs only those that last.
pub const UNWATCHED: Duration = Duration::from_millis(200);

/// Cuts that are remembered with whom they are about. Whoever has missed more looks at the
/// registry as if each of them had concerned it.
const REMEMBERED: usize = 64;

/// Whose calls in flight are to end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Calls from and to the party.
    Party(Party),
    /// Calls to one service of one provider.
    Service {
        provider: SystemId,
        service: ServiceName,
    },
    /// Calls under the grant for this connection.
    Grant(Connection),
}

/// The cuts of this hub. A handle, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Cuts(Arc<Made>);

#[derive(Debug, Default)]
struct Made {
    recent: watch::Sender<Recent>,
    count: AtomicU64,
}

#[derive(Debug, Default)]
struct Recent {
    count: u64,
    /// The last of them, the latest at the end.
    scopes: VecDeque<Scope>,
}

/// How many cuts a call knows to lie before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Before(u64);

impl Scope {
    #[must_use]
    pub fn concerns(&self, connection: &Connection) -> bool {
        match self {
            Self::Party(party) => {
                party.covers(connection.consumer.as_str())
                    || party.covers(connection.provider.as_str())
            }
            Self::Service { provider, service } => {
                *provider == connection.provider && *service == connection.service
            }
            Self::Grant(granted) => granted == connection,
        }
    }
}

impl Cuts {
    /// Ends the calls in flight that concern the scope and that the registry, as it is shown by
    /// now, would refuse.
    pub fn cut(&self, scope: Scope) {
        self.0.recent.send_modify(|recent| {
            recent.count += 1;
            recent.scopes.push_back(scope);
            if recent.scopes.len() > REMEMBERED {
                recent.scopes.pop_front();
            }
            self.0.count.store(recent.count, Ordering::Release);
        });
    }

    /// To be taken before the registry is asked, so that no cut falls between the two.
    #[must_use]
    pub fn before(&self) -> Before {
        Before(self.0.count.load(Ordering::Acquire))
    }

    /// Waits until a cut concerns the connection and it is no longer permitted.
    pub async fn wait(
        &self,
        before: Before,
        connection: &Connection,
        permitted: impl Fn() -> Result<(), Refusal>,
    ) -> Refusal {
        let mut recent = self.0.recent.subscribe();
        let Before(mut seen) = before;
        loop {
            let concerned = {
                let recent = recent.borrow_and_update();
                let concerned = recent.concerns(seen, connection);
                seen = recent.count;
                concerned
            };
            if concerned && let Err(refusal) = permitted() {
                return refusal;
            }
            if recent.changed().await.is_err() {
                // The hub is going; the deadline ends the wait.
                return std::future::pending().await;
            }
        }
    }
}

impl Recent {
    fn concerns(&self, seen: u64, connection: &Connection) -> bool {
        let missed = usize::try_from(self.count.saturating_sub(seen)).unwrap_or(usize::MAX);
        missed > self.scopes.len()
            || self
                .scopes
                .iter()
                .rev()
                .take(missed)
                .any(|scope| scope.concerns(connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndxp_model::Reason;

    fn connection(text: [&str; 3]) -> Connection {
        let [consumer, provider, service] = text;
        Connection {
            consumer: consumer.parse().unwrap(),
            provider: provider.parse().unwrap(),
            service: service.parse().unwrap(),
        }
    }

    fn scopes() -> [Scope; 5] {
        [
            Scope::Party(Party::Member("H26".parse().unwrap())),
            Scope::Party(Party::System("G01/population".parse().unwrap())),
            Scope::Party(Party::System("H26/portal".parse().unwrap())),
            Scope::Service {
                provider: "G01/population".parse().unwrap(),
                service: "a.Verify".parse().unwrap(),
            },
            Scope::Grant(connection(["H26/lgsp", "G01/population", "a.Verify"])),
        ]
    }

    #[test]
    fn a_scope_concerns_its_own_calls_alone() {
        // Connection, and which of the scopes concern it.
        let rows = [
            (
                ["H26/lgsp", "G01/population", "a.Verify"],
                [true, true, false, true, true],
            ),
            (
                ["H26/portal", "G01/population", "a.Verify"],
                [true, true, true, true, false],
            ),
            (
                ["H26/lgsp", "G01/population", "a.Other"],
                [true, true, false, false, false],
            ),
            (
                ["H40/lgsp", "G01/population", "a.Verify"],
                [false, true, false, true, false],
            ),
            (
                ["G01/population", "H26/lgsp", "a.Verify"],
                [true, true, false, false, false],
            ),
            (["H26.12/lgsp", "G05/business", "a.Verify"], [false; 5]),
        ];
        for (text, expected) in rows {
            let connection = connection(text);
            let found = scopes().map(|scope| scope.concerns(&connection));
            assert_eq!(found, expected, "{connection}");
        }
    }

    #[test]
    fn only_cuts_that_came_later_count_and_missed_ones_count_all() {
        let cuts = Cuts::default();
        let ours = connection(["H26/lgsp", "G01/population", "a.Verify"]);
        let concerns = |before: Before| cuts.0.recent.borrow().concerns(before.0, &ours);
        let [_, _, other, _, grant] = scopes();
        let at_first = cuts.before();
        assert!(!concerns(at_first), "nothing was cut");
        cuts.cut(grant);
        assert!(concerns(at_first));
        let after = cuts.before();
        assert!(!concerns(after), "it was cut before");
        for _ in 0..REMEMBERED {
            cuts.cut(other.clone());
        }
        assert!(!concerns(after), "others were cut");
        cuts.cut(other);
        assert!(concerns(after), "more were cut than are remembered");
    }

    #[tokio::test]
    async fn a_call_that_is_still_permitted_goes_on() {
        let cuts = Cuts::default();
        let ours = connection(["H26/lgsp", "G01/population", "a.Verify"]);
        let [member, _, other, _, grant] = scopes();
        let before = cuts.before();
        let asked = AtomicU64::new(0);
        let no_grant = || match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Refusal::new(Reason::NoGrant, "revoked")),
        };
        let cutting = async {
            for scope in [other, member, grant] {
                cuts.cut(scope);
                tokio::task::yield_now().await;
            }
        };
        let (refusal, ()) = tokio::join!(cuts.wait(before, &ours, no_grant), cutting);
        assert_eq!(refusal.reason, Reason::NoGrant);
        assert_eq!(
            asked.load(Ordering::Relaxed),
            2,
            "the other's cut is no question"
        );
    }
}
