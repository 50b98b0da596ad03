//! Until when the certificates that systems last showed are valid: remembered from handshakes, so
//! that operators are warned before one ends. Kept in memory alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ndxp_model::{Instant, SystemId};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The last certificate of each registered system, by its end.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<SystemId, Instant>>);

impl Seen {
    /// Takes note of a certificate that a registered system has shown.
    pub fn note(&self, system: &SystemId, certificate: &[u8]) {
        let Some(until) = not_after(certificate) else {
            return;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get_mut(system) {
            Some(known) => *known = until,
            None => drop(seen.insert(system.clone(), until)),
        }
    }

    /// End of the certificate that the system showed last; `None` before its first handshake.
    #[must_use]
    pub fn until(&self, system: &SystemId) -> Option<Instant> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(system).copied()
    }

    /// All of them, in the order of the systems.
    #[must_use]
    pub fn all(&self) -> Vec<(SystemId, Instant)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = seen
            .iter()
            .map(|(id, until)| (id.clone(), *until))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        all
    }
}

fn not_after(certificate: &[u8]) -> Option<Instant> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(Instant::from_micros(seconds.checked_mul(1_000_000)?))
}
