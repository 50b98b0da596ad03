//! The line that matters: what the participants counted, what the hub's counters say and what a
//! recount of the journal says, outcome by outcome and connection by connection.

use std::collections::{BTreeMap, BTreeSet};

use ndxp_model::Outcome;
use ndxp_proto::journal::v1::Connection;
use ndxp_proto::statistics::v1::{CountResponse, OutcomeCount};
use ndxp_sim::{Tally, Target};

use crate::verify::Verdict;

/// One thing counted by three.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Threefold {
    pub participants: u64,
    pub counters: u64,
    pub recount: u64,
}

#[derive(Debug)]
pub struct Comparison {
    /// Every outcome, in the order of the contract.
    pub outcomes: Vec<(Outcome, Threefold)>,
    /// Calls marked as tests: made, counted (which must be none) and journaled.
    pub tests: Threefold,
    /// Pairs of connection and outcome that were compared.
    pub pairs: usize,
    /// Those that differ, named.
    pub unequal_pairs: Vec<(String, Threefold)>,
    /// Measures whose sums differ: name, what the participants stated and what the counters hold.
    pub unequal_measures: Vec<(String, u128, u128)>,
    /// Whether the recount found every counter and the journal itself in order.
    pub clean: bool,
    /// Calls of which no participant knows how they ended.
    pub unknown: u64,
}

impl Threefold {
    pub fn is_equal(self) -> bool {
        self.participants == self.counters && self.counters == self.recount
    }
}

impl Comparison {
    /// `offered` names the registered services: the hub keeps no counter for others.
    pub fn of(
        offered: &BTreeSet<String>,
        tally: &Tally,
        outcomes: &CountResponse,
        connections: &CountResponse,
        verdict: &Verdict,
    ) -> Self {
        let by_connection = by_connection(offered, tally, connections, verdict);
        let pairs = by_connection.len();
        let unequal_pairs = by_connection
            .into_iter()
            .filter(|(_, counts)| !counts.is_equal())
            .collect();
        let total = outcomes.total.as_ref();
        let counters = total
            .map(|total| total.outcomes.as_slice())
            .unwrap_or_default();
        let made = tally.by_outcome();
        let outcome = |outcome: Outcome| Threefold {
            participants: made.get(&outcome).copied().unwrap_or(0),
            counters: count_of(counters, outcome),
            recount: verdict.count_of(outcome),
        };
        let tests: u64 = tally.tests.values().flat_map(BTreeMap::values).sum();
        Self {
            outcomes: Outcome::ALL.map(|it| (it, outcome(it))).into(),
            tests: Threefold {
                participants: tests,
                counters: 0,
                recount: verdict.summary.tests,
            },
            pairs,
            unequal_pairs,
            unequal_measures: unequal_measures(tally, outcomes),
            clean: verdict.summary.clean,
            unknown: tally.unknown.values().sum(),
        }
    }

    pub fn is_equal(&self) -> bool {
        self.clean
            && self.unknown == 0
            && self.tests.participants == self.tests.recount
            && self.unequal_pairs.is_empty()
            && self.unequal_measures.is_empty()
            && self.outcomes.iter().all(|(_, counts)| counts.is_equal())
    }
}

/// Sums of what was stated in transactions.
fn unequal_measures(tally: &Tally, counted: &CountResponse) -> Vec<(String, u128, u128)> {
    let mut sums = BTreeMap::<&str, (u128, u128)>::new();
    for ((_, outcome, name), value) in &tally.measures {
        if outcome.is_transaction() {
            sums.entry(name).or_default().0 += u128::from(*value);
        }
    }
    for sum in counted.total.iter().flat_map(|total| &total.measures) {
        let value = (u128::from(sum.value_high) << 64) | u128::from(sum.value);
        sums.entry(&sum.name).or_default().1 += value;
    }
    let unequal = sums
        .into_iter()
        .filter(|(_, (stated, held))| stated != held);
    unequal
        .map(|(name, (stated, held))| (name.to_owned(), stated, held))
        .collect()
}

