//! The check of a store that was not left in order: what is counted now stands several times over in
//! sled (all time, the last month and the days in it, the last day and its hours, of every line and once
//! more in the total), and the total's earlier months and days add up to its all time, so a lost or stale
//! page shows. What is laid to rest is not read: it was durable before the store told of it, and each
//! row is held against its check sum when somebody reads it.
//!
//! Counters are compared by a digest that adds up as they do: the digest of a sum is the sum of
//! the digests. So the check holds some digests for each bucket of the total, not the counters.

use std::collections::{HashMap, HashSet};
use std::fmt;

use ndxp_model::{Instant, Sequence, Zone};

use crate::codec::{self, Form, Want};
use crate::counter::{Counter, earlier};
use crate::damage::{Damage, StoreError};
use crate::key::{Key, LineId, RowKey, Size};
use crate::line::Ending;
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
    is_over: bool,
}

#[derive(Debug)]
struct Sums<'a> {
    zone: &'a Zone,
    /// What the total says, and what the lines do: of all time, and of what is not over.
    totals: HashMap<(Place, Instant, Ending), [Digest; 2]>,
    /// Of the total in each place, over all buckets, without durations where those are not kept.
    own: HashMap<(Place, Ending), Digest>,
    cuts: HashMap<(Size, Instant), Cut>,
}

/// # Errors
/// When anything is damaged or does not add up.
pub fn check(store: &Store) -> Result<(), StoreError> {
    within_watermark(&store.state)?;
    let mut sums = Sums {
        zone: &store.zone,
        totals: HashMap::new(),
        own: HashMap::new(),
        cuts: HashMap::new(),
    };
    let rest: HashSet<(Size, Instant)> = store.past.buckets()?.into_iter().collect();
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
            is_over: size.is_some_and(|size| store.is_over(size, from)),
        };
        let row = decoded(&key, codec::decode(form, bytes, Want::EVERYTHING))?;
        known(&store.state, &stand, &row)?;
        if let Some(size) = size
            && store.rests(&stand)
            && !rest.contains(&(size, from))
        {
            let file = store.past.name(size, from);
            return Err(Damage::PastGone { file }.into());
        }
        Ok(sums.add(&stand, &row)?)
    })?;
    Ok(sums.compare(store.state.counted)?)
}

impl Store {
    /// Whether the bucket was over when the store was written.
    fn is_over(&self, size: Size, from: Instant) -> bool {
        self.zone.bucket(size.granularity(), from).to <= self.state.watermark.at
    }

    /// Whether what the total says of the bucket lies at rest by lines.
    fn rests(&self, stand: &Stand) -> bool {
        let kept = stand.size == Some(Size::Month) || stand.from >= self.days_kept_from();
        stand.line == LineId::TOTAL && stand.is_over && kept
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
        let Stand { size, from, .. } = *stand;
        let Some(size) = size else {
            for (ending, part) in &row.endings {
                let digest = Digest::of(&part.whole);
                self.count(stand, Place::All, from, *ending, &digest);
            }
            return Ok(());
        };
        let zone = self.zone;
        let cut = self.cuts.entry((size, from));
        let cut = cut.or_insert_with(|| Cut::of(zone, size, from)).clone();
        let (whole_place, cell_place) = match size {
            Size::Month => (Place::Month, Place::DayOfMonth),
            Size::Day => (Place::Day, Place::HourOfDay),
        };
        for (ending, part) in &row.endings {
            let whole = Digest::of(&part.whole);
            let mut sum = Digest::default();
            for (place, cell) in &part.cells {
                let digest = Digest::of(cell);
                sum.add(&digest);
                let bucket = cut.cells.get(usize::from(*place)).copied();
                let bucket = bucket.filter(|_| cut.from == from);
                let bucket = bucket.ok_or_else(|| stand.disagreement(*ending))?;
                self.count(stand, cell_place, bucket, *ending, &digest);
            }
            if sum != whole.without_durations() {
                return Err(stand.disagreement(*ending));
            }
            self.count(stand, whole_place, from, *ending, &whole);
        }
        Ok(())
    }

    fn count(
        &mut self,
        stand: &Stand,
        place: Place,
        bucket: Instant,
        ending: Ending,
        digest: &Digest,
    ) {
        let total = stand.line == LineId::TOTAL;
        if total {
            self.own.entry((place, ending)).or_default().add(digest);
        }
        // Of what is over, a line may have a row that stands at rest as well.
        if !stand.is_over {
            let [told, summed] = self.totals.entry((place, bucket, ending)).or_default();
            // Only the total keeps sequences.
            let digest = Digest {
                first: Sequence::NONE,
                last: Sequence::NONE,
                ..*digest
            };
            if total { told } else { summed }.add(&digest);
        }
    }

    fn compare(&self, counted: u64) -> Result<(), Damage> {
        let all = self
            .own
            .iter()
            .filter(|((place, _), _)| *place == Place::All);
        let found = all.map(|(_, all)| all.count).fold(0, u64::wrapping_add);
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
        for ((place, ending), sum) in &self.own {
            let all = self.own.get(&(Place::All, *ending)).copied();
            let all = all.unwrap_or_default();
            let same = match place {
                Place::All | Place::Month | Place::Day => *sum == all,
                Place::DayOfMonth | Place::HourOfDay => *sum == all.without_durations(),
            };
            if !same {
                let counter = format!("the total of {ending} in all of {place:?}");
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
        let Self {
            size, from, line, ..
        } = self;
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
