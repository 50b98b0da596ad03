//! The check of a store that was not left in order: every counter is stored several times over
//! (all time, months, the days in them, and days and their hours as long as those are kept) and
//! once more in the total, so a lost or stale page shows.
//!
//! Counters are compared by a digest that adds up as they do: the digest of a sum is the sum of
//! the digests. So the check holds one digest for each bucket of the total and four for each line
//! and ending, not the counters themselves.

use std::collections::HashMap;
use std::fmt;

use ndxp_model::{Instant, Sequence, Zone};

use crate::codec::{self, Form, Want};
use crate::counter::{Counter, earlier};
use crate::damage::{Damage, StoreError};
use crate::key::{Key, LineId, RowKey, Size};
use crate::line::Ending;
use crate::merge::days_kept_from;
use crate::row::{Cut, Row};
use crate::state::State;
use crate::store::{Store, decoded};

/// What of a counter can be added up without room for its histogram. Sums wrap: only equality
/// matters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Digest {
    count: u64,
    sums: [u64; 4],
    durations: u64,
    measures: u128,
    duration_max: u64,
    first: Sequence,
    last: Sequence,
}

/// In which rows a counter stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Place {
    All,
    Month,
    DayOfMonth,
    Day,
    HourOfDay,
}

/// Whose row it is, and of when.
#[derive(Clone, Copy, Debug)]
struct Stand {
    /// `None` over all time.
    size: Option<Size>,
    from: Instant,
    line: LineId,
}

#[derive(Debug)]
struct Sums<'a> {
    zone: &'a Zone,
    /// From when on lines have days.
    kept_from: Instant,
    /// What the total says, and what the lines do.
    totals: HashMap<(Place, Instant, Ending), [Digest; 2]>,
    /// By line and ending: all time, and the sum of the months; the days that are kept as their
    /// months tell them, and as they stand themselves.
    sizes: HashMap<(LineId, Ending), [Digest; 4]>,
    cuts: HashMap<(Size, Instant), Cut>,
}

/// # Errors
/// When anything is damaged or does not add up.
pub fn check(store: &Store) -> Result<(), StoreError> {
    within_watermark(&store.state)?;
    let mut sums = Sums {
        zone: &store.zone,
        kept_from: days_kept_from(&store.zone, store.state.watermark.at),
        totals: HashMap::new(),
        sizes: HashMap::new(),
        cuts: HashMap::new(),
    };
    store.scan(|key, bytes| {
        let Key::Row(row_key) = key else {
            return Ok(());
        };
        let key = row_key.encode();
        let (form, size, from) = match row_key {
            RowKey::All(_) => (Form::All, None, Instant::EPOCH),
            RowKey::Last(size, _) => (Form::Last, Some(size), decoded(&key, codec::start(bytes))?),
            RowKey::Total(size, from) => (Form::Past, Some(size), from),
        };
        let stand = Stand {
            size,
            from,
            line: row_key.line(),
        };
        // What is over stands in a file as well.
        if stand.line != LineId::TOTAL && size.is_some_and(|size| store.is_over(size, from)) {
            return Ok(());
        }
        let row = decoded(&key, codec::decode(form, bytes, Want::EVERYTHING))?;
        known(&store.state, &stand, &row)?;
        Ok(sums.add(&stand, &row)?)
    })?;
    for (size, from) in store.past.buckets()? {
        if !store.is_over(size, from) {
            continue;
        }
        store.past.rows(size, from, |line, bytes| {
            let size = Some(size);
            let stand = Stand { size, from, line };
            let row = codec::decode(Form::Past, bytes, Want::EVERYTHING);
            let key = stand.to_string();
            let row = row.map_err(|source| Damage::Value { key, source })?;
            known(&store.state, &stand, &row)?;
            Ok(sums.add(&stand, &row)?)
        })?;
    }
    Ok(sums.compare(store.state.counted)?)
}

