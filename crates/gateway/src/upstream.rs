//! Providers, as one core sees them: pooled, multiplexed connections to healthy endpoints.
//!
//! Every core has its own pool, so that a call never leaves its core. An endpoint that cannot
//! be dialled is left alone by that core for a time that doubles; one whose calls fail in a row is
//! left alone by all ([`breaker`], [`health`]). While none of a provider's endpoints may be used,
//! calls to it fail at once instead of queueing.

mod breaker;
mod dial;
mod endpoint;
mod health;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use dial::{DialError, Dialler};
pub use endpoint::Lease;
use endpoint::{Endpoint, Standing};
pub use health::{Healths, Shown};
use ndxp_model::SystemId;
use ndxp_registry::SystemRecord;

use crate::admission::{Admission, Gate};

pub use breaker::{Pause, State as Circuit};

/// One core's pools, by provider.
pub struct Upstreams {
    dialler: Arc<Dialler>,
    connections_max: usize,
    healths: Arc<Healths>,
    providers: Mutex<HashMap<SystemId, Arc<Pool>>>,
}

/// One provider's endpoints, as its registry record of the time lists them.
pub struct Pool {
    record: Arc<SystemRecord>,
    /// What all consumers together have in flight there.
    pub gate: Arc<Gate>,
    endpoints: Vec<Arc<Endpoint>>,
}

impl Upstreams {
    #[must_use]
    pub fn new(dialler: Arc<Dialler>, connections_max: usize, healths: Arc<Healths>) -> Self {
        Self {
            dialler,
            connections_max,
            healths,
            providers: Mutex::default(),
        }
    }

    /// A place on a connection to the provider: an endpoint that may be tried again first, then
    /// the connected one with the fewest calls in flight, then those that have to be dialled.
    ///
    /// # Errors
    /// The last endpoint's error when none can be reached.
    pub async fn lease(&self, pool: &Pool) -> Result<Lease, DialError> {
        if let [only] = pool.endpoints.as_slice() {
            return only.lease(&self.dialler, self.connections_max).await;
        }
        let endpoints = pool.endpoints.iter();
        let mut endpoints: Vec<_> = endpoints.map(|it| (it.standing(), it)).collect();
        endpoints.sort_by_key(|(standing, _)| *standing);
        // While one endpoint serves, no call waits for another to be dialled.
        let serves = |(standing, _): &(Standing, _)| matches!(standing, Standing::Connected(_));
        if endpoints.iter().any(serves) {
            for (standing, endpoint) in &endpoints {
                if matches!(standing, Standing::Unconnected(_)) {
                    endpoint.dial_ahead(&self.dialler);
                }
            }
        }
        let mut failure = DialError::NoEndpoint {
            provider: pool.record.id.clone(),
        };
        for (_, endpoint) in endpoints {
            match endpoint.lease(&self.dialler, self.connections_max).await {
                Ok(lease) => return Ok(lease),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The pool for this record; a changed record starts a new pool, and the old one ends with
    /// its last call.
    pub fn pool(&self, record: &Arc<SystemRecord>, admission: &Admission) -> Arc<Pool> {
        let mut providers = self
            .providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = providers.get(&record.id)
            && (Arc::ptr_eq(&pool.record, record) || pool.serves(record))
        {
            return Arc::clone(pool);
        }
        let endpoints = record
            .endpoints
            .iter()
            .filter_map(|address| Endpoint::new(record, address, &self.healths).map(Arc::new))
            .collect();
        let pool = Arc::new(Pool {
            record: Arc::clone(record),
            gate: admission.provider(&record.id),
            endpoints,
        });
        providers.insert(record.id.clone(), Arc::clone(&pool));
        pool
    }
}

impl Pool {
    /// Whether a newer record leads to the same places under the same proof.
    fn serves(&self, record: &SystemRecord) -> bool {
        self.record.endpoints == record.endpoints && self.record.fingerprints == record.fingerprints
    }
}
