//! The counters in sled: opened, read, and changed in one atomic batch at a time.
//!
//! sled may panic where it finds its files damaged, so every call into it is guarded: a panic
//! comes back as damage, and damage leads to a rebuild, never to a dead hub.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use ndxp_model::{Instant, Sequence, Zone};

use crate::codec::{self, Form, Want};
use crate::damage::{Damage, StoreError, is_locked};
use crate::delta::Delta;
use crate::imported;
use crate::key::{BASELINES, FIRST_TRANSACTIONS, Key, LINES, LineId, OPEN, RowKey};
use crate::merge;
use crate::row::Row;
use crate::state::{State, Watermark};
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
    db: sled::Db,
    /// In which buckets are cut.
    pub zone: Zone,
    pub state: State,
}

/// What a batch will write, and what it comes to.
#[derive(Debug)]
pub struct Prepared {
    batch: sled::Batch,
    delta: Delta,
}

impl Store {
    /// Opens the store, or makes an empty one where there is none.
    ///
    /// # Errors
    /// When it is damaged or written for another zone or by another version, or sled cannot
    /// work.
    pub fn open(path: &Path, zone: &Zone) -> Result<Self, StoreError> {
        let db = guarded(|| Ok(open(path)?))?;
        let store = Self {
            db,
            zone: zone.clone(),
            state: State::default(),
        };
        if guarded(|| Ok(store.db.is_empty()))? {
            let head = head(zone, &State::default());
            guarded(|| Ok(store.db.insert(Key::Head.encode(), head)?))?;
            return Ok(store);
        }
        store.load(zone)
    }

    /// Reads the small parts into memory and holds them against the head.
    fn load(mut self, zone: &Zone) -> Result<Self, StoreError> {
        let key = Key::Head.encode();
        let bytes = guarded(|| Ok(self.db.get(&key)?))?.ok_or(Damage::Headless)?;
        let head: Head = decoded(&key, value::decode(&bytes))?;
        if head.zone != zone.name() {
            let expected = zone.name().to_owned();
            return Err(Damage::Zone {
                expected,
                found: head.zone,
            }
            .into());
        }
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
        self.state = state;
        Ok(self)
    }

    /// Merges the delta with what is stored. Writes nothing.
    ///
    /// # Errors
    /// When a stored row is damaged or a sum does not fit.
    pub fn prepare(&self, delta: Delta) -> Result<Prepared, StoreError> {
        let mut batch = sled::Batch::default();
        merge::merge(self, &delta, &mut batch)?;
        merge::prune(self, delta.watermark.at, &mut batch)?;
        let known = u32::try_from(self.state.lines.len()).expect("the fold refused one more");
        let ids = (known + 1..).map(LineId);
        for (id, (line, since)) in ids.zip(delta.lines.iter().zip(&delta.since)) {
            batch.insert(Key::Line(id).encode(), value::encode_line(line, *since));
        }
        for (system, first) in &delta.first_transactions {
            batch.insert(
                Key::FirstTransaction(system.clone()).encode(),
                value::encode(first),
            );
        }
        for imported in &delta.baselines {
            let key = Key::Baseline(imported.sequence);
            batch.insert(key.encode(), imported::encode(imported));
        }
        for sequence in &delta.settled {
            batch.remove(Key::Open(*sequence).encode());
        }
        for (sequence, id) in &delta.opened {
            batch.insert(Key::Open(*sequence).encode(), value::encode_open(*id));
        }
        Ok(Prepared { batch, delta })
    }

    /// Writes one batch, the watermark in it. Whoever reads must wait: sled shows the parts of
    /// a batch one by one, and after an error the store must not be used again.
    ///
    /// # Errors
    /// When sled cannot write.
    pub fn commit(&mut self, prepared: Prepared) -> Result<(), StoreError> {
        let Prepared { mut batch, delta } = prepared;
        self.state.apply(delta);
        batch.insert(Key::Head.encode(), head(&self.zone, &self.state));
        guarded(|| Ok(self.db.apply_batch(batch)?))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When sled cannot read.
    pub fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        guarded(|| Ok(self.db.get(key)?))
    }