impl Store {
    /// Whether the bucket was over when the store was written.
    fn is_over(&self, size: Size, from: Instant) -> bool {
        self.zone.bucket(size.granularity(), from).to <= self.state.watermark.at
    }
}

/// Whether the head knows the line, and all that the row includes.
fn known(state: &State, stand: &Stand, row: &Row) -> Result<(), Damage> {
    let id = stand.line;
    if id != LineId::TOTAL && state.line(id).is_none() {
        return Err(Damage::Nameless { id: id.0 });
    }
    let last = row.endings.iter().map(|(_, part)| part.whole.last_sequence);
    match last.max() {
        Some(sequence) if sequence > state.watermark.sequence => {
            let key = stand.to_string();
            Err(Damage::BeyondWatermark { key, sequence })
        }
        _ => Ok(()),
    }
}

/// The small parts, which opening has decoded.
fn within_watermark(state: &State) -> Result<(), Damage> {
    let open = state
        .open
        .keys()
        .map(|sequence| (Key::Open(*sequence), *sequence));
    let firsts = state.first_transactions.iter().map(|(system, first)| {
        (
            Key::FirstTransaction(system.clone()),
            Sequence::new(first.sequence),
        )
    });
    let imports = state.balances.imports().iter();
    let baselines = imports.map(|it| (Key::Baseline(it.sequence), it.sequence));
    match open
        .chain(firsts)
        .chain(baselines)
        .find(|(_, sequence)| *sequence > state.watermark.sequence)
    {
        None => Ok(()),
        Some((key, sequence)) => {
            let key = format!("{key:?}");
            Err(Damage::BeyondWatermark { key, sequence })
        }
    }
}

impl Sums<'_> {
    fn add(&mut self, stand: &Stand, row: &Row) -> Result<(), Damage> {
        let Stand { size, from, line } = *stand;
        let Some(size) = size else {
            for (ending, part) in &row.endings {
                let digest = Digest::of(&part.whole);
                self.add_total(Place::All, line, from, *ending, &digest);
                self.add_size(0, line, *ending, &digest);
            }
            return Ok(());
        };
        // What nobody is told of may stand for a while.
        if size == Size::Day && line != LineId::TOTAL && from < self.kept_from {
            return Ok(());
        }
        let zone = self.zone;
        let cut = self.cuts.entry((size, from));
        let cut = cut.or_insert_with(|| Cut::of(zone, size, from)).clone();
        for (ending, part) in &row.endings {
            let whole = Digest::of(&part.whole);
            let mut sum = Digest::default();
            for (place, cell) in &part.cells {
                let digest = Digest::of(cell);
                sum.add(&digest);
                let bucket = cut.cells.get(usize::from(*place)).copied();
                let bucket = bucket.filter(|_| cut.from == from);
                let bucket = bucket.ok_or_else(|| stand.disagreement(*ending))?;
                self.add_cell(size, line, bucket, *ending, &digest);
            }
            if sum != whole.without_durations() {
                return Err(stand.disagreement(*ending));
            }
            self.add_whole(size, line, from, *ending, &whole);
        }
        Ok(())
    }

    fn add_whole(
        &mut self,
        size: Size,
        line: LineId,
        from: Instant,
        ending: Ending,
        whole: &Digest,
    ) {
        match size {
            Size::Month => {
                self.add_total(Place::Month, line, from, ending, whole);
                self.add_size(1, line, ending, whole);
            }
            Size::Day => {
                if from >= self.kept_from {
                    self.add_total(Place::Day, line, from, ending, whole);
                    self.add_size(3, line, ending, &whole.without_durations());
                }
            }
        }
    }

    fn add_cell(&mut self, size: Size, line: LineId, from: Instant, ending: Ending, cell: &Digest) {
        match size {
            Size::Month => {
                self.add_total(Place::DayOfMonth, line, from, ending, cell);
                if from >= self.kept_from {
                    self.add_size(2, line, ending, cell);
                }
            }
            Size::Day if from >= self.kept_from => {
                self.add_total(Place::HourOfDay, line, from, ending, cell);
            }
            Size::Day => {}
        }
    }

    /// Only the total keeps sequences.
    fn add_total(
        &mut self,
        place: Place,
        line: LineId,
        from: Instant,
        ending: Ending,
        digest: &Digest,
    ) {
        let [told, summed] = self.totals.entry((place, from, ending)).or_default();
        let side = if line == LineId::TOTAL { told } else { summed };
        side.add(&Digest {
            first: Sequence::NONE,
            last: Sequence::NONE,
            ..*digest
        });
    }

    fn add_size(&mut self, place: usize, line: LineId, ending: Ending, digest: &Digest) {
        let sizes = self.sizes.entry((line, ending)).or_default();
        if let Some(size) = sizes.get_mut(place) {
            size.add(digest);
        }
    }

    fn compare(&self, counted: u64) -> Result<(), Damage> {
        let totals = self
            .sizes
            .iter()
            .filter(|((id, _), _)| *id == LineId::TOTAL);
        let counts = totals.map(|(_, [all, ..])| all.count);
        let found = counts.fold(0, u64::wrapping_add);
        if found != counted {
            let (what, expected) = ("counted transactions", counted);
            return Err(Damage::Amount {
                what,
                expected,
                found,
            });
        }
        for ((place, bucket, ending), [told, summed]) in &self.totals {
            if told != summed {
                let counter = format!("the total of {ending} in the {place:?} of {bucket}");
                return Err(Damage::Sum { counter });
            }
        }
        for ((line, ending), [all, months, days_of_months, days]) in &self.sizes {
            if all != months || days_of_months != days {
                let counter = format!("the counter of {ending} of line {}", line.0);
                return Err(Damage::Sum { counter });
            }
        }
        Ok(())
    }
}

