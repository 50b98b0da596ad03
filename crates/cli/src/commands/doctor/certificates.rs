//! Certificates as those will see them to whom they are shown: validity, chain, name and host.

use ndxp_hub::authority::PeerIdentity;
use ndxp_hub::config::Config;
use ndxp_hub::tls::{Tls, TlsError};
use ndxp_model::{Clock as _, Instant, SystemClock};

use super::finding::{Area, Findings};
use crate::commands::cert::EXPIRES_WITHIN_DAYS;

const DAY_US: i64 = 86_400_000_000;
const HUB: &str = "tls.certificate";
const CLIENT: &str = "client.certificate";

type Loaded = Option<Result<Tls, TlsError>>;

/// Both sides, as far as their files can be used.
pub fn check(
    config: &Config,
    hub: Loaded,
    client: Loaded,
    findings: &mut Findings,
) -> (Option<Tls>, Option<Tls>) {
    let now = SystemClock.now();
    let domain = &config.hub.trust_domain;
    let hub = usable(HUB, hub, findings);
    if let Some(hub) = &hub {
        valid(HUB, hub, now, findings);
        let until = hub.authorities_valid_until();
        ends("tls.authority", until, now, findings);
        hub_name(config, hub, findings);
    }
    let client = usable(CLIENT, client, findings);
    if let Some(client) = &client {
        valid(CLIENT, client, now, findings);
        client_name(client, domain, findings);
    }
    if let (Some(hub), Some(client)) = (&hub, &client) {
        believed(
            HUB,
            "client.authority",
            client.believes_server(hub),
            findings,
        );
        believed(
            CLIENT,
            "tls.authority",
            hub.believes_client(client),
            findings,
        );
    }
    (hub, client)
}

/// What can be read as PEM, with a key that matches, and names this node.
fn usable(subject: &str, loaded: Loaded, findings: &mut Findings) -> Option<Tls> {
    match loaded? {
        Ok(tls) => {
            findings.ok(
                Area::Certificates,
                subject,
                "can be read, and its key matches",
            );
            Some(tls)
        }
        Err(error) => {
            let remedy = "issue it anew with `ndxp cert renew` or by your own authority, with its \
                          key and chain";
            findings.failure(Area::Certificates, subject, error.to_string(), remedy);
            None
        }
    }
}

fn valid(subject: &str, tls: &Tls, now: Instant, findings: &mut Findings) {
    let from = tls.validity().from;
    if now < from {
        findings.failure(
            Area::Certificates,
            subject,
            format!("is not valid before {from}, and the clock says {now}"),
            "set the clock, or issue the certificate anew",
        );
        return;
    }
    ends(subject, tls.validity().until, now, findings);
}

fn ends(subject: &str, until: Instant, now: Instant, findings: &mut Findings) {
    let left_us = until.as_micros().saturating_sub(now.as_micros());
    let days = left_us.div_euclid(DAY_US);
    let remedy = "renew it: `ndxp cert renew`, or by your own authority";
    if left_us <= 0 {
        let value = format!("ended {until}, and the clock says {now}");
        findings.failure(Area::Certificates, subject, value, remedy);
    } else if days < EXPIRES_WITHIN_DAYS {
        let value = format!("ends {until}, in {days} days");
        findings.warning(Area::Certificates, subject, value, remedy);
    } else {
        findings.ok(
            Area::Certificates,
            subject,
            format!("valid until {until}, {days} days more"),
        );
    }
}

fn hub_name(config: &Config, hub: &Tls, findings: &mut Findings) {
    match hub.holder(&config.hub.trust_domain) {
        Ok(PeerIdentity::Unnamed) => findings.warning(
            Area::Certificates,
            HUB,
            "names nobody; providers know this hub by its chain alone",
            "have the authority put in the URI spiffe://<trust domain>/hub/<node>, if it can",
        ),
        Ok(holder) => {
            let uri = holder.uri(&config.hub.trust_domain).unwrap_or_default();
            findings.ok(Area::Certificates, HUB, format!("names {uri}"));
        }
        Err(error) => findings.failure(
            Area::Certificates,
            HUB,
            error.to_string(),
            "issue one for this hub",
        ),
    }
    let host = config.client.control.host();
    match hub.serves_as(host) {
        Ok(()) => findings.ok(Area::Certificates, HUB, format!("is for {host}")),
        Err(error) => findings.warning(
            Area::Certificates,
            HUB,
            format!("is not for {host}, where client.control finds the hub: {error}"),
            "name the hub under client.control as its certificate does, or issue one with \
             `--host`",
        ),
    }
}

fn client_name(client: &Tls, domain: &str, findings: &mut Findings) {
    match client.holder(domain) {
        Ok(PeerIdentity::Unnamed) => findings.warning(
            Area::Certificates,
            CLIENT,
            format!("names nobody of the trust domain {domain}"),
            "issue one with `ndxp cert issue --operator NAME`",
        ),
        Ok(holder) => findings.ok(Area::Certificates, CLIENT, format!("names {holder}")),
        Err(error) => findings.failure(
            Area::Certificates,
            CLIENT,
            error.to_string(),
            "issue one with `ndxp cert issue --operator NAME`",
        ),
    }
}

fn believed(subject: &str, by: &str, verdict: Result<(), TlsError>, findings: &mut Findings) {
    match verdict {
        Ok(()) => findings.ok(
            Area::Certificates,
            subject,
            format!("its chain leads to {by}"),
        ),
        Err(error) => findings.failure(
            Area::Certificates,
            subject,
            format!("is not believed by {by}: {error}"),
            format!(
                "put its whole chain into {subject}, and the authority's certificate into {by}"
            ),
        ),
    }
}
