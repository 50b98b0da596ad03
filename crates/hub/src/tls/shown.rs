//! What others will make of a certificate that is shown to them: questions that are otherwise
//! answered by a failed handshake, asked beforehand by `ndxp doctor`.

use std::sync::Arc;

use ndxp_gateway::identity::{self, IdentityError, PeerIdentity};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring as crypto;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{Tls, TlsError};
use crate::authority::Validity;

/// Whom a certificate names.
///
/// # Errors
/// When it cannot be read, or must not be given any identity.
pub fn holder_of(certificate: &[u8], trust_domain: &str) -> Result<PeerIdentity, IdentityError> {
    identity::read(certificate, trust_domain).map(|(identity, _)| identity)
}

impl Tls {
    /// When the own certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whom the own certificate names.
    ///
    /// # Errors
    /// As [`holder_of`].
    pub fn holder(&self, trust_domain: &str) -> Result<PeerIdentity, IdentityError> {
        holder_of(self.leaf(), trust_domain)
    }

    /// Whether somebody with these files believes the other's certificate as a server's.
    ///
    /// # Errors
    /// What is wrong with its chain.
    pub fn believes_server(&self, shown: &Self) -> Result<(), TlsError> {
        let (leaf, between) = shown.chain();
        let algorithms = crypto::default_provider().signature_verification_algorithms;
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(leaf)?,
            &self.roots(),
            between,
            self.now(),
            algorithms.all,
        )?;
        Ok(())
    }

    /// Whether a server with these files believes the other's certificate as a client's, what was
    /// revoked included.
    ///
    /// # Errors
    /// What is wrong with its chain.
    pub fn believes_client(&self, shown: &Self) -> Result<(), TlsError> {
        let (leaf, between) = shown.chain();
        let provider = Arc::new(crypto::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider)
            .with_crls(self.trust.lists().iter().cloned())
            .allow_unknown_revocation_status()
            .build()?;
        verifier.verify_client_cert(leaf, between, self.now())?;
        Ok(())
    }

    /// Whether the own certificate was issued for this name or address.
    ///
    /// # Errors
    /// For which ones it was issued.
    pub fn serves_as(&self, host: &str) -> Result<(), TlsError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let (leaf, _) = self.chain();
        verify_server_name(&ParsedCertificate::try_from(leaf)?, &name)?;
        Ok(())
    }

    fn chain(&self) -> (&CertificateDer<'static>, &[CertificateDer<'static>]) {
        let chain = self.own.cert.split_first();
        chain.expect("a chain without a certificate is refused when it is read")
    }

    fn leaf(&self) -> &[u8] {
        self.chain().0
    }

    fn now(&self) -> UnixTime {
        let epoch = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        super::ClockTime(Arc::clone(&self.clock))
            .current_time()
            .unwrap_or(epoch)
    }
}
