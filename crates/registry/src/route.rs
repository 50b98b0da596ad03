//! The decisions of the request path that the registry takes: who calls, to whom the call goes,
//! and whether it may. Pure: state and call in, records or a refusal out. On success nothing is
//! allocated; records are shared.

use std::sync::Arc;
use std::time::Duration;

use ndxp_model::{Connection, Instant, Reason, Refusal, SystemId};
use ndxp_proto::registry::v1;

use crate::fold::{Providers, Registry, Standing, Versions};
use crate::record::{GrantRecord, ServiceRecord, SystemRecord, Window};
use crate::words;

/// What a certificate proves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateIdentity {
    /// From the URI identity.
    pub system: Option<SystemId>,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
}

/// Where a permitted call goes, and under which grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    pub connection: Arc<Connection>,
    pub provider: Arc<SystemRecord>,
    pub service: Arc<ServiceRecord>,
    pub grant: Arc<GrantRecord>,
}

impl Registry {
    /// The system that a certificate proves: by its URI identity, or by its fingerprint where
    /// that is registered. Where it has both, they must agree.
    ///
    /// # Errors
    /// UNKNOWN_SYSTEM and SYSTEM_SUSPENDED.
    pub fn identify(&self, identity: &CertificateIdentity) -> Result<Arc<SystemRecord>, Refusal> {
        self.serving(self.proven(identity)?)
            .map_err(|detail| Refusal::new(Reason::SystemSuspended, detail))
    }

    /// The registered system that a certificate proves, suspended or not: whom the record of a
    /// refusal names.
    #[must_use]
    pub fn system_of(&self, identity: &CertificateIdentity) -> Option<&str> {
        Some(self.proven(identity).ok()?.item.id.as_str())
    }

    /// The one system that a call to the service is for, whether it may be carried or not: whom
    /// the record of a refusal names.
    #[must_use]
    pub fn provider_of(&self, service: &str, provider: Option<&str>) -> Option<&str> {
        Some(self.offer(service, provider).ok()?.item.provider.as_str())
    }

