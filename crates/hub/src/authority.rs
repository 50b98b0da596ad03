//! A private certificate authority: what a province, a test or a demonstration needs where no
//! national one issues the hub's URI identities. ECDSA P-256, one level, random serials.

mod folder;
mod index;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ndxp_gateway::identity;
use ndxp_model::{Clock, Instant, SystemId};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use ring::rand::SecureRandom as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::secret::{self, FileError};

pub use folder::AuthorityFolder;
pub use index::{IndexError, Record, Revocation};
/// Who holds a certificate.
pub use ndxp_gateway::identity::PeerIdentity;

/// The authority's certificate and key, ready to sign.
pub struct Authority {
    trust_domain: String,
    valid_until: Instant,
    certificate_pem: String,
    key_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    pub from: Instant,
    pub until: Instant,
}

/// Under which names and addresses a server is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hosts {
    pub dns: Vec<String>,
    pub ips: Vec<IpAddr>,
}

/// A certificate, its key and the authority to trust, as they stand in files.
pub struct Issued {
    /// The certificate. The authority signs without a level between, so this is the whole chain.
    pub certificate_pem: String,
    pub key_pem: String,
    pub authority_pem: String,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "{path}: is no certificate authority made by ndxp: {problem}; make one with `ndxp init`"
    )]
    NotAnAuthority { path: String, problem: String },
    #[error(
        "a certificate until {wanted} would outlive its authority, which ends {authority_until}; \
         ask for a shorter time, or make a new authority"
    )]
    OutlivesAuthority {
        wanted: Instant,
        authority_until: Instant,
    },
    #[error(
        "{name:?} cannot name a hub, an operator or an auditor; use at most 63 lower-case \
         letters, digits, dots, hyphens and underscores"
    )]
    InvalidName { name: String },
    #[error(
        "the host name {host:?} cannot stand in a certificate; use ASCII letters, digits, dots and hyphens"
    )]
    InvalidHost { host: String },
    #[error("the certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
    #[error("the machine gave no random bytes for a serial number")]
    NoRandomness,
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(
        "the index of this authority holds no certificate with the serial number {serial}; \
         `ndxp cert list` shows those that it holds"
    )]
    NotIssued { serial: String },
    #[error("the certificate {serial} was revoked at {at}; issue a new one instead")]
    WasRevoked { serial: String, at: Instant },
    #[error("the certificate was not signed by this authority")]
    OfAnother,
    #[error(
        "the reason has {found} characters; give one of 1 to {max}, without control characters"
    )]
    WrongReason { found: usize, max: usize },
}

/// How long a new authority is valid.
const AUTHORITY_DAYS: u32 = 3_650;
const AUTHORITY_TIME: Duration = Duration::from_secs(86_400 * 3_650);

/// Certificates begin this much before they are made, for clocks that run behind.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
/// Revoked certificates; hubs name it under `tls.revoked`.
const CRL_FILE: &str = "crl.pem";

impl Validity {
    /// From now, for so many days.
    #[must_use]
    pub fn days(clock: &dyn Clock, days: u32) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let now = clock.now();
        Self {
            from: now.saturating_sub(CLOCK_SKEW),
            until: now.saturating_add(DAY.saturating_mul(days)),
        }
    }
}

impl Default for Hosts {
    /// This machine.
    fn default() -> Self {
        Self {
            dns: vec!["localhost".to_owned()],
            ips: vec![[127, 0, 0, 1].into(), [0, 0, 0, 0, 0, 0, 0, 1].into()],
        }
    }
}

impl Hosts {
    /// This machine and further names or addresses, as `--host` gives them.
    #[must_use]
    pub fn with(extra: impl IntoIterator<Item = String>) -> Self {
        let mut hosts = Self::default();
        for host in extra {
            match host.parse() {
                Ok(ip) if !hosts.ips.contains(&ip) => hosts.ips.push(ip),
                Err(_) if !hosts.dns.contains(&host) => hosts.dns.push(host),
                _ => {}
            }
        }
        hosts
    }

    fn none() -> Self {
        Self {
            dns: Vec::new(),
            ips: Vec::new(),
        }
    }
}

