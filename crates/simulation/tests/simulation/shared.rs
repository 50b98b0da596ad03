//! What the gateway is given in the simulated world: everything as in service, but for certificates,
//! which nobody shows, and for the way to the providers.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arc_swap::ArcSwap;
use ndxp_gateway::{
    Admission, Allowance, Anteroom, Bodies, Dialler, Healths, Limits, Metrics, OwnServices, Pace,
    SaltKey, Shared, Trust, Windows,
};
use ndxp_hub::keeper::Keeper;
use ndxp_model::Clock;
use rustls::ServerConfig;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::outside::Outside;

/// Calls that the hub carries at once: few, so that it is full now and then.
const CALLS_MAX: NonZeroU32 = NonZeroU32::new(12).unwrap();
/// Few enough that lateness has a meaning here.
const SHARES_FROM: usize = 3;
/// What one provider is given of them.
const CALLS_OF_A_PROVIDER_MAX: NonZeroU32 = NonZeroU32::new(6).unwrap();

pub fn shared(outside: &Outside, keeper: &Keeper, clock: Arc<dyn Clock>) -> Arc<Shared> {
    let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
    let healths = Healths::new(Arc::clone(&clock), metrics.circuits.clone());
    let (_, trusted) = watch::channel(Arc::new(Trust::new(&[], Vec::new()).unwrap()));
    let at_once = |max| Allowance::new(None, None, Some(max));
    let limits = Limits {
        connect_max: Duration::from_millis(300),
        provider: at_once(CALLS_OF_A_PROVIDER_MAX),
        ..Limits::default()
    };
    let dialler = Dialler {
        trusted: trusted.clone(),
        trust_domain: "simulation".to_owned(),
        credentials: Arc::new(Nobody),
        connect_max: limits.connect_max,
        header_list_bytes_max: limits.header_list_bytes_max(),
        windows: Windows::new(limits.windows_bytes_each()),
        connections_alive_max: limits.connections_alive_max(),
        seen: Arc::default(),
        wires: Some(Arc::new(outside.clone())),
    };
    Arc::new(Shared {
        hub_node: "simulated".to_owned(),
        trust_domain: "simulation".to_owned(),
        admission: Admission::sharing_from(SHARES_FROM, at_once(CALLS_MAX), limits.provider),
        windows: Windows::new(limits.windows_bytes_each()),
        limits,
        clock,
        registry: keeper.shown(),
        salts: SaltKey::new(b"simulation"),
        metrics,
        cuts: keeper.cuts(),
        own: OwnServices::new([], Bodies::new(0), tonic::service::Routes::default()),
        dialler: Arc::new(dialler),
        tls: Arc::new(ArcSwap::from_pointee(tls())),
        trusted,
        seen: Arc::default(),
        healths,
        connections: AtomicUsize::new(0),
        anteroom: Anteroom::new(1),
        pace: Pace::new(0),
        holders: Arc::default(),
    })
}

/// Never shown to anybody.
fn tls() -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()))
}

/// Has no certificate.
#[derive(Debug)]
struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(
        &self,
        _issuers: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
