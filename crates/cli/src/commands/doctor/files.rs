//! The files that the configuration names: there, readable, and private keys for their owner alone.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ndxp_hub::config::Config;
use ndxp_hub::secret::{self, FileError};

use super::finding::{Area, Findings};
use crate::commands::init::AUTHORITY;

/// Whose files can all be read.
#[derive(Clone, Copy, Debug)]
pub struct Usable {
    pub hub: bool,
    pub client: bool,
}

/// Nobody but their owner may open these.
const PRIVATE: &str = "0600";

pub fn check(config: &Config, findings: &mut Findings) -> Usable {
    let (tls, client) = (&config.tls, &config.client);
    let mut hub = public("tls.authority", &tls.authority, findings);
    hub &= public("tls.certificate", &tls.certificate, findings);
    hub &= private("tls.key", &tls.key, findings);
    if let Some(revoked) = &tls.revoked {
        hub &= public("tls.revoked", revoked, findings);
    }
    let mut usable = public("client.authority", &client.authority, findings);
    usable &= public("client.certificate", &client.certificate, findings);
    usable &= private("client.key", &client.key, findings);
    let salt = config.hub.data_dir.join("salt.key");
    if salt.exists() {
        private("salt key", &salt, findings);
    }
    authority_key(config, findings);
    Usable {
        hub,
        client: usable,
    }
}

fn public(key: &str, path: &Path, findings: &mut Findings) -> bool {
    let subject = format!("{key} {}", path.display());
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(found) if found.is_file() && found.len() > 0 => {
            findings.ok(Area::Files, subject, "can be read");
            true
        }
        Ok(_) => {
            let remedy = "write a PEM file there, or name another one";
            findings.failure(Area::Files, subject, "is no file, or empty", remedy);
            false
        }
        Err(error) => {
            let remedy = "correct the path, or let the hub's user read it";
            findings.failure(Area::Files, subject, error.to_string(), remedy);
            false
        }
    }
}

fn private(key: &str, path: &Path, findings: &mut Findings) -> bool {
    let subject = format!("{key} {}", path.display());
    match secret::read_private(path) {
        Ok(_) => {
            let value = format!(
                "mode {}, for its owner alone",
                mode(path).as_deref().unwrap_or("-")
            );
            findings.ok(Area::Files, subject, value);
            true
        }
        Err(FileError::ReadableByOthers { mode, .. }) => {
            let value = format!("mode {mode:04o}, others may use it; the hub refuses it");
            let remedy = format!(
                "run `chmod {PRIVATE} {}`, and replace the key if others had access",
                path.display()
            );
            findings.failure(Area::Files, subject, value, remedy);
            false
        }
        Err(FileError::Unreadable { source, .. }) => {
            let remedy = "correct the path, or make the hub's user its owner";
            findings.failure(Area::Files, subject, source.to_string(), remedy);
            false
        }
        Err(error) => {
            findings.failure(Area::Files, subject, error.to_string(), "correct the path");
            false
        }
    }
}

/// The key of the authority that `ndxp init` made: it belongs on no machine that serves.
fn authority_key(config: &Config, findings: &mut Findings) {
    let beside = config.file.parent().unwrap_or(Path::new(""));
    let path = beside.join(AUTHORITY).join("ca-key.pem");
    let subject = format!("authority's key {}", path.display());
    match secret::read_private(&path) {
        Ok(_) => findings.warning(
            Area::Files,
            subject,
            "lies on this machine",
            "take it offline: whoever holds it can speak as every member",
        ),
        Err(FileError::ReadableByOthers { mode, .. }) => findings.failure(
            Area::Files,
            subject,
            format!("mode {mode:04o}, others may sign with it"),
            "take it offline, and make a new authority if others had access",
        ),
        Err(_) => {}
    }
}

pub fn mode(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    Some(format!("{mode:04o}"))
}
