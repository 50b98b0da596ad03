//! Whom the hub will carry a call to. A provider's address proves nothing and may be a bare
//! number, so instead of a DNS name its certificate must prove the system that the registry
//! says serves there: by its URI, or by a fingerprint registered for it.

use std::sync::Arc;

use ndxp_model::SystemId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use crate::identity::{self, Fingerprint, IdentityError, PeerIdentity};
use crate::trust::Trusted;

/// Checks a provider's chain against the present authorities and its identity against the registry.
#[derive(Debug)]
pub struct ProviderVerifier {
    trusted: Trusted,
    trust_domain: Arc<str>,
    expected: SystemId,
    fingerprints: Vec<Fingerprint>,
    crypto: Arc<CryptoProvider>,
}

/// A certificate of our authority that does not prove the provider.
#[derive(Debug, thiserror::Error)]
pub enum WrongProvider {
    #[error("the endpoint of {expected} showed a certificate that names {found}")]
    Other {
        expected: SystemId,
        found: PeerIdentity,
    },
    #[error("the endpoint of {expected} showed a certificate without an identity: {source}")]
    Unidentified {
        expected: SystemId,
        source: IdentityError,
    },
}

impl ProviderVerifier {
    #[must_use]
    pub fn new(
        trusted: Trusted,
        trust_domain: impl Into<Arc<str>>,
        expected: SystemId,
        fingerprints: Vec<Fingerprint>,
    ) -> Self {
        Self {
            trusted,
            trust_domain: trust_domain.into(),
            expected,
            fingerprints,
            crypto: Arc::new(rustls::crypto::ring::default_provider()),
        }
    }

    /// The URI proves the system, and a registered fingerprint proves it for a certificate that
    /// names nobody. A certificate that names somebody else is never taken by its fingerprint.
    fn check_identity(&self, certificate: &CertificateDer<'_>) -> Result<(), WrongProvider> {
        let (found, fingerprint) =
            identity::read(certificate, &self.trust_domain).map_err(|source| {
                WrongProvider::Unidentified {
                    expected: self.expected.clone(),
                    source,
                }
            })?;
        let proven = match &found {
            PeerIdentity::System(system) => *system == self.expected,
            PeerIdentity::Unnamed => self.fingerprints.contains(&fingerprint),
            PeerIdentity::Hub(_) | PeerIdentity::Operator(_) | PeerIdentity::Auditor(_) => false,
        };
        if proven {
            return Ok(());
        }
        Err(WrongProvider::Other {
            expected: self.expected.clone(),
            found,
        })
    }
}

impl ServerCertVerifier for ProviderVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let trust = Arc::clone(&self.trusted.borrow());
        let algorithms = self.crypto.signature_verification_algorithms.all;
        webpki::EndEntityCert::try_from(end_entity)
            .and_then(|shown| trust.verify_server(&shown, intermediates, now, algorithms))
            .map_err(broken_chain)?;
        // Not `InvalidCertificate`: that would show the reason to nobody but a programmer.
        self.check_identity(end_entity)
            .map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What is wrong with a chain, in the words in which rustls says it of its own checks.
fn broken_chain(error: webpki::Error) -> rustls::Error {
    use webpki::Error;
    let known = match error {
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => CertificateError::BadEncoding,
        Error::CertExpired { time, not_after } => {
            CertificateError::ExpiredContext { time, not_after }
        }
        Error::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        Error::CertRevoked => CertificateError::Revoked,
        Error::UnknownIssuer => CertificateError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    };
    known.into()
}
