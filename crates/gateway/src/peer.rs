//! Who sits at the other end of a connection: proved once by TLS, looked up again at each call,
//! so that a suspension reaches open connections too.

use std::sync::{Arc, Mutex, PoisonError};

use ndxp_model::{Reason, Refusal, SystemId};
use ndxp_registry::{CertificateIdentity, Registry, SystemRecord};

use crate::admission::{Admission, Gate};
use crate::conduct::Conduct;
use crate::identity::{self, IdentityError, PeerIdentity};
use crate::trust::CertificateKey;

/// A consumer's connection.
pub struct Peer {
    /// None for a certificate that names somebody who is no system: an operator or a hub does
    /// not call, whatever fingerprint is registered.
    pub identity: Option<CertificateIdentity>,
    /// How the certificate proved it, in words for the directory.
    pub proof: String,
    /// By which the certificate's authority may take it back.
    pub certificate: Option<CertificateKey>,
    /// What it does beside its calls.
    pub conduct: Arc<Conduct>,
    /// What the consumer uses. A connection stays on one core: the lock is never waited for.
    gate: Mutex<Gated>,
}

/// Whose use a connection counts towards.
enum Gated {
    /// Nobody's that the registry knows: the connection stands for itself.
    Stranger(Arc<Gate>),
    Consumer(SystemId, Arc<Gate>),
}

/// What the hub's own services on the exchange port know of their caller.
#[derive(Clone, Debug)]
pub struct Caller {
    pub system: ndxp_model::SystemId,
    pub proof: String,
}

impl Peer {
    /// The system that the registry knows by this certificate, and has not suspended.
    ///
    /// # Errors
    /// `UNKNOWN_SYSTEM`, `SYSTEM_SUSPENDED`.
    pub fn system(&self, registry: &Registry) -> Result<Arc<SystemRecord>, Refusal> {
        let Some(identity) = &self.identity else {
            let detail = format!("the certificate names {}, which is no system", self.proof);
            return Err(Refusal::new(Reason::UnknownSystem, detail));
        };
        registry.identify(identity)
    }

    /// The consumer's gate, found once unless the certificate comes to prove another system.
    #[must_use]
    pub fn gate_of(&self, consumer: &SystemId, admission: &Admission) -> Arc<Gate> {
        let mut gated = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Gated::Consumer(system, gate) = &*gated
            && system == consumer
        {
            return Arc::clone(gate);
        }
        let gate = admission.consumer(consumer);
        *gated = Gated::Consumer(consumer.clone(), Arc::clone(&gate));
        gate
    }

    /// Where refusals of this connection's calls count.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        match &*self.gate.lock().unwrap_or_else(PoisonError::into_inner) {
            Gated::Stranger(gate) | Gated::Consumer(_, gate) => Arc::clone(gate),
        }
    }

    /// The name under which the registry knows the certificate, suspended or not.
    #[must_use]
    pub fn known_as<'a>(&'a self, registry: &'a Registry) -> Option<&'a str> {
        registry.system_of(self.identity.as_ref()?)
    }

    /// A peer that was proved otherwise than by a certificate at hand.
    #[must_use]
    pub fn proved(identity: CertificateIdentity, conduct: Arc<Conduct>) -> Self {
        let named = identity.system.as_ref().map(SystemId::to_string);
        Self {
            proof: named.unwrap_or_else(|| crate::salt::hex(&identity.fingerprint)),
            identity: Some(identity),
            certificate: None,
            conduct,
            gate: Mutex::new(Gated::Stranger(Arc::default())),
        }
    }

    /// Reads the certificate that TLS has verified.
    ///
    /// # Errors
    /// When its identity is damaged; a certificate that names nobody is none and may still be
    /// known by its fingerprint.
    pub fn read(
        certificate: &[u8],
        trust_domain: &str,
        conduct: Arc<Conduct>,
    ) -> Result<Self, IdentityError> {
        let (identity, fingerprint) = identity::read(certificate, trust_domain)?;
        let proof = match identity.uri(trust_domain) {
            Some(uri) => uri,
            None => format!("sha256:{}", crate::salt::hex(&fingerprint)),
        };
        let identity = match identity {
            PeerIdentity::System(system) => Some(CertificateIdentity {
                system: Some(system),
                fingerprint,
            }),
            PeerIdentity::Unnamed => Some(CertificateIdentity {
                system: None,
                fingerprint,
            }),
            PeerIdentity::Hub(_) | PeerIdentity::Operator(_) | PeerIdentity::Auditor(_) => None,
        };
        Ok(Self {
            identity,
            proof,
            certificate: CertificateKey::of(certificate),
            conduct,
            gate: Mutex::new(Gated::Stranger(Arc::default())),
        })
    }
}
