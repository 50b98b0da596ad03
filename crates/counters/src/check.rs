//! The check of a store that was not left in order: every counter is stored four times over
//! (hours, days, months, all time) and once more in the totals, so a lost or stale page shows.
//!
//! Counters are compared by a digest that adds up as they do: the digest of a sum is the sum of
//! the digests. So the check holds one digest per total and four per line and ending,
//! not the counters themselves.

use std::collections::HashMap;

use ndxp_model::{Granularity, Instant, Sequence};

use crate::counter::{Counter, earlier};
use crate::damage::{Damage, StoreError};
use crate::key::{CounterKey, Key, LineId};
use crate::line::Ending;
use crate::state::State;
use crate::store::{Store, decoded};
use crate::value;

/// What of a counter can be added up without room for its histogram. Sums wrap: only equality
/// matters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Digest {
    count: u64,
    sums: [u64; 4],
    durations: u64,
    measures: u64,
    duration_max: u64,
    first: Sequence,
    last: Sequence,
}

#[derive(Debug, Default)]
struct Sums {
    /// By size of bucket, bucket and ending: what the total says, and what the lines do.
    totals: HashMap<(Granularity, Instant, Ending), [Digest; 2]>,
    /// By line and ending: the sums over all time, months, days and hours.
    sizes: HashMap<(LineId, Ending), [Digest; 4]>,
}

/// # Errors
/// When anything is damaged or does not add up.
pub fn check(store: &Store) -> Result<(), StoreError> {
    within_watermark(&store.state)?;
    let watermark = store.state.watermark.sequence;
    let mut sums = Sums::default();
    store.scan(|key, bytes| {
        let Key::Counter(counter_key) = &key else {
            return Ok(());
        };
        let counter = decoded(&key.encode(), value::decode_counter(bytes))?;
        let (id, sequence) = (counter_key.line, counter.last_sequence);
        if id != LineId::TOTAL && store.state.line(id).is_none() {
            return Err(Damage::Nameless { id: id.0 }.into());
        }
        if sequence > watermark {
            let key = format!("{key:?}");
            return Err(Damage::BeyondWatermark { key, sequence }.into());
        }
        sums.add(counter_key, &counter);
        Ok(())
    })?;
    Ok(sums.compare(store.state.counted)?)
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
    match open
        .chain(firsts)
        .find(|(_, sequence)| *sequence > state.watermark.sequence)
    {
        None => Ok(()),
        Some((key, sequence)) => {
            let key = format!("{key:?}");
            Err(Damage::BeyondWatermark { key, sequence })
        }
    }
}

impl Sums {
    fn add(&mut self, key: &CounterKey, counter: &Counter) {
        let digest = Digest::of(counter);
        let total = (key.granularity, key.bucket, key.ending);
        let [told, summed] = self.totals.entry(total).or_default();
        let side = if key.line == LineId::TOTAL {
            told
        } else {
            summed
        };
        side.add(&digest);
        let [all, month, day, hour] = self.sizes.entry((key.line, key.ending)).or_default();
        let size = match key.granularity {
            Granularity::All => all,
            Granularity::Month => month,
            Granularity::Day => day,
            Granularity::Hour => hour,
        };
        size.add(&digest);
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
        for ((granularity, bucket, ending), [told, summed]) in &self.totals {
            if told != summed {
                let counter = format!("the total of {ending} in the {granularity} of {bucket}");
                return Err(Damage::Sum { counter });
            }
        }
        for ((line, ending), sizes) in &self.sizes {
            let [all, rest @ ..] = sizes;
            if rest.iter().any(|size| size != all) {
                let counter = format!("the counter of {ending} of line {}", line.0);
                return Err(Damage::Sum { counter });
            }
        }
        Ok(())
    }
}

