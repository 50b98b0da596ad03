//! Providers, as one core sees them: pooled, multiplexed connections to healthy endpoints.
//!
//! Every core has its own pool, so that a call never leaves its core. An endpoint that cannot
//! be dialled is left alone for a time that doubles; while all of a provider's endpoints are
//! left alone, calls to it fail at once instead of queueing.

mod dial;
mod endpoint;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use dial::{DialError, Dialler};
pub use endpoint::Lease;
use endpoint::{Endpoint, Standing};
use ndxp_model::SystemId;
use ndxp_registry::SystemRecord;

/// One core's pools, by provider.
pub struct Upstreams {
    dialler: Arc<Dialler>,
    connections_max: usize,
    providers: Mutex<HashMap<SystemId, Arc<Provider>>>,
}

/// One provider's endpoints, as its registry record of the time lists them.
struct Provider {
    record: Arc<SystemRecord>,
    endpoints: Vec<Arc<Endpoint>>,
}

impl Upstreams {
    #[must_use]
    pub fn new(dialler: Arc<Dialler>, connections_max: usize) -> Self {
        Self {
            dialler,
            connections_max,
            providers: Mutex::default(),
        }
    }

    /// A place on a connection to the provider: the connected endpoint with the fewest calls in
    /// flight first, then those that have to be dialled.
    ///
    /// # Errors
    /// The last endpoint's error when none can be reached.
    pub async fn lease(&self, record: &Arc<SystemRecord>) -> Result<Lease, DialError> {
        let provider = self.provider(record);
        if let [only] = provider.endpoints.as_slice() {
            return only.lease(&self.dialler, self.connections_max).await;
        }
        let endpoints = provider.endpoints.iter();
        let mut endpoints: Vec<_> = endpoints.map(|it| (it.standing(), it)).collect();
        endpoints.sort_by_key(|(standing, _)| *standing);
        // While one endpoint serves, no call waits for another to be dialled.
        if let Some((Standing::Connected(_), _)) = endpoints.first() {
            for (standing, endpoint) in &endpoints {
                if matches!(standing, Standing::Unconnected(_)) {
                    endpoint.dial_ahead(&self.dialler);
                }
            }
        }
        let mut failure = DialError::NoEndpoint {
            provider: record.id.clone(),
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
    fn provider(&self, record: &Arc<SystemRecord>) -> Arc<Provider> {
        let mut providers = self
            .providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = providers.get(&record.id)
            && (Arc::ptr_eq(&provider.record, record) || provider.serves(record))
        {
            return Arc::clone(provider);
        }
        let endpoints = record
            .endpoints
            .iter()
            .filter_map(|address| Endpoint::new(record, address).map(Arc::new))
            .collect();
        let provider = Arc::new(Provider {
            record: Arc::clone(record),
            endpoints,
        });
        providers.insert(record.id.clone(), Arc::clone(&provider));
        provider
    }
}

impl Provider {
    /// Whether a newer record leads to the same places under the same proof.
    fn serves(&self, record: &SystemRecord) -> bool {
        self.record.endpoints == record.endpoints && self.record.fingerprints == record.fingerprints
    }
}
