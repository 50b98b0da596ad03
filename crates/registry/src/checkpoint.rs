//! The checkpoint file: the registry as of its watermark, so that a start need not fold the
//! whole journal. It holds nothing that the journal does not hold; one that cannot be trusted is
//! refused by name, and the caller folds the journal instead.
//!
//! ```text
//! offset  bytes  field (integers little-endian)
//!      0      8  magic: "NDXPREG" and a line feed
//!      8      4  format version: 2
//!     12      8  length of the body
//!     20      4  CRC32C of bytes 0 to 20 and of the body
//!     24      –  body: the protobuf message `Body`
//! ```
//!
//! `Body` is field 1 watermark (uint64), field 2 repeated `ndxp.registry.v1.Change` (every item
//! that stands), field 3 repeated message {1 system (string), 2 instant in microseconds (int64)}
//! (first handshakes), field 4 last sequence that changed the registry (uint64). Items of a later
//! contract would lose fields on their way through an older program: whoever changes the messages
//! of the registry gives the format a new version. Format 1, of the time before lifecycles and
//! versions of grants, has fewer fields and is read as the journal's entries of that time are.
//!
//! A file is written beside the old one, synced, renamed over it, and its folder synced: a crash
//! leaves the old file or the new one.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ndxp_model::{Instant, Sequence};
use ndxp_proto::registry::v1;
use prost::Message as _;

use crate::fold::Registry;

const MAGIC: [u8; 8] = *b"NDXPREG\n";
const VERSION: u32 = 2;
const VERSION_OLDEST: u32 = 1;
const HEAD_BYTES: usize = 24;
/// All limits of the registry used up: some 2,300,000 items of 700 bytes, and descriptors.
const BODY_BYTES_MAX: u64 = 2 << 30;

#[derive(Clone, PartialEq, prost::Message)]
struct Body {
    #[prost(uint64, tag = "1")]
    watermark: u64,
    #[prost(message, repeated, tag = "2")]
    items: Vec<v1::Change>,
    #[prost(message, repeated, tag = "3")]
    connected: Vec<Connected>,
    #[prost(uint64, tag = "4")]
    changed: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Connected {
    #[prost(string, tag = "1")]
    system: String,
    #[prost(int64, tag = "2")]
    at_us: i64,
}

/// Why a checkpoint could not be written or used. A file that cannot be used may be removed:
/// the registry is folded from the journal without it.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("there is no checkpoint {}", path.display())]
    Absent { path: PathBuf },
    #[error("cannot {action} the checkpoint {}: {source}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: io::Error,
    },
    #[error(
        "the checkpoint {} is damaged: {damage}; remove it and the registry is folded from the \
         journal",
        path.display()
    )]
    Damaged { path: PathBuf, damage: Damage },
    #[error(
        "the checkpoint {} has format {found}, and this version reads format {expected}; remove \
         it and the registry is folded from the journal",
        path.display()
    )]
    OtherFormat {
        path: PathBuf,
        found: u32,
        expected: u32,
    },
}

/// What is wrong with a checkpoint's bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damage {
    #[error("it does not begin as a checkpoint does")]
    Magic,
    #[error("it has {found} bytes and says that it has {expected}")]
    Length { expected: u64, found: u64 },
    #[error("its checksum is {found:08x} and says {expected:08x}")]
    Checksum { expected: u32, found: u32 },
    #[error("its body is not the message that it should be: {0}")]
    Body(prost::DecodeError),
    #[error("item number {number} is of a kind that this version does not know")]
    UnknownItem { number: usize },
}

