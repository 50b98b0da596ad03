//! The data plane without its sockets: a core whose connections are handed to it, and whose way to
//! the providers is somebody else's. Everything between HTTP/2's first words and the journal is the
//! same as behind TLS; a simulation plays both sides, and a bench leaves TLS out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use ndxp_journal::Lane;
use ndxp_model::SystemId;
use ndxp_registry::CertificateIdentity;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::connection::serve_proved;
use crate::core::{Core, Shared};

/// What bytes come and go by.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A stream on its way.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Another way to the providers than TCP and TLS. What it connects to is taken for proved.
pub trait Wires: Send + Sync {
    fn connect(&self, provider: &SystemId, endpoint: &str) -> Connecting;
}

/// One core. Its lane's driver has to run on the same runtime.
#[derive(Clone)]
pub struct Stage(Arc<Core>);

impl Stage {
    #[must_use]
    pub fn new(shared: Arc<Shared>, lane: Lane) -> Self {
        Self(Core::new(0, shared, lane))
    }

    /// Serves a consumer's connection to its end, or until it is told to stop and what it carries
    /// is settled.
    ///
    /// # Errors
    /// When HTTP/2 broke.
    pub async fn serve(
        &self,
        stream: impl Stream,
        consumer: CertificateIdentity,
        stop: watch::Receiver<bool>,
    ) -> Result<(), ndxp_http2::Error> {
        serve_proved(&self.0, stream, consumer, stop).await
    }
}
