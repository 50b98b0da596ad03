//! TLS as the hub speaks it: version 1.3 alone, certificates on both sides, HTTP/2 by ALPN. The
//! files are read and checked once, before anything binds.

mod live;
mod shown;

use std::path::Path;
use std::sync::Arc;

use ndxp_gateway::identity::{self, IdentityError, PeerIdentity};
use ndxp_gateway::trust::{Trust, TrustError};
use ndxp_model::{Clock, Instant};
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring as crypto};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::authority::Validity;
use crate::config::{Config, TlsFiles};
use crate::secret::{self, FileError};

pub use live::{LiveTls, Looked};
pub use shown::holder_of;

/// Whom the hub trusts, and how it shows itself.
#[derive(Clone, Debug)]
pub struct Tls {
    trust: Arc<Trust>,
    own: Arc<CertifiedKey>,
    validity: Validity,
    authorities_valid_until: Instant,
    clock: Arc<dyn Clock>,
}

/// Files under `[tls]` (or `[client]`) that cannot serve. Each names the key of the
/// configuration that leads to the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{key}: {source}")]
    File {
        key: &'static str,
        source: FileError,
    },
    #[error("{key}: {path}: {problem}; {remedy}")]
    Content {
        key: &'static str,
        path: String,
        problem: String,
        remedy: &'static str,
    },
    #[error("tls.certificate: {0}; issue one for this hub")]
    Identity(#[from] IdentityError),
    #[error(
        "tls.certificate names {found} where the configuration says {expected}; set hub.node and \
         hub.trust_domain to what the certificate says, or issue one for this node"
    )]
    AnotherNode { expected: String, found: String },
    #[error("TLS cannot be configured: {0}")]
    Rustls(#[from] rustls::Error),
    #[error("the authority bundle cannot verify anybody: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Sessions that a server remembers where a client cannot take tickets.
const SESSIONS_MAX: usize = 4_096;

impl Tls {
    /// Reads the hub's files and checks that the certificate is this node's.
    ///
    /// # Errors
    /// When a file cannot be used, with its key and a remedy.
    pub fn load(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let keys = ["tls.authority", "tls.certificate", "tls.key"];
        let tls = Self::read(&config.tls, keys, clock)?;
        tls.check_node(&config.hub.trust_domain, &config.hub.node)?;
        Ok(tls)
    }

    /// Reads what the client commands show the hub.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub fn load_client(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let files = TlsFiles {
            authority: config.client.authority.clone(),
            certificate: config.client.certificate.clone(),
            key: config.client.key.clone(),
            revoked: None,
        };
        let keys = ["client.authority", "client.certificate", "client.key"];
        Self::read(&files, keys, clock)
    }

    fn read(
        files: &TlsFiles,
        keys: [&'static str; 3],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let [authority_key, certificate_key, key_key] = keys;
        let trust = trust(authority_key, files)?;
        let chain = certificates(certificate_key, &files.certificate)?;
        let validity = validity_of(certificate_key, &files.certificate, &chain)?;
        let authorities = certificates(authority_key, &files.authority)?;
        let authorities_valid_until = authorities
            .chunks(1)
            .map(|one| validity_of(authority_key, &files.authority, one))
            .try_fold(None, |first: Option<Instant>, validity| {
                let until = validity?.until;
                Ok::<_, TlsError>(Some(first.map_or(until, |first| first.min(until))))
            })?
            .unwrap_or(validity.until);
        let own = own_key(key_key, &files.key, chain)?;
        Ok(Self {
            trust: Arc::new(trust),
            own: Arc::new(own),
            validity,
            authorities_valid_until,
            clock,
        })
    }

    /// A certificate that names nobody is accepted, for authorities that cannot issue the URI;
    /// one that names somebody else is a mistake.
    fn check_node(&self, trust_domain: &str, node: &str) -> Result<(), TlsError> {
        let expected = PeerIdentity::Hub(node.to_owned());
        let certificate = self.own.end_entity_cert()?;
        let (found, _) = identity::read(certificate, trust_domain)?;
        if found == expected || found == PeerIdentity::Unnamed {
            return Ok(());
        }
        let uri = |identity: &PeerIdentity| identity.uri(trust_domain).unwrap_or_default();
        Err(TlsError::AnotherNode {
            expected: uri(&expected),
            found: uri(&found),
        })
    }

    /// The authorities that consumers, providers and operators must come from.
    #[must_use]
    pub fn roots(&self) -> Arc<RootCertStore> {
        self.trust.roots()
    }

    /// The same, with what these authorities have revoked.
    #[must_use]
    pub fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust)
    }

    /// What the hub shows when it is the client.
    #[must_use]
    pub fn credentials(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.own)))
    }

    /// End of the hub's own certificate.
    #[must_use]
    pub fn valid_until(&self) -> Instant {
        self.validity.until
    }

    /// End of the first of the authorities that ends.
    #[must_use]
    pub fn authorities_valid_until(&self) -> Instant {
        self.authorities_valid_until
    }

    /// For the exchange and the control port: TLS 1.3, a client certificate of our authorities,
    /// HTTP/2, resumption by tickets. A resumed session keeps the certificate that it began
    /// with; who that is is asked of the registry again at every call.
    ///
    /// # Errors
    /// When the bundle holds no authority, or the machine gives no randomness for tickets.
    pub fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(crypto::default_provider());
        // An authority without a list has revoked nothing, and a list past its next update
        // still counts: no handshake depends on a new one having come in time.
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider.clone())
            .with_crls(self.trust.lists().iter().cloned())
            .allow_unknown_revocation_status();
        let mut server = ServerConfig::builder_with_details(provider, self.time())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier.build()?)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&self.own))));
        server.alpn_protocols = vec![b"h2".to_vec()];
        server.session_storage = rustls::server::ServerSessionMemoryCache::new(SESSIONS_MAX);
        server.ticketer = crypto::Ticketer::new()?;
        Ok(Arc::new(server))
    }

    /// For the commands that call a hub by its name.
    ///
    /// # Errors
    /// When the provider of cryptography lacks TLS 1.3.
    pub fn client(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let provider: Arc<CryptoProvider> = Arc::new(crypto::default_provider());
        let mut client = ClientConfig::builder_with_details(provider, self.time())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(self.roots())
            .with_client_cert_resolver(self.credentials());
        client.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(client))
    }

    fn time(&self) -> Arc<dyn TimeProvider> {
        Arc::new(ClockTime(Arc::clone(&self.clock)))
    }
}

