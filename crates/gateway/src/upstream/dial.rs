//! Dialling a provider: TCP, then TLS with the identity that the registry demands, then HTTP/2.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ndxp_http2::client::{self, SendRequest};
use ndxp_http2::{Config, Error};
use ndxp_model::SystemId;
use ndxp_registry::SystemRecord;
use rustls::client::{ClientConfig, ResolvesClientCert, Resumption};
use rustls::crypto::ring;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::breaker::Failure;
use crate::conduct::{Conduct, Guarded};
use crate::limits::http2;
use crate::liveness;
use crate::stage::{Stream, Wires};
use crate::trust::{CertificateKey, Trusted};
use crate::validity::Seen;
use crate::verifier::ProviderVerifier;
use crate::windows::{Window, Windows};

/// How the hub presents itself to providers, and whom it trusts.
pub struct Dialler {
    pub trusted: Trusted,
    pub trust_domain: String,
    pub credentials: Arc<dyn ResolvesClientCert>,
    pub connect_max: Duration,
    /// A provider's header lists are read up to this many bytes.
    pub header_list_bytes_max: u32,
    /// What connections to providers are lent for their windows: theirs alone, because many
    /// consumers share each.
    pub windows: Arc<Windows>,
    /// Connections to one endpoint from one core that are alive, those that take no more calls too.
    pub connections_alive_max: usize,
    /// What providers show.
    pub seen: Arc<Seen>,
    /// Instead of TCP and TLS: a simulation's, or a bench's.
    pub wires: Option<Arc<dyn Wires>>,
}

/// A connection to a provider that nobody drives yet.
pub(super) struct Opened {
    pub send: SendRequest,
    /// Boxed, as it drives one kind of stream or another: once for each connection.
    pub driver: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    /// What the provider may send, and has.
    pub conduct: Arc<Conduct>,
    /// What the provider has shown.
    pub certificate: Option<CertificateKey>,
    /// To be kept by whoever places calls on it: its window follows.
    pub calls: Arc<AtomicUsize>,
    /// To be kept until its last call is over, which may hold what came by it for longer than the
    /// connection lives. It stays on one core: never waited for.
    pub window: Arc<Mutex<Window>>,
}

/// What keeps a provider's connection going, and its window as wide as its calls need it.
struct Driver<S> {
    connection: client::Connection<Guarded<S>>,
    window: Arc<Mutex<Window>>,
    calls: Arc<AtomicUsize>,
}

impl<S: Stream> Future for Driver<S> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let calls = self.calls.load(Ordering::Relaxed);
        let widened = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            window.widen(calls)
        };
        if let Some(bytes) = widened {
            self.connection.set_target_window_size(bytes);
        }
        Pin::new(&mut self.connection).poll(cx)
    }
}

/// Why a provider cannot be reached. Its text goes to the consumer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DialError {
    #[error("{provider} has no endpoint in the registry")]
    NoEndpoint { provider: SystemId },
    #[error("{endpoint} did not answer within {waited:?}")]
    TimedOut { endpoint: String, waited: Duration },
    #[error(
        "{endpoint} keeps {connections} connections with calls on them and takes no more on any"
    )]
    Crowded {
        endpoint: String,
        connections: usize,
    },
    #[error("{endpoint} could not be connected: {found}")]
    Connect { endpoint: String, found: String },
    #[error("{endpoint} does not speak HTTP/2 over TLS (ALPN h2)")]
    NotHttp2 { endpoint: String },
    #[error("{endpoint} is left alone for another {wait:?} after {failures} failures: {last}")]
    LeftAlone {
        endpoint: String,
        wait: Duration,
        failures: u32,
        last: String,
    },
    #[error("calls to {endpoint} are stopped for another {wait:?}, because {}", why.as_str())]
    Open {
        endpoint: String,
        wait: Duration,
        why: Failure,
    },
}

impl DialError {
    /// After which time it makes sense to come again.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::LeftAlone { wait, .. } | Self::Open { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

impl Dialler {
    /// The TLS configuration that accepts this provider and nobody else.
    ///
    /// # Panics
    /// Never: the provider of cryptography supports TLS 1.3.
    #[must_use]
    pub fn tls_for(&self, provider: &SystemRecord) -> Arc<ClientConfig> {
        let verifier = ProviderVerifier::new(
            self.trusted.clone(),
            self.trust_domain.as_str(),
            provider.id.clone(),
            provider.fingerprints.clone(),
        );
        let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring supports TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::clone(&self.credentials));
        tls.alpn_protocols = vec![b"h2".to_vec()];
        // A resumed session would not be asked again whom it proves and whether it was revoked.
        tls.resumption = Resumption::disabled();
        Arc::new(tls)
    }

