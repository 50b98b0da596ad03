//! TLS that follows its files: certificate, key, authorities and the list of revoked
//! certificates are looked at every second and taken over whole, without a connection being
//! dropped. What cannot be used is refused with its reason, and what served before goes on
//! serving.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use ndxp_gateway::trust::{Trust, Trusted};
use ndxp_model::Clock;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SignatureScheme};
use tokio::sync::watch;

use super::{Tls, TlsError};
use crate::config::Config;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// The hub's TLS as of its files.
pub struct LiveTls {
    config: Config,
    clock: Arc<dyn Clock>,
    current: ArcSwap<Tls>,
    exchange: Arc<ArcSwap<ServerConfig>>,
    control: Arc<ArcSwap<ServerConfig>>,
    trust: watch::Sender<Arc<Trust>>,
    own: Arc<OwnKey>,
    stamps: Mutex<Stamps>,
}

/// What a look at the files came to.
#[derive(Debug)]
pub enum Looked {
    Unchanged,
    /// They have changed and may still be in the middle of it: the next look decides.
    Changing,
    TakenOver,
    /// They cannot be used; what served before goes on.
    Refused(TlsError),
}

/// The files as they were taken over or refused, and as the last look found them.
struct Stamps {
    settled: Vec<Stamp>,
    last: Vec<Stamp>,
}

/// Tells one state of a file from another: device, inode, length, and time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// What the hub shows providers: the key of the moment.
struct OwnKey(ArcSwap<CertifiedKey>);

impl LiveTls {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<Self>, TlsError> {
        let stamps = stamps(config);
        let tls = Tls::load(config, Arc::clone(&clock))?;
        Ok(Arc::new(Self {
            config: config.clone(),
            clock,
            exchange: Arc::new(ArcSwap::new(tls.server()?)),
            control: Arc::new(ArcSwap::new(tls.server()?)),
            trust: watch::channel(tls.trust()).0,
            own: Arc::new(OwnKey(ArcSwap::new(Arc::clone(&tls.own)))),
            current: ArcSwap::from_pointee(tls),
            stamps: Mutex::new(Stamps {
                settled: stamps.clone(),
                last: stamps,
            }),
        }))
    }

    #[must_use]
    pub fn current(&self) -> Arc<Tls> {
        self.current.load_full()
    }

    /// For the exchange port. A new value means new tickets too, so that nobody resumes a
    /// session past a revocation.
    #[must_use]
    pub fn exchange(&self) -> Arc<ArcSwap<ServerConfig>> {
        Arc::clone(&self.exchange)
    }

    /// For the control port.
    #[must_use]
    pub fn control(&self) -> Arc<ArcSwap<ServerConfig>> {
        Arc::clone(&self.control)
    }

    /// Whom the hub trusts.
    #[must_use]
    pub fn trusted(&self) -> Trusted {
        self.trust.subscribe()
    }

    /// What the hub shows when it is the client.
    #[must_use]
    pub fn credentials(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::clone(&self.own) as Arc<dyn ResolvesClientCert>
    }

    /// Looks at the files once. Files that differ from those in use are read when two looks in
    /// a row found them the same: a certificate and its key are two files, and are replaced one
    /// after the other.
    pub fn look(&self) -> Looked {
        let found = stamps(&self.config);
        {
            let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
            if found == stamps.settled {
                stamps.last = found;
                return Looked::Unchanged;
            }
            if found != stamps.last {
                stamps.last = found;
                return Looked::Changing;
            }
            stamps.settled = found;
        }
        match self.take_over() {
            Ok(()) => Looked::TakenOver,
            Err(error) => Looked::Refused(error),
        }
    }

    /// All of it, or nothing.
    fn take_over(&self) -> Result<(), TlsError> {
        let tls = Tls::load(&self.config, Arc::clone(&self.clock))?;
        let (exchange, control) = (tls.server()?, tls.server()?);
        self.exchange.store(exchange);
        self.control.store(control);
        self.own.0.store(Arc::clone(&tls.own));
        self.trust.send_replace(tls.trust());
        self.current.store(Arc::new(tls));
        Ok(())
    }

    /// Looks for as long as the hub runs.
    pub async fn follow(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let live = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || live.look()).await {
                Ok(Looked::Unchanged | Looked::Changing) => {}
                Ok(Looked::TakenOver) => {
                    let valid_until = self.current().valid_until();
                    tracing::info!(%valid_until, "certificate files taken over");
                }
                Ok(Looked::Refused(error)) => {
                    tracing::error!(%error, "new certificate files not usable: the old ones serve on");
                }
                Err(error) => tracing::error!(%error, "certificate files not looked at"),
            }
        }
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnKey")
    }
}

impl ResolvesClientCert for OwnKey {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn stamps(config: &Config) -> Vec<Stamp> {
    let files = &config.tls;
    let [authority, certificate, key] = [&files.authority, &files.certificate, &files.key];
    let all = [
        Some(authority),
        Some(certificate),
        Some(key),
        files.revoked.as_ref(),
    ];
    all.into_iter().flatten().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    let changed = (file.ctime(), file.ctime_nsec());
    Some((file.dev(), file.ino(), file.len(), changed.0, changed.1))
}

#[cfg(test)]
mod tests;