impl Registry {
    /// Writes a checkpoint in place of the one before.
    ///
    /// # Errors
    /// When the file cannot be written; the one before stands then.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let beside = path.with_extension("new");
        let io_error = |action| {
            let path = path.to_owned();
            move |source| CheckpointError::Io {
                path,
                action,
                source,
            }
        };
        let mut file = File::create(&beside).map_err(io_error("create"))?;
        file.write_all(&self.encoded()).map_err(io_error("write"))?;
        file.sync_all().map_err(io_error("sync"))?;
        drop(file);
        fs::rename(&beside, path).map_err(io_error("rename"))?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = File::open(folder).map_err(io_error("open the folder of"))?;
        folder.sync_all().map_err(io_error("sync the folder of"))
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = read(path)?;
        decode(&bytes).map_err(|refused| match refused {
            Refused::OtherFormat { found } => CheckpointError::OtherFormat {
                path: path.to_owned(),
                found,
                expected: VERSION,
            },
            Refused::Damaged(damage) => CheckpointError::Damaged {
                path: path.to_owned(),
                damage,
            },
        })
    }

    fn encoded(&self) -> Vec<u8> {
        let body = self.to_body().encode_to_vec();
        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((body.len() as u64).to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), &body);
        bytes.extend(checksum.to_le_bytes());
        bytes.extend(body);
        bytes
    }

    fn to_body(&self) -> Body {
        use v1::change::Item;
        let descriptors = self.all_descriptors().into_iter().map(Item::Descriptors);
        let items = (self.members().into_iter().map(Item::Member))
            .chain(self.systems().into_iter().map(Item::System))
            .chain(self.services().into_iter().map(Item::Service))
            .chain(self.grants().into_iter().map(without_id).map(Item::Grant))
            .chain(descriptors)
            .map(|item| v1::Change { item: Some(item) })
            .collect();
        let connected = self
            .connections()
            .into_iter()
            .map(|(system, at)| Connected {
                system: system.to_string(),
                at_us: at.as_micros(),
            });
        Body {
            watermark: self.watermark().get(),
            items,
            connected: connected.collect(),
            changed: self.changed().get(),
        }
    }
}

/// The id repeats the key, and the fold gives it again.
fn without_id(grant: v1::Grant) -> v1::Grant {
    let id = String::new();
    v1::Grant { id, ..grant }
}

enum Refused {
    OtherFormat { found: u32 },
    Damaged(Damage),
}

impl From<Damage> for Refused {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let io_error = |action| {
        let path = path.to_owned();
        move |source| CheckpointError::Io {
            path,
            action,
            source,
        }
    };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = path.to_owned();
            return Err(CheckpointError::Absent { path });
        }
        opened => opened.map_err(io_error("open"))?,
    };
    let mut bytes = Vec::new();
    // One byte more than a checkpoint may have, so that a longer file is seen to be longer.
    let bytes_max = HEAD_BYTES as u64 + BODY_BYTES_MAX + 1;
    file.take(bytes_max)
        .read_to_end(&mut bytes)
        .map_err(io_error("read"))?;
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<Registry, Refused> {
    let found = bytes.len() as u64;
    let short = || Damage::Length {
        expected: HEAD_BYTES as u64,
        found,
    };
    let (head, body) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(short)?;
    let (summed, checksum) = head.split_at_checked(HEAD_BYTES - 4).ok_or_else(short)?;
    let (magic, rest) = summed.split_first_chunk::<8>().ok_or_else(short)?;
    let (version, length) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    if *magic != MAGIC {
        return Err(Damage::Magic.into());
    }
    let version = u32::from_le_bytes(*version);
    if !(VERSION_OLDEST..=VERSION).contains(&version) {
        return Err(Refused::OtherFormat { found: version });
    }
    let length = u64::from_le_bytes(length.try_into().map_err(|_| short())?);
    let expected = length.saturating_add(HEAD_BYTES as u64);
    if expected != found || length > BODY_BYTES_MAX {
        return Err(Damage::Length { expected, found }.into());
    }
    let expected = u32::from_le_bytes(checksum.try_into().map_err(|_| short())?);
    let found = crc32c::crc32c_append(crc32c::crc32c(summed), body);
    if expected != found {
        return Err(Damage::Checksum { expected, found }.into());
    }
    let body = Body::decode(body).map_err(Damage::Body)?;
    Ok(restore(&body)?)
}

fn restore(body: &Body) -> Result<Registry, Damage> {
    let (watermark, changed) = (Sequence::new(body.watermark), Sequence::new(body.changed));
    let mut registry = Registry::as_of_checkpoint(watermark, changed);
    for (index, change) in body.items.iter().enumerate() {
        if !registry.put(change) {
            let number = index + 1;
            return Err(Damage::UnknownItem { number });
        }
    }
    for Connected { system, at_us } in &body.connected {
        registry.connect(system, Instant::from_micros(*at_us));
    }
    Ok(registry)
}

#[cfg(test)]
mod tests;
