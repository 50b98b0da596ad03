//! A registry with 85 consumers that may all call 10 databases, and look-ups in it.

use anyhow::Context as _;
use ndxp_model::{Instant, Refusal, SystemId};
use ndxp_proto::journal::v1::RegistryChanged;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::registry::v1::{
    Catalogue, Grant, Member, MemberClass, Service, State, System, SystemKind,
};
use ndxp_registry::{CertificateIdentity, Registry, Route};

use crate::calls;

const CONSUMERS: u64 = 85;
const PROVIDERS: u64 = 10;

pub struct Country {
    registry: Registry,
    consumers: Vec<CertificateIdentity>,
    /// Provider, and the service that it offers.
    offers: Vec<(String, String)>,
}

impl Country {
    /// # Errors
    /// When the registry does not take it.
    pub fn new() -> anyhow::Result<Self> {
        let consumers: Vec<_> = (1..=CONSUMERS)
            .map(|it| (format!("H{it:02}"), "lgsp"))
            .collect();
        let providers: Vec<_> = (1..=PROVIDERS)
            .map(|it| (format!("G{it:02}"), "csdl"))
            .collect();
        let offers: Vec<_> = (1..=PROVIDERS)
            .map(|it| {
                (
                    format!("G{it:02}/csdl"),
                    format!("gov.vn.example.v1.Service{it}"),
                )
            })
            .collect();
        let consumer_ids: Vec<_> = consumers
            .iter()
            .map(|it| format!("{}/{}", it.0, it.1))
            .collect();
        let grants = consumer_ids.iter().flat_map(|consumer| {
            offers.iter().map(|(provider, service)| Grant {
                consumer: consumer.clone(),
                provider: provider.clone(),
                service: service.clone(),
                ..Grant::default()
            })
        });
        let lgsps = consumers.iter().map(|it| system(it, SystemKind::Lgsp));
        let databases = providers.iter().map(|it| system(it, SystemKind::Database));
        let catalogue = Catalogue {
            members: consumers
                .iter()
                .chain(&providers)
                .map(|it| member(&it.0))
                .collect(),
            systems: lgsps.chain(databases).collect(),
            services: offers
                .iter()
                .map(|(provider, name)| Service {
                    provider: provider.clone(),
                    name: name.clone(),
                    ..Service::default()
                })
                .collect(),
            grants: grants.collect(),
        };
        let mut registry = Registry::empty();
        let changes = registry.plan(&catalogue)?.changes;
        let changed = RegistryChanged {
            actor: "spiffe://ndxp.local/operator/workload".to_owned(),
            changes,
            ..RegistryChanged::default()
        };
        registry.apply(&calls::entry(
            1,
            calls::at(0),
            Body::RegistryChanged(changed),
        ))?;
        let identities = consumer_ids.iter().map(|id| {
            Ok(CertificateIdentity {
                system: Some(id.parse::<SystemId>()?),
                fingerprint: [0; 32],
            })
        });
        Ok(Self {
            registry,
            consumers: identities.collect::<anyhow::Result<_>>()?,
            offers,
        })
    }

    /// Identifies the consumer of a call and finds its way, as the gateway does.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn look_up(&self, number: u64, now: Instant) -> anyhow::Result<Route> {
        let place = |number: u64, of: u64| usize::try_from(number % of);
        let consumer = self
            .consumers
            .get(place(number, CONSUMERS)?)
            .context("there are so many")?;
        let (provider, service) = self
            .offers
            .get(place(number / CONSUMERS, PROVIDERS)?)
            .context("there are so many")?;
        let refused = |refusal: Refusal| anyhow::anyhow!("{refusal:?}");
        let system = self.registry.identify(consumer).map_err(refused)?;
        self.registry
            .route(&system.id, service, calls::METHOD, Some(provider), now)
            .map_err(refused)
    }
}

fn member(code: &str) -> Member {
    let class = match code.starts_with('G') {
        true => MemberClass::Ministry,
        false => MemberClass::Province,
    };
    Member {
        code: code.to_owned(),
        name_vi: code.to_owned(),
        class: class.into(),
        state: State::Active.into(),
        ..Member::default()
    }
}

fn system((member, name): &(String, &str), kind: SystemKind) -> System {
    let endpoints = match kind {
        SystemKind::Database => vec!["127.0.0.1:1".to_owned()],
        _ => Vec::new(),
    };
    System {
        id: format!("{member}/{name}"),
        kind: kind.into(),
        endpoints,
        state: State::Active.into(),
        ..System::default()
    }
}
