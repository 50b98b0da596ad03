//! A provider's door: TLS with the system's own certificate, open to a hub's certificate and
//! to no other.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, SignatureScheme};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::observed::ObservedLayer;
use crate::credentials::{Authorities, Identity};

/// A caller that stays silent for longer is hung up on.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Connections through the handshake and not yet taken up; a hub opens a few per core.
const CONNECTIONS_WAITING_MAX: usize = 64;
/// Bytes in flight per stream and connection, so that a window never stalls a call.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Calls that a hub may break off before they were taken up: as many as may be in flight.
const PENDING_RESETS_MAX: usize = 100_000;

pub(super) type Connections = ReceiverStream<io::Result<TlsStream<TcpStream>>>;

/// # Errors
/// When the PEM texts hold no usable certificate, key or authority.
pub(super) fn tls_config(
    identity: &Identity,
    authorities: &Authorities,
) -> Result<Arc<ServerConfig>, Box<dyn Error + Send + Sync>> {
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities.pem.as_bytes()) {
        roots.add(authority?)?;
    }
    let signed = WebPkiClientVerifier::builder_with_provider(roots.into(), crypto.clone());
    let verifier = HubsOnly {
        signed: signed.build()?,
        identity_prefix: format!("spiffe://{}/hub/", authorities.trust_domain),
    };
    let chain = CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes())
        .collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes())?;
    let mut config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// Accepts a certificate that an authority signed for a hub; members' certificates, though
/// signed by the same authority, do not open the door.
#[derive(Debug)]
struct HubsOnly {
    signed: Arc<dyn ClientCertVerifier>,
    identity_prefix: String,
}

impl ClientCertVerifier for HubsOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self
            .signed
            .verify_client_cert(end_entity, intermediates, now)?;
        if uri_names(end_entity).any(|uri| uri.starts_with(&self.identity_prefix)) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

/// The URI alternative names of a certificate; none when it cannot be read.
fn uri_names(certificate: &CertificateDer<'_>) -> impl Iterator<Item = String> {
    let names: Vec<_> = X509Certificate::from_der(certificate)
        .ok()
        .and_then(|(_, parsed)| {
            let extension = parsed.subject_alternative_name().ok().flatten()?;
            let uris = extension.value.general_names.iter();
            Some(
                uris.filter_map(|name| match name {
                    GeneralName::URI(uri) => Some((*uri).to_owned()),
                    _ => None,
                })
                .collect(),
            )
        })
        .unwrap_or_default();
    names.into_iter()
}

/// Binds a free port and accepts on it until `stopped`.
pub(super) async fn listen(
    tls: Arc<ServerConfig>,
    stopped: watch::Receiver<bool>,
) -> io::Result<(SocketAddr, Connections)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (accepted, connections) = mpsc::channel(CONNECTIONS_WAITING_MAX);
    tokio::spawn(accept(listener, tls.into(), accepted, stopped));
    Ok((address, ReceiverStream::new(connections)))
}

async fn accept(
    listener: TcpListener,
    tls: TlsAcceptor,
    accepted: mpsc::Sender<io::Result<TlsStream<TcpStream>>>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let connection = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            connection = listener.accept() => connection,
        };
        // A connection that failed before it was accepted concerns its caller alone.
        let Ok((stream, _)) = connection else {
            continue;
        };
        let (tls, accepted) = (tls.clone(), accepted.clone());
        tokio::spawn(async move {
            let handshake = async {
                stream.set_nodelay(true)?;
                tls.accept(stream).await
            };
            match tokio::time::timeout(HANDSHAKE_WITHIN, handshake).await {
                // Fails only when the provider has stopped meanwhile.
                Ok(Ok(stream)) => drop(accepted.send(Ok(stream)).await),
                Ok(Err(error)) => tracing::debug!(%error, "provider refused a connection"),
                Err(_) => tracing::debug!("provider hung up on a silent connection"),
            }
        });
    }
}

/// Serves the connections until `stopped`, then answers what is in flight.
pub(super) async fn serve(
    observed: ObservedLayer,
    routes: Routes,
    connections: Connections,
    mut stopped: watch::Receiver<bool>,
) {
    let served = tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .layer(observed)
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections, async move {
            // An error means that the providers were dropped: stopped as well.
            drop(stopped.wait_for(|stopped| *stopped).await);
        })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "a simulated provider stopped serving");
    }
}
