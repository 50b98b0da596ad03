//! A dump of the counters on its way out. Whoever dumps holds the counters still, so nobody may
//! wait for a slow reader meanwhile, and a dump may be larger than memory: it goes to a file
//! without a name, and from there out in batches.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::Path;

use ndxp_counters::{CountersError, Watermark};
use ndxp_proto::statistics::v1::Counter;
use prost::Message as _;
use tonic::Status;

/// Counters in the order in which they came, each behind its length (4 bytes, little-endian).
pub struct Spool(BufReader<File>);

/// Why a dump cannot be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error(transparent)]
    Counters(#[from] CountersError),
    #[error("the dump cannot be spooled: {0}; make room in the data directory")]
    Disk(#[from] io::Error),
    #[error("the spooled dump cannot be read back: {0}")]
    Damaged(#[from] prost::DecodeError),
}

/// Counters read in one go, at some hundred bytes each.
const BATCH_MAX: usize = 1_024;

type Put<'a> = &'a mut dyn FnMut(Counter);

impl Spool {
    /// Runs the dump into a file in the folder.
    ///
    /// # Errors
    /// When the dump fails, or the disk does.
    pub fn fill(
        folder: &Path,
        dump: impl FnOnce(Put<'_>) -> Result<Watermark, CountersError>,
    ) -> Result<Self, SpoolError> {
        let mut file = BufWriter::new(tempfile::tempfile_in(folder)?);
        let mut written = Ok(());
        dump(&mut |counter| {
            // A dump cannot be told to end; after a failure the rest of it is let pass.
            if written.is_ok() {
                written = put(&mut file, &counter);
            }
        })?;
        written?;
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(Self(BufReader::new(file)))
    }

    /// The next counters; none at the end.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn batch(&mut self) -> Result<Vec<Counter>, SpoolError> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_MAX {
            let mut length = [0; 4];
            match self.0.read(&mut length)? {
                0 => break,
                read => {
                    let rest = length.get_mut(read..).unwrap_or_default();
                    self.0.read_exact(rest)?;
                }
            }
            let mut bytes = Vec::new();
            let length = u64::from(u32::from_le_bytes(length));
            self.0.by_ref().take(length).read_to_end(&mut bytes)?;
            batch.push(Counter::decode(bytes.as_slice())?);
        }
        Ok(batch)
    }
}

impl SpoolError {
    pub fn into_status(self, counting: fn(&CountersError) -> Status) -> Status {
        match self {
            Self::Counters(error) => counting(&error),
            Self::Disk(_) | Self::Damaged(_) => {
                tracing::error!(error = %self, "counters not dumped");
                Status::unavailable(self.to_string())
            }
        }
    }
}

fn put(file: &mut BufWriter<File>, counter: &Counter) -> io::Result<()> {
    let bytes = counter.encode_to_vec();
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spooled_comes_out_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let counters = BATCH_MAX as u64 + 7;
        let mut spool = Spool::fill(folder.path(), |put| {
            for count in 0..counters {
                let granularity = "hour".repeat(usize::try_from(count % 50).unwrap());
                put(Counter {
                    count,
                    granularity,
                    ..Counter::default()
                });
            }
            Ok(Watermark::default())
        })
        .unwrap();
        let (first, second) = (spool.batch().unwrap(), spool.batch().unwrap());
        assert_eq!((first.len(), second.len()), (BATCH_MAX, 7));
        let order: Vec<u64> = first
            .iter()
            .chain(&second)
            .map(|counter| counter.count)
            .collect();
        assert_eq!(order, (0..counters).collect::<Vec<_>>());
        assert!(spool.batch().unwrap().is_empty());
    }

    #[test]
    fn an_empty_dump_is_empty_and_a_failed_one_fails() {
        let folder = tempfile::tempdir().unwrap();
        let mut empty = Spool::fill(folder.path(), |_| Ok(Watermark::default())).unwrap();
        assert!(empty.batch().unwrap().is_empty());
        let failed = Spool::fill(folder.path(), |_| Err(CountersError::Stopped));
        assert!(matches!(
            failed,
            Err(SpoolError::Counters(CountersError::Stopped))
        ));
    }
}