impl Digest {
    fn of(counter: &Counter) -> Self {
        let weigh = |sum: u64, weight: u64, count: u64| {
            sum.wrapping_add(mixed(weight.wrapping_add(1)).wrapping_mul(count))
        };
        let durations = counter.durations.buckets();
        let measures = counter.measures.iter();
        Self {
            count: counter.count,
            sums: [
                counter.request_bytes,
                counter.response_bytes,
                counter.request_messages,
                counter.response_messages,
            ],
            durations: durations.fold(0, |sum, (bucket, count)| weigh(sum, bucket.into(), count)),
            measures: measures.fold(0, |sum, (name, value)| weigh(sum, named(name), *value)),
            duration_max: counter.durations.max(),
            first: counter.first_sequence,
            last: counter.last_sequence,
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
mod tests {
    use ndxp_model::TransactionId;

    use super::*;
    use crate::sample::{self, Place};

    /// What is done to a sound store.
    type Tamper = fn(&mut Store);

    /// A counter of the sample, changed. `None` removes it.
    fn change(store: &Store, size: Granularity, id: u32, change: fn(Counter) -> Option<Counter>) {
        let mut found = None;
        store
            .counters(CounterKey::all(), |key, counter| {
                if key.granularity == size && key.line == LineId(id) {
                    found = Some((key, counter));
                }
                Ok(())
            })
            .unwrap();
        let (key, counter) = found.unwrap();
        let value = change(counter).map(|counter| value::encode_counter(&counter));
        store.overwrite(&Key::Counter(key), value);
    }

    #[track_caller]
    fn check_found(tamper: Tamper, expected: fn(&Damage) -> bool) {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(400));
        projection.catch_up().unwrap();
        let mut guard = projection.writer.shared.write();
        let store = guard.as_mut().unwrap();
        check(store).unwrap();
        tamper(store);
        match check(store) {
            Err(StoreError::Damage(damage)) => assert!(expected(&damage), "{damage}"),
            other => panic!("overlooked: {other:?}"),
        }
    }

    #[test]
    fn whatever_does_not_add_up_is_found() {
        let sum: fn(&Damage) -> bool = |damage| matches!(damage, Damage::Sum { .. });
        let rows: [Tamper; 8] = [
            |store| change(store, Granularity::Hour, 2, |_| None),
            |store| change(store, Granularity::Day, 0, |_| None),
            |store| {
                change(store, Granularity::Month, 1, |counter| {
                    Some(Counter {
                        count: counter.count + 1,
                        ..counter
                    })
                });
            },
            |store| {
                change(store, Granularity::Day, 1, |counter| {
                    Some(Counter {
                        response_bytes: counter.response_bytes - 1,
                        ..counter
                    })
                });
            },
            |store| {
                change(store, Granularity::Hour, 0, |mut counter| {
                    counter.measures.insert("records".to_owned(), 1);
                    Some(counter)
                });
            },
            |store| {
                change(store, Granularity::Hour, 3, |mut counter| {
                    counter.first_sequence = Sequence::new(1);
                    Some(counter)
                });
            },
            |store| {
                change(store, Granularity::All, 3, |mut counter| {
                    counter.durations.record(0).unwrap();
                    Some(counter)
                });
            },
            |store| {
                // The same harm to a connection and to the total: the hours tell.
                for id in [0, 3] {
                    change(store, Granularity::Month, id, |_| None);
                }
            },
        ];
        for tamper in rows {
            check_found(tamper, sum);
        }
    }

    #[test]
    fn what_the_head_does_not_know_is_found() {
        check_found(
            |store| store.state.counted += 1,
            |damage| {
                matches!(
                    damage,
                    Damage::Amount {
                        expected: 401,
                        found: 400,
                        ..
                    }
                )
            },
        );
        check_found(
            |store| store.state.watermark.sequence = Sequence::new(399),
            |damage| matches!(damage, Damage::BeyondWatermark { .. }),
        );
        check_found(
            |store| {
                let id = TransactionId::new(Instant::EPOCH, 0);
                store.state.open.insert(Sequence::new(401), id);
            },
            |damage| matches!(damage, Damage::BeyondWatermark { .. }),
        );
        check_found(
            |store| drop(store.state.lines.pop()),
            |damage| matches!(damage, Damage::Nameless { id: 3 }),
        );
    }
}