    /// A whole row of counters.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn row(&self, key: RowKey, form: Form) -> Result<Option<Row>, StoreError> {
        let key = key.encode();
        let Some(bytes) = self.get(&key)? else {
            return Ok(None);
        };
        let row = codec::decode(form, &bytes, Want::EVERYTHING);
        Ok(Some(decoded(&key, row)?))
    }

    /// The first keys of a range, at most so many.
    ///
    /// # Errors
    /// When sled cannot read.
    pub fn keys(
        &self,
        range: Range<Vec<u8>>,
        amount_max: usize,
    ) -> Result<Vec<sled::IVec>, StoreError> {
        guarded(|| {
            let keys = self.db.range(range).keys().take(amount_max);
            Ok(keys.collect::<Result<_, _>>()?)
        })
    }

    /// Every pair of the store, decoded keys, in order.
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

    /// Writes a batch without telling the state.
    #[cfg(test)]
    pub fn write(&self, batch: sled::Batch) {
        self.db.apply_batch(batch).unwrap();
    }

    /// Writes past every rule.
    #[cfg(test)]
    pub fn overwrite(&self, key: &Key, value: Option<Vec<u8>>) {
        let key = key.encode();
        match value {
            Some(value) => self.db.insert(key, value).map(drop),
            None => self.db.remove(key).map(drop),
        }
        .unwrap();
    }

    /// Makes the rows of every line unreadable, the total's excepted.
    #[cfg(test)]
    pub fn overwrite_lines(&self) {
        let mut rows = Vec::new();
        self.scan_prefix(&crate::key::ROWS, |key, _| {
            rows.push(key);
            Ok(())
        })
        .unwrap();
        for key in rows {
            if !matches!(&key, Key::Row(row) if row.line() == LineId::TOTAL) {
                self.overwrite(&key, Some(vec![]));
            }
        }
    }

    /// Every pair whose key begins so, in the order of the keys.
    ///
    /// # Errors
    /// When a key is damaged, or the visitor refuses.
    pub fn scan_prefix(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(Key, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.scan_pairs(prefix, |key, bytes| visit(key, &bytes))
    }

    /// The same, giving the value away.
    ///
    /// # Errors
    /// As [`Store::scan_prefix`].
    pub fn scan_pairs(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(Key, sled::IVec) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        guarded(|| {
            for pair in self.db.scan_prefix(prefix) {
                let (key, bytes) = pair?;
                let known = Key::decode(&key).ok_or_else(|| Damage::Key { key: hex(&key) })?;
                visit(known, bytes)?;
            }
            Ok(())
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

fn head(zone: &Zone, state: &State) -> Vec<u8> {
    let amount = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    value::encode(&Head {
        zone: zone.name().to_owned(),
        watermark: state.watermark.sequence.get(),
        watermark_at_us: state.watermark.at.as_micros(),
        counted: state.counted,
        lines: amount(state.lines.len()),
        systems: amount(state.first_transactions.len()),
        open: amount(state.open.len()),
        baselines: amount(state.balances.imports().len()),
        launched_us: state.launched.map(Instant::as_micros),
        began_us: state.began.map(Instant::as_micros),
    })
}

/// Calls into sled, where a panic is damage.
fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
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
    fn check_refused(harm: fn(&Store), expected: fn(&Damage) -> bool) {
        let directory = tempfile::tempdir().unwrap();
        let (path, zone) = (directory.path().join("store"), Zone::viet_nam());
        let mut open = Store::open(&path, &zone).unwrap();
        let mut delta = Delta::behind(&open.state);
        for entry in sample::entries(20) {
            delta.fold(&open.state, &zone, &entry).unwrap();
        }
        let prepared = open.prepare(delta).unwrap();
        open.commit(prepared).unwrap();
        harm(&open);
        open.close().unwrap();
        match Store::open(&path, &zone) {
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
