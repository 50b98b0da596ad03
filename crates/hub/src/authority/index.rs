//! What an authority has issued and revoked: `issued.jsonl`, one JSON object a line, only ever
//! appended to. A certificate is written down before it is handed over, so that whatever is in
//! somebody's hands can be found, renewed and revoked.
//!
//! ```text
//! {"event":"issued","serial":"41…","kind":"system","name":"H26/lgsp","dns":["localhost"],
//!  "ips":["127.0.0.1"],"fingerprint":"9c…","from_us":…,"until_us":…,"at_us":…}
//! {"event":"revoked","serial":"41…","reason":"key lost","at_us":…}
//! ```
//!
//! A last line without its line feed is one whose writing broke off: nobody was told of it, and
//! the next append cuts it away.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ndxp_gateway::identity::{self, IdentityError, PeerIdentity};
use ndxp_model::{Instant, SystemId};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::{Hosts, Validity};

/// One certificate of this authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Hexadecimal, lower case.
    pub serial: String,
    pub holder: PeerIdentity,
    pub hosts: Hosts,
    /// SHA-256 of the certificate, hexadecimal, as the registry takes it.
    pub fingerprint: String,
    pub validity: Validity,
    pub issued_at: Instant,
    pub revoked: Option<Revocation>,
}

/// When and why a certificate was revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    pub at: Instant,
    pub reason: String,
}

/// Why the index cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}:{line}: is no line of the index: {problem}; restore the file from a copy")]
    Damaged {
        path: PathBuf,
        line: usize,
        problem: String,
    },
    #[error("the certificate is not readable: {0}")]
    Certificate(String),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The file, held by one process at a time.
pub(super) struct Index {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
    /// Bytes that hold whole lines.
    whole: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Issued(IssuedLine),
    Revoked(RevokedLine),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct IssuedLine {
    serial: String,
    kind: Kind,
    name: String,
    #[serde(default)]
    dns: Vec<String>,
    #[serde(default)]
    ips: Vec<IpAddr>,
    fingerprint: String,
    from_us: i64,
    until_us: i64,
    at_us: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RevokedLine {
    serial: String,
    reason: String,
    at_us: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    System,
    Hub,
    Operator,
    Auditor,
}

impl Record {
    /// What a certificate says of itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(
        certificate_pem: &str,
        trust_domain: &str,
        issued_at: Instant,
    ) -> Result<Self, IndexError> {
        let unreadable = |error: &dyn std::fmt::Display| IndexError::Certificate(error.to_string());
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| unreadable(&error))?;
        let (holder, fingerprint) = identity::read(&der, trust_domain)?;
        let (_, certificate) =
            X509Certificate::from_der(&der).map_err(|error| unreadable(&error))?;
        let micros = |seconds: i64| Instant::from_micros(seconds.saturating_mul(1_000_000));
        Ok(Self {
            serial: hexadecimal(certificate.raw_serial()),
            holder,
            hosts: hosts(&certificate),
            fingerprint: hexadecimal(&fingerprint),
            validity: Validity {
                from: micros(certificate.validity().not_before.timestamp()),
                until: micros(certificate.validity().not_after.timestamp()),
            },
            issued_at,
            revoked: None,
        })
    }

    /// Whether somebody means this certificate: by its serial number, or by its holder as
    /// `H26/lgsp`, `operator le.van.a` or the URI.
    #[must_use]
    pub fn is_meant_by(&self, text: &str, trust_domain: &str) -> bool {
        let in_words = self.holder.to_string();
        self.serial == text.to_ascii_lowercase().replace(':', "")
            || in_words == text
            || in_words.strip_prefix("system ") == Some(text)
            || self.holder.uri(trust_domain).as_deref() == Some(text)
    }

    /// Whether it is accepted at the instant.
    #[must_use]
    pub fn is_valid_at(&self, now: Instant) -> bool {
        self.revoked.is_none() && self.validity.from <= now && now < self.validity.until
    }
}

