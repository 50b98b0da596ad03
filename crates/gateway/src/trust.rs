//! Whom the hub trusts at this moment: the authorities, and which of their certificates were
//! revoked. The value is replaced whole when its files change; whoever holds a connection open
//! looks at it again then, so that a revoked certificate keeps no connection.

use std::collections::HashSet;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, SignatureVerificationAlgorithm, UnixTime,
};
use tokio::sync::watch;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

/// The authorities and what they have revoked.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    lists: Vec<CertificateRevocationListDer<'static>>,
    read_lists: Arc<[webpki::CertRevocationList<'static>]>,
    revoked: HashSet<CertificateKey>,
}

/// Trust as it stands, and the news that it has changed.
pub type Trusted = watch::Receiver<Arc<Trust>>;

/// What names one certificate for ever: its issuer and the serial number given by it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CertificateKey {
    issuer: Vec<u8>,
    serial: Vec<u8>,
}

/// Files that cannot be trusted by.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustError {
    #[error("an authority cannot be read: {problem}")]
    Authority { problem: String },
    #[error("list {number} is no readable list of revoked certificates: {problem}")]
    List { number: usize, problem: String },
    #[error("list {number}, of {issuer}, was signed by none of the authorities")]
    Stranger { number: usize, issuer: String },
}

impl Trust {
    /// # Errors
    /// When a certificate or a list cannot be read, or a list was not signed by one of the
    /// authorities: it would be believed by nobody.
    pub fn new(
        authorities: &[CertificateDer<'static>],
        lists: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<Self, TrustError> {
        let unreadable = |error: &dyn std::fmt::Display| TrustError::Authority {
            problem: error.to_string(),
        };
        let mut roots = RootCertStore::empty();
        let mut issuers = Vec::new();
        for der in authorities {
            roots.add(der.clone()).map_err(|error| unreadable(&error))?;
            let (_, certificate) =
                X509Certificate::from_der(der).map_err(|error| unreadable(&error))?;
            issuers.push(certificate);
        }
        let mut revoked = HashSet::new();
        let mut read_lists = Vec::new();
        for (number, list) in (1..).zip(&lists) {
            let read = webpki::OwnedCertRevocationList::from_der(list).map_err(|error| {
                let problem = error.to_string();
                TrustError::List { number, problem }
            })?;
            read_lists.push(read.into());
            let (_, list) = CertificateRevocationList::from_der(list).map_err(|error| {
                let problem = error.to_string();
                TrustError::List { number, problem }
            })?;
            let signed = issuers.iter().any(|issuer| {
                issuer.subject().as_raw() == list.issuer().as_raw()
                    && list.verify_signature(issuer.public_key()).is_ok()
            });
            if !signed {
                let issuer = list.issuer().to_string();
                return Err(TrustError::Stranger { number, issuer });
            }
            let issuer = list.issuer().as_raw();
            revoked.extend(
                list.iter_revoked_certificates()
                    .map(|entry| CertificateKey::new(issuer, entry.raw_serial())),
            );
        }
        Ok(Self {
            roots: Arc::new(roots),
            lists,
            read_lists: read_lists.into(),
            revoked,
        })
    }

    #[must_use]
    pub fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }

    /// The lists of revoked certificates as they were signed.
    #[must_use]
    pub fn lists(&self) -> &[CertificateRevocationListDer<'static>] {
        &self.lists
    }

    #[must_use]
    pub fn revokes(&self, certificate: &CertificateKey) -> bool {
        self.revoked.contains(certificate)
    }

    /// Whether a server's chain leads to one of the authorities and none of it was revoked. An
    /// authority without a list has revoked nothing; a list past its next update still counts,
    /// since no call may depend on a new one having come in time.
    ///
    /// # Errors
    /// What is wrong with the chain.
    pub fn verify_server(
        &self,
        certificate: &webpki::EndEntityCert<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), webpki::Error> {
        let lists: Vec<&webpki::CertRevocationList<'_>> = self.read_lists.iter().collect();
        let revocation = webpki::RevocationOptionsBuilder::new(&lists).ok();
        let revocation = revocation.map(|options| {
            options
                .with_depth(webpki::RevocationCheckDepth::Chain)
                .with_status_policy(webpki::UnknownStatusPolicy::Allow)
                .with_expiration_policy(webpki::ExpirationPolicy::Ignore)
                .build()
        });
        certificate
            .verify_for_usage(
                algorithms,
                &self.roots.roots,
                intermediates,
                now,
                webpki::KeyUsage::server_auth(),
                revocation,
                None,
            )
            .map(drop)
    }

    /// Trust that never changes, for those who live no longer than its files.
    #[must_use]
    pub fn fixed(self) -> Trusted {
        watch::channel(Arc::new(self)).1
    }
}

impl CertificateKey {
    /// Of a certificate; `None` when it cannot be read.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let issuer = certificate.issuer().as_raw();
        Some(Self::new(issuer, certificate.raw_serial()))
    }

    /// Leading zeros of a serial number say nothing.
    fn new(issuer: &[u8], serial: &[u8]) -> Self {
        let digits = serial.iter().copied().skip_while(|byte| *byte == 0);
        Self {
            issuer: issuer.to_vec(),
            serial: digits.collect(),
        }
    }
}

/// Resolves once the certificate is revoked; never where it never is.
pub async fn taken_back(mut trusted: Trusted, certificate: &CertificateKey) {
    loop {
        if trusted.borrow_and_update().revokes(certificate) {
            return;
        }
        if trusted.changed().await.is_err() {
            // Nobody will replace it any more.
            std::future::pending::<()>().await;
        }
    }
}