impl Authority {
    /// A new authority for a trust domain.
    ///
    /// # Errors
    /// When the trust domain cannot stand in a URI.
    pub fn create(trust_domain: &str, clock: &dyn Clock) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let validity = Validity::days(clock, AUTHORITY_DAYS);
        let mut params = params(&format!("ndxp authority of {trust_domain}"), validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let uri = format!("spiffe://{trust_domain}");
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into()?)];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            trust_domain: trust_domain.to_owned(),
            valid_until: validity.until,
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Writes the authority into a folder that holds none yet, with an empty list of revoked
    /// certificates; the key is readable by its owner alone.
    ///
    /// # Errors
    /// When an authority is there already, or the files cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), AuthorityError> {
        let begin = self.valid_until.saturating_sub(AUTHORITY_TIME);
        let none_revoked = self.crl_pem(&[], begin)?;
        let files = [
            (KEY_FILE, 0o600, self.key_pem.as_str()),
            (CERTIFICATE_FILE, 0o644, self.certificate_pem.as_str()),
            (CRL_FILE, 0o644, none_revoked.as_str()),
        ];
        Ok(secret::create_all(folder, &files)?)
    }

    /// # Errors
    /// When the folder holds no authority, others may read its key, or key and certificate do
    /// not belong together.
    pub fn load(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(CERTIFICATE_FILE);
        let certificate_pem = secret::read_public(&path)?;
        let key_pem = secret::read_private(&folder.join(KEY_FILE))?;
        Self::from_pem(certificate_pem, key_pem).map_err(|problem| AuthorityError::NotAnAuthority {
            path: path.display().to_string(),
            problem,
        })
    }

    fn from_pem(certificate_pem: String, key_pem: String) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| text(&error))?;
        let key = KeyPair::from_pem(&key_pem).map_err(|error| text(&error))?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| text(&error))?;
        if certificate.public_key().subject_public_key.data != key.public_key_raw() {
            return Err(format!("{KEY_FILE} is not the key of this certificate"));
        }
        if !certificate.is_ca() {
            return Err("the certificate may not issue others".to_owned());
        }
        let trust_domain = trust_domain(&certificate).ok_or("no URI names its trust domain")?;
        let valid_until = certificate.validity().not_after.timestamp();
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|error| text(&error))?;
        Ok(Self {
            trust_domain,
            valid_until: Instant::from_micros(valid_until.saturating_mul(1_000_000)),
            certificate_pem,
            key_pem,
            issuer,
        })
    }

    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The certificate that others trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// For a system, which both calls and serves.
    ///
    /// # Errors
    /// When a host name cannot stand in a certificate, or the validity outlives the authority.
    pub fn issue_system(
        &self,
        system: &SystemId,
        hosts: &Hosts,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        self.issue(&PeerIdentity::System(system.clone()), hosts, validity)
    }

    /// For a hub node, which serves agency systems and calls providers.
    ///
    /// # Errors
    /// As [`Authority::issue_system`], or when the node's name is not valid.
    pub fn issue_hub(
        &self,
        node: &str,
        hosts: &Hosts,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        self.issue(&PeerIdentity::Hub(node.to_owned()), hosts, validity)
    }

    /// For a person who operates the hub: a client only.
    ///
    /// # Errors
    /// When the name is not valid, or the validity outlives the authority.
    pub fn issue_operator(&self, name: &str, validity: Validity) -> Result<Issued, AuthorityError> {
        let identity = PeerIdentity::Operator(name.to_owned());
        self.issue(&identity, &Hosts::none(), validity)
    }

    /// For a person who reads everything and changes nothing: a client only.
    ///
    /// # Errors
    /// When the name is not valid, or the validity outlives the authority.
    pub fn issue_auditor(&self, name: &str, validity: Validity) -> Result<Issued, AuthorityError> {
        let identity = PeerIdentity::Auditor(name.to_owned());
        self.issue(&identity, &Hosts::none(), validity)
    }

    /// For any holder; what only calls is given no hosts.
    ///
    /// # Errors
    /// As [`Authority::issue_system`], or when the holder's name is not valid.
    pub fn issue(
        &self,
        identity: &PeerIdentity,
        hosts: &Hosts,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        if validity.until > self.valid_until {
            return Err(AuthorityError::OutlivesAuthority {
                wanted: validity.until,
                authority_until: self.valid_until,
            });
        }
        let (common_name, serves) = common_name(identity)?;
        let none = Hosts::none();
        let hosts = if serves { hosts } else { &none };
        let key = KeyPair::generate()?;
        let mut params = params(&common_name, validity)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if serves {
            params.insert_extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth);
        }
        params.subject_alt_names = self.names(identity, hosts)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            authority_pem: self.certificate_pem.clone(),
        })
    }

    fn names(
        &self,
        identity: &PeerIdentity,
        hosts: &Hosts,
    ) -> Result<Vec<SanType>, AuthorityError> {
        let mut names = Vec::new();
        if let Some(uri) = identity.uri(&self.trust_domain) {
            names.push(SanType::URI(uri.as_str().try_into()?));
        }
        for host in &hosts.dns {
            let invalid = || AuthorityError::InvalidHost { host: host.clone() };
            // What a client will compare with must be a DNS name to it, too.
            rustls_pki_types::DnsName::try_from(host.as_str()).map_err(|_| invalid())?;
            let name = host.as_str().try_into().map_err(|_| invalid())?;
            names.push(SanType::DnsName(name));
        }
        names.extend(hosts.ips.iter().copied().map(SanType::IpAddress));
        Ok(names)
    }
}

