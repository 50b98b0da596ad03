//! What a participant proves itself with, and whom it trusts. The caller issues certificates;
//! the participants only show them.

use std::error::Error;

use ndxp_model::SystemId;

/// Why the issuer has no certificate for a system.
pub type CredentialsError = Box<dyn Error + Send + Sync>;

/// A system's own certificate and key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate and what leads from it to an authority, leaf first.
    pub certificate_pem: String,
    /// The private key of the leaf.
    pub key_pem: String,
}

// The key stays out of logs.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// Gives each simulated system its certificate. Any closure of that form will do.
pub trait Credentials {
    /// # Errors
    /// When there is none for the system.
    fn identity(&self, system: &SystemId) -> Result<Identity, CredentialsError>;
}

impl<F: Fn(&SystemId) -> Result<Identity, CredentialsError>> Credentials for F {
    fn identity(&self, system: &SystemId) -> Result<Identity, CredentialsError> {
        self(system)
    }
}

/// Who signs certificates, and in whose name hubs speak.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// Certificates of the authorities.
    pub pem: String,
    /// Trust domain of the URI identities, such as `ndxp.local`.
    pub trust_domain: String,
}

/// What keeps a participant from starting.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{system} has no certificate to show: {source}")]
    Credentials {
        system: SystemId,
        source: CredentialsError,
    },
    #[error("the certificates of {system} make no TLS configuration: {source}")]
    Tls {
        system: SystemId,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{system} cannot listen on 127.0.0.1: {source}")]
    Listen {
        system: SystemId,
        source: std::io::Error,
    },
}
