//! From a directory to a store that can be trusted: opened, checked against itself and against
//! the journal, or set aside and begun anew.

use ndxp_model::{Instant, Sequence, Zone};

use crate::check::check;
use crate::error::CountersError;
use crate::home::Home;
use crate::source::Source;
use crate::state::{State, Watermark};
use crate::store::{Damage, Store, StoreError};

/// # Errors
/// When the directory or the journal cannot be read, or sled cannot work at all.
pub fn open(home: &Home, zone: &Zone, source: &dyn Source) -> Result<Store, CountersError> {
    let sealed = home.break_seal()?;
    match open_checked(home, zone, source, sealed) {
        Err(CountersError::Store(StoreError::Damage(damage))) => {
            set_aside(home, &damage)?;
            open_checked(home, zone, source, true)
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
    sealed: bool,
) -> Result<Store, CountersError> {
    let store = Store::open(&home.store(), zone)?;
    let checked = match sealed || store.state.watermark.sequence == Sequence::NONE {
        true => Ok(()),
        false => {
            tracing::info!("the counters were not stopped cleanly; checking every one");
            check(&store).map_err(CountersError::from)
        }
    };
    match checked.and_then(|()| belongs(&store.state, source)) {
        Ok(()) => Ok(store),
        Err(error) => {
            // The reason to give it up is known; what it says on the way adds nothing.
            let _ = store.close();
            Err(error)
        }
    }
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