fn by_connection(
    offered: &BTreeSet<String>,
    tally: &Tally,
    connections: &CountResponse,
    verdict: &Verdict,
) -> BTreeMap<String, Threefold> {
    let mut pairs = BTreeMap::<String, Threefold>::new();
    let mut count = |pair: String, add: &dyn Fn(&mut Threefold)| {
        add(pairs.entry(pair).or_default());
    };
    for (
        Target {
            consumer,
            provider,
            service,
        },
        outcomes,
    ) in &tally.connections
    {
        let provider = provider.as_ref().map_or("", |provider| provider.as_str());
        let service = offered.get(service.as_str()).map_or("", String::as_str);
        for (outcome, calls) in outcomes {
            let pair = pair(consumer.as_str(), provider, service, *outcome);
            count(pair, &|counts| counts.participants += calls);
        }
    }
    for row in &connections.rows {
        let counts = row.counts.as_ref().map(|counts| counts.outcomes.as_slice());
        let (consumer, provider, service) = parts(&row.key);
        for outcome in Outcome::ALL {
            let calls = count_of(counts.unwrap_or_default(), outcome);
            if calls > 0 {
                let pair = pair(consumer, provider, service, outcome);
                count(pair, &|counts| counts.counters += calls);
            }
        }
    }
    for (connection, outcome, calls) in verdict.by_connection() {
        let Connection {
            consumer,
            provider,
            service,
        } = connection;
        let pair = pair(consumer, provider, service, outcome);
        count(pair, &|counts| counts.recount += calls);
    }
    pairs
}

/// Connection and outcome in one line. A refused call may have been refused before its provider
/// was known to the hub, so refusals are compared by consumer and service.
fn pair(consumer: &str, provider: &str, service: &str, outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused => format!("{consumer}>*/{service} {outcome}"),
        _ => format!("{consumer}>{provider}/{service} {outcome}"),
    }
}

/// Consumer, provider and service of a key such as `H26/lgsp>G01/population/a.v1.B`; a dash stands
/// for what a refusal left unknown.
fn parts(key: &str) -> (&str, &str, &str) {
    let (consumer, rest) = key.split_once('>').unwrap_or((key, ""));
    let (provider, service) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let known = |name| if name == "-" { "" } else { name };
    (known(consumer), known(provider), known(service))
}