    /// Opens a connection; the caller drives it.
    ///
    /// # Errors
    /// As [`DialError`] says.
    pub(super) async fn open(
        &self,
        provider: &SystemRecord,
        tls: &Arc<ClientConfig>,
        endpoint: &str,
    ) -> Result<Opened, DialError> {
        let opening = async {
            if let Some(wires) = &self.wires {
                let stream = wires.connect(&provider.id, endpoint).await;
                let stream = stream.map_err(|error| connect_error(endpoint, &error))?;
                return Ok(self.opened(stream, None));
            }
            let stream = self.handshake(provider, tls, endpoint).await?;
            let certificate = shown(&stream).and_then(CertificateKey::of);
            Ok(self.opened(stream, certificate))
        };
        self.in_time(endpoint, opening).await
    }

    /// Proves that the provider answers at the endpoint: a TLS handshake, and good-bye.
    ///
    /// # Errors
    /// As [`DialError`] says.
    pub async fn probe(&self, provider: &SystemRecord, endpoint: &str) -> Result<(), DialError> {
        let tls = self.tls_for(provider);
        self.in_time(endpoint, self.handshake(provider, &tls, endpoint))
            .await
            .map(drop)
    }

    async fn handshake(
        &self,
        provider: &SystemRecord,
        tls: &Arc<ClientConfig>,
        endpoint: &str,
    ) -> Result<TlsStream<TcpStream>, DialError> {
        let tcp = TcpStream::connect(endpoint)
            .await
            .map_err(|e| connect_error(endpoint, &e))?;
        liveness::watch(&tcp).map_err(|error| connect_error(endpoint, &error))?;
        let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(host).map_err(|error| connect_error(endpoint, &error))?;
        let stream = TlsConnector::from(Arc::clone(tls))
            .connect(name, tcp)
            .await
            .map_err(|error| connect_error(endpoint, &error))?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(DialError::NotHttp2 {
                endpoint: endpoint.to_owned(),
            });
        }
        if let Some(certificate) = shown(&stream) {
            self.seen.note(&provider.id, certificate);
        }
        Ok(stream)
    }

    /// Speaks HTTP/2 on a stream to a provider that is proved.
    fn opened<S: Stream>(&self, stream: S, certificate: Option<CertificateKey>) -> Opened {
        let conduct = Conduct::new(0);
        let guarded = Guarded::of_provider(stream, Arc::clone(&conduct));
        let (send, connection) = client::handshake(guarded, config(self.header_list_bytes_max));
        let calls = Arc::<AtomicUsize>::default();
        let window = self.windows.open(http2::PROVIDER_CONNECTION_WINDOW_BYTES);
        let window = Arc::new(Mutex::new(window));
        let driver = Driver {
            connection,
            window: Arc::clone(&window),
            calls: Arc::clone(&calls),
        };
        Opened {
            send,
            driver: Box::pin(driver),
            conduct,
            certificate,
            calls,
            window,
        }
    }

    async fn in_time<T>(
        &self,
        endpoint: &str,
        work: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        tokio::time::timeout(self.connect_max, work)
            .await
            .unwrap_or_else(|_| {
                Err(DialError::TimedOut {
                    endpoint: endpoint.to_owned(),
                    waited: self.connect_max,
                })
            })
    }
}

/// The certificate that the other side has shown.
fn shown(stream: &TlsStream<TcpStream>) -> Option<&[u8]> {
    let (_, session) = stream.get_ref();
    session.peer_certificates()?.first().map(AsRef::as_ref)
}

fn connect_error(endpoint: &str, error: &dyn std::fmt::Display) -> DialError {
    DialError::Connect {
        endpoint: endpoint.to_owned(),
        found: error.to_string(),
    }
}

fn config(header_list_bytes_max: u32) -> Config {
    Config {
        stream_window_bytes: http2::STREAM_WINDOW_BYTES,
        header_list_bytes_max,
        fields: http2::ANSWER_FIELDS,
        // Providers call nobody by a connection of the hub's.
        streams_max: 0,
        error_resets_max: http2::ERROR_RESETS_MAX,
        reset_streams_max: http2::RESET_STREAMS_MAX,
    }
}
