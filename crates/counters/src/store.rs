//! The counters in sled, and beside it what rests: opened, read, and changed round by round.
//!
//! sled may panic where it finds its files damaged, so every call into it is guarded: a panic
//! comes back as damage, and damage leads to a rebuild, never to a dead hub.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use ndxp_model::{Instant, Sequence, Zone};
use sled::IVec;

use crate::codec::{self, Form, Want};
use crate::damage::{Damage, StoreError, is_locked};
use crate::delta::Delta;
use crate::imported;
use crate::key::{BASELINES, FIRST_TRANSACTIONS, Key, LINES, LineId, OPEN, RowKey};
use crate::past::Past;
use crate::round::Round;
use crate::row::Row;
use crate::state::{State, Sums, Watermark};
use crate::value::{self, FirstTransaction, Head, ValueError};

/// sled's page cache: the counters of the current hour, day and month of some thousand
/// connections, at a few hundred bytes each, many times over.
const CACHE_BYTES: u64 = 64 << 20;
/// How often, and how long each time, to wait for the threads of a store that this process has
/// just closed to let go of its files: five seconds in all.
const LOCK_TRIES: u32 = 500;
const LOCK_WAIT: Duration = Duration::from_millis(10);

/// An open store, and in memory what is small of it.
#[derive(Debug)]
pub struct Store {
    pub(crate) db: sled::Db,
    /// In which buckets are cut.
    pub zone: Zone,
    pub state: State,
    pub past: Past,
    /// The last round: sled has it, or is about to.
    pub(crate) staged: HashMap<Vec<u8>, Option<IVec>>,
}

impl Store {
    /// Opens the store in the directory, or makes an empty one where there is none. What a killed
    /// process has left out of its last round is written first.
    ///
    /// # Errors
    /// When it is damaged or written for another zone or by another version, or sled cannot
    /// work.
    pub fn open(directory: &Path, zone: &Zone) -> Result<Self, StoreError> {
        let db = guarded(|| Ok(open(&directory.join("store"))?))?;
        let mut store = Self {
            db,
            zone: zone.clone(),
            state: State::default(),
            past: Past::new(directory.join("past"), zone.clone()),
            staged: HashMap::new(),
        };
        let round = directory.join("round");
        if guarded(|| Ok(store.db.is_empty()))? {
            // What lies beside it was another store's.
            remove(fs::remove_dir_all(directory.join("past")))?;
            remove(fs::remove_file(&round))?;
            let head = store.head(&Delta::default());
            guarded(|| Ok(store.db.insert(Key::Head.encode(), head)?))?;
            return Ok(store);
        }
        let head = store.load_head()?;
        if let Some(round) = Round::read(&round)? {
            store.write_again(round, Sequence::new(head.watermark))?;
        }
        store.load()?;
        Ok(store)
    }

    fn load_head(&self) -> Result<Head, StoreError> {
        let key = Key::Head.encode();
        let bytes = self.get(&key)?.ok_or(Damage::Headless)?;
        let head: Head = decoded(&key, value::decode(&bytes))?;
        if head.zone != self.zone.name() {
            let expected = self.zone.name().to_owned();
            return Err(Damage::Zone {
                expected,
                found: head.zone,
            }
            .into());
        }
        Ok(head)
    }

    /// Reads the small parts into memory and holds them against the head.
    fn load(&mut self) -> Result<(), StoreError> {
        let head = self.load_head()?;
        let mut state = State {
            watermark: Watermark {
                sequence: Sequence::new(head.watermark),
                at: Instant::from_micros(head.watermark_at_us),
            },
            counted: head.counted,
            launched: head.launched_us.map(Instant::from_micros),
            began: head.began_us.map(Instant::from_micros),
            ..State::default()
        };
        for prefix in [LINES, FIRST_TRANSACTIONS, OPEN, BASELINES] {
            self.scan_prefix(&prefix, |key, bytes| take_in(&mut state, key, bytes))?;
        }
        for (what, expected, found) in [
            ("lines", head.lines, state.lines.len()),
            (
                "first transactions",
                head.systems,
                state.first_transactions.len(),
            ),
            ("open transactions", head.open, state.open.len()),
            ("baselines", head.baselines, state.balances.imports().len()),
        ] {
            let found = u64::try_from(found).unwrap_or(u64::MAX);
            if expected != found {
                return Err(Damage::Amount {
                    what,
                    expected,
                    found,
                }
                .into());
            }
        }
        let total = self.row(RowKey::All(LineId::TOTAL), Form::All, Want::WHOLE)?;
        let mut sums = Sums::default();
        for (_, part) in total.iter().flat_map(|row| &row.endings) {
            sums.merge(&part.whole)?;
        }
        self.state = State { sums, ..state };
        Ok(())
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When sled cannot read.
    pub fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        match self.staged.get(key) {
            Some(value) => Ok(value.clone()),
            None => guarded(|| Ok(self.db.get(key)?)),
        }
    }

