//! What happened, as a flat list: for counting anew whatever a question asks, slowly and plainly.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ndxp_counters::{CountQuery, Counts, Dimension, Names as _, Side};
use ndxp_model::{Outcome, Party};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Connection, Entry};

use crate::directory::Directory;
use crate::story::Story;

/// One counted closing.
#[derive(Clone, Debug)]
pub struct Fact {
    pub sequence: u64,
    pub at_us: i64,
    pub connection: Connection,
    /// As it is counted.
    pub method: String,
    pub outcome: Outcome,
    pub fault: &'static str,
    pub bytes: [u64; 4],
    pub total_us: u64,
    pub measures: Vec<(String, u64)>,
}

/// What a row comes to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sum {
    pub outcomes: BTreeMap<&'static str, u64>,
    pub bytes: [u64; 4],
    pub measures: BTreeMap<String, u128>,
    pub transactions: u64,
    pub us_max: u64,
}

const METHODS: [&str; 4] = ["Find", "Check", "Find", "Unheard"];
const FAULTS: [&str; 4] = ["none", "consumer", "hub", "provider"];

/// A story in which calls name methods, and every ending is somebody's fault or nobody's.
pub fn told(seed: u64, count: usize) -> Vec<Entry> {
    let mut rng = Rng::with_seed(seed);
    let mut entries = Story::new(seed).tell(count);
    for entry in &mut entries {
        if let Some(Body::Closed(closed)) = &mut entry.body {
            closed.method = rng.choice(METHODS).unwrap().to_owned();
            closed.grpc_status = match closed.method.as_str() {
                "Unheard" => 12,
                _ => 0,
            };
            closed.fault = match closed.outcome {
                1 => 0,
                _ => rng.i32(0..4),
            };
            for measure in &mut closed.measures {
                measure.value <<= rng.u8(0..24);
            }
        }
    }
    entries
}

/// The closings that are no tests. A method has a name of its own from the first call on that a
/// provider knew.
pub fn facts(entries: &[Entry]) -> Vec<Fact> {
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    let mut facts = Vec::new();
    for entry in entries {
        let Body::Closed(closed) = entry.body.as_ref().unwrap() else {
            continue;
        };
        if closed.test {
            continue;
        }
        let connection = closed.connection.clone().unwrap_or_default();
        let outcome = Outcome::from_number(u8::try_from(closed.outcome).unwrap()).unwrap();
        let line = (format!("{connection:?}"), closed.method.clone());
        if outcome.is_transaction() && closed.grpc_status != 12 {
            named.insert(line.clone());
        }
        facts.push(Fact {
            sequence: entry.sequence,
            at_us: entry.committed_at_us,
            connection,
            method: if named.contains(&line) {
                line.1
            } else {
                String::new()
            },
            outcome,
            fault: FAULTS.get(usize::try_from(closed.fault).unwrap()).unwrap(),
            bytes: [
                closed.request_bytes,
                closed.response_bytes,
                closed.request_messages,
                closed.response_messages,
            ],
            total_us: closed.total_us,
            measures: closed
                .measures
                .iter()
                .map(|measure| (measure.name.clone(), measure.value))
                .collect(),
        });
    }
    facts
}

