//! An authority at work: its folder holds the certificate and key, the index of what it has
//! issued (`issued.jsonl`) and the list of what it has revoked (`crl.pem`). Nothing is issued
//! that is not written down, and nothing here needs a network.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_gateway::identity::PeerIdentity;
use ndxp_model::{Clock, Instant};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::index::{Index, Record, Revocation};
use super::{Authority, AuthorityError, CRL_FILE, Hosts, Issued, Validity, date};
use crate::secret;

/// What has been issued and revoked, one JSON object a line.
const INDEX_FILE: &str = "issued.jsonl";

/// Characters of a revocation's reason.
const REASON_CHARS_MAX: usize = 200;

/// An authority with its folder.
pub struct AuthorityFolder {
    folder: PathBuf,
    authority: Authority,
    clock: Arc<dyn Clock>,
}

impl AuthorityFolder {
    /// Makes a new authority in a folder that holds none yet.
    ///
    /// # Errors
    /// As [`Authority::create`] and [`Authority::save`].
    pub fn create(
        folder: &Path,
        trust_domain: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuthorityError> {
        let authority = Authority::create(trust_domain, &*clock)?;
        authority.save(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            authority,
            clock,
        })
    }

    /// # Errors
    /// As [`Authority::load`].
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, AuthorityError> {
        Ok(Self {
            folder: folder.to_owned(),
            authority: Authority::load(folder)?,
            clock,
        })
    }

    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The list of revoked certificates, which hubs load.
    #[must_use]
    pub fn crl_file(&self) -> PathBuf {
        self.folder.join(CRL_FILE)
    }

    /// Issues a certificate and writes it down.
    ///
    /// # Errors
    /// When the holder or a host cannot stand in a certificate, the validity outlives the
    /// authority, or the index cannot be written.
    pub fn issue(
        &self,
        holder: &PeerIdentity,
        hosts: &Hosts,
        validity: Validity,
    ) -> Result<(Issued, Record), AuthorityError> {
        let issued = self.authority.issue(holder, hosts, validity)?;
        let record = self.write_down(&issued.certificate_pem)?;
        Ok((issued, record))
    }

    /// Issues a certificate with a new key to the holder of another one, under the same names.
    /// The old one stays valid until it ends or is revoked, so that nothing stands still while
    /// the new one is put in place.
    ///
    /// # Errors
    /// As [`AuthorityFolder::issue`], and when the index does not hold the old one or it was
    /// revoked.
    pub fn renew(
        &self,
        serial: &str,
        validity: Validity,
    ) -> Result<(Issued, Record), AuthorityError> {
        let old = self.find(serial)?;
        if let Some(Revocation { at, .. }) = old.revoked {
            let serial = old.serial;
            return Err(AuthorityError::WasRevoked { serial, at });
        }
        self.issue(&old.holder, &old.hosts, validity)
    }

    /// Every certificate of the index, in the order of issue.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn list(&self) -> Result<Vec<Record>, AuthorityError> {
        Ok(self.index()?.into_records())
    }

    /// Takes a certificate of this authority into the index that was issued before one was
    /// kept; answers its record.
    ///
    /// # Errors
    /// When it is not of this authority, or the index cannot be written.
    pub fn adopt(&self, certificate_pem: &str) -> Result<Record, AuthorityError> {
        let record = self.read(certificate_pem)?;
        let mut index = self.index()?;
        if let Some(known) = index.records().iter().find(|it| it.serial == record.serial) {
            return Ok(known.clone());
        }
        self.check_own(certificate_pem)?;
        index.issued(&record)?;
        Ok(record)
    }

    /// Revokes certificates and writes the list anew. One that was revoked before stays as it
    /// was.
    ///
    /// # Errors
    /// When one is not in the index or no reason is given: nothing is revoked then.
    pub fn revoke(&self, serials: &[String], reason: &str) -> Result<Vec<Record>, AuthorityError> {
        let reason = reason.trim();
        let found = reason.chars().count();
        if found == 0 || found > REASON_CHARS_MAX || reason.contains(char::is_control) {
            let max = REASON_CHARS_MAX;
            return Err(AuthorityError::WrongReason { found, max });
        }
        let mut index = self.index()?;
        let known = |serial: &String| index.records().iter().any(|it| it.serial == *serial);
        if let Some(serial) = serials.iter().find(|serial| !known(serial)) {
            let serial = serial.clone();
            return Err(AuthorityError::NotIssued { serial });
        }
        let revocation = Revocation {
            at: self.clock.now(),
            reason: reason.to_owned(),
        };
        for serial in serials {
            let standing = index.records().iter().find(|it| it.serial == *serial);
            if standing.is_some_and(|record| record.revoked.is_none()) {
                index.revoked(serial, &revocation)?;
            }
        }
        // The list is made of the whole index, so that one that was lost comes back whole.
        let list = self.authority.crl_pem(index.records(), self.clock.now())?;
        secret::replace_all(&self.folder, &[(CRL_FILE, 0o644, &list)])?;
        let meant = |record: &Record| serials.contains(&record.serial);
        Ok(index.into_records().into_iter().filter(meant).collect())
    }

    fn find(&self, serial: &str) -> Result<Record, AuthorityError> {
        let found = self.list()?.into_iter().find(|it| it.serial == serial);
        found.ok_or_else(|| AuthorityError::NotIssued {
            serial: serial.to_owned(),
        })
    }

    fn write_down(&self, certificate_pem: &str) -> Result<Record, AuthorityError> {
        let record = self.read(certificate_pem)?;
        self.index()?.issued(&record)?;
        Ok(record)
    }

    fn read(&self, certificate_pem: &str) -> Result<Record, AuthorityError> {
        let now = self.clock.now();
        Ok(Record::read(
            certificate_pem,
            &self.authority.trust_domain,
            now,
        )?)
    }

    fn check_own(&self, certificate_pem: &str) -> Result<(), AuthorityError> {
        let signed = || -> Option<()> {
            let root =
                CertificateDer::from_pem_slice(self.authority.certificate_pem.as_bytes()).ok()?;
            let leaf = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?;
            let (_, root) = X509Certificate::from_der(&root).ok()?;
            let (_, leaf) = X509Certificate::from_der(&leaf).ok()?;
            leaf.verify_signature(Some(root.public_key())).ok()
        };
        signed().ok_or(AuthorityError::OfAnother)
    }

    fn index(&self) -> Result<Index, AuthorityError> {
        Ok(Index::open(&self.folder.join(INDEX_FILE))?)
    }
}

impl Authority {
    /// The signed list of revoked certificates. It is valid for as long as the authority: no
    /// hub stops because nobody wrote it anew.
    pub(super) fn crl_pem(
        &self,
        records: &[Record],
        now: Instant,
    ) -> Result<String, AuthorityError> {
        let revoked = records.iter().filter_map(|record| {
            let revocation = record.revoked.as_ref()?;
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&bytes(&record.serial)?),
                revocation_time: date(revocation.at),
                reason_code: Some(RevocationReason::Unspecified),
                invalidity_date: None,
            })
        });
        let seconds = now.as_micros().div_euclid(1_000_000);
        let params = CertificateRevocationListParams {
            this_update: date(now),
            next_update: date(self.valid_until),
            // Grows with time, as revocations do.
            crl_number: SerialNumber::from(u64::try_from(seconds).unwrap_or_default()),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?.pem()?)
    }
}

/// Of hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests;