impl Stand {
    fn disagreement(&self, ending: Ending) -> Damage {
        let counter = format!("the counter of {ending} in {self}");
        Damage::Sum { counter }
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, from, line } = self;
        match size {
            None => write!(f, "all time of line {}", line.0),
            Some(size) => write!(f, "the {size:?} of {from} of line {}", line.0),
        }
    }
}

impl Digest {
    fn of(counter: &Counter) -> Self {
        let weigh = |sum: u64, weight: u64, count: u64| {
            sum.wrapping_add(mixed(weight.wrapping_add(1)).wrapping_mul(count))
        };
        let durations = counter.durations.as_ref();
        let buckets = durations.iter().flat_map(|durations| durations.buckets());
        let measures = counter.measures.iter();
        Self {
            count: counter.count,
            sums: [
                counter.request_bytes,
                counter.response_bytes,
                counter.request_messages,
                counter.response_messages,
            ],
            durations: buckets.fold(0, |sum, (bucket, count)| weigh(sum, bucket.into(), count)),
            measures: measures.fold(0, |sum, (name, value)| {
                sum.wrapping_add(u128::from(named(name)).wrapping_mul(*value))
            }),
            duration_max: durations.map_or(0, |durations| durations.max()),
            first: counter.first_sequence,
            last: counter.last_sequence,
        }
    }

    fn without_durations(&self) -> Self {
        Self {
            durations: 0,
            duration_max: 0,
            ..*self
        }
    }

    fn add(&mut self, other: &Self) {
        self.count = self.count.wrapping_add(other.count);
        for (sum, value) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.wrapping_add(value);
        }
        self.durations = self.durations.wrapping_add(other.durations);
        self.measures = self.measures.wrapping_add(other.measures);
        self.duration_max = self.duration_max.max(other.duration_max);
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
    }
}

/// The finalizer of SplitMix64: neighbours come out far apart.
const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn named(name: &str) -> u64 {
    name.bytes().fold(1, |hash, byte| {
        mixed(hash.wrapping_add(u64::from(byte) + 1))
    })
}

#[cfg(test)]
mod tests;