/// The house's clock as rustls asks it: certificates are judged by the same time as everything.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().as_micros()).ok()?;
        let since_epoch = std::time::Duration::from_micros(micros);
        Some(UnixTime::since_unix_epoch(since_epoch))
    }
}

fn trust(authority_key: &'static str, files: &TlsFiles) -> Result<Trust, TlsError> {
    let authorities = certificates(authority_key, &files.authority)?;
    let lists = match &files.revoked {
        Some(path) => revocation_lists("tls.revoked", path)?,
        None => Vec::new(),
    };
    Trust::new(&authorities, lists).map_err(|error| match (&error, &files.revoked) {
        (TrustError::List { .. } | TrustError::Stranger { .. }, Some(path)) => content(
            "tls.revoked",
            path,
            &error,
            "keep only lists in it that authorities under tls.authority have signed",
        ),
        _ => content(
            authority_key,
            &files.authority,
            &error,
            "keep only certificates of authorities in it",
        ),
    })
}

/// Every list of a PEM file; none is a fault, because an empty file revokes nothing by mistake.
fn revocation_lists(
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    const REMEDY: &str = "write PEM lists, -----BEGIN X509 CRL-----";
    let text = secret::read_public(path).map_err(|source| TlsError::File { key, source })?;
    let found = CertificateRevocationListDer::pem_slice_iter(text.as_bytes());
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(|error| content(key, path, &error, REMEDY))?;
    match found.is_empty() {
        true => Err(content(key, path, &"holds no list", REMEDY)),
        false => Ok(found),
    }
}

/// Every certificate of a PEM file; none is a fault.
fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const REMEDY: &str = "write PEM certificates, -----BEGIN CERTIFICATE-----";
    let text = secret::read_public(path).map_err(|source| TlsError::File { key, source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|error| content(key, path, &error, REMEDY))?;
    match found.is_empty() {
        true => Err(content(key, path, &"holds no certificate", REMEDY)),
        false => Ok(found),
    }
}

fn own_key(
    key: &'static str,
    path: &Path,
    chain: Vec<CertificateDer<'static>>,
) -> Result<CertifiedKey, TlsError> {
    const REMEDY: &str = "write the private key of the certificate in PEM";
    let text = secret::read_private(path).map_err(|source| TlsError::File { key, source })?;
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|error| content(key, path, &error, REMEDY))?;
    CertifiedKey::from_der(chain, der, &crypto::default_provider())
        .map_err(|error| content(key, path, &error, REMEDY))
}

fn validity_of(
    key: &'static str,
    path: &Path,
    chain: &[CertificateDer<'static>],
) -> Result<Validity, TlsError> {
    const REMEDY: &str = "issue it anew";
    let first = chain.first().map(AsRef::as_ref).unwrap_or_default();
    let (_, certificate) =
        X509Certificate::from_der(first).map_err(|error| content(key, path, &error, REMEDY))?;
    let validity = certificate.validity();
    let instant = |seconds: i64| Instant::from_micros(seconds.saturating_mul(1_000_000));
    Ok(Validity {
        from: instant(validity.not_before.timestamp()),
        until: instant(validity.not_after.timestamp()),
    })
}

fn content(
    key: &'static str,
    path: &Path,
    problem: &dyn std::fmt::Display,
    remedy: &'static str,
) -> TlsError {
    TlsError::Content {
        key,
        path: path.display().to_string(),
        problem: problem.to_string(),
        remedy,
    }
}

#[cfg(test)]
mod tests;