impl Index {
    /// Opens the file, or makes it, and waits for its turn.
    pub(super) fn open(path: &Path) -> Result<Self, IndexError> {
        let failed = |source| IndexError::File {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |at| at + 1);
        let mut index = Self {
            path: path.to_owned(),
            file,
            records: Vec::new(),
            whole: whole.try_into().unwrap_or(u64::MAX),
        };
        let lines = bytes.get(..whole).unwrap_or_default();
        let lines = lines.split(|byte| *byte == b'\n');
        for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let damaged = |problem: String| IndexError::Damaged {
                path: path.to_owned(),
                line: number + 1,
                problem,
            };
            let line = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
            index.fold(line).map_err(damaged)?;
        }
        Ok(index)
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// Durable when this returns.
    pub(super) fn issued(&mut self, record: &Record) -> Result<(), IndexError> {
        let (kind, name) = match &record.holder {
            PeerIdentity::System(id) => (Kind::System, id.to_string()),
            PeerIdentity::Hub(node) => (Kind::Hub, node.clone()),
            PeerIdentity::Operator(name) => (Kind::Operator, name.clone()),
            PeerIdentity::Auditor(name) => (Kind::Auditor, name.clone()),
            PeerIdentity::Unnamed => {
                return Err(IndexError::Certificate("it names nobody".to_owned()));
            }
        };
        self.append(Line::Issued(IssuedLine {
            serial: record.serial.clone(),
            kind,
            name,
            dns: record.hosts.dns.clone(),
            ips: record.hosts.ips.clone(),
            fingerprint: record.fingerprint.clone(),
            from_us: record.validity.from.as_micros(),
            until_us: record.validity.until.as_micros(),
            at_us: record.issued_at.as_micros(),
        }))
    }

    /// Durable when this returns.
    pub(super) fn revoked(&mut self, serial: &str, by: &Revocation) -> Result<(), IndexError> {
        self.append(Line::Revoked(RevokedLine {
            serial: serial.to_owned(),
            reason: by.reason.clone(),
            at_us: by.at.as_micros(),
        }))
    }

    fn append(&mut self, line: Line) -> Result<(), IndexError> {
        let failed = |source| IndexError::File {
            path: self.path.clone(),
            source,
        };
        let mut text = serde_json::to_vec(&line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.file.set_len(self.whole).map_err(failed)?;
        self.file
            .seek(SeekFrom::Start(self.whole))
            .map_err(failed)?;
        self.file.write_all(&text).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        let written: u64 = text.len().try_into().unwrap_or(u64::MAX);
        self.whole = self.whole.saturating_add(written);
        self.fold(line).map_err(IndexError::Certificate)
    }

    fn fold(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Issued(issued) => {
                let record = issued.record()?;
                if self.records.iter().any(|it| it.serial == record.serial) {
                    return Err(format!("{} was issued before", record.serial));
                }
                self.records.push(record);
            }
            Line::Revoked(RevokedLine {
                serial,
                reason,
                at_us,
            }) => {
                let record = self.records.iter_mut().find(|it| it.serial == serial);
                let record = record.ok_or_else(|| format!("{serial} was never issued"))?;
                let at = Instant::from_micros(at_us);
                record.revoked.get_or_insert(Revocation { at, reason });
            }
        }
        Ok(())
    }
}

impl IssuedLine {
    fn record(self) -> Result<Record, String> {
        let name = self.name;
        let holder = match self.kind {
            Kind::System => {
                let id: Result<SystemId, _> = name.parse();
                PeerIdentity::System(id.map_err(|error| error.to_string())?)
            }
            Kind::Hub => PeerIdentity::Hub(name),
            Kind::Operator => PeerIdentity::Operator(name),
            Kind::Auditor => PeerIdentity::Auditor(name),
        };
        Ok(Record {
            serial: self.serial,
            holder,
            hosts: Hosts {
                dns: self.dns,
                ips: self.ips,
            },
            fingerprint: self.fingerprint,
            validity: Validity {
                from: Instant::from_micros(self.from_us),
                until: Instant::from_micros(self.until_us),
            },
            issued_at: Instant::from_micros(self.at_us),
            revoked: None,
        })
    }
}

/// The names and addresses under which a certificate's holder serves.
fn hosts(certificate: &X509Certificate<'_>) -> Hosts {
    let mut hosts = Hosts::none();
    let names = certificate.subject_alternative_name().ok().flatten();
    for name in names
        .iter()
        .flat_map(|names| names.value.general_names.iter())
    {
        match name {
            GeneralName::DNSName(name) => hosts.dns.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => {
                let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let ip = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                hosts.ips.extend(ip);
            }
            _ => {}
        }
    }
    hosts
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
