//! From a directory to a store that can be trusted: opened, checked against itself and against
//! the journal, or set aside and begun anew.

use ndxp_model::{Instant, Sequence, Zone};

use crate::check::check;
use crate::damage::{Damage, StoreError};
use crate::error::CountersError;
use crate::home::{Home, Seal};
use crate::source::Source;
use crate::state::{State, Watermark};
use crate::store::Store;

/// # Errors
/// When the directory or the journal cannot be read, or sled cannot work at all.
pub fn open(home: &Home, zone: &Zone, source: &dyn Source) -> Result<Store, CountersError> {
    let seal = home.break_seal()?;
    match open_checked(home, zone, source, &seal) {
        Err(CountersError::Store(StoreError::Damage(damage))) => {
            set_aside(home, &damage)?;
            open_checked(home, zone, source, &Seal::Absent)
        }
        other => other,
    }
}

/// Moves a damaged store, which nobody has open, out of the way.
///
/// # Errors
/// When it cannot be moved.
pub fn set_aside(home: &Home, damage: &Damage) -> Result<(), CountersError> {
    let aside = home.set_aside()?;
    tracing::warn!(
        %damage,
        set_aside = %aside.display(),
        "the counters' store cannot be used; they are rebuilt from the journal"
    );
    Ok(())
}

fn open_checked(
    home: &Home,
    zone: &Zone,
    source: &dyn Source,
    seal: &Seal,
) -> Result<Store, CountersError> {
    if let Seal::Harmed {
        file,
        expected_bytes,
        found_bytes,
    } = seal.clone()
    {
        return Err(StoreError::from(Damage::File {
            file,
            expected_bytes,
            found_bytes,
        })
        .into());
    }
    let store = Store::open(home.directory(), zone)?;
    let checked = trusted(&store, seal).map_err(CountersError::from);
    match checked.and_then(|()| belongs(&store.state, source)) {
        Ok(()) => Ok(store),
        Err(error) => {
            // The reason to give it up is known; what it says on the way adds nothing.
            let _ = store.close();
            Err(error)
        }
    }
}

/// Whether the store is what it was when it was left, and sound.
fn trusted(store: &Store, seal: &Seal) -> Result<(), StoreError> {
    let found = store.state.watermark.sequence;
    if let Seal::Holds { watermark } | Seal::Touched { watermark } = *seal
        && watermark != found
    {
        // sled reads a log up to the first damage and takes that for the end.
        return Err(Damage::SealedWatermark {
            expected: watermark,
            found,
        }
        .into());
    }
    if matches!(seal, Seal::Holds { .. }) || found == Sequence::NONE {
        return Ok(());
    }
    tracing::info!("the counters were not left as a clean stop leaves them; checking every one");
    check(store)
}

/// Whether the state was counted from this journal, as far as its watermark tells.
fn belongs(state: &State, source: &dyn Source) -> Result<(), CountersError> {
    let Watermark { sequence, at } = state.watermark;
    if sequence == Sequence::NONE {
        return Ok(());
    }
    let end = source.position()?.sequence;
    if sequence > end {
        return Err(StoreError::from(Damage::BeyondJournal {
            watermark: sequence,
            end,
        })
        .into());
    }
    let entry = source.entries(sequence, sequence).next().transpose()?;
    let expected = entry.map(|entry| Instant::from_micros(entry.committed_at_us));
    match expected {
        Some(expected) if expected != at => {
            let damage = Damage::OtherJournal {
                sequence,
                expected,
                found: at,
            };
            Err(StoreError::from(damage).into())
        }
        Some(_) => Ok(()),
        None => Err(StoreError::from(Damage::BeyondJournal {
            watermark: sequence,
            end,
        })
        .into()),
    }
}
