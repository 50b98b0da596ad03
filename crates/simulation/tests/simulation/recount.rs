//! Counting once more, naively: every closing of the log, one by one, into every bucket that it
//! belongs to. Shares nothing with the counters but the calendar.

use std::collections::BTreeMap;

use ndxp_model::{Granularity, Instant, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Connection, Entry};
use ndxp_proto::statistics::v1::Counter;

const GRANULARITIES: [Granularity; 4] = [
    Granularity::All,
    Granularity::Month,
    Granularity::Day,
    Granularity::Hour,
];

/// Granularity and start of the bucket, the connection or all of them, and the outcome.
type Key = (&'static str, i64, Option<[String; 3]>, i32);
/// Calls, and bytes there and back.
type Sums = [u64; 3];

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Count(BTreeMap<Key, Sums>);

impl Count {
    pub fn of_log(log: &[Entry], zone: &Zone) -> Self {
        let mut count = Self::default();
        for entry in log {
            let Some(Body::Closed(closed)) = &entry.body else {
                continue;
            };
            if closed.test {
                continue;
            }
            let at = Instant::from_micros(entry.committed_at_us);
            let connection = closed.connection.clone().unwrap_or_default();
            let sums = [1, closed.request_bytes, closed.response_bytes];
            for granularity in GRANULARITIES {
                let bucket = match granularity {
                    Granularity::All => 0,
                    _ => zone.bucket(granularity, at).from.as_micros(),
                };
                for who in [None, Some(parties(&connection))] {
                    let key = (granularity.as_str(), bucket, who, closed.outcome);
                    count.add(key, sums);
                }
            }
        }
        count
    }

    /// Takes in one counter of a dump; methods and faults are added up.
    pub fn add_dumped(&mut self, counter: &Counter) {
        let named = |it: &Granularity| it.as_str() == counter.granularity;
        let granularity = GRANULARITIES.into_iter().find(named).unwrap();
        let who =
            (!counter.total).then(|| parties(&counter.connection.clone().unwrap_or_default()));
        let key = (
            granularity.as_str(),
            counter.bucket_us,
            who,
            counter.outcome,
        );
        let sums = [counter.count, counter.request_bytes, counter.response_bytes];
        self.add(key, sums);
    }

    /// Where the two differ first. Hours and days of single connections may be kept no more.
    pub fn difference(&self, counted: &Self) -> Option<String> {
        let optional = |key: &Key| key.2.is_some() && ["hour", "day"].contains(&key.0);
        let missing = self.0.iter().find(|(key, sums)| {
            let found = counted.0.get(*key);
            found != Some(*sums) && !(found.is_none() && optional(key))
        });
        let invented = counted.0.iter().find(|(key, _)| !self.0.contains_key(*key));
        missing
            .map(|(key, sums)| (key, Some(sums), counted.0.get(key)))
            .or(invented.map(|(key, sums)| (key, None, Some(sums))))
            .map(|(key, here, there)| format!("{key:?}: recounted {here:?}, counted {there:?}"))
    }

    /// All that ended, whatever the outcome.
    pub fn attempts(&self) -> u64 {
        let total = self
            .0
            .iter()
            .filter(|(key, _)| key.0 == "all" && key.2.is_none());
        total.map(|(_, sums)| sums[0]).sum()
    }

    /// What was counted in each hour that is over, by outcome.
    pub fn hours_before(&self, now: Instant, zone: &Zone) -> BTreeMap<(i64, i32), Sums> {
        let hours = self.0.iter().filter(|(key, _)| {
            let hour = zone.bucket(Granularity::Hour, Instant::from_micros(key.1));
            key.0 == "hour" && key.2.is_none() && hour.to <= now
        });
        hours.map(|(key, sums)| ((key.1, key.3), *sums)).collect()
    }

    fn add(&mut self, key: Key, sums: Sums) {
        let found = self.0.entry(key).or_default();
        for (sum, more) in found.iter_mut().zip(sums) {
            *sum += more;
        }
    }
}

fn parties(connection: &Connection) -> [String; 3] {
    let Connection {
        consumer,
        provider,
        service,
    } = connection.clone();
    [consumer, provider, service]
}
