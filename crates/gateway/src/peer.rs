//! Who sits at the other end of a connection: proved once by TLS, looked up again at each call,
//! so that a suspension reaches open connections too.

use ndxp_registry::CertificateIdentity;

use crate::identity::{self, IdentityError, PeerIdentity};

/// A consumer's connection.
pub struct Peer {
    pub identity: CertificateIdentity,
    /// How the certificate proved it, in words for the directory.
    pub proof: String,
}

/// What the hub's own services on the exchange port know of their caller.
#[derive(Clone, Debug)]
pub struct Caller {
    pub system: ndxp_model::SystemId,
    pub proof: String,
}

impl Peer {
    /// Reads the certificate that TLS has verified.
    ///
    /// # Errors
    /// When its identity is damaged; a certificate that names nobody is none and may still be
    /// known by its fingerprint.
    pub fn read(certificate: &[u8], trust_domain: &str) -> Result<Self, IdentityError> {
        let (identity, fingerprint) = identity::read(certificate, trust_domain)?;
        let (system, proof) = match &identity {
            PeerIdentity::System(system) => (
                Some(system.clone()),
                identity.uri(trust_domain).unwrap_or_default(),
            ),
            _ => (None, format!("sha256:{}", crate::salt::hex(&fingerprint))),
        };
        Ok(Self {
            identity: CertificateIdentity {
                system,
                fingerprint,
            },
            proof,
        })
    }
}