    /// A row of counters.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn row(&self, key: RowKey, form: Form, want: Want) -> Result<Option<Row>, StoreError> {
        let key = key.encode();
        let Some(bytes) = self.get(&key)? else {
            return Ok(None);
        };
        Ok(Some(decoded(&key, codec::decode(form, &bytes, want))?))
    }

    /// Every pair that sled holds, decoded keys, in order. Not while a round is being written.
    ///
    /// # Errors
    /// When a key is damaged, or the visitor refuses.
    pub fn scan(
        &self,
        visit: impl FnMut(Key, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.scan_prefix(&[], visit)
    }

    /// Hands everything to the operating system. Does not wait for the disk.
    ///
    /// # Errors
    /// When sled cannot write.
    pub fn flush(&self) -> Result<(), StoreError> {
        guarded(|| Ok(self.db.flush().map(drop)?))
    }

    /// Closes the store. sled flushes once more on the way, and may panic.
    ///
    /// # Errors
    /// When sled panicked: what was not flushed before may be lost.
    pub fn close(self) -> Result<(), StoreError> {
        guarded(|| {
            drop(self.db);
            Ok(())
        })
    }

    /// Writes past every rule.
    #[cfg(test)]
    pub fn overwrite(&mut self, key: &Key, value: Option<Vec<u8>>) {
        let key = key.encode();
        self.staged.remove(&key);
        match value {
            Some(value) => self.db.insert(key, value).map(drop),
            None => self.db.remove(key).map(drop),
        }
        .unwrap();
    }

    /// Makes the rows of every line unreadable, the total's excepted.
    #[cfg(test)]
    pub fn overwrite_lines(&mut self) {
        let ids: Vec<LineId> = self.state.lines().map(|(id, _)| id).collect();
        for id in ids {
            for key in [
                RowKey::All(id),
                RowKey::Last(crate::key::Size::Month, id),
                RowKey::Last(crate::key::Size::Day, id),
            ] {
                self.overwrite(&Key::Row(key), Some(vec![]));
            }
        }
    }

    fn scan_prefix(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(Key, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        guarded(|| {
            for pair in self.db.scan_prefix(prefix) {
                let (key, bytes) = pair?;
                let known = Key::decode(&key).ok_or_else(|| Damage::Key { key: hex(&key) })?;
                visit(known, &bytes)?;
            }
            Ok(())
        })
    }

    /// The head that tells of the state with the delta in it.
    pub(crate) fn head(&self, delta: &Delta) -> Vec<u8> {
        let amount = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let state = &self.state;
        let systems = state.first_transactions.len() + delta.first_transactions.len();
        let open = state.open.len() - delta.settled.len() + delta.opened.len();
        let baselines = state.balances.imports().len() + delta.baselines.len();
        value::encode(&Head {
            zone: self.zone.name().to_owned(),
            watermark: delta.watermark.sequence.get(),
            watermark_at_us: delta.watermark.at.as_micros(),
            counted: delta.counted,
            lines: amount(state.lines.len() + delta.lines.len()),
            systems: amount(systems),
            open: amount(open),
            baselines: amount(baselines),
            launched_us: delta.launched.map(Instant::as_micros),
            began_us: delta.began.map(Instant::as_micros),
        })
    }
}

fn open(path: &Path) -> Result<sled::Db, sled::Error> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None);
    let mut tries = 0;
    loop {
        match config.open() {
            Err(error) if is_locked(&error) && tries < LOCK_TRIES => {
                tries += 1;
                std::thread::park_timeout(LOCK_WAIT);
            }
            other => return other,
        }
    }
}