    /// Whether anybody offers a service of this name.
    #[must_use]
    pub fn offers(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    fn proven(&self, identity: &CertificateIdentity) -> Result<&Standing<v1::System>, Refusal> {
        let unknown = |detail: String| Refusal::new(Reason::UnknownSystem, detail);
        let registered = match self
            .fingerprints
            .get(&identity.fingerprint)
            .map(|all| &**all)
        {
            None => None,
            Some([system]) => Some(system),
            Some(_) => {
                let detail = "the certificate's fingerprint is registered for several systems";
                return Err(unknown(detail.to_owned()));
            }
        };
        let system = match (&identity.system, registered) {
            (Some(named), Some(registered)) if named != registered => {
                return Err(unknown(format!(
                    "the certificate names {named}, but its fingerprint is registered for another \
                     system"
                )));
            }
            (Some(named), _) => named,
            (None, Some(registered)) => registered,
            (None, None) => {
                let fingerprint = hexadecimal(&identity.fingerprint);
                return Err(unknown(format!(
                    "the certificate names no system, and its fingerprint {fingerprint} is not \
                     registered"
                )));
            }
        };
        self.systems
            .get(system.as_str())
            .ok_or_else(|| unknown(format!("the system {system} is not registered")))
    }

    /// Where a call goes, and the grant that permits it. The consumer was identified before.
    /// Without a named provider the call goes to the one system that offers the service.
    ///
    /// Disabled services and suspended systems stay candidates: whether a name is needed must
    /// not depend on what is switched off just now, lest a call reach another provider than
    /// yesterday.
    ///
    /// # Errors
    /// UNKNOWN_SERVICE, AMBIGUOUS_PROVIDER, SERVICE_DISABLED, IN_MAINTENANCE, NO_GRANT,
    /// GRANT_EXPIRED, and MALFORMED_REQUEST for a provider that is no system's name.
    pub fn route(
        &self,
        consumer: &SystemId,
        service: &str,
        method: &str,
        provider: Option<&str>,
        now: Instant,
    ) -> Result<Route, Refusal> {
        let offer = self.offer(service, provider)?;
        let (provider, service) = self.open_offer(offer, now)?;
        let grant = self.grant(consumer, &service, method, now)?;
        Ok(Route {
            connection: Arc::clone(&grant.connection),
            provider,
            service,
            grant,
        })
    }

    /// What the consumer holds active grants for, ordered by service, provider and version:
    /// expired and disabled too, as their fields say.
    #[must_use]
    pub fn callable(&self, consumer: &SystemId) -> Vec<(Arc<ServiceRecord>, Arc<GrantRecord>)> {
        let Some(services) = self.grants.get(consumer.as_str()) else {
            return Vec::new();
        };
        let versions = services.values().flat_map(|providers| providers.values());
        versions
            .flat_map(Versions::records)
            .filter(|grant| grant.state == v1::GrantState::Active)
            .filter_map(|grant| {
                let Connection {
                    provider, service, ..
                } = &*grant.connection;
                let service = self.standing_service(provider.as_str(), service.as_str())?;
                Some((Arc::clone(service.record.as_ref().ok()?), Arc::clone(grant)))
            })
            .collect()
    }

    /// Route: who offers the service.
    fn offer(
        &self,
        service: &str,
        provider: Option<&str>,
    ) -> Result<&Standing<v1::Service>, Refusal> {
        if let Some(provider) = provider {
            // A malformed name is told apart from an unknown one, on the way to a refusal only.
            let offers = self.services.get(service);
            return offers
                .and_then(|offers| {
                    let by_alias = || offers.get(self.resolve_system(provider)?.as_str());
                    offers.get(provider).or_else(by_alias)
                })
                .ok_or_else(|| match provider.parse::<SystemId>() {
                    Ok(provider) => unknown_service(service, Some(&provider)),
                    Err(error) => Refusal::new(
                        Reason::MalformedRequest,
                        format!("the metadata ndxp-provider names no system: {error}"),
                    ),
                });
        }
        let offers = self.services.get(service);
        let offers = offers.ok_or_else(|| unknown_service(service, None))?;
        match offers.first() {
            Some((_, only)) if offers.size() == 1 => Ok(only),
            _ => Err(ambiguous(service, offers)),
        }
    }

    /// Route: whether the provider takes calls to the service now.
    fn open_offer(
        &self,
        offer: &Standing<v1::Service>,
        now: Instant,
    ) -> Result<(Arc<SystemRecord>, Arc<ServiceRecord>), Refusal> {
        let disabled = |detail: String| Refusal::new(Reason::ServiceDisabled, detail);
        let Ok(service) = &offer.record else {
            return Err(disabled(format!(
                "the registry's entry for the service {} of {} cannot be read",
                offer.item.name, offer.item.provider
            )));
        };
        let (name, provider) = (&service.name, &service.provider);
        if service.disabled {
            let notice = notice(&service.notice);
            return Err(disabled(format!(
                "the service {name} of {provider} is disabled: {notice}"
            )));
        }
        let Some(standing) = self.systems.get(provider.as_str()) else {
            return Err(disabled(format!("the system {provider} is not registered")));
        };
        let provider = self.serving(standing).map_err(disabled)?;
        if provider.disabled {
            let (id, notice) = (&provider.id, notice(&provider.notice));
            return Err(disabled(format!("the system {id} is disabled: {notice}")));
        }
        // Whichever lasts longer tells when to come back.
        let windows = [&service.maintenance, &provider.maintenance];
        let window = windows
            .into_iter()
            .flatten()
            .filter(|window| window.from <= now && now < window.until)
            .max_by_key(|window| window.until);
        match window {
            Some(window) => Err(in_maintenance(service, window, now)),
            None => Ok((provider, Arc::clone(service))),
        }
    }

    /// Authorise: denied unless a version that can be read says otherwise.
    fn grant(
        &self,
        consumer: &SystemId,
        service: &ServiceRecord,
        method: &str,
        now: Instant,
    ) -> Result<Arc<GrantRecord>, Refusal> {
        let (provider, name) = (&service.provider, &service.name);
        let versions = self.versions(consumer.as_str(), provider.as_str(), name.as_str());
        let valid = versions.and_then(|versions| {
            versions.records().find(|grant| {
                grant.state == v1::GrantState::Active
                    && grant.valid_from.is_none_or(|from| from <= now)
                    && grant.valid_until.is_none_or(|until| now < until)
            })
        });
        let Some(grant) = valid else {
            return Err(no_valid_grant(consumer, service, versions, now));
        };
        if !grant.methods.is_empty() && !grant.methods.iter().any(|allowed| allowed == method) {
            let method = cut(method);
            return Err(Refusal::new(
                Reason::NoGrant,
                format!(
                    "the grant of {consumer} to call {name} of {provider} does not cover the \
                     method {method}"
                ),
            ));
        }
        Ok(Arc::clone(grant))
    }

    /// The system's record while it and its member are active; otherwise why it is shut out.
    fn serving(&self, standing: &Standing<v1::System>) -> Result<Arc<SystemRecord>, String> {
        let id = &standing.item.id;
        let Ok(record) = &standing.record else {
            return Err(format!(
                "the registry's entry for the system {id} cannot be read"
            ));
        };
        match self.member_record(id) {
            None => Err(format!(
                "the registry's entry for the member that runs {id} is missing or cannot be read"
            )),
            Some(member) if !member.active => {
                let state = words::word_of(&words::STATES, member.state.into());
                Err(format!("the member {} is {state}", member.code))
            }
            Some(_) if !record.active => {
                let state = words::word_of(&words::STATES, record.state.into());
                Err(format!("the system {id} is {state}"))
            }
            Some(_) => Ok(Arc::clone(record)),
        }
    }
}

/// Why no version permits the call: the nearest to permitting it, by what a caller can do.
fn no_valid_grant(
    consumer: &SystemId,
    service: &ServiceRecord,
    versions: Option<&Versions>,
    now: Instant,
) -> Refusal {
    let (provider, name) = (&service.provider, &service.name);
    let all = || versions.into_iter().flat_map(Versions::records);
    let active = || all().filter(|grant| grant.state == v1::GrantState::Active);
    let from = active()
        .filter_map(|grant| grant.valid_from)
        .filter(|from| now < *from);
    if let Some(from) = from.min() {
        let detail =
            format!("the grant of {consumer} to call {name} of {provider} is valid from {from} on");
        return Refusal::new(Reason::GrantExpired, detail);
    }
    if let Some(until) = active().filter_map(|grant| grant.valid_until).max() {
        let detail =
            format!("the grant of {consumer} to call {name} of {provider} ended at {until}");
        return Refusal::new(Reason::GrantExpired, detail);
    }
    let is_unreadable = |standing: &Standing<v1::Grant>| standing.record.is_err();
    let detail = match all().last() {
        _ if versions.is_some_and(|versions| versions.iter().any(is_unreadable)) => format!(
            "the registry's entry for the grant of {consumer} to call {name} of {provider} \
             cannot be read"
        ),
        Some(last) => {
            let state = words::word_of(&words::GRANT_STATES, last.state.into());
            format!("the grant of {consumer} to call {name} of {provider} is {state}")
        }
        None => format!("{consumer} holds no grant to call {name} of {provider}"),
    };
    Refusal::new(Reason::NoGrant, detail)
}

fn in_maintenance(service: &ServiceRecord, window: &Window, now: Instant) -> Refusal {
    let (name, provider) = (&service.name, &service.provider);
    let (until, notice) = (window.until, notice(&window.notice));
    let left = window.until.as_micros().saturating_sub(now.as_micros());
    let detail =
        format!("the service {name} of {provider} is in maintenance until {until}: {notice}");
    Refusal {
        retry_after: Some(Duration::from_micros(u64::try_from(left).unwrap_or(0))),
        ..Refusal::new(Reason::InMaintenance, detail)
    }
}

fn notice(notice: &str) -> &str {
    match notice {
        "" => "the operator gave no reason",
        notice => notice,
    }
}

fn unknown_service(service: &str, provider: Option<&SystemId>) -> Refusal {
    let service = cut(service);
    let detail = match provider {
        Some(provider) => format!("{provider} offers no service {service}"),
        None => format!("no system offers a service {service}"),
    };
    Refusal::new(Reason::UnknownService, detail)
}

fn ambiguous(service: &str, offers: &Providers<v1::Service>) -> Refusal {
    const LISTED_MAX: usize = 20;
    let listed: Vec<&str> = offers
        .keys()
        .take(LISTED_MAX)
        .map(|provider| &**provider)
        .collect();
    let others = match offers.size().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let listed = listed.join(", ");
    Refusal::new(
        Reason::AmbiguousProvider,
        format!("several systems offer {service}: {listed}{others}"),
    )
}

/// What a caller sent, cut to a length that can be sent back.
fn cut(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 120;
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
