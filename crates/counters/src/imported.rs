//! An import of opening balances as the store holds it: the entry itself, and what the journal before
//! it says of its time.

use std::sync::Arc;

use ndxp_baseline::Imported;
use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::BaselineImported;
use prost::Message;

use crate::value::{self, ValueError};

#[derive(Clone, PartialEq, Message)]
struct ImportedValue {
    /// Commit time of the entry.
    #[prost(int64, tag = "1")]
    at_us: i64,
    /// Where `before-launch` ends.
    #[prost(int64, tag = "2")]
    ends_us: i64,
    #[prost(message, optional, tag = "3")]
    baseline: Option<BaselineImported>,
}

pub fn encode(imported: &Imported) -> Vec<u8> {
    value::encode(&ImportedValue {
        at_us: imported.at.as_micros(),
        ends_us: imported.ends.as_micros(),
        baseline: Some(imported.baseline.clone()),
    })
}

/// # Errors
/// When the bytes hold no import that a hub has taken.
pub fn decode(sequence: Sequence, bytes: &[u8]) -> Result<Arc<Imported>, ValueError> {
    let value: ImportedValue = value::decode(bytes)?;
    let baseline = value.baseline.ok_or(ValueError::Baseline)?;
    if ndxp_baseline::check(&baseline).is_err() {
        return Err(ValueError::Baseline);
    }
    Ok(Arc::new(Imported {
        sequence,
        at: Instant::from_micros(value.at_us),
        ends: Instant::from_micros(value.ends_us),
        baseline,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn an_import_comes_back_as_it_went_and_what_nobody_wrote_is_refused() {
        let imported = Imported::new(
            Sequence::new(7),
            Instant::from_micros(20),
            Some(Instant::from_micros(10)),
            sample::baseline("2021", 5),
        );
        let bytes = encode(&imported);
        assert_eq!(decode(Sequence::new(7), &bytes), Ok(Arc::new(imported)));
        let nothing = value::encode(&ImportedValue::default());
        let unsound = value::encode(&ImportedValue {
            baseline: Some(BaselineImported::default()),
            ..ImportedValue::default()
        });
        for bytes in [vec![], vec![9], nothing, unsound] {
            assert!(decode(Sequence::new(7), &bytes).is_err(), "{bytes:?}");
        }
    }
}