/// What was not there is removed.
fn remove(removed: io::Result<()>) -> Result<(), StoreError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::Machine(error)),
        _ => Ok(()),
    }
}

/// Takes one of the small parts into the state.
fn take_in(state: &mut State, key: Key, bytes: &[u8]) -> Result<(), StoreError> {
    match key {
        Key::Line(id) => {
            let expected = u64::try_from(state.lines.len()).unwrap_or(u64::MAX) + 1;
            if u64::from(id.0) != expected {
                return Err(Damage::LineOrder {
                    expected,
                    found: id.0,
                }
                .into());
            }
            let (line, since) = decoded(&key.encode(), value::decode_line(bytes))?;
            state.add(line, since);
        }
        Key::FirstTransaction(system) => {
            let first: FirstTransaction = decoded(system.as_bytes(), value::decode(bytes))?;
            state.first_transactions.insert(system, first);
        }
        Key::Open(sequence) => {
            let id = decoded(&key.encode(), value::decode_open(bytes))?;
            state.open.insert(sequence, id);
        }
        Key::Baseline(sequence) => {
            let imported = decoded(&key.encode(), imported::decode(sequence, bytes))?;
            state.balances.add(imported);
        }
        Key::Head | Key::Row(_) => {}
    }
    Ok(())
}

/// Calls into sled, where a panic is damage.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Err(Damage::Panicked { message }.into())
    })
}

pub fn decoded<T>(key: &[u8], result: Result<T, ValueError>) -> Result<T, Damage> {
    result.map_err(|source| Damage::Value {
        key: hex(key),
        source,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::LineId;
    use crate::sample;

    /// Harms the small parts of a sound store, and opens it again.
    #[track_caller]
    fn check_refused(harm: fn(&mut Store), expected: fn(&Damage) -> bool) {
        let directory = tempfile::tempdir().unwrap();
        let (path, zone) = (directory.path(), Zone::viet_nam());
        let mut open = Store::open(path, &zone).unwrap();
        let mut delta = Delta::behind(&open.state);
        for entry in sample::entries(20) {
            delta.fold(&open.state, &zone, &entry).unwrap();
        }
        open.take_in(delta).unwrap();
        harm(&mut open);
        open.close().unwrap();
        match Store::open(path, &zone) {
            Err(StoreError::Damage(damage)) => assert!(expected(&damage), "{damage}"),
            other => panic!("overlooked: {other:?}"),
        }
    }

    #[test]
    fn what_cannot_have_been_written_is_refused_at_the_door() {
        check_refused(
            |store| store.overwrite(&Key::Head, None),
            |damage| matches!(damage, Damage::Headless),
        );
        check_refused(
            |store| store.overwrite(&Key::Head, Some(vec![1])),
            |damage| matches!(damage, Damage::Value { .. }),
        );
        check_refused(
            |store| store.overwrite(&Key::Line(LineId(2)), None),
            |damage| {
                matches!(
                    damage,
                    Damage::LineOrder {
                        expected: 2,
                        found: 3
                    }
                )
            },
        );
        check_refused(
            |store| store.overwrite(&Key::Line(LineId(3)), None),
            |damage| {
                matches!(
                    damage,
                    Damage::Amount {
                        expected: 3,
                        found: 2,
                        ..
                    }
                )
            },
        );
        check_refused(
            |store| store.overwrite(&Key::Open(Sequence::new(1)), Some(vec![1])),
            |damage| matches!(damage, Damage::Value { .. }),
        );
        check_refused(
            |store| {
                let first = value::encode(&FirstTransaction {
                    sequence: 1,
                    at_us: 1,
                });
                store.overwrite(&Key::FirstTransaction("H63/lgsp".to_owned()), Some(first));
            },
            |damage| {
                matches!(
                    damage,
                    Damage::Amount {
                        what: "first transactions",
                        ..
                    }
                )
            },
        );
    }

    #[test]
    fn a_panic_inside_is_damage() {
        let panicked = guarded::<()>(|| panic!("assertion of sled's own"));
        let Err(StoreError::Damage(Damage::Panicked { message })) = panicked else {
            panic!("{panicked:?}");
        };
        assert_eq!(message, "assertion of sled's own");
    }
}