impl Issued {
    /// Writes `cert.pem`, `key.pem` (readable by its owner alone) and `ca.pem` into a folder
    /// that holds none of them yet.
    ///
    /// # Errors
    /// When one of them is there already, or cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), FileError> {
        let files = [
            ("key.pem", 0o600, self.key_pem.as_str()),
            ("cert.pem", 0o644, self.certificate_pem.as_str()),
            ("ca.pem", 0o644, self.authority_pem.as_str()),
        ];
        secret::create_all(folder, &files)
    }

    /// Writes the three files in place of older ones, each whole at once: a hub that reads them
    /// again finds either.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn replace(&self, folder: &Path) -> Result<(), FileError> {
        let files = [
            ("key.pem", 0o600, self.key_pem.as_str()),
            ("cert.pem", 0o644, self.certificate_pem.as_str()),
            ("ca.pem", 0o644, self.authority_pem.as_str()),
        ];
        secret::replace_all(folder, &files)
    }
}

/// What the subject says to people, and whether the holder serves.
fn common_name(identity: &PeerIdentity) -> Result<(String, bool), AuthorityError> {
    let named = |kind: &str, name: &str, serves| match identity::is_holder_name(name) {
        true => Ok((format!("{kind} {name}"), serves)),
        false => Err(AuthorityError::InvalidName {
            name: name.to_owned(),
        }),
    };
    match identity {
        PeerIdentity::System(id) => Ok((id.to_string(), true)),
        PeerIdentity::Hub(node) => named("hub", node, true),
        PeerIdentity::Operator(name) => named("operator", name, false),
        PeerIdentity::Auditor(name) => named("auditor", name, false),
        PeerIdentity::Unnamed => Err(AuthorityError::InvalidName {
            name: String::new(),
        }),
    }
}

fn params(common_name: &str, validity: Validity) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    // RFC 5280 bounds a common name to 64 characters; the URI is what counts.
    let common_name: String = common_name.chars().take(64).collect();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = date(validity.from);
    params.not_after = date(validity.until);
    params.serial_number = Some(random_serial()?);
    Ok(params)
}

/// 126 random bits; the first byte keeps the number positive and its length fixed.
fn random_serial() -> Result<SerialNumber, AuthorityError> {
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| AuthorityError::NoRandomness)?;
    let [first, ..] = &mut bytes;
    *first = (*first & 0x3f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// To the second, as certificates count; what lies outside its years is cut to the epoch.
fn date(instant: Instant) -> OffsetDateTime {
    let seconds = instant.as_micros().div_euclid(1_000_000);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The trust domain that an authority's own URI names: `spiffe://<trust-domain>`.
fn trust_domain(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => uri.strip_prefix("spiffe://"),
            _ => None,
        });
    let domain = uris.next().filter(|domain| !domain.contains('/'))?;
    uris.next().is_none().then(|| domain.to_owned())
}

#[cfg(test)]
mod tests;
