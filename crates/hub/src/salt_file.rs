//! The hub's key for digest salts, kept beside the journal: without it nobody can tie a digest to
//! what was exchanged, with it the hub can hand out a transaction's salt again.

use std::io;
use std::path::{Path, PathBuf};

use ndxp_gateway::SaltKey;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::secret::{self, FileError};

/// Its name in a data directory and in a backup.
pub(crate) const NAME: &str = "salt.key";

const KEY_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum SaltKeyError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "{}: holds {found} characters and not the 64 hexadecimal digits of a salt key; \
         restore it from a backup: digests in the journal can be explained with no other",
        path.display()
    )]
    Damaged { path: PathBuf, found: usize },
    #[error("the machine gives no randomness for a salt key")]
    NoRandomness,
}

/// Reads the key of a data directory, or makes one for a new directory.
///
/// # Errors
/// As [`SaltKeyError`] says.
pub fn load_or_create(folder: &Path) -> Result<SaltKey, SaltKeyError> {
    let path = folder.join(NAME);
    match secret::read_private(&path) {
        Ok(text) => {
            let digits = text.trim();
            if digits.len() == 2 * KEY_BYTES && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Ok(SaltKey::new(digits.as_bytes()));
            }
            Err(SaltKeyError::Damaged {
                path,
                found: digits.len(),
            })
        }
        Err(FileError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; KEY_BYTES];
            SystemRandom::new()
                .fill(&mut key)
                .map_err(|_| SaltKeyError::NoRandomness)?;
            let digits = key
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>();
            secret::create_all(folder, &[(NAME, 0o600, digits.as_str())])?;
            Ok(SaltKey::new(digits.as_bytes()))
        }
        Err(error) => Err(error.into()),
    }
}
