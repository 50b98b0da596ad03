//! The check of a store that was not left in order: every counter is stored four times over
//! (hours, days, months, all time) and once more in the totals, so a lost or stale page shows.
//!
//! Counters are compared by a digest that adds up as they do: the digest of a sum is the sum of
//! the digests. So the check holds one digest per total and four per connection and outcome,
//! not the counters themselves.

use std::collections::HashMap;

use ndxp_model::{Granularity, Instant, Outcome, Sequence};

use crate::counter::{Counter, earlier};
use crate::key::{ConnectionId, CounterKey, Key};
use crate::store::{Damage, Store, StoreError, decoded};
use crate::value;

/// What of a counter can be added up without room for its histogram. Sums wrap: only equality
/// matters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Digest {
    sums: [u64; 5],
    durations: u64,
    measures: u64,
    duration_max: u64,
    first: Sequence,
    last: Sequence,
}

#[derive(Debug, Default)]
struct Sums {
    /// By size of bucket, bucket and outcome: what the total says, and what the connections do.
    totals: HashMap<(Granularity, Instant, Outcome), [Digest; 2]>,
    /// By connection and outcome: the sums over all time, months, days and hours.
    sizes: HashMap<(ConnectionId, Outcome), [Digest; 4]>,
}

/// # Errors
/// When anything is damaged or does not add up.
pub fn check(store: &Store) -> Result<(), StoreError> {
    let mut sums = Sums::default();
    let mut counted = 0_u64;
    let watermark = store.state.watermark.sequence;
    let within = |key: &Key, sequence: Sequence| {
        if sequence > watermark {
            let key = format!("{key:?}");
            return Err(Damage::BeyondWatermark { key, sequence });
        }
        Ok(())
    };
    for (sequence, _) in &store.state.open {
        within(&Key::Open(*sequence), *sequence)?;
    }
    for (system, first) in &store.state.first_transactions {
        within(
            &Key::FirstTransaction(system.clone()),
            Sequence::new(first.sequence),
        )?;
    }
    store.scan(|key, bytes| {
        if let Key::Counter(counter_key) = &key {
            let counter = decoded(&key.encode(), value::decode_counter(bytes))?;
            within(&key, counter.last_sequence)?;
            let id = counter_key.connection;
            if id != ConnectionId::TOTAL && store.state.connection(id).is_none() {
                return Err(Damage::Nameless { id: id.0 }.into());
            }
            if counter_key.granularity == Granularity::All
                && counter_key.connection == ConnectionId::TOTAL
            {
                counted = counted.wrapping_add(counter.count);
            }
            sums.add(counter_key, &counter);
        }
        Ok(())
    })?;
    let (expected, found) = (store.state.counted, counted);
    if expected != found {
        return Err(Damage::Amount {
            what: "counted transactions",
            expected,
            found,
        }
        .into());
    }
    Ok(sums.compare()?)
}

impl Sums {
    fn add(&mut self, key: &CounterKey, counter: &Counter) {
        let digest = Digest::of(counter);
        let total = (key.granularity, key.bucket, key.outcome);
        let [told, summed] = self.totals.entry(total).or_default();
        let side = if key.connection == ConnectionId::TOTAL {
            told
        } else {
            summed
        };
        side.add(&digest);
        let [all, month, day, hour] = self.sizes.entry((key.connection, key.outcome)).or_default();
        let size = match key.granularity {
            Granularity::All => all,
            Granularity::Month => month,
            Granularity::Day => day,
            Granularity::Hour => hour,
        };
        size.add(&digest);
    }

    fn compare(&self) -> Result<(), Damage> {
        for ((granularity, bucket, outcome), [told, summed]) in &self.totals {
            if told != summed {
                let counter = format!("the total of {outcome} in the {granularity} of {bucket}");
                return Err(Damage::Sum { counter });
            }
        }
        for ((connection, outcome), sizes) in &self.sizes {
            let [all, rest @ ..] = sizes;
            if rest.iter().any(|size| size != all) {
                let counter = format!("the counter of {outcome} of connection {}", connection.0);
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
            sums: [
                counter.count,
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