impl Fact {
    /// The key of its row and who took part, when the question is about it.
    pub fn row(&self, query: &CountQuery) -> Option<(String, [String; 2])> {
        let Connection {
            consumer,
            provider,
            service,
        } = &self.connection;
        let mine = |party: &Party| party.covers(consumer) || party.covers(provider);
        let after = |name: &str| match query.by_successor && !name.is_empty() {
            true => Directory.system_successor(name),
            false => name.to_owned(),
        };
        let (caller, answerer) = (after(consumer), after(provider));
        let kind = Directory
            .kind(&answerer)
            .or_else(|| Directory.kind(provider));
        let class = Directory
            .class(member(&caller))
            .or_else(|| Directory.class(member(consumer)));
        let filter = &query.filter;
        let side = |side: &Option<Side>, name: &str| match side {
            None => true,
            Some(Side::Unknown) => name.is_empty(),
            Some(Side::Party(Party::System(id))) => id.as_str() == name,
            Some(Side::Party(Party::Member(code))) => {
                name.split_once('/').is_some_and(|it| it.0 == code.as_str())
            }
        };
        let wanted = query.period.from.as_micros() <= self.at_us
            && self.at_us < query.period.to.as_micros()
            && query.party.as_ref().is_none_or(mine)
            && side(&filter.consumer, &caller)
            && side(&filter.provider, &answerer)
            && filter.service.as_ref().is_none_or(|it| it == service)
            && filter.method.as_ref().is_none_or(|it| *it == self.method)
            && filter.kind.is_none_or(|it| kind == Some(it))
            && filter.class.is_none_or(|it| class == Some(it))
            && filter.outcome.is_none_or(|it| it == self.outcome)
            && filter
                .fault
                .is_none_or(|it| it.map_or("none", |fault| fault.as_str()) == self.fault);
        if !wanted {
            return None;
        }
        let dash = |name: &str| if name.is_empty() { "-" } else { name }.to_owned();
        let at = local(self.at_us);
        let week = at.date().iso_week_date();
        let key = match query.by {
            None => String::new(),
            Some(Dimension::Connection) => {
                let names = [&caller, &answerer, service].map(|name| dash(name));
                format!("{}>{}/{}", names[0], names[1], names[2])
            }
            Some(Dimension::Consumer) => dash(&caller),
            Some(Dimension::Provider) => dash(&answerer),
            Some(Dimension::ConsumerMember) => dash(member(&caller)),
            Some(Dimension::ProviderMember) => dash(member(&answerer)),
            Some(Dimension::Service) => dash(service),
            Some(Dimension::Method) => format!("{}/{}", dash(service), dash(&self.method)),
            Some(Dimension::Kind) => kind.map_or("-".to_owned(), |kind| kind.to_string()),
            Some(Dimension::Class) => class.map_or("-".to_owned(), |class| class.to_string()),
            Some(Dimension::Outcome) => self.outcome.to_string(),
            Some(Dimension::Fault) => self.fault.to_owned(),
            Some(Dimension::Hour) => at.strftime("%Y-%m-%dT%H").to_string(),
            Some(Dimension::Day) => at.strftime("%Y-%m-%d").to_string(),
            Some(Dimension::Week) => format!("{}-W{:02}", week.year(), week.week()),
            Some(Dimension::Month) => at.strftime("%Y-%m").to_string(),
        };
        Some((key, [caller, answerer]))
    }
}

impl Sum {
    pub fn add(&mut self, fact: &Fact) {
        *self.outcomes.entry(fact.outcome.as_str()).or_default() += 1;
        for (sum, bytes) in self.bytes.iter_mut().zip(fact.bytes) {
            *sum += bytes;
        }
        if fact.outcome.is_transaction() {
            self.transactions += 1;
            self.us_max = self.us_max.max(fact.total_us);
            for (name, value) in &fact.measures {
                *self.measures.entry(name.clone()).or_default() += u128::from(*value);
            }
        }
    }

    /// The same of what the counters say. Durations that they do not know are taken on trust.
    pub fn of(counts: &Counts, known: &Self) -> Self {
        let outcomes = counts.outcomes().filter(|(_, count)| *count > 0);
        let sum = Self {
            outcomes: outcomes
                .map(|(outcome, count)| (outcome.as_str(), count))
                .collect(),
            bytes: [
                counts.request_bytes,
                counts.response_bytes,
                counts.request_messages,
                counts.response_messages,
            ],
            measures: counts.measures.clone(),
            transactions: counts.transactions(),
            us_max: match counts.durations_absent {
                None => counts.durations.max(),
                Some(_) => known.us_max,
            },
        };
        if counts.durations_absent.is_none() {
            assert_eq!(counts.durations.count(), counts.transactions());
        }
        assert_eq!(counts.attempts(), sum.outcomes.values().sum::<u64>());
        sum
    }
}

pub fn member(system: &str) -> &str {
    system.split_once('/').map_or(system, |(member, _)| member)
}

pub fn local(at_us: i64) -> DateTime {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    zone.to_datetime(Timestamp::from_microsecond(at_us).unwrap())
}