fn count_of(outcomes: &[OutcomeCount], wanted: Outcome) -> u64 {
    let number = i32::from(wanted.number());
    let found = outcomes.iter().find(|it| it.outcome == number);
    found.map_or(0, |it| it.count)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use ndxp_proto::journal::v1::entry::Body;
    use ndxp_proto::journal::v1::{Call, Entry, TransactionClosed, TransactionOpened};
    use ndxp_proto::statistics::v1::{CountRow, Counts};

    use super::*;
    use crate::verify::Check;

    /// Makes one side count otherwise: participants, totals, connections, recount.
    type Change = fn(&mut Tally, &mut CountResponse, &mut CountResponse, &mut Verdict);

    const SERVICE: &str = "a.v1.Population";

    /// One completed call, and one refused whose provider the hub never learned.
    fn tally() -> Tally {
        let target = Target {
            consumer: "H26/lgsp".parse().unwrap(),
            provider: "G01/population".parse().ok(),
            service: SERVICE.parse().unwrap(),
        };
        let outcomes = BTreeMap::from([(Outcome::Completed, 1), (Outcome::Refused, 1)]);
        Tally {
            connections: BTreeMap::from([(target, outcomes)]),
            ..Tally::default()
        }
    }

    fn offered() -> BTreeSet<String> {
        BTreeSet::from([SERVICE.to_owned()])
    }

    fn counts(outcomes: &[Outcome]) -> Option<Counts> {
        let outcomes = outcomes.iter().map(|outcome| OutcomeCount {
            outcome: outcome.number().into(),
            count: 1,
        });
        Some(Counts {
            outcomes: outcomes.collect(),
            ..Counts::default()
        })
    }

    fn totals() -> CountResponse {
        CountResponse {
            total: counts(&[Outcome::Completed, Outcome::Refused]),
            ..CountResponse::default()
        }
    }

    fn connections() -> CountResponse {
        let row = |provider: &str, outcome| CountRow {
            key: format!("H26/lgsp>{provider}/{SERVICE}"),
            counts: counts(&[outcome]),
            ..CountRow::default()
        };
        let rows = vec![
            row("-", Outcome::Refused),
            row("G01/population", Outcome::Completed),
        ];
        CountResponse {
            rows,
            ..CountResponse::default()
        }
    }

    /// A recount of these two calls; the counters are not held against it here.
    fn verdict() -> Verdict {
        let connection = |provider: &str| {
            Some(Connection {
                consumer: "H26/lgsp".to_owned(),
                provider: provider.to_owned(),
                service: SERVICE.to_owned(),
            })
        };
        let id = |last| {
            [
                &[1, 0x82, 0x20, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0][..],
                &[last],
            ]
            .concat()
        };
        let call = |provider| {
            Some(Call {
                connection: connection(provider),
                ..Call::default()
            })
        };
        let opened = TransactionOpened {
            transaction_id: id(1),
            call: call("G01/population"),
        };
        let completed = TransactionClosed {
            transaction_id: id(1),
            opened_sequence: 1,
            connection: connection("G01/population"),
            outcome: Outcome::Completed.number().into(),
            ..TransactionClosed::default()
        };
        let refused = TransactionClosed {
            transaction_id: id(2),
            connection: connection(""),
            outcome: Outcome::Refused.number().into(),
            refused_call: call("").map(Box::new),
            ..TransactionClosed::default()
        };
        let bodies = [
            Body::Opened(opened),
            Body::Closed(completed),
            Body::Closed(refused),
        ];
        let mut check = Check::new(TimeZone::UTC);
        for (sequence, body) in (1..).zip(bodies) {
            check.entry(&Entry {
                sequence,
                committed_at_us: 1,
                body: Some(body),
            });
        }
        let mut verdict = check.finish(3, 0);
        verdict.summary.clean = true;
        verdict
    }

    #[test]
    fn what_three_counted_alike_is_equal() {
        let comparison =
            Comparison::of(&offered(), &tally(), &totals(), &connections(), &verdict());
        assert!(comparison.is_equal(), "{comparison:?}");
        assert_eq!(comparison.pairs, 2);
    }

    #[test]
    fn one_call_more_or_less_on_any_side_is_unequal() {
        let once_more: [Change; 7] = [
            |tally, _, _, _| {
                let target = tally.connections.keys().next().unwrap().clone();
                let key = (target, Outcome::Completed, "documents_sent");
                tally.measures.insert(key, 1);
            },
            |tally, _, _, _| {
                let outcomes = tally.connections.values_mut().next().unwrap();
                *outcomes.get_mut(&Outcome::Completed).unwrap() += 1;
            },
            |_, totals, _, _| totals.total.as_mut().unwrap().outcomes[0].count += 1,
            |_, _, connections, _| {
                connections.rows.pop();
            },
            |_, _, _, verdict| verdict.summary.clean = false,
            |_, _, _, verdict| verdict.summary.tests += 1,
            |tally, _, _, _| {
                let target = tally.connections.keys().next().unwrap().clone();
                tally.unknown.insert(target, 1);
            },
        ];
        for (number, change) in once_more.into_iter().enumerate() {
            let mut sides = (tally(), totals(), connections(), verdict());
            change(&mut sides.0, &mut sides.1, &mut sides.2, &mut sides.3);
            let (tally, totals, connections, verdict) = sides;
            let comparison = Comparison::of(&offered(), &tally, &totals, &connections, &verdict);
            assert!(!comparison.is_equal(), "change {number}: {comparison:?}");
        }
    }
}
