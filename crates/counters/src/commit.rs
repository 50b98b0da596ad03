//! How the store changes: a delta becomes a round, the round is durable in its own file, answers are
//! given from it, and then sled takes it in, piece by piece.

use std::collections::VecDeque;

use ndxp_model::{Instant, Sequence};
use sled::IVec;

use crate::codec;
use crate::damage::{Damage, StoreError};
use crate::delta::Delta;
use crate::imported;
use crate::key::{Key, LineId, RowKey, Size};
use crate::merge::{days_kept_from, merge};
use crate::round::{Pair, Round};
use crate::store::{Store, decoded, guarded};
use crate::value;
use crate::view::View;

/// Rows of one piece: see the head of `round.rs`.
pub const PIECE_ROWS: usize = 1_500;

/// What sled has not been given yet of a round.
#[derive(Debug, Default)]
pub struct Pieces(VecDeque<Pair>);

impl Store {
    /// What the store will hold with the delta in it. Writes nothing.
    ///
    /// # Errors
    /// When a stored row is damaged or a sum does not fit.
    pub fn prepare(&self, delta: &Delta) -> Result<Round, StoreError> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut put = |key: Key, value: Vec<u8>| {
            pairs.push((key.encode(), Some(IVec::from(value))));
        };
        let known = u32::try_from(self.state.lines.len()).expect("the fold refused one more");
        let ids = (known + 1..).map(LineId);
        for (id, (line, since)) in ids.zip(delta.lines.iter().zip(&delta.since)) {
            put(Key::Line(id), value::encode_line(line, *since));
        }
        merge(&View::new(self, delta), &mut put)?;
        for (system, first) in &delta.first_transactions {
            put(Key::FirstTransaction(system.clone()), value::encode(first));
        }
        for imported in &delta.baselines {
            put(Key::Baseline(imported.sequence), imported::encode(imported));
        }
        for (sequence, id) in &delta.opened {
            put(Key::Open(*sequence), value::encode_open(*id));
        }
        let settled = delta.settled.iter();
        pairs.extend(settled.map(|sequence| (Key::Open(*sequence).encode(), None)));
        let head = IVec::from(self.head(delta));
        pairs.push((Key::Head.encode(), Some(head)));
        Ok(Round {
            base: self.state.watermark.sequence,
            through: delta.watermark.sequence,
            pairs,
        })
    }

    /// Answers from the round from now on, which must be durable. Give sled the pieces, all of them
    /// before the next round is durable.
    pub fn stage(&mut self, round: Round, delta: Delta) -> Pieces {
        self.state.apply(delta);
        self.staged = round.pairs.iter().cloned().collect();
        Pieces(round.pairs.into())
    }

    /// Gives sled one more piece of the round, of so many rows at most. Tells whether there was one.
    ///
    /// # Errors
    /// When sled cannot write: the store must not be used again then.
    pub fn write_piece(&self, pieces: &mut Pieces, rows_max: usize) -> Result<bool, StoreError> {
        let mut batch = sled::Batch::default();
        let rows = pieces.0.len().min(rows_max);
        for (key, value) in pieces.0.drain(..rows) {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        if rows > 0 {
            guarded(|| Ok(self.db.apply_batch(batch)?))?;
            // sled uses the room of what is gone only once it was flushed.
            self.flush()?;
        }
        Ok(rows > 0)
    }

    /// Takes a delta in at once, without a file of the round: a killed process leaves half of it.
    ///
    /// # Errors
    /// As [`Store::prepare`] and [`Store::write_piece`].
    pub fn take_in(&mut self, delta: Delta) -> Result<(), StoreError> {
        let round = self.prepare(&delta)?;
        let mut pieces = self.stage(round, delta);
        while self.write_piece(&mut pieces, PIECE_ROWS)? {}
        Ok(())
    }

    /// Writes what a killed process may have left out of its last round.
    ///
    /// # Errors
    /// When the store has reached neither end of the round, or sled cannot write.
    pub fn write_again(&self, round: Round, reached: Sequence) -> Result<(), StoreError> {
        let Round { base, through, .. } = round;
        if reached >= through {
            return Ok(());
        }
        if reached != base {
            return Err(Damage::Round {
                base,
                through,
                watermark: reached,
            }
            .into());
        }
        let mut pieces = Pieces(round.pairs.into());
        while self.write_piece(&mut pieces, PIECE_ROWS)? {}
        Ok(())
    }

    /// Lays to rest the months and days of lines that are over once the next entry is of the given
    /// time. Everything up to there must be in the store.
    ///
    /// # Errors
    /// When a row is damaged, or the files cannot be written.
    pub fn lay_to_rest(&self, next: Instant) -> Result<(), StoreError> {
        for size in [Size::Day, Size::Month] {
            let at = self.state.watermark.at;
            let bucket = self.zone.bucket(size.granularity(), at);
            if next < bucket.to {
                continue;
            }
            let mut rows = Vec::new();
            for (id, _) in self.state.lines() {
                let key = RowKey::Last(size, id).encode();
                let Some(bytes) = self.get(&key)? else {
                    continue;
                };
                if decoded(&key, codec::start(&bytes))? == bucket.from {
                    rows.push((id, decoded(&key, codec::settled(&bytes))?));
                }
            }
            let written = self.past.write(size, bucket.from, &rows);
            written.map_err(StoreError::Machine)?;
        }
        Ok(())
    }

    /// From when on the days of lines are kept, as of what is stored.
    pub fn days_kept_from(&self) -> Instant {
        days_kept_from(&self.zone, self.state.watermark.at)
    }

    /// Removes the days of lines that are no longer kept. Nobody may be asking meanwhile who began
    /// before the last round.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn prune(&self) -> Result<(), StoreError> {
        self.past.remove_days_before(self.days_kept_from())
    }
}
