//! A certificate with its key and the authority to trust, as `ndxp cert issue` writes them, and
//! the TLS that participants make of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

#[derive(Clone)]
pub struct Credentials {
    pub folder: PathBuf,
    pub certificate_pem: String,
    pub key_pem: String,
    pub authority_pem: String,
}

impl Credentials {
    pub fn read(folder: &Path) -> Self {
        let text = |name| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
        };
        Self {
            folder: folder.to_owned(),
            certificate_pem: text("cert.pem"),
            key_pem: text("key.pem"),
            authority_pem: text("ca.pem"),
        }
    }

    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        let chain = CertificateDer::pem_slice_iter(self.certificate_pem.as_bytes());
        chain.collect::<Result<_, _>>().expect("it is PEM")
    }

    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).expect("it is PEM")
    }

    pub fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(self.authority_pem.as_bytes()) {
            roots
                .add(authority.expect("it is PEM"))
                .expect("it is an authority");
        }
        Arc::new(roots)
    }

    /// TLS as a consumer speaks it to the hub.
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::builder_with_provider(crypto())
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(self.roots())
            .with_client_auth_cert(self.chain(), self.key())
            .expect("certificate and key belong together");
        client.alpn_protocols = vec![b"h2".to_vec()];
        client
    }

    /// TLS as a provider speaks it: a certificate of the same authority is demanded.
    pub fn server(&self) -> ServerConfig {
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), crypto());
        let mut server = ServerConfig::builder_with_provider(crypto())
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_client_cert_verifier(verifier.build().expect("there is an authority"))
            .with_single_cert(self.chain(), self.key())
            .expect("certificate and key belong together");
        server.alpn_protocols = vec![b"h2".to_vec()];
        server
    }
}

pub fn crypto() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
